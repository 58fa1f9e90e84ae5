"""Keras Tuner's way to write a space: a function of `hp`, or `HyperParameters`."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine import hyperparameters as kinds

from .._dimensions import Dimension
from .._space import read_dimension


def run_of_function(function: Callable) -> Callable[[Callable], Mapping[str, Any]]:
    """Return how a user's function of `hp` is run with values of our choice."""
    return lambda answer: function(ChosenHyperParameters(answer))


def run_of_hyperparameters(
    space: keras_tuner.HyperParameters,
) -> Callable[[Callable], Mapping[str, Any]]:
    """Return how hyperparameters declared beforehand get values of our choice."""
    declared = [(p, (repr(p.get_config()),)) for p in space.space]

    def run(answer: Callable) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for hyperparameter, definition in declared:
            if all(c.is_active(values) for c in hyperparameter.conditions):
                values[hyperparameter.name] = answer(
                    hyperparameter.name,
                    definition,
                    lambda p=hyperparameter: read_dimension(p),
                )
        return values

    return run


class ChosenHyperParameters(keras_tuner.HyperParameters):
    """Keras Tuner's `hp`, whose values someone else chooses.

    Keras Tuner registers a hyperparameter when it is first asked for, and gives it its
    default; this one asks for a value, and knows what was asked for in one run. It
    takes microseconds, as a sampler runs a function for thousands of candidates.
    """

    def __init__(self, answer: Callable):
        super().__init__()
        self._answer = answer
        self._prefixes: list[str] = []
        self._open = True

    def Choice(
        self,
        name,
        values,
        ordered=None,
        default=None,
        parent_name=None,
        parent_values=None,
    ):
        """Return one of the values."""
        return self._value(
            kinds.Choice,
            name,
            {"values": tuple(values), "ordered": ordered},
            parent_name,
            parent_values,
        )

    def Int(
        self,
        name,
        min_value,
        max_value,
        step=None,
        sampling="linear",
        default=None,
        parent_name=None,
        parent_values=None,
    ):
        """Return an integer between two bounds, both included."""
        interval = {"min_value": min_value, "max_value": max_value, "step": step}
        return self._value(
            kinds.Int,
            name,
            {**interval, "sampling": sampling},
            parent_name,
            parent_values,
        )

    def Float(
        self,
        name,
        min_value,
        max_value,
        step=None,
        sampling="linear",
        default=None,
        parent_name=None,
        parent_values=None,
    ):
        """Return a float between two bounds."""
        interval = {"min_value": min_value, "max_value": max_value, "step": step}
        return self._value(
            kinds.Float,
            name,
            {**interval, "sampling": sampling},
            parent_name,
            parent_values,
        )

    def Boolean(self, name, default=False, parent_name=None, parent_values=None):
        """Return True or False."""
        return self._value(kinds.Boolean, name, {}, parent_name, parent_values)

    def Fixed(self, name, value, parent_name=None, parent_values=None):
        """Return the value."""
        return self._value(
            kinds.Fixed, name, {"value": value}, parent_name, parent_values
        )

    @contextlib.contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Put a prefix before the names asked for within."""
        self._prefixes.append(str(name))
        try:
            yield
        finally:
            self._prefixes.pop()

    @contextlib.contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Any) -> Iterator[None]:
        """Return None for what is asked for within, unless the parent has a value."""
        outer = self._open
        self._open = outer and self._has_value(parent_name, parent_values)
        try:
            yield
        finally:
            self._open = outer

    def get(self, name: str) -> Any:
        """Return a value that was asked for before."""
        full_name = self._full_name(name)
        if full_name not in self.values:
            raise KeyError(f"{full_name} was not asked for, or does not matter here.")
        return self.values[full_name]

    def _value(
        self, kind: type, name: str, definition: dict, parent_name: Any, parents: Any
    ) -> Any:
        if not self._open:
            return None
        if parent_name is not None and not self._has_value(parent_name, parents):
            return None
        full_name = self._full_name(name)
        value = self._answer(
            full_name,
            (kind, *definition.values()),
            lambda: _dimension(kind, full_name, definition),
        )
        self.values[full_name] = value
        return value

    def _has_value(self, parent_name: str, parent_values: Any) -> bool:
        is_several = isinstance(parent_values, list | tuple)
        wanted = parent_values if is_several else [parent_values]
        return self.values.get(self._full_name(parent_name)) in wanted

    def _full_name(self, name: str) -> str:
        return "/".join([*self._prefixes, name]) if self._prefixes else name


def _dimension(kind: type, name: str, definition: dict) -> Dimension:
    try:
        return read_dimension(kind(name=name, **definition))
    except ValueError as problem:
        raise ValueError(f"search space of {name!r}: {problem}") from problem
