"""Functional analysis of variance of a forest, exactly, from the boxes of its trees.

Equations (H n) are those of F. Hutter, H. Hoos, K. Leyton-Brown, "An efficient approach
for assessing hyperparameter importance", ICML 2014.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._encoding import Measure
from ._surrogate import Surrogate


def shares_of(surrogate: Surrogate) -> np.ndarray:
    """Return the share of the variance that each hyperparameter has by itself.

    Parameters
    ----------
    surrogate : Surrogate
        A fitted forest.

    Returns
    -------
    ndarray of shape (n_trees, n_hyperparameters)
        Shares from 0 to 1.
    """
    measures = [
        Measure.of(surrogate.encoding.scales[name], values)
        for name, values in surrogate.columns.items()
    ]
    return main_effects(surrogate.model, measures)


def main_effects(forest: Any, measures: Sequence[Measure]) -> np.ndarray:
    """Return which share of the variance each column has by itself, tree by tree.

    Parameters
    ----------
    forest : RandomForestRegressor
        A fitted forest.

    measures : sequence of Measure
        How likely are the values of each column; columns are independent.

    Returns
    -------
    ndarray of shape (n_trees, n_columns)
        Shares from 0 to 1, which in each tree add up to at most 1. All are 0 in a tree
        that predicts the same everywhere.
    """
    return np.array([_shares(tree.tree_, measures) for tree in forest.estimators_])


@dataclass(frozen=True)
class Leaves:
    """The leaves of a tree: each predicts one value in a box of the space.

    Attributes
    ----------
    values : ndarray of shape (n_leaves,)
        The predictions.

    lower, upper : ndarray of shape (n_leaves, n_columns)
        A box holds what is above its lower and not above its upper bounds.
    """

    values: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    @classmethod
    def of(cls, tree: Any, n_columns: int) -> "Leaves":
        """Return the leaves of a fitted tree of scikit-learn's."""
        left, right = tree.children_left, tree.children_right
        lower = np.full((tree.node_count, n_columns), -np.inf)
        upper = np.full((tree.node_count, n_columns), np.inf)
        # Parents stand before their children.
        for node in np.flatnonzero(left != right):
            column, threshold = tree.feature[node], tree.threshold[node]
            for child in (left[node], right[node]):
                lower[child], upper[child] = lower[node], upper[node]
            upper[left[node], column] = threshold
            lower[right[node], column] = threshold
        leaves = left == right
        return cls(tree.value[leaves, 0, 0], lower[leaves], upper[leaves])


def _shares(tree: Any, measures: Sequence[Measure]) -> np.ndarray:
    leaves = Leaves.of(tree, len(measures))
    sizes = np.column_stack(
        [
            measure.below(leaves.upper[:, column])
            - measure.below(leaves.lower[:, column])
            for column, measure in enumerate(measures)
        ]
    )
    # Variances do not change with the mean, and are more exact around 0.
    values = leaves.values - leaves.values @ sizes.prod(axis=1)
    total = values**2 @ sizes.prod(axis=1)
    if total <= np.finfo(np.float64).eps * np.square(leaves.values).max():
        return np.zeros(len(measures))
    variances = [
        _variance_of_marginal(
            values * _product_of_others(sizes, column),
            leaves.lower[:, column],
            leaves.upper[:, column],
            measure,
        )
        for column, measure in enumerate(measures)
    ]
    return np.array(variances) / total


def _product_of_others(sizes: np.ndarray, column: int) -> np.ndarray:
    """Return how large boxes are in all columns but one."""
    return np.delete(sizes, column, axis=1).prod(axis=1)


def _variance_of_marginal(
    parts: np.ndarray, lower: np.ndarray, upper: np.ndarray, measure: Measure
) -> float:
    """Return the variance over one column of what is predicted on average for it.

    The average over all other columns (H 3) is a sum of what the leaves add to it, each
    between its bounds; so it is constant between any two neighbours of all bounds, and
    its variance (H 7) is a sum over these pieces. Its mean is 0.
    """
    bounds = np.unique(np.concatenate([lower, upper]))
    changes = np.zeros(len(bounds))
    np.add.at(changes, np.searchsorted(bounds, lower), parts)
    np.subtract.at(changes, np.searchsorted(bounds, upper), parts)
    marginal = np.cumsum(changes)[:-1]
    return float(marginal**2 @ np.diff(measure.below(bounds)))
