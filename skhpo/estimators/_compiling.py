"""From an estimator's parameters to a compiled Keras model."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from .._compat import fresh_names
from ._outside import cause_of, fresh


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


def build_from(weights: Path, build: Callable[[], keras.Model]) -> keras.Model:
    """Return a network that starts from the weights in a file."""
    model = build()
    for variable in model.weights:
        # Keras leaves what is not in the file as it is, with a warning at most.
        variable.assign(np.full(variable.shape, np.nan))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.load_weights(weights)
        if any(np.isnan(variable.numpy()).any() for variable in model.weights):
            raise ValueError("it lacks some of the weights")
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(
            "initial_weights must name a file of weights, .weights.h5 or .keras, of a "
            "network of the same size, with as many channels and classes, got "
            f"{str(weights)!r}: {cause_of(error)}"
        ) from error
    return model


def existing_file(path: str | os.PathLike) -> Path:
    """Return the path of the file that `initial_weights` names, or raise."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"initial_weights must name a file of weights, got {str(path)!r}, where "
            "there is none; give the path that model_.save_weights wrote to"
        )
    return path


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
