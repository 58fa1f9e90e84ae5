"""When a search ends before its last trial."""

import signal
import threading
import time
from typing import Any, Self

import numpy as np


class Ending:
    """Watches a search, and tells when it is to end, after the trials that run.

    Parameters
    ----------
    timeout : float or None
        Seconds for the whole search.

    patience : int or None
        How many trials may follow each other without a better score.
    """

    def __init__(self, timeout: float | None, patience: int | None):
        self.timeout = timeout
        self.patience = patience
        self.reason: str | None = None

    def __enter__(self) -> Self:
        self._start = time.monotonic()
        self._best = -np.inf
        self._n_without = self._n_told = 0
        self._asked_by: str | None = None
        self._is_interrupted = False
        # Only the main thread is told of Ctrl-C. Where someone else listens to it, as a
        # search around this one, it is theirs.
        self._listens = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._listens:
            signal.signal(signal.SIGINT, self._on_interrupt)
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop_listening()

    def stop_listening(self) -> None:
        """Leave Ctrl-C to whoever comes next, as a final fit, which it ends at once."""
        if self._listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self._listens = False

    def stop(self, reason: str) -> None:
        """End the search before its next trial, if there is one."""
        self._asked_by = self._asked_by or reason

    def is_over(self) -> bool:
        """Tell whether the next trial is not to begin; then `reason` says why.

        Not before one has ended: there must be something to keep.
        """
        if self._n_told == 0:
            return False
        if self.reason is None:
            if self._asked_by is not None:
                self.reason = self._asked_by
            elif self.timeout is not None and self.seconds >= self.timeout:
                self.reason = "timeout"
            elif self.patience is not None and self._n_without >= self.patience:
                self.reason = "patience"
        return self.reason is not None

    @property
    def seconds(self) -> float:
        """How long the search has been going on."""
        return time.monotonic() - self._start

    def tell(self, score: float) -> None:
        """Take in the score of a trial."""
        self._n_told += 1
        if score > self._best:
            self._best, self._n_without = score, 0
        else:
            self._n_without += 1

    def _on_interrupt(self, *_: Any) -> None:
        if self._is_interrupted:
            # A second time: at once, with nothing kept but what is in the journal.
            raise KeyboardInterrupt
        self._is_interrupted = True
        self.stop("interrupt")
        print(
            "\nThe search ends after the running trial, and keeps what it has. Press "
            "Ctrl-C again to end it at once.",
            flush=True,
        )
