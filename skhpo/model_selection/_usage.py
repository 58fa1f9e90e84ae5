"""What a fit takes of the machine, for those who follow a search."""

import sys
import time
from typing import Any, Self

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
        `cpu_seconds` of all threads of the process; `memory_mb`, the most memory that
        the process ever had, in MiB, where the system tells; and with a GPU
        `gpu_memory_mb`, the most that TensorFlow had there meanwhile. Fits in threads
        of one process count each other's.
    """

    def __enter__(self) -> Self:
        self.found: dict[str, float] = {}
        self._gpus = _gpus()
        for name in self._gpus:
            _memory().reset_memory_stats(name)
        self._start = time.process_time()
        return self

    def __exit__(self, *exception: object) -> None:
        self.found["cpu_seconds"] = time.process_time() - self._start
        if resource is not None:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            # In bytes on macOS, in KiB elsewhere.
            unit = 1 if sys.platform == "darwin" else 1024
            self.found["memory_mb"] = peak * unit / MEBIBYTE
        if self._gpus:
            self.found["gpu_memory_mb"] = sum(
                _memory().get_memory_info(name)["peak"] / MEBIBYTE
                for name in self._gpus
            )


def _gpus() -> list[str]:
    """Return the names of the GPUs that TensorFlow may use."""
    # Whoever has not imported it has no network to fit.
    if "tensorflow" not in sys.modules:
        return []
    devices = sys.modules["tensorflow"].config.list_logical_devices("GPU")
    return [device.name.removeprefix("/device:") for device in devices]


def _memory() -> Any:
    """Return where TensorFlow tells of the memory of devices."""
    return sys.modules["tensorflow"].config.experimental
