"""What ends a search early, what it is shown of, and what it tells at the end."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from search_estimators import SPACE, Counting, X, Y, calls, search_in
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import KFold, cross_val_score
from threadpoolctl import threadpool_info

from skhpo import KerasMLP, mlp_space
from skhpo.model_selection import BayesSearchCV, HyperbandSearchCV, KerasTunerSearchCV

KINDS = ("gp", "random", "hyperband")


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


class Final(Counting):
    """Presses Ctrl-C when it is fitted on all of the data."""

    def fit(self, X, y):
        if len(X) == 60:
            signal.raise_signal(signal.SIGINT)
        return super().fit(X, y)


def test_ctrl_c_ends_the_final_fit_at_once():
    search = BayesSearchCV(Final(), SPACE, n_iter=2, cv=2, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)


def test_ctrl_c_in_the_last_trial_ends_nothing_early(tmp_path):
    log = tmp_path / "log"
    interrupt_after(log, 9)
    search = search_in(None, "gp", log, n_iter=3, sleeps=0.2).fit(X, Y)
    assert search.stopped_by_ is None
    assert len(search.cv_results_["params"]) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="has no fork")
def test_ctrl_c_ends_a_search_in_a_process_of_ones_own(tmp_path):
    log, report = tmp_path / "log", tmp_path / "report"

    def child():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        search = search_in(None, "gp", log, n_iter=20, sleeps=0.1).fit(X, Y)
        report.write_text(str(search.stopped_by_))

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    while len(calls(log)) < 4:
        assert process.is_alive()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    process.join(30)
    assert report.read_text() == "interrupt"


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


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_line_for_each_trial(kind, n_jobs, tmp_path, capfd):
    settings = {"verbose": 1, "timeout": 1000, "n_jobs": n_jobs}
    search = search_in(None, kind, tmp_path / "log", **settings)
    search.fit(X, Y)
    # Of the whole process group: workers print nothing.
    lines = capfd.readouterr().out.splitlines()
    scores = search.cv_results_["mean_test_score"]
    assert len(lines) == len(scores)
    best = np.maximum.accumulate(scores)
    for number, line in enumerate(lines):
        assert line.startswith(
            f"Trial {number} ({number + 1} of {len(lines)}): score "
            f"{scores[number]:.6g}, best so far {best[number]:.6g}, "
        )
        seconds, *units, left = line.rpartition("best so far")[2].split(", ")[1:]
        assert 0 <= float(seconds.removesuffix(" s")) < 100
        assert 900 < int(left.removesuffix(" s left")) <= 1000
        assert len(units) == ("rung" in search.cv_results_)
    if "rung" in search.cv_results_:
        # The whole budget was spent.
        assert units == ["0 units left"]


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
    with pytest.raises(ValueError, match=r"the first 10 trials failed(.|\n)*a=0"):
        search.fit(X, Y)
    assert len(calls(tmp_path / "log")) == 20


@pytest.mark.parametrize(
    ("scores", "params", "message"),
    [
        (("a", "c"), {"objective": "a"}, r"refit=True. Set it to one of \['a', 'c'\]"),
        (("a",), {}, r"refit must be one of them, False or a callable, got refit=True"),
        (("a",), {"refit": "b"}, "got refit='b'"),
        ((), {"objective": "a"}, "'a' where scoring returned a single number"),
    ],
)
def test_metrics_of_a_callable_are_checked_after_the_first_trial(
    scores, params, message, tmp_path
):
    def scorer(estimator, X, y):
        found = {name: getattr(estimator, name) for name in scores}
        return found or estimator.a

    log = tmp_path / "log"
    search = search_in(None, "gp", log, scoring=scorer, **params)
    with pytest.raises(ValueError, match=message):
        search.fit(X, Y)
    assert len(calls(log)) == 3


def test_another_metric_than_the_objective_may_decide(tmp_path):
    def scorer(estimator, X, y):
        return {"a": estimator.a, "c": estimator.c}

    search = search_in(
        None, "gp", tmp_path / "log", scoring=scorer, objective="a", refit="c"
    ).fit(X, Y)
    assert search.objective_ == "a"
    assert search.best_params_["c"] == search.cv_results_["mean_test_c"].max()
    assert search.top_estimators(1)[0].c == search.best_params_["c"]


def test_a_callable_may_choose_where_an_objective_was_searched_by(tmp_path):
    search = search_in(
        None,
        "gp",
        tmp_path / "log",
        scoring=["accuracy", "f1"],
        objective="f1",
        refit=lambda results: int(np.argmin(results["mean_test_accuracy"])),
    ).fit(X, Y)
    worst = search.cv_results_["mean_test_accuracy"].argmin()
    assert search.best_index_ == worst
    assert search.best_params_ == search.cv_results_["params"][worst]


def test_the_summary_of_a_function_has_what_it_asked_for(tmp_path, capsys):
    """As Keras Tuner's, and not what the function made of it; and the resource."""
    search = search_in(None, "hyperband", tmp_path / "log")
    search.set_params(search_spaces=lambda hp: {"a": hp.Int("tenths", 1, 9) / 10})
    search.fit(X, Y).results_summary(1)
    lines = capsys.readouterr().out.splitlines()
    best = search.best_params_
    assert lines[6:9] == [
        "Hyperparameters:",
        f"tenths: {round(10 * best['a'])}",
        f"{search.resource}: {best[search.resource]}",
    ]


