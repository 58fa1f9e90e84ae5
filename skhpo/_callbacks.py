"""scikit-learn's callbacks, for fits and for searches.

scikit-learn marks their interface experimental: it is known here, and nowhere else.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

from sklearn.callback import CallbackSupportMixin as CallbackSupportMixin
from sklearn.callback import with_callbacks as with_callbacks

from ._compat import callback_context, callbacks_set_on


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


class SearchTasks:
    """A search as a task, its candidates as tasks within it, and their folds in those.

    Parameters
    ----------
    search : estimator
        The public search, on which callbacks were set.

    context : SearchContext
        That of the whole fit.

    n_candidates : int
        How many there are at most.

    n_splits : int
        The folds of each.
    """

    def __init__(
        self, search: Any, context: "SearchContext", n_candidates: int, n_splits: int
    ) -> None:
        self.is_stopped = False
        self._n_splits = n_splits
        self._begun: dict[int, SearchContext] = {}
        self._context = None
        if _anyone_listens(search):
            self._context = context.subcontext(
                task_name="search",
                max_subtasks=n_candidates,
                sequential_subtasks=False,
            ).call_on_fit_task_begin()

    @contextmanager
    def of_batch(self, numbers: Sequence[int]) -> Iterator["BatchContext | None"]:
        """Yield what scikit-learn is to take for the context of some candidates.

        It is None where nobody listens, and where candidates are evaluated once more as
        a worker was lost: their folds were told of.
        """
        if self._context is None:
            yield None
            return
        is_new = self._begun.keys().isdisjoint(numbers)
        if is_new:
            self._begun |= {number: self._begin(number) for number in numbers}
        candidates = [self._begun[number] for number in numbers]
        yield BatchContext(candidates, self._n_splits) if is_new else None
        # All are called, whatever the first says.
        answers = [candidate.call_on_fit_task_end() for candidate in candidates]
        self.is_stopped |= any(answers)

    def _begin(self, number: int) -> "SearchContext":
        return self._context.subcontext(
            task_name="candidate",
            task_id=number,
            max_subtasks=self._n_splits,
            sequential_subtasks=False,
        ).call_on_fit_task_begin()

    def end(self) -> None:
        """Say that there are no more candidates."""
        if self._context is not None:
            self._context.call_on_fit_task_end()


class BatchContext:
    """Stands for the context of a batch: its folds belong to their candidates."""

    def __init__(self, candidates: Sequence["SearchContext"], n_splits: int) -> None:
        self._candidates, self._n_splits = candidates, n_splits

    def subcontext(self, *, task_id: int, **_: Any) -> "SearchContext":
        """Return the context of a fold, whose number counts on over the candidates."""
        candidate, split = divmod(task_id, self._n_splits)
        return self._candidates[candidate].subcontext(task_name="fold", task_id=split)


class SearchContext:
    """A context of scikit-learn's that names the public search to callbacks.

    The search that runs within has no name in public, and neither have what stands for
    the estimator there; a worker knows the former only.
    """

    def __init__(self, context: Any, search: Any) -> None:
        self._context, self._search = context, search

    @classmethod
    def of(cls, search: Any, **settings: Any) -> Self:
        """Return the root context of a search, and set up its callbacks."""
        return cls(callback_context(search, **settings), search)

    def subcontext(self, **settings: Any) -> Self:
        """Return a context within this one."""
        return type(self)(self._context.subcontext(**settings), self._search)

    def call_on_fit_task_begin(self, estimator: Any = None, **told: Any) -> Self:
        """Say that the task begins."""
        self._context.call_on_fit_task_begin(estimator=self._named(estimator), **told)
        return self

    def call_on_fit_task_end(self, estimator: Any = None, **told: Any) -> bool:
        """Say that the task has ended; return whether a callback wants to stop."""
        return self._context.call_on_fit_task_end(
            estimator=self._named(estimator), **told
        )

    def propagate_callback_context(
        self, sub_estimator: Any
    ) -> AbstractContextManager[None]:
        """Hand callbacks on to the user's estimator, while it is fitted."""
        return self._context.propagate_callback_context(sub_estimator.estimator)

    def _named(self, estimator: Any) -> Any:
        return estimator if self._search is None else self._search

    def __getstate__(self) -> dict[str, Any]:
        # What runs the search stays behind.
        return {"_context": self._context, "_search": None}


def _anyone_listens(search: Any) -> bool:
    """Tell whether callbacks were set on a search, or on something within it."""
    within = search.get_params(deep=True).values()
    return any(map(callbacks_set_on, [search, *within]))
