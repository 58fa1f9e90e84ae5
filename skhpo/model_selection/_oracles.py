"""Oracles: asked for candidates, told their scores. The only door to Keras Tuner."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import rankdata

from ._dimensions import Dimension

if TYPE_CHECKING:
    import keras_tuner

# Among how many random candidates one is sought that was not proposed before.
N_DRAWS = 1000


@dataclass(frozen=True)
class Trial:
    """One candidate that an oracle proposed.

    Parameters
    ----------
    number : int
        Its place in the order of proposals, from 0.

    params : dict of str to object
        What `set_params` is to get.
    """

    number: int
    params: dict[str, Any]


class BayesOracle:
    """Proposes candidates by Keras Tuner's Gaussian process, none of them twice.

    The first candidates are random. Once `n_initial` of them have scores, a Gaussian
    process with a Matern kernel is fitted to all that is known, and the next candidate
    is where its upper confidence bound is highest [1]_.

    Parameters
    ----------
    dimensions : dict of str to Dimension
        The space, as `read_space` returns it.

    n_iter : int
        How many trials there will be, which bounds the number of random ones.

    seed : int
        From 1 to 2**32 - 1. Keras Tuner ignores 0.

    Notes
    -----
    Keras Tuner's oracle is used for nothing but its public `populate_space`. Its
    `create_trial` and `end_trial` write files, print, and leave locks in module-level
    dictionaries that keep every oracle alive; so the record of trials is kept here, and
    Keras Tuner is shown it before each proposal. It is shown

    - ranks of scores instead of scores, since one diverged network can be worse by
      more orders of magnitude than all others differ;
    - a failed trial as the worst: without it, the model would not learn to stay away
      and might propose the same failure's neighbours for ever;
    - a trial whose score is not in yet as a middling one, the "constant liar" of [2]_,
      which sends the other trials of a batch elsewhere.

    References
    ----------
    .. [1] N. Srinivas, A. Krause, S. Kakade, M. Seeger, "Gaussian process optimization
       in the bandit setting: no regret and experimental design", ICML 2010.
    .. [2] D. Ginsbourger, R. Le Riche, L. Carraro, "Kriging is well-suited to
       parallelize optimization", in Computational Intelligence in Expensive
       Optimization Problems, Springer, 2010.
    """

    def __init__(self, dimensions: Mapping[str, Dimension], n_iter: int, seed: int):
        self.n_initial = n_initial_points(len(dimensions), n_iter)
        self._dimensions = dimensions
        self._tuner = _keras_tuner_oracle(dimensions, self.n_initial, seed)
        self._random = np.random.default_rng(seed)
        self._points: list[np.ndarray] = []
        self._scores: dict[int, float] = {}
        self._proposed: set[tuple] = set()

    def ask(self) -> Trial | None:
        """Return a new trial, or None if the space has no candidate left.

        Any number of trials may be asked for before the first is told.
        """
        point = self._suggestion()
        if self._cells(point) in self._proposed:
            point = self._best_unproposed()
        if point is None:
            return None
        cells = self._cells(point)
        self._points.append(point)
        self._proposed.add(cells)
        return Trial(len(self._points) - 1, self._params(cells))

    def tell(self, trial: Trial, score: float) -> None:
        """Take in the score of a trial: greater is better, not finite is a failure."""
        self._scores[trial.number] = float(score)

    def _suggestion(self) -> np.ndarray:
        """Return Keras Tuner's proposal, which may have been made before."""
        # Shown nothing, Keras Tuner proposes at random.
        self._tuner.trials = self._known_trials() if self._has_model() else {}
        with warnings.catch_warnings():
            # The numerical woes of a surrogate model: nothing its user can act upon.
            warnings.simplefilter("ignore")
            values = self._tuner.populate_space(str(len(self._points)))["values"]
        return np.array([values[name] for name in self._dimensions])

    def _has_model(self) -> bool:
        return np.isfinite(list(self._scores.values())).sum() >= self.n_initial

    def _known_trials(self) -> dict[str, "keras_tuner.engine.trial.Trial"]:
        targets = _targets(self._scores, len(self._points))
        return {
            str(number): self._completed_trial(number, target)
            for number, target in enumerate(targets)
        }

    def _completed_trial(
        self, number: int, target: float
    ) -> "keras_tuner.engine.trial.Trial":
        from keras_tuner.engine.trial import Trial as KerasTunerTrial

        space = self._tuner.get_space()
        space.values = dict(zip(self._dimensions, self._points[number], strict=True))
        trial = KerasTunerTrial(space, trial_id=str(number), status="COMPLETED")
        trial.score = target
        return trial

    def _best_unproposed(self) -> np.ndarray | None:
        draws = self._random.uniform(size=(N_DRAWS, len(self._dimensions)))
        points = [p for p in draws if self._cells(p) not in self._proposed]
        if not points:
            return next(self._rest_of_finite_space(), None)
        if not self._has_model():
            return points[0]
        # Keras Tuner's model is of costs, and so is its acquisition function.
        mean, deviation = self._tuner.gpr.predict(points, return_std=True)
        return points[np.argmin(mean - self._tuner.beta * deviation)]

    def _rest_of_finite_space(self) -> Iterator[np.ndarray]:
        dimensions = self._dimensions.values()
        if any(dimension.cells is None for dimension in dimensions):
            return
        for cells in product(*(dimension.cells for dimension in dimensions)):
            if cells not in self._proposed:
                pairs = zip(dimensions, cells, strict=True)
                yield np.array([dimension.unit(cell) for dimension, cell in pairs])

    def _cells(self, point: np.ndarray) -> tuple:
        pairs = zip(self._dimensions.values(), point.tolist(), strict=True)
        return tuple(dimension.cell(unit) for dimension, unit in pairs)

    def _params(self, cells: tuple) -> dict[str, Any]:
        pairs = zip(self._dimensions.items(), cells, strict=True)
        return {name: dimension.value(cell) for (name, dimension), cell in pairs}


