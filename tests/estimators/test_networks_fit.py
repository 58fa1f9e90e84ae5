"""How the networks are trained: what a fit looks at, leaves and refuses."""

import copy
import pickle
import random
from functools import partial

import keras
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, log_loss

import skhpo
from skhpo import KerasCNN, KerasCNNRegressor, KerasMLP, KerasMLPRegressor

mlp = partial(KerasMLP, 8, epochs=3, random_state=0)
stopping = partial(mlp, early_stopping=True, epochs=40, learning_rate=0.05)
regressor = partial(KerasMLPRegressor, 8, epochs=3, random_state=0)
cnn = partial(KerasCNN, 3, padding="same", dense_layer_sizes=8, epochs=3)
cnn_regressor = partial(KerasCNNRegressor, 3, padding="same", epochs=3)


def assert_same_weights(one, other):
    pairs = zip(one.model_.get_weights(), other.model_.get_weights(), strict=True)
    for a, b in pairs:
        assert_array_equal(a, b)


def differ(one, other):
    pairs = zip(one.model_.get_weights(), other.model_.get_weights(), strict=True)
    return any(not np.array_equal(a, b) for a, b in pairs)


class Recorder(keras.callbacks.Callback):
    """Keeps the weights of each epoch; a copy of it keeps them in the same list."""

    epochs = []

    def on_train_begin(self, logs=None):
        type(self).epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self.model.get_weights())


@pytest.fixture
def trainings(monkeypatch):
    """Return a list that receives what each fit gives the engine."""
    seen = []
    train = skhpo._training.train

    def spy(model, x, y, sample_weight=None, **settings):
        seen.append({"x": x, "y": y, "weights": sample_weight, **settings})
        return train(model, x, y, sample_weight, **settings)

    monkeypatch.setattr("skhpo._training.train", spy)
    return seen


# A validation set given to fit


def test_a_validation_set_is_measured_each_epoch(iris):
    X, y = iris
    network = mlp().fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    assert set(network.history_) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(values) for values in network.history_.values()} == {3}
    last = {name: values[-1] for name, values in network.history_.items()}
    loss = log_loss(y[1::2], network.predict_proba(X[1::2]))
    assert last["val_loss"] == pytest.approx(loss, rel=1e-5)
    assert last["val_accuracy"] == pytest.approx(network.score(X[1::2], y[1::2]))


def test_a_validation_set_does_not_change_what_is_learnt(iris):
    X, y = iris
    assert_same_weights(mlp().fit(X, y, X_val=X[:9], y_val=y[:9]), mlp().fit(X, y))


def test_a_validation_set_is_encoded_as_y(iris):
    X, y = iris[0], np.array(["c", "a", "b"])[iris[1]]
    network = mlp().fit(X, y, X_val=X[:60], y_val=y[:60].tolist())
    indices = mlp().fit(X, np.array([2, 0, 1])[iris[1]], X_val=X[:60], y_val=[2] * 60)
    score = accuracy_score(y[:60], network.predict(X[:60]))
    assert network.history_["val_accuracy"][-1] == pytest.approx(score)
    assert indices.history_["loss"] == network.history_["loss"]


