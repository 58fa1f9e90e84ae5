"""The U-Net trained on pages that come in batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from unet_pages import Pages, one_hot, pages, unet

X, Y = pages()
WEIGHTS = np.linspace(0.5, 2, len(X))
in_order = {"shuffle": False, "batch_size": 4, "metrics": ()}


class Begun(BaseException):
    """Ends a fit that has got as far as training."""


@pytest.fixture
def begun(monkeypatch):
    """Return what a fit of a dataset gives the engine, without training."""

    def begin(network, *data):
        seen = []

        def train(model, x, *others, **settings):
            seen.append([x[i] for i in range(x.num_batches)])
            raise Begun

        monkeypatch.setattr("skhpo._training.train", train)
        with pytest.raises(Begun):
            network.fit(*data)
        return seen[0]

    return begin


def test_the_same_is_learned_as_from_arrays():
    labels = np.array(["a", "b", "c"])
    network = unet(**in_order, class_weight="balanced").fit(Pages(X, labels[Y]))
    arrays = unet(**in_order, class_weight="balanced").fit(X, labels[Y])
    assert network.training_path_ == "keras"
    assert network.training_path_reason_ == "X is not one array"
    assert_array_equal(network.classes_, labels)
    assert_allclose(network.loss_curve_, arrays.loss_curve_, rtol=1e-4)
    assert_allclose(network.predict_proba(X), arrays.predict_proba(X), atol=1e-4)
    # They are asked about in batches too, of any size.
    assert_array_equal(network.predict(Pages(X, labels[Y])), network.predict(X))
    probabilities = network.predict_proba(Pages(X, labels[Y], WEIGHTS))
    assert_allclose(probabilities, network.predict_proba(X), rtol=1e-5)
    assert network.score(Pages(X, labels[Y])) == network.score(X, labels[Y])
    weighted = network.score(X, labels[Y], WEIGHTS)
    assert network.score(Pages(X, labels[Y], WEIGHTS)) == pytest.approx(weighted)


def test_it_goes_on_and_is_measured_on_a_validation_set():
    tensors = tf.data.Dataset.from_tensor_slices((X[..., None], one_hot(Y))).batch(6)
    network = unet(
        epochs=1, metrics=(), warm_start=True, early_stopping=True, batch_size="all"
    )
    network.fit(X, one_hot(Y)).fit(tensors, X_val=X[:3], y_val=Y[:3])
    assert network.training_path_ == "keras"
    assert network.n_iter_ == 2
    assert np.isfinite(network.history_["val_loss"][1])


def test_batches_reach_the_network_as_arrays_do(begun):
    (x, y, weights), *_ = begun(
        unet(class_weight={2: 3.0}), Pages(X.astype(int), Y, WEIGHTS)
    )
    assert (x.shape, x.dtype, y.dtype) == ((4, 16, 16, 1), np.float32, np.uint8)
    expected = np.where(Y[:4] == 2, 3.0, 1.0) * WEIGHTS[:4, None, None]
    assert_allclose(weights, expected, rtol=1e-6)
    (_, _, weights), *_ = begun(unet(), Pages(X, Y, WEIGHTS))
    assert weights.shape == (4, 1, 1)
    of_pixels = np.random.default_rng(0).random(Y.shape)
    (_, _, weights), *_ = begun(unet(class_weight={2: 3.0}), Pages(X, Y, of_pixels))
    assert_allclose(weights, np.where(Y[:4] == 2, 3, 1) * of_pixels[:4])
    assert [len(batch) for batch in begun(unet(), Pages(X, Y))] == [2] * 3


@pytest.mark.parametrize(
    ("settings", "masks", "n_taken"),
    [
        ({}, Y, 1 + 3),
        ({"n_classes": 3}, Y, 1 + 1),
        ({}, one_hot(Y), 1 + 1),
        ({"n_classes": 3, "class_weight": "balanced"}, Y, 1 + 1 + 3),
    ],
)
def test_no_more_batches_are_looked_at_than_needed(settings, masks, n_taken, begun):
    dataset = Pages(X, masks)
    batches = begun(unet(**settings), dataset)
    # An encoder of SciKeras's, which does nothing, counts the features of one.
    assert dataset.taken == n_taken + 1 + len(batches)


class Endless(Pages):
    num_batches = None


@pytest.mark.parametrize(
    ("settings", "data", "message"),
    [
        ({}, (Pages(X, Y), Y), "y and sample_weight must be None when X is a Pages"),
        ({"checkpoint_dir": "x"}, (Pages(X, Y),), "checkpoint_dir must be None when X"),
        (
            {"early_stopping": True},
            (Pages(X, Y),),
            "must be given X_val and y_val when",
        ),
        ({"net_depth": 5}, (Pages(X, Y),), "net_depth = 32, got 16 x 16"),
        ({"net_depth": 0}, (Pages(X, Y),), "Invalid parameters of KerasUNet"),
        ({}, (Pages(X, Y[:, 1:]),), "y must be a mask for each image"),
        ({}, (Pages(X, Y * 0),), "at least 2 classes, got one class"),
        ({}, (Pages(X),), r"must give batches \(X, y\)"),
        ({}, (Endless(X, Y),), "must end, got a Endless that goes on for ever"),
        (
            {"n_classes": 2, "class_weight": "balanced"},
            (Pages(X, Y),),
            r"known labels only, \[0, 1\], got also \[2\]",
        ),
        (
            {"loss": keras.losses.CategoricalCrossentropy(from_logits=True)},
            (Pages(X, Y),),
            "loss must take probabilities",
        ),
    ],
)
def test_datasets_that_cannot_be_fitted(settings, data, message):
    network = unet(**settings)
    with pytest.raises(ValueError, match=message):
        network.fit(*data)
    assert not hasattr(network, "wrapper_")


def test_unknown_labels_in_a_later_batch(begun):
    masks = Y.copy()
    masks[8:] = 3
    with pytest.raises(ValueError, match=r"known labels only, .* got also \[3\]"):
        begun(unet(n_classes=3), Pages(X, masks))
