"""The U-Net: images and masks in all their forms, and those that it refuses."""

import re

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from unet_pages import assert_same_state, one_hot, pages, unet

import skhpo
from skhpo import KerasUNet

X, Y = pages()


@pytest.fixture
def trainings(monkeypatch):
    """Return a list that receives what each fit gives the engine."""
    seen = []
    train = skhpo._training.train

    def spy(model, x, y, sample_weight=None, **settings):
        seen.append({"x": x, "y": y, "weights": sample_weight, **settings})
        return train(model, x, y, sample_weight, **settings)

    monkeypatch.setattr("skhpo._training.train", spy)
    return seen


@pytest.fixture(scope="module")
def fitted():
    return unet(epochs=12).fit(X, Y)


# What it learns


def test_it_learns_and_says_how_it_was_trained(fitted):
    assert fitted.training_path_ == "compiled"
    assert fitted.training_path_reason_ is None
    assert fitted.score(X, Y) > 0.6
    assert_array_equal(fitted.classes_, [0, 1, 2])
    assert fitted.image_shape_ == (16, 16, 1)
    assert fitted.n_iter_ == 12
    assert fitted.predict(X).shape == Y.shape
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (*Y.shape, 3)
    assert probabilities.dtype == np.float32
    assert_allclose(probabilities.sum(axis=-1), 1, rtol=1e-5)
    assert_array_equal(probabilities.argmax(axis=-1), fitted.predict(X))


def test_rare_classes_are_found_by_weights():
    plain = unet(epochs=12).fit(X, Y)
    weighted = unet(epochs=12, class_weight="balanced").fit(X, Y)
    rare = Y == 2
    assert (weighted.predict(X)[rare] == 2).mean() > (
        plain.predict(X)[rare] == 2
    ).mean()


def test_seeds_give_the_weights(fitted):
    assert_same_state(unet(epochs=12).fit(X, Y), fitted)
    other = unet(epochs=12, random_state=1).fit(X, Y)
    assert other.loss_curve_ != fitted.loss_curve_


def test_early_stopping_knows_that_more_f1_is_better():
    stopped = unet(
        epochs=8,
        early_stopping=True,
        monitor="val_f1",
        n_iter_no_change=2,
        validation_fraction=0.25,
    ).fit(X, Y)
    scores = stopped.history_["val_f1"]
    assert stopped.best_epoch_ == np.argmax(scores)
    with pytest.raises(ValueError, match="monitor must name a value recorded each"):
        stopped.set_params(monitor="val_dice").fit(X, Y)


def test_going_on():
    whole = unet().fit(X, Y)
    warm = unet(epochs=1, warm_start=True).fit(X, Y).fit(X, Y)
    part = unet(epochs=1).fit(X, Y).partial_fit(X, Y)
    for network in (warm, part):
        assert_same_state(network, whole)


def test_metrics_can_be_others_or_none():
    assert unet(metrics=(), epochs=1).fit(X, Y).history_.keys() == {"loss"}
    accuracy = unet(metrics=["accuracy"], epochs=1).fit(X, Y, X_val=X, y_val=Y)
    found = accuracy.history_["val_accuracy"][-1]
    assert found == pytest.approx((accuracy.predict(X) == Y).mean())


def test_a_network_without_metrics_of_its_own_needs_no_model_before_it_is_asked_for():
    sketched = unet(metrics=(), dropout=0.1).fit(X, Y)
    assert "model_" not in vars(sketched.wrapper_)
    modelled = unet(metrics=(), dropout=0.1, callbacks=[keras.callbacks.Callback()])
    assert_same_state(sketched, modelled.fit(X, Y))


# Forms of images


def test_images_with_or_without_an_axis_for_channels(trainings):
    for form in (X, X[..., np.newaxis], X.tolist()):
        network = unet().fit(form, Y)
        assert network.model_.input_shape == (None, None, None, 1)
        assert_allclose(network.predict_proba(form), network.predict_proba(X))
        assert trainings[-1]["x"].shape == (12, 16, 16, 1)
    assert np.shares_memory(trainings[0]["x"], X)


def test_bytes_stay_bytes_and_masks_become_bytes(trainings):
    images = (X * 255).astype(np.uint8)
    unet().fit(images, Y)
    assert trainings[0]["x"].dtype == np.uint8
    assert np.shares_memory(trainings[0]["x"], images)
    assert trainings[0]["y"].dtype == np.uint8


def test_colours():
    network = unet(epochs=1).fit(np.stack([X, X, X], axis=-1), Y)
    assert network.image_shape_ == (16, 16, 3)
    with pytest.raises(
        ValueError, match="of 3 channels, as KerasUNet was fitted on, g"
    ):
        network.predict(X)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (8, 40), (2, 2), (64, 34)])
