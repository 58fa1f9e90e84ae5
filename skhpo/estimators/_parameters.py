"""Checks of constructor arguments: everything that is wrong, in one message."""

import os
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any, NamedTuple

import keras
import numpy as np

from .._compat import seeded_by
from ..networks import activation_of
from ._seeds import is_seed

OPTIMIZERS = (
    "adam",
    "sgd",
    "rmsprop",
    "adagrad",
    "adadelta",
    "adamax",
    "nadam",
    "adamw",
    "lion",
)


class Rule(NamedTuple):
    """What a parameter must be, in words and as a test."""

    words: str
    holds: Callable[[Any], bool]


def check_parameters(estimator: Any) -> None:
    """Raise a `ValueError` that lists every parameter whose rule is broken."""
    problems = [
        f"{name} must be {rule.words}, got {value!r}"
        for name, value in estimator.get_params(deep=False).items()
        if (rule := RULES.get(name)) is not None and not rule.holds(value)
    ]
    problems += _problems_of_optimizer(estimator)
    if estimator.warm_start and estimator.checkpoint_dir is not None:
        problems.append(
            "warm_start goes on with the network in memory and checkpoint_dir with the "
            f"one on disk, got both ({estimator.checkpoint_dir!r}); leave one out"
        )
    if problems:
        raise ValueError(
            f"Invalid parameters of {type(estimator).__name__}: " + "; ".join(problems)
        )


def _problems_of_optimizer(estimator: Any) -> list[str]:
    """Return what is wrong with settings given beside an optimizer that has its own."""
    if not isinstance(estimator.optimizer, keras.optimizers.Optimizer):
        return []
    return [
        f"{name} must be None when optimizer is an instance, which has its own, got "
        f"{value!r}; set it on the optimizer"
        for name in ("learning_rate", "clipnorm")
        if (value := getattr(estimator, name)) is not None
    ]


def plain(value: Any) -> Any:
    """Return NumPy's scalars as Python's, in a sequence too: Keras takes no others."""
    if isinstance(value, tuple | list):
        return tuple(plain(v) for v in value)
    return value.item() if isinstance(value, np.generic) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and value > 0


def _number(words: str, holds: Callable[[Any], bool]) -> Rule:
    return Rule(words, lambda value: _is_number(value) and holds(value))


def _optional(rule: Rule) -> Rule:
    return Rule(f"{rule.words}, or None", lambda v: v is None or rule.holds(v))


def _each(rule: Rule, plural: str) -> Rule:
    """Return the rule for one value, or for a sequence of one for each layer."""
    return Rule(
        f"{rule.words}, or a tuple of {plural}",
        lambda value: (
            all(rule.holds(v) for v in value)
            if isinstance(value, tuple | list)
            else rule.holds(value)
        ),
    )


def _one_of(names: Iterable[str]) -> Rule:
    names = tuple(names)
    words = "one of " + ", ".join(repr(name) for name in names)
    return Rule(words, lambda value: isinstance(value, str) and value in names)


def _is_metric(value: Any) -> bool:
    if getattr(value, "name", None) == "loss":
        # Keras has that name already in each epoch's record.
        return False
    # "acc" is a name that only `keras.Model.compile` knows.
    return (isinstance(value, str) and value == "acc") or _is_of_metrics(value)


def _known_to(get: Callable[[Any], Any]) -> Callable[[Any], bool]:
    """Return the test that Keras knows the name, or that the value is a callable.

    A class is not: Keras would call it with what its instances are called with.
    """

    def holds(value: Any) -> bool:
        if not isinstance(value, str):
            return callable(value) and not isinstance(value, type)
        try:
            # Initializers are made to look them up, and would draw a global seed.
            with seeded_by(0):
                get(value)
        except ValueError:
            return False
        return True

    return holds


_BOOL = Rule("True or False", lambda value: isinstance(value, bool | np.bool_))
_COUNT = Rule("a positive integer", _is_count)
_NOT_NEGATIVE = _number("a number of at least 0", lambda value: value >= 0)
_SHARE = _number("a number from 0 up to, but not, 1", lambda value: 0 <= value < 1)
_PIXELS = Rule(
    "a positive integer or a pair of them",
    lambda v: (
        _is_count(v)
        or (isinstance(v, tuple | list) and len(v) == 2 and all(map(_is_count, v)))
    ),
)
_PATH = Rule("a path", lambda v: isinstance(v, str | os.PathLike))
_LOSS = _optional(
    Rule(
        "the name of a Keras loss, a keras.losses.Loss or a function",
        _known_to(keras.losses.get),
    )
)
_is_of_metrics = _known_to(keras.metrics.get)
_OPTIMIZER = _one_of(OPTIMIZERS)

