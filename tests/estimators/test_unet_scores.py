"""What the U-Net is trained by and judged by, held against NumPy and scikit-learn."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score
from sklearn.utils.class_weight import compute_class_weight
from unet_pages import one_hot, pages, unet

import skhpo
from skhpo.estimators._pixel_scores import PIXEL_SCORES, PixelScore

X, Y = pages()
OF_SCIKIT_LEARN = {
    "f1": f1_score,
    "precision": precision_score,
    "recall": recall_score,
    "iou": jaccard_score,
}
BATCH_HOOK = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: 0)


def expected_score(name, true, found, **settings):
    score = OF_SCIKIT_LEARN[name]
    return score(
        np.ravel(true), np.ravel(found), average="macro", zero_division=0, **settings
    )


def random_maps(seed, n_classes=4, absent=()):
    random = np.random.default_rng(seed)
    classes = np.setdiff1d(np.arange(n_classes), absent)
    true = random.choice(classes, (6, 4, 8))
    outputs = random.random((6, 4, 8, n_classes), dtype=np.float32)
    outputs[..., list(absent)] = 0
    return true, outputs


# Metrics


@pytest.mark.parametrize("name", PIXEL_SCORES)
@pytest.mark.parametrize("absent", [(), (1,), (0, 2, 3)])
def test_metrics_are_those_of_scikit_learn(name, absent):
    metric = PixelScore(name, 4)
    for seed in range(2):
        true, outputs = random_maps(seed, absent=absent)
        metric.reset_state()
        # The score of all batches is no mean of theirs.
        for part in (slice(0, 1), slice(1, 6)):
            metric.update_state(true[part].astype(np.uint8), outputs[part])
        expected = expected_score(name, true, outputs.argmax(axis=-1))
        assert float(metric.result()) == pytest.approx(expected)
    with_axis = PixelScore(name, 4)
    with_axis.update_state(one_hot(true, 4), outputs)
    assert float(with_axis.result()) == pytest.approx(expected)


@pytest.mark.parametrize("name", PIXEL_SCORES)
def test_a_class_that_is_never_found_counts_as_0(name):
    metric = PixelScore(name, 3)
    assert float(metric.result()) == 0
    metric.update_state(np.array([[[0, 1]]]), np.array([[[[0.9, 0.1, 0]] * 2]]))
    expected = expected_score(name, [0, 1], [0, 0])
    assert float(metric.result()) == pytest.approx(expected)
    again = PixelScore.from_config(metric.get_config())
    assert (again.name, again.n_classes, float(again.result())) == (name, 3, 0)


def test_pixels_are_counted_exactly():
    metric = PixelScore("recall", 2)
    metric.counts.assign([[2.0**25, 0], [0, 0]])
    metric.update_state(np.zeros((1, 1, 1), int), np.array([[[[0.9, 0.1]]]]))
    assert float(metric.counts[0, 0]) == 2**25 + 1


@pytest.fixture(scope="module")
def measured():
    return unet(epochs=3).fit(X, Y, X_val=X[:5], y_val=Y[:5])


@pytest.mark.parametrize("name", PIXEL_SCORES)
def test_each_epoch_is_measured(name, measured):
    expected = expected_score(name, Y[:5], measured.predict(X[:5]))
    assert measured.history_[f"val_{name}"][-1] == pytest.approx(expected)
    assert len(measured.history_[name]) == 3


# score


def test_the_score_is_the_mean_f1(measured):
    predicted = measured.predict(X)
    weights = np.linspace(0, 2, len(X))
    assert measured.score(X, Y) == pytest.approx(expected_score("f1", Y, predicted))
    assert measured.score(X, one_hot(Y)) == measured.score(X, Y)
    expected = expected_score(
        "f1", Y, predicted, sample_weight=np.repeat(weights, Y[0].size)
    )
    assert measured.score(X, Y, weights) == pytest.approx(expected)


def test_labels_that_were_not_learnt_count_as_missed(measured):
    masks = Y.copy()
    masks[:, :3, :3], masks[:, 3, 3] = 7, -1
    expected = expected_score("f1", masks, measured.predict(X))
    assert measured.score(X, masks) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (None, r"y must be a mask for each image.* got \(\) for X"),
        (Y[:5], r"got \(5, 16, 16\)"),
        (one_hot(Y, 4), "that of the 3 classes"),
    ],
)
def test_masks_that_cannot_be_scored(measured, masks, message):
    with pytest.raises(ValueError, match=message):
        measured.score(X, masks)


# The loss


def crossentropy(network, images, masks, weights=1.0):
    probabilities = np.take_along_axis(
        network.predict_proba(images).astype(float), masks[..., np.newaxis], axis=-1
    )[..., 0]
    return np.mean(-np.log(probabilities) * weights)


@pytest.mark.parametrize(
    "class_weight", [{0: 0.5, 1: 2.0, 2: 9.0}, {2: 5.0}, "balanced"]
)
@pytest.mark.parametrize("form", [np.asarray, one_hot], ids=["labels", "one-hot"])
@pytest.mark.parametrize("are_weighted", [False, True])
def test_the_loss_of_each_pixel_is_weighted(
    class_weight, form, are_weighted, monkeypatch
):
    seen = []
    train = skhpo._training.train

    def spy(*data, **settings):
        seen.append((data[1:], settings["validation_data"]))
        return train(*data, **settings)

    monkeypatch.setattr("skhpo._training.train", spy)
    if class_weight == "balanced":
        values = compute_class_weight("balanced", classes=np.arange(3), y=Y.ravel())
    else:
        values = np.array([class_weight.get(label, 1.0) for label in range(3)])
    images = np.linspace(0.5, 2, len(X)) if are_weighted else np.ones(len(X))
    network = unet(
        epochs=1, metrics=(), class_weight=class_weight, early_stopping=True
    ).fit(X, form(Y), images if are_weighted else None)
    ((_, held_out),) = seen
    rows = [
        np.flatnonzero((image[..., 0] == X).all((1, 2)))[0] for image in held_out[0]
    ]
    weights = values[Y[rows]] * images[rows][:, np.newaxis, np.newaxis]
    assert_allclose(held_out[2], weights, rtol=1e-5)
    expected = crossentropy(network, X[rows], Y[rows], weights)
    assert network.history_["val_loss"][0] == pytest.approx(expected, rel=1e-5)


def test_weights_of_images_alone(monkeypatch):
    weights = np.linspace(0.5, 2, len(X))
    network = unet(epochs=1, metrics=(), early_stopping=True, validation_fraction=0.5)
    plain = network.fit(X, Y, np.ones(len(X))).history_
    assert plain == network.fit(X, Y).history_
    doubled = network.fit(X, Y, np.full(len(X), 2.0)).history_
    assert_allclose(doubled["val_loss"], np.multiply(2, plain["val_loss"]), rtol=0.05)
    weighted = network.fit(X, Y, weights)
    assert weighted.history_["val_loss"] != plain["val_loss"]
    # Of weight 0 is as not there.
    few = unet(epochs=1, metrics=()).fit(X, Y, np.arange(12) < 8)
    assert_allclose(
        few.model_.get_weights()[0],
        unet(epochs=1, metrics=()).fit(X[:8], Y[:8]).model_.get_weights()[0],
        rtol=1e-5,
    )


def test_folds_of_other_weights_share_a_program(monkeypatch):
    skhpo.clear_caches()
    made = []
    monkeypatch.setattr(
        "skhpo._training._cache.program_over", lambda model: made.append(model)
    )
    network = unet(epochs=1, class_weight="balanced", callbacks=[])
    monkeypatch.undo()
    network.fit(X, Y)
    (program,) = skhpo._training._cache.CACHE.programs
    n_traces = program.n_traces
    network.fit(X[:6], Y[:6])
    network.set_params(class_weight={2: 3.0}).fit(X[6:], Y[6:])
    assert program.n_traces == n_traces
    assert skhpo._training._cache.CACHE.programs == [program]


# The slow twin


@pytest.mark.parametrize(
    "settings",
    [
        {"class_weight": "balanced", "bn_after_act": True, "batch_size": 5},
        {"loss": "categorical_focal_crossentropy", "activation": "lrelu"},
    ],
)
def test_model_fit_learns_the_same(settings):
    fast = unet(**settings).fit(X, Y, X_val=X[:4], y_val=Y[:4])
    slow = unet(callbacks=[BATCH_HOOK], **settings)
    slow.fit(X, Y, X_val=X[:4], y_val=Y[:4])
    assert fast.training_path_ == "compiled"
    assert slow.training_path_ == "keras"
    assert slow.training_path_reason_ == "LambdaCallback is called for every batch"
    assert fast.history_.keys() == slow.history_.keys()
    for name, values in fast.history_.items():
        assert_allclose(slow.history_[name], values, rtol=1e-3, atol=1e-3)
    pairs = zip(fast.model_.get_weights(), slow.model_.get_weights(), strict=True)
    for a, b in pairs:
        assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    assert_array_equal(fast.predict(X), slow.predict(X))
