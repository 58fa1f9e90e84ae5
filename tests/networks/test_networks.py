"""Networks as values: sizes in, layers out."""

import contextlib
import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skhpo._compat import fresh_names, seeded_by
from skhpo.networks import as_sizes, build_cnn, build_mlp, check_blocks, per_layer

layers = keras.layers
BLOCK = {
    "filters": (4,),
    "kernel_size": 3,
    "padding": "valid",
    "strides": 1,
    "pool_size": 2,
    "dropout": 0.0,
}


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def shapes(model):
    return [tuple(weight.shape) for weight in model.trainable_weights]


def of(model, *classes):
    return [layer for layer in model.layers if isinstance(layer, classes)]


def mlp(**settings):
    return build_mlp(4, 3, "softmax", **settings)


def cnn(image_shape=(8, 8, 2), **settings):
    return build_cnn(image_shape, 3, "softmax", **settings)


# The multi-layer perceptron


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((), [(4, 3), (3,)]),
        (5, [(4, 5), (5,), (5, 3), (3,)]),
        ((5,), [(4, 5), (5,), (5, 3), (3,)]),
        ([5, 2], [(4, 5), (5,), (5, 2), (2,), (2, 3), (3,)]),
        (np.int64(5), [(4, 5), (5,), (5, 3), (3,)]),
    ],
)
def test_mlp_shapes(sizes, expected):
    model = mlp(hidden_layer_sizes=sizes)

    assert shapes(model) == expected
    assert model.input_shape == (None, 4)
    assert model.output_shape == (None, 3)
    assert model.built
    assert not model.compiled


@settings(max_examples=20)
@given(st.lists(st.integers(1, 9), max_size=3), st.booleans())
def test_mlp_counts_its_parameters(sizes, normalized):
    model = mlp(hidden_layer_sizes=tuple(sizes), batch_normalization=normalized)

    widths = [4, *sizes, 3]
    dense = sum((n + 1) * m for n, m in itertools.pairwise(widths))
    assert model.count_params() == dense + 4 * normalized * sum(sizes)


def test_mlp_is_linear_without_hidden_layers():
    model = build_mlp(4, 1, "linear", hidden_layer_sizes=())
    X = np.eye(4, dtype=np.float32)

    kernel, bias = model.get_weights()

    assert_array_equal(model(X), X @ kernel + bias)


def test_order_of_layers():
    settings = {"hidden_layer_sizes": (5, 2), "dropout": 0.5}

    plain = mlp(**settings)
    normalized = mlp(**settings, batch_normalization=True)

    assert kinds(plain) == ["Dense", "Dropout"] * 2 + ["Dense"]
    block = ["Dense", "BatchNormalization", "Activation", "Dropout"]
    assert kinds(normalized) == block * 2 + ["Dense"]
    assert [layer.activation.__name__ for layer in of(plain, layers.Dense)] == [
        "relu",
        "relu",
        "softmax",
    ]
    assert [layer.activation.__name__ for layer in of(normalized, layers.Dense)] == [
        "linear",
        "linear",
        "softmax",
    ]


@pytest.mark.parametrize("make", [mlp, cnn])
def test_names_are_the_same_every_time(make):
    names = []
    for _ in range(2):
        with fresh_names():
            model = make(dropout=0.5, batch_normalization=True)
        names.append([v.path for v in model.variables] + [model.name])

    assert names[0] == names[1]
    assert len(set(names[0])) == len(names[0])


@pytest.mark.parametrize("make", [mlp, cnn])
def test_seed_gives_the_weights(make):
    weights = []
    for seed in (1, 1, 2):
        with seeded_by(seed):
            weights.append([v.numpy() for v in make(dropout=0.5).variables])

    for one, again in zip(*weights[:2], strict=True):
        assert_array_equal(one, again)
    assert not np.array_equal(weights[0][0], weights[2][0])


# Activations


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize(
    "activation",
    [
        layers.LeakyReLU(0.3),
        layers.PReLU(),
        layers.ELU(name="same"),
        keras.activations.tanh,
        "gelu",
        lambda x: 2 * x,
    ],
)
@pytest.mark.parametrize("make", [mlp, cnn])
def test_activations_of_all_kinds(make, activation, normalized):
    hidden = "hidden_layer_sizes" if make is mlp else "dense_layer_sizes"

    model = make(
        activation=activation, batch_normalization=normalized, **{hidden: (5, 5)}
    )

    is_layer = isinstance(activation, layers.Layer)
    found = of(model, type(activation)) if is_layer else of(model, layers.Activation)
    n_hidden = 2 if make is mlp else 3
    assert len(found) == (n_hidden if is_layer or normalized else 0)
    # Each layer has an activation of its own, and the one given is in none.
    assert len({id(layer) for layer in found}) == len(found)
    assert activation not in found
    assert model(np.ones((2, *model.input_shape[1:]), np.float32)).shape == (2, 3)


