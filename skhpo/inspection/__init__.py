"""Pictures and reports of searches, also of scikit-learn's, and of networks."""

from ._contour import ContourDisplay
from ._filters import FilterDisplay
from ._history import SearchHistoryDisplay
from ._importance import HyperparameterImportanceDisplay
from ._learning_curve import LearningCurveDisplay
from ._parallel import ParallelCoordinatesDisplay
from ._predictions import PredictionGridDisplay
from ._report import report
from ._rungs import RungDisplay
from ._slice import SliceDisplay

__all__ = [
    "ContourDisplay",
    "FilterDisplay",
    "HyperparameterImportanceDisplay",
    "LearningCurveDisplay",
    "ParallelCoordinatesDisplay",
    "PredictionGridDisplay",
    "RungDisplay",
    "SearchHistoryDisplay",
    "SliceDisplay",
    "report",
]
