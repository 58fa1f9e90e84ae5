"""A fit that goes on from its checkpoint equals one that was never broken off."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skhpo import KerasClassifier, KerasCNN, KerasMLP, KerasMLPRegressor
from skhpo.exceptions import CheckpointError


def assert_equal(first, second):
    assert first.history_ == second.history_
    for name in ("model_", "optimizer"):
        model, other = (
            e.model_ if name == "model_" else e.model_.optimizer
            for e in (first, second)
        )
        for a, b in zip(model.variables, other.variables, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


CASES = {
    "seedless": KerasMLP(12, random_state=None),
    "dropout and normalization": KerasMLP(12, dropout=0.3, batch_normalization=True),
    "schedule": KerasMLP(
        8,
        optimizer="nadam",
        learning_rate=keras.optimizers.schedules.ExponentialDecay(0.01, 20, 0.9),
    ),
    "large": KerasMLP((300, 300), batch_size="all"),
    "large, by XLA": KerasMLP((300, 300), optimizer="adamw", batch_size="all"),
    "early stopping": KerasMLP(
        12,
        early_stopping=True,
        n_iter_no_change=np.int64(3),
        tol=np.float32(1e-4),
        learning_rate=0.05,
        dropout=0.2,
    ),
    "weights of the last epoch": KerasMLP(
        12, early_stopping=True, restore_best_weights=False, n_iter_no_change=2
    ),
    "convolution": KerasCNN(4, dense_layer_sizes=8, class_weight="balanced"),
    "Keras's path": KerasMLP(
        8,
        batch_size=100,
        early_stopping=True,
        callbacks=[
            keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_broken_fit_equals_a_whole_one(digits, tmp_path, name):
    estimator = CASES[name]
    if name != "seedless":
        estimator.set_params(random_state=0)
    estimator.set_params(checkpoint_dir=tmp_path, epochs=4).fit(*digits)
    seed = estimator._seed
    assert estimator.resumed_from_epoch_ == 0
    estimator.set_params(epochs=9).fit(*digits)
    assert estimator.resumed_from_epoch_ == 4
    assert estimator._seed == seed
    whole = estimator.set_params(checkpoint_dir=None, random_state=seed)
    broken_history, broken = estimator.history_, estimator.model_
    whole.fit(*digits)
    assert whole.history_ == broken_history
    for a, b in zip(broken.variables, whole.model_.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    for a, b in zip(
        broken.optimizer.variables, whole.model_.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_fit_that_stopped_stays_stopped(digits, tmp_path):
    estimator = KerasMLP(
        8,
        epochs=60,
        learning_rate=0.1,
        early_stopping=True,
        n_iter_no_change=2,
        checkpoint_dir=tmp_path,
        random_state=0,
    ).fit(*digits)
    stopped_at, best = estimator.n_iter_, estimator.predict_proba(digits[0])
    assert stopped_at < 60
    estimator.set_params(epochs=100).fit(*digits)
    assert estimator.n_iter_ == estimator.resumed_from_epoch_ == stopped_at
    np.testing.assert_array_equal(estimator.predict_proba(digits[0]), best)


class StopsAfterTwo:
    """A callback of scikit-learn's kind."""

    def setup(self, estimator, context):
        self.n_epochs = 0

    def on_fit_task_begin(self, estimator, context, **_):
        pass

    def on_fit_task_end(self, estimator, context, **_):
        self.n_epochs += context.task_name == "epoch"
        return self.n_epochs == 2

    def teardown(self, estimator, context):
        pass


@pytest.mark.parametrize("path", ["compiled", "keras"])
def test_a_fit_that_a_callback_ended_goes_on_without_it(digits, tmp_path, path):
    settings = {"epochs": 5, "early_stopping": True, "random_state": 0}
    if path == "keras":
        hook = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: None
        )
        settings["callbacks"] = [hook]
    mlp = KerasMLP(8, checkpoint_dir=tmp_path, **settings)
    stopped = clone(mlp).set_callbacks(StopsAfterTwo()).fit(*digits)
    assert (stopped.training_path_, stopped.n_iter_) == (path, 2)
    mlp.fit(*digits)
    assert (mlp.resumed_from_epoch_, mlp.n_iter_) == (2, 5)
    whole = KerasMLP(8, **settings).fit(*digits)
    assert mlp.history_ == whole.history_
    for a, b in zip(mlp.model_.get_weights(), whole.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "change", [{"l2": 0.1}, {"hidden_layer_sizes": 9}, {"random_state": 1}, "X", "y"]
)
def test_other_fits_start_from_the_start(digits, tmp_path, change):
    X, y = digits
    estimator = KerasMLP(8, epochs=2, checkpoint_dir=tmp_path, random_state=0)
    estimator.fit(X, y)
    if isinstance(change, dict):
        estimator.set_params(**change)
    elif change == "X":
        X = X + 1e-3
    else:
        y = (y + 1) % 10
    assert estimator.fit(X, y).resumed_from_epoch_ == 0
    assert len(os.listdir(tmp_path)) == 2


