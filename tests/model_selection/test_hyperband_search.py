"""Hyperband: its arithmetic, its budget, and fits that continue."""

import zlib
from itertools import pairwise
from operator import itemgetter
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from search_estimators import (
    DEATHS,
    SPACE,
    Counting,
    Killed,
    X,
    Y,
    assert_same,
    calls,
    search_in,
)
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhpo import KerasMLP
from skhpo.exceptions import ContinuationError
from skhpo.model_selection import HyperbandSearchCV, Integer
from skhpo.model_selection._brackets import brackets, promoted
from skhpo.model_selection._oracles import RandomOracle
from skhpo.model_selection._space import read


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 300), st.integers(2, 5), st.integers(1, 9))
def test_the_arithmetic_of_brackets(max_resource, factor, least):
    least = min(least, max_resource)
    found = brackets(max_resource, factor, least)
    # Each bracket begins later than the one before, and ends with all of the resource.
    assert [len(rungs) for rungs in found] == list(range(len(found), 0, -1))
    for rungs in found:
        assert rungs[-1].n_resources == max_resource
        assert rungs[0].n_resources >= least
        for rung, after in pairwise(rungs):
            assert after.n_candidates == rung.n_candidates // factor
            assert rung.n_resources == after.n_resources // factor
    assert all(rung.n_candidates >= 1 for rungs in found for rung in rungs)
    # No more brackets than fit.
    assert least * factor ** len(found) > max_resource


def test_it_is_the_table_of_the_paper():
    # Table 1 of Li et al., but for the number of the first rung of its second bracket
    # (34 there, for which no formula is given).
    tables = [[tuple(rung) for rung in rungs] for rungs in brackets(81, 3)]
    assert tables[0] == [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)]
    assert tables[2] == [(15, 9), (5, 27), (1, 81)]
    assert tables[3] == [(8, 27), (2, 81)]
    assert tables[4] == [(5, 81)]


@given(st.lists(st.sampled_from([0.1, 0.9, float("inf"), float("nan")]), min_size=1))
def test_the_best_are_promoted_and_failures_last(scores):
    n = len(scores) // 2 + 1
    best = promoted(scores, n)
    assert len(set(best)) == n
    worth = np.nan_to_num(scores, nan=-1.0)
    assert min(worth[best]) >= max(np.delete(worth, best), default=-1.0)


class Learner(BaseEstimator):
    """Counts its epochs, and continues from a folder."""

    def __init__(self, a=0.0, c=1, epochs=1, checkpoint_dir=None, log=None):
        self.a = a
        self.c = c
        self.epochs = epochs
        self.checkpoint_dir = checkpoint_dir
        self.log = log

    def fit(self, X, y=None):
        self.resumed_from_epoch_ = 0
        if self.checkpoint_dir is not None:
            place = Path(self.checkpoint_dir)
            place.mkdir(parents=True, exist_ok=True)
            # Found by the data, as the checkpoints of networks are.
            place = place / f"{zlib.crc32(X.tobytes())}"
            if place.exists():
                self.resumed_from_epoch_ = int(place.read_text())
            place.write_text(str(self.epochs))
        if self.log is not None:
            with open(self.log, "a") as file:
                file.write(f"{self.epochs - self.resumed_from_epoch_}\n")
        self.n_epochs_ = self.epochs
        return self

    def score(self, X, y=None):
        return self.a * self.n_epochs_


class Mortal(Learner):
    """Dies in a fit of its log, before its state is there."""

    leaves_its_state = False

    def fit(self, X, y=None):
        dies = DEATHS.get(self.log) == len(calls(self.log))
        if not dies or self.leaves_its_state:
            super().fit(X, y)
        if dies:
            del DEATHS[self.log]
            raise Killed
        return self


class MortalLater(Mortal):
    """Dies likewise, and leaves its state."""

    leaves_its_state = True


class Noting(keras.callbacks.Callback):
    """Writes a line for each epoch."""

    def __init__(self, log):
        super().__init__()
        self.log = log

    def on_epoch_end(self, epoch, logs=None):
        with open(self.log, "a") as file:
            file.write("1\n")


class Shifting(BaseEstimator):
    """A transformer that is another each time it is fitted."""

    def __init__(self, c=0):
        self.c = c

    def fit(self, X, y=None):
        self.shift_ = np.random.default_rng().random()
        return self

    def transform(self, X):
        return X + self.shift_


def epochs_in(log):
    return sum(map(int, log.read_text().split()))


