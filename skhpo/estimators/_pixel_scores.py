"""How well pixels are classified: scores of all of an epoch's pixels, not of batches.

`keras.metrics.F1Score` takes samples of one class each and no maps, `Precision` and
`Recall` know two classes, and `MeanIoU` none of the first three.
"""

from typing import Any

import keras
import numpy as np

PIXEL_SCORES = ("f1", "precision", "recall", "iou")


@keras.saving.register_keras_serializable("skhpo")
class PixelScore(keras.metrics.Metric):
    """The mean over classes of a score of all pixels since the last reset.

    Of the classes that occur in the masks or in the predictions, as in scikit-learn.

    Parameters
    ----------
    name : {"f1", "precision", "recall", "iou"}
        The score.
    n_classes : int
        The number of classes.
    dtype : str or None, default=None
        As for every metric of Keras.
    """

    def __init__(self, name: str, n_classes: int, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.n_classes = n_classes
        # By it Keras's own callbacks know which is better.
        self._direction = "up"
        # float32 would stop counting at 17 million pixels.
        self.counts = self.add_variable(
            (n_classes, n_classes), "zeros", dtype="float64", name="counts"
        )

    def update_state(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,  # noqa: ARG002 (Keras gives none to `metrics`)
    ) -> None:
        """Count the pixels of a batch by their class and by the one predicted."""
        has_shares = len(y_true.shape) == len(y_pred.shape)
        true = keras.ops.argmax(y_true, axis=-1) if has_shares else y_true
        true = keras.ops.cast(true, "int32")
        found = keras.ops.cast(keras.ops.argmax(y_pred, axis=-1), "int32")
        cells = keras.ops.reshape(true * self.n_classes + found, [-1])
        counts = keras.ops.bincount(cells, minlength=self.n_classes**2)
        counts = keras.ops.reshape(counts, self.counts.shape)
        self.counts.assign_add(keras.ops.cast(counts, "float64"))

    def result(self) -> Any:
        """Return the mean over the classes."""
        return _mean_over_classes(self.name, self.counts)

    def get_config(self) -> dict[str, Any]:
        """Return what makes another one."""
        return {**super().get_config(), "n_classes": self.n_classes}


def score_of_pixels(
    name: str,
    true: np.ndarray,
    found: np.ndarray,
    n_classes: int,
    weights: np.ndarray | None,
) -> float:
    """Return a score of flat indices of classes."""
    cells = true.astype(np.int64) * n_classes + found
    counts = np.bincount(cells, weights, minlength=n_classes**2)
    counts = counts.reshape(n_classes, n_classes).astype(np.float64)
    return float(_mean_over_classes(name, counts))


def _mean_over_classes(name: str, counts: Any) -> Any:
    """Return the mean of a score over the classes, from pixels by class and guess."""
    hits = keras.ops.sum(counts * np.eye(counts.shape[0]), axis=1)
    true, found = keras.ops.sum(counts, axis=1), keras.ops.sum(counts, axis=0)
    of_each, at_best = {
        "f1": (2 * hits, true + found),
        "precision": (hits, found),
        "recall": (hits, true),
        "iou": (hits, true + found - hits),
    }[name]
    occurs = keras.ops.cast(true + found > 0, "float64")
    # No pixel of a class that was never found, or is nowhere, was rightly found.
    scores = keras.ops.divide_no_nan(of_each, at_best)
    return keras.ops.divide_no_nan(keras.ops.sum(scores), keras.ops.sum(occurs))
