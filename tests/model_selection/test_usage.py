"""What a fit took of the machine."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from skhpo.model_selection import _usage
from skhpo.model_selection._usage import Usage, usage_of_gpus


def test_processor_and_memory():
    with Usage() as usage:
        total = sum(float(np.linalg.norm(np.ones((200, 200)) * k)) for k in range(200))
    assert total > 0
    assert usage.found["cpu_seconds"] > 0
    assert 10 < usage.found["memory_mb"] < 1e6


@pytest.mark.skipif(not _usage.PROCESS.exists(), reason="Linux tells of each fit")
def test_the_peak_is_that_of_the_block():
    with Usage() as large:
        np.ones(30_000_000).sum()
    with Usage() as small:
        np.ones(10).sum()
    # Of 240 MB that the first had.
    assert large.found["memory_mb"] - small.found["memory_mb"] > 150


@pytest.mark.parametrize(("platform", "unit"), [("linux", 2**10), ("darwin", 1)])
def test_units_of_the_peak(monkeypatch, tmp_path, platform, unit):
    monkeypatch.setattr(_usage, "PROCESS", tmp_path)
    peak = SimpleNamespace(ru_maxrss=300 * 2**20 // unit)
    resource = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda _: peak)
    monkeypatch.setattr(_usage, "resource", resource)
    monkeypatch.setattr(sys, "platform", platform)
    with Usage() as usage:
        pass
    assert usage.found["memory_mb"] == 300


def test_where_the_system_does_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(_usage, "PROCESS", tmp_path / "nothing")
    monkeypatch.setattr(_usage, "resource", None)
    with Usage() as usage:
        pass
    assert set(usage.found) == {"cpu_seconds"}


def test_memory_of_gpus(monkeypatch):
    peaks = {"GPU:0": 3 * 2**20, "GPU:1": 5 * 2**20}

    def tell(name):
        if name == "GPU:2":
            raise ValueError("no statistics of such a device")
        return {"current": 0, "peak": peaks[name]}

    experimental = SimpleNamespace(
        get_memory_info=tell,
        reset_memory_stats=lambda name: peaks.update({name: 2**20}),
    )
    names = ["GPU:0", "GPU:1", "GPU:2"]
    devices = [SimpleNamespace(name=f"/device:{name}") for name in names]
    config = SimpleNamespace(
        experimental=experimental, list_logical_devices=lambda kind: devices
    )
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(config=config))
    assert usage_of_gpus() == {"gpu_memory_mb": 8}
    # Since then.
    assert usage_of_gpus() == {"gpu_memory_mb": 2}
    devices[:] = devices[2:]
    assert usage_of_gpus() == {}
    monkeypatch.delitem(sys.modules, "tensorflow")
    assert usage_of_gpus() == {}
