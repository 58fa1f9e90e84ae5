"""Writing to elsewhere, which neither holds up a search nor ends it."""

import queue
import threading
import warnings
from collections.abc import Callable
from typing import Any

from ..exceptions import TrackingWarning

_END = object()
# Seconds for what is run in the end, once something has failed.
AFTER_AN_ERROR = 5.0


class Background:
    """Runs what it is given in a thread, one after another, until something fails.

    Parameters
    ----------
    name : str
        Who is said to have failed.

    timeout : float
        Seconds that `close` waits for what was not done yet.
    """

    def __init__(self, name: str, timeout: float) -> None:
        self._name, self._timeout = name, timeout
        self._tasks: queue.SimpleQueue = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._has_warned = False
        # A server that does not answer must not keep Python from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def do(self, task: Callable, *args: Any) -> None:
        """Run something by and by."""
        self._warn()
        self._tasks.put((task, args))

    @property
    def has_failed(self) -> bool:
        """Whether something failed."""
        return self._error is not None

    def close(self, last: Callable) -> None:
        """Wait until all is done, but not for ever.

        `last` is run in the end, even after an error.
        """
        self._last = last
        self._tasks.put(_END)
        # What has failed once is not waited for as long again.
        timeout = min(self._timeout, AFTER_AN_ERROR) if self._error else self._timeout
        self._thread.join(timeout)
        if self._thread.is_alive() and self._error is None:
            self._error = TimeoutError(
                f"what there was to write was not taken within {timeout:g} s. See "
                "whether the server answers, or give a longer timeout"
            )
        self._warn()

    def _run(self) -> None:
        while (found := self._tasks.get()) is not _END:
            task, args = found
            try:
                # After an error the rest is let go.
                if self._error is None:
                    task(*args)
            # Of whatever kind: no one else would hear of it.
            except BaseException as error:
                self._error = error
        try:
            self._last()
        except BaseException as error:
            self._error = self._error or error

    def _warn(self) -> None:
        if self._error is None or self._has_warned:
            return
        self._has_warned = True
        warnings.warn(
            f"{self._name} failed, and follows this search no further; the search "
            f"goes on. {type(self._error).__name__}: {self._error}",
            TrackingWarning,
            stacklevel=2,
        )
