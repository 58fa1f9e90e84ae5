"""The same weights bit for bit, whatever ran before or runs beside."""

import os
import random
import threading

import joblib
import keras
import numpy as np
import pytest
import tensorflow as tf
from engine_models import Dense, network, train_by_keras, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from tensorflow.python.eager import context
from tensorflow.python.framework import config

import skhpo
from skhpo._training import plan, predict, train

layers = keras.layers


def dropped():
    return [
        Dense(12, activation="relu"),
        layers.BatchNormalization(),
        layers.Dropout(0.3),
        Dense(1),
    ]


def convolved():
    return [
        layers.Reshape((6, 1)),
        layers.Conv1D(4, 3, activation="relu"),
        layers.SpatialDropout1D(0.2),
        layers.Flatten(),
        Dense(1),
    ]


def wide():
    # Large enough for updates fused by TensorFlow or XLA.
    return [Dense(400, activation="tanh"), layers.Dropout(0.3), Dense(260), Dense(1)]


NETWORKS = {
    "dropout": dropped,
    "convolution": convolved,
    "large": wide,
    "large, by XLA": wide,
}
SMALL = ["dropout", "convolution"]


def fitted(name, seed=5, rows=60):
    """Return everything that a fit trains, and its history and predictions."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 6)).astype(np.float32)[:rows]
    y = (X[:, :1] * X[:, 1:2]).astype(np.float32)
    optimizer = "nadam" if name == "large, by XLA" else "adam"
    model = network(NETWORKS[name], seed=seed, optimizer=optimizer, metrics=["mae"])
    training = train(
        model,
        X,
        y,
        plan=plan({"epochs": 3, "batch_size": 16}, seed=seed),
        validation_data=(X[:20], y[:20]),
    )
    history = [np.array(values) for values in training.history.values()]
    return [*weights_of(model), *history, predict(model, X)]


def assert_identical(found, expected):
    for value, other in zip(found, expected, strict=True):
        assert_array_equal(value, other)


# Convolutions are also fitted between fits of the other, and in the tests of sketches.
@pytest.fixture(
    scope="module",
    params=["dropout", pytest.param("convolution", marks=pytest.mark.slow)],
)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def alone(name):
    """Return what the first fit of a process gives."""
    skhpo.clear_caches()
    return fitted(name)


def test_again(name, alone):
    assert_identical(fitted(name), alone)


@pytest.mark.parametrize("name", ["large", "large, by XLA"])
def test_large_network(name):
    expected = fitted(name)
    fitted(name, seed=6, rows=33)
    skhpo.clear_caches()

    assert_identical(fitted(name), expected)


def test_seed_makes_a_difference(name, alone):
    other = fitted(name, seed=6)

    assert not np.allclose(other[0], alone[0])


def test_after_other_fits(name, alone):
    for seed in range(3):
        fitted(name, seed, rows=30 + seed)
    for other in SMALL:
        fitted(other, seed=1)

    assert_identical(fitted(name), alone)


def test_after_the_caches_were_cleared(name, alone):
    skhpo.clear_caches()

    assert_identical(fitted(name), alone)


def test_whatever_others_draw_and_seed(name, alone):
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        for seed in (1, 2):
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            assert_identical(fitted(name), alone)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


def test_in_a_thread_beside_another_fit(name, alone):
    found, is_over = [], threading.Event()

    def others():
        seed = 0
        while not is_over.is_set():
            seed += 1
            fitted(name, seed, rows=40)

    def mine():
        found.extend(fitted(name) for _ in range(2))

    beside = threading.Thread(target=others)
    thread = threading.Thread(target=mine)
    beside.start()
    thread.start()
    thread.join(timeout=120)
    is_over.set()
    beside.join(timeout=120)

    assert len(found) == 2
    for values in found:
        assert_identical(values, alone)


def test_in_workers():
    expected = fitted("dropout")
    # Workers have their share of the threads, by which sums are grouped otherwise.
    found = joblib.Parallel(n_jobs=2)(
        joblib.delayed(_fitted_in_worker)("dropout") for _ in range(2)
    )

    for pid, threads, values in found:
        assert pid != os.getpid()
        assert threads == max(1, joblib.cpu_count() // 2)
        for value, other in zip(values, expected, strict=True):
            assert_allclose(value, other, rtol=1e-4, atol=1e-5)


def _fitted_in_worker(name):
    values = fitted(name)
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return os.getpid(), threads, values


# Nothing global


def global_states():
    """Return what a fit must leave as it was."""
    return {
        "random": random.getstate(),
        "numpy": [str(part) for part in np.random.get_state()],  # noqa: NPY002
        "tensorflow": context.global_seed(),
        "operations of tensorflow": _state_of(vars(context.context()).get("_rng")),
        "generator of tensorflow": tf.random.get_global_generator()
        .state.numpy()
        .tolist(),
        "determinism": config.is_op_determinism_enabled(),
        "threads": (
            tf.config.threading.get_intra_op_parallelism_threads(),
            tf.config.threading.get_inter_op_parallelism_threads(),
        ),
        "environment": dict(os.environ),
        "floatx": keras.config.floatx(),
        "policy": keras.config.dtype_policy().name,
        "eager": tf.config.functions_run_eagerly(),
    }


def _state_of(generator):
    return generator and generator.getstate()


@pytest.mark.parametrize("path", [train, train_by_keras])
def test_nothing_global_is_touched(path, cache, inputs, targets):
    X, y = inputs["rows"], targets["number"]
    models = [network(dropped, optimizer="adam") for _ in range(2)]
    before = global_states()

    # Once with a program to be made, and once with the same.
    for model in models:
        path(
            model,
            X,
            y,
            plan=plan({"epochs": 2}, seed=1),
            validation_data=(X[:9], y[:9]),
        )
        predict(model, X)

    assert global_states() == before


def test_global_generator_of_keras_is_not_drawn_from(cache, inputs, targets):
    X, y = inputs["rows"], targets["number"]
    state = keras.src.random.seed_generator.global_seed_generator().state
    before = state.numpy()

    train(network(dropped), X, y, plan=plan({"epochs": 2}, seed=1))

    assert_array_equal(state.numpy(), before)