def test_epochs_without_a_validation_set_have_no_values_of_it(iris):
    X, y = iris
    network = mlp().fit(X, y, X_val=X, y_val=y).partial_fit(X, y)
    assert_array_equal(np.isnan(network.history_["val_loss"]), [False] * 3 + [True])
    assert pd.DataFrame(network.history_).shape == (4, 4)
    assert network.best_epoch_ == np.nanargmin(network.history_["val_loss"])
    later = mlp(warm_start=True).fit(X, y).fit(X, y, X_val=X, y_val=y)
    assert_array_equal(np.isnan(later.history_["val_loss"]), [True] * 3 + [False] * 3)
    assert later.best_epoch_ == np.nanargmin(later.history_["val_loss"]) >= 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda X, y: {"X_val": X}, "given together, got no y_val"),
        (lambda X, y: {"y_val": y}, "given together, got no X_val"),
        (
            lambda X, y: {"X_val": X[:, :2], "y_val": y},
            "X has 2 features, but",
        ),
        (
            lambda X, y: {"X_val": X, "y_val": y + 1},
            r"known labels only, .* also \[3\]",
        ),
        (
            lambda X, y: {"X_val": X, "y_val": y / 2},
            r"known labels .* also \[0.5\]",
        ),
        (lambda X, y: {"X_val": X, "y_val": np.eye(3)[y]}, "one label per sample"),
        (lambda X, y: {"X_val": X * np.nan, "y_val": y}, "Input X contains NaN"),
        (lambda X, y: {"X_val": X, "y_val": y * np.inf}, "Input y contains (NaN|inf)"),
        (
            lambda X, y: {"X_val": X, "y_val": y[:-1]},
            r"of samples: \[150, 149\]",
        ),
        (
            lambda X, y: {"X_val": X[:0], "y_val": y[:0]},
            r"Found array with 0 sample\(s\)",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in multiply")
def test_a_validation_set_that_does_not_fit(given, message, iris):
    network = mlp()
    with pytest.raises(ValueError, match=r"X_val and y_val must be .*" + message):
        network.fit(*iris, **given(*iris))
    assert not hasattr(network, "model_")


def test_a_validation_set_has_the_feature_names_of_x():
    X, y = load_iris(return_X_y=True, as_frame=True)
    X_val = X.rename(columns={"sepal width (cm)": "width"})
    message = "X_val and y_val must be of the kind .*feature names should match"
    with pytest.raises(ValueError, match=message):
        mlp().fit(X, y, X_val=X_val, y_val=y)


# Early stopping


@pytest.mark.parametrize(
    ("tol", "restore", "batch_hooks"),
    [
        (0.0, True, False),
        (0.05, True, False),
        (0.05, False, False),
        (0.05, True, True),
    ],
)
def test_early_stopping_keeps_the_best_epoch(tol, restore, batch_hooks, iris):
    callbacks = [Recorder()]
    if batch_hooks:  # which is what Keras's own loop is for
        hook = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: 0)
        callbacks.append(hook)
    network = stopping(
        tol=tol, n_iter_no_change=4, restore_best_weights=restore, callbacks=callbacks
    ).fit(*iris)
    values = np.array(network.history_["val_loss"])
    best, last_gain = np.inf, 0
    for epoch, value in enumerate(values):
        if value < best - tol:
            best, last_gain = value, epoch
    assert network.n_iter_ == len(values) == len(Recorder.epochs)
    assert network.n_iter_ == min(40, last_gain + 1 + 4)
    if restore:
        assert network.best_epoch_ == last_gain
    else:
        assert network.best_epoch_ == values.argmin()
    kept = Recorder.epochs[last_gain if restore else -1]
    for a, b in zip(network.model_.get_weights(), kept, strict=True):
        assert_array_equal(a, b)


def test_early_stopping_looks_at_a_share_of_every_class(iris, trainings):
    X, y = iris[0][:110].astype(np.float32), iris[1][:110]
    stopping(validation_fraction=0.2, epochs=1).fit(X, y)
    (training,) = trainings
    X_val, y_val, _ = training["validation_data"]
    assert_array_equal(np.bincount(y_val), [10, 10, 2])
    assert_array_equal(np.bincount(training["y"]), [40, 40, 8])
    rows = np.concatenate([training["x"], X_val])
    assert_array_equal(np.sort(rows, axis=0), np.sort(X, axis=0))


def test_what_is_held_out_depends_on_the_seed(iris, trainings):
    X, y = iris[0].astype(np.float32), iris[1]
    for seed in (0, 0, 1):
        stopping(random_state=seed, epochs=1).fit(X, y, sample_weight=np.arange(150))
    first, same, other = (t["validation_data"][0] for t in trainings)
    assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    # The weights go with the samples.
    lookup = {row.tobytes(): i for i, row in enumerate(X)}
    X_val, _, weights = trainings[0]["validation_data"]
    of_row = [lookup[row.tobytes()] for row in X_val]
    doubled = [i for i in of_row if (X[i] == X).all(axis=1).sum() > 1]
    assert [w for w, i in zip(weights, of_row, strict=True) if i not in doubled] == [
        i for i in of_row if i not in doubled
    ]


