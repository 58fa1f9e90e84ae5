"""The forms in which a search space may be written, and their one translation."""

import math
from collections.abc import Callable, Mapping, Sequence, Sized
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np

from ._dimensions import (
    Categories,
    Dimension,
    IntegerInterval,
    Quantiles,
    RealInterval,
    are_equal,
    is_number,
)
from ._settings import ConditionalSpace, FlatSpace, Space

PRIORS = ("uniform", "log-uniform")

# The probability that an unbounded side of a distribution loses: its quantile at 0 or
# at 1 is infinite, and a search asks for both.
TAIL = 1e-3

# The quantile of a discrete distribution at 0 lies one step below its support.
SMALLEST = 1e-12

# How many values of a discrete distribution are told apart one by one.
MOST_VALUES = 1000

# Beyond, not every integer is a float, as coordinates are.
MOST_INTEGERS = 2**53


def sub_spaces(search_spaces: Any, n_iter: int) -> list[tuple[Any, int]]:
    """Return each space of `search_spaces` with its number of trials.

    Parameters
    ----------
    search_spaces : space, list of spaces, or list of (space, int)
        As `BayesSearchCV` takes it.

    n_iter : int
        The number of trials for a space that comes without one.

    Returns
    -------
    list of (space, int)
        The spaces as they were given, unread.

    Raises
    ------
    ValueError
        If `search_spaces` has none of the three forms, or an entry is empty.
    """
    entries = [search_spaces] if _is_space(search_spaces) else search_spaces
    if not isinstance(entries, list) or not entries:
        raise ValueError(
            "search_spaces must be a dict from parameter names to dimensions, a "
            "function of Keras Tuner's hp, its HyperParameters, a list of such, or a "
            f"list of (one of them, n_iter); got {search_spaces!r}."
        )
    return [_with_n_iter(entry, n_iter) for entry in entries]


def read(space: Any) -> Space:
    """Translate one space, in whatever form it is written.

    Parameters
    ----------
    space : dict of str to object, callable, or keras_tuner.HyperParameters
        As `BayesSearchCV` takes it.

    Returns
    -------
    Space
        What an oracle draws from.

    Raises
    ------
    ValueError
        If a dimension breaks a rule. The message tells of every one that does.
    """
    if isinstance(space, Mapping):
        return FlatSpace(read_space(space))
    from ._keras_tuner import run_of_function, run_of_hyperparameters

    run = run_of_function if callable(space) else run_of_hyperparameters
    return ConditionalSpace(run(space))


def read_space(space: Mapping[str, Any]) -> dict[str, Dimension]:
    """Translate the dimensions of a dict, from whatever forms they have.

    Parameters
    ----------
    space : dict of str to object
        Parameter names, each with any form that `BayesSearchCV` accepts.

    Returns
    -------
    dict of str to Dimension
        In alphabetical order, so that the order of writing decides nothing.

    Raises
    ------
    ValueError
        If a dimension breaks a rule. The message tells of every one that does.
    """
    dimensions, problems = {}, []
    for name in sorted(space, key=str):
        try:
            dimensions[name] = read_dimension(space[name])
        except ValueError as problem:
            problems.append(f"search space of {name!r}: {problem}")
    if problems:
        raise ValueError("\n".join(problems))
    return dimensions


def _is_space(form: Any) -> bool:
    return isinstance(form, Mapping) or callable(form) or _is_hyperparameters(form)


def _is_hyperparameters(form: Any) -> bool:
    # By name, so that Keras Tuner need not be imported to know.
    return any(kind.__name__ == "HyperParameters" for kind in type(form).__mro__)


def _with_n_iter(entry: Any, n_iter: int) -> tuple[Any, int]:
    space, n_trials = entry if _is_pair(entry) else (entry, n_iter)
    is_empty = isinstance(space, Mapping) and not space
    if not _is_space(space) or is_empty:
        raise ValueError(
            "every space in search_spaces must be a dict that names at least one "
            f"parameter, a function or HyperParameters, got {space!r}. To score an "
            "estimator as it is, use sklearn.model_selection.cross_validate."
        )
    if not isinstance(n_trials, Integral) or n_trials < 1:
        names = ", ".join(map(str, space)) if isinstance(space, Mapping) else space
        raise ValueError(
            f"n_iter must be an integer of at least 1, got {n_trials!r} for the space "
            f"over {names}."
        )
    return space, int(n_trials)


