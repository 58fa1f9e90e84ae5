"""What networks built alike have in common: their program, and how they start."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from typing import NamedTuple

import keras
import numpy as np

from .._compat import default_seed, seeded_by
from ._key import program_key


class NotPlainError(Exception):
    """A network is made of more than plain values, as of objects of the user's."""


class Start(NamedTuple):
    """What training begins with: values in the order of a model's variables.

    `learning_rate` is None where a schedule gives it.
    """

    trainable: list[np.ndarray]
    others: list[np.ndarray]
    learning_rate: float | None


class Template:
    """How networks of one building function start, each from a seed of its own.

    Parameters
    ----------
    model : keras.Model
        One of them, not trained yet, whose optimizer has its default learning rate.
    seed : int
        The seed that it was built with.

    Raises
    ------
    NotPlainError
        If its initial values are not what is drawn here.
    """

    def __init__(self, model: keras.Model, seed: int) -> None:
        self.program_key = program_key(model)
        if self.program_key is None:
            raise NotPlainError
        self._learning_rate = float(model.optimizer.learning_rate.numpy())
        self._trainable = [id(v) for v in model.trainable_variables]
        self._others = [id(v) for v in model.non_trainable_variables]
        self._draws = _draws_of(model)
        drawn = self.start(seed)
        variables = [*model.trainable_variables, *model.non_trainable_variables]
        pairs = zip(variables, drawn.trainable + drawn.others, strict=True)
        if not all(np.array_equal(v.numpy(), value) for v, value in pairs):
            raise NotPlainError

    def start(self, seed: int, learning_rate: float | None = None) -> Start:
        """Return what a model built with this seed begins with."""
        with seeded_by(seed):
            values = {variable: draw() for variable, draw in self._draws.items()}
        return Start(
            [values[variable] for variable in self._trainable],
            [values[variable] for variable in self._others],
            self._learning_rate if learning_rate is None else learning_rate,
        )


class Templates:
    """Templates by what was built, the longest unused forgotten first.

    Parameters
    ----------
    max_size : int
        The largest number of templates kept.
    """

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self._templates: OrderedDict[Hashable, Template] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Template | None:
        """Return the template of a key, None where there is none."""
        with self._lock:
            if key in self._templates:
                self._templates.move_to_end(key)
            return self._templates.get(key)

    def put(self, key: Hashable, template: Template) -> None:
        """Keep a template."""
        with self._lock:
            self._templates[key] = template
            while len(self._templates) > self.max_size:
                self._templates.popitem(last=False)

    def clear(self) -> None:
        """Forget all templates."""
        with self._lock:
            self._templates.clear()


def _draws_of(model: keras.Model) -> dict[int, Callable[[], np.ndarray]]:
    """Return by variable what gives its initial values, in the order of Keras.

    An initializer or a dropout layer draws its seed when it is made.
    """
    draws: dict[int, Callable[[], np.ndarray]] = {}
    for layer in model.layers:
        if hasattr(layer, "kernel_initializer"):
            if not type(layer.kernel_initializer).__module__.startswith("keras."):
                # Of a name that the user registered, which may come to mean another.
                raise NotPlainError
            draws[id(layer.kernel)] = partial(
                _kernel,
                layer.kernel_initializer,
                layer.kernel.shape,
                layer.kernel.dtype,
            )
        if getattr(layer, "seed_generator", None) is not None:
            draws[id(layer.seed_generator.state)] = _state_of_generator
    for variable in model.variables:
        value = variable.numpy()
        if id(variable) in draws:
            continue
        if value.size and np.ptp(value) != 0:
            # Who draws these is not known here.
            raise NotPlainError
        draws[id(variable)] = partial(np.full_like, value, value.flat[0])
    return draws


def _kernel(
    initializer: keras.initializers.Initializer, shape: tuple, dtype: str
) -> np.ndarray:
    own = type(initializer).from_config(initializer.get_config())
    return np.asarray(own(shape, dtype=dtype))


def _state_of_generator() -> np.ndarray:
    return np.array([default_seed(), 0], dtype=np.uint32)
