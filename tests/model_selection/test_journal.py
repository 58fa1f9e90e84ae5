"""Journals: nothing is lost or repeated, and nothing of another search taken."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_array
from search_estimators import (
    SPACE,
    Counting,
    Killed,
    X,
    Y,
    assert_same,
    calls,
    search_in,
)
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhpo import KerasMLP
from skhpo.exceptions import JournalError
from skhpo.model_selection import BayesSearchCV, HyperbandSearchCV, KerasTunerSearchCV
from skhpo.model_selection._journal import Journal, write_fold

KINDS = {
    "gp": BayesSearchCV,
    "keras_tuner": BayesSearchCV,
    "random": KerasTunerSearchCV,
    "hyperband": HyperbandSearchCV,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_that_was_killed_ends_as_it_would_have(kind, tmp_path):
    # Keras Tuner's model takes its time.
    settings = {"n_iter": 4} if kind == "keras_tuner" else {}
    whole = search_in(None, kind, tmp_path / "log0", **settings).fit(X, Y)
    n_fits = len(calls(tmp_path / "log0"))
    for killed_after in (1, 4, n_fits - 1):
        log, journal = tmp_path / f"log{killed_after}", tmp_path / f"{killed_after}"
        with pytest.raises(Killed):
            search_in(journal, kind, log, dies_at=killed_after, **settings).fit(X, Y)
        resumed = search_in(journal, kind, log, **settings).fit(X, Y)
        assert_same(resumed, whole)
        # The fit that was killed is begun again, and no other: the last is the final.
        assert len(calls(log)) == n_fits + 1


@pytest.mark.parametrize("dies_at", [10, 14, 20])
def test_a_search_of_several_points_that_was_killed_ends_as_it_would_have(
    dies_at, tmp_path
):
    settings = {"n_points": 3, "n_iter": 9, "n_initial_points": 3}
    whole = search_in(None, "gp", tmp_path / "whole", **settings).fit(X, Y)
    log, journal = tmp_path / "log", tmp_path / "journal"
    with pytest.raises(Killed):
        search_in(journal, "gp", log, dies_at=dies_at, **settings).fit(X, Y)
    assert_same(search_in(journal, "gp", log, **settings).fit(X, Y), whole)
    assert len(calls(log)) == 9 * 3 + 1 + 1


@pytest.mark.parametrize(
    "cv",
    [
        StratifiedKFold(3, shuffle=True),
        ShuffleSplit(2),
        KFold(3, shuffle=True, random_state=np.random.RandomState(0)),
    ],
)
def test_splits_that_differ_each_time_are_told_of_at_once(cv, tmp_path):
    log = tmp_path / "log"
    search = search_in(tmp_path / "journal", "gp", log, cv=cv)
    with pytest.raises(ValueError, match="Give it an integer random_state"):
        search.fit(X, Y)
    assert calls(log) == []
    assert search.set_params(journal=None).fit(X, Y).stopped_by_ is None


class Sorting(Counting):
    """Brings the sparse data that it is given into another order."""

    def fit(self, X, y):
        X.indices[:2] = X.indices[:2][::-1].copy()
        X.data[:2] = X.data[:2][::-1].copy()
        X.has_sorted_indices = False
        return super().fit(X, y)


def test_sparse_data_are_the_same_in_another_order(tmp_path):
    data = csr_array(np.abs(X))
    search = BayesSearchCV(
        Sorting(), SPACE, n_iter=2, cv=[(slice(None), slice(None))], journal=tmp_path
    )
    first = search.fit(data, Y).cv_results_["params"]
    Sorting().fit(data, Y)
    assert search.fit(data, Y).cv_results_["params"] == first
    data.data[0] += 1
    with pytest.raises(JournalError, match="data: X"):
        search.fit(data, Y)


def test_the_same_call_again_fits_nothing_but_the_best(tmp_path):
    log = tmp_path / "log"
    first = search_in(tmp_path / "journal", "gp", log).fit(X, Y)
    before = len(calls(log))
    again = search_in(tmp_path / "journal", "gp", log).fit(X, Y)
    assert len(calls(log)) == before + 1
    assert_same(again, first)
    for column in ("mean_fit_time", "mean_score_time"):
        np.testing.assert_array_equal(
            first.cv_results_[column], again.cv_results_[column]
        )


def test_a_search_may_go_on_with_more_trials(tmp_path):
    long = search_in(None, "gp", tmp_path / "log", n_iter=12, n_initial_points=3)
    short = search_in(tmp_path, "gp", tmp_path / "log", n_iter=6, n_initial_points=3)
    short.fit(X, Y)
    on = search_in(tmp_path, "gp", tmp_path / "log", n_iter=12, n_initial_points=3)
    assert_same(on.fit(X, Y), long.fit(X, Y))


def test_without_a_random_state_the_drawn_one_is_kept(tmp_path):
    def search():
        return search_in(tmp_path, "gp", tmp_path / "log", random_state=None)

    assert_same(search().fit(X, Y), search().fit(X, Y))


def test_failures_are_remembered_with_their_errors(tmp_path):
    def search():
        return search_in(tmp_path, "gp", tmp_path / "log", fails_below=0.6)

    with pytest.warns(match="scores are non-finite"), pytest.warns(match="fits failed"):
        first = search().fit(X, Y)
    with pytest.warns(match="scores are non-finite"), pytest.warns(match="too small"):
        again = search().fit(X, Y)
    assert_same(again, first)
    assert again.failures_ == first.failures_
    assert "is too small" in again.failures_[0].error


def test_several_metrics_and_train_scores_are_remembered(tmp_path):
    def search():
        return search_in(
            tmp_path,
            "gp",
            tmp_path / "log",
            scoring=["accuracy", "balanced_accuracy"],
            refit="accuracy",
            return_train_score=True,
        )

    assert_same(search().fit(X, Y), search().fit(X, Y))


OTHERS = {
    r"random_state|seeds": {"random_state": 1},
    r"spaces: 0: a: .*2.0": {"space": SPACE | {"a": (0.0, 2.0)}},
    r"estimator: b: 5 in the journal, now 6": {"b": 6},
    r"splits: 3 with digest .* now 4": {"cv": 4},
    r"scoring: None in the journal, now 'accuracy'": {"scoring": "accuracy"},
    r"n_points: 1 in the journal, now 2": {"n_points": 2},
}


@pytest.mark.parametrize("message", OTHERS)
def test_a_journal_of_another_search_is_refused(message, tmp_path):
    search_in(tmp_path, "gp", tmp_path / "log", n_iter=2).fit(X, Y)
    other = search_in(tmp_path, "gp", tmp_path / "log", n_iter=2, **OTHERS[message])
    with pytest.raises(JournalError, match=message):
        other.fit(X, Y)


def test_a_journal_of_other_data_is_refused(tmp_path):
    search_in(tmp_path, "gp", tmp_path / "log", n_iter=2).fit(X, Y)
    search = search_in(tmp_path, "gp", tmp_path / "log", n_iter=2)
    with pytest.raises(JournalError, match=r"data: X: ndarray of shape \(60, 4\)"):
        search.fit(X + 1e-9, Y)
    with pytest.raises(JournalError, match=r"data: y: ndarray of shape \(60,\)"):
        search.fit(X, 1 - Y)
    with pytest.raises(JournalError, match=r"parameters of fit: sample_weight"):
        search.fit(X, Y, sample_weight=np.ones(60))


@pytest.mark.parametrize("kind", KINDS)
def test_a_journal_of_other_splits_or_another_class_is_refused(kind, tmp_path):
    def search(shuffle, Estimator=Counting):
        cv = KFold(3, shuffle=True, random_state=shuffle)
        found = search_in(tmp_path, kind, tmp_path / "log", cv=cv)
        return found.set_params(estimator=Estimator())

    search(0).fit(X, Y)
    with pytest.raises(JournalError, match=r"splits: 3 with digest .* now 3 with"):
        search(1).fit(X, Y)
    with pytest.raises(JournalError, match=r"class: .*Counting in .*Recounting"):
        search(0, Recounting).fit(X, Y)


class Recounting(Counting):
    """Counts as the other does."""


def test_metadata_that_is_none_is_as_none_at_all(tmp_path):
    first = search_in(tmp_path, "gp", tmp_path / "log", n_iter=2)
    first.fit(X, Y, groups=None, sample_weight=None)
    n_fits = len(calls(tmp_path / "log"))
    again = search_in(tmp_path, "gp", tmp_path / "log", n_iter=2).fit(X, Y)
    assert_same(again, first)
    assert len(calls(tmp_path / "log")) == n_fits + 1  # The final fit.


HEADER = {"data": {"X": "a"}, "seeds": [1]}


def fold(trial=0, number=0, score=0.5):
    return {
        "trial": trial,
        "fold": number,
        "cells": {"a": 0.25},
        "origin": "space 0",
        "test_scores": score,
        "error": None,
        "fit_time": 1.0,
        "score_time": 0.5,
    }


def open_again(folder):
    return Journal(folder, dict(HEADER))


class TestFile:
    def test_what_is_written_is_read(self, tmp_path):
        with open_again(tmp_path) as journal:
            write_fold(str(tmp_path), fold(0, 1))
            journal.write_trial(0, [fold(0, 0), fold(0, 1)])
            write_fold(str(tmp_path), fold(1, 0, float("nan")))
        with open_again(tmp_path) as journal:
            now = "space 0", {"a": 0.25}
            assert journal.finished(0, *now) == {0: fold(0, 0), 1: fold(0, 1)}
            np.testing.assert_equal(
                journal.finished(1, *now), {0: fold(1, 0, float("nan"))}
            )
            assert journal.cells_of(1, "space 0") == {"a": 0.25}
            assert journal.cells_of(1, "space 1") is None
            assert journal.cells_of(2, "space 0") is None
            for other in (("space 1", now[1]), (now[0], {"a": 0.5})):
                with pytest.raises(JournalError, match="trial 0 of the journal"):
                    journal.finished(0, *other)

    def test_cut_at_every_byte_it_keeps_all_whole_trials(self, tmp_path):
        with open_again(tmp_path) as journal:
            for trial in range(2):
                journal.write_trial(trial, [fold(trial)])
        path = tmp_path / "journal.jsonl"
        content = path.read_bytes()
        header, first, _ = (len(line) + 1 for line in content.splitlines())
        for end in range(header, len(content) + 1):
            path.write_bytes(content[:end])
            whole = (end >= header + first) + (end == len(content))
            if end in (header, header + first, len(content)):
                journal = open_again(tmp_path)
            else:
                with pytest.warns(match="last record of .* is damaged"):
                    journal = open_again(tmp_path)
            assert len(journal.trials) == whole
            # What is appended then is read again.
            journal.write_trial(whole, [fold(whole)])
            journal.close()
            with open_again(tmp_path) as journal:
                assert len(journal.trials) == whole + 1

    def test_any_other_damage_is_an_error(self, tmp_path):
        with open_again(tmp_path) as journal:
            for trial in range(2):
                journal.write_trial(trial, [fold(trial)])
        path = tmp_path / "journal.jsonl"
        content = path.read_bytes()
        last = content.rstrip(b"\n").rindex(b"\n") + 1
        for place in range(0, last - 1, 3):
            damaged = bytearray(content)
            damaged[place] ^= 1
            path.write_bytes(damaged)
            with pytest.raises(JournalError, match="is damaged"):
                open_again(tmp_path)
        lines = content.splitlines(keepends=True)
        path.write_bytes(lines[0] + lines[2])
        with pytest.raises(JournalError, match="must follow each other"):
            open_again(tmp_path)

    def test_a_damaged_last_record_is_dropped(self, tmp_path):
        with open_again(tmp_path) as journal:
            journal.write_trial(0, [fold(0)])
            journal.write_trial(1, [fold(1)])
        path = tmp_path / "journal.jsonl"
        content = bytearray(path.read_bytes())
        content[-5] ^= 1
        path.write_bytes(content)
        with pytest.warns(match="last record of"):
            journal = open_again(tmp_path)
        assert len(journal.trials) == 1
        journal.close()

    def test_a_damaged_fold_is_an_error(self, tmp_path):
        open_again(tmp_path).close()
        write_fold(str(tmp_path), fold(0))
        (path,) = tmp_path.glob("trial-*.json")
        path.write_bytes(path.read_bytes()[:-4])
        with pytest.raises(JournalError, match=r"fold-0.json is damaged"):
            open_again(tmp_path)

    @pytest.mark.parametrize("function", ["fsync", "write", "truncate", "replace"])
    def test_a_writing_that_fails_leaves_what_was(
        self, function, tmp_path, monkeypatch
    ):
        with open_again(tmp_path) as journal:
            journal.write_trial(0, [fold(0)])
            with monkeypatch.context() as context:
                fail_in(context, function)
                if function != "truncate":
                    with pytest.raises(OSError, match="no space"):
                        write_fold(str(tmp_path), fold(1))
                if function != "replace":
                    with pytest.raises(OSError, match="no space"):
                        journal.write_trial(1, [fold(1)])
            assert list(tmp_path.glob("trial-*")) == []
            journal.write_trial(1, [fold(1, 0, 0.75)])
        with open_again(tmp_path) as journal:
            assert [t["folds"][0]["test_scores"] for t in journal.trials] == [0.5, 0.75]

    def test_a_folder_that_cannot_be_flushed_is_an_error_and_its_files_are_whole(
        self, tmp_path, monkeypatch
    ):
        flush = os.fsync

        def fail_for_folders(descriptor):
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError("no space left")
            flush(descriptor)

        with monkeypatch.context() as context:
            context.setattr(os, "fsync", fail_for_folders)
            with pytest.raises(OSError, match="no space"):
                open_again(tmp_path)
            assert (tmp_path / "journal.jsonl").exists()
            with open_again(tmp_path), pytest.raises(OSError, match="no space"):
                write_fold(str(tmp_path), fold(0))
        with open_again(tmp_path) as journal:
            assert journal.finished(0, "space 0", {"a": 0.25}) == {0: fold(0)}

    def test_files_of_folds_that_cannot_be_dropped_do_no_harm(
        self, tmp_path, monkeypatch
    ):
        with open_again(tmp_path) as journal:
            write_fold(str(tmp_path), fold(0))
            with monkeypatch.context() as context:
                fail_in(context, "unlink")
                with pytest.raises(OSError, match="no space"):
                    journal.write_trial(0, [fold(0)])
        with open_again(tmp_path) as journal:
            assert journal.finished(0, "space 0", {"a": 0.25}) == {0: fold(0)}
            journal.write_trial(0, [fold(0)])
        assert list(tmp_path.glob("trial-*")) == []

    def test_two_at_once_are_refused(self, tmp_path):
        with (
            open_again(tmp_path),
            pytest.raises(JournalError, match="in use by another search"),
        ):
            open_again(tmp_path)
        open_again(tmp_path).close()

    def test_another_process_is_refused(self, tmp_path):
        program = (
            "import sys; from skhpo.model_selection._journal import Journal\n"
            "from skhpo.exceptions import JournalError\n"
            f"try: Journal({str(tmp_path)!r}, {HEADER!r})\n"
            "except JournalError as error: print(error)"
        )
        with open_again(tmp_path):
            done = subprocess.run(
                [sys.executable, "-c", program], capture_output=True, text=True
            )
        assert "in use by another search" in done.stdout

    def test_a_file_is_no_folder(self, tmp_path):
        path = tmp_path / "file"
        path.write_text("")
        with pytest.raises(JournalError, match="must name a folder, or nothing yet"):
            open_again(path)

    def test_it_is_plain_json(self, tmp_path):
        with open_again(tmp_path) as journal:
            journal.write_trial(0, [fold(0)])
        lines = (tmp_path / "journal.jsonl").read_text().splitlines()
        header, trial = (json.loads(line.split(" ", 1)[1]) for line in lines)
        assert len(header.pop("id")) == 32
        assert header == {"format": 1, **HEADER}
        assert trial == {"trial": 0, "folds": [fold(0)]}


def fail_in(context, function):
    def fail(*args):
        raise OSError("no space left")

    if function not in ("write", "truncate"):
        context.setattr(os, function, fail)
        return
    import builtins

    plain_open = builtins.open

    def open_unwritable(path, mode="r", *args, **settings):
        file = plain_open(path, mode, *args, **settings)
        if mode not in ("wb", "r+b"):
            return file
        return Unwritable(file) if function == "write" else Untruncatable(file)

    context.setattr(builtins, "open", open_unwritable)


class Faulty:
    """A file of which something does not work."""

    def __init__(self, file):
        self.file = file

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.file.close()


class Unwritable(Faulty):
    """A file that takes half of what it is given."""

    def write(self, content):
        self.file.write(content[: len(content) // 2])
        raise OSError("no space left")


class Untruncatable(Faulty):
    """A file that cannot be cut."""

    def truncate(self, size):
        raise OSError("no space left")


PROGRAM = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from search_estimators import search_in, X, Y
search = search_in({journal!r}, "gp", Path({log!r}), n_iter=10, sleeps=0.05, n_jobs=2)
search.fit(X, Y)
print(search.best_params_)
"""


