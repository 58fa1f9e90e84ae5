"""U-Nets as values: what their levels are made of."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skhpo._compat import fresh_names, seeded_by
from skhpo.networks import build_unet

layers = keras.layers


def of(model, *classes):
    return [layer for layer in model.layers if isinstance(layer, classes)]


@settings(max_examples=8)
@given(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_it_counts_its_parameters(start_neurons, net_depth, n_channels, after):
    model = build_unet(
        n_channels,
        4,
        start_neurons=start_neurons,
        net_depth=net_depth,
        bn_after_act=after,
    )
    filters = [start_neurons * 2**i for i in range(net_depth + 1)]
    down = [(n_channels, filters[0]), *itertools.pairwise(filters)]
    up = [(2 * n, n) for n in filters[:-1]]
    convolutions = [pair for n, m in down + up for pair in ((n, m), (m, m))]
    expected = sum(9 * n * m + 4 * m + after * m for n, m in convolutions)
    expected += sum(4 * 2 * n * n + n for n in filters[:-1])
    assert model.count_params() == expected + 4 * (start_neurons + 1)
    assert model.input_shape == (None, None, None, n_channels)
    assert model.output_shape == (None, None, None, 4)
    assert not model.compiled


def test_levels_are_joined_by_what_was_there_on_the_way_down():
    model = build_unet(1, 3, start_neurons=np.int64(4), net_depth=np.int64(2))
    joints = of(model, layers.Concatenate)
    assert [joint.output.shape[-1] for joint in joints] == [16, 8]
    across = [joint.input[0] for joint in joints]
    pooled = [pool.input for pool in of(model, layers.MaxPooling2D)]
    assert [id(tensor) for tensor in across] == [id(tensor) for tensor in pooled[::-1]]
    assert model(np.zeros((2, 4, 12, 1))).shape == (2, 4, 12, 3)


@pytest.mark.parametrize("after", [False, True])
def test_the_normalization_stands_before_or_behind_the_activation(after):
    model = build_unet(1, 2, start_neurons=1, net_depth=1, bn_after_act=after)
    kinds = [type(layer).__name__ for layer in model.layers[1:7]]
    pair = ["BatchNormalization", "Activation"]
    assert kinds == ["Conv2D", *(pair[::-1] if after else pair)] * 2
    assert [layer.use_bias for layer in of(model, layers.Conv2D)] == [after] * 6 + [
        True
    ]


@pytest.mark.parametrize(
    ("dropout", "rates"),
    [(0.0, []), (0.25, [0.25] * 4), ((0.1, 0.3), [0.1, 0.3, 0.3, 0.1])],
)
def test_dropout_of_all_levels_or_of_each(dropout, rates):
    model = build_unet(1, 2, start_neurons=1, net_depth=2, dropout=dropout)
    dropouts = of(model, layers.Dropout)
    assert [layer.rate for layer in dropouts] == rates
    before = [type(layer.input._keras_history.operation) for layer in dropouts]
    pool, joint = layers.MaxPooling2D, layers.Concatenate
    assert before == [pool, pool, joint, joint][: len(rates)]


def test_dropout_of_another_number_of_levels():
    with pytest.raises(ValueError, match=r"dropout must be one value or .* 3 layers"):
        build_unet(1, 2, net_depth=3, dropout=(0.1, 0.1))


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        ("lrelu", keras.activations.leaky_relu),
        ("mish", keras.activations.mish),
        ("elu", keras.activations.elu),
        (np.sin, np.sin),
    ],
)
def test_activations(activation, function):
    model = build_unet(1, 2, start_neurons=1, net_depth=1, activation=activation)
    activations = of(model, layers.Activation)
    assert len(activations) == 6
    assert all(layer.activation is function for layer in activations)


def test_layers_as_activations_have_weights_of_their_own():
    shared = layers.PReLU(shared_axes=(1, 2))
    model = build_unet(1, 2, start_neurons=1, net_depth=1, activation=shared)
    assert len({id(layer) for layer in of(model, layers.PReLU)}) == 6
    assert not shared.built


def test_penalties_are_of_every_convolution():
    model = build_unet(1, 2, start_neurons=1, net_depth=1, l2=0.5)
    kernels = [layer.kernel for layer in model.layers if hasattr(layer, "kernel")]
    assert len(kernels) == 8
    expected = 0.5 * sum(np.square(kernel).sum() for kernel in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_names_and_seeded_weights_are_the_same_every_time():
    models = []
    for seed in (1, 1, 2):
        with fresh_names(), seeded_by(seed):
            models.append(build_unet(1, 2, start_neurons=1, net_depth=1, dropout=0.5))
    one, again, other = models
    assert [v.path for v in one.variables] == [v.path for v in again.variables]
    for a, b in zip(one.variables, again.variables, strict=True):
        assert_array_equal(a.numpy(), b.numpy())
    assert not np.array_equal(one.weights[0].numpy(), other.weights[0].numpy())
