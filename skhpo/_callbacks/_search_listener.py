"""What hears of whole searches, as trackers do."""

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import numpy as np

from .._compat import BaseSearchCV
from ..exceptions import TrackingWarning
from ._reports import CandidateReport, SearchReport

# What is known of failures in searches of scikit-learn's.
FAILED = "The score is not a number; error_score='raise' tells why."


class SearchListener:
    """What hears of whole searches: set it on one by `set_callbacks`.

    Subclasses say what follows a search (`_follow`): an object whose `candidate` gets
    a `CandidateReport` for each candidate, whose `end` gets the fitted search, and
    whose `close` is called however the search ended.

    Other searches than ours tell of their candidates at the end, all at once.
    """

    def __init__(self) -> None:
        self._followers: dict[int, Any] = {}
        # When the fits of searches began, which others than ours tell afterwards.
        self._began: dict[int, float] = {}

    def _follow(self, search: Any, report: SearchReport) -> Any:
        """Return what follows a search that begins."""
        raise NotImplementedError

    def setup(self, estimator: Any, context: Any) -> None:  # noqa: ARG002
        """Raise unless it was set on a search.

        Parameters
        ----------
        estimator : estimator
            What it was set on.

        context : CallbackContext
            The task of its fit.

        Raises
        ------
        TypeError
            If that is no search.
        """
        if not isinstance(estimator, BaseSearchCV):
            raise TypeError(
                f"{type(self).__name__} follows searches, got "
                f"{type(estimator).__name__}. Set it on a search around that."
            )
        self._began[id(estimator)] = time.time()

    def on_fit_task_begin(
        self,
        estimator: Any,
        context: Any,  # noqa: ARG002
        *,
        metadata: Any,
    ) -> None:
        """Begin to follow one of our searches.

        Parameters
        ----------
        estimator : estimator
            The search.

        context : CallbackContext
            The task that begins.

        metadata : dict or None
            With "search", a `SearchReport`, where that is what begins.
        """
        report = (metadata or {}).get("search")
        if report is not None:
            with self._heeding_errors(estimator):
                self._followers[id(estimator)] = self._follow(estimator, report)

    def on_fit_task_end(self, estimator: Any, context: Any, *, metadata: Any) -> None:
        """Tell the follower of a candidate, or of the fitted search.

        Parameters
        ----------
        estimator : estimator
            The search.

        context : CallbackContext
            The task that ends.

        metadata : dict or None
            With "candidate", a `CandidateReport`, where it is one that ends.
        """
        report = (metadata or {}).get("candidate")
        is_end = context.task_name == "fit" and hasattr(estimator, "cv_results_")
        with self._heeding_errors(estimator):
            if is_end and id(estimator) not in self._followers:
                self._follow_afterwards(estimator)
            follower = self._followers.get(id(estimator))
            if follower is not None and report is not None:
                follower.candidate(report)
            elif follower is not None and is_end:
                follower.end(estimator)

    def teardown(self, estimator: Any, context: Any) -> None:  # noqa: ARG002
        """Follow the search no longer.

        Parameters
        ----------
        estimator : estimator
            The search.

        context : CallbackContext
            The task of its fit.
        """
        self._began.pop(id(estimator), None)
        follower = self._followers.pop(id(estimator), None)
        if follower is not None:
            follower.close()

    @contextmanager
    def _heeding_errors(self, search: Any) -> Iterator[None]:
        """Warn of an error, and follow the search no further, in which it is no error.

        None stands for a follower that was given up.
        """
        try:
            yield
        except TrackingWarning:
            # Whoever makes errors of warnings wants this one.
            raise
        except Exception as error:
            follower = self._followers.get(id(search))
            self._followers[id(search)] = None
            warnings.warn(
                f"{type(self).__name__} failed, and follows this search no further; "
                f"the search goes on. {type(error).__name__}: {error}",
                TrackingWarning,
                stacklevel=2,
            )
            if follower is not None:
                follower.close()

    def _follow_afterwards(self, search: Any) -> None:
        """Follow a search of scikit-learn's from its results."""
        candidates = candidates_of(search)
        report = SearchReport(
            id=uuid4().hex,
            journal=None,
            spaces=_spaces_of(search),
            n_candidates=len(candidates),
            n_splits=search.n_splits_,
        )
        self._followers[id(search)] = self._follow(search, report)
        for candidate in candidates:
            self._followers[id(search)].candidate(candidate)

    def __getstate__(self) -> dict[str, Any]:
        # In a worker there is nothing to follow.
        return {**vars(self), "_followers": {}, "_began": {}}


def objective_of(search: Any) -> str:
    """Return the metric that a fitted search sought the best of, or its first one.

    It is the first where a function chose the best.
    """
    metrics = _metrics_of(search)
    chosen = getattr(search, "objective_", None) or search.refit
    return chosen if chosen in metrics else metrics[0]


def _metrics_of(search: Any) -> list[str]:
    start = "mean_test_"
    return [k.removeprefix(start) for k in search.cv_results_ if k.startswith(start)]


def candidates_of(search: Any) -> list[CandidateReport]:
    """Return what there is to know of the candidates of a fitted search."""
    results, splits = search.cv_results_, range(search.n_splits_)
    metrics, by = _metrics_of(search), objective_of(search)
    columns = [name for name in ("iter", "n_resources") if name in results]
    finite = np.isfinite(
        np.column_stack([results[f"split{k}_test_{by}"] for k in splits])
    )
    seconds = results["mean_fit_time"] + results["mean_score_time"]
    return [
        CandidateReport(
            number=row,
            params=params,
            score=float(results[f"mean_test_{by}"][row]),
            scores={
                name: [float(results[f"split{k}_test_{name}"][row]) for k in splits]
                for name in metrics
            },
            seconds=[float(seconds[row])] * len(splits),
            errors=[None if has_score else FAILED for has_score in finite[row]],
            fits=[None] * len(splits),
            columns={name: results[name][row].item() for name in columns},
        )
        for row, params in enumerate(results["params"])
    ]


def _spaces_of(search: Any) -> list[dict[str, str]]:
    """Return what a search of scikit-learn's searches in."""
    names = ("param_grid", "param_distributions")
    given = next((getattr(search, n) for n in names if hasattr(search, n)), [])
    spaces = [given] if isinstance(given, Mapping) else given
    return [{name: repr(values) for name, values in space.items()} for space in spaces]
