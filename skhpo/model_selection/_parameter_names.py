"""Whether an estimator has the parameters that a space names."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

from sklearn.base import clone


def check_parameter_names(
    estimator: Any, candidate: dict[str, Any], named_by: str = "search_spaces"
) -> None:
    """Raise unless the estimator takes every parameter that a candidate sets.

    Parameters
    ----------
    estimator : estimator
        Left as it is.

    candidate : dict of str to object
        One setting out of the space.

    named_by : str, default="search_spaces"
        The parameter of the search in which the names stand.

    Raises
    ------
    ValueError
        If it lacks a parameter. The message tells of all, and of names alike.

    Notes
    -----
    Some estimators take names in `set_params` that `get_params` does not list, so those
    are tried on a clone. What lies within a parameter that the space itself replaces,
    such as ``clf__C`` beside ``clf``, is not known beforehand and passes.
    """
    known = estimator.get_params(deep=True)
    unknown = [
        name
        for name in candidate
        if name not in known
        and not _lies_within(name, candidate)
        and not _is_taken(estimator, name, candidate[name])
    ]
    if unknown:
        raise ValueError(
            f"{named_by} names parameters that {type(estimator).__name__} does not "
            "have:\n" + "\n".join(_hint(name, known) for name in unknown)
        )


def _lies_within(name: object, names: Collection[str]) -> bool:
    steps = str(name).split("__")
    return any("__".join(steps[:depth]) in names for depth in range(1, len(steps)))


def _is_taken(estimator: Any, name: object, value: Any) -> bool:
    if not isinstance(name, str):
        return False
    try:
        clone(estimator).set_params(**{name: value})
    except (AttributeError, TypeError, ValueError):
        # The first two where a name goes deeper than there are estimators.
        return False
    return True


def _hint(name: object, known: Collection[str]) -> str:
    nested = [other for other in known if other.endswith(f"__{name}")]
    by_lower_case = {other.lower(): other for other in known}
    alike = get_close_matches(str(name).lower(), by_lower_case)
    guesses = sorted({*nested, *(by_lower_case[other] for other in alike)})
    if guesses:
        return f"{name!r}: did you mean {' or '.join(map(repr, guesses))}?"
    return f"{name!r}: the estimator's get_params() lists those that it has."
