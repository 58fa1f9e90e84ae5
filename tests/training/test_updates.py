"""Fused updates against those of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from engine_models import network
from numpy.testing import assert_allclose

from skhpo._training import plan, train
from skhpo._training._updates import fused_update
from skhpo._training._weights import LARGEST_AS_VECTOR

optimizers = keras.optimizers
decay = optimizers.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5)

FUSED = {
    "adam": lambda: optimizers.Adam(0.1),
    "adam, other betas": lambda: optimizers.Adam(0.1, 0.5, 0.9, epsilon=1e-3),
    "adam, schedule": lambda: optimizers.Adam(decay),
    "sgd": lambda: optimizers.SGD(0.1),
    "sgd, schedule": lambda: optimizers.SGD(decay),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
}
NOT_FUSED = {
    "amsgrad": lambda: optimizers.Adam(amsgrad=True),
    "clipnorm": lambda: optimizers.Adam(clipnorm=1.0),
    "clipvalue": lambda: optimizers.SGD(clipvalue=1.0),
    "global clipnorm": lambda: optimizers.SGD(global_clipnorm=1.0),
    "accumulation": lambda: optimizers.SGD(gradient_accumulation_steps=2),
    "loss scale": lambda: optimizers.SGD(loss_scale_factor=2.0),
    "averages": lambda: optimizers.SGD(use_ema=True),
    "decay": lambda: optimizers.Adam(weight_decay=0.01),
    "another": lambda: optimizers.AdamW(),
    "own": lambda: type("Own", (optimizers.Adam,), {})(),
}


def variables_of(optimizer, **settings):
    values = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    variables = [
        keras.Variable(values, **settings),
        keras.Variable(values[0], **settings),
    ]
    optimizer.build(variables)
    return variables


def gradients_of_step(step):
    rng = np.random.default_rng(step)
    return [tf.constant(rng.normal(size=s), tf.float32) for s in ((3, 4), (4,))]


@pytest.mark.parametrize("make", FUSED.values(), ids=FUSED)
def test_steps_are_those_of_keras(make):
    ours, keras_own = make(), make()
    variables, expected = variables_of(ours), variables_of(keras_own)
    update = tf.function(fused_update(ours, variables), autograph=False)
    for step in range(5):
        update(gradients_of_step(step))
        keras_own.apply(gradients_of_step(step), expected)
    pairs = zip(
        [*variables, *ours.variables],
        [*expected, *keras_own.variables],
        strict=True,
    )
    for variable, other in pairs:
        assert_allclose(variable.numpy(), other.numpy(), rtol=1e-4, atol=1e-5)
    assert int(ours.iterations) == 5


@pytest.mark.parametrize("make", NOT_FUSED.values(), ids=NOT_FUSED)
def test_what_is_not_known_is_left_to_keras(make):
    optimizer = make()
    assert fused_update(optimizer, variables_of(optimizer)) is None


def test_constraints_are_left_to_keras():
    optimizer = optimizers.Adam()
    variables = variables_of(optimizer)
    variables[1].constraint = keras.constraints.NonNeg()
    assert fused_update(optimizer, variables) is None


def test_variables_of_several_types_are_left_to_keras():
    optimizer = optimizers.Adam()
    variables = [keras.Variable(np.zeros(3), dtype=f"float{n}") for n in (32, 64)]
    optimizer.build(variables)
    assert fused_update(optimizer, variables) is None


@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")
def test_a_variable_that_nothing_depends_on_stays():
    optimizer = optimizers.Adam(0.1)
    variables = variables_of(optimizer)
    before = [variable.numpy() for variable in variables]
    fused_update(optimizer, variables)([gradients_of_step(0)[0], None])
    assert not np.array_equal(variables[0].numpy(), before[0])
    assert_allclose(variables[1].numpy(), before[1])


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("units", [8, 8000], ids=["small", "large"])
def test_large_networks_are_updated_so(inputs, targets, monkeypatch, optimizer, units):
    asked = []
    monkeypatch.setattr(
        "skhpo._training._weights.fused_update", lambda *args: asked.append(args)
    )
    model = network(lambda: [keras.layers.Dense(units)], optimizer=optimizer)
    is_large = model.count_params() > LARGEST_AS_VECTOR
    train(model, inputs["rows"], targets["number"], plan=plan({"epochs": 1}, seed=0))
    assert len(asked) == is_large == (units > 8)
