"""A page about a search, of one file."""

from ._page import report

__all__ = ["report"]
