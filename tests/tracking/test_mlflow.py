"""Searches in a real MLflow server, with its database in SQLite."""

import builtins
import contextlib
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from types import SimpleNamespace

import mlflow
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from skhpo import ArrayScaler, BayesSearchCV, KerasMLP
from skhpo.exceptions import TrackingWarning
from skhpo.tracking import MLflowTracker

SPACE = {"C": (1e-3, 1e3, "log-uniform")}
PARENT = "mlflow.parentRunId"


def bayes_search(estimator=None, space=SPACE, **settings):
    settings = {"n_iter": 3, "cv": 2, "random_state": 0} | settings
    return BayesSearchCV(estimator or LogisticRegression(), space, **settings)


def start(folder):
    """Return a server that answers, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    # With it, scikit-learn would import every library of arrays that it finds.
    environment = {k: v for k, v in os.environ.items() if k != "SCIPY_ARRAY_API"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    uri = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{uri}/health", timeout=1).close()
        except OSError:
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            time.sleep(0.1)
        else:
            return uri, process
    end(process)
    raise TimeoutError((folder / "log").read_text()[-3000:])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    uri, process = start(tmp_path_factory.mktemp("mlflow"))
    yield SimpleNamespace(uri=uri, process=process)
    end(process)


def end(process):
    """End a server, and the processes that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def runs_of(server, experiment):
    """Return the run of the search, and those of its candidates by number."""
    client = mlflow.MlflowClient(server.uri)
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id])
    (parent,) = (run for run in runs if PARENT not in run.data.tags)
    children = [run for run in runs if run is not parent]
    assert {run.data.tags[PARENT] for run in children} == {parent.info.run_id}
    numbers = [int(run.data.tags["skhpo.candidate"]) for run in children]
    assert len(set(numbers)) == len(numbers)
    return parent, dict(sorted(zip(numbers, children, strict=True)))


class Histories:
    """Keeps what callbacks are told of candidates."""

    def __init__(self):
        self.candidates = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, metadata):
        if metadata and "candidate" in metadata:
            self.candidates.append(metadata["candidate"])


@pytest.fixture(scope="module")
def networks(server, digits, tmp_path_factory):
    X, y = digits
    histories = Histories()
    pipeline = make_pipeline(ArrayScaler(), KerasMLP((4,), epochs=2, random_state=0))
    space = {"kerasmlp__learning_rate": SPACE["C"], "kerasmlp__l2": [0.0, -1.0]}
    search = bayes_search(
        pipeline, space, n_iter=4, journal=tmp_path_factory.mktemp("journal")
    )
    tracker = MLflowTracker(
        "networks", tracking_uri=server.uri, run_name="mine", tags={"by": "me"}
    )
    search.set_callbacks(histories, tracker)
    with pytest.warns():
        # Half of the candidates fail.
        search.fit(X[:60], y[:60])
    return search, histories.candidates, *runs_of(server, "networks"), tracker


