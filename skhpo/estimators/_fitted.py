"""What can be read from a fitted network."""

from typing import Any

import keras
from sklearn.utils.validation import check_is_fitted

from .._training import is_better


class FittedNetwork:
    """A mixin for estimators that hold a fitted wrapper, and tell of it."""

    @property
    def model_(self) -> keras.Model:
        """The network."""
        return self._fitted.model_

    @property
    def history_(self) -> dict[str, list[float]]:
        """The loss and metrics of each epoch, of validation data with ``val_``."""
        return self._fitted.history_

    @property
    def loss_curve_(self) -> list[float]:
        """The training loss of each epoch."""
        return self.history_["loss"]

    @property
    def n_iter_(self) -> int:
        """The number of epochs trained."""
        return len(self.loss_curve_)

    @property
    def resumed_from_epoch_(self) -> int:
        """The number of epochs taken over from a checkpoint."""
        return self._fitted.resumed_from_epoch_

    @property
    def training_path_(self) -> str:
        """Whether our loop ("compiled") or `Model.fit` ("keras") trained it."""
        return self._fitted.training_path_

    @property
    def training_path_reason_(self) -> str | None:
        """Why it was `Model.fit`."""
        return self._fitted.training_path_reason_

    @property
    def best_epoch_(self) -> int:
        """The index in `history_` of the epoch kept, or with the best `monitor`."""
        check_is_fitted(self, "wrapper_")
        if self._kept_epoch is not None:
            return self._kept_epoch
        monitor = self.monitor if self.monitor in self.history_ else "loss"
        values = self.history_[monitor]
        best = 0
        for epoch, value in enumerate(values):
            if is_better(value, values[best], monitor, metrics=self._metrics()):
                best = epoch
        return best

    @property
    def _fitted(self) -> Any:
        # What diverged is not fitted, but has a history. The error is an
        # AttributeError, too, so that `hasattr` says no before the first fit.
        check_is_fitted(self, "wrapper_")
        return self.wrapper_

    def _attributes_so_far(self, history: dict[str, list[float]]) -> dict[str, Any]:
        """Return what a copy needs to be as if fitted so far."""
        return {"wrapper_": self.wrapper_.as_of(history), "_kept_epoch": None}
