"""The slow twin: `Model.fit`, fed with our own order of samples."""

import keras
import numpy as np

from ._data import order_of_epoch
from ._plan import Fit, Plan


def train_by_keras(fit: Fit) -> None:
    """Train a model by `Model.fit`."""
    if not fit.progress.is_over:
        _run_epochs(fit)
    else:
        # As averages taken over, which `Model.fit` does at its end.
        fit.model.optimizer.finalize_variable_values(fit.model.trainable_variables)
    if fit.progress.best_weights is not None:
        fit.model.set_weights(fit.progress.best_weights)


def _run_epochs(fit: Fit) -> None:
    plan = fit.plan
    callbacks = [*fit.callbacks, _ProgressCallback(fit)]
    if plan.stop_on_nan:
        callbacks.insert(0, keras.callbacks.TerminateOnNaN())
    x, y, sample_weight = fit.samples
    if y is not None:
        parts = (x, y) if sample_weight is None else (x, y, sample_weight)
        x = _Batches(parts, plan, fit.progress.next_epoch)
    fit.model.fit(
        x,
        epochs=plan.epochs,
        initial_epoch=fit.progress.next_epoch,
        shuffle=False,
        verbose=plan.verbose,
        callbacks=callbacks,
        validation_data=fit.validation_data,
        validation_batch_size=plan.validation_batch_size or plan.batch_size,
        **{"validation_freq": plan.validation_freq, **plan.extra},
    )


class _Batches(keras.utils.PyDataset):
    """Batches of arrays, or of nested ones, in an epoch's order."""

    def __init__(self, parts: tuple, plan: Plan, epoch: int) -> None:
        super().__init__()
        # What Keras makes of the batches knows tuples, but no lists.
        self._parts, self._plan = keras.tree.lists_to_tuples(parts), plan
        self._n_samples = len(keras.tree.flatten(parts)[0])
        self._next_epoch = epoch
        self._order = np.arange(self._n_samples)

    def __len__(self) -> int:
        return -(-self._n_samples // self._plan.batch_size)

    def __getitem__(self, i: int) -> tuple:
        size = self._plan.batch_size
        rows = self._order[i * size : (i + 1) * size]
        return keras.tree.map_structure(lambda part: part[rows], self._parts)

    def on_epoch_begin(self) -> None:
        """Take up the epoch's order.

        Not at the end of the last one: Keras may take a batch to build its metrics, and
        say that an epoch has ended, before the first begins.
        """
        plan = self._plan
        self._order = order_of_epoch(
            self._n_samples, self._next_epoch, plan.seed, plan.shuffle
        )
        self._next_epoch += 1


class _ProgressCallback(keras.callbacks.Callback):
    """What our loop does between epochs, as a Keras callback."""

    def __init__(self, fit: Fit) -> None:
        super().__init__()
        self._fit = fit

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Take in the epoch, stop once it is time, and leave the state."""
        progress = self._fit.progress
        progress.add(epoch, logs or {}, self.model.get_weights)
        if self.model.stop_training:
            progress.stop(self._fit.callbacks)
        self.model.stop_training |= progress.is_over
        if self._fit.state_is_due:
            self._fit.leave_state()
