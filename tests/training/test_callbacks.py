"""Keras's callbacks on the compiled path, as `Model.fit` calls them."""

import csv

import keras
import numpy as np
import pytest
from engine_models import (
    Dense,
    assert_identical,
    assert_same_history,
    assert_same_weights,
    network,
    train_by_keras,
)
from numpy.testing import assert_allclose, assert_array_equal

from skhpo._training import EarlyStopping, plan, predict, train

callbacks = keras.callbacks
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
PLAN = {"epochs": 4, "batch_size": 50, "shuffle": False}


@pytest.fixture
def fit(inputs, targets):
    """Return a function that trains on the rows, and may validate on some of them."""
    X, y = inputs["rows"], targets["number"]

    def fit(model, *listeners, path=train, stopping=None, validated=False, **arguments):
        return path(
            model,
            X,
            y,
            plan=plan({**PLAN, **arguments}, seed=0),
            validation_data=(X[:9], y[:9]) if validated else None,
            callbacks=list(listeners),
            early_stopping=stopping,
        )

    return fit


class Diary(callbacks.Callback):
    """Writes down what it is told, and what it sees of the model."""

    def __init__(self):
        super().__init__()
        self.calls, self.weights, self.iterations = [], [], []

    def note(self, event, *epoch, logs):
        self.calls.append((event, *epoch, sorted(logs or {})))
        self.weights.append(self.model.get_weights())
        self.iterations.append(int(self.model.optimizer.iterations))


for _event in (
    "on_train_begin",
    "on_train_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_test_begin",
    "on_test_end",
):
    setattr(
        Diary,
        _event,
        lambda self, *epoch_and_logs, event=_event: self.note(
            event, *epoch_and_logs[:-1], logs=epoch_and_logs[-1]
        ),
    )


def test_hooks_are_called_as_keras_calls_them(fit):
    diaries = Diary(), Diary()

    training = fit(network(metrics=["mae"]), diaries[0], validated=True)
    fit(network(metrics=["mae"]), diaries[1], path=train_by_keras, validated=True)

    assert training.path == "compiled"
    assert diaries[0].calls == diaries[1].calls
    assert diaries[0].params == diaries[1].params
    assert diaries[0].iterations == diaries[1].iterations
    for mine, others in zip(*(diary.weights for diary in diaries), strict=True):
        for value, other in zip(mine, others, strict=True):
            assert_allclose(value, other, **TOLERANCE)


def test_validation_now_and_then_is_told_as_keras_tells_it(fit):
    diaries = Diary(), Diary()

    now_and_then = {"validation_freq": 2, "validated": True}
    fit(network(), diaries[0], **now_and_then)
    fit(network(), diaries[1], path=train_by_keras, **now_and_then)

    assert diaries[0].calls == diaries[1].calls


def test_callbacks_see_the_weights_of_their_epoch(fit):
    diary = Diary()
    alone = []
    fit(network(), diary)
    for epochs in range(5):
        model = network()
        fit(model, epochs=epochs)
        alone.append(model.get_weights())

    seen = [
        weights
        for (event, *_), weights in zip(diary.calls, diary.weights, strict=True)
        if event in ("on_train_begin", "on_epoch_end")
    ]
    for mine, others in zip(seen, alone, strict=True):
        for value, other in zip(mine, others, strict=True):
            assert_array_equal(value, other)


class Halves(callbacks.Callback):
    """Halves the weights after each epoch."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.set_weights([w / 2 for w in self.model.get_weights()])


class Slows(callbacks.Callback):
    """Lowers the learning rate before each epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.1 / (epoch + 1)


class Forgets(callbacks.Callback):
    """Clears the state of the optimizer after each epoch."""

    def on_epoch_end(self, epoch, logs=None):
        for variable in self.model.optimizer.variables[2:]:
            variable.assign(keras.ops.zeros_like(variable))