def test_fewer_epochs_start_anew_and_keep_the_longer_state(digits, tmp_path):
    estimator = KerasMLP(8, epochs=4, checkpoint_dir=tmp_path, random_state=0)
    estimator.fit(*digits)
    assert estimator.set_params(epochs=2).fit(*digits).n_iter_ == 2
    assert estimator.resumed_from_epoch_ == 0
    estimator.set_params(epochs=5).fit(*digits)
    assert estimator.resumed_from_epoch_ == 4


def test_a_damaged_state_is_refused(digits, tmp_path):
    estimator = KerasMLP(8, epochs=1, checkpoint_dir=tmp_path, random_state=0)
    estimator.fit(*digits)
    (path,) = tmp_path.glob("*/*")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"damaged.*delete it to fit from the st"):
        estimator.fit(*digits)


def test_each_fit_of_a_search_has_a_subfolder(digits, tmp_path):
    grid = {"learning_rate": [0.01, 0.1]}
    estimator = KerasMLP(8, epochs=2, checkpoint_dir=tmp_path, random_state=0)
    search = GridSearchCV(estimator, grid, cv=2).fit(*digits)
    assert len(os.listdir(tmp_path)) == 5  # the last is that of the refit
    again = GridSearchCV(estimator, grid, cv=2).fit(*digits)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"]
    )
    assert again.best_estimator_.resumed_from_epoch_ == 2


def test_partial_fit_leaves_no_state(digits, tmp_path):
    estimator = KerasMLP(8, checkpoint_dir=tmp_path, random_state=0)
    estimator.partial_fit(*digits, classes=np.arange(10))
    assert os.listdir(tmp_path) == []


def test_warm_start_beside_it_is_an_error(digits, tmp_path):
    estimator = KerasMLP(8, checkpoint_dir=tmp_path, warm_start=True)
    with pytest.raises(ValueError, match="warm_start goes on with the network in mem"):
        estimator.fit(*digits)


def test_warm_start_beside_it_is_an_error_of_wrappers_too(digits, tmp_path):
    wrapper = KerasClassifier(build, warm_start=True, fit__checkpoint_dir=tmp_path)
    with pytest.raises(ValueError, match="warm_start goes on with the model in memory"):
        wrapper.fit(*digits)


def test_a_file_is_no_folder(digits, tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    estimator = KerasMLP(8, checkpoint_dir=path, random_state=0)
    with pytest.raises(NotADirectoryError, match="checkpoint_dir must name a folder"):
        estimator.fit(*digits)


def test_regressor(sizes, tmp_path):
    estimator = KerasMLPRegressor(
        8, epochs=2, checkpoint_dir=tmp_path, random_state=0
    ).fit(*sizes)
    assert estimator.set_params(epochs=3).fit(*sizes).resumed_from_epoch_ == 2


def build(meta):
    model = keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("random_state", [0, None])
def test_wrappers_take_it_by_route(digits, tmp_path, random_state):
    settings = {"random_state": random_state, "verbose": 0}
    wrapper = KerasClassifier(build, epochs=3, fit__checkpoint_dir=tmp_path, **settings)
    assert wrapper.fit(*digits).resumed_from_epoch_ == 0
    wrapper.set_params(epochs=5).fit(*digits)
    assert wrapper.resumed_from_epoch_ == 3
    if random_state is not None:
        assert_equal(wrapper, KerasClassifier(build, epochs=5, **settings).fit(*digits))


FIT = """
import sys
from sklearn.datasets import load_digits
from skhpo import KerasMLP
X, y = load_digits(return_X_y=True)
KerasMLP(
    64, epochs=400, random_state=0, dropout=0.1, checkpoint_dir=sys.argv[1],
    checkpoint_every=1,
).fit(X / 16, y)
"""


@pytest.mark.slow
def test_a_fit_killed_five_times(tmp_path):
    from sklearn.datasets import load_digits

    def is_kept():
        return any(tmp_path.glob("*/*.checkpoint"))

    for kill in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(FIT), str(tmp_path)]
        )
        while not is_kept():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(2 + 0.37 * kill)
        process.send_signal(signal.SIGKILL)
        process.wait()
    X, y = load_digits(return_X_y=True)
    settings = {"dropout": 0.1, "random_state": 0, "epochs": 400}
    resumed = KerasMLP(64, checkpoint_dir=tmp_path, checkpoint_every=1, **settings).fit(
        X / 16, y
    )
    assert resumed.resumed_from_epoch_ > 0
    assert_equal(resumed, KerasMLP(64, **settings).fit(X / 16, y))
