"""The ladder: a fit is epochs, an epoch is batches, a batch is a step."""

import contextlib
import math
import time
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from ._cache import CACHE
from ._checkpoint import Checkpoint
from ._coverage import needs_keras_to_predict, why_not_compiled
from ._data import Data, order_of_epoch, to_data, to_tensor
from ._devices import device_for
from ._keras_path import train_by_keras
from ._listeners import Listeners
from ._plan import Fit, Plan, Progress, Training
from ._program import Program
from ._sketch import Sketch
from ._stopping import EarlyStopping

# Predictions do not depend on the batch size; larger ones are faster, to a point.
PREDICT_BATCH_SIZE = 1024


def train(
    model: keras.Model | Sketch,
    x: Any,
    y: Any,
    sample_weight: np.ndarray | None = None,
    *,
    plan: Plan,
    validation_data: tuple | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    early_stopping: EarlyStopping | None = None,
    checkpoint: Checkpoint | None = None,
) -> Training:
    """Train a compiled Keras model in place, by the compiled loop where it can.

    A sketch is for the loop alone: it takes neither callbacks nor a checkpoint.
    """
    callbacks = list(callbacks)
    reason = None
    if not isinstance(model, Sketch):
        reason = why_not_compiled(model, x, y, callbacks)
    if reason is None and plan.extra:
        reason = f"only Model.fit takes {', '.join(sorted(plan.extra))}"
    progress = Progress(plan.initial_epoch, early_stopping)
    samples = (x, y, sample_weight)
    fit = Fit(model, samples, plan, progress, validation_data, callbacks, checkpoint)
    fit.resume()
    first_epoch = progress.next_epoch
    if reason is None:
        _train_compiled(fit)
        return Training(progress.history, "compiled", None, first_epoch)
    train_by_keras(fit)
    return Training(progress.history, "keras", reason, first_epoch)


def predict(
    model: keras.Model | Sketch, x: np.ndarray, batch_size: int | None = None
) -> Any:
    """Return a network's outputs for an array, without `Model.predict`."""
    if not isinstance(model, Sketch) and needs_keras_to_predict(model, x):
        return model.predict(x, batch_size=batch_size, verbose=0)
    with _lent(model) as program, device_for(x.nbytes):
        return program.predict(to_tensor(x), batch_size or PREDICT_BATCH_SIZE)


def _train_compiled(fit: Fit) -> None:
    """Lend a program, and leave the model with what it was trained to."""
    data = to_data(*fit.samples)
    validation = fit.validation_data and to_data(*fit.validation_data)
    n_batches = math.ceil(data.n_samples / fit.plan.batch_size)
    with _lent(fit.model, data.kind_of_targets) as program:
        listeners = Listeners(fit.callbacks, fit.model, program, fit.plan, n_batches)
        _run_epochs(fit, program, data, validation, listeners)


@contextlib.contextmanager
def _lent(
    model: keras.Model | Sketch, targets: Hashable | None = None
) -> Iterator[Program]:
    """Lend a program with a network loaded.

    With a kind of targets it is trained, and the network gets what it was trained to;
    without it is only asked.
    """
    if isinstance(model, Sketch):
        with model.lend(targets) as program:
            yield program
        return
    with CACHE.lend(model, targets) as program:
        if targets is None:
            program.load_weights(model)
            yield program
            return
        program.load(model)
        try:
            yield program
        except BaseException:
            # Ctrl-C may find an optimizer half built, which has nothing to be stored
            # in: what ended the fit is the error that counts.
            with contextlib.suppress(Exception):
                program.store(model)
            raise
        program.store(model)


def _run_epochs(
    fit: Fit,
    program: Program,
    data: Data,
    validation: Data | None,
    listeners: Listeners,
) -> None:
    """Train until the epochs are done, or somebody asks to stop."""
    plan, progress = fit.plan, fit.progress
    listeners.train_begin()
    while not progress.is_over and progress.next_epoch < plan.epochs:
        epoch = progress.next_epoch
        listeners.epoch_begin(epoch)
        logs = _run_epoch(program, data, validation, plan, epoch, listeners)
        logs = listeners.epoch_end(epoch, logs)
        progress.add(epoch, logs, program.snapshot)
        diverged = plan.stop_on_nan and not math.isfinite(logs["loss"])
        if listeners.stopped or diverged:
            progress.stop(fit.callbacks)
        if fit.state_is_due:
            program.store(fit.model)
            fit.leave_state()
    program.weights.finish()
    if progress.best_weights is not None:
        program.restore(progress.best_weights)
    listeners.train_end(progress.last)


def _run_epoch(
    program: Program,
    data: Data,
    validation: Data | None,
    plan: Plan,
    epoch: int,
    listeners: Listeners,
) -> dict[str, float]:
    """Take all batches of the training data, then measure on the validation data."""
    start = time.perf_counter()
    order = order_of_epoch(data.n_samples, epoch, plan.seed, plan.shuffle)
    logs = program.train_epoch(data, order, plan.batch_size)
    if validation is not None and (epoch + 1) % plan.validation_freq == 0:
        listeners.test_begin()
        batch_size = plan.validation_batch_size or plan.batch_size
        measured = program.evaluate(validation, batch_size)
        listeners.test_end(measured)
        logs |= {f"val_{name}": value for name, value in measured.items()}
    if plan.verbose:
        _print_epoch(epoch, plan.epochs, time.perf_counter() - start, logs)
    # Sorted, as Keras gives them to its callbacks.
    return dict(sorted(logs.items()))


def _print_epoch(
    epoch: int, epochs: int, seconds: float, logs: dict[str, float]
) -> None:
    values = " - ".join(f"{name}: {np.round(v, 4)}" for name, v in logs.items())
    print(f"Epoch {epoch + 1}/{epochs} - {seconds:.2f}s - {values}", flush=True)
