"""The slow twin: `Model.fit`, fed with our own order of samples."""

from typing import Any

import keras
import numpy as np

from ._data import order_of_epoch
from ._fit import Plan
from ._stopping import EarlyStopping


def train_by_keras(
    model: keras.Model,
    x: Any,
    y: Any,
    sample_weight: np.ndarray | None,
    plan: Plan,
    validation_data: tuple | None,
    callbacks: list[keras.callbacks.Callback],
    early_stopping: EarlyStopping | None,
) -> dict[str, list[float]]:
    """Train a model by `Model.fit`; return its history."""
    if early_stopping is not None:
        callbacks = [*callbacks, _StoppingCallback(early_stopping)]
    if plan.stop_on_nan:
        callbacks = [*callbacks, keras.callbacks.TerminateOnNaN()]
    if y is not None:
        parts = (x, y) if sample_weight is None else (x, y, sample_weight)
        x = _Batches(parts, plan)
    history = model.fit(
        x,
        epochs=plan.epochs,
        initial_epoch=plan.initial_epoch,
        shuffle=False,
        verbose=plan.verbose,
        callbacks=callbacks,
        validation_data=validation_data,
        validation_batch_size=plan.validation_batch_size or plan.batch_size,
        **{"validation_freq": plan.validation_freq, **plan.extra},
    )
    return {name: [float(v) for v in vs] for name, vs in history.history.items()}


class _Batches(keras.utils.PyDataset):
    """Batches of arrays, or of nested ones, in an epoch's order."""

    def __init__(self, parts: tuple, plan: Plan) -> None:
        super().__init__()
        self._parts, self._plan = parts, plan
        self._n_samples = len(keras.tree.flatten(parts)[0])
        self._epoch = plan.initial_epoch
        self._order = self._new_order()

    def __len__(self) -> int:
        return -(-self._n_samples // self._plan.batch_size)

    def __getitem__(self, i: int) -> tuple:
        size = self._plan.batch_size
        rows = self._order[i * size : (i + 1) * size]
        return keras.tree.map_structure(lambda part: part[rows], self._parts)

    def on_epoch_end(self) -> None:
        """Go on to the next epoch's order."""
        self._epoch += 1
        self._order = self._new_order()

    def _new_order(self) -> np.ndarray:
        plan = self._plan
        return order_of_epoch(self._n_samples, self._epoch, plan.seed, plan.shuffle)


class _StoppingCallback(keras.callbacks.Callback):
    """Early stopping as a Keras callback."""

    def __init__(self, stopping: EarlyStopping) -> None:
        super().__init__()
        self._stopping = stopping
        self._best_weights: list[np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Keep the weights of the best epoch, and stop once patience has run out."""
        better = self._stopping.update(epoch, logs or {})
        if better and self._stopping.restore_best_weights:
            self._best_weights = self.model.get_weights()
        if self._stopping.exhausted:
            self.model.stop_training = True

    def on_train_end(self, logs: dict | None = None) -> None:  # noqa: ARG002
        """Bring back the weights of the best epoch."""
        if self._best_weights is not None:
            self.model.set_weights(self._best_weights)