def test_other_sizes_than_those_of_the_fit(fitted, height, width):
    images, masks = pages(5, max(height, 4), max(width, 4), seed=1)
    images, masks = images[:, :height, :width], masks[:, :height, :width]
    together = fitted.predict_proba(images)
    assert together.shape == (5, height, width, 3)
    for n in (1, 2, 3):
        # An answer does not depend on what else was asked. Within rounding: for other
        # numbers of images, kernels of some processors add in another order.
        assert_allclose(fitted.predict_proba(images[:n]), together[:n], rtol=1e-5)
    assert 0 <= fitted.score(images, masks) <= 1
    assert_allclose(fitted.model_.predict(images, verbose=0), together, rtol=1e-4)


def test_more_images_than_are_asked_about_at_once(fitted, monkeypatch):
    expected = fitted.predict_proba(X), fitted.score(X, Y)
    where = "skhpo.estimators._fully_convolutional."
    monkeypatch.setattr(where + "_PIXELS_AT_A_TIME", 2 * 16 * 16)
    monkeypatch.setattr(where + "_PIECES_OF_AN_ANSWER", 2)
    # Other numbers of images at once: the same within rounding.
    assert_allclose(fitted.predict_proba(X), expected[0], rtol=1e-5)
    assert_array_equal(fitted.predict(X), expected[0].argmax(axis=-1))
    assert fitted.score(X, Y) == expected[1]


def test_a_validation_set_may_have_another_size():
    images, masks = pages(3, 8, 32, seed=2)
    network = unet(epochs=1).fit(X, Y, X_val=images, y_val=masks)
    assert network.history_["val_f1"][0] == pytest.approx(network.score(images, masks))


# Forms of masks


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, 7, 5]),
        np.array([0.0, 2.0, 1.0]),
        np.array(["c", "a", "b"]),
        np.array(["paper", "block", "mark"], dtype=object),
    ],
)
def test_any_labels(labels):
    network = unet(epochs=4).fit(X, labels[Y], X_val=X, y_val=labels[Y].tolist())
    assert_array_equal(network.classes_, np.unique(labels))
    predicted = network.predict(X)
    assert predicted.dtype == network.classes_.dtype
    assert set(predicted.ravel()) <= set(labels)
    assert network.score(X, labels[Y]) == pytest.approx(network.history_["val_f1"][-1])


def test_two_classes_have_two_probabilities():
    network = unet(epochs=1).fit(X, Y > 0)
    assert_array_equal(network.classes_, [False, True])
    assert network.predict(X).dtype == bool
    assert network.predict_proba(X).shape == (*Y.shape, 2)


@pytest.mark.parametrize("dtype", [np.uint8, bool, np.float64])
def test_masks_with_an_axis_for_the_classes(dtype, trainings):
    indices = unet().fit(X, Y)
    network = unet().fit(X, one_hot(Y).astype(dtype), X_val=X, y_val=Y)
    assert trainings[-1]["y"].shape == (*Y.shape, 3)
    assert network.model_.loss == "categorical_crossentropy"
    assert_allclose(network.loss_curve_, indices.loss_curve_, rtol=1e-5)
    assert_allclose(network.history_["f1"], indices.history_["f1"], rtol=1e-3)
    assert_array_equal(network.classes_, [0, 1, 2])
    assert network.predict(X).shape == Y.shape
    assert network.score(X, one_hot(Y)) == network.score(X, Y)
    assert network.history_["val_f1"][-1] == pytest.approx(network.score(X, Y))


