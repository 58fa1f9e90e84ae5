"""What a building function brings with it, made outside of it."""

import functools
import types
from collections.abc import Iterable, Iterator
from typing import Any

import keras

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
