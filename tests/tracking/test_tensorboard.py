"""Event files of searches, read back."""

import sys
import threading
import time

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util.tensor_util import make_ndarray

from skhpo import BayesSearchCV, KerasMLP
from skhpo.exceptions import TrackingWarning
from skhpo.tracking import TensorBoardTracker
from skhpo.tracking._background import Background


def read(folder):
    """Return the values of each tag by step, and the texts."""
    events = EventAccumulator(str(folder)).Reload()
    return {
        tag: {e.step: make_ndarray(e.tensor_proto) for e in events.Tensors(tag)}
        for tag in events.Tags()["tensors"]
    }


def hyperparameters(folder):
    events = EventAccumulator(str(folder)).Reload()
    content = events.summary_metadata["_hparams_/session_start_info"]
    data = plugin_data_pb2.HParamsPluginData.FromString(content.plugin_data.content)
    return {
        name: getattr(value, value.WhichOneof("kind"))
        for name, value in data.session_start_info.hparams.items()
    }


@pytest.fixture(scope="module")
def tracked(digits, tmp_path_factory):
    X, y = digits
    folder = tmp_path_factory.mktemp("events")
    mlp = KerasMLP((4,), epochs=2, early_stopping=True, random_state=0)
    space = {"learning_rate": (1e-3, 1e-1, "log-uniform"), "l2": [0.0, -1.0]}
    search = BayesSearchCV(
        mlp, space, n_iter=4, cv=2, random_state=0, journal=folder / "journal"
    )
    search.set_callbacks(TensorBoardTracker(folder / "logs"))
    with pytest.warns():
        # Half of the candidates fail.
        search.fit(X[:250], y[:250])
    return search, folder / "logs"


def test_folders(tracked):
    _, folder = tracked
    found = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert found == [f"candidate_00{number}" for number in range(4)]


def test_hyperparameters_and_scores(tracked):
    search, folder = tracked
    results = search.cv_results_
    for number, params in enumerate(results["params"]):
        own = folder / f"candidate_00{number}"
        assert hyperparameters(own) == pytest.approx(params)
        values = read(own)
        if params["l2"] < 0:
            assert "l2 must be" in str(values["error"][0])
            continue
        for name in ("mean_test_score", "split0_test_score", "split1_test_score"):
            assert values[name][0] == pytest.approx(results[name][number])
        assert values["cpu_seconds"][0] > 0
        assert values["memory_mb"][0] > 100


def test_curves(tracked):
    search, folder = tracked
    number = search.best_index_
    for fold in (0, 1):
        own = folder / f"candidate_00{number}" / f"split{fold}"
        train, validation = read(own / "train"), read(own / "validation")
        assert set(train) == set(validation) == {"epoch_loss", "epoch_accuracy"}
        for values in (train, validation):
            assert list(values["epoch_loss"]) == [1, 2]
            losses = list(values["epoch_loss"].values())
            assert np.isfinite(losses).all()
        assert train["epoch_loss"] != validation["epoch_loss"]


def test_what_the_search_is(tracked):
    search, folder = tracked
    texts = read(folder)
    about, best = (texts[tag][0].item().decode() for tag in ("search", "best"))
    assert "| search | BayesSearchCV |" in about
    assert "| direction | maximize |" in about
    assert f"| id | {(folder / 'search_id.txt').read_text()} |" in about
    assert "| objective | score |" in best
    assert f"| journal | {search.journal} |" in about
    assert "| space.learning_rate | " in about
    assert f"| best candidate | {search.best_index_} |" in best
    assert f"| best score | {search.best_score_:.6g} |" in best
    assert f"| learning_rate | {search.best_params_['learning_rate']!r} |" in best


@pytest.mark.filterwarnings("ignore")
def test_what_a_journal_has_is_not_written_again(tracked, digits):
    search, folder = tracked
    before = {p: p.stat().st_mtime_ns for p in folder.glob("candidate*/**/*")}
    X, y = digits
    search.fit(X[:250], y[:250])
    after = {p: p.stat().st_mtime_ns for p in folder.glob("candidate*/**/*")}
    assert after == before


@pytest.mark.filterwarnings("ignore")
def test_a_candidate_in_the_middle_of_a_kill_is_written_again(iris, tmp_path):
    search = BayesSearchCV(
        LogisticRegression(), {"C": (0.1, 1.0)}, n_iter=2, cv=2, random_state=0
    )
    search.set_params(journal=tmp_path / "journal")
    search.set_callbacks(TensorBoardTracker(tmp_path / "logs")).fit(*iris)
    own = tmp_path / "logs" / "candidate_001"
    before = read(own)
    for path in own.iterdir():
        path.unlink()
    search.fit(*iris)
    assert read(own)["mean_test_score"] == before["mean_test_score"]


def test_a_folder_is_for_one_search(iris, tmp_path):
    grid = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    grid.set_callbacks(TensorBoardTracker(tmp_path))
    grid.fit(*iris)
    with pytest.warns(TrackingWarning, match="candidates of another search.*log_dir"):
        grid.fit(*iris)
    # It is written all the same.
    assert len(list((tmp_path / "candidate_000").glob("events*"))) == 2


def test_searches_of_scikit_learn(iris, tmp_path):
    grid = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    grid.set_callbacks(TensorBoardTracker(tmp_path)).fit(*iris)
    for number in (0, 1):
        own = tmp_path / f"candidate_00{number}"
        assert hyperparameters(own) == grid.cv_results_["params"][number]
        values = read(own)["mean_test_score"]
        assert values[0] == pytest.approx(grid.cv_results_["mean_test_score"][number])


def test_values_of_any_kind(iris, tmp_path):
    grid = {
        "class_weight": [None, "balanced", {0: 1, 1: 2, 2: 1}],
        "C": [np.float32(1)],
    }
    grid = GridSearchCV(LogisticRegression(), grid, cv=2)
    grid.set_callbacks(TensorBoardTracker(tmp_path)).fit(*iris)
    found = [hyperparameters(tmp_path / f"candidate_00{n}") for n in range(3)]
    weights = [values["class_weight"] for values in found]
    assert weights == ["None", "balanced", "{0: 1, 1: 2, 2: 1}"]
    assert [values["C"] for values in found] == [1, 1, 1]


def test_a_tracker_that_fails_stops_no_search(iris, tmp_path):
    (tmp_path / "file").touch()
    tracker = TensorBoardTracker(tmp_path / "file" / "logs")
    search = BayesSearchCV(
        LogisticRegression(), {"C": (0.1, 1.0)}, n_iter=2, cv=2, random_state=0
    )
    with pytest.warns(TrackingWarning, match="TensorBoardTracker failed, and follows"):
        search.set_callbacks(tracker).fit(*iris)
    assert len(search.cv_results_["params"]) == 2


def test_one_that_takes_for_ever_is_left():
    release = threading.Event()
    background = Background("Tracker", timeout=0.05)
    background.do(release.wait)
    start = time.monotonic()
    with pytest.warns(TrackingWarning, match="within 0.05 s. See whether"):
        background.close(release.wait)
    assert time.monotonic() - start < 5
    release.set()


def test_without_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.plugins.hparams.api", None)
    with pytest.raises(ImportError, match=r"needs TensorBoard. .*\"skhpo\[tracking\]"):
        TensorBoardTracker(tmp_path)
