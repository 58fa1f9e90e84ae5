"""Images and flat rows of them, and the blocks that they pass through."""

from functools import partial

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_sample_images
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import skhpo
from skhpo import KerasCNN, KerasCNNRegressor

cnn = partial(KerasCNN, 4, dense_layer_sizes=8, epochs=2, random_state=0)
regressor = partial(KerasCNNRegressor, 4, dense_layer_sizes=8, epochs=2, random_state=0)


@pytest.fixture(scope="module")
def patches():
    """Return 60 patches of 8 x 12 pixels in colour of two photos, and of which."""
    rows = []
    for photo in load_sample_images().images:
        rows += [photo[20 * i : 20 * i + 8, 30 * i : 30 * i + 12] for i in range(20)]
        rows += [photo[20 * i : 20 * i + 8, :12] for i in range(10)]
    return np.stack(rows), np.repeat(["china", "flower"], 30)


def assert_same_weights(one, other):
    pairs = zip(one.model_.get_weights(), other.model_.get_weights(), strict=True)
    for a, b in pairs:
        assert_array_equal(a, b)


@pytest.fixture
def inputs_of_engine(monkeypatch):
    """Return a list that receives the arrays that are trained or predicted on."""
    seen = []
    train, predict = skhpo._training.train, skhpo._training.predict

    def spy_train(model, x, *arguments, **settings):
        seen.append(x)
        return train(model, x, *arguments, **settings)

    def spy_predict(model, x, *arguments):
        seen.append(x)
        return predict(model, x, *arguments)

    monkeypatch.setattr("skhpo._training.train", spy_train)
    monkeypatch.setattr("skhpo._training.predict", spy_predict)
    return seen


# Forms of X


@pytest.mark.parametrize("make", [cnn, regressor])
def test_images_with_or_without_channels_and_rows_are_the_same(make, digit_bytes):
    images, y = digit_bytes
    forms = [images, images[..., np.newaxis], images.reshape(-1, 64), images.tolist()]
    networks = [make().fit(form, y) for form in forms[:3]]
    for network in networks:
        assert network.image_shape_ == (8, 8, 1)
        assert network.n_features_in_ == 64
        assert network.model_.input_shape == (None, 8, 8, 1)
        assert_same_weights(network, networks[0])
        for form in forms:
            predicted = network.predict(form)
            assert_allclose(predicted, networks[0].predict(images), rtol=1e-6)
    assert make().fit(images.tolist(), y).model_.input_shape == (None, 8, 8, 1)


def test_colours_are_channels(patches):
    images, y = patches
    network = cnn(epochs=30, learning_rate=0.01).fit(images / 255, y)
    assert network.image_shape_ == (8, 12, 3)
    assert network.n_features_in_ == 8 * 12 * 3
    assert network.score(images / 255, y) > 0.9
    assert network.score((images / 255).reshape(60, -1), y) > 0.9


@pytest.mark.parametrize("image_shape", [(8, 12, 3), [8, 12, 3]])
def test_image_shape_of_flat_rows(image_shape, patches):
    images, y = patches
    rows = images.reshape(60, -1)
    network = cnn(image_shape=image_shape).fit(rows, y)
    assert network.image_shape_ == (8, 12, 3)
    assert_same_weights(network, cnn().fit(images, y))
    assert_array_equal(network.predict(rows), network.predict(images))


def test_image_shape_without_channels(digits):
    X, y = digits
    network = cnn(image_shape=(4, 16)).fit(X, y)
    assert network.image_shape_ == (4, 16, 1)
    assert network.model_.input_shape == (None, 4, 16, 1)


def test_rows_that_are_no_square_are_one_row_high(iris):
    X, y = iris[0][:, :3], iris[1]
    network = cnn(padding="same", pool_size=1).fit(X, y)
    assert network.image_shape_ == (1, 3, 1)
    assert network.model_.input_shape == (None, 1, 3, 1)


def test_rows_behind_a_scaler(digit_bytes):
    images, y = digit_bytes
    pipeline = make_pipeline(MinMaxScaler(), cnn(epochs=20, learning_rate=0.02))
    assert (
        pipeline.fit(images.reshape(-1, 64), y).score(images.reshape(-1, 64), y) > 0.8
    )


