"""What an oracle sees of a searched parameter: a map from the unit interval.

A coordinate between 0 and 1 falls into a cell, and a cell stands for one value. Two
coordinates propose the same value exactly when they share a cell, so cells are what is
compared to tell whether a candidate is new; they are always hashable, which values
need not be.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Protocol


class Dimension(Protocol):
    """One searched parameter.

    ``cells`` is the sequence of all cells, or None where they cannot be counted.
    """

    @property
    def cells(self) -> Sequence[int] | None: ...

    def cell(self, unit: float) -> float | int:
        """Return the cell of a coordinate in [0, 1], never an earlier one for more."""

    def value(self, cell: float | int) -> Any:
        """Return what `set_params` gets for a cell: never a NumPy scalar of ours."""


class FiniteDimension(Dimension, Protocol):
    """A dimension whose cells can be counted, and found again on the interval."""

    def unit(self, cell: int) -> float:
        """Return the coordinate in the middle of a cell."""


@dataclass(frozen=True)
class RealInterval:
    """All floats between two bounds, both included, evenly or evenly in logarithm."""

    low: float
    high: float
    log: bool
    cells = None

    def cell(self, unit: float) -> float:
        if self.log:
            found = math.exp(_between(math.log(self.low), math.log(self.high), unit))
        else:
            found = _between(self.low, self.high, unit)
        return min(max(found, self.low), self.high)

    def value(self, cell: float) -> float:
        return cell


@dataclass(frozen=True)
class IntegerInterval:
    """All integers between two bounds, both included.

    The integer k takes the share [k, k + 1) of the interval [low, high + 1), evenly or
    evenly in logarithm, so that both ends are as likely as their neighbours.
    """

    low: int
    high: int
    log: bool

    @property
    def cells(self) -> range:
        return range(self.low, self.high + 1)

    def cell(self, unit: float) -> int:
        if self.log:
            found = math.exp(_between(*self._log_ends(), unit))
        else:
            found = _between(self.low, self.high + 1, unit)
        return min(max(math.floor(found), self.low), self.high)

    def unit(self, cell: int) -> float:
        if self.log:
            low, high = self._log_ends()
            return (math.log(cell + 0.5) - low) / (high - low)
        return (cell + 0.5 - self.low) / (self.high + 1 - self.low)

    def value(self, cell: int) -> int:
        return cell

    def _log_ends(self) -> tuple[float, float]:
        return math.log(self.low), math.log(self.high + 1)


@dataclass(frozen=True)
class Categories:
    """Any objects, each with its share of the interval; cells are their positions."""

    choices: Sequence[Any]
    shares: Sequence[float]

    @property
    def cells(self) -> range:
        return range(len(self.choices))

    def cell(self, unit: float) -> int:
        return bisect_right(self._ends()[1:-1], unit)

    def unit(self, cell: int) -> float:
        left, right = list(pairwise(self._ends()))[cell]
        return (left + right) / 2

    def value(self, cell: int) -> Any:
        return self.choices[cell]

    def _ends(self) -> list[float]:
        return list(accumulate(self.shares, initial=0.0))


@dataclass(frozen=True)
class Quantiles:
    """The values of a distribution between two probabilities, by its quantiles."""

    quantile: Callable[[float], float]
    lower: float
    upper: float
    discrete: bool
    cells = None

    def cell(self, unit: float) -> float | int:
        found = self.quantile(min(max(unit, self.lower), self.upper))
        return int(found) if self.discrete else float(found)

    def value(self, cell: float | int) -> float | int:
        return cell


def middle_candidate(dimensions: Mapping[str, Dimension]) -> dict[str, Any]:
    """Return one setting out of a space: the middle of each dimension."""
    return {name: dim.value(dim.cell(0.5)) for name, dim in dimensions.items()}


def _between(low: float, high: float, unit: float) -> float:
    # Not low + unit * (high - low), whose difference can overflow.
    return low * (1 - unit) + high * unit