@pytest.mark.slow
def test_a_real_search_survives_five_kills(tmp_path):
    log, journal = tmp_path / "log", tmp_path / "journal"
    program = PROGRAM.format(
        tests=str(Path(__file__).parent), journal=str(journal), log=str(log)
    )
    command = [sys.executable, "-c", program]
    kills = 0
    while kills < 5:
        process = subprocess.Popen(command, start_new_session=True)
        n_before = len(calls(log))
        while process.poll() is None and len(calls(log)) < n_before + 4:
            time.sleep(0.005)
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
    subprocess.run(command, check=True)
    whole = search_in(None, "gp", tmp_path / "other", n_iter=10).fit(X, Y)
    resumed = search_in(journal, "gp", log, n_iter=10, sleeps=0.05).fit(X, Y)
    assert_same(resumed, whole)
    # Each kill cost the fits that ran, which are two at most, and nothing else; the
    # two last searches ended with the fit of the best.
    assert len(calls(log)) <= 10 * 3 + 5 * 2 + 2


# What was broken once


@pytest.mark.parametrize("kind", ["gp", "random"])
def test_a_space_that_was_exhausted_does_not_take_the_next_ones_trials(kind, tmp_path):
    spaces = [{"c": [1, 2]}, {"a": (0.0, 1.0)}]

    def search():
        return search_in(tmp_path, kind, tmp_path / "log", space=spaces, n_iter=4)

    first, again = search().fit(X, Y), search().fit(X, Y)
    assert [list(p) for p in first.cv_results_["params"]] == [["c"]] * 2 + [["a"]] * 4
    assert_same(again, first)