@pytest.mark.filterwarnings("ignore")
class TestSearchOfNetworks:
    def test_each_candidate_is_a_run(self, networks):
        search, _, _, runs, _ = networks
        results = search.cv_results_
        assert list(runs) == [0, 1, 2, 3]
        for number, run in runs.items():
            assert run.info.run_name == f"candidate {number}"
            params = results["params"][number]
            assert run.data.params == {k: repr(v) for k, v in params.items()}
            failed = params["kerasmlp__l2"] < 0
            assert run.info.status == ("FAILED" if failed else "FINISHED")
            error = run.data.tags.get("skhpo.error", "")
            assert ("l2 must be" in error) is failed
            metrics = run.data.metrics
            if failed:
                assert "score" not in metrics
                continue
            for name in ("mean_test_score", "split0_test_score", "split1_test_score"):
                assert metrics[name] == results[name][number]
            assert metrics["score"] == metrics["mean_test_score"]
            seconds = 2 * (
                results["mean_fit_time"][number] + results["mean_score_time"][number]
            )
            assert metrics["seconds"] == pytest.approx(seconds)
            duration = run.info.end_time - run.info.start_time
            assert duration == pytest.approx(1000 * seconds, abs=2)

    def test_curves_of_each_fold(self, networks, server):
        _, candidates, _, runs, _ = networks
        client = mlflow.MlflowClient(server.uri)
        report = next(c for c in candidates if np.isfinite(c.score))
        for fold, fit in enumerate(report.fits):
            assert set(fit.history) == {"loss", "accuracy"}
            for name, values in fit.history.items():
                curve = client.get_metric_history(
                    runs[report.number].info.run_id, f"split{fold}_{name}"
                )
                assert [point.step for point in curve] == [1, 2]
                assert [point.value for point in curve] == values

    def test_use_of_the_machine(self, networks):
        _, candidates, _, runs, _ = networks
        report = next(c for c in candidates if np.isfinite(c.score))
        metrics = runs[report.number].data.metrics
        assert 0 < metrics["cpu_seconds"] < 10 * metrics["seconds"]
        # TensorFlow alone has some hundreds.
        assert 100 < metrics["memory_mb"] < 1e5

    def test_the_search_is_a_run(self, networks):
        search, _, run, _, _ = networks
        assert (run.info.run_name, run.info.status) == ("mine", "FINISHED")
        params, tags = run.data.params, run.data.tags
        assert params["direction"] == "maximize"
        assert params["journal"] == str(search.journal)
        assert (params["n_candidates"], params["n_splits"]) == ("4", "2")
        assert "0.001" in params["space.kerasmlp__learning_rate"]
        assert run.data.metrics == {"best_score": search.best_score_}
        assert tags["by"] == "me"
        assert tags["skhpo.best_candidate"] == str(search.best_index_)
        assert tags["skhpo.objective"] == "score"
        assert re.fullmatch("[0-9a-f]{32}", tags["skhpo.search_id"])
        best = search.best_params_["kerasmlp__learning_rate"]
        assert tags["skhpo.best.kerasmlp__learning_rate"] == repr(best)

    def test_the_best_model_loads_again(self, networks, server, digits):
        search, _, run, _, _ = networks
        X, _ = digits
        mlflow.set_tracking_uri(server.uri)
        try:
            loaded = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model")
        finally:
            mlflow.set_tracking_uri(None)
        np.testing.assert_array_equal(loaded.predict(X), search.predict(X))

    def test_the_best_model_is_among_those_of_the_experiment(self, networks, server):
        run = networks[2]
        client = mlflow.MlflowClient(server.uri)
        (logged,) = client.search_logged_models([run.info.experiment_id])
        assert (logged.name, logged.status) == ("model", "READY")
        assert logged.source_run_id == run.info.run_id
        (output,) = run.outputs.model_outputs
        assert output.model_id == logged.model_id

    def test_the_tracker_knows_the_run(self, networks):
        assert networks[4].run_id_ == networks[2].info.run_id

    def test_it_goes_on_in_the_same_run(self, networks, server, digits):
        search, _, run, runs, _ = networks
        X, y = digits
        search.set_params(n_iter=5).fit(X[:60], y[:60])
        again, longer = runs_of(server, "networks")
        assert again.info.run_id == run.info.run_id
        assert list(longer) == [0, 1, 2, 3, 4]
        for number, known in runs.items():
            assert longer[number].info.run_id == known.info.run_id


def test_searches_of_scikit_learn(server, iris):
    grid = GridSearchCV(
        LogisticRegression(),
        {"C": [0.1, 1.0]},
        scoring=["accuracy", "neg_log_loss"],
        refit="neg_log_loss",
        cv=2,
    )
    tracker = MLflowTracker("grid", tracking_uri=server.uri, log_model=False)
    grid.set_callbacks(tracker).fit(*iris)
    run, runs = runs_of(server, "grid")
    assert run.data.metrics == {"best_score": grid.best_score_}
    assert run.data.tags["skhpo.best_candidate"] == str(grid.best_index_)
    assert [r.data.params["C"] for r in runs.values()] == ["0.1", "1.0"]
    for number, found in runs.items():
        for name in ("mean_test_accuracy", "split1_test_neg_log_loss"):
            assert found.data.metrics[name] == grid.cv_results_[name][number]


def test_a_search_that_fails(server, iris):
    search = bayes_search(LogisticRegression(solver="none"))
    search.set_callbacks(MLflowTracker("failing", tracking_uri=server.uri))
    with pytest.raises(ValueError, match="All 6 fits of the search failed"):
        search.fit(*iris)
    run, runs = runs_of(server, "failing")
    assert run.info.status == "FAILED"
    assert {r.info.status for r in runs.values()} == {"FAILED"}


def test_many_metrics_and_long_texts(server, iris):
    steps = {f"step{number}": "passthrough" for number in range(120)}
    space = {name: ["passthrough"] for name in steps} | {"last__constant": ["x" * 9000]}

    def many(estimator, X, y):
        return {f"metric{number}": float(number) for number in range(600)}

    search = bayes_search(
        Pipeline([*steps.items(), ("last", DummyClassifier())]),
        space,
        n_iter=1,
        scoring=many,
        refit=False,
        objective="metric1",
    )
    tracker = MLflowTracker("wide", tracking_uri=server.uri)
    search.set_callbacks(tracker).fit(*iris)
    _, runs = runs_of(server, "wide")
    assert len(runs[0].data.params) == 121
    assert 1000 < len(runs[0].data.params["last__constant"]) < 9000
    assert len(runs[0].data.metrics) == 4 + 4 * 600


