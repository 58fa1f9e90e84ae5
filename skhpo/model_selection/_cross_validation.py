"""What of a search scikit-learn does: fits, scores, the table, and the final fit."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import BaseCrossValidator, check_cv
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import MetadataRouter

from .._callbacks import RootContext, SearchTasks, WithinSearchMixin
from .._compat import BaseSearchCV, n_samples, routed_parameters, scorers_of
from ._fold import ROWS, TASK, FoldEstimator, Folds, FoldScorer, Task


class Failure(NamedTuple):
    """A fit of a search that failed.

    Attributes
    ----------
    candidate : int
        The row of `cv_results_`.

    split : int
        The number of the split.

    error : str
        The traceback.
    """

    candidate: int
    split: int
    error: str


class FrozenFolds:
    """A splitter that splits once and gives the same folds ever after.

    Parameters
    ----------
    search : BaseSearchCV
        The search whose `cv` it stands for.
    """

    def __init__(self, search: BaseSearchCV):
        self._search = search
        self._splits: list | None = None

    def get_n_splits(self, X: Any, y: Any = None, **params: Any) -> int:
        """Return the number of splits."""
        return len(self.split(X, y, **params))

    def split(self, X: Any, y: Any = None, **params: Any) -> list[tuple]:
        """Return the folds of the first call, for whatever data that was."""
        if self._splits is None:
            classifier = is_classifier(self._search.estimator)
            cv = check_cv(self._search.cv, y, classifier=classifier)
            self._splits = splits_of(cv, X, y, params)
            # The first fit tells, not the one that cannot go on after a kill.
            if self._search.journal is not None and self.digests != Folds.of(
                splits_of(cv, X, y, params)
            ):
                raise ValueError(
                    f"with a journal, cv must split alike each time, and {cv} does not."
                    " Give it an integer random_state."
                )
        return self._splits

    @property
    def digests(self) -> Folds:
        """The splits, as workers and journals tell them apart."""
        return Folds.of(self._splits)


def splits_of(
    cv: BaseCrossValidator, X: Any, y: Any, params: Mapping[str, Any]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the rows of each fold's sides, by their numbers.

    They may be given as masks, or counted from the end; workers see what they select.
    """
    every = np.arange(n_samples(X))
    splits = [(every[train], every[test]) for train, test in cv.split(X, y, **params)]
    if not splits:
        raise ValueError(
            f"cv must give at least one split, got none from {cv}. A generator is used "
            "up by the first fit: give a list of it."
        )
    return splits


class CrossValidation(WithinSearchMixin, BaseSearchCV):
    """Evaluates the trials of a search on the same folds, batch after batch.

    It is scikit-learn's search around a `FoldEstimator` and a `FoldScorer`, which keep
    a failed fit from ending it, and is private: the public searches take over what it
    found. Its constructor is scikit-learn's.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        scoring: Callable,
        n_jobs: int | None,
        refit: bool | str | Callable,
        cv: FrozenFolds,
        pre_dispatch: int | str,
        error_score: str | float,
        return_train_score: bool,
        verbose: int = 0,
    ):
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )

    @classmethod
    def of(
        cls, search: BaseSearchCV, run: Callable, n_candidates: int
    ) -> "CrossValidation":
        """Return what evaluates the trials that a search proposes.

        `run` is called with it once the folds are made, calls `evaluate` for no more
        than `n_candidates`, and returns the metric that is searched by.
        """
        scorer, several = scorers_of(search)
        metrics = None if several is None else list(several)
        new = cls(
            FoldEstimator(search.estimator, search.error_score),
            scoring=FoldScorer(
                scorer, metrics, search.error_score, search.return_train_score
            ),
            n_jobs=search.n_jobs,
            refit=search.refit,
            cv=FrozenFolds(search),
            pre_dispatch=search.pre_dispatch,
            # What may fail was caught before scikit-learn sees it.
            error_score="raise",
            return_train_score=search.return_train_score,
        )
        new._search, new._run, new._n_candidates = search, run, n_candidates
        new.scorers = scorer if several is None else several
        # The very dictionary that becomes `cv_results_`.
        new._results = {}
        new._candidates, new._fits = [], []
        return new

    def __getstate__(self) -> dict[str, Any]:
        # scikit-learn sends the search along with each fit to a worker; what runs it
        # must stay behind.
        return {}

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the routing of the public search."""
        return self._search.get_metadata_routing()

    @property
    def failures(self) -> list[Failure]:
        """The fits that failed so far."""
        return [
            Failure(*divmod(place, self.n_splits_), error)
            for place, fit in enumerate(self._fits)
            if (error := error_of(fit)) is not None
        ]

    def fit_data(self, X: Any, y: Any, params: dict[str, Any]) -> None:
        """Search on these data."""
        self.data = X, y, params
        self.data_shape_ = tuple(getattr(X, "shape", (n_samples(X),)))
        super().fit(X, y, **params)

    def evaluate(self, tasks: Sequence[Task]) -> list[list[dict[str, Any]]]:
        """Fit and score trials, in parallel; return the fits of each, fold by fold."""
        start = len(self._fits)
        self._evaluate_candidates(
            [{TASK: task} for task in tasks],
            callback_ctx=self.tasks.begin_batch([task.number for task in tasks]),
        )
        fits = self._fits[start:]
        trials = [
            fits[k : k + self.n_splits_] for k in range(0, len(fits), self.n_splits_)
        ]
        for task, folds in zip(tasks, trials, strict=True):
            for fold, known in task.finished.items():
                # How long it took when it was fitted, not when it was read.
                folds[fold] |= {k: known[k] for k in ("fit_time", "score_time")}
        return trials

    def _get_routed_params_for_fit(self, params: Mapping[str, Any]) -> Any:
        """Add the numbers of rows, by which workers know what fold they have."""
        routed = routed_parameters(self._search, dict(params))
        X, _, _ = self.data
        rows = np.arange(n_samples(X))
        return Bunch(
            estimator=Bunch(fit={**routed.estimator.fit, ROWS: rows}),
            scorer=Bunch(score={**routed.scorer.score, ROWS: rows}),
            splitter=Bunch(split=routed.splitter.split),
        )

    def _run_search(
        self, evaluate_candidates: Callable, *, callback_ctx: RootContext
    ) -> None:
        self._evaluate_candidates = evaluate_candidates
        self.tasks = SearchTasks(
            self._search, callback_ctx, self._n_candidates, self.n_splits_
        )
        metric = self._run(self)
        self.tasks.end()
        check_any_fitted(self._fits, metric)
        _give_all_the_same_metrics(self._fits)
        self._warn_of_failures()
        tasks = [candidate[TASK] for candidate in self._candidates]
        columns = {name: [t.columns[name] for t in tasks] for name in tasks[0].columns}
        self._results |= super()._format_results(
            [dict(task.params) for task in tasks], self.n_splits_, self._fits, columns
        )

    def _format_results(
        self, candidate_params: list, _n_splits: int, out: list, *_: Any
    ) -> dict[str, Any]:
        """Keep what came of the trials so far; the table is made at the end."""
        self._candidates, self._fits = candidate_params, out
        return self._results

    def _select_best_index(
        self, refit: Any, refit_metric: str, results: dict[str, Any]
    ) -> int:
        """Return the row that the search takes for the best."""
        if callable(refit):
            return super()._select_best_index(refit, refit_metric, results)
        return self._search._rows_by_rank(refit_metric, results)[0]

    def _warn_of_failures(self) -> None:
        failures = self.failures
        # A score that is not a number stays what it is.
        error_score = self._search.error_score
        where = f"; where an error was raised, the score is set to {error_score}"
        if failures:
            warnings.warn(
                f"{len(failures)} of {len(self._fits)} fits failed"
                f"{'' if error_score == 'raise' else where}. All errors are in "
                f"failures_, the first is:\n{failures[0].error}",
                FitFailedWarning,
                stacklevel=2,
            )


