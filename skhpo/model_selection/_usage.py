"""What a fit takes of the machine, for those who follow a search."""

import sys
import time
from typing import Self

try:
    import resource
except ImportError:  # on Windows
    resource = None

MEBIBYTE = 2**20


class Usage:
    """Measures the use of processor and memory while its block runs.

    Attributes
    ----------
    found : dict of str to float
        `cpu_seconds` of all threads of the process, and, where the system tells,
        `memory_mb`, the most memory that the process ever had, in MiB. Fits in threads
        of one process count each other's.
    """

    def __enter__(self) -> Self:
        self.found: dict[str, float] = {}
        self._start = time.process_time()
        return self

    def __exit__(self, *exception: object) -> None:
        self.found["cpu_seconds"] = time.process_time() - self._start
        if resource is not None:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            # In bytes on macOS, in KiB elsewhere.
            unit = 1 if sys.platform == "darwin" else 1024
            self.found["memory_mb"] = peak * unit / MEBIBYTE


def usage_of_gpus() -> dict[str, float]:
    """Return the most memory that TensorFlow had on GPUs since it was last asked.

    To be asked only after it has fitted something: it would take hold of all devices.
    """
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