def test_activations_keep_their_settings():
    model = mlp(activation=layers.LeakyReLU(0.3), hidden_layer_sizes=(5, 5))

    slopes = [layer.negative_slope for layer in of(model, layers.LeakyReLU)]

    assert slopes == [pytest.approx(0.3)] * 2


# Initializers and penalties


def hidden_kernels(initializer):
    with seeded_by(1):
        model = mlp(hidden_layer_sizes=(4, 4), kernel_initializer=initializer)
    return [layer.kernel.numpy() for layer in of(model, layers.Dense)[:2]]


@pytest.mark.parametrize("initializer", ["he_normal", keras.initializers.HeNormal()])
def test_initializer_without_a_seed_starts_each_layer_otherwise(initializer):
    first, second = hidden_kernels(initializer)

    assert not np.array_equal(first, second)
    for kernel, again in zip((first, second), hidden_kernels(initializer), strict=True):
        assert_array_equal(kernel, again)


def test_initializer_with_a_seed_is_taken_at_its_word():
    initializer = keras.initializers.HeNormal(seed=7)

    first, second = hidden_kernels(initializer)

    assert_array_equal(first, second)
    assert_array_equal(first, keras.initializers.HeNormal(seed=7)((4, 4)))


@pytest.mark.parametrize("make", [mlp, cnn])
@pytest.mark.parametrize(
    ("penalties", "expected"),
    [
        ({}, None),
        ({"l1": 0.1}, (0.1, 0.0)),
        ({"l2": 0.2}, (0.0, 0.2)),
        ({"l1": 0.1, "l2": 0.2}, (0.1, 0.2)),
    ],
)
def test_penalties_are_on_every_kernel(make, penalties, expected):
    weighted = of(make(**penalties), layers.Dense, layers.Conv2D)

    assert len(weighted) >= 2
    for layer in weighted:
        found = layer.kernel_regularizer
        assert (found and (found.l1, found.l2)) == expected


# One value for each layer


def test_per_layer():
    assert per_layer(0.5, 3, "dropout") == (0.5, 0.5, 0.5)
    assert per_layer([0.1, 0.2], 2, "dropout") == (0.1, 0.2)
    assert per_layer("same", 2, "padding") == ("same", "same")
    assert per_layer(3, 0, "kernel_size") == ()
    assert as_sizes(3) == as_sizes([3]) == (3,)


def test_dropout_for_each_layer():
    model = mlp(hidden_layer_sizes=(5, 4, 3), dropout=(0.1, 0.0, 0.3))

    assert kinds(model) == ["Dense", "Dropout", "Dense", "Dense", "Dropout", "Dense"]
    assert [layer.rate for layer in of(model, layers.Dropout)] == [0.1, 0.3]


@pytest.mark.parametrize(
    ("make", "settings", "message"),
    [
        (
            mlp,
            {"hidden_layer_sizes": (5, 4), "dropout": (0.1,)},
            r"dropout must be one value or one for each of the 2 layers, got 1: "
            r"\(0.1,\)",
        ),
        (
            cnn,
            {"filters": (5,), "dropout": [0.1, 0.2]},
            r"dropout must be one value or one for each of the 1 layers, got 2: "
            r"\[0.1, 0.2\]",
        ),
        (
            cnn,
            {"filters": (4, 4), "kernel_size": (3, 3, 3)},
            r"kernel_size must be one value or one for each of the 2 layers, got 3",
        ),
        (
            cnn,
            {"filters": (4, 4, 4), "padding": ("same", "valid")},
            r"padding must be one value or one for each of the 3 layers, got 2",
        ),
    ],
)
def test_values_that_match_no_layers(make, settings, message):
    with pytest.raises(ValueError, match=message):
        make(**settings)


# The convolutional network


def test_cnn_by_default():
    model = cnn()

    assert kinds(model) == ["Conv2D", "MaxPooling2D", "Flatten", "Dense", "Dense"]
    assert shapes(model) == [
        (3, 3, 2, 32),
        (32,),
        (3 * 3 * 32, 100),
        (100,),
        (100, 3),
        (3,),
    ]


