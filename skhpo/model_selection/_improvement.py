"""What the model is told of scores, and what a point promises by what it predicts."""

import math

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtri
from scipy.stats import rankdata

LOG_SQRT_2PI = math.log(2 * math.pi) / 2
# Below this, 1 - z erfcx(z) loses all digits, and its limit is exact to all of them.
FAR_BELOW = -1e5


def targets(scores: np.ndarray) -> np.ndarray:
    """Return what the model is to learn, of mean 0 and deviation 1 where it can be.

    Above the median, scores keep their distances, for there the maximum is sought. The
    others keep only their order, as normal quantiles, since one diverged network can be
    worse by more orders of magnitude than all others differ: the half-rank warping of
    [1]_. A failure (-inf) is as bad as the worst; left out, the model would not learn
    to stay away from it, and might propose its neighbours for ever.

    References
    ----------
    .. [1] X. Song et al., "The Vizier Gaussian process bandit algorithm",
       arXiv:2408.11527, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.model_selection._improvement import targets
    >>> targets(np.array([-np.inf, -1e300, 0.7, 0.8, 0.9])).round(2)
    array([-1.03, -1.03, -0.16,  0.64,  1.57])
    """
    finite = np.isfinite(scores)
    if not finite.any():
        return np.zeros(len(scores))
    warped = np.empty(len(scores))
    warped[finite] = _half_ranked(scores[finite])
    warped[~finite] = warped[finite].min()
    warped -= warped.mean()
    deviation = warped.std()
    return warped / deviation if deviation > 0 else warped


def _half_ranked(scores: np.ndarray) -> np.ndarray:
    median = np.median(scores)
    upper = scores >= median
    # Halves, since the difference of two numbers of either sign can overflow.
    above = scores[upper] / 2 - median / 2
    if above.max() > 0:
        above /= above.max()
        above /= math.sqrt((above**2).mean())
    quantiles = ndtri((rankdata(scores) - 0.5) / len(scores))
    # Those below the median stay below it where there are many ties.
    warped = np.minimum(quantiles, 0.0)
    warped[upper] = above
    return warped


def log_expected_improvement(
    mean: np.ndarray, deviation: np.ndarray, best: float
) -> np.ndarray:
    """Return the logarithm of the expected improvement on `best`.

    The improvement of [1]_, equation 15, underflows where there is little hope, and
    then tells no two points apart; its logarithm does not [2]_.

    References
    ----------
    .. [1] D. R. Jones, M. Schonlau, W. J. Welch, "Efficient global optimization of
       expensive black-box functions", Journal of Global Optimization 13, 1998.
    .. [2] S. Ament, S. Daulton, D. Eriksson, M. Balandat, E. Bakshy, "Unexpected
       improvements to expected improvement for Bayesian optimization", NeurIPS 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.model_selection._improvement import log_expected_improvement
    >>> log_expected_improvement(np.array([0.0, -40.0]), np.ones(2), best=0.0).round(2)
    array([  -0.92, -808.3 ])
    """
    return np.log(deviation) + _log_h((mean - best) / deviation)


def improvement_gradient(
    mean: float,
    deviation: float,
    best: float,
    mean_slopes: np.ndarray,
    deviation_slopes: np.ndarray,
) -> tuple[float, np.ndarray]:
    """Return the logarithm of the expected improvement at a point, and its gradient."""
    z = (mean - best) / deviation
    log_h = float(_log_h(np.array([z]))[0])
    # The derivative of h(z) = phi(z) + z Phi(z) is Phi(z).
    slope = math.exp(float(log_ndtr(z)) - log_h)
    gradient = deviation_slopes + slope * (mean_slopes - z * deviation_slopes)
    return math.log(deviation) + log_h, gradient / deviation


def _log_h(z: np.ndarray) -> np.ndarray:
    """Return log(phi(z) + z Phi(z)), by [2]_ above, equation 9."""
    found = -(z**2) / 2 - LOG_SQRT_2PI
    near, far = z > -1, z < FAR_BELOW
    between = ~near & ~far
    h = np.exp(found[near]) + z[near] * np.exp(log_ndtr(z[near]))
    found[near] = np.log(h)
    ratio = math.sqrt(math.pi / 2) * -z[between] * erfcx(-z[between] / math.sqrt(2))
    found[between] += np.log1p(-ratio)
    found[far] -= 2 * np.log(-z[far])
    return found
