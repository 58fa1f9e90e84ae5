"""The samples that training does not see, and that early stopping looks at."""

from typing import NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split

from .._training import take


class Samples(NamedTuple):
    """Samples, their targets, and their weights, where there are any."""

    X: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None = None

    def rows(self, rows: np.ndarray) -> "Samples":
        """Return some of the samples, X copied to where it is trained on."""
        others = (None if part is None else part[rows] for part in self[1:])
        return Samples(take(self.X, rows), *others)


def split(
    samples: Samples, fraction: float, seed: int, stratify: np.ndarray | None
) -> tuple[Samples, Samples]:
    """Split off a share of the samples, the same share of every class."""
    n_samples = len(samples.X)
    _check_split(n_samples, fraction, stratify)
    train, held_out = train_test_split(
        np.arange(n_samples),
        test_size=fraction,
        random_state=seed % 2**32,
        stratify=stratify,
    )
    return samples.rows(train), samples.rows(held_out)


def _check_split(n_samples: int, fraction: float, stratify: np.ndarray | None) -> None:
    way_out = "use more samples, another validation_fraction, X_val and y_val, or "
    way_out += "early_stopping=False"
    held_out = int(np.ceil(n_samples * fraction))
    if held_out >= n_samples:
        raise ValueError(
            f"validation_fraction must leave samples to train on, got {fraction} of "
            f"{n_samples} samples; {way_out}"
        )
    if stratify is None:
        return
    labels, counts = np.unique(stratify, return_counts=True)
    if counts.min() < 2 or min(held_out, n_samples - held_out) < len(labels):
        rarest = labels.tolist()[counts.argmin()]
        raise ValueError(
            "validation_fraction must put samples of every class on both sides, got "
            f"{fraction} of {n_samples} samples of {len(labels)} classes, of which the "
            f"rarest ({rarest!r}) has {counts.min()}; {way_out}"
        )
