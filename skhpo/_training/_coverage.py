"""What the compiled loop does not cover, and `Model.fit` does."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .._compat import traces_batches, variables_of

_BATCH_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)
_OWN_STEPS = (
    "fit",
    "evaluate",
    "train_step",
    "test_step",
    "make_train_function",
    "make_test_function",
)
_OWN_PREDICTIONS = ("predict", "predict_step", "make_predict_function")


def why_not_compiled(
    model: keras.Model, x: Any, y: Any, callbacks: list[keras.callbacks.Callback]
) -> str | None:
    """Return why this fit needs `Model.fit`, or None where the compiled loop does."""
    for name, data in (("X", x), ("y", y)):
        if not isinstance(data, np.ndarray):
            return f"{name} is not one array"
    reason = _why_not_run(model, _OWN_STEPS)
    if reason is not None:
        return reason
    for callback in callbacks:
        if _hooks_batches(callback):
            return f"{type(callback).__name__} is called for every batch"
    if model.optimizer.built:
        trained = [id(variable) for variable in model.trainable_variables]
        if [id(variable) for variable in variables_of(model.optimizer)] != trained:
            return "the optimizer was built for other trainable weights"
    return None


def needs_keras_to_predict(model: keras.Model, x: Any) -> bool:
    """Tell whether only `Model.predict` gives this model's predictions."""
    if not model.compiled or not isinstance(x, np.ndarray):
        return True
    return _why_not_run(model, _OWN_PREDICTIONS) is not None


def _why_not_run(model: keras.Model, own_methods: tuple[str, ...]) -> str | None:
    if not model.built:
        return "the model is not built"
    for name in ("inputs", "outputs"):
        n_known = len(getattr(model, name, None) or ())
        if n_known == 0:
            return f"the model does not say what {name} it has"
        if n_known > 1:
            return f"the model has {n_known} {name}"
    if model.run_eagerly:
        return "run_eagerly=True"
    # Keras reads its default "auto" as True where there is a GPU.
    if model.jit_compile and not tf.config.list_physical_devices("GPU"):
        return "jit_compile=True"
    if not model.trainable_variables:
        return "the model has no trainable weights"
    for name in own_methods:
        is_own = getattr(type(model), name) is not getattr(keras.Model, name)
        if is_own or name in vars(model):
            return f"the model has a {name} of its own"
    return None


def _hooks_batches(callback: keras.callbacks.Callback) -> bool:
    """Tell whether a callback does something between batches."""
    idle = _idle_between_batches(callback)
    return any(
        name in vars(callback) or _owner(type(callback), name) not in idle
        for name in _BATCH_HOOKS
    )


def _idle_between_batches(callback: keras.callbacks.Callback) -> set[type]:
    """Return the classes whose hooks do nothing with the settings of a callback."""
    # This one looks at every batch for what an epoch's loss tells as well.
    idle = {keras.callbacks.Callback, keras.callbacks.TerminateOnNaN}
    if getattr(callback, "save_freq", None) == "epoch":
        idle.add(keras.callbacks.ModelCheckpoint)
    records = getattr(callback, "update_freq", None)
    if records == "epoch" and not traces_batches(callback):
        idle.add(keras.callbacks.TensorBoard)
    return idle


def _owner(cls: type, name: str) -> type:
    """Return the class that defines a method of a class."""
    return next(c for c in cls.__mro__ if name in vars(c))
