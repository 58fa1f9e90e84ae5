"""Predictions beside the truth: whether they go together, and what is wrong."""

from typing import Any

import numpy as np
from sklearn.utils.multiclass import type_of_target


def check_lengths(images: np.ndarray, y_true: Any, y_pred: np.ndarray) -> None:
    """Raise where there is not one truth and one prediction for each image."""
    if not len(images):
        raise ValueError(
            "X must have at least one image, got none. See what chose the images."
        )
    for name, y in (("y_true", y_true), ("y_pred", y_pred)):
        if y is not None and len(y) != len(images):
            raise ValueError(
                f"{name} must have an entry for each of the {len(images)} images, got "
                f"{len(y)}. Give X, y_true and y_pred of the same images."
            )
    if y_true is not None and y_true.shape != y_pred.shape:
        raise ValueError(
            f"y_true and y_pred must have the same shape, got {y_true.shape} and "
            f"{y_pred.shape}. Decode what is one-hot."
        )
    if y_pred.ndim > 2 and y_pred.shape[1:3] != images.shape[1:3]:
        raise ValueError(
            f"Masks must have the height and width of their images, "
            f"{images.shape[1:3]}, got {y_pred.shape[1:3]}. Give the images that were "
            "predicted."
        )


def check_shares(y_true: np.ndarray) -> None:
    """Raise where masks that should tell the classes on their last axis have one."""
    if y_true.shape[3] == 1:
        raise ValueError(
            "y_true with a fourth axis must have a share of each class there, at least "
            f"2, got the shape {y_true.shape}. Leave that axis out: y_true[..., 0]."
        )


def checked_classes(
    classes: Any, y_true: np.ndarray | None, y_pred: np.ndarray
) -> np.ndarray:
    """Return all classes, those that there are if none were given."""
    found = np.unique(y_pred)
    if y_true is not None:
        found = np.union1d(found, y_true)
    if classes is None:
        return found
    unknown = np.setdiff1d(found, classes)
    if len(unknown):
        raise ValueError(
            f"classes must hold all labels, got {np.asarray(classes).tolist()} and "
            f"labels {unknown.tolist()}. Add them, or leave classes out."
        )
    return np.asarray(classes)


def is_wrong(y_true: np.ndarray | None, y_pred: np.ndarray) -> np.ndarray:
    """Return for each image whether something of its prediction is wrong."""
    if y_true is None or are_numbers(y_true, y_pred):
        kind = "none" if y_true is None else "numbers"
        raise ValueError(
            f"only_wrong=True needs true labels or masks to compare with, got {kind}."
        )
    return (y_true != y_pred).reshape(len(y_true), -1).any(axis=1)


def are_numbers(y_true: np.ndarray, y_pred: np.ndarray) -> bool:
    """Tell whether targets are numbers, of which almost none is exactly right."""
    # Few may happen to be whole; then the others tell.
    return any(
        y.ndim <= 2 and type_of_target(y).startswith("continuous")
        for y in (y_true, y_pred)
    )
