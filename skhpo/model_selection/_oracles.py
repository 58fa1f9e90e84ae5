"""Oracles: asked for candidates, told their scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Protocol, Self

import numpy as np

from ._dimensions import Dimension
from ._sampler import Axis, GaussianProcessSampler
from ._settings import Cell, Setting, Space
from ._single_thread import single_threaded

# Among how many random candidates one is sought that was not proposed before.
N_DRAWS = 1000

# How many values of a dimension the sampler tells apart one by one.
MOST_EDGES = 1000

# How many candidates of a finite space are gone through for one that is new.
MOST_CANDIDATES = 100_000


@dataclass(frozen=True)
class Trial:
    """One candidate that an oracle proposed.

    Parameters
    ----------
    number : int
        Its place in the order of proposals, from 0.

    params : dict of str to object
        What `set_params` is to get.

    cells : dict of str to float or int
        What of the space it is: in JSON's types, for a journal.
    """

    number: int
    params: dict[str, Any]
    cells: dict[str, Cell]


class Oracle(Protocol):
    """Proposes candidates, none of them twice, and learns from their scores.

    It is used in a `with` statement, as some have something to close.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def ask(self) -> Trial | None:
        """Return a new trial, or None if there is none to be had now.

        Any number of trials may be asked for before the first is told.
        """

    def tell(self, trial: Trial, score: float) -> None:
        """Take in the score of a trial: greater is better, not finite is a failure."""

    def recall(self, cells: Mapping[str, Cell]) -> Trial:
        """Return the trial that was proposed next, in a search that goes on.

        What is asked for after that is what would have been asked for then.
        """


