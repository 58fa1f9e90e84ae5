"""What callbacks are shown of a search, in scikit-optimize's terms."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from ._dimensions import Dimension, are_equal, is_number
from ._oracles import Trial
from ._settings import Space

Callback = Callable[[OptimizeResult], bool | None]


@dataclass(frozen=True)
class SearchedSpace:
    """The space of a result: its names, in the order of `x`, and its dimensions.

    `given_names` are as the user wrote them: several dimensions may have one.
    """

    dimension_names: Sequence[str]
    dimensions: Sequence[Dimension]
    given_names: Sequence[str]

    @property
    def n_dims(self) -> int:
        """How many there are."""
        return len(self.dimensions)

    def distance(self, point_a: Sequence[Any], point_b: Sequence[Any]) -> float:
        """Return the sum over dimensions of how far the values of two points differ.

        It is the difference of numbers; other values are 0 or 1 apart, also from None,
        which stands where a dimension does not matter.
        """
        return float(sum(map(_distance, point_a, point_b)))


def optimize_result(
    space: Space, trials: Sequence[Trial], scores: Sequence[float]
) -> OptimizeResult:
    """Return the trials of a space as scikit-optimize's callbacks expect them.

    It minimizes, so values are negative scores; that of a failed trial is infinite. Of
    our own are `hyperparameters`: a dict for each trial, of what matters there, by the
    names that the user gave.
    """
    dimensions = dict(space.dimensions)
    points = [
        [
            dimension.value(trial.cells[name]) if name in trial.cells else None
            for name, dimension in dimensions.items()
        ]
        for trial in trials
    ]
    values = -np.where(np.isfinite(scores), scores, -np.inf)
    best = int(np.argmin(values))
    return OptimizeResult(
        x=points[best],
        fun=float(values[best]),
        x_iters=points,
        func_vals=values,
        hyperparameters=[_by_given_names(space, trial) for trial in trials],
        space=SearchedSpace(
            list(dimensions),
            list(dimensions.values()),
            [space.names[name] for name in dimensions],
        ),
    )


def _by_given_names(space: Space, trial: Trial) -> dict[str, Any]:
    """Return what matters in a trial, by the names that the user gave.

    Where one trial has two of a name, they keep those that tell them apart.
    """
    uses = Counter(space.names[own_name] for own_name in trial.cells)
    found = {}
    for own_name, cell in trial.cells.items():
        name = space.names[own_name]
        value = space.dimensions[own_name].value(cell)
        found[name if uses[name] == 1 else own_name] = value
    return found


def _distance(a: Any, b: Any) -> float:
    return abs(a - b) if is_number(a) and is_number(b) else float(not are_equal(a, b))


def check_callbacks(callbacks: Any) -> list[Callback]:
    """Return callbacks, given as one, as several or as None, in a list."""
    if callbacks is None:
        return []
    found = list(callbacks) if isinstance(callbacks, Sequence) else [callbacks]
    for callback in found:
        if not callable(callback):
            raise ValueError(
                "a callback must be callable with the result of a search, got "
                f"{callback!r}."
            )
    return found
