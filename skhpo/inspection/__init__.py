"""Pictures of fitted searches: of ours, and of any other with `cv_results_`."""

from ._contour import ContourDisplay
from ._history import SearchHistoryDisplay
from ._importance import HyperparameterImportanceDisplay
from ._parallel import ParallelCoordinatesDisplay
from ._rungs import RungDisplay
from ._slice import SliceDisplay

__all__ = [
    "ContourDisplay",
    "HyperparameterImportanceDisplay",
    "ParallelCoordinatesDisplay",
    "RungDisplay",
    "SearchHistoryDisplay",
    "SliceDisplay",
]
