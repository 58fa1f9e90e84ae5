"""scikit-learn's callbacks hear of each epoch of a fit, and may end it."""

import pickle
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
from recorded_tasks import Keeper, Propagated, Recorder
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skhpo import (
    ArrayScaler,
    KerasClassifier,
    KerasCNNRegressor,
    KerasMLP,
    KerasRegressor,
    KerasUNet,
    LabelEncodedClassifier,
)
from skhpo.estimators import BaseWrapper

EPOCHS = 2


def build(meta):
    n_outputs = meta.get("n_classes_", 1)
    output = keras.layers.Dense(n_outputs, "softmax" if n_outputs > 1 else None)
    return keras.Sequential([keras.Input((64,)), output])


def build_binary():
    return keras.Sequential(
        [keras.Input((64,)), keras.layers.Dense(1, activation="sigmoid")]
    )


COMMON = {"epochs": EPOCHS, "random_state": 0}
CROSSENTROPY = {"loss": "sparse_categorical_crossentropy"}
NETWORKS = {
    "mlp": KerasMLP((4,), dropout=0.5, **COMMON),
    "cnn": KerasCNNRegressor((2,), dense_layer_sizes=(), **COMMON),
    "wrapper": KerasClassifier(build, **CROSSENTROPY, verbose=0, **COMMON),
    # Trained by `Model.fit`.
    "eager": KerasRegressor(build, loss="mse", run_eagerly=True, verbose=0, **COMMON),
}


@pytest.fixture(scope="module")
def few_digits(digits):
    X, y = digits
    return X[:60], y[:60]


class Fits(NamedTuple):
    """One network fitted three times: heard, alone, and alone for one epoch."""

    heard: Any
    alone: Any
    shorter: Any
    recorder: Recorder
    copies: list


@pytest.fixture(scope="module", params=NETWORKS)
def fits(request, few_digits):
    network = NETWORKS[request.param]
    recorder, keeper = Recorder(), Keeper()
    heard = clone(network).set_callbacks(recorder, keeper).fit(*few_digits)
    alone = clone(network).fit(*few_digits)
    shorter = clone(network).set_params(epochs=1).fit(*few_digits)
    return Fits(heard, alone, shorter, recorder, keeper.told)


def epochs_of(recorder, root="fit"):
    return [((root, 0), ("epoch", k)) for k in range(len(recorder.ended("epoch")))]


def test_every_epoch_is_a_task(fits, few_digits):
    recorder = fits.recorder
    fit, name = ("fit", 0), type(fits.heard).__name__
    expected = [("begin", name, (fit,))]
    for k in range(EPOCHS):
        expected += [(hook, name, (fit, ("epoch", k))) for hook in ("begin", "end")]
    assert recorder.events == [*expected, ("end", name, (fit,))]
    assert all(estimator is fits.heard for estimator in recorder.estimators)
    for X, y, metadata in recorder.told:
        assert X is few_digits[0]
        assert y is few_digits[1]
        assert metadata is None
    assert recorder.running == 0


def test_listening_changes_nothing(fits, few_digits):
    X, _ = few_digits
    assert fits.heard.history_ == fits.alone.history_
    np.testing.assert_array_equal(fits.heard.predict(X), fits.alone.predict(X))


def test_copies_are_as_if_the_fit_had_ended(fits, few_digits):
    # Though the fit went on after the first epoch.
    X, y = few_digits
    *copies, last = fits.copies
    assert last is not fits.heard
    expected = [fits.shorter, fits.alone, fits.alone]
    for found, fitted in zip([*copies, last], expected, strict=True):
        np.testing.assert_array_equal(found.predict(X), fitted.predict(X))
        assert found.history_ == fitted.history_
        assert found.score(X, y) == fitted.score(X, y)


def test_a_callback_ends_the_fit(fits, few_digits):
    recorder = Recorder(stop_at=("epoch", 0))
    network = clone(fits.alone).set_callbacks(recorder)
    assert network.fit(*few_digits) is network
    assert network.history_ == fits.shorter.history_
    np.testing.assert_array_equal(
        network.predict(few_digits[0]), fits.shorter.predict(few_digits[0])
    )
    assert recorder.ended("fit") == [(("fit", 0),)]


def test_score_of_each_epoch(few_digits):
    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    mlp = KerasMLP((4,), **COMMON).set_callbacks(monitor).fit(*few_digits)
    log = monitor.get_logs().data
    assert [row["task_name"] for row in log] == ["fit", *["epoch"] * EPOCHS]
    assert log[-1]["accuracy"] == mlp.score(*few_digits)
    losses = [row["neg_log_loss"] for row in log[1:]]
    assert losses == sorted(losses)


class Batches(keras.utils.PyDataset):
    def __init__(self, X, y):
        super().__init__()
        self.X, self.y = X, y

    def __len__(self):
        return 2

    def __getitem__(self, k):
        return self.X[k::2], self.y[k::2]


def test_datasets(few_digits):
    images = few_digits[0].reshape(-1, 8, 8)
    for network, batches in (
        (KerasUNet(2, net_depth=1, **COMMON), Batches(images, (images > 0.5) * 1)),
        (clone(NETWORKS["wrapper"]), Batches(*few_digits)),
    ):
        recorder = Recorder()
        network.set_callbacks(recorder).fit(batches)
        assert recorder.ended("epoch") == epochs_of(recorder)
        assert len(recorder.ended("epoch")) == EPOCHS