def test_hyperband_on_a_small_space_goes_on(tmp_path):
    def search():
        log = tmp_path / "log"
        return search_in(tmp_path, "hyperband", log, space={"c": [1, 2]})

    assert_same(search().fit(X, Y), search().fit(X, Y))


@pytest.mark.parametrize("kind", ["gp", "hyperband"])
def test_a_search_that_was_ended_early_may_go_on(kind, tmp_path):
    whole = search_in(None, kind, tmp_path / "log").fit(X, Y)

    def stop(result):
        return len(result.x_iters) >= 3

    ended = search_in(tmp_path / "journal", kind, tmp_path / "log")
    ended.fit(X, Y, callback=stop)
    assert ended.stopped_by_ == "callback"
    assert len(ended.cv_results_["params"]) < len(whole.cv_results_["params"])
    assert_same(
        search_in(tmp_path / "journal", kind, tmp_path / "log").fit(X, Y), whole
    )


def test_networks_of_an_ended_hyperband_go_on(tmp_path):
    def search(journal=None):
        return HyperbandSearchCV(
            KerasMLP(4, batch_size=30, random_state=0),
            {"learning_rate": [0.1, 0.03, 0.01, 0.003]},
            max_resource=4,
            factor=2,
            cv=2,
            random_state=0,
            refit=False,
            journal=journal,
        )

    whole = search().fit(X, Y)
    seen = []
    search(tmp_path).fit(X, Y, callback=lambda result: seen.append(1) or True)
    assert_same(search(tmp_path).fit(X, Y), whole)
    assert list(tmp_path.glob("checkpoints/*/candidate-*")) == []