def _is_pair(entry: Any) -> bool:
    return isinstance(entry, tuple) and len(entry) == 2


def read_dimension(form: Any) -> Dimension:
    """Translate one dimension from any of its forms."""
    if hasattr(form, "ppf") or hasattr(form, "icdf"):
        return _read_distribution(form)
    if isinstance(form, np.ndarray) and form.ndim == 1:
        form = form.tolist()
    if isinstance(form, range):
        form = list(form)
    if isinstance(form, list):
        return _read_categories(form, None)
    if isinstance(form, tuple):
        return _read_bounds(form)
    # By name, so that the objects of scikit-optimize and Keras Tuner do as well.
    for kind in type(form).__mro__:
        if kind.__name__ in READERS:
            return READERS[kind.__name__](form)
    raise ValueError(
        "expected Real, Integer, Categorical, (low, high), (low, high, prior), a list "
        "of choices, a scipy.stats distribution or a hyperparameter of Keras Tuner, "
        f"got {form!r}." + (" Make it a list." if isinstance(form, Sized) else "")
    )


def _read_bounds(form: tuple) -> Dimension:
    if len(form) not in (2, 3) or not all(map(is_number, form[:2])):
        raise ValueError(
            "a tuple must be (low, high) or (low, high, prior) with two numbers, got "
            f"{form!r}. To choose among values, pass a list: {list(form)!r}."
        )
    if all(isinstance(bound, Integral) for bound in form[:2]):
        return _read_integers(*form)
    return _read_reals(*form)


def _read_reals(low: float, high: float, prior: str = "uniform") -> RealInterval:
    _check_interval(low, high, prior)
    return RealInterval(float(low), float(high), log=prior == "log-uniform")


def _read_integers(low: int, high: int, prior: str = "uniform") -> IntegerInterval:
    _check_interval(low, high, prior)
    if low != int(low) or high != int(high):
        raise ValueError(
            f"the bounds of an Integer must be whole numbers, got {low=}, {high=}. "
            "Use Real for numbers in between."
        )
    if high - low > MOST_INTEGERS:
        raise ValueError(
            f"an Integer may have {MOST_INTEGERS} values, got {low=}, {high=}. Use Real"
            " and round, in a function of hp."
        )
    return IntegerInterval(int(low), int(high), log=prior == "log-uniform")


def _check_interval(low: float, high: float, prior: str) -> None:
    if not all(is_number(bound) and math.isfinite(bound) for bound in (low, high)):
        raise ValueError(
            f"bounds must be finite numbers, got {low=}, {high=}. For values without a "
            "bound pass a scipy.stats distribution."
        )
    if low >= high:
        raise ValueError(
            f"low < high must hold, got {low=}, {high=}. To keep a parameter fixed, "
            f"pass a list of its one value: [{low}]."
        )
    if prior not in PRIORS:
        raise ValueError(
            f"prior must be one of {PRIORS}, got {prior!r}. To choose among values, "
            "pass a list."
        )
    if prior == "log-uniform" and low <= 0:
        raise ValueError(
            f'prior="log-uniform" needs low > 0, got {low=}. Use prior="uniform", or a '
            "small positive low."
        )


def _read_categories(
    categories: Sequence[Any], prior: Sequence[float] | None
) -> Categories:
    choices = list(categories)
    if not choices:
        raise ValueError("there must be at least one choice, got an empty list.")
    if prior is None:
        return _in_order(*_equally_likely(choices))
    shares = [float(share) for share in prior]
    if (
        len(shares) != len(choices)
        or not all(share > 0 for share in shares)
        or not math.isclose(sum(shares), 1)
    ):
        raise ValueError(
            "the prior of a Categorical must hold one positive probability for each of "
            f"its {len(choices)} categories and add up to 1, got {prior!r}."
        )
    return _in_order(*_without_repetitions(choices, shares))


def _in_order(choices: list[Any], shares: list[float]) -> Categories:
    """Return categories; numbers in ascending order, with neighbours alike."""
    if not all(is_number(choice) and math.isfinite(choice) for choice in choices):
        return Categories(choices, shares)
    pairs = sorted(zip(choices, shares, strict=True), key=lambda pair: pair[0])
    choices, shares = zip(*pairs, strict=True)
    return Categories(list(choices), list(shares), ordered=True)