def test_several_metrics_without_a_final_fit_need_an_objective(tmp_path):
    metrics = {"scoring": ["accuracy", "f1"], "refit": False}
    search = search_in(None, "gp", tmp_path / "log", objective="f1", **metrics)
    search.fit(X, Y)
    assert search.objective_ == "f1"
    scores = search.cv_results_["mean_test_f1"]
    assert search.best_index_ == scores.argmax()
    assert search.best_score_ == scores.max()
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]
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
        (
            {"initial_params": [{"a": 0.5, "c": 1}] * 3, "n_iter": 2},
            "as many settings as there are trials, n_iter=2, got 3. Make n_iter",
        ),
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


@pytest.mark.parametrize(
    ("value", "choices", "chosen"),
    [
        (np.int64(2), [1, 2], 2),
        (np.str_("u"), ["u", "v"], "u"),
        (np.bool_(True), [False, True], True),
        (2.0, [1, 2], 2),
        ([3, 4], [(1, 2), (3, 4)], (3, 4)),
        (np.int64(3), (1, 5), 3),
    ],
)
def test_initial_params_may_come_from_tables_and_json(value, choices, chosen):
    search = BayesSearchCV(
        Counting(), {"b": choices}, initial_params={"b": value}, n_iter=1, cv=2
    ).fit(X, Y)
    (params,) = search.cv_results_["params"]
    assert params["b"] == chosen
    assert type(params["b"]) is type(chosen)


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


# What was broken once


