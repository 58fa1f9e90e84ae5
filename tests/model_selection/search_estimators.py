"""Estimators that cost nothing, note their fits in a file, and fail where told to."""

import os
import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification

from skhpo.model_selection import (
    BayesSearchCV,
    HyperbandSearchCV,
    Integer,
    KerasTunerSearchCV,
    Real,
)

X, Y = make_classification(60, 4, random_state=0)
# After how many fits the next is to be killed, by log.
DEATHS = {}
SPACE = {"a": Real(0, 1), "c": Integer(1, 9)}


class Killed(BaseException):
    """What stands for the end of the process."""


class Counting(ClassifierMixin, BaseEstimator):
    """Scores by a formula of its parameters, and by its resource."""

    def __init__(
        self,
        a=0.0,
        b=5,
        c=1,
        epochs=1,
        log=None,
        fails_below=None,
        sleeps=0.0,
    ):
        self.a = a
        self.b = b
        self.c = c
        self.epochs = epochs
        self.log = log
        self.fails_below = fails_below
        self.sleeps = sleeps

    def fit(self, X, y, sample_weight=None):
        if self.log is not None:
            if len(calls(self.log)) == DEATHS.get(self.log):
                note(self.log, "killed")
                del DEATHS[self.log]
                raise Killed
            note(self.log, f"{self.a} {self.c} {self.epochs} {len(X)}")
        time.sleep(self.sleeps)
        if self.fails_below is not None and self.a < self.fails_below:
            raise ValueError(f"a={self.a} is too small")
        self.classes_ = np.unique(y)
        self.fold_ = float(X.sum())
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[int(self.a > 0.5)])

    def score(self, X, y, sample_weight=None):
        value = -((self.a - 0.7) ** 2) - 0.001 * self.c + 1e-4 * self.fold_
        return value * (1 + 1 / self.epochs)


def note(log, text):
    # One call to the system for each line, as several processes write.
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)


def calls(log):
    """Return a line for each fit that was begun."""
    try:
        with open(log) as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def scores_of(search):
    return {
        name: column
        for name, column in search.cv_results_.items()
        if "score" in name and "time" not in name
    }


def assert_same(search, other):
    """Compare what two searches found."""
    assert search.cv_results_["params"] == other.cv_results_["params"]
    assert search.best_params_ == other.best_params_
    for name, column in scores_of(search).items():
        np.testing.assert_array_equal(column, other.cv_results_[name])


def search_in(
    journal,
    kind,
    log,
    *,
    space=SPACE,
    dies_at=None,
    b=5,
    fails_below=None,
    sleeps=0.0,
    n_iter=7,
    **params,
):
    """Return a search of one of the kinds, with a journal or without."""
    if dies_at is not None:
        DEATHS[str(log)] = dies_at
    estimator = Counting(b=b, log=str(log), fails_below=fails_below, sleeps=sleeps)
    params = {"cv": 3, "random_state": 0, "journal": journal} | params
    if kind == "hyperband":
        return HyperbandSearchCV(estimator, space, max_resource=4, factor=2, **params)
    if kind == "random":
        return KerasTunerSearchCV(estimator, space, n_iter=n_iter, **params)
    return BayesSearchCV(estimator, space, sampler=kind, n_iter=n_iter, **params)
