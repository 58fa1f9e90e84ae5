"""What things are told apart by, in this process and in another."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np


def describe(value: Any) -> str:
    """Return a description that is the same in another process."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(describe, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{k!r}:{describe(v)}' for k, v in value.items())}}}"
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, bytes | complex) or value is ...:
        return repr(value)
    if isinstance(value, set | frozenset):
        # Their order differs from process to process.
        return f"{{{','.join(sorted(map(describe, value)))}}}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype.str}{value.shape}{value.tolist()!r}"
    if inspect.iscode(value):
        return describe([value.co_code, value.co_names, value.co_consts])
    if inspect.ismethod(value):
        return describe([value.__func__, value.__self__])
    if inspect.isfunction(value):
        return _describe_function(value)
    if inspect.isclass(value):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, functools.partial):
        return describe([value.func, value.args, value.keywords])
    has_config = hasattr(value, "get_config")
    settings = value.get_config() if has_config else getattr(value, "__dict__", {})
    # Automatic names differ from object to object.
    settings = {k: v for k, v in settings.items() if k != "name"}
    return describe(type(value)) + describe(settings)


def _describe_function(function: Callable) -> str:
    """Return a function's name and what it does: two of one name may differ.

    What it finds in its module is left out.
    """
    closed_over = [cell.cell_contents for cell in function.__closure__ or ()]
    parts = [
        f"{function.__module__}.{function.__qualname__}",
        function.__code__,
        closed_over,
        function.__defaults__,
        function.__kwdefaults__,
    ]
    return describe(parts)


def add_array(digest: Any, array: np.ndarray) -> None:
    """Let every byte of an array count in a digest of `hashlib`."""
    digest.update(f"{array.dtype.str}{array.shape};".encode())
    if array.dtype == object:
        digest.update(repr(array.tolist()).encode())
    else:
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