def test_distributions_and_functions_are_told_apart(tmp_path):
    def search(space):
        return search_in(tmp_path, "gp", tmp_path / "log", space=space, n_iter=2)

    search({"a": stats.uniform(0, 1)}).fit(X, Y)
    search({"a": stats.uniform(0, 1)}).fit(X, Y)
    with pytest.raises(JournalError, match="spaces: 0: a"):
        search({"a": stats.uniform(0, 2)}).fit(X, Y)


def test_a_function_that_does_something_else_is_refused(tmp_path):
    def search(space):
        return search_in(tmp_path, "gp", tmp_path / "log", space=space, n_iter=2)

    search(lambda hp: {"a": hp.Float("x", 0, 1)}).fit(X, Y)
    with pytest.raises(JournalError, match="spaces: 0: function"):
        search(lambda hp: {"a": 1 - hp.Float("x", 0, 1)}).fit(X, Y)


def test_another_number_of_initial_points_is_refused(tmp_path):
    search_in(tmp_path, "gp", tmp_path / "log", n_iter=4).fit(X, Y)
    other = search_in(tmp_path, "gp", tmp_path / "log", n_iter=4, n_initial_points=3)
    with pytest.raises(JournalError, match="n_initial_points: 2 in the journal, now 3"):
        other.fit(X, Y)


