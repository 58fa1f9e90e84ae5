"""What callbacks are told of candidates, and who is followed."""

import shutil

import numpy as np
import pytest
from keras.optimizers.schedules import ExponentialDecay, LearningRateSchedule
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from skhpo._callbacks import SearchListener, objective_of
from skhpo._descriptions import describe, one_line
from skhpo.exceptions import TrackingWarning
from skhpo.model_selection import BayesSearchCV, HyperbandSearchCV
from skhpo.tracking._metrics import best_of

SPACE = {"C": (1e-3, 1e3, "log-uniform")}


class Kept(SearchListener):
    """Keeps what it is told of each search."""

    def __init__(self):
        super().__init__()
        self.reports, self.candidates, self.ended, self.closed = [], [], [], 0

    def _follow(self, search, report):
        self.reports.append(report)
        return self

    def candidate(self, report):
        self.candidates.append(report)

    def end(self, search):
        self.ended.append(search)

    def close(self):
        self.closed += 1


def bayes_search(estimator=None, **settings):
    settings = {"n_iter": 3, "cv": 2, "random_state": 0} | settings
    return BayesSearchCV(estimator or LogisticRegression(), SPACE, **settings)


def test_candidates_as_in_the_results(iris):
    kept = Kept()
    search = bayes_search(scoring=["accuracy", "neg_log_loss"], refit="accuracy")
    search.set_callbacks(kept).fit(*iris)
    results = search.cv_results_
    assert [report.number for report in kept.candidates] == [0, 1, 2]
    for row, report in enumerate(kept.candidates):
        assert report.params == results["params"][row]
        assert report.score == results["mean_test_accuracy"][row]
        for name in ("accuracy", "neg_log_loss"):
            splits = [results[f"split{k}_test_{name}"][row] for k in (0, 1)]
            assert report.scores[name] == splits
        assert report.errors == [None, None]
        assert [fit.history for fit in report.fits] == [{}, {}]
        seconds = results["mean_fit_time"][row] + results["mean_score_time"][row]
        assert np.mean(report.seconds) == pytest.approx(seconds)
    (about,) = kept.reports
    assert (about.n_candidates, about.n_splits, about.journal) == (3, 2, None)
    assert about.spaces[0].keys() == {"C"}
    # It is told of the fitted search.
    assert kept.ended == [search]
    assert kept.closed == 1


class Choosy(LogisticRegression):
    """Cannot be fitted where the first iris is left out."""

    def fit(self, X, y):
        if not np.isclose(X[0, 0], FIRST):
            raise RuntimeError("the first is missing")
        return super().fit(X, y)


FIRST = -0.9006811


@pytest.mark.filterwarnings("ignore")
def test_a_fold_that_fails_before_metrics_are_known(iris):
    def scoring(estimator, X, y):
        return {"a": 1.0, "b": 2.0}

    kept = Kept()
    search = bayes_search(
        Choosy(), scoring=scoring, refit=False, objective="a", n_iter=1
    )
    search.set_callbacks(kept).fit(*iris)
    (report,) = kept.candidates
    # The first iris is tested on in the first fold.
    assert "the first is missing" in report.errors[0]
    assert report.errors[1] is None
    for name, value in (("a", 1.0), ("b", 2.0)):
        assert np.isnan(report.scores[name][0])
        assert report.scores[name][1] == value


def test_a_journal_that_is_made_anew_is_of_another_search(iris, tmp_path):
    kept = Kept()
    for _ in range(2):
        bayes_search(journal=tmp_path / "a").set_callbacks(kept).fit(*iris)
        shutil.rmtree(tmp_path / "a")
    first, second = (report.id for report in kept.reports)
    assert first != second


def test_same_id_when_a_search_goes_on(iris, tmp_path):
    kept = Kept()
    for _ in range(2):
        bayes_search(journal=tmp_path / "a").set_callbacks(kept).fit(*iris)
    bayes_search(journal=tmp_path / "b").set_callbacks(kept).fit(*iris)
    bayes_search().set_callbacks(kept).fit(*iris)
    first, again, *others = [report.id for report in kept.reports]
    assert first == again
    assert len({first, *others}) == 3
    journals = [report.journal for report in kept.reports[1:]]
    assert journals == [str(tmp_path / "a"), str(tmp_path / "b"), None]
    # What the journal has was not fitted again.
    assert [report.fits for report in kept.candidates[3:6]] == [[None, None]] * 3


