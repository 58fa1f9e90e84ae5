"""The loop of a search: ask, evaluate, tell, until the last trial."""

from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import numpy as np

from .._callbacks import CandidateReport, SearchReport
from ._cross_validation import (
    CrossValidation,
    error_of,
    mean_score,
    searched_metric,
)
from ._ending import Ending
from ._fold import Task
from ._header import header_of
from ._journal import Journal
from ._oracles import Oracle, Trial
from ._results import Callback, optimize_result
from ._settings import Cell, Space

# After so many trials of which none succeeded, a search ends: something is wrong that
# no candidate will mend.
MOST_FAILURES = 10

# How often a batch is begun again because a worker was lost.
MOST_LOSSES = 5


@dataclass(eq=False)
class SubSpace:
    """One space of a search, as given and as read, and what came of it.

    Parameters
    ----------
    number : int
        Its place among the spaces of the search.

    source : object
        As the user gave it.

    space : Space
        As it was read.

    n_trials : int
        How many candidates to try, at most.

    initial : list of dict of str to float or int, default=[]
        The cells of candidates that are to be tried before all others.

    trials : list of Trial, default=[]
        Those that were evaluated.

    scores : list of float, default=[]
        What they scored.

    result : OptimizeResult or None, default=None
        Both, as callbacks get them.
    """

    number: int
    source: Any
    space: Space
    n_trials: int
    initial: list[Mapping[str, Cell]] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    result: Any = None


class Loop:
    """Evaluates what a search proposes, and knows how far it is.

    Parameters
    ----------
    search : OracleSearchCV
        Whose parameters it goes by.

    subspaces : list of SubSpace
        The spaces.

    callbacks : list of callable
        Called after each batch of trials.

    ending : Ending
        When to end early.

    resources : ExitStack
        What is closed when the search ends, however it ends.
    """

    def __init__(
        self,
        search: Any,
        subspaces: Sequence[SubSpace],
        callbacks: Sequence[Callback],
        ending: Ending,
        resources: ExitStack,
    ):
        self.search = search
        self.subspaces = subspaces
        self.callbacks = callbacks
        self.ending = ending
        self.resources = resources
        self.metric: str | None = None
        self.journal: Journal | None = None
        self._n_trials = 0
        self._first_scores: list[float] = []
        self._best = -np.inf
        # Of Hyperband's budget.
        self._spent = 0

    @property
    def is_watched(self) -> bool:
        """Whether what is seen after a batch of trials may end the search."""
        return bool(
            self.callbacks
            or self.ending.patience is not None
            or self._validation.tasks.is_heard
        )

    @property
    def n_trials(self) -> int:
        """How many trials there are at most, over all spaces."""
        return sum(subspace.n_trials for subspace in self.subspaces)

    def run(self, validation: CrossValidation) -> str | None:
        """Search one space after the other; return the metric that was searched by."""
        self._validation = validation
        self._folds = validation.cv.digests
        seeds = self.search._draw_seeds(len(self.subspaces))
        if self.search.journal is not None:
            seeds = self._open_journal(seeds)
        validation.tasks.begin(self._report())
        for subspace, seed in zip(self.subspaces, seeds, strict=True):
            if not self.ending.is_over():
                self.search._search_space(self, subspace, seed)
        self.ending.stop_listening()
        return self.metric

    def ask(self, oracle: Oracle, n: int, origin: str) -> list[Trial]:
        """Return up to `n` trials: those that a killed search had begun, then new.

        `origin` says what part of the search they belong to.
        """
        trials: list[Trial] = []
        while len(trials) < n:
            known = None
            if self.journal is not None:
                known = self.journal.cells_of(self._n_trials + len(trials), origin)
            trial = oracle.ask() if known is None else oracle.recall(known)
            if trial is None:
                break
            trials.append(trial)
        return trials

    def evaluate(
        self,
        subspace: SubSpace,
        trials: Sequence[Trial],
        origin: str,
        **settings: Sequence[Any],
    ) -> list[float]:
        """Return the scores of trials, which the journal has before they are told.

        `settings` has for each trial what else a worker is to know of it.
        """
        tasks = [
            self._task(trial, origin, **{name: v[k] for name, v in settings.items()})
            for k, trial in enumerate(trials)
        ]
        evaluated = self._evaluate_in_spite_of_losses(tasks)
        if self.metric is None:
            self.metric = searched_metric(
                [fit for fits in evaluated for fit in fits],
                self.search.refit,
                self.search.objective,
            )
        validation = self._validation
        scores = [mean_score(fits, self.metric) for fits in evaluated]
        for task, fits, score in zip(tasks, evaluated, scores, strict=True):
            if self.journal is not None:
                records = [_record(task, fold, fit) for fold, fit in enumerate(fits)]
                self.journal.write_trial(task.number, records)
            self.ending.tell(score)
            self._say(task, fits, score)
            if validation.tasks.is_heard:
                validation.tasks.end_candidate(_report_of(task, fits, score))
        self._after(subspace, trials, scores)
        return scores

    def _evaluate_in_spite_of_losses(self, tasks: list[Task]) -> list[list[dict]]:
        """Evaluate trials, once more if a cluster lost a worker meanwhile.

        joblib gives up all of a batch then. What the journal has is not done again.
        """
        for _ in range(MOST_LOSSES):
            try:
                return self._validation.evaluate(tasks)
            except CancelledError:
                if self.journal is not None:
                    self.journal.read_folds()
                    tasks = [self._with_finished(task) for task in tasks]
        return self._validation.evaluate(tasks)

    def _with_finished(self, task: Task) -> Task:
        finished = self.journal.finished(task.number, task.origin, task.cells)
        return replace(task, finished=finished)

    def _task(self, trial: Trial, origin: str, **settings: Any) -> Task:
        number = self._n_trials
        self._n_trials += 1
        if self.journal is not None:
            settings["finished"] = self.journal.finished(number, origin, trial.cells)
            settings["journal"] = str(self.journal.folder.absolute())
        params = {**trial.params, **settings.pop("params", {})}
        settings["is_followed"] = self._validation.tasks.is_heard
        return Task(number, params, trial.cells, origin, self._folds, **settings)

    def _after(
        self, subspace: SubSpace, trials: Sequence[Trial], scores: list[float]
    ) -> None:
        """Show a batch to the callbacks, and see whether the search is to go on."""
        subspace.trials += trials
        subspace.scores += scores
        self._check_first_scores(scores)
        subspace.result = optimize_result(
            subspace.space, subspace.trials, subspace.scores
        )
        # All are called, whatever the first says.
        answers = [callback(subspace.result) for callback in self.callbacks]
        if any(answers) or self._validation.tasks.is_stopped:
            self.ending.stop("callback")

    def _check_first_scores(self, scores: Sequence[float]) -> None:
        """Raise if all of the first trials failed, whatever else their batch has."""
        before = len(self._first_scores)
        self._first_scores += scores[: MOST_FAILURES - before]
        # Infinite scores are as bad as failures to an oracle, but nothing went wrong.
        if (
            before < MOST_FAILURES == len(self._first_scores)
            and np.isnan(self._first_scores).all()
        ):
            raise ValueError(
                f"All of the first {MOST_FAILURES} trials failed, and the search ends "
                "here. The first failed like this:\n"
                f"{self._validation.failures[0].error}"
            )

    def _report(self) -> SearchReport:
        """Return what there is to know of the search before its first trial."""
        journal = self.journal
        return SearchReport(
            id=uuid4().hex if journal is None else journal.id,
            journal=None if journal is None else str(journal.folder.absolute()),
            spaces=[_as_written(subspace) for subspace in self.subspaces],
            n_candidates=self.n_trials,
            n_splits=self._validation.n_splits_,
        )

    def _open_journal(self, seeds: list[int]) -> list[int]:
        """Return the seeds of the search that goes on, if one does."""
        search = self.search
        header = header_of(
            search, self.subspaces, seeds, self._folds, self._validation.data
        )
        # What nobody gave cannot be given again.
        drawn = ["seeds"] if search.random_state is None else []
        journal = Journal(search.journal, header, not_compared=drawn)
        self.journal = self.resources.enter_context(journal)
        return self.journal.header["seeds"]

    def _say(self, task: Task, fits: Sequence[Mapping[str, Any]], score: float) -> None:
        self._best = max(self._best, score if np.isfinite(score) else -np.inf)
        if not self.search.verbose:
            return
        seconds = sum(fit["fit_time"] + fit["score_time"] for fit in fits)
        errors = sum(error_of(fit) is not None for fit in fits)
        failed = f", {errors} of {len(fits)} fits failed" if errors else ""
        if len(task.finished) == len(fits):
            failed += ", from the journal"
        left = ""
        if "rung" in task.columns:
            budget = self.search.budget()
            self._spent += budget.cost(task.columns["bracket"], task.columns["rung"])
            left = f", {budget.n_resources - self._spent} units left"
        if self.search.timeout is not None:
            remains = max(self.search.timeout - self.ending.seconds, 0)
            left += f", {remains:.0f} s left"
        print(
            f"Trial {task.number} ({task.number + 1} of {self.n_trials}): score "
            f"{score:.6g}, best so far {self._best:.6g}, {seconds:.1f} s{failed}{left}",
            flush=True,
        )