def test_a_validation_set_may_have_another_form(digit_bytes):
    images, y = digit_bytes
    rows = images.reshape(-1, 64)
    mixed = cnn().fit(images, y, X_val=rows[:50], y_val=y[:50])
    alike = cnn().fit(rows, y, X_val=rows[:50], y_val=y[:50])
    assert mixed.history_ == alike.history_


def test_a_fit_may_go_on_with_another_form(digit_bytes):
    images, y = digit_bytes
    network = cnn(epochs=1).fit(images.reshape(-1, 64), y).partial_fit(images, y)
    assert_same_weights(network, cnn().fit(images, y))


# Forms that do not fit


@pytest.mark.parametrize(
    ("settings", "shape", "message"),
    [
        (
            {},
            (9, 8, 8, 1, 1),
            r"images of shape \(n_samples, height, width\[",
        ),
        (
            {"image_shape": (4, 4)},
            (9, 8, 8),
            r"got \(9, 8, 8\) with image_shape=",
        ),
        (
            {"image_shape": (8, 8, 3)},
            (9, 8, 8, 1),
            r"got \(9, 8, 8, 1\) with",
        ),
        (
            {"image_shape": (7, 7)},
            (9, 64),
            "as many values as a row of X, 64, got",
        ),
        ({}, (0, 8, 8), r"Found array with 0 sample\(s\)"),
        ({}, (9, 8, 0), r"Found array with 0 feature\(s\)"),
    ],
)
def test_shapes_that_are_no_images(settings, shape, message):
    network = cnn(**settings)
    with pytest.raises(ValueError, match=message):
        network.fit(np.zeros(shape), np.arange(len(np.zeros(shape))) % 2)
    assert not hasattr(network, "model_")


@pytest.fixture(scope="module")
def fitted(digit_bytes):
    return cnn().fit(*digit_bytes)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((9, 16, 4), r"images of \(8, 8, 1\) \(height, width, channels\), as KerasCNN"),
        ((9, 8, 8, 3), r"images of \(8, 8, 1\) .* was fitted on, got \(8, 8, 3\)"),
        ((9, 63), "X has 63 features, but KerasCNN is expecting 64 features"),
        ((9, 8, 8, 1, 1), r"or flat rows, got \(9, 8, 8, 1, 1\)"),
    ],
)
def test_shapes_other_than_those_of_the_fit(shape, message, fitted):
    X = np.zeros(shape)
    with pytest.raises(ValueError, match=message):
        fitted.predict(X)
    with pytest.raises(ValueError, match=message):
        fitted.partial_fit(X, np.arange(9))
    with pytest.raises(
        ValueError, match="X_val and y_val must be of the kind.*" + message
    ):
        clone(fitted).fit(np.zeros((9, 8, 8)), range(9), X_val=X, y_val=range(9))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"filters": (4, 4, 4)},
            r"block 2 shrinks an image of 3 x 3 to 0 x 0 \(kernel_size \(3, 3\), "
            r"padding 'valid', strides \(1, 1\), pool_size \(2, 2\)\)",
        ),
        ({"kernel_size": 9}, "block 1 shrinks an image of 8 x 8 to 0 x 0"),
        ({"kernel_size": ((1, 9),)}, "block 1 shrinks an image of 8 x 8 to 4 x 0"),
        ({"pool_size": 7}, "block 1 shrinks an image of 8 x 8 to 0 x 0"),
        (
            {"filters": (2, 2), "strides": (5, 3)},
            "block 2 shrinks an image of 1 x 1",
        ),
    ],
)
@pytest.mark.parametrize("make", [cnn, regressor])
def test_a_block_that_shrinks_the_image_to_nothing(make, settings, message, digits):
    network = make().set_params(**settings)
    way_out = r"Use fewer blocks, padding='same', or a smaller kernel_size or pool_size"
    with pytest.raises(ValueError, match=f"{message}.*{way_out}"):
        network.fit(*digits)
    assert not hasattr(network, "model_")


# Blocks


