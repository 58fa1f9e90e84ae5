"""The Keras callbacks of a fit on the compiled path."""

from typing import Any

import keras

from ._plan import Plan
from ._program import Program


class Listeners:
    """The Keras callbacks of a fit, which see and may change the estimator's model.

    The program trains a copy; so around each call the model gets the program's weights
    and gives back what the callbacks made of them and of the learning rate.
    """

    def __init__(
        self,
        callbacks: list[keras.callbacks.Callback],
        model: keras.Model,
        program: Program,
        plan: Plan,
        n_batches: int,
    ) -> None:
        self._model, self._program = model, program
        self._callbacks = None
        self._last = _LastListener()
        self._stop_on_nan = [
            c for c in callbacks if isinstance(c, keras.callbacks.TerminateOnNaN)
        ]
        if callbacks:
            model.stop_training = False
            self._callbacks = keras.callbacks.CallbackList(
                [*callbacks, self._last],
                add_history=True,
                model=model,
                epochs=plan.epochs,
                steps=n_batches,
                verbose=plan.verbose,
            )

    @property
    def stopped(self) -> bool:
        """Whether a callback asked to stop."""
        return self._callbacks is not None and self._model.stop_training

    def train_begin(self) -> None:
        self._call("on_train_begin")

    def train_end(self, logs: dict[str, float]) -> None:
        self._call("on_train_end", logs)

    def epoch_begin(self, epoch: int) -> None:
        self._call("on_epoch_begin", epoch)

    def epoch_end(self, epoch: int, logs: dict[str, float]) -> dict[str, float]:
        """Return the logs with what callbacks added, as a learning rate."""
        for callback in self._stop_on_nan:
            # Made to look at every batch; a loss that is not a number in one batch
            # makes the epoch's not a number.
            callback.on_batch_end(epoch, logs)
        self._call("on_epoch_end", epoch, logs)
        return logs if self._callbacks is None else self._last.logs

    def test_begin(self) -> None:
        self._call("on_test_begin")

    def test_end(self, logs: dict[str, float]) -> None:
        self._call("on_test_end", logs)

    def _call(self, event: str, *arguments: Any) -> None:
        if self._callbacks is None:
            return
        self._program.store(self._model)
        getattr(self._callbacks, event)(*arguments)
        self._program.load(self._model)


class _LastListener(keras.callbacks.Callback):
    """Sees the logs of an epoch as the callbacks before it left them."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:  # noqa: ARG002
        """Keep the logs."""
        self.logs = logs or {}