class Predicts(callbacks.Callback):
    """Predicts within the fit, by both ways."""

    def on_epoch_end(self, epoch, logs=None):
        x = np.ones((3, 6), np.float32)
        assert_allclose(
            predict(self.model, x), self.model.predict(x, verbose=0), rtol=1e-5
        )


def lower(epoch, rate):
    return rate * 0.5 if epoch else rate


BY_KERAS = {
    "ReduceLROnPlateau": lambda: callbacks.ReduceLROnPlateau(
        "loss", factor=0.1, patience=1, min_delta=0.2
    ),
    "LearningRateScheduler": lambda: callbacks.LearningRateScheduler(lower),
    "EarlyStopping": lambda: callbacks.EarlyStopping(
        "loss", patience=1, min_delta=0.3, restore_best_weights=True
    ),
    "EarlyStopping from an epoch": lambda: callbacks.EarlyStopping(
        "loss", patience=1, min_delta=10.0, start_from_epoch=1
    ),
    "TerminateOnNaN": callbacks.TerminateOnNaN,
    "changed weights": Halves,
    "changed learning rate": Slows,
    "changed state of the optimizer": Forgets,
    "predictions": Predicts,
}


@pytest.mark.parametrize("name", BY_KERAS)
def test_callbacks_do_what_they_do_with_keras(name, fit):
    optimizer = keras.optimizers.Adam
    model, twin = (network(optimizer=optimizer(0.1)) for _ in range(2))

    training = fit(model, BY_KERAS[name]())
    expected = fit(twin, BY_KERAS[name](), path=train_by_keras)

    assert training.path == "compiled"
    assert_same_history(training.history, expected.history, **TOLERANCE)
    assert_same_weights(model, twin, **TOLERANCE)


def test_learning_rate_is_written_down(fit):
    model = network(optimizer=keras.optimizers.SGD(0.1))

    training = fit(model, callbacks.LearningRateScheduler(lower))

    assert_allclose(training.history["learning_rate"], [0.1, 0.05, 0.025, 0.0125])
    assert float(model.optimizer.learning_rate) == pytest.approx(0.0125)


def test_averages_swapped_in_for_validation(fit):
    def averaging():
        return network(optimizer=keras.optimizers.SGD(0.3, use_ema=True))

    model, twin = averaging(), averaging()
    training = fit(model, callbacks.SwapEMAWeights(), validated=True)
    expected = fit(
        twin, callbacks.SwapEMAWeights(), path=train_by_keras, validated=True
    )
    without = fit(averaging(), validated=True)

    assert training.path == "compiled"
    assert_same_history(training.history, expected.history, **TOLERANCE)
    assert_same_weights(model, twin, **TOLERANCE)
    assert not np.allclose(training.history["val_loss"], without.history["val_loss"])


def test_early_stopping_of_keras_brings_the_best_weights_back(fit):
    losses = []

    class Spoils(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.optimizer.learning_rate = 30.0

        def on_epoch_end(self, epoch, logs=None):
            losses.append(logs["val_loss"])

    model, best = network(), network()
    stops = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    training = fit(model, Spoils(), stops, epochs=9, validated=True)
    fit(best, epochs=2)

    assert training.history["val_loss"] == losses
    assert np.argmin(losses) == 1
    assert len(losses) == 4
    for value, other in zip(model.get_weights(), best.get_weights(), strict=True):
        assert_array_equal(value, other)


def test_model_checkpoint_saves_each_epoch(fit, tmp_path):
    diary = Diary()
    weights = callbacks.ModelCheckpoint(
        tmp_path / "{epoch}.weights.h5", save_weights_only=True
    )
    whole = callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True)

    training = fit(
        network(optimizer="adam"), weights, whole, diary, epochs=3, validated=True
    )

    assert training.path == "compiled"
    ends = [
        weights
        for (event, *_), weights in zip(diary.calls, diary.weights, strict=True)
        if event == "on_epoch_end"
    ]
    for epoch, expected in enumerate(ends, start=1):
        model = network(optimizer="adam", seed=9)
        model.optimizer.build(model.trainable_variables)
        model.load_weights(tmp_path / f"{epoch}.weights.h5")
        for value, other in zip(model.get_weights(), expected, strict=True):
            assert_array_equal(value, other)
    best = keras.models.load_model(tmp_path / "best.keras")
    epoch = int(np.argmin(training.history["val_loss"]))
    for value, other in zip(best.get_weights(), ends[epoch], strict=True):
        assert_array_equal(value, other)
    assert int(best.optimizer.iterations) == epoch + 1


