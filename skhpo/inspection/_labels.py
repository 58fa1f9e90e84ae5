"""Short names of hyperparameters and of their values, for axes and legends."""

from collections import Counter
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from .._descriptions import one_line

# What fits beside an axis.
WIDEST = 24


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Return for each name its shortest ending that no other of the names shares.

    Names are cut between the steps of a Pipeline: of ``kerasmlp__alpha`` stays
    ``alpha``, unless there is another ``alpha``.
    """
    parts = {name: name.split("__") for name in names}
    endings = Counter(
        "__".join(steps[start:])
        for steps in parts.values()
        for start in range(len(steps))
    )
    return {
        name: next(
            (
                "__".join(steps[start:])
                for start in reversed(range(len(steps)))
                if endings["__".join(steps[start:])] == 1
            ),
            # One is the ending of another, as `alpha` of `ridge__alpha`.
            name,
        )
        for name, steps in parts.items()
    }


def short_value(value: Any) -> str:
    """Return a value as a few characters: numbers rounded, functions by their name."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool) or value is None:
        text = str(value)
    elif isinstance(value, Real):
        text = short_number(float(value))
    elif isinstance(value, tuple | list):
        text = _short_sequence(value)
    else:
        text = one_line(value)
    # A repr of scikit-learn's has lines.
    text = " ".join(text.split())
    text = text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
    # Between two of them, matplotlib would read a formula.
    return text.replace("$", r"\$")


def short_number(value: float, digits: int = 4) -> str:
    """Return a number with at most so many digits, as 0.002 or 2e-4."""
    if value == 0 or not np.isfinite(value) or 1e-3 <= abs(value) < 10**digits:
        return f"{value:.{digits}g}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def _short_sequence(values: Sequence[Any]) -> str:
    inner = ", ".join(short_value(value) for value in values)
    if isinstance(values, list):
        return f"[{inner}]"
    return f"({inner},)" if len(values) == 1 else f"({inner})"


def distinct(labels: Sequence[str]) -> list[str]:
    """Return labels of which no two are equal: those met again are numbered."""
    seen: Counter[str] = Counter()
    found = []
    for label in labels:
        seen[label] += 1
        found.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return found
