"""Small networks for the tests of the engine, and what they are compared by."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import tensorflow as tf
from numpy.testing import assert_allclose

from skhpo._compat import seeded_by
from skhpo._training import train

Dense = keras.layers.Dense


def mlp():
    """Return the layers of a small network with one output."""
    return [Dense(5, activation="tanh"), Dense(1)]


def network(layers=mlp, shape=(6,), seed=3, **compiling):
    """Return a compiled network whose initial weights the seed gives."""
    with seeded_by(seed):
        model = keras.Sequential([keras.Input(shape), *layers()])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compiling})
    return model


@dataclass(frozen=True)
class Case:
    """A network, what it is compiled with and which data it is trained on.

    The functions give new objects each time, since some of these have state.
    """

    layers: Callable[[], list] = mlp
    compiling: Callable[[], dict] = dict
    inputs: str = "rows"
    targets: str = "number"
    weighted: bool = False
    validated: bool = False
    plan: dict = field(default_factory=dict)
    tolerance: dict | None = None

    def network(self, shape, seed=3):
        """Return the network for inputs of a shape."""
        return network(self.layers, shape, seed, **self.compiling())


def train_by_keras(model, *data, **settings):
    """Train by the slow twin, step by step: for few steps faster than tracing them."""
    model.run_eagerly = True
    training = train(model, *data, **settings)
    assert (training.path, training.reason) == ("keras", "run_eagerly=True")
    return training


def train_step_by_step(model, samples, plan, held_out=None):
    """Train by Keras's own steps, one after the other; return the history.

    It is what `Model.fit` does with `shuffle=False`, without what that takes long for.
    """
    history = {}
    for epoch in range(plan.epochs):
        logs = _run(model, model.train_step, samples, plan.batch_size)
        if held_out is not None and (epoch + 1) % plan.validation_freq == 0:
            size = plan.validation_batch_size or plan.batch_size
            measured = _run(model, model.test_step, held_out, size)
            logs |= {f"val_{name}": value for name, value in measured.items()}
        for name, value in sorted(logs.items()):
            history.setdefault(name, []).append(value)
    model.optimizer.finalize_variable_values(model.trainable_weights)
    return history


def _run(model, step, samples, batch_size):
    parts = [tf.constant(part) for part in samples if part is not None]
    model.reset_metrics()
    for start in range(0, len(samples[0]), batch_size):
        step(tuple(part[start : start + batch_size] for part in parts))
    return {name: value.numpy() for name, value in model.get_metrics_result().items()}


def weights_of(model):
    """Return everything that training changes in a model, its optimizer included."""
    return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]


def assert_same_weights(model, other, **tolerance):
    """Check that two models of one architecture were trained alike."""
    mine, others = weights_of(model), weights_of(other)
    assert len(mine) == len(others)
    for value, expected in zip(mine, others, strict=True):
        assert_allclose(value, expected, **tolerance)


def assert_same_history(history, expected, **tolerance):
    """Check that two histories have the same names in one order, and like values."""
    assert list(history) == list(expected)
    for name in expected:
        assert_allclose(history[name], expected[name], err_msg=name, **tolerance)


def assert_identical(model, other):
    """Check that two models of one architecture are equal bit for bit."""
    assert_same_weights(model, other, rtol=0, atol=0)
