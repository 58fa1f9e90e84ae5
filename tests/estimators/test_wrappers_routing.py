"""How parameters reach what they are for, and how models are built."""

import copy
from functools import partial

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from wrapper_models import (
    QUICK,
    SPARSE,
    Counter,
    build_classifier,
    build_softmax,
    classifier,
    count_of_steps,
    weights_of,
)

from skhpo.estimators import KerasClassifier

# Routing


ROUTES = {
    "optimizer by name": (
        {"optimizer": "adam", "optimizer__learning_rate": 0.25},
        lambda e: float(e.model_.optimizer.learning_rate),
        0.25,
    ),
    "optimizer by class": (
        {"optimizer": keras.optimizers.SGD, "optimizer__momentum": 0.5},
        lambda e: e.model_.optimizer.momentum,
        0.5,
    ),
    "model": ({"model__units": 5}, lambda e: e.model_.layers[0].units, 5),
    "model, unrouted": ({"units": 5}, lambda e: e.model_.layers[0].units, 5),
    "loss": (
        {
            "loss": keras.losses.SparseCategoricalCrossentropy,
            "loss__reduction": "sum",
        },
        lambda e: e.model_.loss.reduction,
        "sum",
    ),
    "metrics, by index": (
        {
            "metrics": [keras.metrics.SparseTopKCategoricalAccuracy, "accuracy"],
            "metrics__0__k": 3,
        },
        lambda e: e.history_["sparse_top_k_categorical_accuracy"],
        [1.0, 1.0],
    ),
    "metrics, one": (
        {"metrics": keras.metrics.SparseTopKCategoricalAccuracy, "metrics__k": 3},
        lambda e: e.history_["sparse_top_k_categorical_accuracy"],
        [1.0, 1.0],
    ),
    "compile": (
        {"compile__weighted_metrics": ["accuracy"], "metrics": ["mse"]},
        lambda e: len(e.history_),
        3,
    ),
    "fit over the plain name": (
        {"epochs": 5, "fit__epochs": 3},
        lambda e: e.current_epoch,
        3,
    ),
    "fit": ({"fit__batch_size": 50, "epochs": 1}, count_of_steps, 3),
    "batch size": ({"batch_size": 75, "epochs": 1}, count_of_steps, 2),
    "all at once": ({"batch_size": -1, "epochs": 1}, count_of_steps, 1),
    "callback class": (
        {"callbacks": Counter, "callbacks__first": 7},
        lambda e: e._fit_callbacks[0].epochs,
        9,
    ),
    "callbacks, list": (
        {"callbacks": [Counter, Counter], "callbacks__1__first": 7},
        lambda e: [c.epochs for c in e._fit_callbacks],
        [2, 9],
    ),
    "callbacks, dictionary with lists": (
        {
            "callbacks": {"a": Counter, "b": [Counter, Counter]},
            "callbacks__first": 1,
            "callbacks__b__1__first": 7,
        },
        lambda e: [c.epochs for c in e._fit_callbacks],
        [3, 2, 9],
    ),
    "callbacks of fit": (
        {"fit__callbacks": Counter, "fit__callbacks__first": 4},
        lambda e: e._fit_callbacks[0].epochs,
        6,
    ),
}


@pytest.mark.parametrize(("settings", "probe", "expected"), ROUTES.values(), ids=ROUTES)
def test_parameters_are_routed(iris, settings, probe, expected):
    estimator = classifier(**settings).fit(*iris)
    assert probe(estimator) == expected
    # As a search does: cloned, and the same parameters set afterwards.
    later = clone(classifier(**settings))
    later.set_params(**{k: v for k, v in settings.items() if "__" in k})
    assert probe(later.fit(*iris)) == expected


def test_parameters_are_routed_to_predict_and_score(iris):
    X, y = iris
    settings = {"predict__callbacks": Counter, "predict__batch_size": 50}
    estimator = classifier(**settings, score__normalize=False).fit(X, y)
    plain = classifier().fit(X, y)
    assert_array_equal(estimator.predict(X), plain.predict(X))
    assert estimator._predict_callbacks[0].predicted_batches == 3
    assert estimator.score(X, y) == (plain.predict(X) == y).sum()
    assert_array_equal(plain.predict(X, batch_size=-1), plain.predict(X))
    with pytest.raises(TypeError, match="unexpected keyword argument 'batchsize'"):
        plain.predict(X, batchsize=3)


def test_one_callback_hears_both_fit_and_predict(iris):
    estimator = classifier(callbacks=Counter).fit(*iris)
    estimator.predict(iris[0])
    (heard,) = estimator._fit_callbacks
    assert (heard.epochs, heard.predicted_batches) == (2, 5)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"optimizer__speed": 1}, ValueError, "not recognized.*speed"),
        ({"unitz": 3}, TypeError, "unexpected keyword argument 'unitz'"),
        ({"model__unitz": 3}, TypeError, "unexpected keyword argument 'unitz'"),
        (
            {"optimizer": keras.optimizers.SGD(), "optimizer__momentum": 1},
            TypeError,
            "not a class",
        ),
        ({"callbacks": "early"}, TypeError, "callbacks.*must be one of"),
        ({"loss": None}, ValueError, "must provide a loss or a compiled model"),
        ({"model": None}, ValueError, "must implement ``_keras_build_fn``"),
        ({"model": 3}, TypeError, "must be a callable, a Keras Model instance or None"),
        ({"random_state": -1}, ValueError, "random_state must be None.* got -1"),
        ({"random_state": "a"}, ValueError, "random_state must be None.* got 'a'"),
    ],
)
def test_wrong_parameters_are_errors(iris, settings, error, message):
    with pytest.raises(error, match=message):
        classifier(**settings).fit(*iris)


