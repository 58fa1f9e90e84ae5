"""Images of any height and width, as networks of convolutions alone take them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from .._callbacks import FitTask
from ._base import DTYPES
from ._datasets import batches_of, is_dataset
from ._masks import check_masks
from ._validation import Samples

# Asked at a time: enough to keep a processor busy, few enough that all the maps of a
# network's uppermost level fit into memory.
_PIXELS_AT_A_TIME = 2**18

# Of pieces that a network is asked about at once, so many make one answer: few enough
# that probabilities of all pixels need not be in memory to choose the classes.
_PIECES_OF_AN_ANSWER = 16


class FullyConvolutionalMixin:
    """What an estimator needs for images of any size that its network can halve."""

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        X = self._validate_images(X, reset)
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} requires y to be passed, but the target y "
                "is None; only a dataset brings its masks along"
            )
        y = check_array(y, dtype=None, ensure_2d=False, allow_nd=True, input_name="y")
        check_masks(y, X)
        return X, y

    def _validate_images(self, X: Any, reset: bool) -> np.ndarray:
        """Return images with an axis for channels, and record or compare these."""
        X = X if hasattr(X, "shape") else np.asarray(X)
        check_images(X)
        X = validate_data(
            self, X, reset=reset, dtype=DTYPES, ensure_2d=False, allow_nd=True
        )
        X = X[..., np.newaxis] if X.ndim == 3 else X
        check_sizes(X, int(self.net_depth) if reset else self._depth)
        if reset:
            self.image_shape_, self._depth = X.shape[1:], int(self.net_depth)
        elif X.shape[3] != self.image_shape_[2]:
            raise ValueError(
                f"X must hold images of {self.image_shape_[2]} channels, as "
                f"{type(self).__name__} was fitted on, got {X.shape[3]}"
            )
        return X

    def _train(
        self, task: FitTask, samples: Samples, held_out: Samples | None, *settings: Any
    ) -> None:
        if held_out is not None:
            n_images = images_at_a_time(held_out.X)
            self.wrapper_.set_params(validation_batch_size=n_images)
        super()._train(task, samples, held_out, *settings)

    def _probabilities(self, X: Any) -> Iterator[np.ndarray]:
        """Yield what the network says of images, a part of them after another."""
        check_is_fitted(self)
        batches = (batch[0] for batch in batches_of(X)) if is_dataset(X) else [X]
        for images in batches:
            images = self._validate_images(images, reset=False)
            at_a_time = images_at_a_time(images)
            for start in range(0, len(images), at_a_time * _PIECES_OF_AN_ANSWER):
                some = images[start : start + at_a_time * _PIECES_OF_AN_ANSWER]
                yield self._ask(some, batch_size=at_a_time)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def check_images(X: np.ndarray) -> None:
    """Raise where X has not the axes of images."""
    if X.ndim not in (3, 4) or 0 in X.shape[1:]:
        raise ValueError(
            "X must be images of shape (n_samples, height, width) or (n_samples, "
            f"height, width, channels), got {X.shape}"
            + ("; reshape flat rows to images" if X.ndim == 2 else "")
        )


def check_sizes(X: np.ndarray, net_depth: int) -> None:
    """Raise where images cannot be halved as often as the network does."""
    height, width = X.shape[1:3]
    divisor = 2**net_depth
    if height % divisor or width % divisor:
        up = tuple(-(-length // divisor) * divisor for length in (height, width))
        raise ValueError(
            "Height and width of the images must be multiples of 2 ** net_depth = "
            f"{divisor}, got {height} x {width} with net_depth={net_depth}; pad them "
            f"to {up[0]} x {up[1]}, crop them, or lower net_depth"
        )


def images_at_a_time(X: np.ndarray) -> int:
    """Return how many images a network is asked about at once."""
    return max(1, _PIXELS_AT_A_TIME // (X.shape[1] * X.shape[2]))