class PointOracle:
    """What oracles share that draw from a space by coordinates of a unit cube.

    Subclasses say what to propose next (`_suggestions`).

    Parameters
    ----------
    space : Space
        Where to look for candidates.

    seed : int
        Decides the candidates, together with their scores.

    initial : sequence of dict of str to float or int, default=()
        The cells of settings to propose before all others.
    """

    def __init__(
        self, space: Space, seed: int, initial: Sequence[Mapping[str, Cell]] = ()
    ):
        self._space = space
        self._seed = seed
        self._initial = list({tuple(c.items()): c for c in initial}.values())
        self._trials: list[Trial] = []
        self._scores: dict[int, float] = {}
        self._proposed: set[tuple] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Do nothing: there is nothing to close."""

    def ask(self) -> Trial | None:
        """Return a new trial, or None if the space has no candidate left."""
        for cells in self._initial:
            setting = self._space.setting(lambda name, _, cells=cells: cells[name])
            if self._is_new(setting):
                return self._propose(setting)
        for units in self._suggestions():
            setting = self._setting(units)
            if self._is_new(setting):
                return self._propose(setting)
        return None

    def tell(self, trial: Trial, score: float) -> None:
        """Take in the score of a trial: greater is better, not finite is a failure."""
        self._scores[trial.number] = float(score)

    def recall(self, cells: Mapping[str, Cell]) -> Trial:
        """Return the trial that was proposed next, in a search that goes on."""
        return self._propose(self._space.setting(lambda name, _: cells[name]))

    def _suggestions(self) -> Iterator[Mapping[str, float]]:
        """Yield coordinates of candidates, best first, until one is found new."""
        raise NotImplementedError

    def _setting(self, units: Mapping[str, float]) -> Setting:
        # What a function asks for the first time gets the middle.
        return self._space.setting(lambda name, dim: dim.cell(units.get(name, 0.5)))

    def _is_new(self, setting: Setting) -> bool:
        return tuple(setting.cells.items()) not in self._proposed

    def _propose(self, setting: Setting) -> Trial:
        trial = Trial(len(self._trials), setting.params, setting.cells)
        self._trials.append(trial)
        self._proposed.add(tuple(setting.cells.items()))
        return trial

    def _random_units(self) -> Iterator[dict[str, float]]:
        """Yield random candidates; they depend on the number of trials alone."""
        random = np.random.default_rng((self._seed, len(self._trials)))
        names = list(self._space.dimensions)
        for draw in random.random((N_DRAWS, len(names))).tolist():
            yield dict(zip(names, draw, strict=True))

    def _all_units(self) -> Iterator[dict[str, float]]:
        """Yield the candidates of a finite space one by one, none of another."""
        dimensions = self._space.dimensions
        if any(dimension.cells is None for dimension in dimensions.values()):
            return
        every = product(*(dimension.cells for dimension in dimensions.values()))
        for cells in islice(every, MOST_CANDIDATES):
            yield {
                name: dimension.unit(cell)
                for (name, dimension), cell in zip(
                    dimensions.items(), cells, strict=True
                )
            }


class SamplerOracle(PointOracle):
    """Proposes candidates by our own Gaussian process.

    Parameters
    ----------
    space : Space
        Where to look for candidates.

    n_initial : int
        How many trials must have scores before the model proposes.

    seed : int
        Decides the candidates, together with their scores.

    initial : sequence of dict of str to float or int, default=()
        The cells of settings to propose before all others.
    """

    def __init__(
        self,
        space: Space,
        n_initial: int,
        seed: int,
        initial: Sequence[Mapping[str, Cell]] = (),
    ):
        super().__init__(space, seed, initial)
        self._n_initial = n_initial
        self._sampled: Sequence[str] | None = None

    def _suggestions(self) -> Iterator[Mapping[str, float]]:
        names = list(self._space.dimensions)
        if not names:
            yield {}
            return
        with single_threaded():
            suggested = self._sampler_over(names).suggest(
                self._points(names), self._told_scores()
            )
        if suggested is None:
            return
        yield _known(zip(names, suggested.tolist(), strict=True))
        # Where a dimension has too many values to be told apart one by one, two points
        # may stand for the same.
        yield from self._random_units()
        yield from self._all_units()

    def _sampler_over(self, names: Sequence[str]) -> GaussianProcessSampler:
        # A function may ask for more than it did before.
        if self._sampled is None or len(self._sampled) != len(names):
            self._sampled = names
            self._sampler = GaussianProcessSampler(
                [axis_of(self._space.dimensions[name]) for name in names],
                seed=self._seed,
                n_initial=self._n_initial,
                active=self._what_matters if self._space.is_conditional else None,
            )
        return self._sampler

    def _what_matters(self, points: np.ndarray) -> np.ndarray:
        """Return which dimensions matter in each of many complete points."""
        names = list(self._space.dimensions)[: points.shape[1]]
        matters = np.zeros(points.shape, dtype=bool)
        for row, point in enumerate(points.tolist()):
            units = dict(zip(names, point, strict=True))
            asked = self._space.asked(
                lambda name, dim, units=units: dim.cell(units.get(name, 0.5))
            )
            matters[row] = [name in asked for name in names]
        return matters

    def _points(self, names: Sequence[str]) -> np.ndarray:
        dimensions = self._space.dimensions
        points = np.full((len(self._trials), len(names)), np.nan)
        for row, trial in enumerate(self._trials):
            for column, name in enumerate(names):
                if name in trial.cells:
                    points[row, column] = dimensions[name].unit(trial.cells[name])
        return points

    def _told_scores(self) -> np.ndarray:
        scores = np.array([self._scores.get(t.number, np.nan) for t in self._trials])
        told = np.array([t.number in self._scores for t in self._trials], dtype=bool)
        return np.where(told & ~np.isfinite(scores), -np.inf, scores)


class RandomOracle(PointOracle):
    """Proposes candidates at random."""

    def _suggestions(self) -> Iterator[Mapping[str, float]]:
        yield from self._random_units()
        yield from self._all_units()


def axis_of(dimension: Dimension) -> Axis:
    """Return a dimension as the sampler sees it."""
    if dimension.cells is None or len(dimension.cells) > MOST_EDGES:
        return Axis()
    return Axis(np.array(dimension.edges), dimension.ordered)


def n_initial_points(n_dimensions: int, n_iter: int) -> int:
    """Return how many trials come before the first one that a model proposes.

    It is the greater of 10 and the number of dimensions plus 1, but at most half of the
    trials. (Keras Tuner's own default, three times the number of dimensions, makes a
    random search of many a small budget.)

    Examples
    --------
    >>> from skhpo.model_selection._oracles import n_initial_points
    >>> n_initial_points(3, n_iter=50), n_initial_points(12, n_iter=50)
    (10, 13)
    >>> n_initial_points(8, n_iter=12), n_initial_points(8, n_iter=1)
    (6, 1)
    """
    return max(1, min(max(10, n_dimensions + 1), n_iter // 2))


def _known(pairs: Iterator[tuple[str, float]]) -> dict[str, float]:
    return {name: unit for name, unit in pairs if not np.isnan(unit)}
