"""Searches on a Dask cluster: the same as here, and a lost worker costs its fits."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from joblib import parallel_config
from search_estimators import X, Y, assert_same, calls, search_in
from sklearn.base import clone

from skhpo import BayesSearchCV, HyperbandSearchCV, KerasMLP, Real

distributed = pytest.importorskip("distributed")

pytestmark = [
    # Its own, of the versions of its parts.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Sending large graph:UserWarning"),
]


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    # Workers find the estimators of the tests, which are imported by their name.
    folder = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "1")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            local_directory=str(tmp_path),
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield cluster


@pytest.mark.parametrize(
    "kind", ["gp", pytest.param("hyperband", marks=pytest.mark.slow)]
)
def test_a_cluster_gives_the_same(kind, cluster, tmp_path):
    log = tmp_path / "log"
    here = search_in(None, kind, log).fit(X, Y)
    with parallel_config(backend="dask"):
        there = search_in(tmp_path / "journal", kind, log).fit(X, Y)
    assert_same(there, here)


def test_a_killed_worker_costs_its_running_fits_and_nothing_else(cluster, tmp_path):
    log = tmp_path / "log"

    killed = []

    def kill_one():
        while len(calls(log)) < 7:
            time.sleep(0.01)
        killed.append(cluster.workers[0].pid)
        os.kill(killed[0], signal.SIGKILL)

    settings = {"n_iter": 8, "sleeps": 0.2, "n_points": 2}
    threading.Thread(target=kill_one, daemon=True).start()
    with parallel_config(backend="dask"):
        there = search_in(tmp_path / "journal", "gp", log, **settings).fit(X, Y)
    # Another was started in its place.
    assert killed[0] not in {worker.pid for worker in cluster.workers.values()}
    # Each worker ran one fit, which is begun again; one more is the last.
    assert len(calls(log)) <= 8 * 3 + 2 + 1
    assert_same(there, search_in(None, "gp", tmp_path / "other", **settings).fit(X, Y))


@pytest.mark.slow
def test_a_network_is_the_same_on_a_cluster(cluster):
    space = {"learning_rate": Real(1e-3, 1e-1, "log-uniform")}
    settings = {"scoring": "neg_log_loss", "cv": 2, "random_state": 0, "refit": False}
    bayes = BayesSearchCV(
        KerasMLP(8, epochs=2, random_state=0), space, n_iter=3, **settings
    )
    rungs = HyperbandSearchCV(
        KerasMLP(8, random_state=0), space, max_resource=2, factor=2, **settings
    )
    for search in (bayes, rungs):
        with parallel_config(backend="dask"):
            there = clone(search).fit(X, Y)
        with parallel_config(backend="loky", n_jobs=2, inner_max_num_threads=1):
            here = clone(search).fit(X, Y)
        assert_same(there, here)
