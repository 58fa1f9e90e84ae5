"""A network that tells classes apart."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.validation import column_or_1d

from ._base import NetworkEstimator
from ._targets import (
    Classes,
    check_known,
    check_loss,
    check_not_sparse,
    classes_of,
    wants_one_hot,
)


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """What a network does with labels."""

    _checks_of_y = {}

    def predict(self, X: Any) -> np.ndarray:
        """Predict the labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, of the shape that `fit` takes.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            The most probable class of each sample; of several labels, 1 for those with
            a probability above one half.
        """
        outputs = self._outputs(X)
        return self._classes.decode(outputs)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, of the shape that `fit` takes.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes), float32
            In the order of `classes_`. Of several labels, each has its own.
        """
        outputs = self._outputs(X)
        return self._classes.probabilities(outputs)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, of the shape that `fit` takes.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes), float32
            In the order of `classes_`.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> "NetworkClassifier":
        """Go on for one epoch, without early stopping.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples, of the shape that `fit` takes.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels of all calls. Must be given in the first call for a new network,
            unless y is an indicator of several labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, 1 each by default.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the first call has no `classes`, or y has labels that are not known.
        """
        has_one_column = np.shape(y)[1:] in ((), (1,))
        if not self.__sklearn_is_fitted__() and classes is None and has_one_column:
            raise ValueError(
                "classes must be passed on the first call to partial_fit, got None; "
                "give all labels of all calls, as np.unique(y_all)"
            )
        return self._fit(X, y, sample_weight, classes=classes, one_epoch=True)

    @property
    def _classes(self) -> Classes:
        return Classes(self.classes_, self._kind)

    def _learn_targets(self, y: np.ndarray, classes: Any) -> None:
        check_loss(self.loss)
        found = classes_of(y, classes, self.loss, type(self).__name__)
        self.classes_, self._kind = found
        check_not_sparse(found, self.loss, self.metrics)
        self._check_targets(y, classes)

    def _check_targets(self, y: np.ndarray, classes: Any) -> None:
        check_known(y, self._classes)
        if classes is not None and not np.array_equal(
            np.unique(classes), self.classes_
        ):
            raise ValueError(
                f"classes must be {self.classes_.tolist()}, as in the first call, got "
                f"{np.asarray(classes).tolist()}; of several labels per sample they "
                "are the columns of y"
            )

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        X, y = super()._validate(X, y, reset)
        y = y.toarray() if hasattr(y, "toarray") else y
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _encode(self, y: np.ndarray) -> np.ndarray:
        return self._classes.encode(y, self._trained_loss)

    def _balance(self, y: np.ndarray) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        if self.class_weight == "balanced":
            return compute_sample_weight("balanced", y).astype(np.float32)
        if self._kind == "multilabel":
            raise ValueError(
                'class_weight must be None or "balanced" for several labels per '
                f"sample, got {self.class_weight!r}"
            )
        # By all classes, not those of this y: a batch may lack some.
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        return weights[np.searchsorted(self.classes_, y)].astype(np.float32)

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        return None if self._kind == "multilabel" else y

    def _output(self) -> tuple[int, str]:
        return self._classes.n_outputs, self._classes.output_activation

    def _loss(self) -> Any:
        several = self._kind == "multiclass"
        if self.loss is None and several and wants_one_hot(self.metrics):
            return "categorical_crossentropy"
        return self.loss or self._classes.loss

    def _metrics(self) -> list:
        if self.metrics is None:
            return ["accuracy"] if self._kind != "multilabel" else ["binary_accuracy"]
        return list(self.metrics)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
