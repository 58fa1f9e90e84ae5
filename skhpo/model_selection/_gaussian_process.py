"""The surrogate model of the sampler: a Gaussian process on columns of numbers.

Equations (RW n.m) are those of C. E. Rasmussen and C. K. I. Williams, "Gaussian
Processes for Machine Learning", MIT Press, 2006.
"""

import math
from typing import Self

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import minimize

# Of the logarithms of length scales, of the variance of the function and of the
# variance of the noise: means and deviations of the priors, and bounds. The values are
# scaled to variance 1, and so is the unit cube to sides of 1.
SCALE_PRIOR, SCALE_BOUNDS = (-0.4, 0.8), (math.log(0.03), math.log(1e3))
AMPLITUDE_PRIOR, AMPLITUDE_BOUNDS = (0.0, 1.0), (math.log(0.05), math.log(20.0))
NOISE_PRIOR, NOISE_BOUNDS = (-3.0, 1.0), (math.log(1e-6), 0.0)
# Hyperparameters are found on so many samples, since each step costs their cube.
MOST_FITTED = 200


class GaussianProcess:
    """Gaussian process regression with a length scale for each group of columns.

    The kernel is Matern 5/2. Length scales, amplitude and noise are the most probable
    ones under log-normal priors. The prior of the noise is that scores of networks
    have some, a twentieth of their variance, until they tell otherwise: a model that
    believes every score runs after the luck of one fit.

    Parameters
    ----------
    groups : ndarray of int
        For each column of X, which length scale it has, counted from 0.

    Attributes
    ----------
    theta_ : ndarray
        Logarithms of the length scales, of the variance of the function, and of the
        variance of the noise.
    """

    def __init__(self, groups: np.ndarray):
        self.groups = groups

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Find the hyperparameters, and condition the process on the samples."""
        # Of more samples, some are taken evenly from the worst to the best.
        places = np.linspace(0, len(y) - 1, min(len(y), MOST_FITTED)).astype(int)
        rows = np.argsort(y, kind="stable")[places]
        posterior = LogPosterior(X[rows], y[rows], self.groups)
        ends = [
            minimize(
                posterior.cost,
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=posterior.bounds,
                options={"maxiter": 30, "ftol": 1e-5},
            )
            for start in posterior.starts()
        ]
        return self.condition(X, y, min(ends, key=lambda end: end.fun).x)

    def condition(self, X: np.ndarray, y: np.ndarray, theta: np.ndarray) -> Self:
        """Condition the process on samples, with given hyperparameters."""
        self.theta_ = theta
        self._X, self._y = X, y
        self._inverse_scales = np.exp(-theta[:-2])[self.groups]
        self._amplitude = math.exp(theta[-2])
        self._scaled = X * self._inverse_scales
        distances = squared_distances(self._scaled, self._scaled)
        covariance = self._amplitude * matern(distances)[0]
        covariance[np.diag_indices_from(covariance)] += math.exp(theta[-1])
        self._precision, _ = inverse(covariance)
        self._weights = self._precision @ y
        return self

    def believe(self, X: np.ndarray) -> Self:
        """Condition also on samples whose values are what is predicted for them.

        Means stay what they are, but deviations shrink around these samples.
        """
        y = np.concatenate([self._y, self.predict(X)[0]])
        return self.condition(np.vstack([self._X, X]), y, self.theta_)

    def predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and deviation of the function, without noise, at each row."""
        distances = squared_distances(X * self._inverse_scales, self._scaled)
        cross = self._amplitude * matern(distances)[0]
        mean = cross @ self._weights  # (RW 2.25)
        explained = ((cross @ self._precision) * cross).sum(axis=1)  # (RW 2.26)
        return mean, np.sqrt(np.maximum(self._amplitude - explained, 1e-10))

    def gradients(self, x: np.ndarray) -> tuple[float, float, np.ndarray, np.ndarray]:
        """Return mean and deviation at one point, and the derivatives of both by it."""
        differences = x * self._inverse_scales - self._scaled
        values, slopes = matern((differences**2).sum(axis=1))
        cross = self._amplitude * values
        solved = self._precision @ cross
        mean = float(cross @ self._weights)
        deviation = math.sqrt(max(self._amplitude - float(cross @ solved), 1e-10))
        # d r² / d x = 2 (x - x_i) / l², and `slopes` is by r².
        by_x = (2 * self._amplitude * slopes)[:, None] * differences
        by_x *= self._inverse_scales
        return mean, deviation, self._weights @ by_x, -(solved @ by_x) / deviation


