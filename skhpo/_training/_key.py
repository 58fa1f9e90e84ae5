"""What two models must share to share a program."""

import functools
import itertools
import json
import sys
import types
from collections.abc import Hashable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .._compat import (
    all_layers,
    compile_arguments,
    has_exceptions_from_decay,
    has_own_learning_rate,
    schedule_of,
)

_NAMED = {"name", "keras_history", "input_layers", "output_layers"}


class _NoKeyError(Exception):
    """Something in the model cannot be told apart from another of its name."""


def program_key(model: keras.Model) -> Hashable | None:
    """Return what the programs of alike models are found by, or None for no sharing.

    Alike are models of one topology whose layers, losses, metrics and optimizer have
    equal settings, whatever their names, seeds, weights and learning rate. A lambda, a
    local or a `__main__` function or class gives None: two of one name can differ in
    what they close over. Configurations alone do not tell: Keras writes any function
    named "relu" as its own.
    """
    seen = {id(variable): i for i, variable in enumerate(model.variables)}
    try:
        parts = tuple(_digest(part, seen) for part in _parts(model))
        compiled = _digest(compile_arguments(model), seen)
        optimizer = _optimizer_digest(model.optimizer, seen)
        topology = _topology(model)
    except _NoKeyError:
        return None
    # Losses clip by it when they are traced.
    return topology, parts, compiled, optimizer, keras.config.epsilon()


def objects_in(key: Hashable) -> dict[str, Any]:
    """Return by name the functions and classes in a key that are not Keras's own."""
    if isinstance(key, tuple | frozenset):
        return {name: thing for part in key for name, thing in objects_in(part).items()}
    if isinstance(key, types.FunctionType | type) and not _is_of_keras(key):
        return {key.__name__: key}
    return {}


def _parts(model: keras.Model) -> list[Any]:
    """Return the layers of a model, and the operations between them."""
    layers = all_layers(model)
    graphs = (getattr(layer, "operations", ()) for layer in layers)
    return [*layers, *itertools.chain.from_iterable(graphs)]


def _topology(model: keras.Model) -> str:
    names = {part.name: f"#{i}" for i, part in enumerate(_parts(model))}
    try:
        config = model.get_config()
    except Exception as error:  # whatever a class of the user's raises
        raise _NoKeyError(model) from error
    return json.dumps(_without_names(config, names), default=repr)


def _without_names(node: Any, names: dict[str, str], named: bool = False) -> Any:
    """Replace the layers' names by numbers, and drop what sets initial weights."""
    if isinstance(node, dict):
        return {
            key: _without_names(value, names, key in _NAMED)
            for key, value in node.items()
            if key != "seed" and not key.endswith("_initializer")
        }
    if isinstance(node, list | tuple):
        return [_without_names(value, names, named) for value in node]
    if named and isinstance(node, str):
        return names.get(node, node)
    return node


def _optimizer_digest(optimizer: keras.optimizers.Optimizer, seen: dict) -> Hashable:
    # What is not in a configuration: settings of the user's own, and exceptions from
    # the decay of weights.
    if has_exceptions_from_decay(optimizer) or not _is_of_keras(type(optimizer)):
        raise _NoKeyError(optimizer)
    config = {k: v for k, v in optimizer.get_config().items() if k != "name"}
    rate = config.pop("learning_rate", None)
    if not has_own_learning_rate(optimizer):
        rate = schedule_of(optimizer, rate)
        config["learning_rate"] = rate
    return _importable(type(optimizer)), _digest(config, seen)


def _digest(value: Any, seen: dict[int, int]) -> Hashable:
    """Return something equal for equal settings, or raise `_NoKeyError`."""
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return type(value).__name__, value
    if isinstance(value, keras.Variable):
        if id(value) not in seen:
            # Nothing loads the variables of a loss or of a regularizer.
            raise _NoKeyError(value)
        kind = tuple(value.shape), str(value.dtype), value.trainable
        return "variable", seen[id(value)], kind
    if isinstance(value, keras.random.SeedGenerator | keras.initializers.Initializer):
        return type(value).__name__
    if isinstance(value, tf.Tensor) and not tf.is_symbolic_tensor(value):
        value = value.numpy()
    if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | type):
        return _importable(value)
    if isinstance(value, functools.partial):
        return _digest([value.func, value.args, value.keywords], seen)
    if isinstance(value, set | frozenset):
        return frozenset(_digest(item, seen) for item in value)
    if isinstance(value, list | tuple):
        return type(value).__name__, tuple(_digest(item, seen) for item in value)
    if isinstance(value, dict):
        return tuple((str(key), _digest(item, seen)) for key, item in value.items())
    return _digest_instance(value, seen)


def _digest_instance(value: Any, seen: dict[int, int]) -> Hashable:
    if id(value) in seen:
        return "seen", seen[id(value)]
    seen[id(value)] = len(seen)
    if isinstance(value, keras.Model):
        if not _is_of_keras(type(value)):
            raise _NoKeyError(value)
        # What a model adds to its layers is its topology, which the key has already.
        return type(value)
    family = _family(value)
    plain = _framework_names(family)
    if _is_of_keras(type(value)):
        # Only Keras's own are known to draw nothing from it but states.
        plain |= {"seed"}
    settings = {
        name: setting
        for name, setting in vars(value).items()
        # TensorFlow's own record of what belongs to what.
        if name not in plain and not name.startswith("_self_")
    }
    if family is keras.metrics.Metric:
        # A copy makes its own.
        settings = {
            name: setting
            for name, setting in settings.items()
            if not isinstance(setting, keras.Variable)
        }
        # Its values are recorded by it.
        settings["name"] = value.name
    digest = _importable(type(value)), _digest(settings, seen)
    if family is not keras.layers.Layer:
        # Several layers may share it, as a regularizer, or have equal ones.
        del seen[id(value)]
    return digest


def _family(value: Any) -> type:
    for family in (
        keras.layers.Layer,
        keras.Operation,
        keras.losses.Loss,
        keras.metrics.Metric,
    ):
        if isinstance(value, family):
            return family
    if _is_of_keras(type(value)):
        return object
    raise _NoKeyError(value)


@functools.cache
def _framework_names(family: type) -> frozenset[str]:
    """Return the attributes that every member of a Keras family has, however set."""
    if family in (object, keras.losses.Loss):
        return frozenset({"name"})
    if family is keras.metrics.Metric:
        return frozenset(vars(keras.metrics.Mean()))
    if family is keras.Operation:
        return frozenset(vars(keras.Operation()))
    # The calibrations are what loading saved weights leaves, and nothing more.
    calibrations = {"is_gptq_calibrated", "is_awq_calibrated"}
    plain = {*vars(keras.layers.Layer()), "_losses", *calibrations}
    telling = {"activity_regularizer", "autocast", "_dtype_policy", "_trainable"}
    return frozenset(plain - telling)


def _is_of_keras(thing: Any) -> bool:
    return thing.__module__.startswith("keras.")


def _importable(thing: Any) -> Any:
    """Return a function or class that its qualified name leads to, else raise."""
    module = sys.modules.get(thing.__module__ or "")
    if thing.__module__ == "__main__" or module is None:
        raise _NoKeyError(thing)
    found = module
    for part in thing.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is not thing:
        raise _NoKeyError(thing)
    return thing
