"""The fit of an estimator as a task."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.callback import CallbackSupportMixin as CallbackSupportMixin
from sklearn.callback import with_callbacks as with_callbacks

from .._compat import callback_context, callbacks_set_on


class FitTask:
    """A fit as a task, and each of its epochs, or fits within, as a task of its own.

    It is made at the beginning of a fit that `with_callbacks` decorates.

    Parameters
    ----------
    estimator : estimator
        What is fitted.

    X, y, sample_weight : array-like or None
        What `fit` was given.

    n_subtasks : int
        How many epochs there are at most, or fits of other estimators; 0 for what is
        fitted at once.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, n_subtasks: int
    ) -> None:
        self.is_heard = bool(callbacks_set_on(estimator))
        self._told = {"estimator": estimator, "X": X, "y": y}
        if sample_weight is not None:
            self._told["metadata"] = {"sample_weight": sample_weight}
        self._context = callback_context(estimator, max_subtasks=n_subtasks)
        self._context.call_on_fit_task_begin(**self._told)

    def begin_epoch(self) -> None:
        """Say that an epoch begins."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._told)

    def end_epoch(self, attributes: Callable[[], dict[str, Any]]) -> bool:
        """Say that the epoch has ended; return whether a callback ends the fit.

        `attributes` returns what makes a copy of the estimator one that was fitted so
        far, and is called if a callback wants that.
        """
        return self._epoch.call_on_fit_task_end(
            **self._told, reconstruction_attributes=attributes
        )

    @contextmanager
    def fit_of(self, sub_estimator: Any, name: str) -> Iterator[None]:
        """Hand callbacks on to an estimator within, while it is fitted."""
        context = self._context.subcontext(task_name=name)
        with context.propagate_callback_context(sub_estimator):
            context.call_on_fit_task_begin(**self._told)
            yield
        context.call_on_fit_task_end(**self._told)

    def end(self) -> None:
        """Say that the estimator is fitted."""
        self._context.call_on_fit_task_end(**self._told, reconstruction_attributes={})
