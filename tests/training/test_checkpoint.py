"""Checkpoints: whole or absent, read without pickle, and found by what matters."""

import io
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skhpo import KerasMLP
from skhpo._descriptions import describe
from skhpo._durable import write_atomically
from skhpo._training import Checkpoint, fingerprint
from skhpo._training import _checkpoint as module
from skhpo._training._checkpoint import FitState
from skhpo.exceptions import CheckpointError


def make_state(epoch=3):
    return FitState(
        seed=7,
        epoch=epoch,
        history={"loss": [1.5, 0.5, float("nan")]},
        weights=[np.arange(6, dtype=np.float32).reshape(2, 3), np.float32(4)],
        optimizer=[np.array(12), np.zeros((2, 3), np.float32)],
        best_weights=[np.ones(2, np.float32)],
        stopping={"best": 0.5, "best_epoch": 1, "wait": 1},
        is_over=False,
    )


def assert_same(state, other):
    for name in ("seed", "epoch", "stopping", "is_over"):
        assert getattr(state, name) == getattr(other, name)
    np.testing.assert_equal(state.history, other.history)
    for name in ("weights", "optimizer", "best_weights"):
        pairs = zip(getattr(state, name), getattr(other, name), strict=True)
        for array, again in pairs:
            assert np.asarray(array).dtype == again.dtype
            np.testing.assert_array_equal(array, again)


@pytest.fixture
def written(tmp_path):
    checkpoint = Checkpoint(tmp_path, "fit", every=1)
    checkpoint.write(make_state())
    return checkpoint.path


def reopen(path):
    return Checkpoint(path.parent.parent, path.parent.name, every=1)


