"""Where the values of one hyperparameter stand on an axis."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from ._labels import distinct, short_number, short_value
from ._trials import is_number

ABSENT = "absent"
# More numbers than this are a line, even with a None or a name among them.
MOST_CATEGORIES = 8
# From this ratio of the greatest to the least on, numbers may be logarithmic.
LEAST_RATIO = 10
# Between the places of what is no number, in lengths of an axis.
GAP = 0.12


class Scale:
    """The places of a hyperparameter's values: numbers on a line, or categories.

    A value that is no number has a place of its own, and so has absence: in a
    conditional space not every trial has every hyperparameter.

    Parameters
    ----------
    values : masked ndarray of object, shape (n_trials,)
        Values of the trials, masked where they have none.

    is_log : bool or None, default=None
        Whether a line of them is logarithmic; None tells from the values.

    Attributes
    ----------
    is_numeric : bool
        Whether there is a line of numbers. Else categories are places 0, 1, and so on.

    is_log : bool
        Whether the line is logarithmic.

    numbers : ndarray of float
        The distinct numbers on the line, ascending.

    places : list of str
        Labels of the places beside the line, the last being `ABSENT` if there is
        absence.
    """

    def __init__(self, values: np.ma.MaskedArray, is_log: bool | None = None):
        absent = np.ma.getmaskarray(values)
        keys = Keys()
        examples = {keys.of(value): value for value in values.data[~absent]}
        numbers = [value for value in examples.values() if is_number(value)]
        others = len(examples) - len(numbers)
        self.is_numeric = bool(numbers) and (
            not others or len(numbers) > MOST_CATEGORIES
        )
        on_line = numbers if self.is_numeric else []
        self.numbers = np.unique(np.array(on_line, dtype=np.float64))
        if is_log is None:
            is_log = self.is_numeric and _is_logarithmic(self.numbers)
        self.is_log = self.is_numeric and is_log and bool(self.numbers[0] > 0)
        self._is_integer = all(float(number).is_integer() for number in on_line)
        kept = [key for key, value in examples.items() if not self._is_on_line(value)]
        kept.sort(key=lambda key: _order(examples[key]))
        self._keys = keys
        self._places = {key: place for place, key in enumerate(kept)}
        self.places = distinct([short_value(examples[key]) for key in kept])
        self.has_absence = bool(absent.any())
        if self.has_absence:
            self.places.append(ABSENT)

    @property
    def is_narrow(self) -> bool:
        """Whether a logarithmic line has too few powers of ten to mark only those."""
        return self.is_log and bool(self.numbers[-1] < 100 * self.numbers[0])

    def place(self, values: np.ma.MaskedArray) -> tuple[np.ndarray, np.ndarray]:
        """Return for each value its number, NaN for none, and its place, -1 for none.

        Values must be among those of the trials, unless they are numbers on the line.
        """
        absent = np.ma.getmaskarray(values)
        numbers = np.full(len(values), np.nan)
        places = np.full(len(values), -1)
        for row, value in enumerate(np.ma.getdata(values)):
            if absent[row]:
                places[row] = len(self.places) - 1
            elif self._is_on_line(value):
                numbers[row] = value
            else:
                places[row] = self._places[self._keys.of(value)]
        return numbers, places

    def positions(self, values: np.ma.MaskedArray) -> np.ndarray:
        """Return where values stand on an axis in their own units."""
        return self.from_unit(self.unit_positions(values))

    def unit_positions(self, values: np.ma.MaskedArray) -> np.ndarray:
        """Return where values stand if the line, or the categories, go from 0 to 1.

        Other places lie below 0.
        """
        numbers, places = self.place(values)
        return np.where(places < 0, self._unit_line(numbers), self._unit_places(places))

    def ticks(
        self, most: int = 7, *, with_ends: bool = False
    ) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """Return positions, positions from 0 to 1, and labels of marks on an axis.

        There are round numbers, also the least and the greatest if asked for, and the
        places beside them.
        """
        places = np.arange(len(self.places))
        if not self.is_numeric and len(places) > 2 * most:
            # Of very many categories some are named.
            places = np.unique(np.linspace(0, len(places) - 1, most).astype(int))
        numbers = self._round_numbers(most)
        if with_ends and self.is_numeric:
            units = self._unit_line(numbers)
            numbers = numbers[(units > GAP / 2) & (units < 1 - GAP / 2)]
            numbers = np.unique([*numbers, *self.numbers[[0, -1]]])
        units = np.concatenate([self._unit_line(numbers), self._unit_places(places)])
        labels = [short_number(number, 3) for number in numbers]
        labels += [self.places[place] for place in places]
        return self.from_unit(units), units, labels

    def grid(self, n_numbers: int) -> np.ma.MaskedArray:
        """Return values evenly over the line; for categories, one of each."""
        if self.is_numeric:
            ends = self._line[0], self._line[-1]
            numbers = np.linspace(*ends, n_numbers if ends[0] < ends[1] else 1)
            values = np.clip(
                10**numbers if self.is_log else numbers, *self.numbers[[0, -1]]
            )
            return np.ma.asarray(values.astype(object))
        examples = [self._keys.examples[key] for key in self._places]
        values = np.empty(len(examples), dtype=object)
        for row, example in enumerate(examples):
            values[row] = example
        return np.ma.asarray(values)

    def _is_on_line(self, value: Any) -> bool:
        return self.is_numeric and is_number(value)

    @property
    def _line(self) -> np.ndarray:
        return np.log10(self.numbers) if self.is_log else self.numbers

    def _unit_line(self, numbers: np.ndarray) -> np.ndarray:
        if not self.is_numeric or self._line[0] == self._line[-1]:
            return np.where(np.isnan(numbers), np.nan, 0.5)
        low, high = self._line[[0, -1]]
        return ((np.log10(numbers) if self.is_log else numbers) - low) / (high - low)

    def _unit_places(self, places: np.ndarray) -> np.ndarray:
        if self.is_numeric:
            return -GAP * (places + 1)
        n_categories = len(self._places)
        units = places / (n_categories - 1) if n_categories > 1 else 0.5 + 0.0 * places
        return np.where(places < n_categories, units, -GAP)

    def from_unit(self, units: np.ndarray) -> np.ndarray:
        """Return positions in an axis's own units, given those of `unit_positions`."""
        if not self.is_numeric:
            steps = len(self._places) - 1
            # A category by itself stands at 0, and absence one step before the first.
            return np.where(units < 0, -1, np.rint(units * steps))
        low, high = self._line[[0, -1]]
        width = high - low
        if width == 0:
            # Of a single number the line has no length; take what frames it.
            width = abs(low) or 1.0
            low -= width / 2
        line = low + width * units
        return 10**line if self.is_log else line

    def _round_numbers(self, most: int) -> np.ndarray:
        if not self.is_numeric:
            return np.array([])
        if len(self.numbers) <= min(most, 5):
            return self.numbers
        from matplotlib.ticker import LogLocator, MaxNLocator

        low, high = self.numbers[[0, -1]]
        if self.is_narrow:
            locator = LogLocator(subs=(1, 2, 5), numticks=most)
        elif self.is_log:
            locator = LogLocator(numticks=most)
        else:
            locator = MaxNLocator(most - 1, integer=self._is_integer)
        found = locator.tick_values(low, high)
        slack = 1e-9 * (high - low)
        return found[(found >= low - slack) & (found <= high + slack)]