def test_what_a_pipeline_was_fitted_to_does_not_matter(tmp_path):
    pipe = make_pipeline(StandardScaler(), Counting())
    search = BayesSearchCV(
        pipe,
        {"counting__a": (0.0, 1.0)},
        n_iter=2,
        cv=2,
        random_state=0,
        journal=tmp_path,
    )
    first = search.fit(X, Y)
    pipe.fit(X, Y)
    assert_same(search.fit(X, Y), first)


def test_a_rare_branch_is_resumed_alike(tmp_path):
    def space(hp):
        x = hp.Float("x", 0, 1)
        # Asked for by one rehearsal in a thousand.
        deep = hp.Float("deep", 0, 1) if 0.5 < x < 0.501 else 0.0
        return {"a": x * (1 - deep)}

    for seed in range(3):
        settings = {"space": space, "n_iter": 9, "random_state": seed}
        log, journal = tmp_path / f"log{seed}", tmp_path / f"journal{seed}"
        whole = search_in(None, "gp", tmp_path / "whole", **settings).fit(X, Y)
        with pytest.raises(Killed):
            search_in(journal, "gp", log, dies_at=20, **settings).fit(X, Y)
        assert_same(search_in(journal, "gp", log, **settings).fit(X, Y), whole)


def test_repeated_initial_params_are_resumed_alike(tmp_path):
    first = [{"a": 0.25, "c": 3}, {"a": 0.25, "c": 3}, {"a": 0.5, "c": 3}]
    settings = {"n_iter": 5, "initial_params": first, "n_initial_points": 5}
    whole = search_in(None, "keras_tuner", tmp_path / "whole", **settings).fit(X, Y)
    log = tmp_path / "log"
    with pytest.raises(Killed):
        search_in(tmp_path / "j", "keras_tuner", log, dies_at=8, **settings).fit(X, Y)
    resumed = search_in(tmp_path / "j", "keras_tuner", log, **settings).fit(X, Y)
    assert_same(resumed, whole)


def test_parameters_of_fit_need_no_length(tmp_path):
    class Told(Counting):
        def fit(self, X, y, threshold=None):
            return super().fit(X, y)

    search = BayesSearchCV(Told(), SPACE, n_iter=2, cv=2, journal=tmp_path)
    search.fit(X, Y, threshold=0.5)
    with pytest.raises(JournalError, match=r"of fit: threshold: 0.5 in the"):
        search.fit(X, Y, threshold=0.6)


def test_what_a_kill_left_half_written_goes(tmp_path):
    open_again(tmp_path).close()
    half = tmp_path / "trial-000000-fold-0.json.77-88.tmp"
    half.write_bytes(b"half")
    open_again(tmp_path).close()
    assert not half.exists()
