"""`random_state` is all that chance depends on, and nothing global is touched."""

import copy
import os
import random
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.backend.common.global_state import get_global_attribute
from numpy.testing import assert_array_equal
from tensorflow.python.eager import context
from tensorflow.python.framework import config
from wrapper_models import (
    build_classifier,
    build_with_dropout,
    classifier,
    regressor,
    weights_of,
)

import skhpo


def are_equal(first, second):
    """Tell whether two fitted wrappers' weights are the same bit for bit."""
    pairs = zip(weights_of(first), weights_of(second), strict=True)
    return all(np.array_equal(mine, other) for mine, other in pairs)


def build_that_keras_trains(meta):
    """Return a network that our loop does not cover."""

    class OwnStep(keras.Model):
        def train_step(self, data):
            return super().train_step(data)

    inputs = keras.Input((meta["n_features_in_"],))
    hidden = keras.layers.Dropout(0.3)(keras.layers.Dense(8)(inputs))
    return OwnStep(inputs, keras.layers.Dense(3, activation="softmax")(hidden))


def test_the_seed_is_all_that_chance_depends_on(iris):
    first = classifier(build_with_dropout).fit(*iris)
    # Other fits in between, other generators, and no program to reuse.
    regressor().fit(*iris)
    random.random()
    np.random.rand()  # noqa: NPY002
    skhpo.clear_caches()
    second = classifier(build_with_dropout).fit(*iris)
    assert are_equal(first, second)
    assert first.history_ == second.history_
    assert are_equal(first.partial_fit(*iris), second.partial_fit(*iris))
    # Now with a program that was used before.
    assert are_equal(classifier(build_with_dropout, epochs=3).fit(*iris), first)
    other = classifier(build_with_dropout, random_state=1).fit(*iris)
    assert not are_equal(first, other)


def test_the_seed_rules_over_keras_too(iris):
    fits = [
        classifier(build_that_keras_trains, random_state=seed, epochs=1).fit(*iris)
        for seed in (0, 0, 1)
    ]
    assert fits[0].training_path_ == "keras"
    assert are_equal(*fits[:2])
    assert not are_equal(*fits[1:])


def test_kinds_of_random_state(iris):
    def fit(random_state):
        return classifier(random_state=random_state, epochs=1).fit(*iris)

    assert are_equal(fit(0), fit(np.int64(0)))
    # A generator gives each fit its next number.
    generator = np.random.RandomState(0)
    first, second = fit(generator), fit(generator)
    assert not are_equal(first, second)
    assert are_equal(first, fit(np.random.RandomState(0)))
    assert not are_equal(fit(None), fit(None))


def test_the_seed_rules_over_what_is_seeded_globally(iris):
    expected = classifier(build_with_dropout).fit(*iris)
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    tf.random.set_seed(3)
    assert are_equal(classifier(build_with_dropout).fit(*iris), expected)


def test_a_given_model_is_seeded_as_well(iris):
    model = build_with_dropout({"X_shape_": (150, 4)})
    same = [classifier(model).fit(*iris) for _ in range(2)]
    assert are_equal(*same)
    assert not are_equal(same[0], classifier(model, random_state=1).fit(*iris))
    model.layers[1].rate = 0.0


def test_the_order_of_samples_is_seeded(iris):
    model = build_classifier(classifier().fit(*iris)._get_metadata())
    shuffled = [classifier(model, random_state=seed).fit(*iris) for seed in (0, 0, 1)]
    assert are_equal(*shuffled[:2])
    assert not are_equal(*shuffled[1:])
    in_order = [
        classifier(model, random_state=seed, shuffle=False).fit(*iris)
        for seed in (0, 1)
    ]
    assert are_equal(*in_order)


def numpy_state():
    _, keys, *rest = np.random.get_state()  # noqa: NPY002
    return keys.tolist(), rest


GLOBALS = {
    "Python's generator": random.getstate,
    "NumPy's generator": numpy_state,
    "TensorFlow's seed": context.global_seed,
    "Keras's seed": lambda: get_global_attribute("global_random_seed"),
    "Keras's generator": lambda: get_global_attribute("global_seed_generator"),
    "op determinism": config.is_op_determinism_enabled,
    "the environment": lambda: dict(os.environ),
    "Keras's settings": lambda: (
        keras.config.floatx(),
        keras.config.dtype_policy().name,
        keras.config.is_traceback_filtering_enabled(),
    ),
}


@pytest.fixture(scope="module")
def given_model():
    return build_with_dropout({"X_shape_": (150, 4)})


@pytest.mark.parametrize(
    ("how", "random_state"),
    [
        ("built", 0),
        ("built", None),
        ("given", None),
        ("restored", None),
        ("by Keras", 0),
        ("by Keras", None),
    ],
)
def test_nothing_global_is_touched(iris, random_state, how, given_model):
    model = build_that_keras_trains if how == "by Keras" else build_with_dropout
    estimator = classifier(
        given_model if how == "given" else model, random_state=random_state, epochs=1
    )
    if how == "restored":
        estimator.fit(*iris)
    skhpo.clear_caches()
    before = {name: get() for name, get in GLOBALS.items()}
    if how == "restored":
        copy.deepcopy(estimator).partial_fit(*iris)
    else:
        estimator.fit(*iris).predict(iris[0])
    assert [name for name, get in GLOBALS.items() if get() != before[name]] == []


def test_two_threads_do_not_meet(iris):
    skhpo.clear_caches()
    expected = [
        classifier(build_with_dropout, random_state=seed).fit(*iris) for seed in (0, 1)
    ]
    fitted = {0: [], 1: []}
    failed = []
    start = threading.Barrier(2)

    def fit(seed):
        try:
            start.wait(timeout=60)
            for _ in range(4):
                estimator = classifier(build_with_dropout, random_state=seed)
                fitted[seed].append(estimator.fit(*iris))
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=fit, args=(seed,)) for seed in fitted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not failed
    for seed, estimators in fitted.items():
        assert len(estimators) == 4
        assert all(are_equal(estimator, expected[seed]) for estimator in estimators)
    assert_array_equal(expected[0].predict(iris[0]), fitted[0][0].predict(iris[0]))


def test_other_threads_draw_from_pythons_generator_meanwhile(iris):
    made = []

    def make_layer():
        random.seed(5)
        layer = keras.layers.Dense(2)
        layer.build((None, 2))
        made.append(layer.kernel.numpy())

    def build(meta):
        thread = threading.Thread(target=make_layer)
        thread.start()
        thread.join()
        return build_with_dropout(meta)

    estimator = classifier(build).fit(*iris)
    make_layer()
    assert_array_equal(*made)
    assert are_equal(estimator, classifier(build_with_dropout).fit(*iris))