def error_of(fit: Mapping[str, Any], metric: str | None = None) -> str | None:
    """Return the error of a fit, or of one of its metrics; None if it succeeded."""
    scores = fit["test_scores"]
    if isinstance(scores, Mapping):
        found = [scores[metric]] if metric is not None else list(scores.values())
    else:
        found = [scores]
    errors = (getattr(score, "error", None) for score in found)
    return next((error for error in errors if error is not None), None)


def check_any_fitted(fits: Sequence[Mapping[str, Any]], metric: str | None) -> None:
    """Raise if all fits failed, or there are none."""
    if not fits:
        raise ValueError(
            "the oracle proposed no candidate: there is nothing to choose from. One of "
            "Keras Tuner's that has searched before is used up: make a new one."
        )
    errors = [error_of(fit, metric) for fit in fits]
    if None not in errors:
        raise ValueError(
            f"All {len(errors)} fits of the search failed, so that there is nothing "
            f"to choose from. The first of them failed like this:\n{errors[0]}"
        )


def mean_score(fits: Iterable[Mapping[str, Any]], metric: str | None) -> float:
    """Return the mean test score of a trial, NaN if one of its fits failed.

    `error_score` is for the table: an oracle that took it for a score could be drawn to
    where fits fail.
    """
    fits = list(fits)
    if any(error_of(fit, metric) is not None for fit in fits):
        return np.nan
    scores = [fit["test_scores"] for fit in fits]
    return float(np.mean([s[metric] if isinstance(s, Mapping) else s for s in scores]))


def searched_metric(
    fits: Sequence[Mapping[str, Any]], refit: Any, objective: str | None
) -> str | None:
    """Return which of several metrics a search seeks the best of."""
    several = [
        fit["test_scores"] for fit in fits if isinstance(fit["test_scores"], Mapping)
    ]
    if not several:
        if objective is not None and any(error_of(fit) is None for fit in fits):
            raise ValueError(
                f"objective names one of several metrics, got {objective!r} where "
                "scoring returned a single number. Leave it out."
            )
        return None
    metrics = list(several[0])
    check_objective(metrics, refit, objective)
    if objective is not None:
        return objective
    return refit if isinstance(refit, str) else metrics[0]


def check_objective(metrics: Sequence[str], refit: Any, objective: str | None) -> None:
    """Raise unless it is clear which metric is searched by, and which decides."""
    if objective is None and len(metrics) > 1 and refit not in metrics:
        raise ValueError(
            "with several metrics, objective or refit must name the one to search by, "
            f"got {objective=} and {refit=}. Set one of them to one of {list(metrics)}."
        )
    if objective is not None and objective not in metrics:
        raise ValueError(
            f"objective must name one of the metrics, {list(metrics)}, got "
            f"{objective!r}."
        )
    if refit is not False and not callable(refit) and refit not in metrics:
        raise ValueError(
            "where metrics have names, refit must be one of them, False or a callable, "
            f"got {refit=}. Set it to one of {list(metrics)}, or to False."
        )


def _give_all_the_same_metrics(fits: Sequence[dict[str, Any]]) -> None:
    """Give fits that failed before a metric was known the metrics of the others."""
    for part in ("test_scores", "train_scores"):
        dicts = [s for fit in fits if isinstance(s := fit.get(part), Mapping)]
        for fit in fits if dicts else ():
            if not isinstance(fit.get(part), Mapping):
                fit[part] = dict.fromkeys(dicts[0], fit[part])
