"""What an oracle sees of a searched parameter: a map from the unit interval.

A coordinate between 0 and 1 falls into a cell, and a cell stands for one value. Two
coordinates propose the same value exactly when they share a cell, so cells are what is
compared to tell whether a candidate is new; they are always hashable, which values
need not be.
"""

import math
import operator
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from numbers import Real
from typing import Any, Protocol


class Dimension(Protocol):
    """One searched parameter.

    ``cells`` is the sequence of all cells, or None where they cannot be counted;
    ``ordered`` says whether neighbours among them are alike.
    """

    @property
    def cells(self) -> Sequence[int] | None: ...

    @property
    def ordered(self) -> bool: ...

    def cell(self, unit: float) -> float | int:
        """Return the cell of a coordinate in [0, 1], never an earlier one for more."""

    def unit(self, cell: float | int) -> float:
        """Return a coordinate of a cell: its middle, where cells can be counted."""

    def value(self, cell: float | int) -> Any:
        """Return what `set_params` gets for a cell: never a NumPy scalar of ours."""

    def cell_of(self, value: Any) -> float | int:
        """Return the cell of a value, or raise a `ValueError` if it has none."""


@dataclass(frozen=True)
class RealInterval:
    """All floats between two bounds, both included, evenly or evenly in logarithm."""

    low: float
    high: float
    log: bool
    cells = None
    ordered = True

    def cell(self, unit: float) -> float:
        if self.log:
            found = math.exp(_between(math.log(self.low), math.log(self.high), unit))
        else:
            found = _between(self.low, self.high, unit)
        return min(max(found, self.low), self.high)

    def unit(self, cell: float) -> float:
        if self.log:
            return _share(math.log(self.low), math.log(self.high), math.log(cell))
        return _share(self.low, self.high, cell)

    def value(self, cell: float) -> float:
        return cell

    def cell_of(self, value: Any) -> float:
        if not is_number(value) or not self.low <= value <= self.high:
            raise ValueError(
                f"expected a number from {self.low} to {self.high}, got {value!r}."
            )
        return float(value)


@dataclass(frozen=True)
class IntegerInterval:
    """All integers between two bounds, both included.

    The integer k takes the share [k, k + 1) of the interval [low, high + 1), evenly or
    evenly in logarithm, so that both ends are as likely as their neighbours.
    """

    low: int
    high: int
    log: bool
    ordered = True

    @property
    def cells(self) -> range:
        return range(self.low, self.high + 1)

    @property
    def edges(self) -> list[float]:
        starts = range(self.low, self.high + 2)
        if not self.log:
            return [_share(self.low, self.high + 1, start) for start in starts]
        return [_share(*self._log_ends(), math.log(start)) for start in starts]

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

    def cell_of(self, value: Any) -> int:
        within = is_number(value) and self.low <= value <= self.high
        if not within or value != int(value):
            raise ValueError(
                f"expected a whole number from {self.low} to {self.high}, got "
                f"{value!r}."
            )
        return int(value)

    def _log_ends(self) -> tuple[float, float]:
        return math.log(self.low), math.log(self.high + 1)


@dataclass(frozen=True)
class Categories:
    """Any objects, each with its share of the interval; cells are their positions."""

    choices: Sequence[Any]
    shares: Sequence[float]
    ordered: bool = False

    @property
    def cells(self) -> range:
        return range(len(self.choices))

    @property
    def edges(self) -> list[float]:
        return list(accumulate(self.shares, initial=0.0))

    def cell(self, unit: float) -> int:
        return bisect_right(self.edges[1:-1], unit)

    def unit(self, cell: int) -> float:
        left, right = list(pairwise(self.edges))[cell]
        return (left + right) / 2

    def value(self, cell: int) -> Any:
        return self.choices[cell]

    def cell_of(self, value: Any) -> int:
        for same in (operator.is_, are_equal, _are_alike):
            for cell, choice in enumerate(self.choices):
                if same(choice, value):
                    return cell
        raise ValueError(f"expected one of {list(self.choices)}, got {value!r}.")


@dataclass(frozen=True)
class Quantiles:
    """The values of a distribution between two probabilities, by its quantiles.

    The cells are the values of a discrete distribution, else probabilities.
    """

    quantile: Callable[[float], float]
    lower: float
    upper: float
    discrete: bool
    cells = None
    ordered = True

    def cell(self, unit: float) -> float | int:
        probability = min(max(unit, self.lower), self.upper)
        return int(self.quantile(probability)) if self.discrete else probability

    def unit(self, cell: float | int) -> float:
        if not self.discrete:
            return cell
        below = self._first_probability(lambda found: found >= cell)
        return (below + self._first_probability(lambda found: found > cell)) / 2

    def value(self, cell: float | int) -> float | int:
        return cell if self.discrete else float(self.quantile(cell))

    def cell_of(self, value: Any) -> float | int:
        ends = self.quantile(self.lower), self.quantile(self.upper)
        if not is_number(value) or not ends[0] <= value <= ends[1]:
            raise ValueError(
                f"expected a number from {ends[0]} to {ends[1]}, got {value!r}."
            )
        if self.discrete:
            return int(value)
        return self._first_probability(lambda found: found >= value)

    def _first_probability(self, reached: Callable[[float], bool]) -> float:
        """Return the smallest probability at which the quantile has come so far."""
        low, high = self.lower, self.upper
        for _ in range(60):  # As often as a float can be halved between 0 and 1.
            middle = (low + high) / 2
            low, high = (
                (low, middle) if reached(self.quantile(middle)) else (middle, high)
            )
        return high


def is_number(value: Any) -> bool:
    """Tell whether a value is a real number, which True and False are not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def are_equal(one: Any, other: Any) -> bool:
    """Tell whether two values are of one type and equal."""
    if type(one) is not type(other):
        return False
    try:
        return bool(one == other)
    except ValueError:  # Of arrays.
        return False


def _between(low: float, high: float, unit: float) -> float:
    # Not low + unit * (high - low), whose difference can overflow.
    return low * (1 - unit) + high * unit


def _share(low: float, high: float, value: float) -> float:
    # Halved, since the difference of two floats can overflow.
    return (value / 2 - low / 2) / (high / 2 - low / 2)


def _are_alike(choice: Any, value: Any) -> bool:
    """Tell whether a value may stand for a choice, as in JSON or in a table."""
    if is_number(choice) and is_number(value):
        return choice == value
    are_sequences = isinstance(choice, tuple) and isinstance(value, list)
    return are_sequences and list(choice) == value
