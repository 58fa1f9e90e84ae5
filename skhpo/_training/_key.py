"""What two models must share to share a program."""

import functools
import json
import sys
import types
from collections.abc import Hashable
from typing import Any

import keras
import numpy as np

from .._compat import all_layers, compile_arguments, has_own_learning_rate

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
    if not type(model).__module__.startswith("keras.src.models"):
        return None
    seen: dict[int, int] = {}
    try:
        layers = tuple(_digest(layer, seen) for layer in all_layers(model))
        compiled = _digest(compile_arguments(model), seen)
        optimizer = _optimizer_digest(model.optimizer, seen)
    except _NoKeyError:
        return None
    return _topology(model), layers, compiled, optimizer


def _topology(model: keras.Model) -> str:
    names = {layer.name: f"#{i}" for i, layer in enumerate(all_layers(model))}
    config = _without_names(model.get_config(), names)
    return json.dumps(config, default=repr)


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
    config = {k: v for k, v in optimizer.get_config().items() if k != "name"}
    rate = config.pop("learning_rate", None)
    if not has_own_learning_rate(optimizer):
        rate = getattr(optimizer, "_learning_rate", rate)
        config["learning_rate"] = rate
    return _importable(type(optimizer)), _digest(config, seen)


def _digest(value: Any, seen: dict[int, int]) -> Hashable:
    """Return something equal for equal settings, or raise `_NoKeyError`."""
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return type(value).__name__, value
    if isinstance(value, keras.Variable):
        return "variable", tuple(value.shape), str(value.dtype), value.trainable
    if isinstance(value, keras.random.SeedGenerator | keras.initializers.Initializer):
        return type(value).__name__
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
        # What a model adds to its layers is its topology, which the key has already.
        return _importable(type(value))
    plain = _framework_names(_family(value))
    settings = {
        name: setting
        for name, setting in vars(value).items()
        # TensorFlow's own record of what belongs to what.
        if name not in plain and not name.startswith("_self_")
    }
    return _importable(type(value)), _digest(settings, seen)


def _family(value: Any) -> type:
    for family in (keras.layers.Layer, keras.losses.Loss, keras.metrics.Metric):
        if isinstance(value, family):
            return family
    if type(value).__module__.startswith("keras."):
        return object
    raise _NoKeyError(value)


@functools.cache
def _framework_names(family: type) -> frozenset[str]:
    """Return the attributes that every member of a Keras family has, however set."""
    if family is object:
        return frozenset({"name", "seed"})
    if family is keras.metrics.Metric:
        return frozenset(vars(keras.metrics.Mean()))
    if family is keras.losses.Loss:
        return frozenset({"name"})
    plain = {*vars(keras.layers.Layer()), "seed", "_losses"}
    return frozenset(plain - {"activity_regularizer", "_dtype_policy", "_trainable"})


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
