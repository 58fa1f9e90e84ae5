"""What a fit took of the machine."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from skhpo.model_selection import _usage
from skhpo.model_selection._usage import Usage


def test_processor_and_memory():
    with Usage() as usage:
        total = sum(float(np.linalg.norm(np.ones((200, 200)) * k)) for k in range(200))
    assert total > 0
    assert usage.found["cpu_seconds"] > 0
    assert 10 < usage.found["memory_mb"] < 1e6
    assert "gpu_memory_mb" not in usage.found


@pytest.mark.parametrize(("platform", "unit"), [("linux", 2**10), ("darwin", 1)])
def test_units_of_the_peak(monkeypatch, platform, unit):
    peak = SimpleNamespace(ru_maxrss=300 * 2**20 // unit)
    resource = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda _: peak)
    monkeypatch.setattr(_usage, "resource", resource)
    monkeypatch.setattr(sys, "platform", platform)
    with Usage() as usage:
        pass
    assert usage.found["memory_mb"] == 300


def test_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(_usage, "resource", None)
    with Usage() as usage:
        pass
    assert set(usage.found) == {"cpu_seconds"}


def test_memory_of_gpus(monkeypatch):
    peaks = {"GPU:0": 9 * 2**30, "GPU:1": 9 * 2**30}
    experimental = SimpleNamespace(
        reset_memory_stats=lambda name: peaks.update({name: 2**20}),
        get_memory_info=lambda name: {"current": 0, "peak": peaks[name]},
    )
    devices = [SimpleNamespace(name=f"/device:{name}") for name in peaks]
    config = SimpleNamespace(
        experimental=experimental, list_logical_devices=lambda kind: devices
    )
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(config=config))
    with Usage() as usage:
        peaks["GPU:1"] = 5 * 2**20
    # One MiB on the first, five on the second.
    assert usage.found["gpu_memory_mb"] == 6
