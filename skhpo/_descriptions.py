"""What things are told apart by, in this process and in another."""

import functools
import inspect
import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np


def one_line(value: Any) -> str:
    """Return a value as people read it, in a line.

    Functions are told by their name, and what Keras alone knows to tell of, by its
    configuration: schedules and optimizers have only an address as a text.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    config = _config_of(value) if type(value).__repr__ is object.__repr__ else None
    if config is not None:
        settings = ", ".join(f"{k}={one_line(v)}" for k, v in config.items())
        return f"{type(value).__name__}({settings})"
    return " ".join((value if isinstance(value, str) else repr(value)).split())


def describe(value: Any, within: tuple[int, ...] = ()) -> str:
    """Return a description that is the same in another process.

    `within` are the identities of what the value is a part of: some things lead back
    to themselves.
    """
    if id(value) in within:
        return "itself"
    within = (*within, id(value))
    if isinstance(value, list | tuple):
        return f"[{','.join(describe(part, within) for part in value)}]"
    if isinstance(value, dict):
        parts = (f"{k!r}:{describe(v, within)}" for k, v in value.items())
        return f"{{{','.join(parts)}}}"
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, bytes | complex | range | os.PathLike) or value is ...:
        return repr(value)
    if isinstance(value, set | frozenset):
        # Their order differs from process to process.
        return f"{{{','.join(sorted(describe(part, within) for part in value))}}}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype.str}{value.shape}{value.tolist()!r}"
    if inspect.iscode(value):
        return describe([value.co_code, value.co_names, value.co_consts], within)
    return _describe_object(value, within)


def _describe_object(value: Any, within: tuple[int, ...]) -> str:
    if inspect.isbuiltin(value):
        return f"{value.__module__}.{value.__qualname__}"
    if inspect.ismethod(value):
        return describe([value.__func__, value.__self__], within)
    if inspect.isfunction(value):
        return _describe_function(value, within)
    if inspect.isclass(value):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, functools.partial):
        return describe([value.func, value.args, value.keywords], within)
    kind = describe(type(value))
    if (config := _config_of(value)) is not None:
        return kind + describe(config, within)
    if hasattr(value, "dist") and hasattr(value, "kwds"):
        # A frozen distribution of scipy's, with much beside that was worked out.
        return kind + describe([value.dist.name, value.args, value.kwds], within)
    if hasattr(value, "get_params"):
        # What an estimator was fitted to is no part of what it is.
        return kind + describe(value.get_params(deep=False), within)
    if hasattr(value, "__dict__"):
        return kind + describe(vars(value), within)
    return kind + re.sub(" at 0x[0-9a-f]+", "", repr(value))


def _config_of(value: Any) -> dict[str, Any] | None:
    """Return the configuration of an object of Keras's, without its name.

    Automatic names differ from object to object. It is None of other things, and where
    a class of a user's own does not tell.
    """
    if not hasattr(value, "get_config"):
        return None
    try:
        config = value.get_config()
    except NotImplementedError:
        return None
    return {name: part for name, part in config.items() if name != "name"}


def _describe_function(function: Callable, within: tuple[int, ...]) -> str:
    """Return a function's name and what it does: two of one name may differ.

    What it finds in its module is left out.
    """
    parts = [
        f"{function.__module__}.{function.__qualname__}",
        function.__code__,
        [_content_of(cell) for cell in function.__closure__ or ()],
        function.__defaults__,
        function.__kwdefaults__,
    ]
    return describe(parts, within)


def _content_of(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # Of a variable that has no value yet.
        return "empty"


def add_array(digest: Any, array: np.ndarray) -> None:
    """Let every byte of an array count in a digest of `hashlib`."""
    digest.update(f"{array.dtype.str}{array.shape};".encode())
    if array.dtype == object:
        digest.update(repr(array.tolist()).encode())
    else:
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
