"""A network that tells the class of every pixel."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Self

import numpy as np
from sklearn.utils import Tags

from .._callbacks import FitTask, with_callbacks
from .._compat import check_sample_weight
from ._base import NetworkEstimator
from ._datasets import (
    Dataset,
    batches_of,
    check_given_alone,
    check_not_split,
    encoded,
    is_dataset,
)
from ._fully_convolutional import FullyConvolutionalMixin
from ._masks import (
    PixelClasses,
    check_known_pixels,
    check_masks,
    classes_of_masks,
    weights_of_classes,
)
from ._parameters import check_parameters
from ._pixel_scores import PIXEL_SCORES, PixelScore, score_of_pixels
from ._seeds import draw_seed
from ._targets import check_loss, loss_name, wants_one_hot
from ._validation import Samples


class NetworkSegmenter(FullyConvolutionalMixin, NetworkEstimator):
    """What a network does with masks."""

    def predict(self, X: Any) -> np.ndarray:
        """Predict masks.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width) or (n_samples, height, \
                width, channels), keras.utils.PyDataset or tf.data.Dataset
            Images with as many channels as those that `fit` took, of any height and
            width that the network's depth divides; or batches, as `fit` takes them.

        Returns
        -------
        masks : ndarray of shape (n_samples, height, width)
            The most probable label of each pixel. After masks with an axis for the
            classes the labels are their places there.
        """
        parts = self._probabilities(X)
        return np.concatenate([self.classes_[p.argmax(axis=-1)] for p in parts])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probabilities of the classes at each pixel.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width) or (n_samples, height, \
                width, channels), keras.utils.PyDataset or tf.data.Dataset
            Images, as `predict` takes them.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, height, width, n_classes), float32
            In the order of `classes_`.
        """
        return np.concatenate([*self._probabilities(X)])

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the mean over the classes of F1, of all pixels of all images.

        It is scikit-learn's ``f1_score`` with ``average="macro"`` of the flat masks:
        the mean over all classes that occur in `y` or in the predictions, the
        background among them.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width) or (n_samples, height, \
                width, channels), keras.utils.PyDataset or tf.data.Dataset
            Images, as `predict` takes them.
        y : array-like of shape (n_samples, height, width) or (n_samples, height, \
                width, n_classes), default=None
            Their masks; None with a dataset.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the images, 1 each by default.

        Returns
        -------
        score : float
            From 0 to 1.
        """
        batches = [(X, y, sample_weight)]
        if is_dataset(X):
            check_given_alone(X, y, sample_weight)
            batches = ((*batch, None)[:3] for batch in batches_of(X))
        parts = [self._judge(*batch) for batch in batches]
        found, true, weights = (
            np.concatenate([part.ravel() for part in column])
            for column in zip(*parts, strict=True)
        )
        classes = PixelClasses(np.union1d(self.classes_, true))
        places = classes.indices(true), classes.indices(found)
        return score_of_pixels("f1", *places, len(classes.labels), weights)

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Go on for one epoch, without early stopping.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width) or (n_samples, height, \
                width, channels)
            Training images.
        y : array-like of shape (n_samples, height, width) or (n_samples, height, \
                width, n_classes)
            Their masks.
        classes : array-like of shape (n_classes,), default=None
            All labels of all calls. Must be given in the first call for a new network,
            unless masks have an axis for the classes, or `n_classes` says how many.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the images, 1 each by default.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the first call has no `classes`, or y has labels that are not known.
        """
        is_known = self.__sklearn_is_fitted__() or np.ndim(y) == 4
        if not is_known and classes is None and self.n_classes is None:
            raise ValueError(
                "classes must be passed on the first call to partial_fit, got None; "
                "give all labels of all calls, as np.unique(y_all), or set n_classes"
            )
        return self._fit(X, y, sample_weight, classes=classes, one_epoch=True)

    @with_callbacks
    def _fit_dataset(
        self, X: Dataset, y: Any, sample_weight: Any, X_val: Any, y_val: Any
    ) -> Self:
        """Fit to batches, of which one pass learns what must be known of all."""
        check_parameters(self)
        epochs = int(self.epochs)
        task = FitTask(self, X, y, sample_weight, epochs)
        check_given_alone(X, y, sample_weight)
        check_not_split(self, X_val)
        goes_on = self.__sklearn_is_fitted__() and self.warm_start
        _, first = self._validate(*next(batches_of(X))[:2], reset=not goes_on)

        def masks() -> Iterator[np.ndarray]:
            for _, batch, *_ in batches_of(X):
                yield batch

        if not goes_on:
            self._learn_classes(first, masks(), None)
        weights = weights_of_classes(self.class_weight, self._classes, masks())
        held_out = self._given_validation(X_val, y_val)
        if not goes_on:
            self._seed = draw_seed(self.random_state)
            self.wrapper_ = self._new_wrapper()
        batches = encoded(X, partial(self._encode_batch, weights))
        stops = self.early_stopping
        self._train(task, Samples(batches, None), held_out, epochs, stops, None)
        return self

    def _encode_batch(self, class_weights: np.ndarray | None, batch: tuple) -> tuple:
        X, y, *weights = batch
        X, y = self._validate(X, y, reset=False)
        self._check_targets(y, None)
        weights = [w[:, np.newaxis, np.newaxis] if w.ndim == 1 else w for w in weights]
        if class_weights is not None:
            weights.append(self._classes.weigh(y, class_weights))
        weight = [np.multiply(*weights)] if len(weights) == 2 else weights
        return (X, self._encode(y), *weight)

    @property
    def _classes(self) -> PixelClasses:
        return PixelClasses(self.classes_)

    def _learn_targets(self, y: np.ndarray, classes: Any) -> None:
        self._learn_classes(y, [y], classes)
        self._check_targets(y, classes)

    def _learn_classes(
        self, first: np.ndarray, masks: Iterable[np.ndarray], classes: Any
    ) -> None:
        """Learn the labels, and whether the network is to learn shares of them."""
        check_loss(self.loss)
        name = type(self).__name__
        self.classes_ = classes_of_masks(masks, classes, self.n_classes, name).labels
        if self.loss is None:
            self._learns_shares = first.ndim == 4 or wants_one_hot(self.metrics)
        else:
            self._learns_shares = "sparse" not in loss_name(self.loss)

    def _check_targets(self, y: np.ndarray, classes: Any) -> None:
        check_known_pixels(y, self._classes)
        if classes is not None and not np.array_equal(
            np.unique(classes), self.classes_
        ):
            raise ValueError(
                f"classes must be {self.classes_.tolist()}, as in the first call or by "
                f"n_classes, got {np.asarray(classes).tolist()}"
            )

    def _balance(self, y: np.ndarray) -> np.ndarray | None:
        """Return a weight for each pixel.

        Weights in the loss would take no memory, but be a part of the program, and
        "balanced" ones differ from fold to fold: each would be traced anew.
        """
        weights = weights_of_classes(self.class_weight, self._classes, [y])
        return None if weights is None else self._classes.weigh(y, weights)

    def _strata(self, y: np.ndarray) -> None:  # noqa: ARG002
        return None

    def _encode(self, y: np.ndarray) -> np.ndarray:
        classes = self._classes
        return classes.shares(y) if self._learns_shares else classes.indices(y)

    def _inputs_and_targets(self, samples: Samples) -> tuple:
        X, y, weights = samples
        if is_dataset(X):
            return tuple(samples)
        if weights is not None and weights.ndim == 1:
            # Keras would take them for weights of the columns of pixels.
            weights = weights[:, np.newaxis, np.newaxis]
        return X, self._encode(y), weights

    def _loss(self) -> Any:
        kind = "categorical" if self._learns_shares else "sparse_categorical"
        return self.loss or f"{kind}_crossentropy"

    def _metrics(self) -> list:
        if self.metrics is None:
            return [PixelScore(name, len(self.classes_)) for name in PIXEL_SCORES]
        return list(self.metrics)

    def _judge(self, X: Any, y: Any, weights: Any) -> tuple[np.ndarray, ...]:
        """Return predicted labels, true ones and the weights of pixels."""
        found, y = self.predict(X), np.asarray(y)
        check_masks(y, found)
        if y.ndim == 4:
            check_known_pixels(y, self._classes)
            y = self.classes_[y.argmax(axis=-1)]
        weights = check_sample_weight(weights, found, dtype=np.float32)
        return found, y, np.broadcast_to(weights[:, np.newaxis, np.newaxis], y.shape)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
