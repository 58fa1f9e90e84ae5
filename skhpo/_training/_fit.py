"""The ladder: a fit is epochs, an epoch is batches, a batch is a step."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ._cache import CACHE
from ._coverage import why_not_compiled
from ._data import Data, order_of_epoch, to_data, to_tensor
from ._devices import device_for
from ._program import Program
from ._stopping import EarlyStopping

# Predictions do not depend on the batch size; larger ones are faster, to a point.
PREDICT_BATCH_SIZE = 1024


@dataclass(frozen=True)
class Plan:
    """How long to train, in what steps, and in which order.

    `seed` and the number of an epoch give its order of samples; `stop_on_nan` ends the
    fit once the loss is not finite; `extra` are arguments that only `Model.fit` knows.
    """

    epochs: int
    seed: int
    batch_size: int = 32
    initial_epoch: int = 0
    validation_batch_size: int | None = None
    validation_freq: int = 1
    shuffle: bool = True
    verbose: int = 0
    stop_on_nan: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


def plan(arguments: Mapping[str, Any], **settings: Any) -> Plan:
    """Return the plan that arguments of `Model.fit` ask for."""
    names = {f.name for f in fields(Plan)}
    arguments = dict(arguments)
    if arguments.get("verbose") == "auto":
        arguments["verbose"] = 1
    if not isinstance(arguments.get("validation_freq", 1), int):
        names.discard("validation_freq")
    known = {name: value for name, value in arguments.items() if name in names}
    extra = {name: value for name, value in arguments.items() if name not in names}
    return Plan(**known, **settings, extra=extra)


@dataclass(frozen=True)
class Training:
    """What came of a fit.

    `path` is "compiled" or "keras", `reason` why it was not "compiled".
    """

    history: dict[str, list[float]]
    path: str
    reason: str | None = None


def train(
    model: keras.Model,
    x: Any,
    y: Any,
    sample_weight: np.ndarray | None = None,
    *,
    plan: Plan,
    validation_data: tuple | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    early_stopping: EarlyStopping | None = None,
) -> Training:
    """Train a compiled Keras model in place, by the compiled loop where it can."""
    callbacks = list(callbacks)
    reason = why_not_compiled(model, x, y, callbacks)
    if reason is None and plan.extra:
        reason = f"only Model.fit takes {', '.join(sorted(plan.extra))}"
    if reason is not None:
        # Imported here: the slow twin is rarely needed, and needs this module's plan.
        from ._keras_path import train_by_keras

        history = train_by_keras(
            model, x, y, sample_weight, plan, validation_data, callbacks, early_stopping
        )
        return Training(history, "keras", reason)
    data = to_data(x, y, sample_weight)
    validation = None if validation_data is None else to_data(*validation_data)
    with CACHE.lend(model) as program:
        program.load(model)
        listeners = _Listeners(callbacks, model, program, plan)
        try:
            history = _fit(program, data, validation, plan, listeners, early_stopping)
        finally:
            program.store(model)
    return Training(history, "compiled")


def predict(model: keras.Model, x: np.ndarray, batch_size: int | None = None) -> Any:
    """Return a network's outputs for an array, without `Model.predict`."""
    if model.run_eagerly or why_not_compiled(model, x, x, []) is not None:
        return model.predict(x, batch_size=batch_size, verbose=0)
    with CACHE.lend(model) as program, device_for(x.nbytes):
        program.load(model)
        return program.predict(to_tensor(x), batch_size or PREDICT_BATCH_SIZE)


