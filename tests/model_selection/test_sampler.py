"""The Gaussian-process sampler: its contract, and its arithmetic beside others'."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from skhpo.model_selection._axes import Cube
from skhpo.model_selection._gaussian_process import GaussianProcess, LogPosterior
from skhpo.model_selection._improvement import (
    improvement_gradient,
    log_expected_improvement,
    targets,
)
from skhpo.model_selection._sampler import Axis, GaussianProcessSampler, Promise


def shares(n, *, ordered=True):
    return Axis(np.linspace(0, 1, n + 1), ordered)


def skewed(n):
    return Axis(np.linspace(0, 1, n + 1) ** 2)


def search(sampler, objective, n_trials, points=None, scores=None):
    """Return the points of a search, as many as there are, and their scores."""
    n_axes = sampler._cube.n_axes
    points = np.empty((0, n_axes)) if points is None else points
    scores = np.empty(0) if scores is None else scores
    for _ in range(n_trials):
        point = sampler.suggest(points, scores)
        if point is None:
            break
        points = np.vstack([points, point])
        scores = np.append(scores, objective(point))
    return points, scores


def bowl(point):
    return -float(np.nansum((point - 0.3) ** 2))


def second_needs_first(points):
    """Tell the axes that matter: the second only in the upper half of the first."""
    mask = np.ones(points.shape, dtype=bool)
    mask[:, 1] = points[:, 0] > 0.5
    return mask


SPACES = {
    "continuous": ([Axis(), Axis(), Axis()], None),
    "one axis": ([Axis()], None),
    "single value": ([Axis(), shares(1), shares(1, ordered=False)], None),
    "mixed": ([Axis(), shares(3, ordered=False), skewed(20), shares(2)], None),
    "finite": ([shares(40), skewed(30), shares(3, ordered=False)], None),
    "conditional": ([shares(2, ordered=False), Axis(), skewed(9)], second_needs_first),
}


@pytest.fixture(params=SPACES)
def space(request):
    return SPACES[request.param]


def sampler_of(space, seed=0, n_initial=4):
    axes, active = space
    return GaussianProcessSampler(axes, seed=seed, n_initial=n_initial, active=active)


class TestContract:
    def test_points_are_snapped_new_and_within_bounds(self, space):
        axes, active = space
        points, _ = search(sampler_of(space), bowl, 16)
        assert len({point.tobytes() for point in points}) == 16
        for axis, column in zip(axes, points.T, strict=True):
            column = column[~np.isnan(column)]
            assert ((column >= 0) & (column <= 1)).all()
            if axis.edges is not None:
                assert np.isin(column, axis.middles).all()
        expected = True if active is None else active(points)
        np.testing.assert_array_equal(
            ~np.isnan(points), np.broadcast_to(expected, points.shape)
        )

    def test_history_is_all_that_counts(self, space):
        points, scores = search(sampler_of(space), bowl, 12)
        points.flags.writeable = scores.flags.writeable = False
        for n in range(12):
            found = sampler_of(space).suggest(points[:n], scores[:n])
            np.testing.assert_array_equal(found, points[n])

    def test_seeds_differ(self, space):
        found = [search(sampler_of(space, seed), bowl, 6)[0] for seed in (0, 1)]
        assert not np.array_equal(*found, equal_nan=True)

    def test_nothing_global_is_touched(self, space):
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        search(sampler_of(space), bowl, 6)
        after = np.random.get_state()[1]  # noqa: NPY002
        np.testing.assert_array_equal(after, before)

    def test_pending_trials_are_not_proposed_again(self, space):
        points, _ = search(sampler_of(space), lambda point: math.nan, 6)
        points, scores = search(
            sampler_of(space),
            lambda point: math.nan,
            8,
            points,
            np.array([bowl(point) for point in points]),
        )
        assert len({point.tobytes() for point in points}) == 14
        assert np.isnan(scores[6:]).all()

    @pytest.mark.parametrize("score", [0.0, -math.inf, 1e300, -1e300])
    def test_constant_scores(self, space, score):
        points, _ = search(sampler_of(space), lambda point: score, 12)
        assert len({point.tobytes() for point in points}) == 12

    @settings(max_examples=25, deadline=None)
    @given(
        scores=st.lists(
            st.floats(allow_nan=True, allow_infinity=False) | st.just(-math.inf),
            min_size=5,
            max_size=12,
        )
    )
    def test_any_scores(self, scores):
        rows = sampler_of(SPACES["mixed"], n_initial=50)
        points, _ = search(rows, bowl, len(scores))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            sampler = sampler_of(SPACES["mixed"], n_initial=1)
            found = sampler.suggest(points, np.array(scores))
        assert np.isfinite(found).all()

    def test_many_trials(self):
        space = SPACES["mixed"]
        points, scores = search(sampler_of(space, n_initial=1000), bowl, 300)
        found = sampler_of(space).suggest(points, scores)
        assert found.tobytes() not in {point.tobytes() for point in points}


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    ordered=st.booleans(),
    n_initial=st.integers(0, 8),
    seed=st.integers(0, 2**32),
)
def test_a_finite_space_is_exhausted(sizes, ordered, n_initial, seed):
    axes = [shares(size, ordered=ordered) for size in sizes]
    sampler = GaussianProcessSampler(axes, seed=seed, n_initial=n_initial)
    points, scores = search(sampler, bowl, 100)
    assert len(points) == math.prod(sizes)
    assert sampler.suggest(points, scores) is None


def test_a_conditional_finite_space_is_exhausted():
    axes = [shares(2), shares(5)]
    sampler = GaussianProcessSampler(
        axes, seed=0, n_initial=3, active=second_needs_first
    )
    points, _ = search(sampler, bowl, 100)
    assert len(points) == 1 + 5


def test_a_large_finite_space_is_exhausted():
    # More points than are looked at as a whole.
    axes = [shares(30), shares(30)]
    points = np.vstack(list(Cube(axes).cells()))
    scores = -((points - 0.3) ** 2).sum(axis=1)
    sampler = GaussianProcessSampler(axes, seed=0, n_initial=3)
    rest = points[[5, 444]]
    points, scores = np.delete(points, [5, 444], 0), np.delete(scores, [5, 444])
    found, _ = search(sampler, bowl, 5, points, scores)
    assert sorted(found[-2:].tolist()) == sorted(rest.tolist())
    assert len(found) == 900


def test_a_conditional_space_can_be_finite_in_some_branches():
    # A continuum that matters nowhere leaves two points.
    def active(points):
        return np.broadcast_to([True, False], points.shape)

    axes = [shares(2), Axis()]
    sampler = GaussianProcessSampler(axes, seed=0, n_initial=1, active=active)
    assert len(search(sampler, bowl, 5)[0]) == 2


def test_slow_masks_are_asked_for_at_most_a_thousand_points():
    asked = []

    def active(points):
        asked.append(len(points))
        assert not np.isnan(points).any()
        assert np.isin(points[:, 0], [0.25, 0.75]).all()
        return second_needs_first(points)

    axes = [shares(2), *[Axis()] * 7]
    sampler = GaussianProcessSampler(axes, seed=0, n_initial=5, active=active)
    points, scores = search(sampler, bowl, 8)
    asked.clear()
    sampler.suggest(points, scores)
    assert sum(asked) <= 1000


@pytest.mark.parametrize("name", ["continuous", "mixed", "conditional"])
def test_the_maximum_is_found(name):
    space = SPACES[name]
    _, scores = search(sampler_of(space, seed=1), bowl, 30)
    random = np.random.default_rng(0).uniform(size=(1000, len(space[0])))
    random = sampler_of(space)._cube.settle(random)
    assert scores.max() >= max(map(bowl, random)) - 1e-3


def test_categories_are_learned():
    axes = [shares(6, ordered=False), Axis()]
    sampler = GaussianProcessSampler(axes, seed=0, n_initial=5)

    def score(point):
        return float(int(point[0] * 6) == 4) - (point[1] - 0.7) ** 2

    points, scores = search(sampler, score, 30)
    assert (np.floor(points[20:, 0] * 6) == 4).mean() > 0.5
    assert scores.max() > 0.999


def test_failures_are_kept_away_from():
    sampler = GaussianProcessSampler([Axis(), Axis()], seed=0, n_initial=5)

    def score(point):
        # The maximum is beside the cliff.
        return -math.inf if point[0] > 0.6 else point[0] - point[1]

    _, scores = search(sampler, score, 40)
    assert np.isinf(scores[10:]).mean() < 0.5
    assert scores.max() > 0.55


def test_pending_trials_send_others_elsewhere():
    points, scores = search(sampler_of(SPACES["continuous"]), bowl, 15)
    sampler = sampler_of(SPACES["continuous"])
    batch, _ = search(sampler, lambda point: math.nan, 4, points, scores)
    distances = np.linalg.norm(batch[15:, None] - batch[None, 15:], axis=2)
    # Where they are not believed, the second is within a hundredth of the first.
    assert distances[np.triu_indices(4, 1)].min() > 1e-2


def test_the_first_points_are_a_scrambled_sobol_sequence():
    points, _ = search(sampler_of(SPACES["continuous"], n_initial=8), bowl, 8)
    eighths = np.sort((8 * points).astype(int), axis=0)
    assert (eighths == np.arange(8)[:, None]).all()
    others, _ = search(sampler_of(SPACES["continuous"], n_initial=8, seed=1), bowl, 8)
    assert not np.isclose(points, others).any()


# The arithmetic.


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(25, 3))
    y = np.sin(5 * X[:, 0]) + X[:, 1] ** 2 + 0.1 * rng.normal(size=25)
    return X, y - y.mean()


THETA = np.log([0.3, 0.7, 2.0, 1.5, 0.02])


def peer(theta=THETA):
    kernel = ConstantKernel(np.exp(theta[-2])) * Matern(np.exp(theta[:-2]), nu=2.5)
    kernel += WhiteKernel(np.exp(theta[-1]))
    return GaussianProcessRegressor(kernel, optimizer=None, alpha=0.0)


def test_predictions_are_those_of_scikit_learn(samples):
    X, y = samples
    new = np.random.default_rng(1).uniform(size=(50, 3))
    mean, deviation = GaussianProcess(np.arange(3)).condition(X, y, THETA).predict(new)
    expected, with_noise = peer().fit(X, y).predict(new, return_std=True)
    np.testing.assert_allclose(mean, expected, rtol=1e-8, atol=1e-10)
    without = np.sqrt(with_noise**2 - np.exp(THETA[-1]))
    np.testing.assert_allclose(deviation, without, rtol=1e-6)


def test_likelihoods_are_those_of_scikit_learn(samples):
    X, y = samples
    posterior = LogPosterior(X, y, np.arange(3))

    def log_prior(theta):
        return -0.5 * (((theta - posterior._means) / posterior._deviations) ** 2).sum()

    found, expected = [], []
    for theta in (THETA, THETA + 0.3):
        found.append(-posterior.cost(theta)[0] - log_prior(theta))
        expected.append(peer(theta).fit(X, y).log_marginal_likelihood_value_)
    # The constant is left out.
    assert found[0] - found[1] == pytest.approx(expected[0] - expected[1], rel=1e-8)


@pytest.mark.parametrize("groups", [[0, 1, 2], [0, 1, 1], [0, 0, 0]])
def test_gradient_of_the_posterior(samples, groups):
    groups = np.array(groups)
    posterior = LogPosterior(*samples, groups)
    theta = np.append(THETA[: groups.max() + 1], THETA[-2:])
    expected = approx_fprime(theta, lambda at: posterior.cost(at)[0], 1e-7)
    np.testing.assert_allclose(posterior.cost(theta)[1], expected, rtol=1e-4, atol=1e-4)


def test_fit_finds_hyperparameters_as_probable_as_any_start_gives(samples):
    X, y = samples
    found = GaussianProcess(np.arange(3)).fit(X, y).theta_
    posterior = LogPosterior(X, y, np.arange(3))
    others = np.random.default_rng(0).normal(posterior._means, 1, size=(200, 5))
    lower, upper = np.transpose(posterior.bounds)
    costs = [posterior.cost(np.clip(other, lower, upper))[0] for other in others]
    assert posterior.cost(found)[0] <= min(costs) + 1e-3


def test_believed_samples_change_deviations_only(samples):
    X, y = samples
    new = np.random.default_rng(1).uniform(size=(20, 3))
    model = GaussianProcess(np.arange(3)).condition(X, y, THETA)
    mean, deviation = model.predict(new)
    mean_then, deviation_then = model.believe(new[:5]).predict(new)
    np.testing.assert_allclose(mean_then, mean, atol=1e-8)
    assert (deviation_then <= deviation + 1e-9).all()
    assert (deviation_then[:5] < 0.2).all()


def test_equal_samples_without_noise_can_be_inverted():
    X, y = np.zeros((50, 1)), np.zeros(50)
    theta = np.array([0.0, math.log(20), -60.0])
    mean, _ = GaussianProcess(np.array([0])).condition(X, y, theta).predict(X)
    assert np.isfinite(mean).all()


@pytest.mark.parametrize("name", ["continuous", "mixed"])
def test_gradient_of_the_promise(name):
    cube = Cube(*SPACES[name])
    points = cube.settle(np.random.default_rng(0).uniform(size=(20, cube.n_axes)))
    features = cube.features(points)
    y = targets(np.array([bowl(point) for point in points]))
    model = GaussianProcess(cube.groups).fit(features, y)
    promise = Promise(cube, model, y)
    for x in cube.features(np.random.default_rng(1).uniform(size=(5, cube.n_axes))):
        value, gradient = promise.improvement(x)
        steps = 1e-5 * np.eye(len(x))
        expected = [
            (promise.improvement(x + s)[0] - promise.improvement(x - s)[0]) / 2e-5
            for s in steps
        ]
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-3 * scale)
        mean, deviation = model.predict(x[None])
        batch = log_expected_improvement(mean, deviation, promise._best)
        assert value == pytest.approx(batch[0], rel=1e-6)


@pytest.mark.parametrize("name", ["continuous", "mixed"])
def test_climbs_end_where_more_is_promised(name):
    cube = Cube(*SPACES[name])
    points = cube.settle(np.random.default_rng(0).uniform(size=(20, cube.n_axes)))
    y = targets(np.array([bowl(point) for point in points]))
    promise = Promise(
        cube, GaussianProcess(cube.groups).fit(cube.features(points), y), y
    )
    starts = np.random.default_rng(1).uniform(size=(5, cube.n_axes))
    ends = np.array([promise.climbed(start) for start in starts])
    assert (promise.of(ends) > promise.of(starts) + 1e-3).all()
    # No step along an axis that is climbed leads further up.
    steps = 1e-3 * np.eye(cube.n_axes)[promise._climbable]
    for end in ends:
        near = np.clip(end + np.vstack([steps, -steps]), 0, 1)
        assert (promise.of(near) < promise.of(end[None]) + 1e-2).all()


def test_corners_are_not_what_is_tried_first():
    axes = [Axis() for _ in range(6)]
    sampler = GaussianProcessSampler(axes, seed=0, n_initial=8)
    points, _ = search(sampler, lambda point: bowl(point[:2]), 14)
    at_ends = (points[8:] < 0.01) | (points[8:] > 0.99)
    assert at_ends.mean() < 0.1


def test_a_best_at_the_ends_is_found_all_the_same():
    axes = [Axis() for _ in range(3)]
    sampler = GaussianProcessSampler(axes, seed=0, n_initial=8)
    _, scores = search(sampler, lambda point: point.sum(), 25)
    assert scores.max() > 2.95


@pytest.mark.parametrize("mean", [-3.0, -1.0, -0.5, 0.0, 2.0])
@pytest.mark.parametrize("deviation", [0.5, 3.0])
def test_improvement_is_an_integral(mean, deviation):
    found = log_expected_improvement(np.array([mean]), np.array([deviation]), 0.1)
    density = norm(mean, deviation).pdf
    integral, _ = quad(lambda f: (f - 0.1) * density(f), 0.1, 50, points=[mean, 1])
    assert found[0] == pytest.approx(math.log(integral), rel=1e-6)


@given(z=st.floats(-1e150, 1e6))
def test_improvement_never_underflows(z):
    value, gradient = improvement_gradient(z, 1.0, 0.0, np.ones(1), np.zeros(1))
    assert math.isfinite(value)
    assert gradient[0] >= 0


def test_improvement_grows_with_the_mean():
    z = np.concatenate([-np.geomspace(1e8, 1e-3, 2000), np.geomspace(1e-3, 1e3, 500)])
    found = log_expected_improvement(z, np.ones(len(z)), 0.0)
    assert (np.diff(found) > 0).all()


class TestTargets:
    @given(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1),
        st.integers(0, 3),
    )
    def test_order_is_kept_and_failures_are_worst(self, scores, n_failed):
        scores = np.array(scores)
        found = targets(np.append(scores, [-math.inf] * n_failed))
        assert np.isfinite(found).all()
        assert abs(found.mean()) < 1e-9
        ordered = found[np.argsort(scores, kind="stable")]
        assert (np.diff(ordered) >= -1e-12).all()
        np.testing.assert_allclose(found[len(scores) :], found[: len(scores)].min())

    def test_the_upper_half_keeps_its_distances(self):
        found = targets(np.array([-1e300, -5.0, 0.0, 1.0, 2.0, 4.0]))
        steps = np.diff(found[-3:])
        assert steps[1] == pytest.approx(2 * steps[0])

    def test_failures_alone_tell_nothing(self):
        assert (targets(np.full(3, -math.inf)) == 0).all()


def test_categories_are_equally_far_from_each_other():
    cube = Cube([shares(4, ordered=False)])
    features = cube.features(cube.axes[0].middles[:, None])
    distances = np.linalg.norm(features[:, None] - features, axis=2)
    np.testing.assert_allclose(distances, 1 - np.eye(4), atol=1e-12)


def test_inactive_axes_make_no_difference():
    cube = Cube([Axis(), shares(3, ordered=False)])
    features = cube.features(np.array([[0.1, np.nan], [0.1, np.nan], [np.nan, 0.5]]))
    np.testing.assert_array_equal(features[0], features[1])
    assert np.isfinite(features).all()
