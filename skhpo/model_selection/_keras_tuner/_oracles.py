"""Keras Tuner's oracles, asked and told as ours are."""

import copy
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial as KerasTunerTrial
from scipy.stats import rankdata

from ..._compat import forget_oracle, set_grid_order
from ...exceptions import JournalError
from .._dimensions import Categories, Dimension, IntegerInterval, RealInterval
from .._oracles import MOST_CANDIDATES, PointOracle, Trial
from .._settings import Cell, Space
from .._single_thread import unnoticed
from ._gaussian_process import GaussianProcessOracle

OBJECTIVE = "score"


class KerasTunerOracle:
    """Any oracle of Keras Tuner's, asked for trials and told their scores.

    A candidate that it proposes again gets the score that it had, without a new
    evaluation; so does one that differs only in what does not matter. Like Keras Tuner
    itself, it takes the space for exhausted after 20 of those in a row.

    Parameters
    ----------
    oracle : keras_tuner.Oracle
        A copy of it is used. Its objective becomes the score of the search.

    space : Space
        Where it is to look. What depends on a condition is proposed in any case, and
        left out of the candidates for which it does not matter.
    """

    max_collisions = 20

    def __init__(self, oracle: keras_tuner.Oracle, space: Space):
        self._space = space
        self._oracle = copy.deepcopy(oracle)
        if isinstance(oracle, keras_tuner.oracles.GridSearchOracle):
            # It ends by itself.
            self.max_collisions = MOST_CANDIDATES
            if space.is_conditional:
                set_grid_order(self._oracle, self._next_in_grid)
        self._oracle.objective = keras_tuner.Objective(OBJECTIVE, direction="max")
        self._oracle.verbose = 0
        # It is the search that decides when there are too many failures.
        self._oracle.max_consecutive_failed_trials = math.inf
        self._oracle.update_space(_hyperparameters(space.dimensions))
        self._n_asked = 0
        self._trials: list[Trial] = []
        # The trials of Keras Tuner that wait for the score of a candidate.
        self._pending: dict[tuple, list[KerasTunerTrial]] = {}
        self._scores: dict[tuple, float] = {}

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="skhpo-")
        # Nothing but a tuner gives an oracle a folder, and it writes to one.
        keras_tuner.engine.base_tuner.BaseTuner(
            oracle=self._oracle,
            directory=self._folder.name,
            project_name="oracle",
        )
        return self

    def __exit__(self, *exception: object) -> None:
        """Let go of what Keras Tuner keeps of an oracle for ever."""
        forget_oracle(keras_tuner.Oracle, self._oracle)
        self._folder.cleanup()

    def ask(self) -> Trial | None:
        """Return a new trial, or None if there is none to be had now."""
        for _ in range(self.max_collisions):
            running = self._create_trial()
            if running is None:
                return None
            setting = self._space.setting(
                lambda name, dim, values=running.hyperparameters.values: _cell(
                    dim, values[name]
                )
            )
            key = tuple(setting.cells.items())
            if key not in self._scores:
                trial = Trial(len(self._trials), setting.params, setting.cells)
                self._trials.append(trial)
                self._pending[key] = [running]
                self._scores[key] = math.nan
                return trial
            if key in self._pending:
                self._pending[key].append(running)
            else:
                self._end(running, self._scores[key])
        return None

    def tell(self, trial: Trial, score: float) -> None:
        """Take in the score of a trial: greater is better, not finite is a failure."""
        key = tuple(trial.cells.items())
        self._scores[key] = score
        for running in self._pending.pop(key):
            self._end(running, score)

    def recall(self, cells: Mapping[str, Cell]) -> Trial:
        """Return the trial that was proposed next, in a search that goes on."""
        trial = self.ask()
        if trial is None or trial.cells != dict(cells):
            raise JournalError(
                "a journal must hold the candidates that the oracle proposes, and "
                f"holds {dict(cells)} where it now proposes "
                f"{trial.cells if trial else 'none'}: another version of Keras Tuner, "
                "or an oracle without a seed of its own? Name another folder."
            )
        return trial

    def _next_in_grid(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the values that come after others, None after the last.

        As Keras Tuner does, it begins with defaults and changes the last hyperparameter
        first: the last that the function asked for. What it asks for next depends on
        the answers before, so that each candidate is met once.
        """
        known = {p.name: p for p in self._oracle.get_space().space}
        defaults = {name: p.default for name, p in known.items()}
        asked = list(self._space.asked(lambda name, dim: _cell(dim, values[name])))
        while asked:
            name = asked.pop()
            rest = [value for value in known[name].values if value != defaults[name]]
            choices = [defaults[name], *rest]
            place = choices.index(values[name]) + 1
            if place < len(choices):
                before = {earlier: values[earlier] for earlier in asked}
                return defaults | before | {name: choices[place]}
        return None

    def _create_trial(self) -> KerasTunerTrial | None:
        self._n_asked += 1
        with unnoticed():
            trial = self._oracle.create_trial(f"candidate-{self._n_asked}")
        return trial if trial.status == "RUNNING" else None

    def _end(self, trial: KerasTunerTrial, score: float) -> None:
        finite = [found for found in self._scores.values() if math.isfinite(found)]
        if not math.isfinite(score) and finite:
            # A failure counts as the worst: Keras Tuner itself learns nothing of it.
            score = min(finite)
        trial.status = "COMPLETED" if math.isfinite(score) else "FAILED"
        with unnoticed():
            if trial.status == "COMPLETED":
                self._oracle.update_trial(trial.trial_id, {OBJECTIVE: score})
            self._oracle.end_trial(trial)


class KerasTunerProcessOracle(PointOracle):
    """Proposes candidates by Keras Tuner's Gaussian process, none of them twice.

    The first candidates are random. Once `n_initial` of them have scores, a Gaussian
    process with a Matern kernel is fitted to all that is known, and the next candidate
    is where its upper confidence bound is highest [1]_.

    Parameters
    ----------
    space : Space
        Where to look for candidates.

    n_initial : int
        How many trials must have scores before the model proposes.

    seed : int
        From 1 to 2**32 - 1. Keras Tuner ignores 0.

    initial : sequence of dict of str to float or int
        The cells of settings to propose before all others.

    settings : dict of str to object
        More parameters of `keras_tuner.oracles.BayesianOptimizationOracle`.

    Notes
    -----
    Keras Tuner's oracle is used for nothing but its public `populate_space`, and is
    shown a record of trials of our own before each proposal. It is shown

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

    def __init__(
        self,
        space: Space,
        n_initial: int,
        seed: int,
        initial: Sequence[Mapping[str, Cell]] = (),
        settings: Mapping[str, Any] | None = None,
    ):
        super().__init__(space, seed, initial)
        self._n_initial = n_initial
        self._names = list(space.dimensions)
        # Every dimension is shown as the unit interval. Keras Tuner embeds its own
        # types in it in the same way, but knows neither weighted choices nor
        # distributions.
        unit_cube = keras_tuner.HyperParameters()
        for name in self._names:
            unit_cube.Float(name, 0.0, 1.0)
        self._tuner = keras_tuner.oracles.BayesianOptimizationOracle(
            objective=keras_tuner.Objective(OBJECTIVE, direction="max"),
            hyperparameters=unit_cube,
            num_initial_points=n_initial,
            seed=seed,
            **(settings or {}),
        )

    def recall(self, cells: Mapping[str, Cell]) -> Trial:
        """Return the trial that was proposed next, in a search that goes on."""
        # Keras Tuner's generator has moved on with each proposal.
        if len(self._trials) >= len(self._initial):
            self._suggestion()
        return super().recall(cells)

    def _suggestions(self) -> Iterator[Mapping[str, float]]:
        yield self._suggestion()
        draws = list(self._random_units())
        if self._has_model():
            # Keras Tuner's model is of costs, and so is its acquisition function.
            points = [[draw[name] for name in self._names] for draw in draws]
            mean, deviation = self._tuner.gpr.predict(points, return_std=True)
            costs = mean - self._tuner.beta * deviation
            draws = [draws[k] for k in np.argsort(costs, kind="stable")]
        yield from draws
        yield from self._all_units()

    def _suggestion(self) -> dict[str, float]:
        """Return Keras Tuner's proposal, which may have been made before."""
        # Shown nothing, Keras Tuner proposes at random.
        self._tuner.trials = self._known_trials() if self._has_model() else {}
        with unnoticed():
            values = self._tuner.populate_space(str(len(self._trials)))["values"]
        return {name: float(unit) for name, unit in values.items()}

    def _has_model(self) -> bool:
        return np.isfinite(list(self._scores.values())).sum() >= self._n_initial

    def _known_trials(self) -> dict[str, KerasTunerTrial]:
        targets = _targets(self._scores, len(self._trials))
        return {
            str(number): self._completed_trial(number, target)
            for number, target in enumerate(targets)
        }

    def _completed_trial(self, number: int, target: float) -> KerasTunerTrial:
        cells = self._trials[number].cells
        space = self._tuner.get_space()
        space.values = {
            # Keras Tuner gives what does not matter a value as well.
            name: self._space.dimensions[name].unit(cells[name])
            if name in cells
            else 0.5
            for name in self._names
        }
        trial = KerasTunerTrial(space, trial_id=str(number), status="COMPLETED")
        trial.score = target
        return trial


def _targets(scores: Mapping[int, float], n_trials: int) -> np.ndarray:
    """Return what the model is to believe of each trial, as the class says and why."""
    told = np.array([scores.get(number, np.nan) for number in range(n_trials)])
    ranks = rankdata(np.where(np.isfinite(told), told, np.nan), nan_policy="omit")
    failed = np.array([number in scores for number in range(n_trials)])
    missing = np.where(failed, np.nanmin(ranks), np.nanmean(ranks))
    return np.where(np.isnan(ranks), missing, ranks)


def _hyperparameters(
    dimensions: Mapping[str, Dimension],
) -> keras_tuner.HyperParameters:
    """Return a space in Keras Tuner's terms: its own kinds where it has the like."""
    hp = keras_tuner.HyperParameters()
    for name, dimension in dimensions.items():
        if isinstance(dimension, RealInterval | IntegerInterval):
            kind = hp.Float if isinstance(dimension, RealInterval) else hp.Int
            sampling = "log" if dimension.log else "linear"
            kind(name, dimension.low, dimension.high, sampling=sampling)
        elif _is_plain_choice(dimension):
            hp.Choice(name, list(dimension.cells), ordered=dimension.ordered)
        else:
            hp.Float(name, 0.0, 1.0)
    return hp


def _cell(dimension: Dimension, value: float) -> Cell:
    """Return the cell of what Keras Tuner proposed."""
    if isinstance(dimension, IntegerInterval):
        return int(value)
    if isinstance(dimension, RealInterval):
        return float(min(max(value, dimension.low), dimension.high))
    return int(value) if _is_plain_choice(dimension) else dimension.cell(value)


def _is_plain_choice(dimension: Dimension) -> bool:
    is_choice = isinstance(dimension, Categories)
    return is_choice and math.isclose(min(dimension.shares), max(dimension.shares))


def check_oracle(oracle: Any) -> None:
    """Raise a `ValueError` for what is no oracle, or Hyperband's."""
    is_hyperband = isinstance(oracle, keras_tuner.oracles.HyperbandOracle)
    if is_hyperband or oracle == "hyperband":
        raise ValueError(
            "oracle must propose whole trials, which Hyperband does not: it needs to "
            "know that a candidate continues where it was. Use "
            "skhpo.model_selection.HyperbandSearchCV."
        )
    if isinstance(oracle, keras_tuner.Oracle):
        return
    if not isinstance(oracle, str) or oracle not in NAMED_ORACLES:
        raise ValueError(
            f"oracle must be one of {sorted(NAMED_ORACLES)} or an instance of "
            f"keras_tuner.Oracle, got {oracle!r}."
        )


def named_oracle(name: str, seed: int) -> keras_tuner.Oracle:
    """Return one of the oracles that have a short name."""
    oracle = NAMED_ORACLES[name](seed=seed)
    # Keras Tuner's default is ten.
    oracle.max_trials = None
    return oracle


NAMED_ORACLES = {
    "random": keras_tuner.oracles.RandomSearchOracle,
    "grid": keras_tuner.oracles.GridSearchOracle,
    "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    "gp": GaussianProcessOracle,
}