@pytest.mark.filterwarnings("ignore")
def test_searches_of_scikit_learn_are_told_of_at_the_end(iris):
    kept = Kept()
    grid = [{"C": [1.0], "solver": ["lbfgs"]}, {"solver": ["none"]}]
    search = GridSearchCV(LogisticRegression(), grid, cv=2)
    search.set_callbacks(kept).fit(*iris)
    good, bad = kept.candidates
    assert good.params == {"C": 1.0, "solver": "lbfgs"}
    assert good.score == search.cv_results_["mean_test_score"][0]
    assert good.errors == [None, None]
    assert all("error_score=" in error for error in bad.errors)
    (about,) = kept.reports
    assert about.spaces == [
        {"C": "[1.0]", "solver": "['lbfgs']"},
        {"solver": "['none']"},
    ]
    assert kept.closed == 1


@pytest.mark.filterwarnings("ignore")
def test_the_best_is_the_choice_of_the_search(iris):
    kept = Kept()
    search = HyperbandSearchCV(
        LogisticRegression(),
        SPACE,
        resource="max_iter",
        max_resource=9,
        best_of="last",
        cv=2,
        random_state=0,
    )
    search.set_callbacks(kept).fit(*iris)
    scores = {report.number: report.score for report in kept.candidates}
    assert best_of(search, scores) == (search.best_index_, search.best_score_)
    assert kept.candidates[0].columns.keys() == {"bracket", "rung", "n_resources"}
    unchosen = GridSearchCV(
        LogisticRegression(),
        {"C": [1]},
        scoring=["accuracy", "neg_log_loss"],
        refit=False,
        cv=2,
    ).fit(*iris)
    assert best_of(unchosen, {0: np.nan, 1: 0.5, 2: 0.5}) == (1, 0.5)


class History(LogisticRegression):
    """What another library calls its history, and means something else by."""

    def fit(self, X, y):
        self.history_ = [{"epoch": 1}]
        return super().fit(X, y)


def test_histories_of_others(iris):
    kept = Kept()
    bayes_search(History(), n_iter=1).set_callbacks(kept).fit(*iris)
    (report,) = kept.candidates
    assert [fit.history for fit in report.fits] == [{}, {}]


class Broken(Kept):
    """Fails at the second candidate."""

    def candidate(self, report):
        super().candidate(report)
        if report.number == 1:
            raise OSError("disk full")


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_follower_that_fails_stops_no_search(iris, is_ours):
    broken = Broken()
    search = (
        bayes_search(n_iter=4)
        if is_ours
        else GridSearchCV(LogisticRegression(), {"C": [1, 2, 3, 4]}, cv=2)
    )
    search.set_callbacks(broken)
    with pytest.warns(TrackingWarning, match="Broken failed, .* OSError: disk full"):
        search.fit(*iris)
    assert len(search.cv_results_["params"]) == 4
    assert len(broken.candidates) == 2
    assert broken.ended == []
    assert broken.closed == 1


def test_a_follower_that_cannot_begin(iris):
    class Unable(Kept):
        def _follow(self, search, report):
            raise OSError("no such folder")

    with pytest.warns(TrackingWarning, match="Unable failed, .* no such folder"):
        bayes_search().set_callbacks(Unable()).fit(*iris)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.5), "0.5"),
        (np.bool_(True), "True"),
        ("a\n  b", "a b"),
        ((64, 32), "(64, 32)"),
        (np.tanh, "tanh"),
        (None, "None"),
        (
            ExponentialDecay(0.01, 100, 0.5),
            "ExponentialDecay(initial_learning_rate=0.01, decay_steps=100, "
            "decay_rate=0.5, staircase=False)",
        ),
    ],
)
def test_values_in_a_line(value, expected):
    assert one_line(value) == expected


class Halving(LearningRateSchedule):
    """A schedule that does not tell its configuration: Keras does not insist."""

    def __init__(self, start):
        self.start = start

    def __call__(self, step):
        return self.start / 2**step


def test_a_schedule_that_does_not_tell_its_configuration():
    assert "Halving object" in one_line(Halving(0.1))
    assert describe(Halving(0.1)) == describe(Halving(0.1))
    assert describe(Halving(0.1)) != describe(Halving(0.2))


def best_by_hand(results):
    return 0


def test_objectives(iris):
    two = {"scoring": ["accuracy", "neg_log_loss"], "cv": 2}
    by = {"neg_log_loss": "neg_log_loss", False: "accuracy", best_by_hand: "accuracy"}
    for refit, expected in by.items():
        search = GridSearchCV(LogisticRegression(), {"C": [1]}, refit=refit, **two)
        assert objective_of(search.fit(*iris)) == expected
    search = bayes_search(**two, refit=False, objective="accuracy", n_iter=1)
    assert objective_of(search.fit(*iris)) == "accuracy"
    assert objective_of(bayes_search(n_iter=1).fit(*iris)) == "score"