INTERRUPTED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from search_estimators import search_in, X, Y
search = search_in(None, "gp", Path({log!r}), n_iter=40, sleeps=0.2, n_jobs=2)
search.fit(X, Y)
print(search.stopped_by_, len(search.cv_results_["params"]))
"""


def test_ctrl_c_in_a_terminal_reaches_the_workers_as_well(tmp_path):
    log = tmp_path / "log"
    program = INTERRUPTED.format(tests=str(Path(__file__).parent), log=str(log))
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    while len(calls(log)) < 8:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    reason, n_trials = output.split()[-2:]
    assert reason == "interrupt"
    assert 2 <= int(n_trials) <= 4


def test_a_nested_search_leaves_ctrl_c_to_the_outer_one(tmp_path):
    log = tmp_path / "log"
    inner = search_in(None, "gp", log, n_iter=3, sleeps=0.05, cv=2)
    outer = BayesSearchCV(inner, {"estimator__b": [1, 2, 3]}, cv=2, random_state=0)
    interrupt_after(log, 3)
    outer.fit(X, Y)
    assert outer.stopped_by_ == "interrupt"
    assert len(outer.cv_results_["params"]) == 1
    assert outer.best_estimator_.stopped_by_ is None


def test_one_trial_is_evaluated_however_short_the_time(tmp_path):
    search = search_in(None, "gp", tmp_path / "log", timeout=1e-9).fit(X, Y)
    assert len(search.cv_results_["params"]) == 1


def broken(estimator, X, y):
    raise ValueError("no such metric")


def test_a_metric_that_fails_leaves_the_others_alone(tmp_path):
    def good(estimator, X, y):
        return estimator.a

    search = search_in(
        None,
        "gp",
        tmp_path / "log",
        scoring={"good": good, "bad": broken},
        refit="good",
        n_iter=12,
    )
    with pytest.warns(match="non-finite"), pytest.warns(match="no such metric"):
        search.fit(X, Y)
    results = search.cv_results_
    assert search.best_params_["a"] == max(results["param_a"])
    assert np.isnan(results["mean_test_bad"]).all()
    assert len(search.failures_) == 36


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_score_for_failures_draws_the_search_nowhere(tmp_path):
    found = []
    for error_score in (np.nan, 10.0):
        search = search_in(
            None,
            "gp",
            tmp_path / "log",
            n_iter=16,
            error_score=error_score,
            fails_below=0.5,
            refit=False,
        )
        with pytest.warns(match="fits failed"):
            search.fit(X, Y)
        found.append(search.cv_results_["params"])
    assert found[0] == found[1]


def test_scores_that_are_no_numbers_are_failures(tmp_path):
    def scorer(estimator, X, y):
        return np.nan if estimator.a < 0.5 else estimator.a

    search = search_in(None, "gp", tmp_path / "log", scoring=scorer)
    with pytest.warns(match="non-finite"), pytest.warns(match="is not a number"):
        search.fit(X, Y)
    assert search.best_params_["a"] >= 0.5
    assert all(f.error == "the score is not a number" for f in search.failures_)
    search.set_params(error_score="raise")
    with pytest.warns(match="non-finite"), pytest.warns(match=r"fits failed\. All"):
        search.fit(X, Y)
    search = search_in(
        None, "gp", tmp_path / "log", n_iter=30, scoring=lambda e, X, y: np.nan
    )
    with pytest.raises(ValueError, match="the first 10 trials failed"):
        search.fit(X, Y)


def test_trials_of_which_one_fold_fails_are_failures(tmp_path):
    sizes = [len(test) for _, test in KFold(3).split(X[:50])]

    class Picky(Counting):
        def score(self, X, y):
            if len(X) == min(sizes):
                raise ValueError("too few")
            return self.a

    search = BayesSearchCV(Picky(), SPACE, n_iter=30, cv=KFold(3), error_score=0.0)
    with pytest.raises(ValueError, match=r"the first 10 trials failed(.|\n)*too few"):
        search.fit(X[:50], Y[:50])


def test_keras_tuners_grid_goes_through_a_conditional_space():
    def space(hp):
        depth = hp.Int("depth", 1, 2)
        return {"c": [hp.Int(f"x_{i}", 1, 5) for i in range(depth)][-1], "b": depth}

    search = KerasTunerSearchCV(
        Plain(), space, oracle="grid", n_iter=100, cv=2, refit=False
    ).fit(X, Y)
    assert len(search.cv_results_["params"]) == 5 + 25


def test_keras_tuners_grid_leaves_out_what_does_not_matter():
    """Bounds that depend on another value make a hyperparameter of each kind.

    A grid that goes through all their products comes to no second candidate.
    """
    n_calls = 0

    def space(hp):
        nonlocal n_calls
        n_calls += 1
        most = hp.Int("most", 4, 12)
        return {"c": hp.Int("units", 2, most), "b": (most, hp.Choice("x", [0, 1]))}

    search = KerasTunerSearchCV(
        Plain(), space, oracle="grid", n_iter=200, cv=2, refit=False
    ).fit(X, Y)
    expected = {
        (units, (most, x))
        for most in range(4, 13)
        for units in range(2, most + 1)
        for x in (0, 1)
    }
    params = search.cv_results_["params"]
    assert {(p["c"], p["b"]) for p in params} == expected
    assert len(params) == len(expected)
    assert n_calls < 1000


def test_keras_tuners_grid_where_branches_ask_in_another_order():
    def space(hp):
        swapped = hp.Boolean("swapped")
        first, second = ("y", "x") if swapped else ("x", "y")
        found = {first: hp.Choice(first, [0, 1, 2])}
        if found[first] == 0:
            found[second] = hp.Choice(second, [0, 1, 2])
        return {"c": 1, "b": (swapped, *sorted(found.items()))}

    search = KerasTunerSearchCV(
        Plain(), space, oracle="grid", n_iter=100, cv=2, refit=False
    ).fit(X, Y)
    found = {params["b"] for params in search.cv_results_["params"]}
    # Of either branch, two single values and three pairs.
    assert len(found) == len(search.cv_results_["params"]) == 2 * (2 + 3)


class Plain(Counting):
    def score(self, X, y):
        return self.c


def test_a_candidate_that_is_proposed_again_while_it_runs_gets_its_score():
    import keras_tuner

    from skhpo.model_selection._keras_tuner import KerasTunerOracle
    from skhpo.model_selection._space import read

    class Stubborn(keras_tuner.Oracle):
        def populate_space(self, trial_id):
            return {"status": "RUNNING", "values": {"a": 0}}

    with KerasTunerOracle(Stubborn(), read({"a": [10, 20]})) as oracle:
        trial = oracle.ask()
        assert oracle.ask() is None
        oracle.tell(trial, 3.0)
        told = {trial.score for trial in oracle._oracle.trials.values()}
        assert told == {3.0}


def test_two_searches_may_share_a_folder_of_checkpoints(tmp_path):
    search = HyperbandSearchCV(
        KerasMLP(4, batch_size=30, random_state=0),
        {"learning_rate": [0.1, 0.01]},
        max_resource=2,
        factor=2,
        cv=2,
        random_state=0,
        checkpoint_dir=tmp_path / "checkpoints",
    )
    assert np.isfinite(cross_val_score(search, X, Y, cv=2)).all()
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_threads_are_as_before_whatever_searches_ran_at_once(tmp_path):
    before = [pool["num_threads"] for pool in threadpool_info()]
    threads = [
        threading.Thread(
            target=search_in(None, "gp", tmp_path / f"{k}", n_iter=12).fit, args=(X, Y)
        )
        for k in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_it_runs_in_threads(tmp_path):
    here = search_in(None, "gp", tmp_path / "log").fit(X, Y)
    with parallel_config(backend="threading", n_jobs=2):
        there = search_in(None, "gp", tmp_path / "log").fit(X, Y)
    assert there.cv_results_["params"] == here.cv_results_["params"]


@pytest.mark.filterwarnings("ignore:invalid value encountered in subtract")
def test_infinite_scores_are_no_failures(tmp_path):
    search = search_in(
        None, "gp", tmp_path / "log", n_iter=12, scoring=lambda e, X, y: -np.inf
    )
    with pytest.warns(match="non-finite"):
        search.fit(X, Y)
    assert search.failures_ == []
    assert len(search.cv_results_["params"]) == 12


@pytest.mark.filterwarnings("ignore:invalid value encountered in subtract")
def test_infinite_scores_beside_a_failure_are_no_ten_failures(tmp_path):
    def scorer(estimator, X, y):
        return np.nan if len(calls(tmp_path / "log")) < 4 else -np.inf

    search = search_in(None, "gp", tmp_path / "log", n_iter=12, scoring=scorer)
    with pytest.warns(match="non-finite"), pytest.warns(match="fits failed"):
        search.set_params(refit=False).fit(X, Y)
    assert len(search.cv_results_["params"]) == 12


def test_an_oracle_without_candidates_is_told_of():
    import keras_tuner

    class UsedUp(keras_tuner.Oracle):
        def populate_space(self, trial_id):
            return {"status": "STOPPED"}

    search = KerasTunerSearchCV(Counting(), SPACE, oracle=UsedUp(), cv=2)
    with pytest.raises(ValueError, match="that has searched before is used up"):
        search.fit(X, Y)


@pytest.mark.parametrize("kind", ["gp", "keras_tuner", "random"])
def test_a_function_may_ask_for_nothing(kind, tmp_path):
    search = search_in(None, kind, tmp_path / "log", space=lambda hp: {"a": 0.5})
    assert search.fit(X, Y).cv_results_["params"] == [{"a": 0.5}]


def test_an_oracle_keeps_to_its_own_number_of_trials():
    import keras_tuner

    oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=3, seed=1)
    search = KerasTunerSearchCV(Counting(), SPACE, oracle=oracle, cv=2).fit(X, Y)
    assert len(search.cv_results_["params"]) == 3
    named = KerasTunerSearchCV(Counting(), SPACE, n_iter=12, cv=2).fit(X, Y)
    assert len(named.cv_results_["params"]) == 12


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"objective": "f1", "scoring": "accuracy"}, "objective names one of several"),
        ({"objective": "score"}, "objective names one of several metrics, got 'score'"),
        ({"space": mlp_space}, r"is it to be called, as in mlp_space\(\)"),
        ({"space": {"c": (1, 2, 3)}}, "got 3. To choose among values, pass a list"),
        ({"space": {"c": (0, 2**63)}}, r"may have \d+ values, got low=0"),
        ({"space": {"c__x": [1]}}, "'c__x': the estimator's get_params"),
        (
            {"initial_params": {"a": 0.5, "c": np.inf}},
            "a whole number from 1 to 9, got",
        ),
    ],
)
def test_slips_are_told_of(params, message, tmp_path):
    search = search_in(None, "gp", tmp_path / "log", **params)
    with pytest.raises(ValueError, match=message):
        search.fit(X, Y)
    assert calls(tmp_path / "log") == []


def test_a_class_is_no_estimator():
    with pytest.raises(
        TypeError, match=r"got the class .*Counting'>. Write Counting\(\)"
    ):
        BayesSearchCV(Counting, SPACE).fit(X, Y)


def test_infinite_scores_are_the_best_of_all(tmp_path):
    def scorer(estimator, X, y):
        return np.inf if estimator.a > 0.5 else estimator.a

    search = search_in(None, "gp", tmp_path / "log", scoring=scorer)
    with pytest.warns(match="non-finite"), np.errstate(invalid="ignore"):
        search.fit(X, Y)
    assert search.best_score_ == np.inf
    assert search.top_estimators(1)[0].a == search.best_params_["a"]


def test_results_are_there_after_fit_only(tmp_path):
    search = search_in(None, "gp", tmp_path / "log")
    with pytest.raises(NotFittedError):
        search.results_summary()
    with pytest.raises(NotFittedError):
        search.top_estimators()
    search.fit(X, Y)
    with pytest.raises(ValueError, match="k must be an integer of at least 1, got -1"):
        search.top_estimators(-1)
    with pytest.raises(ValueError, match="n must be an integer of at least 1, got 0"):
        search.results_summary(0)