@pytest.mark.parametrize(
    ("make", "data"), [(stopping, "several"), (regressor, "numbers")]
)
def test_early_stopping_where_there_are_no_classes(make, data, iris, trainings):
    X, y = iris
    Y = np.column_stack([y > 0, y > 1]) * 1 if data == "several" else X[:, 0]
    make(early_stopping=True, validation_fraction=0.3, epochs=1).fit(X, Y)
    assert len(trainings[0]["x"]) == 105
    assert len(trainings[0]["validation_data"][0]) == 45


@pytest.mark.parametrize("given", ["X_val", "monitor", "partial_fit"])
def test_nothing_is_held_out_without_need(given, iris, trainings):
    X, y = iris
    if given == "X_val":
        stopping(epochs=1).fit(X, y, X_val=X[:9], y_val=y[:9])
        assert len(trainings[0]["validation_data"][0]) == 9
    elif given == "monitor":
        stopping(epochs=1, monitor="loss").fit(X, y)
        assert trainings[0]["validation_data"] is None
    else:
        stopping().partial_fit(X, y, classes=[0, 1, 2])
        assert trainings[0]["early_stopping"] is None
    assert len(trainings[0]["x"]) == 150


@pytest.mark.parametrize(
    ("settings", "best"),
    [
        ({"monitor": "val_accuracy"}, np.argmax),
        ({"monitor": "loss"}, np.argmin),
        ({"monitor": "val_AUC", "metrics": ["AUC"]}, np.argmax),
        ({"monitor": "val_mse", "metrics": ["mse"]}, np.argmin),
    ],
)
def test_what_is_monitored(settings, best, iris):
    X, y = iris
    network = stopping(n_iter_no_change=3, tol=0.0, **settings).fit(X, y == 1)
    values = network.history_[settings["monitor"]]
    assert network.best_epoch_ == best(values)
    assert network.n_iter_ == min(40, network.best_epoch_ + 1 + 3)


def test_a_monitor_that_is_not_recorded(iris):
    message = r"monitor must name a value recorded each epoch \(\['accuracy', 'loss', "
    network = stopping(monitor="val_auc")
    with pytest.raises(ValueError, match=message + r".*, got 'val_auc'; choose one of"):
        network.fit(*iris)
    # Before the network is even built.
    assert not hasattr(network, "model_")


def test_what_a_callback_records_can_be_monitored(iris):
    class Records(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            logs["epochs_done"] = float(epoch)

    network = stopping(monitor="epochs_done", callbacks=[Records()], n_iter_no_change=3)
    assert network.fit(*iris).n_iter_ == 4


def metric_of_our_own(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_pred))


def MetricOfOurOwn(y_true, y_pred):  # noqa: N802
    return metric_of_our_own(y_true, y_pred)


def test_metrics_of_one_name_can_be_monitored(iris):
    X, y = iris
    metrics = [keras.metrics.AUC(name="area") for _ in range(2)]
    network = stopping(metrics=metrics, monitor="val_area_1", epochs=1).fit(X, y == 1)
    assert "val_area_1" in network.history_


# Of each of these the name is known before the fit.
PLAIN_METRICS = {
    "acc": "acc",
    "MeanSquaredError": "MeanSquaredError",
    "area": keras.metrics.AUC(name="area"),
    "metric_of_our_own": metric_of_our_own,
    "mean_squared_error": keras.losses.MeanSquaredError(),
}


@pytest.mark.parametrize(
    ("metrics", "name"),
    [
        *(([*PLAIN_METRICS.values()], name) for name in PLAIN_METRICS),
        ([partial(metric_of_our_own)], "partial"),
        ([MetricOfOurOwn], "metric_of_our_own"),
    ],
    ids=["acc", "name", "instance", "function", "loss", "partial", "camel case"],
)
def test_metrics_are_monitored_by_the_names_that_keras_gives(metrics, name, iris):
    X, y = iris
    network = stopping(metrics=metrics, monitor=f"val_{name}", epochs=1)
    assert f"val_{name}" in network.fit(X, y == 1).history_