def test_experiment_of_the_environment(server, iris, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "of the environment")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    search = bayes_search(n_iter=1).set_callbacks(MLflowTracker(log_model=False))
    search.fit(*iris)
    run, _ = runs_of(server, "of the environment")
    assert run.info.run_name == "BayesSearchCV"


def test_a_model_that_cannot_be_saved(server, iris):
    search = bayes_search(LogisticRegression(), n_iter=1)
    tracker = MLflowTracker("unsaved", tracking_uri=server.uri)
    search.set_callbacks(tracker)

    class Locked(LogisticRegression):
        def fit(self, X, y):
            self.lock_ = threading.Lock()
            return super().fit(X, y)

    search.estimator = Locked()
    with pytest.warns(TrackingWarning, match="MLflowTracker failed"):
        search.fit(*iris)
    run, runs = runs_of(server, "unsaved")
    # None of them goes on for ever.
    assert run.info.status == "FAILED"
    assert runs[0].info.status == "FINISHED"
    client = mlflow.MlflowClient(server.uri)
    (logged,) = client.search_logged_models([run.info.experiment_id])
    assert logged.status == "FAILED"


def test_names_that_mlflow_forbids(server, iris):
    search = bayes_search(LogisticRegression(), n_iter=1, refit="acc@1")
    search.set_params(scoring={"acc@1": "accuracy"})
    tracker = MLflowTracker("names", tracking_uri=server.uri, log_model=False)
    search.set_callbacks(tracker).fit(*iris)
    run, runs = runs_of(server, "names")
    assert run.data.metrics == {"best_score": search.best_score_}
    assert runs[0].data.metrics["mean_test_acc_1"] == search.best_score_


def test_a_candidate_in_the_middle_of_a_kill_is_written_again(server, iris, tmp_path):
    search = bayes_search(LogisticRegression(), n_iter=2, journal=tmp_path)
    tracker = MLflowTracker("killed", tracking_uri=server.uri, log_model=False)
    search.set_callbacks(tracker).fit(*iris)
    _, runs = runs_of(server, "killed")
    client = mlflow.MlflowClient(server.uri)
    client.update_run(runs[1].info.run_id, status="RUNNING")
    search.fit(*iris)
    _, again = runs_of(server, "killed")
    assert [run.info.status for run in again.values()] == ["FINISHED"] * 2
    assert again[0].info.run_id == runs[0].info.run_id
    assert again[1].data.metrics["score"] == runs[1].data.metrics["score"]


def test_trackers_go_to_workers_without_what_they_follow():
    tracker = MLflowTracker("name", tracking_uri="sqlite://", run_name="run")
    tracker._followers[0] = object()
    again = pickle.loads(pickle.dumps(tracker))
    assert again.run_name == "run"
    assert again._followers == {}


def test_only_searches_are_followed(iris):
    with pytest.raises(TypeError, match="MLflowTracker follows searches, got Logistic"):
        LogisticRegression().set_callbacks(MLflowTracker()).fit(*iris)


def test_without_mlflow(monkeypatch):
    def find(name, *args, _find=builtins.__import__, **kwargs):
        if name.startswith("mlflow"):
            raise ImportError(name)
        return _find(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", find)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError, match=r"needs MLflow. .* \"skhpo\[tracking\]\""):
        MLflowTracker()


class Killing(LogisticRegression):
    """Ends a server when the fourth fold is fitted."""

    process, times = None, 0

    def fit(self, X, y):
        type(self).times += 1
        if type(self).times == 4:
            end(self.process)
        return super().fit(X, y)


def test_a_server_that_goes_stops_no_search(server, iris, monkeypatch):
    # The last test of this server.
    # MLflow tries seven times, for minutes.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    Killing.process = server.process
    alone = bayes_search(n_iter=5).fit(*iris)
    search = bayes_search(Killing(), n_iter=5)
    search.set_callbacks(MLflowTracker(tracking_uri=server.uri))
    with pytest.warns(TrackingWarning, match="MLflowTracker failed, and follows") as w:
        search.fit(*iris)
    assert len([one for one in w if one.category is TrackingWarning]) == 1
    scores = [s.cv_results_["mean_test_score"].tolist() for s in (search, alone)]
    assert scores[0] == scores[1]
