"""The arithmetic of Hyperband: brackets, their rungs, and what they cost.

The equations are those of L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh and
A. Talwalkar, "Hyperband: a novel bandit-based approach to hyperparameter optimization",
Journal of Machine Learning Research 18, 2018, algorithm 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Rung(NamedTuple):
    """How many candidates get how much of the resource.

    Attributes
    ----------
    n_candidates : int
        Those that were best in the rung before.

    n_resources : int
        What each has had in all when the rung closes, on each split.
    """

    n_candidates: int
    n_resources: int


@dataclass(frozen=True)
class Budget:
    """What a Hyperband search costs at most.

    Attributes
    ----------
    brackets : list of list of Rung
        In the order in which they are run.

    continues : bool
        Whether a candidate goes on where it was in the rung before; else its fits begin
        anew.
    """

    brackets: Sequence[Sequence[Rung]]
    continues: bool

    @property
    def n_candidates(self) -> int:
        """How many settings are tried."""
        return sum(rungs[0].n_candidates for rungs in self.brackets)

    @property
    def n_trials(self) -> int:
        """How many rows `cv_results_` gets: a candidate has one in each rung."""
        return sum(rung.n_candidates for rungs in self.brackets for rung in rungs)

    @property
    def n_resources(self) -> int:
        """How much of the resource is spent on each split, without the final fit."""
        return sum(
            rung.n_candidates * self.cost(bracket, number)
            for bracket, rungs in enumerate(self.brackets)
            for number, rung in enumerate(rungs)
        )

    def cost(self, bracket: int, rung: int) -> int:
        """Return how much of it a candidate spends in a rung, on each split."""
        rungs = self.brackets[bracket]
        before = rungs[rung - 1].n_resources if rung and self.continues else 0
        return rungs[rung].n_resources - before

    def __str__(self) -> str:
        lines = [
            f"{self.n_candidates} candidates in {self.n_trials} trials, at most "
            f"{self.n_resources} units of the resource on each split"
        ]
        for number, rungs in enumerate(self.brackets):
            steps = ", ".join(
                f"{n} candidate{'s' if n > 1 else ''} to {r}" for n, r in rungs
            )
            lines.append(f"bracket {number}: {steps}")
        return "\n".join(lines)


def brackets(max_resource: int, factor: int, min_resource: int = 1) -> list[list[Rung]]:
    """Return the brackets of one iteration, the most daring first.

    Parameters
    ----------
    max_resource : int
        What the last rung of each bracket gives: R of algorithm 1.

    factor : int
        One in so many candidates is promoted: eta of algorithm 1.

    min_resource : int, default=1
        The least that a rung gives.

    Returns
    -------
    list of list of Rung
        Rungs in rising order.

    Examples
    --------
    >>> for rungs in brackets(9, 3):
    ...     print([tuple(rung) for rung in rungs])
    [(9, 1), (3, 3), (1, 9)]
    [(5, 3), (1, 9)]
    [(3, 9)]
    """
    s_max = 0
    # By whole numbers: the logarithm of 243 to base 3 is 4.999...
    while min_resource * factor ** (s_max + 1) <= max_resource:
        s_max += 1
    return [_bracket(s, s_max, max_resource, factor) for s in range(s_max, -1, -1)]


def _bracket(s: int, s_max: int, max_resource: int, factor: int) -> list[Rung]:
    # n = ceil(B / R * eta^s / (s + 1)) with B = (s_max + 1) R, rounded up exactly.
    n = -(-(s_max + 1) * factor**s // (s + 1))
    return [
        Rung(n // factor**i, max_resource // factor ** (s - i)) for i in range(s + 1)
    ]


def promoted(scores: Sequence[float], n: int) -> list[int]:
    """Return the positions of the `n` best scores, best first.

    Failures count as worst, and are promoted where there is nobody else: they never
    make a rung smaller. Of equal scores the earlier is better.

    Examples
    --------
    >>> promoted([0.5, float("nan"), 0.9, 0.9], 3)
    [2, 3, 0]
    """
    worst_last = np.where(np.isnan(scores), -np.inf, scores)
    return np.argsort(-worst_last, kind="stable")[:n].tolist()
