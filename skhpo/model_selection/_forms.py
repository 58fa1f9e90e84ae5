"""Dimensions as users write them: Real, Integer, Categorical."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Real:
    """Floats between two bounds, both included.

    It has the signature of scikit-optimize's class of this name.

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

    transform : object, default=None
        Accepted likewise: how a value becomes a coordinate is the search's affair.

    name : str or None, default=None
        A label for the reader. A search takes the name of a parameter from the key of
        its `search_spaces`.

    dtype : object, default=None
        Accepted likewise: candidates are Python floats.

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
    transform: Any = field(default=None, repr=False, compare=False)
    name: str | None = None
    dtype: Any = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Integer:
    """Integers between two bounds, both included.

    It has the signature of scikit-optimize's class of this name.

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

    transform : object, default=None
        Accepted likewise: how a value becomes a coordinate is the search's affair.

    name : str or None, default=None
        A label for the reader. A search takes the name of a parameter from the key of
        its `search_spaces`.

    dtype : object, default=None
        Accepted likewise: candidates are Python integers.

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
    transform: Any = field(default=None, repr=False, compare=False)
    name: str | None = None
    dtype: Any = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Categorical:
    """A choice among objects of any kind.

    The very objects given are handed to the estimator, so they need be neither hashable
    nor comparable: tuples, lists, None, functions and estimators will do. It has the
    signature of scikit-optimize's class of this name.

    Parameters
    ----------
    categories : sequence of objects
        What to choose from. Numbers are taken in ascending order, and neighbours for
        alike; objects of any other kind are as unlike as can be.

    prior : sequence of float or None, default=None
        A positive probability for each category, all adding up to 1; None makes all
        equally likely.

    transform : object, default=None
        Accepted because scikit-optimize has it, and without effect: how a value becomes
        coordinates is the search's affair.

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
    transform: Any = field(default=None, repr=False, compare=False)
    name: str | None = None
