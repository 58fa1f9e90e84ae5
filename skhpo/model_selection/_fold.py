"""One fold of one trial: what a worker fits, scores, and leaves on disk."""

import contextlib
import hashlib
import math
import multiprocessing
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Number
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import Tags, get_tags

from .._callbacks import FitReport
from .._nested import find_network
from ..exceptions import ContinuationError
from ._journal import write_fold
from ._rungs import RungFolder
from ._usage import Usage, usage_of_gpus

# What scikit-learn hands on to `set_params` and `fit` under these names is ours. They
# are no identifiers, so that no parameter of an estimator is called like them.
TASK = "task of skhpo"
ROWS = "rows of skhpo"


@dataclass(frozen=True)
class Folds:
    """The splits of a search, known by the rows that they put on either side."""

    train: Sequence[bytes]
    test: Sequence[bytes]

    @classmethod
    def of(cls, splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> Self:
        """Return what tells the splits of a search apart."""
        train, test = zip(*splits, strict=True)
        return cls([*map(digest_of_rows, train)], [*map(digest_of_rows, test)])

    def trained_on(self, rows: bytes) -> list[int]:
        """Return the folds that train on the rows: one, unless folds are twins."""
        return [k for k, found in enumerate(self.train) if found == rows]


def digest_of_rows(rows: Any) -> bytes:
    """Return what tells a set of rows, given by their numbers, from all others."""
    content = np.ascontiguousarray(rows, dtype=np.int64)
    return hashlib.blake2b(content.view(np.uint8).data, digest_size=16).digest()


@dataclass(frozen=True)
class Task:
    """What a worker is told of a trial.

    Parameters
    ----------
    number : int
        Of the trial.

    params : dict of str to object
        What `set_params` of the estimator is to get.

    cells : dict of str to float or int
        The trial as the journal writes it.

    origin : str
        The part of the search that the trial belongs to: a space, and a rung.

    folds : Folds
        The splits of the search.

    finished : dict of int to dict, default={}
        What is known of folds that a killed search had finished.

    journal : str or None, default=None
        The folder that each finished fold is written to.

    rung : RungFolder or None, default=None
        Where the fits of a trial leave their state and find that of the rung before.

    columns : dict of str to int, default={}
        What else `cv_results_` says of it.

    is_followed : bool, default=False
        Whether anyone wants to know how each fit went.
    """

    number: int
    params: Mapping[str, Any]
    cells: Mapping[str, float]
    origin: str
    folds: Folds
    finished: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    journal: str | None = None
    rung: RungFolder | None = None
    columns: Mapping[str, int] = field(default_factory=dict)
    is_followed: bool = False

    def __sklearn_clone__(self) -> Self:
        # scikit-learn clones the values that it sets.
        return self


class FoldScore(float):
    """A score that remembers what came with it.

    It is a number, so that scikit-learn lets it pass as a fold's score: one failed
    trial must not end a search, and what it failed of must reach the user.

    Attributes
    ----------
    error : str or None
        Why there was none; then it is worth what `error_score` says.

    report : FitReport or None
        How the fit went, if anyone wants to know.
    """

    def __new__(
        cls, score: float, error: str | None, report: FitReport | None = None
    ) -> Self:
        """Make a score that remembers."""
        made = super().__new__(cls, score)
        made.error, made.report = error, report
        return made

    def __reduce__(self) -> tuple:
        return type(self), (float(self), self.error, self.report)


class FoldEstimator:
    """Stands for the user's estimator where scikit-learn fits one fold of one trial.

    It returns at once where a journal holds the fold, and keeps the error of a fit that
    fails for the scorer.

    Parameters
    ----------
    estimator : estimator
        The user's.

    error_score : "raise" or float
        The parameter of the search.
    """

    def __init__(self, estimator: Any, error_score: str | float):
        self.estimator = estimator
        self.error_score = error_score
        self.task: Task | None = None
        self.error: str | None = None
        self.report: FitReport | None = None
        self.fit_time = 0.0

    def __sklearn_clone__(self) -> Self:
        return type(self)(clone(self.estimator), self.error_score)

    def __sklearn_tags__(self) -> Tags:
        return get_tags(self.estimator)

    def set_params(self, **params: Any) -> Self:
        """Take a task, or, for the fit on all of the data, plain parameters."""
        self.task = params.pop(TASK, None)
        if self.task is not None:
            params = clone(dict(self.task.params), safe=False)
        self.params = params
        return self

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Fit the user's estimator, unless it is known how that ends."""
        ignore_interrupts_in_worker()
        rows = params.pop(ROWS)
        if self.task is None:
            self.estimator.set_params(**self.params)
            return self._fit(X, y, params)
        self.trained_on = digest_of_rows(rows)
        twins = self.task.folds.trained_on(self.trained_on)
        if not set(twins) <= self.task.finished.keys():
            self._fit_or_keep_error(X, y, params, twins[0])
        return self

    def _fit_or_keep_error(
        self, X: Any, y: Any, params: Mapping[str, Any], fold: int
    ) -> None:
        start = time.perf_counter()
        if self.task.is_followed:
            with Usage() as usage:
                self._try_to_fit(X, y, params, fold)
            history = _history(self.estimator)
            of_gpus = usage_of_gpus() if history else {}
            self.report = FitReport(history, usage.found | of_gpus)
        else:
            self._try_to_fit(X, y, params, fold)
        self.fit_time = time.perf_counter() - start

    def _try_to_fit(self, X: Any, y: Any, params: Mapping[str, Any], fold: int) -> None:
        try:
            # Here, not before, so that a candidate that cannot be set is a failed one.
            self.estimator.set_params(**self.params)
            rung = self.task.rung
            with rung.fold(fold, self.estimator) if rung else contextlib.nullcontext():
                self._fit(X, y, params)
        except ContinuationError:
            raise
        except Exception:
            if self.error_score == "raise":
                raise
            self.error = traceback.format_exc()

    def _fit(self, X: Any, y: Any, params: Mapping[str, Any]) -> Self:
        targets = () if y is None else (y,)
        self.estimator.fit(X, *targets, **params)
        return self

    def __getattr__(self, name: str) -> Any:
        # After the fit on all of the data, scikit-learn asks for the names of features.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(vars(self)["estimator"], name)


class FoldScorer:
    """Scores a fold, and leaves what came of it on disk if there is a journal.

    Parameters
    ----------
    scorer : callable
        That of the search: returns a number, or a dict for several metrics.

    metrics : list of str or None
        The names of the metrics where there are several and they are known.

    error_score : "raise" or float
        The parameter of the search.

    with_train_scores : bool
        Whether it will be called a second time for each fold, for the training set.
    """

    def __init__(
        self,
        scorer: Callable,
        metrics: Sequence[str] | None,
        error_score: str | float,
        with_train_scores: bool,
    ):
        self.scorer = scorer
        self.metrics = metrics
        self.error_score = error_score
        self.with_train_scores = with_train_scores

    def __call__(
        self, fitted: FoldEstimator, X: Any, y: Any = None, **params: Any
    ) -> float | dict[str, float]:
        """Return the scores on the test set, and at the second call the training set.

        scikit-learn calls in this order.
        """
        rows = params.pop(ROWS)
        record = vars(fitted).get("record")
        part = "train_scores" if record else "test_scores"
        if record is None:
            record = fitted.record = self._new_record(fitted, digest_of_rows(rows))
        finished = fitted.task.finished.get(record["fold"])
        if finished is not None:
            return with_errors(finished[part], finished["error"])
        start = time.perf_counter()
        if part == "test_scores":
            record[part] = self._scores(fitted, X, y, params, record)
            record["score_time"] = time.perf_counter() - start
        else:
            # Of these nothing depends, so that their errors are no failures.
            record[part] = self._scores(fitted, X, y, params, {})
        if part == "train_scores" or not self.with_train_scores:
            write_fold(fitted.task.journal, record)
        return with_errors(record[part], record["error"], fitted.report)

    def _new_record(self, fitted: FoldEstimator, rows: bytes) -> dict[str, Any]:
        folds = fitted.task.folds
        (fold, *_) = (
            k for k in folds.trained_on(fitted.trained_on) if folds.test[k] == rows
        )
        return {
            "trial": fitted.task.number,
            "fold": fold,
            "cells": dict(fitted.task.cells),
            "fit_time": fitted.fit_time,
            "origin": fitted.task.origin,
            "error": fitted.error,
        }

    def _scores(
        self, fitted: FoldEstimator, X: Any, y: Any, params: Any, record: dict
    ) -> float | dict[str, float]:
        """Return the scores, and note in the record what is wrong with which."""
        if fitted.error is not None:
            return self._worthless()
        targets = () if y is None else (y,)
        try:
            scores = self.scorer(fitted.estimator, X, *targets, **params)
        except Exception:
            if self.error_score == "raise":
                raise
            record["error"] = traceback.format_exc()
            return self._worthless()
        if not isinstance(scores, Mapping):
            score = checked_score(scores, self.scorer)
            record["error"] = "the score is not a number" if math.isnan(score) else None
            return score
        # Where scikit-learn computes several metrics, those that fail are texts.
        errors = {name: text for name, text in scores.items() if isinstance(text, str)}
        found = {
            name: self.error_score if name in errors else checked_score(score, name)
            for name, score in scores.items()
        }
        for name, score in found.items():
            if math.isnan(score):
                errors.setdefault(name, f"the score {name} is not a number")
        record["error"] = errors or None
        return found

    def _worthless(self) -> float | dict[str, float]:
        if self.metrics is None:
            return self.error_score
        return dict.fromkeys(self.metrics, self.error_score)


def checked_score(score: Any, scorer: Any) -> float:
    """Return a score as a plain number."""
    found = score.item() if getattr(score, "size", 0) == 1 else score
    if not isinstance(found, Number):
        raise ValueError(
            f"scoring must return a number, got {found!r} ({type(found).__name__}) "
            f"from {scorer!r}."
        )
    return float(found)


def with_errors(scores: Any, error: Any, report: FitReport | None = None) -> Any:
    """Return scores that remember what they failed of, and how the fit went.

    `error` is None, a text, or a dict with a text for each metric that failed.
    """
    if not isinstance(scores, Mapping):
        return FoldScore(scores, error, report)
    errors = error if isinstance(error, Mapping) else dict.fromkeys(scores, error)
    return {
        name: FoldScore(score, errors.get(name), report)
        for name, score in scores.items()
    }


def _history(estimator: Any) -> dict[str, list[float]]:
    """Return what a network in the estimator recorded by epoch, if there is one."""
    try:
        history = find_network(estimator, "history_").network.history_
    except (NotFittedError, TypeError):
        return {}
    # Other libraries mean other things by that name.
    return dict(history) if isinstance(history, Mapping) else {}


def ignore_interrupts_in_worker() -> None:
    """Let a worker process go on when the user presses Ctrl-C.

    A terminal sends it to every process in the foreground. The search itself decides
    when it ends, and joblib ends its workers.
    """
    is_child = multiprocessing.parent_process() is not None
    if (
        is_child
        and threading.current_thread() is threading.main_thread()
        # A search that runs in a child itself listens by a handler of its own.
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
