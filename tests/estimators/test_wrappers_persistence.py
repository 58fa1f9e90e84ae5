"""Fitted wrappers saved, copied and loaded go on as if nothing had happened."""

import copy
import os
import pickle
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import cloudpickle
import joblib
import keras
import numpy as np
import pytest
import skops.io
from numpy.testing import assert_array_equal
from sklearn.base import clone
from wrapper_models import (
    QUICK,
    SPARSE,
    build_classifier,
    build_with_dropout,
    classifier,
    regressor,
    weights_of,
)

from skhpo.estimators import KerasClassifier
from skhpo.estimators._repairs import scikeras
from skhpo.exceptions import PersistenceWarning

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


# What a process that meets Keras before us does, and then goes on with a fit.
IN_ANOTHER_PROCESS = """
    import pickle
    import sys
    import warnings

    import joblib
    import keras
    import numpy as np

    folder = sys.argv[1]
    classes = (
        keras.Model, keras.layers.Layer, keras.losses.Loss, keras.metrics.Metric,
        keras.optimizers.Optimizer, keras.Sequential,
    )
    names = "__reduce__", "__reduce_ex__", "__deepcopy__", "__getstate__"

    def methods():
        return [
            (c, name, getattr(c, name, None), name in vars(c))
            for c in classes
            for name in names
        ]

    def pickled():
        keras.backend.clear_session()
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reconstruct, arguments = model.__reduce__()[:2]
            loaded = pickle.loads(pickle.dumps(model))
        outputs = loaded(np.ones((1, 2))).numpy()
        return reconstruct.__qualname__, type(arguments[0]).__name__, outputs.tolist()

    before = methods(), pickled()
    import skhpo.estimators
    after = methods(), pickled()
    from scikeras.wrappers import KerasClassifier
    later = methods(), pickled()

    X, y = joblib.load(folder + "/data")
    estimator = joblib.load(folder + "/estimator")
    assert isinstance(estimator, KerasClassifier)
    predictions = estimator.predict(X)
    estimator.partial_fit(X, y)
    results = {
        "classes are as before": (before == after, before == later),
        "predictions": predictions,
        "weights": estimator.model_.get_weights(),
        "history": estimator.history_,
    }
    joblib.dump(results, folder + "/results")
"""


@pytest.fixture(scope="module")
def fitted_on_names(iris):
    """A classifier, and the data that it was fitted on."""
    X, y = iris[0], np.array(["b", "a", "c"])[iris[1]]
    return classifier(build_with_dropout).fit(X, y), (X, y)


@pytest.fixture(scope="module")
def another_process(fitted_on_names, tmp_path_factory):
    """What came of it when another process loaded the classifier."""
    estimator, data = fitted_on_names
    folder = tmp_path_factory.mktemp("another_process")
    joblib.dump(estimator, folder / "estimator")
    joblib.dump(data, folder / "data")
    code = textwrap.dedent(IN_ANOTHER_PROCESS)
    command = [sys.executable, "-W", "error", "-c", code, str(folder)]
    path = os.pathsep.join([str(ROOT), str(HERE)])
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    return joblib.load(folder / "results")


def by_joblib(estimator, folder):
    joblib.dump(estimator, folder / "estimator")
    return joblib.load(folder / "estimator")


def by_skops(estimator, folder):
    archive = skops.io.dumps(estimator)
    trusted = skops.io.get_untrusted_types(data=archive)
    return skops.io.loads(archive, trusted=trusted)


WAYS = {
    "pickle": lambda estimator, folder: pickle.loads(pickle.dumps(estimator)),
    "deepcopy": lambda estimator, folder: copy.deepcopy(estimator),
    "joblib": by_joblib,
    "skops": by_skops,
}