def _fit(
    program: Program,
    data: Data,
    validation: Data | None,
    plan: Plan,
    listeners: "_Listeners",
    stopping: EarlyStopping | None,
) -> dict[str, list[float]]:
    """Run the epochs; return what each of them gave."""
    history: dict[str, list[float]] = {}
    best_weights = None
    listeners.train_begin()
    for epoch in range(plan.initial_epoch, plan.epochs):
        listeners.epoch_begin(epoch)
        logs = _epoch(program, data, validation, plan, epoch, listeners)
        for name, value in logs.items():
            history.setdefault(name, []).append(value)
        if stopping is not None and stopping.update(epoch, logs):
            best_weights = _snapshot(program, stopping)
        listeners.epoch_end(epoch, logs)
        diverged = plan.stop_on_nan and not math.isfinite(logs["loss"])
        exhausted = stopping is not None and stopping.exhausted
        if listeners.stopped or exhausted or diverged:
            break
    if best_weights is not None:
        for variable, value in zip(program.model.weights, best_weights, strict=True):
            variable.assign(value)
    listeners.train_end()
    return history


def _epoch(
    program: Program,
    data: Data,
    validation: Data | None,
    plan: Plan,
    epoch: int,
    listeners: "_Listeners",
) -> dict[str, float]:
    """Take all batches of the training data, then measure on the validation data."""
    start = time.perf_counter()
    order = order_of_epoch(data.n_samples, epoch, plan.seed, plan.shuffle)
    with device_for(data.x.dtype.size * int(tf.size(data.x))):
        logs = program.train_epoch(data, order, plan.batch_size)
    if validation is not None and (epoch + 1) % plan.validation_freq == 0:
        listeners.test_begin()
        measured = program.evaluate(
            validation, plan.validation_batch_size or plan.batch_size
        )
        listeners.test_end(measured)
        logs |= {f"val_{name}": value for name, value in measured.items()}
    if plan.verbose:
        _print_epoch(epoch, plan.epochs, time.perf_counter() - start, logs)
    return logs


def _snapshot(program: Program, stopping: EarlyStopping) -> list[tf.Tensor] | None:
    if not stopping.restore_best_weights:
        return None
    return [tf.identity(variable.value) for variable in program.model.weights]


def _print_epoch(
    epoch: int, epochs: int, seconds: float, logs: dict[str, float]
) -> None:
    values = " - ".join(f"{name}: {value:.4f}" for name, value in logs.items())
    print(f"Epoch {epoch + 1}/{epochs} - {seconds:.2f}s - {values}", flush=True)


class _Listeners:
    """The Keras callbacks of a fit, which see and may change the estimator's model.

    The program trains a copy; so around each call the model gets the program's weights
    and gives back what the callbacks made of them and of the learning rate.
    """

    def __init__(
        self,
        callbacks: list[keras.callbacks.Callback],
        model: keras.Model,
        program: Program,
        plan: Plan,
    ) -> None:
        self._model, self._program = model, program
        model.stop_training = False
        self._callbacks = None
        self._stop_on_nan = [
            c for c in callbacks if isinstance(c, keras.callbacks.TerminateOnNaN)
        ]
        if callbacks:
            self._callbacks = keras.callbacks.CallbackList(
                callbacks, model=model, epochs=plan.epochs, verbose=plan.verbose
            )

    @property
    def stopped(self) -> bool:
        """Whether a callback asked to stop."""
        return self._model.stop_training

    def train_begin(self) -> None:
        self._call("on_train_begin")

    def train_end(self) -> None:
        self._call("on_train_end")

    def epoch_begin(self, epoch: int) -> None:
        self._call("on_epoch_begin", epoch)

    def epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        for callback in self._stop_on_nan:
            # Made to look at every batch; a loss that is not a number in one batch
            # makes the epoch's not a number.
            callback.on_batch_end(epoch, logs)
        self._call("on_epoch_end", epoch, logs)

    def test_begin(self) -> None:
        self._call("on_test_begin")

    def test_end(self, logs: dict[str, float]) -> None:
        self._call("on_test_end", logs)

    def _call(self, event: str, *arguments: Any) -> None:
        if self._callbacks is None:
            return
        self._program.store(self._model)
        getattr(self._callbacks, event)(*arguments)
        self._program.load(self._model)
