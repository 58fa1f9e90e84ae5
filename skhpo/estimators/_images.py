"""Between the rows that scikit-learn passes on and the images that they are."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from sklearn.utils import Tags

from ..networks import build_cnn, check_blocks
from ._parameters import plain


class ConvolutionalMixin:
    """What an estimator needs for images: rows to be validated, images to be learnt."""

    def _as_rows(self, X: Any, reset: bool) -> Any:
        """Return flat rows, and record or compare the shape of the images."""
        if not hasattr(X, "shape"):
            X = np.asarray(X)
        if len(X.shape) <= 2:
            if reset:
                self._rows_shape = None
            return X
        X = np.asarray(X)
        shape = X.shape[1:] if X.ndim == 4 else (*X.shape[1:], 1)
        if X.ndim > 4 or (reset and not self._fits(shape)):
            raise ValueError(
                "X must be images of shape (n_samples, height, width[, channels]), or "
                f"flat rows, got {X.shape}"
                + (f" with image_shape={self.image_shape}" if self.image_shape else "")
            )
        if reset:
            self._rows_shape = shape
        elif shape != self.image_shape_:
            raise ValueError(
                f"X must hold images of {self.image_shape_} (height, width, channels), "
                f"as {type(self).__name__} was fitted on, got {shape}"
            )
        return X.reshape(len(X), math.prod(shape))

    def _fits(self, shape: tuple[int, ...]) -> bool:
        return self.image_shape is None or _with_channels(self.image_shape) == shape

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        X, y = super()._validate(X, y, reset)
        if reset:
            self.image_shape_ = self._rows_shape or _shape_of_rows(
                X.shape[1], plain(self.image_shape)
            )
            self._check_blocks(are_rows=self._rows_shape is None)
        return X, y

    def _check_blocks(self, are_rows: bool) -> None:
        try:
            check_blocks(self.image_shape_, **self._blocks)
        except ValueError as error:
            if are_rows and self.image_shape is None and self.image_shape_[0] == 1:
                raise ValueError(
                    f"{error}. Rows of {self.n_features_in_} values were taken as "
                    "images one row high; say what they are by image_shape=(height, "
                    "width, channels)"
                ) from error
            raise

    def _as_inputs(self, X: np.ndarray) -> np.ndarray:
        return X.reshape(len(X), *self.image_shape_)

    def _network(self) -> Callable[[], keras.Model]:
        settings = self._settings(
            "dense_layer_sizes",
            "activation",
            "l1",
            "l2",
            "kernel_initializer",
            "batch_normalization",
        )
        return partial(
            build_cnn, self.image_shape_, *self._output(), **self._blocks, **settings
        )

    @property
    def _blocks(self) -> dict[str, Any]:
        return self._settings(
            "filters", "kernel_size", "padding", "strides", "pool_size", "dropout"
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _shape_of_rows(
    n_features: int, image_shape: tuple[int, ...] | None
) -> tuple[int, int, int]:
    """Return height, width and channels of the images that flat rows are."""
    if image_shape is not None:
        shape = _with_channels(image_shape)
        if math.prod(shape) != n_features:
            raise ValueError(
                f"image_shape must have as many values as a row of X, {n_features}, "
                f"got {image_shape}, which has {math.prod(shape)}"
            )
        return shape
    side = math.isqrt(n_features)
    return (side, side, 1) if side * side == n_features else (1, n_features, 1)


def _with_channels(shape: tuple[int, ...]) -> tuple[int, int, int]:
    return tuple(shape) if len(shape) == 3 else (*shape, 1)