def test_a_wrapper_of_another_kind(few_digits):
    X, y = few_digits
    recorder = Recorder()
    wrapper = BaseWrapper(build_binary, loss="mse", verbose=0, **COMMON)
    wrapper.set_callbacks(recorder).fit(X, (y % 2).astype("float32"))
    assert len(recorder.ended("epoch")) == EPOCHS


def test_beside_callbacks_of_keras(few_digits):
    stopped = []

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            stopped.append(epoch)
            self.model.stop_training = epoch == 1

    recorder = Recorder()
    wrapper = clone(NETWORKS["wrapper"]).set_callbacks(recorder)
    wrapper.fit(*few_digits, callbacks=[Stop()], epochs=4)
    assert stopped == [0, 1]
    assert len(recorder.ended("epoch")) == 2


def test_warm_starts_and_partial_fits(few_digits):
    X, y = few_digits
    keeper = Keeper()
    mlp = KerasMLP((4,), warm_start=True, **COMMON).set_callbacks(keeper)
    mlp.fit(X, y).fit(X, y)
    assert len(keeper.told) == 2 * (EPOCHS + 1)
    assert keeper.told[EPOCHS + 1].n_iter_ == EPOCHS + 1
    for network in (mlp, clone(NETWORKS["wrapper"]), clone(NETWORKS["eager"])):
        recorder = Recorder()
        assert network.set_callbacks(recorder).partial_fit(X, y) is network
        network.partial_fit(X, y, sample_weight=np.ones(len(y)))
        assert recorder.ended("epoch") == [(("fit", 0), ("epoch", 0))] * 2
        assert recorder.told[-1][2]["sample_weight"].sum() == len(y)


@pytest.mark.parametrize("kind", ["mlp", "wrapper"])
def test_copies_in_a_fit_that_goes_on_from_a_checkpoint(few_digits, tmp_path, kind):
    folder = "checkpoint_dir" if kind == "mlp" else "fit__checkpoint_dir"
    network = clone(NETWORKS[kind]).set_params(**{folder: tmp_path})
    network.fit(*few_digits)
    keeper = Keeper()
    longer = clone(network).set_callbacks(keeper)
    longer.set_params(epochs=EPOCHS + 2).fit(*few_digits)
    lengths = [len(found.history_["loss"]) for found in keeper.told]
    assert lengths == [EPOCHS + 1, EPOCHS + 2, EPOCHS + 2]
    assert keeper.told[1].history_ == longer.history_


def test_weights_are_told(few_digits):
    X, y = few_digits
    recorder = Recorder()
    weights = np.linspace(0.5, 1, len(y))
    KerasMLP((4,), **COMMON).set_callbacks(recorder).fit(X, y, sample_weight=weights)
    assert all(told[2]["sample_weight"] is weights for told in recorder.told)


def test_a_fit_that_fails_is_torn_down(few_digits):
    X, y = few_digits
    for network in (KerasMLP(), clone(NETWORKS["eager"]), ArrayScaler()):
        recorder = Recorder()
        with pytest.raises(ValueError, match=r"NaN|infin"):
            network.set_callbacks(recorder).fit(np.full_like(X, np.nan), y)
        assert recorder.running == 0
        # The next fit begins anew.
        network.fit(X, y)
        assert recorder.running == 0


def test_nobody_listens(few_digits):
    mlp = KerasMLP((4,), **COMMON).fit(*few_digits)
    # No Keras model had to be built.
    assert "model_" not in vars(mlp.wrapper_)
    assert not [
        name for name in vars(mlp) if "callback" in name and name != "callbacks"
    ]


def test_pickles_and_clones(few_digits):
    recorder = Recorder()
    mlp = KerasMLP((4,), **COMMON).set_callbacks(recorder).fit(*few_digits)
    again = pickle.loads(pickle.dumps(mlp))
    X, _ = few_digits
    np.testing.assert_array_equal(again.predict(X), mlp.predict(X))
    clone(mlp).fit(*few_digits)
    assert len(recorder.ended("fit")) == 2


def test_only_callbacks_of_scikit_learn():
    with pytest.raises(TypeError, match="FitCallback protocol"):
        KerasMLP().set_callbacks(keras.callbacks.Callback())


# What fits other estimators


def test_through_pipelines_and_encoders(few_digits):
    X, y = few_digits
    recorder = Propagated()
    pipeline = make_pipeline(ArrayScaler(), KerasMLP((4,), **COMMON))
    encoded = LabelEncodedClassifier(pipeline).set_callbacks(recorder)
    encoded.fit(X, np.array(list("abcdefghij"))[y])
    within = (("fit", 0), ("fit", 0))
    assert [event.path for event in recorder.events if event.hook == "end"] == [
        (*within, ("fit", 0)),
        *[(*within, ("fit", 1), ("epoch", k)) for k in range(EPOCHS)],
        (*within, ("fit", 1)),
        within,
        (("fit", 0),),
    ]
    names = [event.estimator for event in recorder.events if event.hook == "end"]
    assert names == [
        "ArrayScaler",
        *["KerasMLP"] * (EPOCHS + 1),
        "Pipeline",
        "LabelEncodedClassifier",
    ]
    assert not hasattr(encoded.classifier_, "_parent_callback_ctx")


def test_progress_of_a_grid_search(few_digits, capsys):
    pipeline = make_pipeline(ArrayScaler(), KerasMLP((4,), **COMMON))
    grid = {"kerasmlp__learning_rate": [0.01, 0.1]}
    search = GridSearchCV(pipeline, grid, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*few_digits)
    lines = capsys.readouterr().out.splitlines()
    bars = [line for line in lines if "KerasMLP - fit" in line]
    assert len(bars) == 5
    assert all("100%" in bar for bar in bars)
