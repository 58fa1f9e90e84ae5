"""Scaling of arrays of any number of axes, and encoding of class labels."""

from ._scaling import ArrayScaler as ArrayScaler
from ._targets import LabelEncodedClassifier as LabelEncodedClassifier

__all__ = ["ArrayScaler", "LabelEncodedClassifier"]
