"""Batch after batch of candidates, evaluated as if they were one."""

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import FitFailedWarning

Candidates = Sequence[dict[str, Any]]


class FailedBatch(NamedTuple):
    """Candidates of which no fit succeeded, and the first one's place in the search."""

    start: int
    candidates: Candidates
    error: ValueError


class BatchedEvaluation:
    """The evaluation of many batches, all on the same folds.

    Parameters
    ----------
    evaluate_candidates : callable
        What `BaseSearchCV` passes to `_run_search`.

    splitter : cross-validation splitter
        Split with once, at the first batch.

    refit : bool, str or callable
        The parameter of the search; names the metric where there are several.

    error_score : "raise" or float
        The parameter of the search.

    Notes
    -----
    `evaluate_candidates` raises when all fits of a call fail, which is right for a grid
    and would end a sequential search at its first bad candidate. Such a batch is noted
    here instead, and put in its place when scikit-learn formats the results.
    """

    def __init__(
        self,
        evaluate_candidates: Callable,
        splitter: Any,
        refit: bool | str | Callable,
        error_score: str | float,
    ):
        self._evaluate_candidates = evaluate_candidates
        self._folds = FrozenFolds(splitter)
        self._refit = refit
        self._error_score = error_score
        self._n_candidates = 0
        self._failed_batches: list[FailedBatch] = []
        # The very dictionary that becomes `cv_results_`.
        self._results: dict[str, Any] = {}
        self._format: Callable[[], dict[str, Any]] | None = None

    def scores(self, candidates: Candidates) -> list[float]:
        """Return the mean test scores of a batch."""
        start = self._n_candidates
        self._n_candidates += len(candidates)
        try:
            self._results = self._evaluate_candidates(candidates, cv=self._folds)
        except ValueError as error:
            if self._error_score == "raise" or not _says_all_fits_failed(error):
                raise
            self._failed_batches.append(FailedBatch(start, candidates, error))
            warnings.warn(
                f"{error}\nThe scores of these candidates are set to "
                f"{self._error_score}, and the search goes on.",
                FitFailedWarning,
                stacklevel=2,
            )
            return [self._error_score] * len(candidates)
        metric = _searched_metric(self._results, self._refit)
        return self._results[f"mean_test_{metric}"][start:].tolist()

    def table(
        self,
        format_results: Callable,
        candidates: Candidates,
        n_splits: int,
        fits: Sequence[dict[str, Any]],
    ) -> dict[str, Any]:
        """Format results as `BaseSearchCV` does, with the failed batches among them."""
        self._format = partial(
            self._formatted, format_results, candidates, n_splits, fits
        )
        with warnings.catch_warnings():
            # Said again for every batch after a failure; `finish` has it said once.
            warnings.filterwarnings("ignore", "One or more of the (test|train) scores")
            return self._format()

    def finish(self) -> None:
        """Complete the results, or raise if no trial was ever fitted."""
        if self._format is None:
            first = self._failed_batches[0].error
            raise ValueError(
                f"None of the {self._n_candidates} candidates could be fitted. The "
                f"first of them failed like this:\n{first}"
            ) from first
        self._results.update(self._format())

    def _formatted(
        self,
        format_results: Callable,
        candidates: Candidates,
        n_splits: int,
        fits: Sequence[dict[str, Any]],
    ) -> dict[str, Any]:
        all_candidates, all_fits = list(candidates), list(fits)
        failed_fit = _failed_fit(fits[0], self._error_score)
        for start, failed, _ in self._failed_batches:
            all_candidates[start:start] = failed
            position = start * n_splits
            all_fits[position:position] = [failed_fit] * (len(failed) * n_splits)
        return format_results(all_candidates, n_splits, all_fits)


class FrozenFolds:
    """A splitter that splits once and gives the same folds ever after.

    Parameters
    ----------
    splitter : cross-validation splitter
        Any, also one that shuffles anew at each call.
    """

    def __init__(self, splitter: Any):
        self._splitter = splitter
        self._folds: list | None = None

    def split(self, X: Any, y: Any = None, **params: Any) -> Iterable[tuple]:
        """Return the folds of the first call, for whatever data that was."""
        if self._folds is None:
            self._folds = list(self._splitter.split(X, y, **params))
        return self._folds


def _says_all_fits_failed(error: ValueError) -> bool:
    # scikit-learn has no class of its own for this error.
    return re.match(r"\s*All the \d+ fits failed", str(error)) is not None


def _searched_metric(results: dict[str, Any], refit: bool | str | Callable) -> str:
    metrics = [
        column.removeprefix("mean_test_")
        for column in results
        if column.startswith("mean_test_")
    ]
    if len(metrics) == 1:
        return metrics[0]
    check_searched_metric(metrics, refit)
    return refit


def check_searched_metric(metrics: Iterable[str], refit: bool | str | Callable) -> None:
    """Raise a `ValueError` unless `refit` names one of several metrics."""
    if not isinstance(refit, str) or refit not in metrics:
        raise ValueError(
            "with several metrics, refit must name the one to search by, got "
            f"{refit!r}. Set it to one of {list(metrics)}."
        )


def _failed_fit(fit: dict[str, Any], error_score: float) -> dict[str, Any]:
    """Return what scikit-learn would record of a failed fit, like a given fit."""
    failed = fit | {"fit_time": np.nan, "score_time": np.nan}
    for part in {"test_scores", "train_scores"} & fit.keys():
        if isinstance(fit[part], dict):
            failed[part] = dict.fromkeys(fit[part], error_score)
        else:
            failed[part] = error_score
    return failed
