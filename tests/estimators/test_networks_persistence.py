"""Fitted networks saved, copied, and taken up again elsewhere."""

import copy
import pickle
import subprocess
import sys

import joblib
import keras
import numpy as np
import pytest
import sklearn
import skops.io
import tensorflow as tf
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skhpo import KerasCNN, KerasCNNRegressor, KerasMLP, KerasMLPRegressor
from skhpo.exceptions import PersistenceWarning

NOISY = {"dropout": 0.3, "batch_normalization": True, "random_state": 0, "epochs": 2}
NETWORKS = {
    "mlp": KerasMLP(8, **NOISY, callbacks=[keras.callbacks.EarlyStopping("loss")]),
    "regressor": KerasMLPRegressor(8, **NOISY, optimizer=keras.optimizers.Nadam(0.01)),
    "cnn": KerasCNN(3, dense_layer_sizes=8, class_weight="balanced", **NOISY),
    "cnn_regressor": KerasCNNRegressor(3, dense_layer_sizes=8, l2=0.1, **NOISY),
}


def squared(y, p):
    return keras.ops.mean(keras.ops.square(y - p), axis=-1)


def doubled(x):
    return 2 * x


@pytest.fixture(scope="module")
def fitted(digits):
    return {name: clone(network).fit(*digits) for name, network in NETWORKS.items()}


@pytest.fixture(scope="module")
def continued(digits):
    """Return the same networks one epoch later, which were never saved."""
    return {
        name: clone(network).fit(*digits).partial_fit(*digits)
        for name, network in NETWORKS.items()
    }


def by_pickle(network, _):
    return pickle.loads(pickle.dumps(network))


def by_deepcopy(network, _):
    return copy.deepcopy(network)


def by_joblib(network, folder):
    path = folder / "network.joblib"
    joblib.dump(network, path)
    return joblib.load(path)


def by_skops(network, folder):
    data = skops.io.dumps(network)
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


def assert_alike(one, other, X):
    assert one.history_ == other.history_
    assert_array_equal(one.predict(X), other.predict(X))
    for a, b in zip(variables_of(one), variables_of(other), strict=True):
        assert_array_equal(a, b)


def variables_of(network):
    """Return the weights, the states of dropout and those of the optimizer."""
    return [*network.model_.variables, *network.model_.optimizer.variables]


@pytest.mark.parametrize(
    ("copied", "name"),
    [
        *((by_pickle, name) for name in NETWORKS),
        (by_skops, "regressor"),
        (by_skops, "cnn"),
        (by_joblib, "mlp"),
        (by_deepcopy, "cnn_regressor"),
    ],
)
def test_a_copy_goes_on_as_if_nothing_had_happened(
    copied, name, fitted, continued, digits, tmp_path
):
    network = fitted[name]
    if copied is by_skops:
        # Keras's objects as parameters are more than skops takes.
        network = copy.deepcopy(network).set_params(callbacks=None, optimizer="adam")
    again = copied(network, tmp_path)
    assert again is not network
    assert_alike(again, network, digits[0])
    assert_alike(again.partial_fit(*digits), continued[name], digits[0])


def test_saving_does_not_change_the_network(continued, digits):
    saved = clone(NETWORKS["mlp"]).fit(*digits)
    pickle.dumps(saved)
    assert_alike(saved.partial_fit(*digits), continued["mlp"], digits[0])


