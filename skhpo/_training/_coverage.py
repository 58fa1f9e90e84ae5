"""What the compiled loop does not cover, and `Model.fit` does."""

from typing import Any

import keras
import numpy as np

_BATCH_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)
_OWN_STEPS = ("fit", "train_step", "test_step", "make_train_function")


def why_not_compiled(
    model: keras.Model, x: Any, y: Any, callbacks: list[keras.callbacks.Callback]
) -> str | None:
    """Return why this fit needs `Model.fit`, or None where the compiled loop does."""
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray):
        return "X is not one array"
    if not model.built or len(model.inputs or ()) != 1 or len(model.outputs) != 1:
        return "the model is not built, or has not one input and one output"
    if model.run_eagerly:
        return "run_eagerly=True"
    if model.jit_compile:
        return "jit_compile=True"
    if not model.trainable_variables:
        return "the model has no trainable weights"
    for name in _OWN_STEPS:
        if getattr(type(model), name) is not getattr(keras.Model, name):
            return f"the model has a {name} of its own"
    for callback in callbacks:
        if _hooks_batches(callback):
            return f"{type(callback).__name__} is called for every batch"
    return None


def _hooks_batches(callback: keras.callbacks.Callback) -> bool:
    """Tell whether a callback does something between batches.

    Some of Keras's own have such hooks only for settings that are not these ones.
    """
    if isinstance(callback, keras.callbacks.TerminateOnNaN):
        return False
    if isinstance(callback, keras.callbacks.TensorBoard):
        return callback.update_freq != "epoch" or bool(callback._should_trace)
    if isinstance(
        callback, keras.callbacks.ModelCheckpoint | keras.callbacks.BackupAndRestore
    ):
        return callback.save_freq != "epoch"
    return any(
        name in vars(callback)
        or getattr(type(callback), name) is not getattr(keras.callbacks.Callback, name)
        for name in _BATCH_HOOKS
    )