@pytest.mark.parametrize(
    ("rows", "fraction", "message"),
    [
        (
            slice(40, 101),
            0.1,
            r"put samples of every class .* 0.1 of 61 .* rarest \(2\) has 1",
        ),
        (slice(49, 52), 0.1, "put samples of every class on both sides, got 0.1 of 3"),
        (slice(45, 55), 0.95, "leave samples to train on, got 0.95 of 10 samples"),
    ],
)
def test_too_few_samples_to_hold_some_out(rows, fraction, message, iris):
    X, y = iris
    network = stopping(validation_fraction=fraction)
    way_out = "use more samples, another validation_fraction, X_val and y_val, or early"
    message = f"validation_fraction must {message}.*{way_out}"
    with pytest.raises(ValueError, match=message):
        network.fit(X[rows], y[rows])
    assert not hasattr(network, "model_")


# Going on


NOISY = {"dropout": 0.3, "batch_normalization": True, "learning_rate": 0.02}


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (mlp, {}),
        (mlp, NOISY),
        (mlp, {"optimizer": "sgd", **NOISY}),
        (mlp, {"shuffle": False, "batch_size": "all", "optimizer": "nadam"}),
        (regressor, NOISY),
        (cnn, {**NOISY, "random_state": 3}),
    ],
)
def test_partial_fits_are_the_epochs_of_one_fit(make, settings, iris):
    X, y = iris
    whole, parts = make(**settings).fit(X, y), make(**settings)
    first = {} if make is regressor else {"classes": [0, 1, 2]}
    for _ in range(3):
        parts.partial_fit(X, y, **first)
    assert_same_weights(whole, parts)
    assert parts.history_ == whole.history_
    assert parts.n_iter_ == 3


def test_partial_fit_goes_on_after_fit(iris):
    X, y = iris
    network = mlp(**NOISY, epochs=2).fit(X, y).partial_fit(X, y)
    assert_same_weights(network, mlp(**NOISY).fit(X, y))


def test_warm_start_goes_on(iris):
    X, y = iris
    network = mlp(**NOISY, epochs=1, warm_start=True).fit(X, y)
    model = network.model_
    network.set_params(epochs=2).fit(X, y)
    assert network.model_ is model
    assert_same_weights(network, mlp(**NOISY).fit(X, y))
    assert network.n_iter_ == 3
    with pytest.raises(ValueError, match="X has 2 features, but KerasMLP is expect"):
        network.fit(X[:, :2], y)


def test_fit_starts_anew(iris):
    X, y = iris
    network = mlp().fit(X, y)
    once = clone(network).fit(X, y)
    network.partial_fit(X, y).fit(X, y)
    assert_same_weights(network, once)
    assert network.n_iter_ == 3
    network.fit(X[:, :2], y > 0)
    assert network.n_features_in_ == 2
    assert network.classes_.tolist() == [False, True]


def test_what_was_wrong_before_the_first_fit_can_be_put_right(iris):
    network = mlp(dropout=(0.1, 0.2))
    for _ in range(2):
        with pytest.raises(ValueError, match="dropout must be one value or one for"):
            network.partial_fit(*iris, classes=[0, 1, 2])
    network.set_params(dropout=0.1).partial_fit(*iris, classes=[0, 1, 2])
    assert network.n_iter_ == 1


# What a fit leaves


def test_attributes_of_a_fit(iris):
    X, y = iris
    network = mlp().fit(X, y)
    assert network.n_iter_ == 3
    assert network.loss_curve_ == network.history_["loss"]
    assert network.best_epoch_ == np.argmin(network.loss_curve_)
    assert network.n_features_in_ == 4
    assert not hasattr(network, "feature_names_in_")
    assert isinstance(network.model_, keras.Model)
    assert network.model_.input_shape == (None, 4)
    loss, accuracy = network.model_.evaluate(X, y, verbose=0)
    assert loss == pytest.approx(log_loss(y, network.predict_proba(X)), rel=1e-4)
    assert accuracy == pytest.approx(network.score(X, y), rel=1e-6)


@pytest.mark.parametrize("make", [mlp, regressor, cnn, cnn_regressor])
@pytest.mark.parametrize("method", ["predict", "score"])
def test_nothing_is_there_before_a_fit(make, method, iris):
    network = make()
    arguments = iris if method == "score" else iris[:1]
    with pytest.raises(NotFittedError, match=f"This {type(network).__name__} instance"):
        getattr(network, method)(*arguments)
    for name in ("model_", "history_", "n_iter_", "loss_curve_", "best_epoch_"):
        assert not hasattr(network, name)


