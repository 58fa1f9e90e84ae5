"""The space as the sampler sees it: a cube with finitely many values on some axes.

A point is a row of coordinates between 0 and 1, NaN on axes that do not matter in it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product

import numpy as np

# How many cells of a finite cube are looked at together.
CHUNK = 500


@dataclass(frozen=True)
class Axis:
    """One searched parameter: the unit interval, or shares of it.

    Parameters
    ----------
    edges : ndarray of shape (n_values + 1,) or None, default=None
        None for a continuum. Else increasing numbers from 0 to 1: value k has the share
        from ``edges[k]`` to ``edges[k + 1]``, and the middle of it stands for it.
    ordered : bool, default=True
        Whether near coordinates are alike. Categories are not: each is told apart from
        every other.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.model_selection._axes import Axis
    >>> coin = Axis(np.array([0.0, 0.5, 1.0]), ordered=False)
    >>> coin.snap(np.array([0.1, 0.7]))
    array([0.25, 0.75])
    """

    edges: np.ndarray | None = None
    ordered: bool = True

    @property
    def n_values(self) -> float:
        """How many values there are."""
        return math.inf if self.edges is None else len(self.edges) - 1

    @cached_property
    def middles(self) -> np.ndarray:
        """The coordinates of all values."""
        return (self.edges[:-1] + self.edges[1:]) / 2

    def cells(self, units: np.ndarray) -> np.ndarray:
        """Return the indices of the values at coordinates."""
        return np.searchsorted(self.edges[1:-1], units, side="right")

    def snap(self, units: np.ndarray) -> np.ndarray:
        """Return the coordinates of the values at coordinates; NaN stays NaN."""
        if self.edges is None:
            return np.clip(units, 0.0, 1.0)
        return np.where(np.isnan(units), np.nan, self.middles[self.cells(units)])


class Cube:
    """The space of a search.

    Parameters
    ----------
    axes : sequence of Axis
    active : callable or None
        Maps points of shape (n, n_axes), without NaN and with finite axes at their
        middles, to booleans of that shape: which axes matter. None: all.

    Attributes
    ----------
    groups : ndarray of int
        For each column of `features`, the axis that it is of.
    columns : ndarray of int
        For each axis, its column in `features`, the first of several.
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        active: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self.axes = tuple(axes)
        self.active = active
        widths = [1 if axis.ordered else axis.n_values for axis in self.axes]
        self.groups = np.repeat(np.arange(len(self.axes)), widths)
        self.columns = np.cumsum([0, *widths[:-1]])

    @property
    def n_axes(self) -> int:
        """How many axes there are."""
        return len(self.axes)

    @property
    def n_cells(self) -> float:
        """How many points there are, if all axes matter."""
        return math.prod(axis.n_values for axis in self.axes)

    def snap(self, points: np.ndarray) -> np.ndarray:
        """Return the points that stand for these; NaN stays NaN."""
        columns = [
            axis.snap(column) for axis, column in zip(self.axes, points.T, strict=True)
        ]
        # Adding 0 makes -0 equal 0 in every byte.
        return np.column_stack(columns) + 0.0

    def settle(self, points: np.ndarray) -> np.ndarray:
        """Return what stands for complete points: snapped, NaN where inactive."""
        points = self.snap(points)
        if self.active is None or not len(points):
            return points
        return np.where(self.active(points), points, np.nan)

    def features(self, points: np.ndarray) -> np.ndarray:
        """Return what the Gaussian process sees of points.

        An ordered axis is one column. Categories have one each, so that any two are at
        distance 1. An inactive axis is in the middle: two points in which it is
        inactive do not differ by it [1]_, and no value of it is as near as that.

        References
        ----------
        .. [1] J.-C. Levesque, A. Durand, C. Gagne, R. Sabourin, "Bayesian optimization
           for conditional hyperparameter spaces", IJCNN 2017.
        """
        found = np.empty((len(points), len(self.groups)))
        for axis, column, values in zip(self.axes, self.columns, points.T, strict=True):
            gone = np.isnan(values)
            if axis.ordered:
                found[:, column] = np.where(gone, 0.5, values)
                continue
            block = found[:, column : column + axis.n_values]
            block[:] = np.eye(axis.n_values)[axis.cells(values) % axis.n_values]
            block[gone] = 1 / axis.n_values
            block *= math.sqrt(0.5)
        return found

    def neighbours(
        self, centres: np.ndarray, n: int, step: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Return n complete points that differ from the centres in some axes.

        Half of them differ in one or two axes, the others in every second. Ordered axes
        change by about `step`, and by one value at least; categories are redrawn.
        """
        rows = centres[np.arange(n) % len(centres)]
        drawn = rng.uniform(size=rows.shape)
        rows = np.where(np.isnan(rows), drawn, rows)
        share = np.where(np.arange(n) % (2 * len(centres)) < len(centres), 1.5, np.inf)
        share = np.minimum(share / self.n_axes, 0.5)
        changes = rng.uniform(size=rows.shape) < share[:, None]
        changes[np.arange(n), rng.integers(self.n_axes, size=n)] = True
        widths = step * np.exp(rng.normal(size=(n, 1)))
        moved = _reflected(rows + widths * rng.normal(size=rows.shape))
        for j, axis in enumerate(self.axes):
            if not axis.ordered:
                moved[:, j] = drawn[:, j]
            elif axis.edges is not None:
                moved[:, j] = _moved_by_a_value(axis, rows[:, j], moved[:, j])
        return np.where(changes, moved, rows)

    def cells(self) -> Iterator[np.ndarray]:
        """Yield all points of a finite cube, some of them together, some repeatedly."""
        points = product(*(axis.middles for axis in self.axes))
        while chunk := list(islice(points, CHUNK)):
            yield self.settle(np.array(chunk))


def _reflected(units: np.ndarray) -> np.ndarray:
    return np.clip(1 - np.abs(1 - np.abs(units)), 0.0, 1.0)


def _moved_by_a_value(axis: Axis, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return `new`, or where it has the value of `old`, the next value on its side."""
    cells = axis.cells(old)
    steps = np.where(axis.cells(new) != cells, 0, np.where(new < old, -1, 1))
    beside = axis.middles[np.clip(cells + steps, 0, axis.n_values - 1)]
    return np.where(steps == 0, new, beside)