RULES = {
    "hidden_layer_sizes": _each(_COUNT, "positive integers"),
    "dense_layer_sizes": _each(_COUNT, "positive integers"),
    "filters": _each(_COUNT, "positive integers"),
    "kernel_size": _each(_PIXELS, "those"),
    "strides": _each(_PIXELS, "those"),
    "pool_size": _each(_PIXELS, "those"),
    "padding": _each(_one_of(("valid", "same")), "those"),
    "image_shape": _optional(
        Rule(
            "(height, width) or (height, width, channels), in positive integers",
            lambda v: (
                isinstance(v, tuple | list)
                and len(v) in (2, 3)
                and all(map(_is_count, v))
            ),
        )
    ),
    "start_neurons": _COUNT,
    "net_depth": _COUNT,
    "bn_after_act": _BOOL,
    "n_classes": _optional(
        Rule("an integer of at least 2", lambda v: _is_count(v) and v >= 2)
    ),
    "initial_weights": _optional(_PATH),
    "optimizer": Rule(
        f"{_OPTIMIZER.words}, or a keras.optimizers.Optimizer",
        lambda v: _OPTIMIZER.holds(v) or isinstance(v, keras.optimizers.Optimizer),
    ),
    "learning_rate": _optional(
        Rule(
            "a positive number or a keras.optimizers.schedules.LearningRateSchedule",
            lambda v: (
                (_is_number(v) and v > 0)
                or isinstance(v, keras.optimizers.schedules.LearningRateSchedule)
            ),
        )
    ),
    "momentum": _number("a number from 0 to 1", lambda value: 0 <= value <= 1),
    "nesterov": _BOOL,
    "clipnorm": _optional(_number("a positive number", lambda value: value > 0)),
    "batch_size": Rule(
        'a positive integer or "all"',
        lambda v: _is_count(v) or (isinstance(v, str) and v == "all"),
    ),
    "epochs": _COUNT,
    "activation": Rule(
        "the name of a Keras activation, a function or a layer",
        _known_to(activation_of),
    ),
    "dropout": _each(_SHARE, "those"),
    "l1": _NOT_NEGATIVE,
    "l2": _NOT_NEGATIVE,
    "kernel_initializer": Rule(
        "the name of a Keras initializer, or an instance",
        _known_to(keras.initializers.get),
    ),
    "batch_normalization": _BOOL,
    "loss": _LOSS,
    "metrics": _optional(
        Rule(
            "a sequence of names of Keras metrics, keras.metrics.Metric or functions, "
            "none of them named 'loss'",
            lambda v: isinstance(v, tuple | list) and all(map(_is_metric, v)),
        )
    ),
    "class_weight": Rule(
        'a dict of weights of at least 0 by label, "balanced" or None',
        lambda v: (
            v is None
            or (isinstance(v, str) and v == "balanced")
            or (isinstance(v, dict) and all(map(_NOT_NEGATIVE.holds, v.values())))
        ),
    ),
    "early_stopping": _BOOL,
    "validation_fraction": _number(
        "a number between 0 and 1", lambda value: 0 < value < 1
    ),
    "n_iter_no_change": _COUNT,
    "tol": _NOT_NEGATIVE,
    "monitor": Rule("a string", lambda value: isinstance(value, str)),
    "restore_best_weights": _BOOL,
    "callbacks": _optional(
        Rule(
            "a sequence of keras.callbacks.Callback",
            lambda v: (
                isinstance(v, tuple | list)
                and all(isinstance(c, keras.callbacks.Callback) for c in v)
            ),
        )
    ),
    "warm_start": _BOOL,
    "checkpoint_dir": _optional(_PATH),
    "checkpoint_every": _COUNT,
    "shuffle": _BOOL,
    "random_state": Rule(
        "None, a np.random.RandomState or an integer of at least 0",
        lambda v: v is None or isinstance(v, np.random.RandomState) or is_seed(v),
    ),
    "verbose": Rule("0, 1 or 2", lambda v: isinstance(v, Integral) and v in (0, 1, 2)),
}