def test_csv_logger_writes_each_epoch(fit, tmp_path):
    path = tmp_path / "log.csv"

    training = fit(network(metrics=["mae"]), callbacks.CSVLogger(path), validated=True)

    assert training.path == "compiled"
    with open(path) as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3"]
    for name, values in training.history.items():
        assert_allclose([float(row[name]) for row in rows], values)


def test_tensorboard_writes_each_epoch(fit, tmp_path):
    training = fit(
        network(), callbacks.TensorBoard(tmp_path, histogram_freq=1), validated=True
    )

    assert training.path == "compiled"
    assert list(tmp_path.glob("train/events*"))
    assert list(tmp_path.glob("validation/events*"))


def test_tensorboard_is_no_reason_for_keras(tmp_path):
    from skhpo._training._coverage import why_not_compiled

    model = network()
    x = np.ones((3, 6), np.float32)

    def reason(callback):
        return why_not_compiled(model, x, x, [callback])

    assert reason(callbacks.TensorBoard(tmp_path)) is None
    assert reason(callbacks.TensorBoard(tmp_path, update_freq=10)) is not None


def test_lambda_callbacks(fit):
    said = []

    training = fit(
        network(),
        callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: said.append((epoch, logs["loss"])),
            on_train_end=lambda logs: said.append(sorted(logs)),
        ),
        epochs=2,
    )

    assert training.path == "compiled"
    assert said == [*enumerate(training.history["loss"]), ["loss"]]


def test_history_of_the_model(fit):
    model = network()

    training = fit(model, callbacks.LambdaCallback())

    assert model.history.history == training.history
    assert model.history.epoch == [0, 1, 2, 3]


# Numbers that are none


@pytest.mark.parametrize("arguments", [{"stop_on_nan": True}, {}])
@pytest.mark.parametrize("path", [train, train_by_keras])
def test_loss_that_is_no_number_ends_the_fit(arguments, path, fit):
    model = network(optimizer=keras.optimizers.SGD(1e30))
    listeners = [] if arguments else [callbacks.TerminateOnNaN()]

    training = fit(model, *listeners, path=path, epochs=9, **arguments)

    assert len(training.history["loss"]) < 4
    assert not np.isfinite(training.history["loss"][-1])
    assert np.isfinite(training.history["loss"][:-1]).all()


def test_loss_that_is_no_number_raises_where_asked_to(fit):
    model = network(optimizer=keras.optimizers.SGD(1e30))

    with pytest.raises(RuntimeError, match="NaN or Inf loss"):
        fit(model, callbacks.TerminateOnNaN(raise_error=True), epochs=9)


# Early stopping of our own, on both paths


@pytest.mark.parametrize("restore", [True, False])
def test_early_stopping_is_the_same_on_both_paths(restore, fit):
    def spoils():
        return callbacks.LearningRateScheduler(
            lambda epoch: [0.01, 0.01, 30.0, 1.0][epoch]
        )

    stoppings = [
        EarlyStopping("val_loss", 2, restore_best_weights=restore) for _ in range(2)
    ]
    model, twin, best = network(), network(), network()

    training = fit(model, spoils(), stopping=stoppings[0], validated=True)
    expected = fit(
        twin, spoils(), stopping=stoppings[1], path=train_by_keras, validated=True
    )
    fit(best, spoils(), epochs=2)

    assert_same_history(training.history, expected.history, **TOLERANCE)
    assert len(training.history["loss"]) == 4
    assert [stopping.best_epoch for stopping in stoppings] == [1, 1]
    for value, other, third in zip(
        model.get_weights(), twin.get_weights(), best.get_weights(), strict=True
    ):
        assert_allclose(value, other, rtol=1e-3)
        assert np.array_equal(value, third) == restore