def test_nothing_of_the_callers_is_changed(iris):
    X, y = (array.copy() for array in iris)
    arguments = {
        "sample_weight": np.linspace(0, 1, 150),
        "X_val": X[:30].copy(),
        "y_val": y[:30].copy(),
    }
    parameters = {
        "hidden_layer_sizes": [8],
        "class_weight": {0: 2.0, 1: 1.0, 2: 0.5},
        "metrics": [keras.metrics.SparseCategoricalAccuracy()],
        "callbacks": [keras.callbacks.ReduceLROnPlateau("loss")],
        "optimizer": keras.optimizers.Adam(0.01),
    }
    network = KerasMLP(epochs=2, early_stopping=True, **parameters)
    before = copy.deepcopy(
        (X, y, arguments, {n: parameters[n] for n in list(parameters)[:2]})
    )
    network.fit(X, y, **arguments).partial_fit(X, y).predict(X)
    assert_array_equal(X, before[0])
    assert_array_equal(y, before[1])
    for name, value in arguments.items():
        assert_array_equal(value, before[2][name])
    assert {n: parameters[n] for n in before[3]} == before[3]
    assert all(getattr(network, n) is value for n, value in parameters.items())
    assert float(parameters["metrics"][0].count) == 0
    assert parameters["callbacks"][0].model is None
    assert not parameters["optimizer"].built


# Callbacks


class Counter(keras.callbacks.Callback):
    """Counts epochs in itself, and its own copies in a list."""

    copies = []

    def __init__(self):
        super().__init__()
        self.n_epochs = 0

    def on_train_begin(self, logs=None):
        self.copies.append(self)

    def on_epoch_end(self, epoch, logs=None):
        self.n_epochs += 1


def test_each_fit_has_copies_of_the_callbacks(iris):
    Counter.copies.clear()
    counter = Counter()
    network = mlp(callbacks=(counter,))
    network.fit(*iris).fit(*iris)
    clone(network).fit(*iris)
    network.partial_fit(*iris)
    assert len({id(c) for c in (counter, *Counter.copies)}) == 5
    assert [c.n_epochs for c in (counter, *Counter.copies)] == [0, 3, 3, 3, 1]
    assert network.callbacks[0] is counter
    assert counter.model is None


def test_a_callback_may_set_the_learning_rate(iris):
    slower = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 / 2**epoch)
    network = mlp(callbacks=[slower]).fit(*iris)
    assert float(network.model_.optimizer.learning_rate) == pytest.approx(0.025)


class StopAfterTwo(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1


def test_a_callback_may_end_the_fit(iris):
    network = mlp(callbacks=[StopAfterTwo()]).fit(*iris)
    assert network.n_iter_ == 2
    assert_same_weights(network, mlp(epochs=2).fit(*iris))


def test_a_callback_of_every_batch_is_called_by_kerass_own_loop(iris):
    batches = []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: batches.append(batch)
    )
    network = mlp(callbacks=[callback], **NOISY | {"dropout": 0.0}).fit(*iris)
    assert batches == [0, 1, 2, 3, 4] * 3
    compiled = mlp(**NOISY | {"dropout": 0.0}).fit(*iris)
    assert_allclose(network.loss_curve_, compiled.loss_curve_, rtol=1e-4)
    assert_allclose(
        network.predict_proba(iris[0]), compiled.predict_proba(iris[0]), rtol=1e-3
    )


# Randomness


def test_the_same_integer_gives_the_same_bits(iris):
    first = mlp(**NOISY).fit(*iris)
    skhpo.clear_caches()
    mlp(**NOISY, random_state=5).fit(*iris)
    assert_same_weights(first, mlp(**NOISY).fit(*iris))
    assert differ(first, mlp(**NOISY, random_state=1).fit(*iris))


def test_a_random_state_gives_each_fit_a_number_of_its_own(iris):
    shared = np.random.RandomState(7)
    first, second = (mlp(random_state=shared).fit(*iris) for _ in range(2))
    assert differ(first, second)
    again = np.random.RandomState(7)
    assert_same_weights(first, mlp(random_state=again).fit(*iris))
    assert_same_weights(second, mlp(random_state=again).fit(*iris))


