"""Masks, which tell the class of each pixel of an image."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.class_weight import compute_class_weight


class PixelClasses(NamedTuple):
    """The labels of pixels, in the order of a network's outputs.

    Masks are (n, height, width), of labels, or (n, height, width, classes), of the
    share that each class has in a pixel, most often 0 or 1.
    """

    labels: np.ndarray

    def indices(self, masks: np.ndarray) -> np.ndarray:
        """Return the place of each pixel's class, in as few bytes as will do."""
        if masks.ndim == 4:
            indices = masks.argmax(axis=-1)
        elif self._are_indices(masks):
            indices = masks
        else:
            indices = np.searchsorted(self.labels, masks)
        return indices.astype(np.min_scalar_type(len(self.labels) - 1), copy=False)

    def shares(self, masks: np.ndarray) -> np.ndarray:
        """Return the share of each class in each pixel."""
        if masks.ndim == 4:
            return masks.astype(np.float32)
        return np.eye(len(self.labels), dtype=np.float32)[self.indices(masks)]

    def weigh(self, masks: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the weight of each pixel, of mixed ones the mean of their classes'."""
        if masks.ndim == 4:
            return masks.astype(np.float32) @ weights
        return weights[self.indices(masks)]

    def count(self, masks: np.ndarray) -> np.ndarray:
        """Return how many pixels each class has."""
        if masks.ndim == 4:
            return masks.sum(axis=(0, 1, 2), dtype=float)
        return np.bincount(self.indices(masks).ravel(), minlength=len(self.labels))

    def unknown(self, masks: np.ndarray) -> np.ndarray:
        """Return the labels in masks that are not among these."""
        if self._are_indices(masks):
            return np.unique(masks[(masks < 0) | (masks >= len(self.labels))])
        return np.setdiff1d(masks, self.labels)

    def _are_indices(self, masks: np.ndarray) -> bool:
        """Tell whether labels of known classes are their places already."""
        return masks.dtype.kind in "biu" and np.array_equal(
            self.labels, np.arange(len(self.labels))
        )


def check_masks(masks: np.ndarray, X: np.ndarray) -> None:
    """Raise where masks do not say something of every pixel of X."""
    if masks.ndim not in (3, 4) or masks.shape[:3] != X.shape[:3]:
        raise ValueError(
            "y must be a mask for each image, of shape (n_samples, height, width) or "
            f"(n_samples, height, width, classes), got {masks.shape} for X of "
            f"{X.shape}"
        )
    if masks.ndim == 3:
        if masks.dtype.kind == "f" and (masks % 1).any():
            raise ValueError(
                "Masks of shape (n_samples, height, width) must hold labels, got "
                f"numbers with fractions, as {masks[masks % 1 != 0][0]}; give "
                "probabilities with an axis for the classes"
            )
        return
    if masks.shape[3] < 2:
        raise ValueError(
            "The last axis of masks must be that of the classes, at least 2, got "
            f"{masks.shape}; drop it for labels, as y[..., 0]"
        )
    sums = masks.sum(axis=-1, dtype=np.float32)
    if masks.min() < 0 or not np.allclose(sums, 1, atol=1e-3):
        raise ValueError(
            "The classes of each pixel must have shares of at least 0 that add up to "
            f"1, got shares from {masks.min()} that add up to {sums.min()} and up to "
            f"{sums.max()}; give one class per pixel, or divide the shares by their sum"
        )


def classes_of_masks(
    masks: Iterable[np.ndarray], labels: Any, n_classes: int | None, name: str
) -> PixelClasses:
    """Return the classes of masks, or those that were said to be there.

    No more masks than needed are looked at.
    """
    masks = iter(masks)
    first = next(masks)
    if first.ndim == 4:
        if n_classes not in (None, first.shape[3]):
            raise ValueError(
                f"The last axis of masks must be as long as n_classes={n_classes}, got "
                f"{first.shape}; leave n_classes out"
            )
        return PixelClasses(np.arange(first.shape[3]))
    if n_classes is not None:
        return PixelClasses(np.arange(n_classes))
    if labels is None:
        labels = np.unique(first)
        for mask in masks:
            labels = np.union1d(labels, mask)
    labels = np.unique(labels)
    if len(labels) < 2:
        raise ValueError(
            f"{name} needs pixels of at least 2 classes, got one class: "
            f"{labels.tolist()}; if others are to come, say so by n_classes"
        )
    return PixelClasses(labels)


def check_known_pixels(masks: np.ndarray, classes: PixelClasses) -> None:
    """Raise where masks have classes that are not known."""
    n_classes = len(classes.labels)
    if masks.ndim == 4:
        if masks.shape[3] != n_classes:
            raise ValueError(
                f"The last axis of masks must be that of the {n_classes} classes, got "
                f"{masks.shape}"
            )
        return
    unknown = classes.unknown(masks)
    if len(unknown):
        raise ValueError(
            f"y must hold known labels only, {classes.labels.tolist()}, got also "
            f"{unknown.tolist()[:10]}; fit with all of them, or raise n_classes"
        )


def weights_of_classes(
    class_weight: Any, classes: PixelClasses, masks: Iterable[np.ndarray]
) -> np.ndarray | None:
    """Return the weight of each class; "balanced" looks at all masks."""
    if class_weight is None:
        return None
    labels = classes.labels
    if class_weight != "balanced":
        # By all classes: the masks of a fold may lack a rare one.
        weights = compute_class_weight(class_weight, classes=labels, y=labels)
        return weights.astype(np.float32)
    counts = np.zeros(len(labels))
    for some in masks:
        check_known_pixels(some, classes)
        counts += classes.count(some)
    occurs = counts > 0
    weights = np.ones(len(labels), dtype=np.float32)
    weights[occurs] = counts.sum() / (occurs.sum() * counts[occurs])
    return weights
