"""Rows of pixels as the images that they are, and images on axes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def as_images(X: Any, image_shape: Sequence[int] | None = None) -> np.ndarray:
    """Return images (n, height, width, channels), also of flat rows.

    Rows are of `image_shape`, else square, of one channel.
    """
    X = np.asarray(X)
    if X.ndim == 4:
        return X
    if X.ndim == 3:
        return X[..., np.newaxis]
    n_pixels = X.shape[1] if X.ndim == 2 else 0
    side = math.isqrt(n_pixels)
    shape = (side, side) if image_shape is None else tuple(image_shape)
    if X.ndim != 2 or math.prod(shape) != n_pixels or not n_pixels:
        raise ValueError(
            "X must be images of shape (n_images, height, width[, channels]), or rows "
            f"of their pixels, got {X.shape}. Say what rows are by image_shape="
            "(height, width)."
        )
    images = X.reshape(len(X), *shape)
    return images if len(shape) == 3 else images[..., np.newaxis]


def show_image(ax: Any, image: np.ndarray) -> None:
    """Draw an image (height, width, channels), from its least to its greatest value.

    Three channels are colours, four have opacity too; of other numbers the mean is
    drawn.
    """
    image = np.asarray(image, dtype=float)
    n_channels = image.shape[-1]
    if n_channels in (3, 4):
        least, most = image.min(), image.max()
        image = (image - least) / ((most - least) or 1.0)
        ax.imshow(image)
    else:
        ax.imshow(image.mean(axis=-1), cmap="gray")
    ax.set(xticks=[], yticks=[])
