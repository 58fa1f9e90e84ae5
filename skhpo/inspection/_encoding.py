"""Hyperparameters as columns of numbers, from which models learn."""

from dataclasses import dataclass

import numpy as np

from ._scales import Scale, scales_of

# Up to so many distinct numbers are taken for a grid.
MOST_OF_A_GRID = 10


class Encoding:
    """The columns of numbers that stand for hyperparameters.

    Parameters
    ----------
    columns : dict of str to masked ndarray of object, each of shape (n_trials,)
        The values of each hyperparameter, masked in trials without it.

    is_log : dict of str to bool
        Of hyperparameters, whether their line is logarithmic, where that is known.

    one_hot : bool
        Whether places beside a line, and categories, get a column each, as a model that
        measures distances needs it. Else a hyperparameter is one column, in which
        absence lies below all else: trees can cut off any place.
    """

    def __init__(
        self,
        columns: dict[str, np.ma.MaskedArray],
        is_log: dict[str, bool],
        one_hot: bool,
    ):
        self.one_hot = one_hot
        self.scales = scales_of(columns, is_log)
        self.slices = {}
        start = 0
        for name, scale in self.scales.items():
            width = scale.is_numeric + len(scale.places) if one_hot else 1
            self.slices[name] = slice(start, start + width)
            start += width

    def block(self, name: str, values: np.ma.MaskedArray) -> np.ndarray:
        """Return the columns of one hyperparameter, shape (n_values, n_columns)."""
        scale = self.scales[name]
        units = scale.unit_positions(values)
        if not self.one_hot:
            return units[:, None]
        _, places = scale.place(values)
        hot = (places[:, None] == np.arange(len(scale.places))).astype(np.float64)
        if not scale.is_numeric:
            return hot
        return np.column_stack([np.where(places < 0, units, 0.5), hot])

    def matrix(self, columns: dict[str, np.ma.MaskedArray]) -> np.ndarray:
        """Return the columns of all hyperparameters, shape (n_trials, n_columns)."""
        return np.hstack([self.block(name, columns[name]) for name in self.scales])


@dataclass(frozen=True)
class Measure:
    """How likely are values of a hyperparameter, in the space that was searched.

    Of a continuous one all between 0 and 1 are equally likely; of a grid or of
    categories, all that were tried. Absence, and what else is no number on a line of
    numbers, is as likely as it was among the trials.

    Attributes
    ----------
    line : float
        The probability of the line from 0 to 1.

    atoms : ndarray of shape (n_atoms,)
        Single positions, ascending.

    weights : ndarray of shape (n_atoms,)
        Their probabilities; with that of the line they add up to 1.
    """

    line: float
    atoms: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, scale: Scale, values: np.ma.MaskedArray) -> "Measure":
        """Return the measure of a hyperparameter, given its values in the trials."""
        units = scale.unit_positions(values)
        atoms, counts = np.unique(units, return_counts=True)
        weights = counts / len(units)
        inside = atoms >= 0
        share = weights[inside].sum()
        if scale.is_numeric and inside.sum() > MOST_OF_A_GRID:
            return cls(share, atoms[~inside], weights[~inside])
        weights[inside] = share / max(1, inside.sum())
        return cls(0.0, atoms, weights)

    def below(self, thresholds: np.ndarray) -> np.ndarray:
        """Return the probability of a value of at most each threshold of a tree."""
        cumulated = np.concatenate([[0.0], np.cumsum(self.weights)])
        on_line = self.line * np.clip(thresholds, 0, 1)
        # Trees compare by positions of 32 bits, and a threshold may stand at an atom.
        atoms = self.atoms.astype(np.float32).astype(np.float64)
        return on_line + cumulated[np.searchsorted(atoms, thresholds, "right")]