class TestFile:
    def test_round_trip(self, written):
        assert_same(make_state(), reopen(written).state)

    def test_absent(self, tmp_path):
        checkpoint = Checkpoint(tmp_path / "not there", "fit", every=1)
        assert checkpoint.state is None
        assert not (tmp_path / "not there").exists()

    def test_cut_at_every_offset(self, written):
        content = written.read_bytes()
        for end in range(len(content)):
            written.write_bytes(content[:end])
            with pytest.raises(CheckpointError, match=re.escape(str(written))):
                reopen(written)

    @settings(max_examples=200)
    @given(data=st.data())
    def test_any_byte_changed(self, tmp_path_factory, data):
        folder = tmp_path_factory.mktemp("changed")
        checkpoint = Checkpoint(folder, "fit", every=1)
        checkpoint.write(make_state())
        content = bytearray(checkpoint.path.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
        checkpoint.path.write_bytes(content)
        with pytest.raises(CheckpointError, match="delete it to fit from the start"):
            reopen(checkpoint.path)

    def test_holds_no_pickle(self, written):
        payload = written.read_bytes()[len(module._MAGIC) + module._DIGEST_SIZE :]
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            assert all(archive[name].dtype != object for name in archive.files)

    def test_a_state_of_more_epochs_stays(self, written):
        checkpoint = reopen(written)
        assert checkpoint.serves(3)
        assert not checkpoint.serves(2)
        checkpoint.write(make_state(epoch=2))
        assert reopen(written).state.epoch == 3


class _FailingFile:
    """A file of which one of the operations fails."""

    def __init__(self, file, fails):
        self._file, self._fails = file, fails

    def __getattr__(self, name):
        if name == self._fails:
            return partial(_fail, name)
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()


def _fail(name, *arguments):
    raise OSError(f"{name} failed")


class TestWriting:
    @pytest.mark.parametrize(
        "fails", ["open", "write", "flush", "fsync", "replace", "half"]
    )
    def test_a_failure_leaves_the_old_file(self, tmp_path, monkeypatch, fails):
        path = tmp_path / "file"
        path.write_bytes(b"old")
        opened = open
        if fails == "open":
            monkeypatch.setattr("builtins.open", partial(_fail, "open"))
        elif fails in ("fsync", "replace"):
            monkeypatch.setattr(os, fails, partial(_fail, fails))
        else:

            def open_failing(*arguments):
                file = opened(*arguments)
                if fails == "half":
                    file.write(b"ne")
                return _FailingFile(file, "write" if fails == "half" else fails)

            monkeypatch.setattr("builtins.open", open_failing)
        with pytest.raises(OSError, match="failed"):
            write_atomically(path, b"new")
        monkeypatch.undo()
        assert path.read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["file"]

    def test_the_new_file_is_flushed_before_it_is_renamed(self, tmp_path, monkeypatch):
        calls = []
        for name in ("fsync", "replace"):
            function = getattr(os, name)
            monkeypatch.setattr(
                os, name, lambda *a, n=name, f=function: (calls.append(n), f(*a))[1]
            )
        write_atomically(tmp_path / "file", b"new")
        assert calls == ["fsync", "replace", "fsync"]
        assert (tmp_path / "file").read_bytes() == b"new"


def _closing_over(number):
    return lambda x: x + number


class TestFingerprint:
    X = np.arange(12.0).reshape(6, 2)

    def of(self, settings=None, arrays=None, kind=KerasMLP):
        arrays = (self.X, None) if arrays is None else arrays
        return fingerprint(kind, settings or {"l2": 0.1}, arrays)

    def test_is_the_same_for_the_same(self):
        optimizers = [keras.optimizers.Adam(0.01) for _ in range(2)]
        first, second = ({"optimizer": o, "l2": np.float64(0.1)} for o in optimizers)
        assert self.of(first) == self.of(second)
        assert self.of(arrays=(np.asfortranarray(self.X), None)) == self.of()

    @pytest.mark.parametrize(
        "name", ["checkpoint_dir", "checkpoint_every", "epochs", "verbose"]
    )
    def test_leaves_out(self, name):
        assert self.of({"l2": 0.1, name: 1}) == self.of({"l2": 0.1, name: 2})

    @pytest.mark.parametrize(
        "settings",
        [
            {"l2": 0.2},
            {"l2": 0.1, "dropout": 0.0},
            {"l2": (0.1,)},
            {"l2": "0.1"},
            {"l2": keras.regularizers.L2(0.1)},
        ],
    )
    def test_differs_by_settings(self, settings):
        assert self.of(settings) != self.of()

    @pytest.mark.parametrize(
        "arrays",
        [
            (X.astype(np.float32), None),
            (X.reshape(2, 6), None),
            (X, X),
            (X + 1e-12, None),
            (X[::-1], None),
        ],
    )
    def test_differs_by_data(self, arrays):
        assert self.of(arrays=arrays) != self.of()

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (lambda x: x + 1, lambda x: x + 2),
            (lambda x: x + 1, lambda x: x * 1),
            (lambda x: np.sin(x), lambda x: np.cos(x)),
            (lambda x, by=1: x + by, lambda x, by=2: x + by),
            (lambda x, *, by=1: x + by, lambda x, *, by=2: x + by),
            (lambda x: [i * 2 for i in x], lambda x: [i * 3 for i in x]),
            (lambda x: (lambda: x * 2.5)(), lambda x: (lambda: x * 3.5)()),
            (_closing_over(np.ones(2)), _closing_over(np.zeros(2))),
            (_closing_over(1), _closing_over(2)),
            (partial(_closing_over, 1), partial(_closing_over, 2)),
            (
                keras.callbacks.LearningRateScheduler(_closing_over(1)),
                keras.callbacks.LearningRateScheduler(_closing_over(2)),
            ),
        ],
    )
    def test_differs_by_what_functions_do(self, first, second):
        assert self.of({"loss": first}) == self.of({"loss": first})
        assert self.of({"loss": first}) != self.of({"loss": second})

    def test_is_the_same_in_another_process(self):
        # So many labels that they are in one order by no chance.
        labels = ", ".join(map(repr, "abcdefghijklmnop"))
        call = f"describe(lambda x: x in {{{labels}}})"
        # All that a fingerprint is of, and without TensorFlow, which takes seconds.
        code = f"from skhpo._descriptions import describe; print({call})"
        found = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": "1"},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        assert found == eval(call, {"__name__": "__main__", "describe": describe})

    def test_differs_by_estimator(self):
        assert self.of(kind=dict) != self.of()


def test_weights_of_another_network_are_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(CheckpointError, match="the function that builds it has chan"):
        module.load_state(make_state(), model)
