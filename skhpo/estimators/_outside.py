"""What a building function brings with it, made outside of it."""

import functools
import types
from collections.abc import Iterable, Iterator
from typing import Any

import keras

from .._compat import all_layers, compile_arguments, copy_without_compiling

# A longer list is data, not layers.
_LONGEST = 1000
_LIBRARIES = ("keras", "numpy", "skhpo", "sklearn", "tensorflow")


def layers_within_reach(things: Iterable[Any]) -> list[keras.layers.Layer]:
    """Return the layers and models that functions and parameters refer to.

    A layer that was not built yet when a function put it into a model bears no other
    trace of having been made outside.
    """
    found: list[keras.layers.Layer] = []
    seen: set[int] = set()
    waiting = list(things)
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, keras.layers.Layer):
            found.append(thing)
        else:
            waiting.extend(_references(thing))
    return found


def own_copy(model: keras.Model) -> keras.Model:
    """Return a copy of a model that is not ours to train."""
    try:
        with keras.saving.custom_object_scope(_own_objects(model)):
            copied = (
                copy_without_compiling(model)
                if model.built
                else _copy_of_unbuilt(model)
            )
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ValueError(
            "A model given, or layers made outside the building function, must be "
            f"copied to be trained, and Keras cannot copy these: {cause_of(error)}. "
            "Give their classes a get_config and register them by "
            "@keras.saving.register_keras_serializable(), or build them inside the "
            "function"
        ) from error
    if model.compiled:
        _compile_alike(copied, model)
    return copied


def fresh(value: Any) -> Any:
    """Return optimizers and metrics without state, everything else as it is."""
    if isinstance(value, keras.optimizers.Optimizer | keras.metrics.Metric):
        return type(value).from_config(value.get_config())
    return value


def cause_of(error: Exception) -> str:
    """Return what Keras says between the configurations that it prints."""
    text = str(error).rsplit("Exception encountered: ", 1)[-1]
    text = text.split("Full object config: ")[0]
    return text.strip().split("\n")[0].rstrip(".")


def _copy_of_unbuilt(model: keras.Model) -> keras.Model:
    """Return a copy of a model that Keras would warn of saving; layers may be built."""
    copied = type(model).from_config(model.get_config())
    for mine, other in zip(all_layers(copied), all_layers(model), strict=True):
        if other.built and other.variables:
            if not mine.built:
                mine.build_from_config(other.get_build_config())
            for variable, value in zip(mine.variables, other.variables, strict=True):
                variable.assign(value)
    return copied


def _own_objects(model: keras.Model) -> dict[str, Any]:
    """Return by name the classes and functions of layers that are not Keras's."""
    layers = all_layers(model)
    things = [type(layer) for layer in layers]
    things += [getattr(layer, "activation", None) for layer in layers]
    return {
        thing.__name__: thing
        for thing in things
        if isinstance(thing, type | types.FunctionType)
        and not thing.__module__.startswith("keras.")
    }


def _compile_alike(copied: keras.Model, model: keras.Model) -> None:
    arguments = {"optimizer": model.optimizer, **compile_arguments(model)}
    copied.compile(
        **keras.tree.map_structure(fresh, arguments),
        run_eagerly=model.run_eagerly,
        steps_per_execution=model.steps_per_execution,
        jit_compile=model.jit_compile,
    )
    if model.optimizer.built:
        copied.optimizer.build(copied.trainable_variables)
        pairs = zip(copied.optimizer.variables, model.optimizer.variables, strict=True)
        for variable, value in pairs:
            variable.assign(value)


def _references(thing: Any) -> Iterable[Any]:
    if isinstance(thing, dict) and len(thing) < _LONGEST:
        return thing.values()
    if isinstance(thing, list | tuple | set) and len(thing) < _LONGEST:
        return thing
    if isinstance(thing, functools.partial):
        return (thing.func, thing.args, thing.keywords)
    if isinstance(thing, types.MethodType):
        return (thing.__func__, vars(thing.__self__))
    if isinstance(thing, types.FunctionType):
        return _references_of_function(thing)
    return ()


def _references_of_function(function: types.FunctionType) -> Iterator[Any]:
    if (function.__module__ or "").split(".")[0] in _LIBRARIES:
        return
    yield function.__defaults__
    yield function.__kwdefaults__
    for cell in function.__closure__ or ():
        # A cell is empty while what it is for is not defined yet.
        if cell != types.CellType():
            yield cell.cell_contents
    for name in _names(function.__code__):
        yield function.__globals__.get(name)


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