def test_each_block_has_its_own_settings(digits):
    network = KerasCNN(
        (3, 5),
        kernel_size=(2, (1, 3)),
        padding=("same", "valid"),
        strides=(1, (2, 1)),
        pool_size=(1, (1, 2)),
        dropout=(0.0, 0.25),
        dense_layer_sizes=(7, 6),
        activation="tanh",
        epochs=1,
    ).fit(*digits)
    layers = network.model_.layers
    assert [type(layer).__name__ for layer in layers] == [
        *("Conv2D", "Conv2D", "MaxPooling2D", "Dropout", "Flatten"),
        *("Dense", "Dense", "Dense"),
    ]
    first, second, pool, dropout, *_ = layers
    assert (first.filters, first.kernel_size, first.padding) == (3, (2, 2), "same")
    assert (second.filters, second.kernel_size, second.padding) == (5, (1, 3), "valid")
    assert (first.strides, second.strides) == ((1, 1), (2, 1))
    assert pool.pool_size == (1, 2)
    assert dropout.rate == 0.25
    assert first.activation is keras.activations.tanh
    assert [layer.units for layer in layers[-3:]] == [7, 6, 10]
    assert network.predict(digits[0]).shape == (300,)


def test_one_setting_is_for_all_blocks(digits):
    network = KerasCNN((3, 5), kernel_size=2, padding="same", dropout=0.1, epochs=1)
    layers = network.fit(*digits).model_.layers
    blocks = [layer for layer in layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.kernel_size for layer in blocks] == [(2, 2), (2, 2)]
    assert sum(isinstance(layer, keras.layers.Dropout) for layer in layers) == 2
    assert sum(isinstance(layer, keras.layers.MaxPooling2D) for layer in layers) == 2


def test_normalization_and_penalties_of_blocks(digits):
    network = cnn(batch_normalization=True, l2=0.5, learning_rate=1e-12, epochs=1)
    plain = clone(network).set_params(l2=0.0).fit(*digits)
    network.fit(*digits)
    kernels = [
        layer.kernel for layer in plain.model_.layers if hasattr(layer, "kernel")
    ]
    penalty = 0.5 * sum(np.square(kernel).sum() for kernel in kernels)
    difference = network.history_["loss"][0] - plain.history_["loss"][0]
    assert len(kernels) == 3
    assert difference == pytest.approx(penalty, rel=1e-3)
    convolution, normalization, activation = network.model_.layers[:3]
    assert isinstance(convolution, keras.layers.Conv2D)
    assert isinstance(normalization, keras.layers.BatchNormalization)
    assert activation.activation is keras.activations.relu


def test_regression_on_images(digit_bytes):
    images, _ = digit_bytes
    halves = np.stack([images[:, :4].mean((1, 2)), images[:, 4:].mean((1, 2))], axis=1)
    network = regressor(epochs=60, learning_rate=0.01).fit(images / 16, halves / 16)
    assert network.predict(images / 16).shape == (300, 2)
    assert network.score(images / 16, halves / 16) > 0.7


# Bytes


def test_bytes_stay_bytes(digit_bytes, inputs_of_engine):
    images, y = digit_bytes
    network = cnn().fit(images, y, X_val=images[:9], y_val=y[:9])
    network.partial_fit(images, y)
    network.predict(images)
    network.predict_proba(images.reshape(-1, 64))
    assert len(inputs_of_engine) == 4
    for x in inputs_of_engine:
        assert x.dtype == np.uint8
        assert x.shape == (300, 8, 8, 1)
        assert np.shares_memory(x, images)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.float16, np.float16),
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.int16, np.float32),
    ],
)
def test_floats_stay_what_they_are(given, kept, digit_bytes, inputs_of_engine):
    images, y = digit_bytes
    network = cnn(epochs=1).fit(images.astype(given), y)
    assert inputs_of_engine[0].dtype == kept
    assert network.model_.compute_dtype == "float32"


def test_bytes_are_learnt_from_as_numbers(digit_bytes):
    images, y = digit_bytes
    as_bytes, as_floats = cnn().fit(images, y), cnn().fit(images.astype(float), y)
    assert_allclose(as_bytes.loss_curve_, as_floats.loss_curve_, rtol=1e-5)
    assert_allclose(
        as_bytes.predict_proba(images), as_bytes.predict_proba(images * 1.0), rtol=1e-5
    )
