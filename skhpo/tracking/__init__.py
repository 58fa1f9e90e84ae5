"""Searches written down where experiments are kept: MLflow and TensorBoard.

A tracker is set on a search as a callback, `search.set_callbacks(MLflowTracker())`.
"""

from ._mlflow import MLflowTracker
from ._tensorboard import TensorBoardTracker

__all__ = ["MLflowTracker", "TensorBoardTracker"]