def test_another_process_goes_on_as_if_nothing_had_happened(
    fitted, continued, digits, tmp_path
):
    # One of each kind of network and of target; all four are copied in this process.
    sent = {name: fitted[name] for name in ("mlp", "cnn_regressor")}
    joblib.dump((sent, digits), tmp_path / "here")
    code = f"""
import joblib

networks, (X, y) = joblib.load({str(tmp_path / "here")!r})
before = {{name: network.predict(X) for name, network in networks.items()}}
after = {{
    name: network.partial_fit(X, y).predict(X) for name, network in networks.items()
}}
joblib.dump((before, after), {str(tmp_path / "there")!r})
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
    before, after = joblib.load(tmp_path / "there")
    for name in sent:
        assert_array_equal(before[name], fitted[name].predict(digits[0]))
        assert_array_equal(after[name], continued[name].predict(digits[0]))


def test_a_saved_network_that_is_warm_goes_on(continued, digits):
    warm = clone(NETWORKS["mlp"]).set_params(warm_start=True).fit(*digits)
    warm = pickle.loads(pickle.dumps(warm)).set_params(epochs=1).fit(*digits)
    assert_alike(warm, continued["mlp"], digits[0])


def test_networks_that_are_not_fitted():
    for network in NETWORKS.values():
        new = type(network)(**network.get_params())
        again = pickle.loads(pickle.dumps(new))
        assert repr(again).split("<")[0] == repr(new).split("<")[0]
        assert not hasattr(again, "model_")


# What the state is made of


PLAIN = (bool, int, float, str, bytes, type(None), np.ndarray, np.generic, np.dtype)


def things_in(state):
    """Yield everything in a state, however deep."""
    yield state
    if isinstance(state, dict):
        for key, value in state.items():
            yield from (*things_in(key), *things_in(value))
    elif isinstance(state, list | tuple | set):
        for value in state:
            yield from things_in(value)
    elif isinstance(state, BaseEstimator):
        yield from things_in(state.__getstate__())


@pytest.mark.parametrize("name", ["cnn", "cnn_regressor"])
def test_the_state_is_arrays_json_and_bytes(name, fitted):
    own = set()
    for thing in things_in(fitted[name]):
        if isinstance(thing, BaseEstimator):
            own.add(type(thing).__name__)
        elif isinstance(thing, np.ndarray):
            assert thing.dtype != object
        else:
            assert isinstance(thing, (*PLAIN, dict, list, tuple, set)), repr(thing)
    # The encoders of SciKeras's wrapper, which do nothing here.
    assert own == {type(fitted[name]).__name__, "Network", "FunctionTransformer"}
    wrapper = fitted[name].wrapper_
    for encoder in (wrapper.target_encoder_, wrapper.feature_encoder_):
        assert isinstance(encoder, FunctionTransformer)
        assert encoder.func is None


def test_types_that_skops_is_to_trust(fitted):
    untrusted = skops.io.get_untrusted_types(data=skops.io.dumps(fitted["cnn"]))
    # Before its version 0.16 skops did not trust all of NumPy's types.
    assert set(untrusted) - {"numpy.dtype"} == {
        "skhpo.estimators._cnn.KerasCNN",
        "skhpo.estimators._network.Network",
    }


def test_a_pipeline_by_skops(iris):
    X, y = iris[0], np.array(["a", "b", "c"])[iris[1]]
    weights = {"a": 1.0, "b": 2.0, "c": 1.0}
    network = KerasMLP(8, epochs=2, class_weight=weights, metrics=["accuracy"])
    pipeline = make_pipeline(StandardScaler(), network).fit(X, y)
    again = by_skops(pipeline, None)
    assert_array_equal(again.predict(X), pipeline.predict(X))
    assert again[-1].get_params() == network.get_params()


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": squared, "metrics": [squared], "activation": doubled},
        {
            "loss": keras.losses.CategoricalFocalCrossentropy(),
            "metrics": [keras.metrics.TopKCategoricalAccuracy(2)],
            "activation": keras.layers.PReLU(),
            "kernel_initializer": keras.initializers.HeNormal(),
            "learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.4),
        },
    ],
    ids=["functions", "instances"],
)
def test_what_a_user_made_comes_along(settings, iris):
    network = KerasMLP(8, **settings, **NOISY).fit(*iris)
    again = pickle.loads(pickle.dumps(network))
    assert_alike(again, network, iris[0])
    assert_alike(again.partial_fit(*iris), network.partial_fit(*iris), iris[0])


def test_functions_that_cannot_be_found_again_cannot_be_saved(iris):
    network = KerasMLP(8, loss=lambda y, p: squared(y, p), epochs=1).fit(*iris)
    with pytest.raises((AttributeError, pickle.PicklingError), match="ambda"):
        pickle.dumps(network)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_other_versions_are_warned_of(fitted, monkeypatch):
    dumped = pickle.dumps(fitted["cnn"])
    here = {
        "keras": keras.__version__,
        "scikit-learn": sklearn.__version__,
        "tensorflow": tf.__version__,
    }
    there = {**here, "keras": "99.0", "tensorflow": "99.1"}
    monkeypatch.setattr("skhpo.estimators._state.versions", lambda: there)
    message = (
        rf"^This Network was saved with keras {here['keras']} \(here 99.0\), "
        rf"tensorflow {here['tensorflow']} \(here 99.1\); its predictions may differ"
    )
    with pytest.warns(PersistenceWarning, match=message):
        pickle.loads(dumped)
