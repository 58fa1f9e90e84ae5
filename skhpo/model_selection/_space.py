"""The forms in which a search space may be written, and their one translation."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from numbers import Real as RealNumber
from typing import Any

import numpy as np

from ._dimensions import (
    Categories,
    Dimension,
    IntegerInterval,
    Quantiles,
    RealInterval,
)

PRIORS = ("uniform", "log-uniform")

# The probability that an unbounded side of a distribution loses: its quantile at 0 or
# at 1 is infinite, and a search asks for both.
TAIL = 1e-3

# The quantile of a discrete distribution at 0 lies one step below its support.
SMALLEST = 1e-12


@dataclass(frozen=True)
class Real:
    """Floats between two bounds, both included.

    It has the signature of scikit-optimize's class of this name, less ``transform`` and
    ``dtype``, which have no meaning here: candidates are Python floats.

    Parameters
    ----------
    low : float
        Lower bound.

    high : float
        Upper bound, greater than `low`.

    prior : {"uniform", "log-uniform"}, default="uniform"
        Whether values are spread evenly, or their logarithms are. The second needs
        ``low > 0`` and suits what spans orders of magnitude, as learning rates do.

    base : int, default=10
        Accepted because scikit-optimize has it, and without effect: a log-uniform
        distribution is the same for every base.

    name : str or None, default=None
        A label for the reader. A search takes the name of a parameter from the key of
        its `search_spaces`.

    See Also
    --------
    Integer : Integers between two bounds.
    Categorical : Any objects.

    Notes
    -----
    Bounds and prior are checked by the search, before its first fit.

    Examples
    --------
    >>> from skhpo.model_selection import Real
    >>> Real(1e-4, 1e-1, "log-uniform")
    Real(low=0.0001, high=0.1, prior='log-uniform', base=10, name=None)
    """

    low: float
    high: float
    prior: str = "uniform"
    base: int = 10
    name: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Integer:
    """Integers between two bounds, both included.

    It has the signature of scikit-optimize's class of this name, less ``transform`` and
    ``dtype``, which have no meaning here: candidates are Python integers.

    Parameters
    ----------
    low : int
        Lower bound.

    high : int
        Upper bound, greater than `low`.

    prior : {"uniform", "log-uniform"}, default="uniform"
        Whether values are spread evenly, or their logarithms are. The second needs
        ``low > 0``.

    base : int, default=10
        Accepted because scikit-optimize has it, and without effect: a log-uniform
        distribution is the same for every base.

    name : str or None, default=None
        A label for the reader. A search takes the name of a parameter from the key of
        its `search_spaces`.

    See Also
    --------
    Real : Floats between two bounds.
    Categorical : Any objects.

    Notes
    -----
    Bounds and prior are checked by the search, before its first fit.

    Examples
    --------
    >>> from skhpo.model_selection import Integer
    >>> Integer(1, 1024, "log-uniform")
    Integer(low=1, high=1024, prior='log-uniform', base=10, name=None)
    """

    low: int
    high: int
    prior: str = "uniform"
    base: int = 10
    name: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Categorical:
    """A choice among objects of any kind.

    The very objects given are handed to the estimator, so they need be neither hashable
    nor comparable: tuples, lists, None, functions and estimators will do. It has the
    signature of scikit-optimize's class of this name, less ``transform``, which has no
    meaning here.

    Parameters
    ----------
    categories : sequence of objects
        What to choose from. Give neighbours in the list to categories that are alike,
        such as growing sizes: the search's model takes the order for a hint.

    prior : sequence of float or None, default=None
        A positive probability for each category, all adding up to 1; None makes all
        equally likely.

    name : str or None, default=None
        A label for the reader. A search takes the name of a parameter from the key of
        its `search_spaces`.

    See Also
    --------
    Real : Floats between two bounds.
    Integer : Integers between two bounds.

    Notes
    -----
    Categories and prior are checked by the search, before its first fit. A plain list
    means the same as ``Categorical`` of that list.

    Examples
    --------
    >>> from skhpo.model_selection import Categorical
    >>> Categorical([(64,), (128, 64)], prior=[0.25, 0.75])
    Categorical(categories=[(64,), (128, 64)], prior=[0.25, 0.75], name=None)
    """

    categories: Sequence[Any]
    prior: Sequence[float] | None = None
    name: str | None = field(default=None, kw_only=True)


def sub_spaces(
    search_spaces: Mapping | Sequence, n_iter: int
) -> list[tuple[Mapping[str, Any], int]]:
    """Return each space of `search_spaces` with its number of trials.

    Parameters
    ----------
    search_spaces : dict, list of dict, or list of (dict, int)
        As `BayesSearchCV` takes it.

    n_iter : int
        The number of trials for a space that comes without one.

    Returns
    -------
    list of (dict, int)
        The spaces as they were given, unread.

    Raises
    ------
    ValueError
        If `search_spaces` has none of the three forms, or an entry is empty.
    """
    entries = [search_spaces] if isinstance(search_spaces, Mapping) else search_spaces
    if not isinstance(entries, list) or not entries:
        raise ValueError(
            "search_spaces must be a dict from parameter names to dimensions, a list "
            f"of such dicts, or a list of (dict, n_iter); got {search_spaces!r}."
        )
    return [_with_n_iter(entry, n_iter) for entry in entries]


def read_space(space: Mapping[str, Any]) -> dict[str, Dimension]:
    """Translate one space from whatever forms its values have.

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
            dimensions[name] = _read_dimension(space[name])
        except ValueError as problem:
            problems.append(f"search space of {name!r}: {problem}")
    if problems:
        raise ValueError("\n".join(problems))
    return dimensions


