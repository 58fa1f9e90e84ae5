"""Loaders of data sets: `fetch_*` finds one on disk or downloads it."""

from ._mnist import fetch_fashion_mnist as fetch_fashion_mnist
from ._mnist import fetch_mnist as fetch_mnist

__all__ = ["fetch_fashion_mnist", "fetch_mnist"]
