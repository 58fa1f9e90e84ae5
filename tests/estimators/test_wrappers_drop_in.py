"""Changing the import is the whole migration from SciKeras."""

import inspect

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from wrapper_models import (
    SPARSE,
    build_classifier,
    build_softmax,
    classifier,
    weights_of,
)

import skhpo
from skhpo.estimators import KerasClassifier, KerasRegressor
from skhpo.estimators._repairs import scikeras

CLASSES = ("BaseWrapper", "KerasClassifier", "KerasRegressor")


# The surface


@pytest.mark.parametrize("name", CLASSES)
def test_constructors_are_the_same(name):
    ours, theirs = getattr(skhpo.estimators, name), getattr(scikeras, name)
    assert issubclass(ours, theirs)
    assert inspect.signature(ours) == inspect.signature(theirs)
    settings = {"model": build_classifier, "model__units": 3, "optimizer__rho": 0.9}
    assert ours(**settings).get_params() == theirs(**settings).get_params()


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize(
    "method",
    [
        *("fit", "partial_fit", "initialize", "predict", "predict_proba", "score"),
        *("get_params", "set_params"),
    ],
)
def test_methods_take_the_same_parameters(name, method):
    ours = getattr(getattr(skhpo.estimators, name), method, None)
    theirs = getattr(getattr(scikeras, name), method, None)
    assert (ours is None) == (theirs is None)
    if ours is not None:
        names = list(inspect.signature(ours).parameters)
        assert names == list(inspect.signature(theirs).parameters)


def test_attributes_of_a_fitted_classifier_are_the_same(iris):
    X, y = iris
    ours = classifier().fit(X, y)
    theirs = scikeras.KerasClassifier(build_classifier, loss=SPARSE, verbose=0)
    theirs.fit(X, y)
    public = {name for name in vars(theirs) if name[0] != "_" and name[-1] == "_"}
    assert public <= set(vars(ours))
    assert {*public, "initialized_", "current_epoch"} <= set(dir(ours))
    assert_array_equal(ours.classes_, theirs.classes_)
    assert (ours.n_classes_, ours.n_outputs_, ours.n_outputs_expected_) == (3, 1, 1)
    assert ours.target_type_ == theirs.target_type_ == "multiclass"
    assert (ours.X_shape_, ours.y_ndim_) == (theirs.X_shape_, theirs.y_ndim_)
    assert type(ours.target_encoder_).__mro__[1] is type(theirs.target_encoder_)


# What is trained: differential against SciKeras

# SciKeras trains a model that it is given; ours trains a copy. Neither is given a
# random state, with which SciKeras would switch TensorFlow's determinism for all.
# Theirs goes step by step, which for a few steps takes less time than to trace them.
EAGER = {"run_eagerly": True}
SAME = {"verbose": 0, "shuffle": False, "random_state": None, "epochs": 3}


def build_sigmoid():
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")]
    )


def build_linear():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


# What is built, the loss, y, whether there are weights, and further settings.
CASES = {
    "class indices": (build_softmax, SPARSE, lambda y: y, True, {}),
    "labels": (
        build_softmax,
        SPARSE,
        lambda y: np.array(["b", "a", "c"])[y],
        False,
        {"optimizer": "adam", "metrics": ["acc"], "validation_split": 0.2},
    ),
    "class indices to be one-hot": (
        build_softmax,
        "categorical_crossentropy",
        lambda y: y,
        True,
        {"metrics": [keras.metrics.CategoricalAccuracy], "class_weight": "balanced"},
    ),
    "one-hot": (
        build_softmax,
        "categorical_crossentropy",
        lambda y: np.eye(3)[y],
        False,
        {"optimizer": "sgd", "optimizer__momentum": 0.5, "batch_size": -1},
    ),
    "binary": (
        build_sigmoid,
        "binary_crossentropy",
        lambda y: y > 0,
        False,
        {"class_weight": {False: 3.0, True: 1.0}, "batch_size": 16},
    ),
}


def pair_of_classifiers(build, **settings):
    model = build()
    theirs = scikeras.KerasClassifier(keras.models.clone_model(model), **settings)
    theirs.set_params(**EAGER)
    theirs.model.set_weights(model.get_weights())
    return KerasClassifier(model, **settings), theirs


def assert_alike(ours, theirs, X):
    assert set(ours.history_) == set(theirs.history_)
    for name, values in theirs.history_.items():
        assert_allclose(ours.history_[name], values, rtol=1e-4, err_msg=name)
    assert ours.current_epoch == theirs.current_epoch
    for mine, other in zip(weights_of(ours), weights_of(theirs), strict=True):
        assert_allclose(mine, other, rtol=1e-4, atol=1e-5)
    assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize(
    ("build", "loss", "target", "weighted", "more"), CASES.values(), ids=CASES
)
def test_classifiers_learn_the_same(iris, build, loss, target, weighted, more):
    X, y = iris
    rows = np.random.default_rng(0).permutation(len(X))
    X, y = X[rows], target(y[rows])
    weights = np.linspace(0, 2, len(X)) if weighted else None
    ours, theirs = pair_of_classifiers(build, **{**SAME, "loss": loss, **more})
    for estimator in (ours, theirs):
        estimator.fit(X, y, sample_weight=None if weights is None else weights.copy())
    assert_alike(ours, theirs, X)
    assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-4, atol=1e-6
    )
    for estimator in (ours, theirs):
        estimator.partial_fit(X, y)
    assert_alike(ours, theirs, X)
    assert ours.current_epoch == 4


@pytest.mark.parametrize("more", [{}, {"validation_split": 0.3, "metrics": "mae"}])
def test_regressors_learn_the_same(iris, more):
    X, _ = iris
    model = build_linear()
    settings = {**SAME, "loss": "mean_squared_error", **more}
    theirs = scikeras.KerasRegressor(keras.models.clone_model(model), **settings)
    theirs.set_params(**EAGER)
    theirs.model.set_weights(model.get_weights())
    ours = KerasRegressor(model, **settings)
    for estimator in (ours, theirs):
        estimator.fit(X, X[:, :2] ** 2)
    assert set(ours.history_) == set(theirs.history_)
    for name, values in theirs.history_.items():
        assert_allclose(ours.history_[name], values, rtol=1e-4, err_msg=name)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4, atol=1e-5)
    assert ours.score(X, X[:, :2]) == pytest.approx(theirs.score(X, X[:, :2]))