def _equally_likely(choices: list[Any]) -> tuple[list[Any], list[float]]:
    """Return each choice once, with equal shares, however often it was given."""
    choices, _ = _without_repetitions(choices, [1.0] * len(choices))
    return choices, [1 / len(choices)] * len(choices)


def _without_repetitions(
    choices: list[Any], shares: list[float]
) -> tuple[list[Any], list[float]]:
    """Return each choice once, with the sum of its shares."""
    found: list[Any] = []
    sums: list[float] = []
    places: dict[Any, int] = {}
    for choice, share in zip(choices, shares, strict=True):
        try:
            place = places.setdefault((type(choice), choice), len(found))
        except TypeError:  # It cannot be hashed.
            same = (k for k, other in enumerate(found) if are_equal(other, choice))
            place = next(same, len(found))
        if place == len(found):
            found.append(choice)
            sums.append(0.0)
        sums[place] += share
    return found, sums


def _read_distribution(distribution: Any) -> Dimension:
    # scipy's newer distributions call it icdf, and have a pmf where it is 0 as well.
    quantile = getattr(distribution, "ppf", None) or distribution.icdf
    median = _median(distribution, quantile)
    discrete = hasattr(distribution, "pmf") and distribution.pmf(median) > 0
    # The one common distribution that makes all its values equally likely is a range,
    # whose values can be counted.
    if getattr(getattr(distribution, "dist", None), "name", None) == "randint":
        low, high = distribution.support()
        return IntegerInterval(int(low), int(high), log=False)
    lowest = SMALLEST if discrete else 0.0
    lower = lowest if math.isfinite(quantile(lowest)) else TAIL
    upper = 1.0 if math.isfinite(quantile(1.0)) else 1 - TAIL
    if discrete and hasattr(distribution, "cdf"):
        first, last = int(quantile(lower)), int(quantile(upper))
        if last - first < MOST_VALUES:
            return _read_values(distribution, range(first, last + 1))
    return Quantiles(quantile, lower, upper, discrete)


def _read_values(distribution: Any, values: range) -> Categories:
    """Return the values of a discrete distribution, each with its probability."""
    ends = [0.0, *map(float, distribution.cdf(list(values)[:-1])), 1.0]
    shares = [right - left for left, right in pairwise(ends)]
    possible = [pair for pair in zip(values, shares, strict=True) if pair[1] > 0]
    return Categories(*map(list, zip(*possible, strict=True)), ordered=True)


def _median(distribution: Any, quantile: Callable[[float], float]) -> float:
    try:
        median = quantile(0.5)
    except TypeError:
        raise ValueError(
            f"a distribution must be frozen, got {distribution!r} without its "
            "arguments. Call it with them, as in scipy.stats.loguniform(1e-4, 1e-1)."
        ) from None
    if not math.isfinite(median):
        raise ValueError(
            f"a distribution must have a finite median, got {median} from "
            f"{distribution!r}. Are its arguments in range?"
        )
    return median


def _read_interval(hyperparameter: Any) -> Dimension:
    """Translate a Float or Int of Keras Tuner's."""
    p = hyperparameter
    is_int = type(p).__name__ == "Int"
    # Integers come with a step of 1 if none is given.
    steps = p.step is not None and not (is_int and p.step == 1)
    if steps or p.min_value == p.max_value:
        values = list(p.values) if steps else [p.min_value]
        return _read_categories([int(v) if is_int else v for v in values], None)
    if p.sampling == "reverse_log":
        return Quantiles(p.prob_to_value, 0.0, 1.0, discrete=is_int)
    prior = "log-uniform" if p.sampling == "log" else "uniform"
    return (_read_integers if is_int else _read_reals)(p.min_value, p.max_value, prior)


def _read_choices(hyperparameter: Any) -> Categories:
    """Translate a Choice of Keras Tuner's."""
    choices, shares = _equally_likely(list(hyperparameter.values))
    return Categories(choices, shares, ordered=bool(hyperparameter.ordered))


READERS: dict[str, Callable[[Any], Dimension]] = {
    "Real": lambda form: _read_reals(form.low, form.high, form.prior),
    "Integer": lambda form: _read_integers(form.low, form.high, form.prior),
    "Categorical": lambda form: _read_categories(form.categories, form.prior),
    "Float": _read_interval,
    "Int": _read_interval,
    "Choice": _read_choices,
    "Boolean": lambda form: _read_categories([False, True], None),  # noqa: ARG005
    "Fixed": lambda form: _read_categories([form.value], None),
}
