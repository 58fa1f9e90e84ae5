"""A search as a task, within which others are."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Self

from .._compat import callback_context, callbacks_set_on, forget_context
from ._reports import CandidateReport, SearchReport


class SearchTasks:
    """A search as a task, its candidates as tasks within it, and their folds in those.

    Parameters
    ----------
    search : estimator
        The public search, on which callbacks were set.

    context : RootContext
        That of the whole fit.

    n_candidates : int
        How many there are at most.

    n_splits : int
        The folds of each.
    """

    def __init__(
        self, search: Any, context: "RootContext", n_candidates: int, n_splits: int
    ) -> None:
        self.is_heard = _anyone_listens(search)
        self.is_stopped = False
        self._n_splits = n_splits
        self._begun: dict[int, SearchContext] = {}
        if self.is_heard:
            self._context = context.subcontext(
                task_name="search",
                max_subtasks=n_candidates,
                sequential_subtasks=False,
            )

    def begin(self, report: SearchReport) -> None:
        """Say that the first candidate is about to be proposed."""
        if self.is_heard:
            self._context.call_on_fit_task_begin(metadata={"search": report})

    def begin_batch(self, numbers: Sequence[int]) -> "BatchContext | None":
        """Return what scikit-learn is to take for the context of some candidates.

        It is None where nobody listens, and where candidates are evaluated once more as
        a worker was lost: their folds were told of.
        """
        if not self.is_heard or not self._begun.keys().isdisjoint(numbers):
            return None
        candidates = [
            self._context.subcontext(
                task_name="candidate",
                task_id=number,
                max_subtasks=self._n_splits,
                sequential_subtasks=False,
            ).call_on_fit_task_begin()
            for number in numbers
        ]
        self._begun |= dict(zip(numbers, candidates, strict=True))
        return BatchContext(candidates, self._n_splits)

    def end_candidate(self, report: CandidateReport) -> None:
        """Say how a candidate fared."""
        context = self._begun[report.number]
        told = {"metadata": {"candidate": report}}
        self.is_stopped |= context.call_on_fit_task_end(**told)
        context.forget()

    def end(self) -> None:
        """Say that there are no more candidates."""
        if self.is_heard:
            self._context.call_on_fit_task_end()


class WithinSearchMixin:
    """A mixin for scikit-learn's search within ours, in `_search`, that runs it."""

    def _init_callback_context(self, **settings: Any) -> "RootContext":
        self._root = RootContext.of(self._search, **settings)
        return self._root

    def end(self) -> None:
        """Say that the public search is fitted."""
        self._root.end()


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

    def subcontext(self, **settings: Any) -> "SearchContext":
        """Return a context within this one."""
        return SearchContext(self._context.subcontext(**settings), self._search)

    def call_on_fit_task_begin(self, estimator: Any = None, **told: Any) -> Self:
        """Say that the task begins."""
        self._context.call_on_fit_task_begin(estimator=self._named(estimator), **told)
        return self

    def call_on_fit_task_end(self, estimator: Any = None, **told: Any) -> bool:
        """Say that the task has ended; return whether a callback wants to stop."""
        return self._context.call_on_fit_task_end(
            estimator=self._named(estimator), **told
        )

    def forget(self) -> None:
        """Leave the tree of tasks, which goes to workers with each fold."""
        forget_context(self._context)

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


class RootContext(SearchContext):
    """The context of the whole fit, which ends when the public search is fitted."""

    def call_on_fit_task_end(self, estimator: Any = None, **told: Any) -> bool:
        """Keep for `end` what was told."""
        self._told = {"estimator": estimator, **told}
        return False

    def end(self) -> None:
        """Say that the search is fitted."""
        super().call_on_fit_task_end(**self._told)


def _anyone_listens(search: Any) -> bool:
    """Tell whether callbacks were set on a search, or on something within it."""
    within = search.get_params(deep=True).values()
    return any(map(callbacks_set_on, [search, *within]))
