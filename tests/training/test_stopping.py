"""When to stop, as arithmetic on the logs of epochs."""

import math

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhpo._training import EarlyStopping, is_better

nan, inf = math.nan, math.inf


def run(values, monitor="val_loss", **settings):
    """Return early stopping after the epochs that it lets pass, and their number."""
    stopping = EarlyStopping(monitor, **settings)
    for epoch, value in enumerate(values):
        stopping.update(epoch, {monitor: value})
        if stopping.exhausted:
            break
    return stopping, epoch + 1


@pytest.mark.parametrize(
    ("values", "settings", "n_epochs", "best_epoch"),
    [
        ([3, 2, 1, 2, 3, 4], {"patience": 2}, 5, 2),
        ([3, 2, 1, 2, 0, 4], {"patience": 2}, 6, 4),
        ([1, 1, 1], {"patience": 2}, 3, 0),
        ([1, 2, 3], {"patience": 1}, 2, 0),
        ([3, 2, 1], {"patience": 1}, 3, 2),
        # An improvement is more than min_delta, measured from the best.
        ([3, 2.5, 2.1, 1.9], {"patience": 9, "min_delta": 1}, 4, 3),
        ([3, 2], {"patience": 9, "min_delta": 1}, 2, 0),
        # What is no number is no improvement, and anything improves on it.
        ([2, nan, nan, 1], {"patience": 2}, 3, 0),
        ([nan, 5, 6], {"patience": 2}, 3, 1),
        ([nan, nan, nan], {"patience": 2}, 3, 0),
        ([inf, 1, -inf], {"patience": 2}, 3, 2),
        ([2, inf, inf], {"patience": 2}, 3, 0),
    ],
)
def test_epochs_of_a_loss(values, settings, n_epochs, best_epoch):
    stopping, n = run(values, **settings)

    assert n == n_epochs
    assert stopping.best_epoch == best_epoch
    assert stopping.exhausted == (stopping.wait >= stopping.patience)
    best = stopping.best
    assert best == values[best_epoch] or math.isnan(best)


@pytest.mark.parametrize(
    ("values", "settings", "n_epochs", "best_epoch"),
    [
        ([0.1, 0.2, 0.2, 0.1, 0.9], {"patience": 2}, 4, 1),
        ([0.1, 0.2, 0.4], {"patience": 2, "min_delta": 0.15}, 3, 2),
        ([nan, 0.1, 0.3], {"patience": 2}, 3, 2),
    ],
)
def test_epochs_of_an_accuracy(values, settings, n_epochs, best_epoch):
    stopping, n = run(values, "val_accuracy", **settings)

    assert (n, stopping.best_epoch) == (n_epochs, best_epoch)


# What these must be made with.
ARGUMENTS = {
    "IoU": {"num_classes": 2, "target_class_ids": [0]},
    "MeanIoU": {"num_classes": 2},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 2},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}
ABSTRACT = {"Metric", "MeanMetricWrapper"}
CLASSES = [
    name
    for name, cls in vars(keras.metrics).items()
    if isinstance(cls, type)
    and issubclass(cls, keras.metrics.Metric)
    and name not in ABSTRACT
]


@pytest.mark.parametrize("name", CLASSES)
def test_direction_of_each_metric_of_keras(name):
    metric = getattr(keras.metrics, name)(**ARGUMENTS.get(name, {}))
    direction = getattr(metric, "_direction", None)
    if direction is None:
        return  # Sums and means, better neither way.

    for monitor in (metric.name, f"val_{metric.name}"):
        assert is_better(2.0, 1.0, monitor) == (direction == "up")
        assert is_better(1.0, 2.0, monitor) == (direction == "down")


@pytest.mark.parametrize("name", ["loss", "val_loss", "mae", "val_kl_divergence"])
def test_less_of_a_loss_is_better(name):
    assert is_better(1.0, 2.0, name)
    assert not is_better(2.0, 1.0, name)


@pytest.mark.parametrize("name", ["acc", "accuracy", "auc", "val_auc_1", "AUC"])
def test_more_of_these_is_better(name):
    assert is_better(2.0, 1.0, name)
    assert not is_better(1.0, 2.0, name)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30), st.integers(1, 4))
def test_fit_ends_once_patience_has_run_out_and_not_before(values, patience):
    stopping, n = run(values, patience=patience)
    seen = values[:n]

    assert stopping.best == min(seen)
    assert stopping.best_epoch == seen.index(min(seen))
    assert stopping.wait == n - 1 - stopping.best_epoch <= patience
    assert n == len(values) or stopping.wait == patience


def test_unknown_value_is_named():
    with pytest.raises(
        ValueError,
        match=r"monitor must name a value recorded each epoch \(\['loss', 'mae'\]\), "
        r"got 'val_loss'; choose one of them or add it to metrics",
    ):
        EarlyStopping().update(0, {"mae": 1.0, "loss": 2.0})


def test_values_of_several_classes_are_no_single_number():
    with pytest.raises(
        ValueError, match=r"must name a single number .* 'f1', of 3; let"
    ):
        EarlyStopping("f1").update(0, {"f1": [0.1, 0.2, 0.3]})


def test_going_on_from_a_record_is_going_on():
    values = [3, 2, 4, 4, 1]
    whole, _ = run(values, patience=9)
    first, _ = run(values[:3], patience=9)
    rest = EarlyStopping(patience=9)
    rest.resume(first.record())
    for epoch, value in enumerate(values[3:], start=3):
        rest.update(epoch, {"val_loss": value})

    assert rest == whole