def test_cnn_without_blocks_or_dense_layers():
    assert kinds(cnn(filters=())) == ["Flatten", "Dense", "Dense"]
    assert kinds(cnn(dense_layer_sizes=())) == [
        "Conv2D",
        "MaxPooling2D",
        "Flatten",
        "Dense",
    ]
    assert kinds(cnn(filters=(), dense_layer_sizes=())) == ["Flatten", "Dense"]


def test_cnn_order_of_layers():
    model = cnn(batch_normalization=True, dropout=0.5, pool_size=1)

    assert kinds(model) == [
        "Conv2D",
        "BatchNormalization",
        "Activation",
        "Dropout",
        "Flatten",
        "Dense",
        "BatchNormalization",
        "Activation",
        "Dense",
    ]


def test_settings_for_each_block():
    model = cnn(
        (16, 16, 1),
        filters=(4, 8),
        kernel_size=(3, (4, 1)),
        padding=("same", "valid"),
        strides=((2, 1), 1),
        pool_size=(2, 1),
        dropout=(0.0, 0.5),
    )

    convolutions = of(model, layers.Conv2D)
    assert [layer.kernel_size for layer in convolutions] == [(3, 3), (4, 1)]
    assert [layer.padding for layer in convolutions] == ["same", "valid"]
    assert [layer.strides for layer in convolutions] == [(2, 1), (1, 1)]
    assert [layer.pool_size for layer in of(model, layers.MaxPooling2D)] == [(2, 2)]
    assert kinds(model)[:5] == [
        "Conv2D",
        "MaxPooling2D",
        "Conv2D",
        "Dropout",
        "Flatten",
    ]


@pytest.mark.parametrize("name", ["kernel_size", "strides", "pool_size", "filters"])
def test_numbers_of_numpy_are_numbers(name):
    model = cnn(**{name: np.int64(2)})

    assert shapes(model) == shapes(cnn(**{name: 2}))


pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=30)
@given(
    image=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    kernel=pairs,
    padding=st.sampled_from(["valid", "same"]),
    strides=pairs,
    pool=pairs,
    n_blocks=st.integers(1, 2),
)
def test_sizes_are_those_of_keras(image, kernel, padding, strides, pool, n_blocks):
    settings = {
        "filters": (2,) * n_blocks,
        "kernel_size": [kernel] * n_blocks,
        "padding": padding,
        "strides": [strides] * n_blocks,
        "pool_size": [pool] * n_blocks,
    }

    def by_keras():
        x = keras.Input((*image, 1))
        for _ in range(n_blocks):
            x = layers.Conv2D(2, kernel, strides, padding)(x)
            x = layers.MaxPooling2D(pool)(x)
        return x.shape[1:3]

    found = None
    with contextlib.suppress(ValueError):
        found = by_keras()
    if found is None or min(found) < 1:
        with pytest.raises(ValueError, match="shrinks an image"):
            check_blocks((*image, 1), dropout=0.0, **settings)
        return
    model = build_cnn((*image, 1), 3, "softmax", **settings, dense_layer_sizes=())
    flat = of(model, layers.Flatten)[0]
    assert flat.input.shape[1:] == (*found, 2)
    assert flat.output.shape[1] == 2 * found[0] * found[1]


@pytest.mark.parametrize(
    ("image_shape", "settings", "number", "before", "after"),
    [
        ((2, 9, 1), {}, 1, "2 x 9", "0 x 3"),
        ((8, 8, 1), {"filters": (4, 4)}, 2, "3 x 3", "0 x 0"),
        ((8, 8, 1), {"pool_size": 7}, 1, "8 x 8", "0 x 0"),
        ((5, 5, 1), {"strides": 5, "padding": "same"}, 1, "5 x 5", "0 x 0"),
        ((8, 3, 1), {"kernel_size": [(2, 4)]}, 1, "8 x 3", "3 x 0"),
    ],
)
def test_image_that_shrinks_to_nothing(image_shape, settings, number, before, after):
    with pytest.raises(
        ValueError,
        match=f"Each block must leave at least one pixel, but block {number} shrinks "
        f"an image of {before} to {after}",
    ) as error:
        cnn(image_shape, **settings)

    way_out = "Use fewer blocks, padding='same', or a smaller kernel_size or pool_size"
    assert way_out in str(error.value)
    merged = {**BLOCK, **settings}
    for name in ("padding", "strides", "kernel_size", "pool_size"):
        value = merged[name]
        value = value[0] if isinstance(value, list) else value
        pair = (value, value) if isinstance(value, int) else value
        assert f"{name} {pair!r}" in str(error.value)