def test_without_a_seed_every_fit_is_another(iris):
    np.random.seed(0)  # noqa: NPY002
    first = mlp(random_state=None).fit(*iris)
    np.random.seed(0)  # noqa: NPY002
    assert differ(first, mlp(random_state=None).fit(*iris))


def test_nothing_global_is_seeded(iris):
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    for seed in (0, None):
        mlp(**NOISY, random_state=seed, early_stopping=True).fit(*iris)
    after = random.getstate(), np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    for a, b in zip(before[1], after[1], strict=True):
        assert_array_equal(a, b)


# What is refused


def test_a_loss_that_does_not_stay_finite(sizes):
    X, y = sizes
    network = regressor(optimizer="sgd", learning_rate=1e8, momentum=0.0, epochs=50)
    message = (
        r"Training must lead to a finite loss, got (nan|inf) after epoch \d+; lower "
        "learning_rate, set clipnorm, or scale X and y"
    )
    with pytest.raises(ValueError, match=message):
        network.fit(X, y)
    assert network.n_iter_ < 50


def test_the_best_epoch_is_kept_though_later_ones_diverge(sizes):
    X, y = sizes

    def explode(epoch, rate):
        return 1e30 if epoch >= 3 else rate

    network = regressor(
        epochs=20,
        early_stopping=True,
        callbacks=[keras.callbacks.LearningRateScheduler(explode)],
    ).fit(X, y)
    assert network.best_epoch_ <= 2
    assert np.isfinite(network.predict(X)).all()


@pytest.mark.parametrize("make", [mlp, regressor, cnn, cnn_regressor])
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (lambda X: np.where(X > 1, np.nan, X), ValueError, "Input X contains NaN"),
        (lambda X: np.where(X > 1, np.inf, X), ValueError, "Input X contains infinity"),
        (lambda X: X[:0], ValueError, r"Found array with 0 sample\(s\)"),
        (lambda X: X[:, :0], ValueError, r"Found array with 0 feature\(s\)"),
        (lambda X: X[:, 0], ValueError, "Expected 2D array, got 1D array instead"),
        (lambda X: X + 1j, ValueError, "Complex data not supported"),
        (lambda X: sparse.csr_array(X), TypeError, "Sparse data was passed for X"),
        (
            lambda X: np.where(X > 1, "big", "small").astype(object),
            ValueError,
            "could not convert string to float: '(big|small)'",
        ),
        (lambda X: None, ValueError, "Expected 2D array, got scalar array instead"),
        (lambda X: X[:9], ValueError, r"inconsistent numbers of samples: \[9, 150\]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_x_that_is_not_valid(make, bad, error, message, iris):
    X, y = iris
    network = make()
    with pytest.raises(error, match=message):
        network.fit(bad(X), y)
    assert not hasattr(network, "model_")


@pytest.fixture(scope="module")
def fitted(iris):
    return [make().fit(*iris) for make in (mlp, regressor, cnn, cnn_regressor)]


@pytest.mark.parametrize("method", ["predict", "partial_fit"])
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (
            lambda X: X[:, :3],
            ValueError,
            "X has 3 features, but .* is expecting 4",
        ),
        (lambda X: X * np.nan, ValueError, "Input X contains NaN"),
        (lambda X: X[:0], ValueError, r"Found array with 0 sample\(s\)"),
        (lambda X: X[0], ValueError, "Expected 2D array, got 1D array instead"),
        (lambda X: sparse.csr_array(X), TypeError, "Sparse data was passed for X"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_x_that_is_not_valid_after_a_fit(method, bad, error, message, fitted, iris):
    X, y = iris
    for network in fitted:
        arguments = [bad(X)] if method == "predict" else [bad(X), y]
        with pytest.raises(error, match=message):
            getattr(network, method)(*arguments)
        assert network.n_iter_ == 3


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(149), r"sample_weight.shape == \(149,\), expected \(150,\)"),
        (-np.ones(150), "Negative values in data passed to `sample_weight`"),
        (np.zeros(150), "must contain at least one non-zero"),
        (np.full(150, np.nan), "Input sample_weight contains NaN"),
    ],
)
def test_weights_that_are_not_valid(weights, message, iris):
    with pytest.raises(ValueError, match=message):
        mlp().fit(*iris, sample_weight=weights)