def test_probabilities_as_masks():
    shares = np.random.default_rng(0).dirichlet(np.ones(3), Y.shape)
    network = unet(epochs=1).fit(X, shares, X_val=X, y_val=shares)
    expected = -(shares * np.log(network.predict_proba(X))).sum(axis=-1).mean()
    assert network.history_["val_loss"][0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("masks", [Y, one_hot(Y)], ids=["labels", "one-hot"])
@pytest.mark.parametrize(
    ("settings", "has_axis"),
    [
        ({"loss": "sparse_categorical_crossentropy"}, False),
        ({"loss": "dice"}, True),
        ({"loss": keras.losses.CategoricalFocalCrossentropy()}, True),
        ({"metrics": [keras.metrics.OneHotMeanIoU(3)]}, True),
    ],
)
def test_losses_and_metrics_get_masks_of_their_kind(
    masks, settings, has_axis, trainings
):
    network = unet(epochs=1, **settings).fit(X, masks)
    assert trainings[0]["y"].ndim == 3 + has_axis
    assert len(network.history_) == (2 if "metrics" in settings else 5)


def test_the_number_of_classes_can_be_said():
    network = unet(n_classes=5, epochs=1).fit(X[:4], Y[:4] % 2)
    assert_array_equal(network.classes_, np.arange(5))
    network.partial_fit(X, Y)
    assert network.predict_proba(X).shape == (*Y.shape, 5)


def test_the_first_partial_fit_needs_all_labels():
    for network, classes in ((unet(), [0, 1, 2]), (unet(n_classes=3), None)):
        network.partial_fit(X[:4], Y[:4] % 2, classes=classes).partial_fit(X, Y)
        assert_array_equal(network.classes_, [0, 1, 2])
        with pytest.raises(ValueError, match=r"classes must be \[0, 1, 2\], as in the"):
            network.partial_fit(X, Y, classes=[0, 1, 2, 3])
    assert unet().partial_fit(X, one_hot(Y)).n_iter_ == 1
    with pytest.raises(ValueError, match="classes must be passed on the first call to"):
        unet().partial_fit(X, Y)


# What it refuses


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((9, 64), r"got \(9, 64\); reshape flat rows to images"),
        ((9, 4, 4, 1, 1), r"height, width, channels\), got \(9, 4, 4, 1, 1\)"),
        ((9, 0, 4), r"got \(9, 0, 4\)"),
        ((0, 4, 4), r"Found array with 0 sample\(s\)"),
        (
            (9, 4, 6),
            r"multiples of 2 \*\* net_depth = 4, got 4 x 6 with net_depth=2; pad them "
            r"to 4 x 8, crop them, or lower net_depth",
        ),
        ((9, 5, 3), "got 5 x 3 .* pad them to 8 x 4"),
    ],
)
def test_images_that_are_none(shape, message):
    network = unet(net_depth=2)
    with pytest.raises(ValueError, match=message):
        network.fit(np.zeros(shape), np.zeros(shape[:3]))
    assert not hasattr(network, "wrapper_")


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        (Y[:11], r"a mask for each image, .* got \(11, 16, 16\) for X of \(12, 16, 16"),
        (Y[:, :8], r"got \(12, 8, 16\)"),
        (Y.reshape(12, -1), r"got \(12, 256\)"),
        (Y[..., np.newaxis], r"at least 2, got \(12, 16, 16, 1\); drop it for labels"),
        (Y + 0.5, r"must hold labels, got numbers with fractions, as 0.5; give prob"),
        (np.where(Y == 2, np.nan, Y), "Input y contains NaN"),
        (Y * 0, r"at least 2 classes, got one class: \[0\]; .* say so by n_classes"),
        (one_hot(Y) * 2, "add up to 1, got shares from 0 that add up to 2.0 and up to"),
        (one_hot(Y) - [1, 0, -1.0], "add up to 1, got shares from -1.0 that"),
    ],
)
def test_masks_that_are_none(masks, message):
    network = unet()
    with pytest.raises(ValueError, match=message):
        network.fit(X, masks)
    assert not hasattr(network, "wrapper_")
    with pytest.raises(NotFittedError, match="not fitted yet"):
        network.predict(X)


@pytest.mark.parametrize(
    ("settings", "masks", "message"),
    [
        (
            {"n_classes": 2},
            Y,
            r"known labels only, \[0, 1\], got also \[2\]; .* raise n",
        ),
        ({"n_classes": 3}, Y - 1, r"got also \[-1\]"),
        ({"n_classes": 3}, np.array(["a", "b", "c"])[Y], "got also .*'a'"),
        ({"n_classes": 4}, one_hot(Y), r"long as n_classes=4, got \(12, 16, 16, 3\)"),
        ({"class_weight": {5: 2.0}}, Y, r"classes, \[0, 1, 2\], are not in class_weig"),
        ({"class_weight": dict.fromkeys(range(3), 0)}, Y, "must have a weight above 0"),
        (
            {"loss": keras.losses.CategoricalCrossentropy(from_logits=True)},
            Y,
            "loss must take probabilities",
        ),
    ],
)
def test_masks_that_do_not_fit_the_settings(settings, masks, message):
    with pytest.raises(ValueError, match=message):
        unet(**settings).fit(X, masks)


@pytest.mark.parametrize(
    ("images", "masks", "message"),
    [
        (X, Y + 1, r"known labels only, \[0, 1, 2\], got also \[3\]"),
        (X, one_hot(Y, 4), r"that of the 3 classes, got \(12, 16, 16, 4\)"),
        (X[:, :15], Y[:, :15], "net_depth = 2, got 15 x 16"),
        (np.where(X > 0.5, np.nan, X), Y, "Input X contains NaN"),
    ],
)
def test_what_a_fit_cannot_go_on_with(fitted, images, masks, message):
    # Going on is by the depth of the network, whatever was set since.
    network = clone(fitted).set_params(epochs=1).fit(X, Y).set_params(net_depth=5)
    with pytest.raises(ValueError, match=message):
        network.partial_fit(images, masks)
    with pytest.raises(ValueError, match="of the kind of X and y: .*" + message):
        clone(network).set_params(net_depth=1).fit(X, Y, X_val=images, y_val=masks)
    if "X" in message or "net_depth" in message:
        with pytest.raises(ValueError, match=message):
            network.predict(images)


def test_every_parameter_refuses_what_is_none_in_one_message():
    names = KerasUNet().get_params()
    wrong = KerasUNet(**dict.fromkeys(names, ...))
    with pytest.raises(ValueError, match="Invalid parameters of KerasUNet") as error:
        wrong.fit(X, Y)
    found = re.findall(r"[:;] (\w+) must be [^;]*, got Ellipsis", str(error.value))
    assert found == sorted(names)