def _as_written(subspace: SubSpace) -> dict[str, str]:
    """Return a space by its dimensions, as the user wrote them where that is known."""
    source = subspace.source
    written = source if isinstance(source, Mapping) else {}
    dimensions = subspace.space.dimensions.items()
    return {name: repr(written.get(name, dimension)) for name, dimension in dimensions}


def _report_of(
    task: Task, fits: Sequence[Mapping[str, Any]], score: float
) -> CandidateReport:
    """Return what callbacks are told of an evaluated trial."""
    scores = [fit["test_scores"] for fit in fits]
    # A fit that failed may not know what metrics there are.
    metrics = next((list(s) for s in scores if isinstance(s, Mapping)), ["score"])
    by_metric = [
        s if isinstance(s, Mapping) else dict.fromkeys(metrics, s) for s in scores
    ]
    firsts = [next(iter(found.values())) for found in by_metric]
    return CandidateReport(
        number=task.number,
        params=dict(task.params),
        score=score,
        scores={name: [float(s[name]) for s in by_metric] for name in metrics},
        seconds=[fit["fit_time"] + fit["score_time"] for fit in fits],
        errors=[error_of(fit) for fit in fits],
        fits=[getattr(first, "report", None) for first in firsts],
        columns=dict(task.columns),
    )


def _record(task: Task, fold: int, fit: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the journal keeps of a finished fold."""
    times = {name: fit[name] for name in ("fit_time", "score_time")}
    parts = [part for part in ("test_scores", "train_scores") if part in fit]
    return {
        "trial": task.number,
        "fold": fold,
        "cells": dict(task.cells),
        "origin": task.origin,
        "error": _errors(fit["test_scores"]),
        **times,
        **{part: _plain(fit[part]) for part in parts},
    }


def _errors(scores: Any) -> Any:
    """Return the errors of a fold as its record has them."""
    if not isinstance(scores, Mapping):
        return getattr(scores, "error", None)
    errors = {name: s.error for name, s in scores.items() if hasattr(s, "error")}
    return errors or None


def _plain(scores: Any) -> Any:
    if isinstance(scores, Mapping):
        return {name: float(score) for name, score in scores.items()}
    return float(scores)