class LogPosterior:
    """The log posterior density of hyperparameters, but for a constant.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
    y : ndarray of shape (n_samples,)
    groups : ndarray of int of shape (n_columns,)
    """

    def __init__(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray):
        n_scales = groups.max() + 1
        self._y = y
        # Every pair once: half the work of whole matrices.
        self._rows, self._columns = np.triu_indices(len(X), k=1)
        self._distances = np.zeros((n_scales, len(self._rows)))
        for column, group in zip(X.T, groups, strict=True):
            self._distances[group] += (column[self._rows] - column[self._columns]) ** 2
        # Distances grow with the root of the number of axes, and scales with them
        # (C. Hvarfner et al., "Vanilla Bayesian optimization performs great in high
        # dimensions", ICML 2024).
        typical = SCALE_PRIOR[0] + math.log(n_scales) / 2
        self._means = np.array(
            [*[typical] * n_scales, AMPLITUDE_PRIOR[0], NOISE_PRIOR[0]]
        )
        self._deviations = np.array(
            [*[SCALE_PRIOR[1]] * n_scales, AMPLITUDE_PRIOR[1], NOISE_PRIOR[1]]
        )
        self.bounds = [*[SCALE_BOUNDS] * n_scales, AMPLITUDE_BOUNDS, NOISE_BOUNDS]

    def starts(self) -> list[np.ndarray]:
        """Return where to start the climb: a smooth function, and a rough one."""
        n_scales = len(self._means) - 2
        typical = math.log(n_scales) / 2
        smooth = np.array([*[typical] * n_scales, 0.0, -4.0])
        rough = np.array([*[typical - 1] * n_scales, 0.0, -2.0])
        return [smooth, rough]

    def cost(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return minus the density, and its derivatives."""
        inverse_squares = np.exp(-2 * theta[:-2])
        amplitude, noise = np.exp(theta[-2:])
        values, slopes = matern(inverse_squares @ self._distances)
        n = len(self._y)
        covariance = np.empty((n, n))
        covariance[self._rows, self._columns] = amplitude * values
        covariance[self._columns, self._rows] = amplitude * values
        covariance[np.diag_indices(n)] = amplitude + noise
        precision, half_log_determinant = inverse(covariance)
        weights = precision @ self._y
        # (RW 5.8)
        cost = 0.5 * self._y @ weights + half_log_determinant
        # (RW 5.9): the trace, as a sum over pairs and one over the diagonal.
        pairs = weights[self._rows] * weights[self._columns]
        pairs -= precision[self._rows, self._columns]
        diagonal = (weights**2 - np.diag(precision)).sum() / 2
        by_scales = self._distances @ (pairs * slopes)
        gradient = np.empty_like(theta)
        gradient[:-2] = -2 * amplitude * inverse_squares * by_scales
        gradient[-2] = amplitude * (pairs @ values + diagonal)
        gradient[-1] = noise * diagonal
        standardized = (theta - self._means) / self._deviations
        cost += 0.5 * standardized @ standardized
        return cost, standardized / self._deviations - gradient


def matern(squared: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the Matern 5/2 correlation at squared distances (RW 4.17) and its slope.

    The slope is the derivative by the squared distance, which is finite at 0.
    """
    root = np.sqrt(5 * squared)
    decay = np.exp(-root)
    slope = decay * (1 + root)
    return slope + decay * (5 / 3) * squared, (-5 / 6) * slope


def squared_distances(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return the squared Euclidean distance of each row of A from each of B."""
    found = -2 * A @ B.T
    found += (A**2).sum(axis=1)[:, None]
    found += (B**2).sum(axis=1)
    return np.maximum(found, 0, out=found)


def inverse(covariance: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the inverse of a covariance matrix and half its log determinant."""
    factor, info = lapack.dpotrf(covariance, lower=1)
    if info:
        # The smallest noise that is allowed suffices but in an extreme case.
        jitter = 1e-6 * np.trace(covariance) / len(covariance)
        return inverse(covariance + jitter * np.eye(len(covariance)))
    half_log_determinant = float(np.log(np.diag(factor)).sum())
    found, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(found, -1)
    return lower + lower.T + np.diag(np.diag(found)), half_log_determinant