def test_samples_of_weight_zero_are_not_learnt_from(iris):
    X, y = iris
    weights = np.where(np.arange(150) % 3, 1.0, 0.0)
    wrong = np.where(weights, y, 2)
    assert_same_weights(mlp().fit(X, y, weights), mlp().fit(X, wrong, weights))
    assert differ(mlp().fit(X, y), mlp().fit(X, wrong))


class HearsBatches(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


def test_the_path_of_training_is_told(iris):
    network = mlp().fit(*iris)
    assert (network.training_path_, network.training_path_reason_) == ("compiled", None)
    network = mlp(callbacks=[HearsBatches()]).fit(*iris)
    assert network.training_path_ == "keras"
    assert network.training_path_reason_ == "HearsBatches is called for every batch"


@pytest.mark.parametrize(
    "metric",
    [keras.metrics.AUC(name="area"), keras.metrics.F1Score("macro", name="quality")],
    ids=["area", "quality"],
)
def test_a_metric_knows_which_way_is_better_whatever_its_name(metric, iris):
    X, y = iris
    y = np.eye(3, dtype=int)[y] if metric.name == "quality" else y == 1
    network = stopping(metrics=[metric], monitor=f"val_{metric.name}", epochs=25)
    values = network.fit(X, y).history_[f"val_{metric.name}"]
    assert network.best_epoch_ == np.argmax(values)
    network = mlp(metrics=[metric], monitor=metric.name).fit(X, y)
    assert network.best_epoch_ == np.argmax(network.history_[metric.name])


@pytest.mark.parametrize("call", ["fit", "partial_fit", "warm"])
def test_what_diverged_is_not_fitted(call, iris):
    X, y = iris
    network = mlp().fit(X, y)
    if call == "warm":
        network.set_params(warm_start=True)
    fit = network.partial_fit if call == "partial_fit" else network.fit
    with pytest.raises(ValueError, match="Training must lead to a finite loss"):
        fit(X * 1e30, y)
    with pytest.raises(NotFittedError):
        network.predict(X)
    assert_same_weights(network.fit(X, y), mlp().fit(X, y))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_probabilities_are_of_whole_precision(policy, iris):
    keras.config.set_dtype_policy(policy)
    try:
        network = mlp().fit(*iris)
        probabilities = network.predict_proba(iris[0])
    finally:
        keras.config.set_dtype_policy("float32")
    assert probabilities.dtype == np.float32
    assert_allclose(probabilities.sum(axis=1), 1, atol=0.02)


@pytest.mark.parametrize(
    "change", ["looked at", "pickled", "looked at and pickled", "cached"]
)
def test_going_on_after_the_float_type_of_keras_changed(change, iris):
    network = mlp().fit(*iris)
    if change == "looked at and pickled":
        assert network.model_.built
    state = pickle.dumps(network)
    keras.config.set_floatx("float64")
    try:
        if change == "looked at":
            assert network.model_.built
        elif change == "cached":
            network = mlp().fit(*iris)
        else:
            network = pickle.loads(state)
        network.partial_fit(*iris)
        assert network.n_iter_ == 4
        assert np.isfinite(network.predict_proba(iris[0])).all()
        assert network.model_.built
    finally:
        keras.config.set_floatx("float32")


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_layers_frozen_by_hand_stay_as_they_are(optimizer, iris):
    network = mlp(optimizer=optimizer, momentum=0.9).fit(*iris)
    network.model_.layers[0].trainable = False
    frozen = network.model_.layers[0].get_weights()[0]
    before = network.model_.layers[-1].get_weights()[0]
    network.partial_fit(*iris)
    assert network.training_path_reason_.startswith("the optimizer was built for other")
    assert_array_equal(network.model_.layers[0].get_weights()[0], frozen)
    assert not np.array_equal(network.model_.layers[-1].get_weights()[0], before)


def test_images_end_in_channels_whatever_keras_is_set_to(digits):
    X, y = digits
    expected = cnn(random_state=0).fit(X, y)
    keras.config.set_image_data_format("channels_first")
    try:
        assert_same_weights(cnn(random_state=0).fit(X, y), expected)
    finally:
        keras.config.set_image_data_format("channels_last")