def test_the_budget_is_met_exactly_where_fits_continue(tmp_path):
    log = tmp_path / "log"
    search = HyperbandSearchCV(
        Learner(log=str(log)), SPACE, max_resource=9, cv=2, random_state=0, refit=False
    )
    budget = search.budget()
    assert budget.continues
    assert search.total_iterations == budget.n_trials == 22
    search.fit(X, Y)
    assert epochs_in(log) == 2 * budget.n_resources
    results = search.cv_results_
    assert len(results["params"]) == budget.n_trials
    expected = [
        (bracket, rung, r, n)
        for bracket, rungs in enumerate(budget.brackets)
        for rung, (n, r) in enumerate(rungs)
    ]
    found = list(
        zip(results["bracket"], results["rung"], results["n_resources"], strict=True)
    )
    assert found == [(b, k, r) for b, k, r, n in expected for _ in range(n)]
    assert [p["epochs"] for p in results["params"]] == results["n_resources"].tolist()


def test_the_budget_is_met_exactly_where_fits_begin_anew(tmp_path):
    log = tmp_path / "log"
    search = search_in(None, "hyperband", log, cv=2, refit=False)
    budget = search.budget()
    assert not budget.continues
    search.fit(X, Y)
    assert sum(int(line.split()[2]) for line in calls(log)) == 2 * budget.n_resources


def test_the_best_of_each_rung_go_on():
    search = HyperbandSearchCV(
        Learner(), SPACE, max_resource=9, cv=2, random_state=0
    ).fit(X, Y)
    results = search.cv_results_
    for bracket in range(3):
        of_bracket = results["bracket"] == bracket
        for rung in range(1, results["rung"][of_bracket].max() + 1):
            before, now = (
                sorted(results["param_a"][of_bracket & (results["rung"] == r)])
                for r in (rung - 1, rung)
            )
            assert now == before[-len(now) :]
    assert search.best_params_["epochs"] == 9
    assert search.best_estimator_.checkpoint_dir is None
    assert search.best_estimator_.n_epochs_ == 9


class Overtrained(Learner):
    def score(self, X, y=None):
        return self.a - 0.1 * self.n_epochs_


def test_the_best_may_be_of_all_rungs_or_of_the_last():
    def search(best_of):
        return HyperbandSearchCV(
            Overtrained(), SPACE, max_resource=9, cv=2, random_state=0, best_of=best_of
        ).fit(X, Y)

    over_all, last = search("all"), search("last")
    assert over_all.best_params_["epochs"] < 9
    assert over_all.best_index_ == over_all.cv_results_["mean_test_score"].argmax()
    assert last.best_params_["epochs"] == 9
    of_last = last.cv_results_["n_resources"] == 9
    scores = last.cv_results_["mean_test_score"]
    assert last.best_score_ == scores[of_last].max()


def test_failures_never_shrink_a_rung(tmp_path):
    # Of the first four candidates one succeeds, and two are promoted.
    search = search_in(None, "hyperband", tmp_path / "log", fails_below=0.7)
    with pytest.warns(match="scores are non-finite"), pytest.warns(match="fits failed"):
        search.fit(X, Y)
    results = pd.DataFrame(search.cv_results_)
    assert (results[:4]["params"].map(itemgetter("a")) >= 0.7).sum() == 1
    found = results.groupby(["bracket", "rung"])["n_resources"].agg(["size", "first"])
    rungs = [tuple(rung) for bracket in search.budget().brackets for rung in bracket]
    assert list(found.itertuples(index=False, name=None)) == rungs


@pytest.mark.parametrize("Estimator", [Mortal, MortalLater])
def test_a_kill_within_a_rung_costs_no_epoch(Estimator, tmp_path):
    def search(name):
        return HyperbandSearchCV(
            Estimator(log=str(tmp_path / f"{name}.log")),
            {"a": (0.0, 1.0)},
            max_resource=4,
            factor=2,
            cv=2,
            random_state=0,
            refit=False,
            journal=tmp_path / name,
        )

    whole = search("whole").fit(X, Y)
    # The first rung has eight fits: of the second one there was one.
    DEATHS[str(tmp_path / "killed.log")] = 9
    with pytest.raises(Killed):
        search("killed").fit(X, Y)
    killed = search("killed").fit(X, Y)
    assert_same(killed, whole)
    assert epochs_in(tmp_path / "killed.log") == epochs_in(tmp_path / "whole.log")


