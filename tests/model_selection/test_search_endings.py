"""What ends a search early, what it is shown of, and what it tells at the end."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from search_estimators import SPACE, Counting, X, Y, calls, search_in
from sklearn.model_selection import cross_val_score

from skhpo.model_selection import BayesSearchCV, HyperbandSearchCV, KerasTunerSearchCV

KINDS = ("gp", "random", "hyperband")


class Slow(Counting):
    def fit(self, X, y):
        time.sleep(0.1)
        return super().fit(X, y)


@pytest.mark.parametrize("kind", KINDS)
def test_a_timeout_ends_it_after_the_running_trial(kind, tmp_path):
    search = search_in(None, kind, tmp_path / "log", sleeps=0.1, timeout=0.5, cv=2)
    begin = time.monotonic()
    search.fit(X, Y)
    assert search.stopped_by_ == "timeout"
    n_trials = len(search.cv_results_["params"])
    assert 1 <= n_trials < search.total_iterations
    assert len(calls(tmp_path / "log")) == 2 * n_trials + 1
    assert search.best_estimator_.a == search.best_params_["a"]
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize("kind", KINDS)
def test_trials_without_a_better_score_end_it(kind, tmp_path):
    search = search_in(None, kind, tmp_path / "log", n_iter=30, patience=3)
    scores = search.fit(X, Y).cv_results_["mean_test_score"]
    assert search.stopped_by_ == "patience"
    assert np.argmax(scores) == len(scores) - 4


def interrupt_after(log, n_fits):
    def wait_and_interrupt():
        while len(calls(log)) < n_fits:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=wait_and_interrupt, daemon=True).start()


@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_ends_it_after_the_running_trial(kind, tmp_path, capsys):
    log = tmp_path / "log"
    search = search_in(None, kind, log, sleeps=0.1)
    before = signal.getsignal(signal.SIGINT)
    interrupt_after(log, 4)
    search.fit(X, Y)
    assert search.stopped_by_ == "interrupt"
    assert len(search.cv_results_["params"]) == 2
    assert search.best_estimator_.a == search.best_params_["a"]
    assert "ends after the running trial" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_ends_it_at_once(tmp_path):
    log = tmp_path / "log"
    search = search_in(tmp_path / "journal", "gp", log, sleeps=0.3)
    interrupt_after(log, 4)
    interrupt_after(log, 5)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)
    n_fits = len(calls(log))
    assert n_fits <= 6
    search_in(tmp_path / "journal", "gp", log, sleeps=0.3, n_iter=2).set_params(
        n_initial_points=None
    )


def test_it_can_be_searched_in_another_thread(tmp_path):
    search = search_in(None, "gp", tmp_path / "log")
    thread = threading.Thread(target=search.fit, args=(X, Y))
    thread.start()
    thread.join()
    assert search.stopped_by_ is None


def test_callbacks_get_a_result_as_of_scikit_optimize(tmp_path):
    seen = []
    search = search_in(
        None, "gp", tmp_path / "log", n_iter=6, callbacks=seen.append
    ).fit(X, Y, callback=[lambda result: len(result.x_iters) == 4])
    assert search.stopped_by_ == "callback"
    assert [len(result.x_iters) for result in seen] == [1, 2, 3, 4]
    last = seen[-1]
    scores = search.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(last.func_vals, -scores)
    assert last.fun == -scores.max()
    assert last.space.dimension_names == ["a", "c"]
    assert last.x == [search.best_params_["a"], search.best_params_["c"]]
    assert last.x_iters == [[p["a"], p["c"]] for p in search.cv_results_["params"]]
    (result,) = search.optimizer_results_
    assert result.x == last.x


def test_there_is_one_result_for_each_space(tmp_path):
    spaces = [({"a": (0.0, 1.0)}, 2), ({"c": (1, 9)}, 3)]
    search = search_in(None, "gp", tmp_path / "log", space=spaces).fit(X, Y)
    assert [len(r.x_iters) for r in search.optimizer_results_] == [2, 3]
    assert search.total_iterations == 5


def test_what_is_no_callback_is_refused(tmp_path):
    search = search_in(None, "gp", tmp_path / "log", callbacks=[3])
    with pytest.raises(ValueError, match=r"a callback must be callable .* got 3"):
        search.fit(X, Y)
    assert calls(tmp_path / "log") == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_for_each_trial(kind, tmp_path, capsys):
    search = search_in(None, kind, tmp_path / "log", verbose=1, timeout=1000)
    search.fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    scores = search.cv_results_["mean_test_score"]
    assert len(lines) == len(scores)
    best = np.maximum.accumulate(scores)
    for number, line in enumerate(lines):
        assert line.startswith(
            f"Trial {number + 1} of {len(lines)}: score {scores[number]:.6g}, "
            f"best so far {best[number]:.6g}, "
        )
        assert line.endswith(" s left")


def test_the_summary_has_keras_tuners_words(tmp_path, capsys):
    search = search_in(None, "gp", tmp_path / "log").fit(X, Y)
    search.results_summary(2)
    lines = capsys.readouterr().out.splitlines()
    first, second = np.argsort(-search.cv_results_["mean_test_score"])[:2]
    params = search.cv_results_["params"]
    assert lines == [
        "Results summary",
        "Results in cv_results_",
        "Showing 2 best trials",
        'Objective(name="score", direction="max")',
        "",
        f"Trial {first:02d} summary",
        "Hyperparameters:",
        f"a: {params[first]['a']}",
        f"c: {params[first]['c']}",
        f"Score: {search.best_score_}",
        "",
        f"Trial {second:02d} summary",
        "Hyperparameters:",
        f"a: {params[second]['a']}",
        f"c: {params[second]['c']}",
        f"Score: {search.cv_results_['mean_test_score'][second]}",
    ]


def test_top_estimators(tmp_path):
    search = search_in(None, "gp", tmp_path / "log").fit(X, Y)
    order = np.argsort(-search.cv_results_["mean_test_score"])
    wanted = [search.cv_results_["params"][k]["a"] for k in order[:3]]
    unfitted = search.top_estimators(3)
    assert [estimator.a for estimator in unfitted] == wanted
    assert not hasattr(unfitted[0], "classes_")
    fitted = search.top_estimators(3, X, Y, sample_weight=np.ones(len(X)))
    assert [estimator.a for estimator in fitted] == wanted
    assert hasattr(fitted[2], "classes_")
    assert len(search.top_estimators(100)) == 7


def test_failed_trials_are_no_top_estimators(tmp_path):
    search = search_in(None, "gp", tmp_path / "log", fails_below=0.6)
    with pytest.warns(match="non-finite"), pytest.warns(match="fits failed"):
        search.fit(X, Y)
    n_failed = np.isnan(search.cv_results_["mean_test_score"]).sum()
    assert 0 < n_failed < 7
    assert len(search.top_estimators(100)) == 7 - n_failed
    assert {f.candidate for f in search.failures_} == set(
        np.flatnonzero(np.isnan(search.cv_results_["mean_test_score"]))
    )
    assert len(search.failures_) == 3 * n_failed


def test_ten_failures_and_nothing_else_end_it(tmp_path):
    search = search_in(None, "gp", tmp_path / "log", fails_below=2, n_iter=40, cv=2)
    with pytest.raises(ValueError, match=r"All 20 fits of the search failed(.|\n)*a=0"):
        search.fit(X, Y)
    assert len(calls(tmp_path / "log")) == 20


def test_several_metrics_without_a_final_fit_need_an_objective(tmp_path):
    metrics = {"scoring": ["accuracy", "f1"], "refit": False}
    search = search_in(None, "gp", tmp_path / "log", objective="f1", **metrics)
    search.fit(X, Y)
    assert search.objective_ == "f1"
    search.results_summary()
    assert len(search.top_estimators(2)) == 2
    search = search_in(None, "gp", tmp_path / "log", objective="recall", **metrics)
    with pytest.raises(ValueError, match=r"objective must name one .*got 'recall'"):
        search.fit(X, Y)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"timeout": 0}, "timeout must be a positive number of seconds.*got 0"),
        ({"timeout": "1 h"}, "timeout must be a positive number.*got '1 h'"),
        ({"patience": 0}, "patience must be an integer number of trials.*got 0"),
        ({"space": {"A": [1]}}, "'A': did you mean 'a'"),
        ({"space": {"a": []}}, "'a': there must be at least one choice"),
        ({"space": {"a": (2.0, 1.0)}}, "'a': low < high must hold"),
        ({"space": {"a": (0.0, 1.0, "log-uniform")}}, "'a': .*needs low > 0"),
        ({"space": lambda hp: {"A": hp.Int("x", 1, 2)}}, "'A': did you mean 'a'"),
        ({"space": lambda hp: {}}, "must return a dict that names at least one"),
        ({"refit": 3}, "'refit' parameter of .*SearchCV must be"),
        ({"cv": "five"}, "'cv' parameter of .*SearchCV must be"),
    ],
)
def test_errors_come_before_the_first_fit(kind, params, message, tmp_path):
    search = search_in(None, kind, tmp_path / "log", **params)
    with pytest.raises(ValueError, match=message):
        search.fit(X, Y)
    assert calls(tmp_path / "log") == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"sampler": "tpe"}, r"sampler must be one of \['gp', 'keras_tuner'\]"),
        ({"optimizer_kwargs": {"beta": 1}}, r"'gp' may have .*got \['beta'\]"),
        ({"n_initial_points": 0}, "n_initial_points must be an integer.*got 0"),
        ({"initial_params": {"a": 0.5}}, "a value for every dimension.*none for 'c'"),
        ({"initial_params": {"a": 7, "c": 1}}, "'a': expected a number from 0.0 to"),
        ({"initial_params": {"b": 7}}, r"must have names of the space.*got \['b'\]"),
    ],
)
def test_errors_of_the_bayesian_search(params, message, tmp_path):
    search = BayesSearchCV(Counting(log=str(tmp_path / "log")), SPACE, **params)
    with pytest.raises(ValueError, match=message):
        search.fit(X, Y)
    assert calls(tmp_path / "log") == []


@pytest.mark.parametrize("sampler", ["gp", "keras_tuner"])
def test_initial_params_are_tried_first(sampler):
    first = [{"a": 0.25, "c": 3}, {"a": 0.75, "c": 9}]
    search = BayesSearchCV(
        Counting(), SPACE, n_iter=4, initial_params=first, sampler=sampler, cv=2
    ).fit(X, Y)
    assert search.cv_results_["params"][:2] == first
    assert len(search.cv_results_["params"]) == 4


def test_initial_params_of_a_function_are_its_hyperparameters():
    def space(hp):
        return {"a": hp.Float("x", 0.1, 1.0, sampling="log") / 2}

    search = BayesSearchCV(
        Counting(), space, n_iter=2, initial_params={"x": 0.5}, cv=2
    ).fit(X, Y)
    assert search.cv_results_["params"][0] == {"a": 0.25}


@pytest.mark.parametrize(
    "search",
    [
        KerasTunerSearchCV(Counting(), SPACE, n_iter=3, cv=2, random_state=0),
        HyperbandSearchCV(Counting(), SPACE, max_resource=2, factor=2, cv=2),
    ],
    ids=lambda search: type(search).__name__,
)
def test_searches_can_be_nested(search):
    assert cross_val_score(search, X, Y, cv=2).shape == (2,)


def test_folds_that_train_on_the_same_rows_are_told_apart():
    every = np.arange(60)
    cv = [(every, every[:20]), (every, every[20:]), (every[:30], every[30:])]
    search = BayesSearchCV(Weighing(), {"a": (0.0, 1.0)}, n_iter=2, cv=cv).fit(X, Y)
    found = [search.cv_results_[f"split{k}_test_score"][0] for k in range(3)]
    assert found == [20, 40, 30]


class Weighing(Counting):
    def score(self, X, y):
        return len(X)
