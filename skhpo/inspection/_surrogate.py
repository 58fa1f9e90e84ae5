"""Models of the score, learned from the trials of a search."""

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from ._encoding import Encoding
from ._trials import Trials, floor_of

LEAST_TRIALS = 5
N_TREES = 64
# A Gaussian process takes the cube of their number in time, and many times so to find
# its kernel.
MOST_OF_PROCESS = 300
MOST_OF_KERNEL = 100
# Over so many trials predictions are averaged.
MOST_AVERAGED = 60
ROWS_AT_ONCE = 4096


class Surrogate:
    """A model of the score given the hyperparameters.

    Parameters
    ----------
    kind : {"forest", "gaussian_process"}
        The model. "gaussian_process" learns from 300 trials at most.

    random_state : int, RandomState instance or None
        Decides the forest.
    """

    def __init__(self, kind: str, random_state: Any):
        self.kind = kind
        self.random_state = random_state

    def fit(self, trials: Trials, names: Sequence[str], floor: Any = "auto") -> Self:
        """Learn from the trials that have a score.

        Parameters
        ----------
        trials : Trials
            Those of a search.

        names : sequence of str
            Full names of the hyperparameters to learn from.

        floor : float, "auto" or None
            Lower scores count as this. "auto" takes the lowest that is not far out.

        Raises
        ------
        ValueError
            If there are too few trials.
        """
        rows = np.flatnonzero(trials.has_score)
        check_enough(len(rows))
        columns = {name: trials.columns[name] for name in names}
        self.encoding = Encoding(
            columns, trials.is_log, one_hot=self.kind == "gaussian_process"
        )
        self.columns = {name: values[rows] for name, values in columns.items()}
        self.scores = floored(trials.scores[rows], floor)
        self.X = self.encoding.matrix(self.columns)
        # Predictions are for all of the resource.
        self.most = trials.resource if trials.resource in columns else None
        if self.kind == "forest":
            self.model = RandomForestRegressor(N_TREES, random_state=self.random_state)
            self.model.fit(self.X, self.scores)
        else:
            self.model = _fitted_process(self.X, self.scores)
        return self

    def average(
        self, values: dict[str, np.ma.MaskedArray], with_deviation: bool = True
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what is predicted on average over trials, with some values changed.

        It is the partial dependence on these hyperparameters, over trials that have
        them; and for all of the resource, where trials differ in it.

        Parameters
        ----------
        values : dict of str to masked ndarray of object, each of shape (n_points,)
            The values of each point, by the full names of hyperparameters.

        with_deviation : bool, default=True
            Whether to work out deviations, for which a Gaussian process takes long.
            Else they are 0.

        Returns
        -------
        mean, deviation : ndarray of shape (n_points,)
            What the model believes, and how sure it is: the standard deviation over the
            trees of the forest, or that of the Gaussian process.
        """
        X = self.X[self._rows_with(values)].copy()
        if self.most is not None and self.most not in values:
            last = self.X[:, self.encoding.slices[self.most]].argmax()
            where = self.encoding.slices[self.most]
            X[:, where] = self.X[last, where]
        blocks = {
            name: self.encoding.block(name, column) for name, column in values.items()
        }
        n_points = len(next(iter(blocks.values())))
        step = max(1, ROWS_AT_ONCE // len(X))
        parts = []
        for start in range(0, n_points, step):
            points = slice(start, start + step)
            stacked = np.stack([X] * len(range(*points.indices(n_points))))
            for name, block in blocks.items():
                stacked[:, :, self.encoding.slices[name]] = block[points, None, :]
            parts.append(self._averages(stacked, with_deviation))
        means, deviations = zip(*parts, strict=True)
        return np.concatenate(means), np.concatenate(deviations)

    def _rows_with(self, names: Sequence[str]) -> np.ndarray:
        """Return some trials that have the hyperparameters; any, if none has them."""
        absent = np.zeros(len(self.X), dtype=bool)
        for name in names:
            absent |= np.ma.getmaskarray(self.columns[name])
        rows = np.flatnonzero(~absent) if not absent.all() else np.arange(len(self.X))
        return _evenly(rows, MOST_AVERAGED)

    def _averages(
        self, points: np.ndarray, with_deviation: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Average over the second axis of shape (n_points, n_averaged, n_columns)."""
        n_points, n_averaged, n_columns = points.shape
        X = points.reshape(-1, n_columns)
        if not with_deviation:
            means = self.model.predict(X).reshape(n_points, n_averaged).mean(axis=1)
            return means, np.zeros(n_points)
        if self.kind == "forest":
            of_trees = np.array([tree.predict(X) for tree in self.model.estimators_])
            of_trees = of_trees.reshape(-1, n_points, n_averaged).mean(axis=2)
            return of_trees.mean(axis=0), of_trees.std(axis=0)
        means, deviations = np.empty(n_points), np.empty(n_points)
        for row, point in enumerate(points):
            mean, covariance = self.model.predict(point, return_cov=True)
            means[row] = mean.mean()
            # The variance of a mean is the mean of all covariances.
            deviations[row] = np.sqrt(max(covariance.mean(), 0.0))
        return means, deviations


def check_enough(n_trials: int) -> None:
    """Raise if there are too few trials with a score for a model."""
    if n_trials < LEAST_TRIALS:
        raise ValueError(
            f"a model needs at least {LEAST_TRIALS} trials with a score, got "
            f"{n_trials}. Let the search run more trials; SliceDisplay and "
            "ContourDisplay draw without a model if model=None."
        )


def check_model(model: str | None) -> None:
    """Raise if there is no model of that name."""
    if model not in ("forest", "gaussian_process", None):
        raise ValueError(
            f'model must be "forest", "gaussian_process" or None, got {model!r}.'
        )


def floored(scores: np.ndarray, floor: Any) -> np.ndarray:
    """Return scores of which none is below the floor."""
    if floor is None:
        return scores
    if isinstance(floor, str):
        if floor != "auto":
            raise ValueError(f'floor must be a number, "auto" or None, got {floor!r}.')
        floor = floor_of(scores)
    return np.maximum(scores, floor)


def _evenly(rows: np.ndarray, most: int) -> np.ndarray:
    """Return some of the rows, evenly from the first to the last."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int)]


def _fitted_process(X: np.ndarray, scores: np.ndarray) -> GaussianProcessRegressor:
    n_columns = X.shape[1]
    kernel = ConstantKernel(1.0, (1e-2, 1e2)) * Matern(
        np.full(n_columns, 0.5), (0.05, 1e2), nu=2.5
    ) + WhiteKernel(1e-2, (1e-6, 1.0))
    # From the worst to the best.
    rows = np.argsort(scores, kind="stable")
    few, many = _evenly(rows, MOST_OF_KERNEL), _evenly(rows, MOST_OF_PROCESS)
    process = GaussianProcessRegressor(kernel, optimizer=_search, normalize_y=True)
    with warnings.catch_warnings():
        # A column without influence has a length scale at its bound, as it should.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(X[few], scores[few])
    if len(many) == len(few):
        return process
    process.set_params(kernel=process.kernel_, optimizer=None)
    return process.fit(X[many], scores[many])


def _search(cost: Any, start: np.ndarray, bounds: Any) -> tuple[np.ndarray, float]:
    """Search likely parameters of a kernel for some steps: the last change little."""
    found = minimize(
        cost, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 20}
    )
    return found.x, found.fun
