"""A network that predicts numbers."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import column_or_1d

from ._base import NetworkEstimator


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """What a network does with numbers."""

    _checks_of_y = {"y_numeric": True}

    def predict(self, X: Any) -> np.ndarray:
        """Predict the targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, of the shape that `fit` takes.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, float32 for X of float32, else float64.
        """
        dtype = np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64
        outputs = self._outputs(X).astype(dtype, copy=False)
        return outputs if self._is_multi_output else outputs[:, 0]

    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> "NetworkRegressor":
        """Go on for one epoch, without early stopping.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples, of the shape that `fit` takes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, 1 each by default.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, one_epoch=True)

    def _learn_targets(self, y: np.ndarray, classes: None) -> None:  # noqa: ARG002
        self._is_multi_output = y.ndim == 2
        self.n_outputs_ = y.shape[1] if self._is_multi_output else 1

    def _check_targets(self, y: np.ndarray, classes: None) -> None:  # noqa: ARG002
        n_outputs = y.shape[1] if y.ndim == 2 else 1
        if n_outputs != self.n_outputs_:
            raise ValueError(
                f"y must have {self.n_outputs_} outputs, as {type(self).__name__} was "
                f"fitted on, got {n_outputs}"
            )

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        X, y = super()._validate(X, y, reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _encode(self, y: np.ndarray) -> np.ndarray:
        return np.asarray(y, dtype=np.float32).reshape(len(y), self.n_outputs_)

    def _balance(self, y: np.ndarray) -> None:  # noqa: ARG002
        return None

    def _strata(self, y: np.ndarray) -> None:  # noqa: ARG002
        return None

    def _output(self) -> tuple[int, str]:
        return self.n_outputs_, "linear"

    def _loss(self) -> Any:
        return self.loss or "mean_squared_error"

    def _metrics(self) -> list:
        return list(self.metrics or ())
