"""The sheet that pages are drawn on: how much ink lies where, and of which object."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Where objects lie on each other, the one of the greatest number is what a pixel is.
BACKGROUND, TABLE, NUMBER, STAMP, DIGIT = range(5)
CLASS_NAMES = ("background", "table", "ordering number", "stamp", "handwritten digit")

FINE = 2  # Squares of the canvas along one pixel of the page: edges come out smooth.
REACH = 2  # Pixels around the ink of a number or a digit that are still its own.


@dataclass(frozen=True)
class Canvas:
    """A page before it is scanned.

    Parameters
    ----------
    ink : ndarray of float32, of shape (FINE * height, FINE * width)
        From 0 (paper) to 1 (all light is taken).
    kinds : ndarray of uint8, of the same shape
        The class of each square.
    """

    ink: NDArray[np.float32]
    kinds: NDArray[np.uint8]

    @classmethod
    def blank(cls, height: int, width: int) -> "Canvas":
        """Return an empty canvas for a page of so many pixels."""
        shape = (FINE * height, FINE * width)
        return cls(np.zeros(shape, np.float32), np.zeros(shape, np.uint8))

    def lay_ink(
        self,
        ink: NDArray,
        top: float,
        left: float,
        *,
        kind: int = BACKGROUND,
        where: NDArray[np.bool_] | None = None,
    ) -> None:
        """Lay ink over what is there, and mark the squares that are an object's.

        Parameters
        ----------
        ink : ndarray of shape (n_rows, n_columns)
            In squares; what falls off the canvas is lost.
        top, left : float
            Of the ink on the page, in pixels.
        kind : int, default=BACKGROUND
            The class of the object.
        where : ndarray of bool of the same shape or None, default=None
            The squares that are the object's. None: none are.
        """
        first_row, first_column = round(FINE * top), round(FINE * left)
        rows = slice(max(-first_row, 0), max(self.ink.shape[0] - first_row, 0))
        columns = slice(max(-first_column, 0), max(self.ink.shape[1] - first_column, 0))
        ink = ink[rows, columns]
        first_row, first_column = max(first_row, 0), max(first_column, 0)
        window = (
            slice(first_row, first_row + ink.shape[0]),
            slice(first_column, first_column + ink.shape[1]),
        )
        # As two filters on each other let light through.
        self.ink[window] += ink * (1 - self.ink[window])
        if where is not None:
            below = self.kinds[window]
            np.maximum(below, kind * where[rows, columns], out=below, casting="unsafe")
