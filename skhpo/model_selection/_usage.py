"""What a fit takes of the machine, for those who follow a search."""

import contextlib
import sys
import time
from pathlib import Path
from typing import Self

try:
    import resource
except ImportError:  # on Windows
    resource = None

MEBIBYTE = 2**20
PROCESS = Path("/proc/self")  # on Linux


class Usage:
    """Measures the use of processor and memory while its block runs.

    Attributes
    ----------
    found : dict of str to float
        `cpu_seconds` of all threads of the process, and `memory_mb`, the most memory
        that the process had meanwhile, in MiB. Where the system does not tell that, it
        is the most that the process ever had; on Windows it is not there. Fits in
        threads of one process count each other's.
    """

    def __enter__(self) -> Self:
        self.found: dict[str, float] = {}
        with contextlib.suppress(OSError):
            # Linux's way to say: count the peak from here.
            (PROCESS / "clear_refs").write_text("5")
        self._start = time.process_time()
        return self

    def __exit__(self, *exception: object) -> None:
        self.found["cpu_seconds"] = time.process_time() - self._start
        peak = _peak_memory()
        if peak is not None:
            self.found["memory_mb"] = peak / MEBIBYTE


def _peak_memory() -> float | None:
    """Return the most memory that the process had, in bytes."""
    with contextlib.suppress(OSError):
        for line in (PROCESS / "status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "VmHWM":
                return 1024 * float(value.split()[0])
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # In bytes on macOS, in KiB elsewhere.
    return peak * (1 if sys.platform == "darwin" else 1024)


def usage_of_gpus() -> dict[str, float]:
    """Return the most memory that TensorFlow had on GPUs since it was last asked.

    To be asked only after it has fitted something: it would take hold of all devices.
    """
    if "tensorflow" not in sys.modules:
        # What was fitted is a network of another kind.
        return {}
    config = sys.modules["tensorflow"].config
    memory, peaks = config.experimental, []
    for device in config.list_logical_devices("GPU"):
        name = device.name.removeprefix("/device:")
        try:
            peaks.append(memory.get_memory_info(name)["peak"] / MEBIBYTE)
            memory.reset_memory_stats(name)
        except ValueError:
            # Not all kinds of device can tell.
            continue
    return {"gpu_memory_mb": sum(peaks)} if peaks else {}
