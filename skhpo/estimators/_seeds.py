"""From scikit-learn's `random_state` to the one seed that a fit is made from."""

import secrets
from numbers import Integral
from typing import Any

import numpy as np

_LARGEST = 2**31 - 1


def draw_seed(random_state: int | np.random.RandomState | None) -> int:
    """Return the seed of a fit.

    An integer is the seed itself and a `RandomState` gives its next number, as in
    scikit-learn. None gives fresh entropy: NumPy's global generator is left alone.
    """
    if random_state is None:
        return secrets.randbelow(_LARGEST)
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(_LARGEST))
    if not is_seed(random_state):
        raise ValueError(
            "random_state must be None, a np.random.RandomState or an integer of at "
            f"least 0, got {random_state!r}"
        )
    return int(random_state)


def is_seed(value: Any) -> bool:
    """Tell whether a value is an integer that can seed a fit."""
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= 0
