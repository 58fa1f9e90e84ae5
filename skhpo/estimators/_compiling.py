"""From an estimator's parameters to a compiled Keras model."""

from collections.abc import Callable
from typing import Any

import keras

from .._compat import fresh_names
from ._outside import fresh


def build_compiled(
    build: Callable[[], keras.Model],
    loss: Any,
    metrics: list,
    optimizer: dict[str, Any],
    learning_rate: Any,
) -> keras.Model:
    """Return a network made by `build` and compiled.

    Each gets the same names, so that it leaves no memory behind and two of one
    architecture look alike.
    """
    with fresh_names():
        model = build()
        model.compile(
            optimizer=_optimizer(learning_rate=learning_rate, **optimizer),
            loss=loss,
            metrics=[fresh(metric) for metric in metrics],
        )
    return model


def _optimizer(
    optimizer: str | keras.optimizers.Optimizer,
    momentum: float,
    nesterov: bool,
    clipnorm: float | None,
    learning_rate: Any,
) -> keras.optimizers.Optimizer:
    """Return an optimizer of the fit's own."""
    if isinstance(optimizer, keras.optimizers.Optimizer):
        return fresh(optimizer)
    settings: dict[str, Any] = {"clipnorm": clipnorm}
    if learning_rate is not None:
        is_schedule = isinstance(
            learning_rate, keras.optimizers.schedules.LearningRateSchedule
        )
        settings["learning_rate"] = (
            learning_rate if is_schedule else float(learning_rate)
        )
    if optimizer == "sgd":
        settings |= {"momentum": float(momentum), "nesterov": nesterov}
    return type(keras.optimizers.get(optimizer))(**settings)
