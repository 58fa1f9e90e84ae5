"""The sampler: where to look next, given what was found."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.stats import qmc

from ._axes import Axis as Axis
from ._axes import Cube
from ._gaussian_process import GaussianProcess
from ._improvement import improvement_gradient, log_expected_improvement, targets

# A finite space of no more points than this is looked at as a whole.
FEW_POINTS = 500
# An ordered axis of no more values than this is not climbed as if it were a continuum.
FEW_VALUES = 6
# How many candidates there are: at first, then around the best of those, and closer.
# The second line is for conditional spaces, in which each costs a call into Python.
BATCHES = ((1500, 300, 300), (600, 180, 180))
STEPS = (0.3, 0.1, 0.03)
# From how many points neighbours are taken, and how many are climbed from.
N_CENTRES, N_CLIMBS = 4, 3
# Up to so many digits of the unit interval, two coordinates are different.
DECIMALS = 3
# How many random points are tried to find one that was not proposed.
N_DRAWS = 50
# How many trials the belief that the best is inside the space weighs as much as, and
# the density that it gives to an end of an axis; in the middle it is 1.
BELIEF, AT_AN_END = 5.0, 0.02


class GaussianProcessSampler:
    """Proposes the points of which a Gaussian process expects the most improvement.

    The first points are those of a scrambled Sobol sequence. Once `n_initial` trials
    have scores, a Gaussian process is fitted to all of them, and a point with great
    expected improvement [1]_ is sought: among random points, then around the best of
    these and of the trials, at last by climbing. No point is proposed twice.

    Parameters
    ----------
    axes : sequence of Axis
        One for each searched parameter.

    seed : int
        Not negative.

    n_initial : int
        How many trials must have finite scores before a model is made; at least 1.

    active : callable or None, default=None
        For a conditional space: maps points of shape (n, n_axes), complete and with
        finite axes at the middles of their shares, to booleans of that shape, which
        tell the axes that matter. None: all do.

    Notes
    -----
    - What is proposed depends on nothing but the parameters and the history given: a
      search that was killed goes on from its history as if it had not been.
    - The improvement is on the best score. On the greatest mean predicted for a trial,
      which noise favours less, fewer trials explore, and after 50 of them the best is
      worse.
    - The improvement is multiplied by the power ``5 / n``, after n trials, of a density
      that falls towards the ends of each axis [3]_. Who writes a space rarely puts the
      best into its corners, but there a model is least certain, and would try them
      first.
    - Pending trials are believed to score what is predicted for them, which makes the
      model certain there and sends further trials elsewhere [2]_.

    References
    ----------
    .. [1] D. R. Jones, M. Schonlau, W. J. Welch, "Efficient global optimization of
       expensive black-box functions", Journal of Global Optimization 13, 1998.
    .. [2] D. Ginsbourger, R. Le Riche, L. Carraro, "Kriging is well-suited to
       parallelize optimization", in Computational Intelligence in Expensive
       Optimization Problems, Springer, 2010.
    .. [3] C. Hvarfner et al., "piBO: Augmenting acquisition functions with user beliefs
       for Bayesian optimization", ICLR 2022, equation 6.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.model_selection._sampler import Axis, GaussianProcessSampler
    >>> sampler = GaussianProcessSampler([Axis()], seed=0, n_initial=3)
    >>> points, scores = np.empty((0, 1)), np.empty(0)
    >>> for _ in range(10):
    ...     point = sampler.suggest(points, scores)
    ...     points = np.vstack([points, point])
    ...     scores = np.append(scores, -((point[0] - 0.3) ** 2))
    >>> bool(abs(points[np.argmax(scores), 0] - 0.3) < 0.01)
    True
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        *,
        seed: int,
        n_initial: int,
        active: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self.n_initial = max(1, n_initial)
        self._cube = Cube(axes, active)
        self._seed = seed

    def suggest(self, points: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
        """Return the next point.

        Parameters
        ----------
        points : ndarray of shape (n_trials, n_axes)
            The trials so far, NaN where an axis is inactive.
        scores : ndarray of shape (n_trials,)
            Greater is better; NaN is pending, -inf is failed.

        Returns
        -------
        point : ndarray of shape (n_axes,) or None
            In the form of `points`, finite axes at the middles of their shares. None if
            a wholly finite space has no point left.
        """
        points = self._cube.snap(np.reshape(points, (-1, self._cube.n_axes)))
        scores = np.asarray(scores, dtype=float)
        rng = np.random.default_rng((self._seed, len(points)))
        unseen = Unseen(points, self._cube)
        if np.isfinite(scores).sum() < self.n_initial:
            found = unseen.of(self._first_point(len(points)))
        else:
            found = self._most_promising(points, scores, unseen, rng)
        return found[0] if len(found) else self._any_point(unseen, rng)

    def _first_point(self, number: int) -> np.ndarray:
        sobol = qmc.Sobol(self._cube.n_axes, rng=np.random.default_rng(self._seed))
        # Whole powers of 2 are what the sequence is balanced for.
        rows = sobol.random_base2(number.bit_length())
        return self._cube.settle(rows[number : number + 1])

    def _most_promising(
        self,
        points: np.ndarray,
        scores: np.ndarray,
        unseen: "Unseen",
        rng: np.random.Generator,
    ) -> np.ndarray:
        told = ~np.isnan(scores)
        features = self._cube.features(points)
        model = GaussianProcess(self._cube.groups)
        wanted = targets(scores[told])
        model.fit(features[told], wanted)
        if not told.all():
            model.believe(features[~told])
        promise = Promise(self._cube, model, wanted)
        if self._cube.n_cells <= FEW_POINTS:
            return promise.best(unseen.of(np.vstack(list(self._cube.cells()))))
        means, _ = model.predict(features[told])
        centres = points[told][np.argsort(-means, kind="stable")[:N_CENTRES]]
        return self._searched(promise, centres, unseen, rng)

    def _searched(
        self,
        promise: "Promise",
        centres: np.ndarray,
        unseen: "Unseen",
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Return the best candidate, if there is any, as a row."""
        first, *others = BATCHES[self._cube.active is not None]
        anywhere = rng.uniform(size=(first // 2, self._cube.n_axes))
        near = self._cube.neighbours(centres, first - first // 2, STEPS[0], rng)
        batch = np.vstack([anywhere, near])
        best = promise.best(unseen.of(self._cube.settle(batch)), N_CENTRES)
        for n, step in zip(others, STEPS[1:], strict=True):
            if not len(best):
                return best
            near = self._cube.neighbours(best, n, step, rng)
            near = unseen.of(self._cube.settle(near))
            best = promise.best(np.vstack([best, near]), N_CENTRES)
        # On the climb, what is inactive is out of sight; settling needs it complete.
        ends = [promise.climbed(point) for point in best[:N_CLIMBS]]
        ends = self._cube.settle(np.nan_to_num(np.array(ends), nan=0.5))
        return promise.best(np.vstack([best, unseen.of(ends)]))

    def _any_point(
        self, unseen: "Unseen", rng: np.random.Generator
    ) -> np.ndarray | None:
        drawn = rng.uniform(size=(N_DRAWS, self._cube.n_axes))
        found = unseen.of(self._cube.settle(drawn))
        if len(found):
            return found[0]
        if math.isinf(self._cube.n_cells):
            # The continuous axes matter in so few points that none was drawn.
            return self._rare_point(unseen, rng)
        rest = map(unseen.of, self._cube.cells())
        return next((rows[0] for rows in rest if len(rows)), None)

    def _rare_point(
        self, unseen: "Unseen", rng: np.random.Generator
    ) -> np.ndarray | None:
        for _ in range(N_DRAWS):
            drawn = rng.uniform(size=(10 * N_DRAWS, self._cube.n_axes))
            found = unseen.of(self._cube.settle(drawn))
            if len(found):
                return found[0]
        return None


class Unseen:
    """Tells which points were not proposed yet.

    On continuous axes, a point that is so near another as to tell nothing new is taken
    for it.
    """

    def __init__(self, points: np.ndarray, cube: Cube):
        self._continuous = np.array([axis.edges is None for axis in cube.axes])
        self._seen = set(self._keys(points))

    def of(self, points: np.ndarray) -> np.ndarray:
        """Return the rows that were not proposed."""
        return points[[key not in self._seen for key in self._keys(points)]]

    def _keys(self, points: np.ndarray) -> list[bytes]:
        # Adding 0 makes -0 equal 0 in every byte.
        rounded = np.where(self._continuous, points.round(DECIMALS), points) + 0.0
        return [row.tobytes() for row in rounded]


class Promise:
    """What points of a cube promise, as a logarithm.

    It is the improvement that a model expects there, and a belief, which fades with the
    number of trials, that the best is not at the ends of the axes.

    Parameters
    ----------
    cube : Cube
    model : GaussianProcess
    wanted : ndarray of shape (n_trials,)
        What the model was fitted to.
    """

    def __init__(self, cube: Cube, model: GaussianProcess, wanted: np.ndarray):
        self._cube = cube
        self._model = model
        self._best = wanted.max()
        self._weight = BELIEF / len(wanted)
        n_values = np.array([axis.n_values for axis in cube.axes])
        ordered = np.array([axis.ordered for axis in cube.axes])
        self._climbable = ordered & (n_values > FEW_VALUES)

    def of(self, points: np.ndarray) -> np.ndarray:
        """Return it at each point."""
        means, deviations = self._model.predict(self._cube.features(points))
        improvements = log_expected_improvement(means, deviations, self._best)
        # Of an inactive axis nothing is believed, as of the middle.
        units = np.nan_to_num(points[:, self._climbable], nan=0.5)
        return improvements + self._weight * _inside(units).sum(axis=1)

    def best(self, points: np.ndarray, n: int = 1) -> np.ndarray:
        """Return the n points with the most of it, the best first."""
        if not len(points):
            return points
        return points[np.argsort(-self.of(points), kind="stable")[:n]]

    def climbed(self, point: np.ndarray) -> np.ndarray:
        """Return where a climb along the active continuous axes ends, not snapped."""
        free = np.flatnonzero(self._climbable & ~np.isnan(point))
        if not len(free):
            return point
        columns = self._cube.columns[free]
        x = self._cube.features(point[None])[0]

        def cost(units: np.ndarray) -> tuple[float, np.ndarray]:
            x[columns] = units
            value, gradient = self.improvement(x)
            value += self._weight * _inside(units).sum()
            return -value, -gradient[columns] - self._weight * _inside_slopes(units)

        end = minimize(
            cost,
            point[free],
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 1.0)] * len(free),
            options={"maxiter": 15},
        )
        climbed = point.copy()
        climbed[free] = end.x
        return climbed

    def improvement(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return what the model expects at features x, and its derivatives by these."""
        mean, deviation, mean_slopes, deviation_slopes = self._model.gradients(x)
        return improvement_gradient(
            mean, deviation, self._best, mean_slopes, deviation_slopes
        )


def _inside(units: np.ndarray) -> np.ndarray:
    """Return the logarithm of the density, but for a constant, at coordinates."""
    return np.log(4 * units * (1 - units) + AT_AN_END)


def _inside_slopes(units: np.ndarray) -> np.ndarray:
    """Return the derivative of that."""
    return (4 - 8 * units) / (4 * units * (1 - units) + AT_AN_END)
