"""Between the epochs of Keras and the tasks of scikit-learn's callbacks."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras

from .._callbacks import FitTask, with_callbacks
from .._training import Checkpoint

History = dict[str, list[float]]


class EpochTasks(keras.callbacks.Callback):
    """Makes each epoch a task of a fit, and ends the fit where one asks for it.

    Parameters
    ----------
    task : FitTask
        The fit.

    attributes : callable
        Takes the history so far, and returns what makes a copy of the estimator one
        that was fitted so far.

    Attributes
    ----------
    history : dict of str to list of float
        What was recorded so far, also before a checkpoint.

    pauses : bool
        Whether a callback has ended the fit, which goes on from its checkpoint without.
    """

    def __init__(
        self, task: FitTask, attributes: Callable[[History], dict[str, Any]]
    ) -> None:
        super().__init__()
        self._task, self._attributes = task, attributes
        self.history: History = {}
        self.pauses = False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:  # noqa: ARG002
        """Begin a task."""
        self._task.begin_epoch()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:  # noqa: ARG002
        """End it."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        so_far = {name: list(values) for name, values in self.history.items()}
        if self._task.end_epoch(functools.partial(self._attributes, so_far)):
            self.model.stop_training = self.pauses = True


def epoch_tasks(
    task: FitTask, attributes: Callable[[History], dict[str, Any]]
) -> list[EpochTasks]:
    """Return what a fit takes for a Keras callback, if anyone listens to it."""
    return [EpochTasks(task, attributes)] if task.is_heard else []


def go_on_from(
    checkpoint: Checkpoint | None, epochs: int, callbacks: Sequence[Any]
) -> None:
    """Let tasks among callbacks take over what a checkpoint has for so many epochs."""
    if checkpoint is None or not checkpoint.serves(epochs):
        return
    for task in callbacks:
        if isinstance(task, EpochTasks):
            history = checkpoint.state.history
            task.history = {name: list(values) for name, values in history.items()}


def as_task(fit: Callable) -> Callable:
    """Decorate `fit` or `partial_fit` of a wrapper, of which callbacks then hear."""
    signature = inspect.signature(fit)
    is_partial = fit.__name__ == "partial_fit"

    @with_callbacks
    @functools.wraps(fit)
    def heard(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = signature.bind(self, *args, **kwargs)
        given.apply_defaults()
        X, y, weights = (given.arguments[name] for name in ("X", "y", "sample_weight"))
        more = given.arguments["kwargs"]
        epochs = more.get("epochs", getattr(self, "fit__epochs", self.epochs))
        task = FitTask(self, X, y, weights, 1 if is_partial else epochs)
        own = epoch_tasks(task, self._attributes_so_far)
        if own:
            more["callbacks"] = [*keras.tree.flatten(more.get("callbacks") or []), *own]
        fit(*given.args, **given.kwargs)
        task.end()
        return self

    return heard