def assert_goes_on_alike(first, second, X, y):
    assert_array_equal(first.predict(X), second.predict(X))
    assert first.history_ == second.history_
    for _ in range(2):
        first.partial_fit(X, y)
        second.partial_fit(X, y)
    assert first.current_epoch == second.current_epoch
    assert first.history_ == second.history_
    for mine, other in zip(weights_of(first), weights_of(second), strict=True):
        assert_array_equal(mine, other)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    "estimator",
    [
        # Dropout and the moments of Adam go on too.
        classifier(build_with_dropout, metrics=["accuracy"]),
        regressor(optimizer="sgd", optimizer__momentum=0.9),
    ],
    ids=["classifier", "regressor"],
)
def test_saved_and_loaded_it_goes_on_as_if_not(iris, tmp_path, way, estimator):
    X, y = iris
    y = y if isinstance(estimator, KerasClassifier) else X[:, :2]
    fitted = clone(estimator).fit(X, y)
    loaded = way(fitted, tmp_path)
    assert loaded.get_params() == fitted.get_params()
    assert_goes_on_alike(fitted, loaded, X, y)
    # Neither has anything of the other's.
    assert loaded.model_ is not fitted.model_
    assert loaded.history_ is not fitted.history_


def test_another_process_goes_on(fitted_on_names, another_process):
    estimator, (X, y) = copy.deepcopy(fitted_on_names)
    assert_array_equal(another_process["predictions"], estimator.predict(X))
    estimator.partial_fit(X, y)
    assert another_process["history"] == estimator.history_
    pairs = zip(weights_of(estimator), another_process["weights"], strict=True)
    for mine, other in pairs:
        assert_array_equal(mine, other)


def test_a_model_that_was_never_trained_is_saved_too(iris):
    def build(compile_kwargs):
        model = build_with_dropout({"X_shape_": (150, 4)})
        model.compile(**compile_kwargs)
        return model

    for settings in ({}, {"loss": None}):
        model = build if not settings else build_with_dropout
        estimator = classifier(model, **settings).initialize(*iris)
        loaded = copy.deepcopy(estimator)
        assert_array_equal(loaded.predict(iris[0]), estimator.predict(iris[0]))


def test_not_fitted_it_is_saved_too(iris):
    loaded = pickle.loads(pickle.dumps(classifier()))
    assert not hasattr(loaded, "model_")
    assert loaded.fit(*iris).history_ == classifier().fit(*iris).history_


# What is in the state


def leaves(node):
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from leaves(value)
    elif isinstance(node, list | tuple | set):
        for value in node:
            yield from leaves(value)
    else:
        yield node


def test_the_state_holds_arrays_and_plain_values_only(iris):
    estimator = classifier(callbacks=keras.callbacks.TerminateOnNaN).fit(*iris)
    state = estimator.__getstate__()
    parameters = estimator.get_params()
    encoders = {"target_encoder_", "feature_encoder_"}
    values = {k: v for k, v in state.items() if k not in encoders | set(parameters)}
    plain = (str, int, float, bool, type(None), np.ndarray, np.generic, np.dtype)
    assert {
        type(leaf) for leaf in leaves(values) if not isinstance(leaf, plain)
    } == set()
    assert state["_versions"].keys() == {"keras", "scikit-learn", "tensorflow"}
    # And the estimator is not changed by it.
    assert isinstance(estimator.model_, keras.Model)
    assert not hasattr(estimator, "_versions")


def test_types_that_skops_is_to_trust(iris):
    archive = skops.io.dumps(classifier().fit(*iris))
    assert set(skops.io.get_untrusted_types(data=archive)) == {
        "numpy.dtype",
        "scikeras.utils.transformers.TargetReshaper",
        "skhpo.estimators._repairs.LabelEncoder",
        "skhpo.estimators._wrappers.KerasClassifier",
        "wrapper_models.build_classifier",
    }
    archive = skops.io.dumps(regressor().fit(*iris))
    assert set(skops.io.get_untrusted_types(data=archive)) == {
        "numpy.dtype",
        "scikeras.utils.transformers.RegressorTargetEncoder",
        "skhpo.estimators._wrappers.KerasRegressor",
        "wrapper_models.build_regressor",
    }


