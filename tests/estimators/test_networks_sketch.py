"""Networks are trained without a Keras model of their own, to the same weights."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import GridSearchCV

import skhpo
from skhpo import KerasCNN, KerasCNNRegressor, KerasMLP, KerasMLPRegressor
from skhpo._compat import seeded_by
from skhpo._training import Sketch
from skhpo._training._sketch import plain_key
from skhpo._training._templates import NotPlainError, Template, Templates

mlp = partial(KerasMLP, hidden_layer_sizes=(8, 6), epochs=2, random_state=3)
cnn = partial(KerasCNN, filters=3, padding="same", dense_layer_sizes=6, epochs=2)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:120] / 16).astype(np.float32), y[:120]


@pytest.fixture
def built(monkeypatch):
    """Clear the caches, and return a list with an entry for each model built."""
    skhpo.clear_caches()
    models = []
    original = keras.Sequential.__init__

    def counted(self, *args, **kwargs):
        models.append(self)
        original(self, *args, **kwargs)

    monkeypatch.setattr(keras.Sequential, "__init__", counted)
    return models


class Begun(BaseException):
    """Ends a fit that has got as far as training."""


@pytest.fixture
def begun(monkeypatch):
    """Return a function that fits an estimator up to its training."""

    def train(*args, **kwargs):
        raise Begun

    monkeypatch.setattr("skhpo._training.train", train)

    def begin(estimator, *data):
        with pytest.raises(Begun):
            estimator.fit(*data)
        return estimator

    return begin


def without_sketches(estimator, *data, **arguments):
    """Fit a copy of an estimator with a model of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skhpo.estimators._network.sketch", lambda *_: None)
        return copy.deepcopy(estimator).fit(*data, **arguments)


def is_sketched(estimator):
    return isinstance(estimator.wrapper_._trained, Sketch)


def assert_same_state(one, other):
    for mine, others in (
        (one.model_.variables, other.model_.variables),
        (one.model_.optimizer.variables, other.model_.optimizer.variables),
    ):
        for a, b in zip(mine, others, strict=True):
            assert_array_equal(a.numpy(), b.numpy())


ESTIMATORS = {
    "plain": mlp(),
    "linear, zeros": mlp(hidden_layer_sizes=(), kernel_initializer="zeros"),
    "dropout, early stopping": mlp(
        dropout=(0.2, 0.5), early_stopping=True, epochs=6, n_iter_no_change=2
    ),
    "normalized, he": mlp(
        batch_normalization=True,
        dropout=0.1,
        kernel_initializer="he_normal",
        activation="leaky_relu",
    ),
    "penalties, momentum": mlp(
        l1=1e-3, l2=1e-2, optimizer="sgd", momentum=0.9, learning_rate=0.1
    ),
    "orthogonal, rmsprop, metrics": mlp(
        kernel_initializer="orthogonal",
        optimizer="rmsprop",
        clipnorm=1.0,
        metrics=["accuracy", "sparse_categorical_crossentropy"],
    ),
    "cnn": cnn(filters=(3, 2), dropout=0.2, batch_normalization=True, random_state=1),
    "regressor": KerasMLPRegressor(5, epochs=2, random_state=0),
    "cnn regressor": KerasCNNRegressor(3, padding="same", epochs=2, random_state=0),
}


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_fits_are_those_of_models(estimator, digits):
    skhpo.clear_caches()
    expected = without_sketches(estimator, *digits)
    # The first makes the template, of another seed; the second uses it.
    copy.deepcopy(estimator).set_params(random_state=9).fit(*digits)
    sketched = estimator.fit(*digits)

    assert is_sketched(sketched)
    assert not is_sketched(expected)
    assert sketched.history_ == expected.history_
    assert_array_equal(sketched.predict(digits[0]), expected.predict(digits[0]))
    assert is_sketched(sketched)
    assert_same_state(sketched, expected)
    assert not is_sketched(sketched)
    assert_array_equal(sketched.predict(digits[0]), expected.predict(digits[0]))


def test_a_search_builds_a_model_for_each_architecture(digits, built):
    grid = {"hidden_layer_sizes": [4, 5], "learning_rate": [None, 0.1, 1]}
    search = GridSearchCV(mlp(epochs=1), grid, cv=2).fit(*digits)
    assert len(built) == 2
    assert search.best_estimator_.model_.count_params() > 0
    assert len(built) == 3
    assert search.best_estimator_.model_ is search.best_estimator_.model_


def test_what_is_kept_goes_with_the_caches(digits, built):
    mlp().fit(*digits)
    estimator = mlp().fit(*digits)
    before = estimator.predict_proba(digits[0])
    n_built = len(built)
    skhpo.clear_caches()
    # The trained weights are the estimator's own.
    assert_array_equal(estimator.predict_proba(digits[0]), before)
    assert len(built) > n_built
    n_built = len(built)
    mlp().fit(*digits)
    assert len(built) > n_built


def test_no_learning_rate_is_the_default_of_the_optimizer(digits):
    skhpo.clear_caches()
    mlp(learning_rate=0.5).fit(*digits)
    estimator = mlp(learning_rate=None).fit(*digits)
    assert float(estimator.model_.optimizer.learning_rate) == pytest.approx(1e-3)
    assert_same_state(estimator, without_sketches(estimator, *digits))
    estimator = mlp(learning_rate=0.25).fit(*digits)
    assert float(estimator.model_.optimizer.learning_rate) == 0.25