def n_initial_points(n_dimensions: int, n_iter: int) -> int:
    """Return how many random trials come before the first one that a model proposes.

    It is the greater of 5 and the number of dimensions plus 1, but at most half of the
    trials. (Keras Tuner's own default, three times the number of dimensions, makes a
    random search of many a small budget.)

    Examples
    --------
    >>> from skhpo.model_selection._oracles import n_initial_points
    >>> n_initial_points(3, n_iter=50), n_initial_points(8, n_iter=50)
    (5, 9)
    >>> n_initial_points(8, n_iter=12), n_initial_points(8, n_iter=1)
    (6, 1)
    """
    return max(1, min(max(5, n_dimensions + 1), n_iter // 2))


def _targets(scores: Mapping[int, float], n_trials: int) -> np.ndarray:
    """Return what the model is to believe of each trial, as the class says and why."""
    told = np.array([scores.get(number, np.nan) for number in range(n_trials)])
    ranks = rankdata(np.where(np.isfinite(told), told, np.nan), nan_policy="omit")
    failed = np.array([number in scores for number in range(n_trials)])
    missing = np.where(failed, np.nanmin(ranks), np.nanmean(ranks))
    return np.where(np.isnan(ranks), missing, ranks)


def _keras_tuner_oracle(
    dimensions: Mapping[str, Dimension], n_initial: int, seed: int
) -> "keras_tuner.oracles.BayesianOptimizationOracle":
    import keras_tuner

    # Every dimension is shown as the unit interval. Keras Tuner embeds its own types in
    # it in the same way, but knows neither weighted choices nor distributions.
    unit_cube = keras_tuner.HyperParameters()
    for name in dimensions:
        unit_cube.Float(name, 0.0, 1.0)
    return keras_tuner.oracles.BayesianOptimizationOracle(
        objective=keras_tuner.Objective("score", direction="max"),
        hyperparameters=unit_cube,
        num_initial_points=n_initial,
        seed=seed,
    )