@pytest.mark.parametrize("path", [train, train_by_keras])
def test_early_stopping_ends_the_fit(path, fit):
    stopping = EarlyStopping("loss", 2, min_delta=100.0)

    training = fit(network(), stopping=stopping, path=path, epochs=9)

    assert len(training.history["loss"]) == 3
    assert stopping.best_epoch == 0


def test_early_stopping_brings_batch_statistics_back(fit):
    def layers():
        return [Dense(5), keras.layers.BatchNormalization(momentum=0.5), Dense(1)]

    model, best = network(layers), network(layers)
    rates = callbacks.LearningRateScheduler(lambda epoch: [0.01, 30.0, 30.0][epoch])

    fit(model, rates, stopping=EarlyStopping("val_loss", 2), epochs=3, validated=True)
    fit(best, rates, epochs=1)

    for value, other in zip(model.get_weights(), best.get_weights(), strict=True):
        assert_array_equal(value, other)


# What is called between batches


class OnBatches(callbacks.Callback):
    def __init__(self, event):
        super().__init__()
        self.count = 0
        setattr(self, event, self.counts)

    def counts(self, *_args, **_kwargs):
        self.count += 1


class Watches(callbacks.TerminateOnNaN):
    count = 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1


class SavesMore(callbacks.ModelCheckpoint):
    count = 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1


@pytest.mark.parametrize(
    "make",
    [
        *(
            lambda path, event=event: OnBatches(event)
            for event in (
                "on_batch_end",
                "on_train_batch_begin",
                "on_test_batch_end",
            )
        ),
        lambda path: Watches(),
        lambda path: SavesMore(path / "model.keras"),
    ],
)
def test_hooks_for_batches_are_called_by_keras(make, fit, tmp_path):
    callback = make(tmp_path)

    training = fit(network(), callback, epochs=2, batch_size=25, validated=True)

    reason = f"{type(callback).__name__} is called for every batch"
    assert (training.path, training.reason) == ("keras", reason)
    # Two epochs of two batches of training data, and one to validate on.
    assert callback.count in (2, 4)
    assert list(training.history) == ["loss", "val_loss"]


def test_checkpoints_between_batches_are_written_by_keras(fit, tmp_path):
    callback = callbacks.ModelCheckpoint(
        tmp_path / "{batch}.weights.h5", save_freq=1, save_weights_only=True
    )

    assert fit(network(), callback, epochs=1, batch_size=25).path == "keras"
    assert len(list(tmp_path.iterdir())) == 2


def test_lambda_callback_for_batches_is_called_by_keras(fit):
    seen = []
    callback = callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(batch)
    )

    assert fit(network(), callback, epochs=1, batch_size=25).path == "keras"
    assert seen == [0, 1]


def test_backup_goes_on_where_it_stopped(fit, tmp_path):
    class Interrupts(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    model = network()
    with pytest.raises(KeyboardInterrupt):
        fit(model, callbacks.BackupAndRestore(tmp_path / "backup"), Interrupts())
    training = fit(network(), callbacks.BackupAndRestore(tmp_path / "backup"))

    assert len(training.history["loss"]) == 2


def test_an_interrupt_is_not_lost_in_what_it_left_half_built(fit):
    class Interrupts(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            # As an optimizer that has no variables yet.
            vars(self.model.optimizer)["_momentums"] = []
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(network(optimizer="adam"), Interrupts())


def test_callbacks_change_nothing_by_being_there(fit):
    model, other = network(optimizer="adam"), network(optimizer="adam")

    fit(model)
    fit(other, Diary(), callbacks.LambdaCallback(), callbacks.History())

    assert_identical(model, other)
