"""What follows one search, whatever it writes to."""

import time
from typing import Any

from .._callbacks import CandidateReport
from ._background import Background


class Follower:
    """Writes one search down in the background.

    Subclasses say how: `_write_candidate` gets a report and the time in seconds when it
    was told, `_write_end` the fitted search; `_finish` is run last, also after errors.

    Parameters
    ----------
    tracker : SearchListener
        Whose search it is, with its `timeout`.
    """

    def __init__(self, tracker: Any) -> None:
        self._scores: dict[int, float] = {}
        self._background = Background(type(tracker).__name__, tracker.timeout)

    def candidate(self, report: CandidateReport) -> None:
        """Write a candidate."""
        self._scores[report.number] = report.score
        self._background.do(self._write_candidate, report, time.time())

    def end(self, search: Any) -> None:
        """Write what the search found."""
        self._background.do(self._write_end, search)

    def close(self) -> None:
        """Wait for all that."""
        self._background.close(self._finish)

    def _finish(self) -> None:
        """Do nothing, where nothing stays open."""