@pytest.mark.parametrize("looked_at", [False, True], ids=["", "looked at"])
def test_going_on(digits, looked_at):
    mlp().fit(*digits)
    estimator, expected = mlp().fit(*digits), without_sketches(mlp(), *digits)
    if looked_at:
        assert estimator.model_.built
    estimator.partial_fit(*digits)
    expected.partial_fit(*digits)
    assert_same_state(estimator, expected)
    estimator.set_params(warm_start=True).fit(*digits)
    expected.set_params(warm_start=True).fit(*digits)
    assert_same_state(estimator, expected)
    assert len(estimator.history_["loss"]) == 5


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda estimator: pickle.loads(pickle.dumps(estimator))],
    ids=["copied", "pickled"],
)
def test_copies(digits, copied):
    estimator = mlp().fit(*digits)
    twin = copied(estimator)
    assert_array_equal(twin.predict(digits[0]), estimator.predict(digits[0]))
    assert_same_state(twin.partial_fit(*digits), estimator.partial_fit(*digits))


def test_threads_get_one_model(digits):
    estimator = mlp().fit(*digits)
    expected = mlp().fit(*digits).predict_proba(digits[0])
    with ThreadPoolExecutor(4) as pool:
        models = pool.map(lambda _: estimator.model_, range(4))
        probabilities = pool.map(lambda _: estimator.predict_proba(digits[0]), range(4))
        assert len(set(map(id, models))) == 1
        for found in probabilities:
            assert_array_equal(found, expected)


def activation_of_our_own(x):
    return keras.ops.tanh(x)


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": activation_of_our_own},
        {"activation": keras.layers.LeakyReLU()},
        {"callbacks": [keras.callbacks.TerminateOnNaN()]},
        {"kernel_initializer": keras.initializers.HeNormal()},
        {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)},
        {"loss": keras.losses.SparseCategoricalCrossentropy()},
        {"metrics": [keras.metrics.SparseCategoricalAccuracy()]},
        {"optimizer": keras.optimizers.Adam()},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_objects_of_the_users_need_a_model(digits, settings, begun):
    assert not is_sketched(begun(mlp(**settings), *digits))


def test_checkpoints_need_a_model(digits, tmp_path, begun):
    assert not is_sketched(begun(mlp(checkpoint_dir=tmp_path), *digits))


def test_settings_of_keras_make_a_difference(digits):
    skhpo.clear_caches()
    mlp().fit(*digits)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        estimator = mlp().fit(*digits)
    finally:
        keras.config.set_dtype_policy("float32")
    # Whatever is set when it is asked for.
    skhpo.clear_caches()
    before = estimator.predict_proba(digits[0])
    assert estimator.model_.layers[0].compute_dtype == "bfloat16"
    assert_array_equal(estimator.predict_proba(digits[0]), before)
    assert mlp().fit(*digits).model_.layers[0].compute_dtype == "float32"


class Listener(keras.callbacks.Callback):
    epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append((epoch, len(self.model.get_weights())))


def test_going_on_with_callbacks(digits):
    Listener.epochs = []
    estimator, expected = mlp().fit(*digits), without_sketches(mlp(), *digits)
    assert is_sketched(estimator)
    estimator.set_params(callbacks=[Listener()]).partial_fit(*digits)
    assert Listener.epochs == [(2, 6)]
    assert_same_state(estimator, expected.partial_fit(*digits))


def test_a_name_registered_by_the_user_needs_a_model(digits, begun):
    @keras.saving.register_keras_serializable("tests")
    class Quarter(keras.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return keras.ops.full(shape, 0.25, dtype)

    estimator = mlp(kernel_initializer="tests>Quarter")
    assert not is_sketched(begun(estimator, *digits))


def test_numpy_scalars_are_plain(digits, begun):
    settings = {"filters": np.int64(3), "image_shape": (np.int64(8), np.int64(8))}
    estimator = cnn(learning_rate=np.float32(0.01), **settings)
    assert is_sketched(begun(estimator, *digits))


def test_a_network_that_was_not_fitted_has_no_model():
    X, y = load_iris(return_X_y=True)
    estimator = mlp()
    assert not hasattr(estimator, "model_")
    with pytest.raises(ValueError, match="epochs must be"):
        estimator.set_params(epochs=0).fit(X, y)
    assert not hasattr(estimator, "model_")


# Templates


def model_with(layer):
    with seeded_by(5):
        model = keras.Sequential([keras.Input((4,)), layer(), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    return model


def test_a_template_draws_what_keras_drew():
    start = Template(model_with(lambda: keras.layers.Dense(3)), seed=5).start(6)
    with seeded_by(6):
        expected = keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)]
        )
    for value, variable in zip(
        start.trainable, expected.trainable_variables, strict=True
    ):
        assert_array_equal(value, variable.numpy())


@pytest.mark.parametrize(
    ("layer", "seed"),
    [
        (lambda: keras.layers.Dense(3), 4),
        (lambda: keras.layers.PReLU(alpha_initializer="random_normal"), 5),
        (lambda: keras.layers.Dense(3, bias_initializer="random_normal"), 5),
    ],
    ids=["other seed", "other layer", "other initializer"],
)
def test_a_template_that_draws_something_else_is_refused(layer, seed):
    with pytest.raises(NotPlainError):
        Template(model_with(layer), seed)


def test_templates_are_bounded():
    templates = Templates(max_size=2)
    for name in "abc":
        templates.put(name, name.upper())
        templates.get("a")
    assert [templates.get(name) for name in "abc"] == ["A", None, "C"]
    templates.clear()
    assert templates.get("a") is None


@pytest.mark.parametrize("value", [1.0, True, "1", (1,), None])
def test_keys_tell_values_apart(value):
    assert plain_key({"a": value}) == plain_key({"a": value})
    assert plain_key({"a": value}) != plain_key({"a": 1})


@pytest.mark.parametrize("value", [print, np.zeros(2), partial(print), object()])
def test_objects_have_no_key(value):
    with pytest.raises(NotPlainError):
        plain_key([value])