def scales_of(
    columns: Mapping[str, np.ma.MaskedArray], log_scaled: Mapping[str, bool] | None
) -> dict[str, Scale]:
    """Return the scale of each column; of some it may be known if it is logarithmic."""
    known = log_scaled or {}
    return {name: Scale(values, known.get(name)) for name, values in columns.items()}


def _is_logarithmic(numbers: np.ndarray) -> bool:
    """Tell whether positive numbers lie more evenly by their logarithms."""
    if numbers[0] <= 0 or numbers[-1] < LEAST_RATIO * numbers[0]:
        return False

    def lopsidedness(line: np.ndarray) -> float:
        return abs((np.median(line) - line[0]) / (line[-1] - line[0]) - 0.5)

    return bool(lopsidedness(np.log10(numbers)) < lopsidedness(numbers))


class Keys:
    """Tells equal values by keys that can be looked up: a list cannot, nor can NaN."""

    def __init__(self) -> None:
        self.examples: dict[Hashable, Any] = {}
        # An estimator takes long to print, and stands in many trials. What is kept here
        # is alive, so that no other object gets its identity.
        self._by_identity: dict[int, tuple[Any, Hashable]] = {}

    def of(self, value: Any) -> Hashable:
        """Return the key of a value, equal for equal values."""
        if is_number(value):
            key = float(value)
        elif id(value) in self._by_identity:
            key = self._by_identity[id(value)][1]
        else:
            key = _key(value)
            self._by_identity[id(value)] = value, key
        self.examples.setdefault(key, value)
        return key


def _key(value: Any) -> Hashable:
    if isinstance(value, np.generic):
        value = value.item()
    if is_number(value):
        return float(value)
    if isinstance(value, str | bool | type(None)):
        return type(value), value
    if isinstance(value, tuple | list):
        return type(value), tuple(_key(part) for part in value)
    if callable(value) and not hasattr(value, "get_params"):
        return "callable", id(value)
    # As pickled and loaded again, an estimator is another one of the same.
    return type(value), repr(value)


def _order(value: Any) -> tuple[Any, ...]:
    """Return by what to sort categories: numbers, then names, then sequences."""
    if is_number(value):
        return 0, 0, (float(value),), ""
    if isinstance(value, Sequence) and not isinstance(value, str):
        numbers = tuple(map(float, value)) if all(map(is_number, value)) else ()
        return 2, len(value), numbers, short_value(value)
    return 1, 0, (), short_value(value)
