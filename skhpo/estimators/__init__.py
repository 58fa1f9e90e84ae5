"""Keras networks as scikit-learn estimators."""

from ._wrappers import BaseWrapper as BaseWrapper
from ._wrappers import KerasClassifier as KerasClassifier
from ._wrappers import KerasRegressor as KerasRegressor