def test_steps_before_the_estimator_are_fitted_once(tmp_path):
    log = tmp_path / "log"
    pipe = make_pipeline(Shifting(), Learner(log=str(log)))
    search = HyperbandSearchCV(
        pipe,
        {"learner__a": (0.0, 1.0)},
        resource="learner__epochs",
        max_resource=4,
        factor=2,
        cv=2,
        random_state=0,
        refit=False,
    )
    search.fit(X, Y)
    assert epochs_in(log) == 2 * search.budget().n_resources
    assert pipe.memory is None


class Restless(Learner):
    """Finds nothing of what it left."""

    def fit(self, X, y=None):
        return super().fit(X + np.random.default_rng().random())


def test_a_fit_that_does_not_continue_ends_the_search():
    search = HyperbandSearchCV(Restless(), SPACE, max_resource=4, cv=2, random_state=0)
    with pytest.raises(ContinuationError, match="Restless began anew"):
        search.fit(X, Y)


def test_what_is_not_promoted_is_deleted(tmp_path):
    seen = []

    def look(result):
        seen.append(sum(1 for _ in tmp_path.glob("*/*/candidate-*")))

    HyperbandSearchCV(
        Learner(), SPACE, max_resource=9, cv=2, random_state=0, checkpoint_dir=tmp_path
    ).fit(X, Y, callback=look)
    # Nine candidates in the first rung, in two batches, then three, then one, and then
    # the other brackets.
    assert seen == [8, 9, 3, 1, 5, 1, 3]
    assert list(tmp_path.glob("*/*/candidate-*")) == []


def test_several_iterations_have_other_candidates():
    search = HyperbandSearchCV(
        Learner(),
        SPACE,
        max_resource=4,
        factor=2,
        hyperband_iterations=2,
        cv=2,
        random_state=0,
    )
    once = HyperbandSearchCV(Learner(), SPACE, max_resource=4, factor=2)
    assert search.budget().n_trials == 2 * once.budget().n_trials
    results = search.fit(X, Y).cv_results_
    first = results["rung"] == 0
    assert len(set(results["param_a"][first])) == search.budget().n_candidates


def test_the_number_of_jobs_changes_nothing():
    one, two = (
        HyperbandSearchCV(
            Learner(), SPACE, max_resource=4, factor=2, cv=2, random_state=0, n_jobs=n
        ).fit(X, Y)
        for n in (1, 2)
    )
    assert one.cv_results_["params"] == two.cv_results_["params"]
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize("n_jobs", [1, 8])
def test_ten_failures_end_it_whatever_else_their_batch_has(n_jobs):
    search = HyperbandSearchCV(
        Counting(), SPACE, max_resource=27, cv=2, random_state=1, n_jobs=n_jobs
    )
    drawn = [trial.params["a"] for trial in _first_trials(search, 16)]
    most = max(drawn[:10])
    assert most < max(drawn)
    search.set_params(estimator__fails_below=np.nextafter(most, 1))
    with (
        parallel_config(backend="threading"),
        pytest.raises(ValueError, match="first 10 trials failed"),
    ):
        search.fit(X, Y)


def _first_trials(search, n):
    (seed,) = search._draw_seeds(1)
    oracle = RandomOracle(read(search.search_spaces), seed)
    return [oracle.ask() for _ in range(n)]


class Stopper:
    """Ends a search after its first candidate."""

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **_):
        pass

    def on_fit_task_end(self, estimator, context, *, metadata=None, **_):
        return "candidate" in (metadata or {})

    def teardown(self, estimator, context):
        pass


def test_callbacks_stop_it_at_the_same_trial_whatever_the_number_of_jobs():
    found = []
    for n_jobs in (1, 6):
        search = HyperbandSearchCV(
            Learner(), SPACE, max_resource=27, cv=2, random_state=0, n_jobs=n_jobs
        )
        with parallel_config(backend="threading"):
            found.append(search.set_callbacks(Stopper()).fit(X, Y))
    assert found[0].stopped_by_ == "callback"
    assert_same(*found)


class Collapsing(Learner):
    """Fails with all of the resource."""

    def fit(self, X, y=None):
        if self.epochs == 9:
            raise ValueError("too long")
        return super().fit(X)


@pytest.mark.parametrize("refit", [True, False])
def test_the_last_are_those_that_have_scores(refit):
    search = HyperbandSearchCV(
        Collapsing(),
        SPACE,
        max_resource=9,
        cv=2,
        random_state=0,
        best_of="last",
        refit=refit,
    )
    with pytest.warns(match="non-finite"), pytest.warns(match="fits failed"):
        search.fit(X, Y)
    results = search.cv_results_
    of_rung = results["n_resources"] == 3
    assert search.best_params_["epochs"] == 3
    assert search.best_score_ == results["mean_test_score"][of_rung].max()