@pytest.mark.parametrize("package", ["keras", "tensorflow", "scikit-learn"])
def test_other_versions_are_warned_of(iris, package):
    estimator = classifier().fit(*iris)
    state = estimator.__getstate__()
    state["_versions"][package] = "0.1"
    loaded = KerasClassifier.__new__(KerasClassifier)
    with pytest.warns(PersistenceWarning, match=f"saved with {package} 0.1 .here "):
        loaded.__setstate__(state)
    assert_array_equal(loaded.predict(iris[0]), estimator.predict(iris[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error", PersistenceWarning)
        copy.deepcopy(estimator)


# Code that cannot be saved


def test_a_lambda_that_builds_is_left_to_pickle(iris):
    estimator = classifier(lambda meta: build_classifier(meta)).fit(*iris)
    # In the same process, and by joblib to its workers, it is no matter.
    assert_array_equal(
        copy.deepcopy(estimator).predict(iris[0]), estimator.predict(iris[0])
    )
    sent = cloudpickle.loads(cloudpickle.dumps(clone(estimator)))
    assert sent.fit(*iris).history_ == estimator.history_
    with pytest.raises((AttributeError, pickle.PicklingError), match="<lambda>"):
        pickle.dumps(estimator)


class Unregistered(keras.layers.Layer):
    """A layer that Keras can find by its module only if that is importable."""

    def call(self, x):
        return 2 * x


@keras.saving.register_keras_serializable("test_wrappers_persistence")
class Registered(Unregistered):
    """The same, where Keras finds it."""


@keras.saving.register_keras_serializable("test_wrappers_persistence")
def registered_loss(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)


def loss_of_ours(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)


def build_with(*layers):
    output = keras.layers.Dense(3, activation="softmax")
    return keras.Sequential([keras.Input((4,)), *layers, output])


def build_with_lambda_layer():
    return build_with(keras.layers.Lambda(lambda x: 2 * x))


def build_with_lambda_activation():
    return build_with(keras.layers.Dense(4, activation=lambda x: 2 * x))


def build_with_local_layer():
    class Local(Unregistered):
        pass

    return build_with(Local())


def build_with_registered_layer():
    return build_with(Registered())


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
@pytest.mark.parametrize(
    ("build", "loss"),
    [
        (build_with_lambda_layer, SPARSE),
        (build_with_lambda_activation, SPARSE),
        (build_with_local_layer, SPARSE),
        (build_with, loss_of_ours),
        (build_with, lambda y_true, y_pred: loss_of_ours(y_true, y_pred)),
    ],
    ids=["lambda layer", "lambda activation", "local layer", "loss", "lambda loss"],
)
def test_a_model_that_could_not_be_read_again_is_not_saved(iris, build, loss):
    estimator = KerasClassifier(build, loss=loss, **QUICK).fit(*iris)
    assert estimator.predict(iris[0]).shape == (150,)
    for way in (pickle.dumps, copy.deepcopy):
        with pytest.raises(ValueError, match="KerasClassifier cannot be saved or copi"):
            way(estimator)
    with pytest.raises(ValueError, match=r"Use no lambdas .* and register classes and"):
        pickle.dumps(estimator)


def test_what_is_registered_is_saved(iris):
    estimator = KerasClassifier(
        build_with_registered_layer, loss=registered_loss, **QUICK
    ).fit(*iris)
    loaded = pickle.loads(pickle.dumps(estimator))
    assert_goes_on_alike(estimator, loaded, *iris)


# SciKeras's changes to Keras's classes


def test_keras_classes_are_left_as_keras_made_them(another_process):
    assert another_process["classes are as before"] == (True, True)


def test_scikeras_itself_still_works(iris):
    theirs = scikeras.KerasClassifier(build_classifier, loss=SPARSE, verbose=0)
    assert theirs.fit(*iris).predict(iris[0]).shape == (150,)
