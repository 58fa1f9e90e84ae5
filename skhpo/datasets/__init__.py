"""Data sets: `fetch_*` finds one on disk or downloads it, `make_*` makes one up."""

from ._mnist import fetch_fashion_mnist as fetch_fashion_mnist
from ._mnist import fetch_mnist as fetch_mnist
from ._pages import make_pages as make_pages

__all__ = ["fetch_fashion_mnist", "fetch_mnist", "make_pages"]