def test_setting_an_unknown_parameter_is_an_error():
    estimator = classifier()
    with pytest.raises(ValueError, match="Invalid parameter units for estimator Keras"):
        estimator.set_params(units=3)
    assert estimator.set_params(model__units=3).get_params()["model__units"] == 3


def test_former_name_of_the_model_is_deprecated(iris):
    estimator = KerasClassifier(build_fn=build_classifier, loss=SPARSE, **QUICK)
    with pytest.warns(UserWarning, match="``build_fn`` will be renamed to ``model``"):
        estimator.fit(*iris)
    assert_array_equal(
        estimator.predict(iris[0]), classifier().fit(*iris).predict(iris[0])
    )


# Building functions


def test_building_function_learns_what_is_known(iris):
    seen = {}

    def build(meta, compile_kwargs, params, units):
        seen.update(meta=meta, params=params, compile_kwargs=compile_kwargs)
        model = build_classifier(meta, units)
        model.compile(**compile_kwargs)
        return model

    estimator = classifier(build, model__units=3).fit(*iris)
    assert seen["meta"]["n_features_in_"] == 4
    assert seen["meta"]["X_shape_"] == (150, 4)
    assert_array_equal(seen["meta"]["classes_"], [0, 1, 2])
    assert seen["params"] == estimator.get_params()
    assert isinstance(seen["compile_kwargs"]["optimizer"], keras.optimizers.Adam)
    assert estimator.model_.optimizer is seen["compile_kwargs"]["optimizer"]


def test_model_compiled_by_the_function_stays_so(iris):
    def build(meta):
        model = build_classifier(meta)
        model.compile("sgd", SPARSE, metrics=["accuracy"])
        return model

    estimator = classifier(build, loss=None).fit(*iris)
    assert isinstance(estimator.model_.optimizer, keras.optimizers.SGD)
    assert set(estimator.history_) == {"loss", "accuracy"}
    with pytest.raises(ValueError, match="loss=mse but model compiled with sparse"):
        classifier(build, loss="mse").fit(*iris)


@pytest.mark.parametrize("by", ["subclass", "partial", "keywords"])
def test_other_ways_to_build(iris, by):
    class Network(KerasClassifier):
        def _keras_build_fn(self, meta, units=8):
            return build_classifier(meta, units)

    if by == "subclass":
        estimator = Network(model__units=3, loss=SPARSE, **QUICK)
    elif by == "partial":
        estimator = classifier(partial(build_classifier, units=3))
    else:
        estimator = classifier(lambda **known: build_classifier(known["meta"], units=3))
    estimator.fit(*iris)
    expected = classifier(model__units=3).fit(*iris)
    for mine, other in zip(weights_of(estimator), weights_of(expected), strict=True):
        assert_array_equal(mine, other)
    if by == "subclass":
        with pytest.raises(ValueError, match="cannot implement ``_keras_build_fn``"):
            Network(build_classifier, loss=SPARSE).fit(*iris)


def test_initialize_needs_no_training(iris):
    X, y = iris
    model = build_softmax()
    estimator = KerasClassifier(model).initialize(X, y)
    assert estimator.current_epoch == 0
    assert not estimator.model_.compiled
    expected = np.asarray(model(X)).argmax(axis=1)
    assert_array_equal(estimator.predict(X), expected)
    assert_array_equal(copy.deepcopy(estimator).predict(X), expected)
    assert 0 <= estimator.score(X, y) <= 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a positive integer, or -1 .* got 0"),
        ({"batch_size": -5}, "batch_size must be a positive integer, or -1 .* got -5"),
        ({"batch_size": 16.0}, "batch_size must be a positive integer, or -1 .* 16.0"),
        ({"epochs": -3}, "epochs must be an integer of at least 0, got -3"),
        ({"epochs": 2.5}, "epochs must be an integer of at least 0, got 2.5"),
        (
            {"optmizer__learning_rate": 9},
            "'optmizer__learning_rate'; did you mean optimizer__learning_rate",
        ),
        ({"zzz__units": 3}, r"must begin with one of \[.*'optimizer'.*, got 'zzz__un"),
    ],
    ids=str,
)
def test_parameters_that_cannot_be(iris, settings, message):
    with pytest.raises(ValueError, match=message):
        classifier(**settings).fit(*iris)


@pytest.mark.parametrize(
    "name", ["batch_size", "fit__batch_size", "validation_batch_size", "epochs"]
)
def test_numbers_of_numpy(iris, name):
    settings = {name: np.int64(2), "validation_split": 0.2}
    assert len(classifier(**settings).fit(*iris).history_["val_loss"]) >= 1


@pytest.mark.parametrize("smoothing", [{}, {"loss__label_smoothing": 0.1}])
def test_a_class_of_a_loss_is_known_by_its_name(iris, smoothing):
    X, names = iris[0], np.array(["a", "b", "c"])[iris[1]]
    loss = keras.losses.CategoricalCrossentropy
    estimator = classifier(loss=loss, **smoothing).fit(X, names)
    assert estimator.predict_proba(X).shape == (150, 3)
    assert set(estimator.predict(X)) <= set(names)


def test_weights_of_classes_cannot_be_negative(iris):
    weights = {0: -1.0, 1: 1.0, 2: 1.0}
    with pytest.raises(ValueError, match=r"class_weight must hold weights of at least"):
        classifier(class_weight=weights).fit(*iris)