@pytest.mark.parametrize("best_of", ["all", "last"])
def test_best_candidates_are_ranked_as_the_best_is_and_told_once(best_of, capsys):
    search = HyperbandSearchCV(
        Overtrained(), SPACE, max_resource=9, cv=2, random_state=0, best_of=best_of
    ).fit(X, Y)
    top = search.top_estimators(100)
    assert top[0].get_params()["a"] == search.best_params_["a"]
    assert top[0].epochs == search.best_params_["epochs"]
    assert len({estimator.a for estimator in top}) == len(top)
    assert len(top) == search.budget().n_candidates
    search.results_summary(2)
    lines = capsys.readouterr().out.splitlines()
    assert f"Score: {search.best_score_}" in lines
    assert f"Trial {search.best_index_:02} summary" in lines


@pytest.mark.parametrize("journal", [False, True])
def test_it_leaves_no_folders_behind(journal, tmp_path):
    where = {"journal": tmp_path / "journal"} if journal else {}
    for more in ({"checkpoint_dir": tmp_path / "checkpoints"}, {}):
        HyperbandSearchCV(
            Learner(), SPACE, max_resource=9, cv=2, random_state=0, **where, **more
        ).fit(X, Y)
        left = {p.name for p in tmp_path.rglob("*") if p.is_dir()}
        assert left <= {"journal", "checkpoints"}
        assert not (tmp_path / "journal" / "checkpoints").exists()


def test_a_space_with_fewer_candidates_makes_smaller_rungs():
    search = HyperbandSearchCV(
        Learner(), {"c": [1, 2]}, max_resource=4, factor=2, cv=2, random_state=0
    ).fit(X, Y)
    assert {p["c"] for p in search.cv_results_["params"]} == {1, 2}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"max_resource": 0}, "max_resource must be an integer of at least 1, got 0"),
        ({"max_resource": 2.5}, "max_resource must be an integer.*got 2.5"),
        ({"factor": 1}, "factor must be an integer of at least 2, got 1"),
        ({"hyperband_iterations": 0}, "hyperband_iterations must be an integer"),
        ({"min_resource": 5}, "min_resource must be at most max_resource, got 5 and 4"),
        ({"best_of": "first"}, "best_of must be"),
        (
            {"resource": "epoch"},
            "^resource names parameters .*\n'epoch': did you mean 'epochs'",
        ),
        (
            {"search_spaces": {"epochs": (1, 9)}},
            r"must leave \['epochs'\]",
        ),
        (
            # Whatever it makes of it: in results and pictures it would be another.
            {"search_spaces": lambda hp: {"c": hp.Int("epochs", 1, 9)}},
            r"must leave \['epochs'\]",
        ),
        ({"search_spaces": [{"a": [1]}, {"c": [1]}]}, "must be one space, got several"),
        ({"search_spaces": [({"c": [1]}, 5)]}, "without a number of trials, got 5"),
    ],
)
def test_errors_come_before_the_first_fit(params, message, tmp_path):
    log = tmp_path / "log"
    search = HyperbandSearchCV(
        **{
            "estimator": Counting(log=str(log)),
            "search_spaces": {"c": Integer(1, 9)},
            "max_resource": 4,
            **params,
        }
    )
    with pytest.raises(ValueError, match=message):
        search.fit(X, Y)
    assert calls(log) == []


def test_networks_continue_through_pipelines(tmp_path):
    log = tmp_path / "log"
    mlp = KerasMLP(4, batch_size=20, callbacks=[Noting(str(log))], random_state=0)
    pipe = make_pipeline(StandardScaler(), PCA(3), mlp)
    space = {"kerasmlp__learning_rate": [0.1, 0.01, 0.001, 0.0001]}
    search = HyperbandSearchCV(
        pipe,
        space,
        resource="kerasmlp__epochs",
        max_resource=4,
        factor=2,
        cv=2,
        random_state=0,
        refit=False,
    ).fit(X, Y)
    # After the first bracket the four candidates are used up.
    assert epochs_in(log) == 2 * (4 * 1 + 2 * 1 + 1 * 2)
    # As if each had been trained at once.
    for row in np.flatnonzero(search.cv_results_["rung"] > 0):
        params = search.cv_results_["params"][row]
        whole = cross_val_score(pipe.set_params(**params), X, Y, cv=2)
        assert search.cv_results_["mean_test_score"][row] == whole.mean()
