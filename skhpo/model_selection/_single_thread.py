"""Models of a search are fitted by one thread, in peace."""

import contextlib
import threading
import warnings
from collections.abc import Iterator

from threadpoolctl import threadpool_limits

# Both limits are the process's: two searches in two threads would each bring back what
# it found, which may be what the other had set.
_ALONE = threading.RLock()


@contextlib.contextmanager
def single_threaded() -> Iterator[None]:
    """Use one thread for linear algebra.

    Matrices as small as those of a search are slower with several, and the last bits of
    a result, by which candidates can differ, depend on their number.
    """
    with _ALONE, threadpool_limits(1):
        yield


@contextlib.contextmanager
def unnoticed() -> Iterator[None]:
    """Keep the numerical woes of a surrogate model from users, who can do nothing."""
    with single_threaded(), warnings.catch_warnings(action="ignore"):
        yield