def _with_n_iter(entry: Any, n_iter: int) -> tuple[Mapping[str, Any], int]:
    space, n_trials = entry if _is_pair(entry) else (entry, n_iter)
    if not isinstance(space, Mapping) or not space:
        raise ValueError(
            "every space in search_spaces must be a dict that names at least one "
            f"parameter, got {space!r}. To score an estimator as it is, use "
            "sklearn.model_selection.cross_validate."
        )
    if not isinstance(n_trials, Integral) or n_trials < 1:
        raise ValueError(
            f"n_iter must be an integer of at least 1, got {n_trials!r} for the space "
            f"over {', '.join(map(str, space))}."
        )
    return space, int(n_trials)


def _is_pair(entry: Any) -> bool:
    return isinstance(entry, tuple) and len(entry) == 2


def _read_dimension(form: Any) -> Dimension:
    if hasattr(form, "ppf"):
        return _read_distribution(form)
    if isinstance(form, np.ndarray) and form.ndim == 1:
        form = form.tolist()
    if isinstance(form, list):
        return _read_categories(form, None)
    if isinstance(form, tuple):
        return _read_bounds(form)
    # By name, so that scikit-optimize's own objects do as well.
    for kind in type(form).__mro__:
        if kind.__name__ == "Real":
            return _read_reals(form.low, form.high, form.prior)
        if kind.__name__ == "Integer":
            return _read_integers(form.low, form.high, form.prior)
        if kind.__name__ == "Categorical":
            return _read_categories(form.categories, form.prior)
    raise ValueError(
        "expected Real, Integer, Categorical, (low, high), (low, high, prior), a list "
        f"of choices or a scipy.stats distribution, got {form!r}."
    )


def _read_bounds(form: tuple) -> Dimension:
    if len(form) not in (2, 3) or not all(map(_is_number, form[:2])):
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
    return IntegerInterval(int(low), int(high), log=prior == "log-uniform")


def _check_interval(low: float, high: float, prior: str) -> None:
    if not all(_is_number(bound) and math.isfinite(bound) for bound in (low, high)):
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
        raise ValueError(f"prior must be one of {PRIORS}, got {prior!r}.")
    if prior == "log-uniform" and low <= 0:
        raise ValueError(
            f'prior="log-uniform" needs low > 0, got {low=}. Use prior="uniform", or a '
            "small positive low."
        )


def _is_number(bound: Any) -> bool:
    return isinstance(bound, RealNumber) and not isinstance(bound, bool)


def _read_categories(
    categories: Sequence[Any], prior: Sequence[float] | None
) -> Categories:
    choices = list(categories)
    if not choices:
        raise ValueError("there must be at least one choice, got an empty list.")
    if prior is None:
        choices = _without_repetitions(choices)
        return Categories(choices, [1 / len(choices)] * len(choices))
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
    return Categories(choices, shares)


def _without_repetitions(choices: list[Any]) -> list[Any]:
    """Return each choice once; objects that cannot be hashed are told apart."""
    found = {}
    for choice in choices:
        try:
            found.setdefault((type(choice), choice), choice)
        except TypeError:
            found[id(choice)] = choice
    return list(found.values())


def _read_distribution(distribution: Any) -> Dimension:
    _check_distribution(distribution)
    discrete = hasattr(distribution, "pmf")
    # The one common distribution that makes all its values equally likely is a range,
    # whose values can be counted.
    if getattr(getattr(distribution, "dist", None), "name", None) == "randint":
        low, high = distribution.support()
        return IntegerInterval(int(low), int(high), log=False)
    lowest = SMALLEST if discrete else 0.0
    return Quantiles(
        distribution.ppf,
        lower=lowest if math.isfinite(distribution.ppf(lowest)) else TAIL,
        upper=1.0 if math.isfinite(distribution.ppf(1.0)) else 1 - TAIL,
        discrete=discrete,
    )


def _check_distribution(distribution: Any) -> None:
    try:
        median = distribution.ppf(0.5)
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
