"""A network that is trained before a Keras model of its own is built."""

import contextlib
from collections.abc import Callable, Hashable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .._compat import seeded_by, under_policy
from ._cache import CACHE, TEMPLATES
from ._program import Program
from ._templates import NotPlainError, Template


class Sketch:
    """The function that builds a model, its seed, and what it was trained to.

    To build a Keras model takes as long as to train a small one. A network that is made
    like one before it needs none: it borrows a program, and draws its initial weights
    as Keras would. The model is built when somebody asks for it.
    """

    def __init__(
        self,
        build: Callable[..., keras.Model],
        seed: int,
        learning_rate: float | None,
        template: Template,
    ) -> None:
        self._build, self._seed, self._learning_rate = build, seed, learning_rate
        self._template = template
        # Who asks for the model later may have set another.
        self._policy = keras.config.dtype_policy()
        self._state: list[np.ndarray] | None = None

    @contextlib.contextmanager
    def lend(self, targets: Hashable | None = None) -> Iterator[Program]:
        """Lend a program with this network loaded.

        With a kind of targets it is trained, and this network keeps what came of it;
        without it is only asked, and gets nothing of what the optimizer holds.
        """
        with self._lend_unloaded(targets) as program:
            if targets is None and self._state is not None:
                program.weights.resume_weights(self._state)
                yield program
                return
            self._load(program)
            try:
                yield program
            finally:
                self._state = program.weights.state()

    def model(self) -> keras.Model:
        """Return the network as a Keras model."""
        model = self._build_seeded()
        if self._state is not None:
            with self._lend_unloaded() as program:
                self._load(program)
                program.store(model)
        return model

    def _load(self, program: Program) -> None:
        if self._state is None:
            start = self._template.start(self._seed, self._learning_rate)
            program.weights.start(start)
        else:
            program.weights.resume(self._state)

    def _lend_unloaded(
        self, targets: Hashable | None = None
    ) -> contextlib.AbstractContextManager[Program]:
        return CACHE.lend_by(self._template.program_key, self._build_seeded, targets)

    def _build_seeded(self) -> keras.Model:
        with under_policy(self._policy), seeded_by(self._seed):
            return self._build(learning_rate=self._learning_rate)


def sketch(
    build: Callable[..., keras.Model], seed: int, learning_rate: object
) -> Sketch | None:
    """Return a sketch of what `build` makes with a learning rate, a number or None.

    None where only a model will do: with parts that are not plain values, as functions
    of the user's, or a schedule for the learning rate.
    """
    if tf.config.functions_run_eagerly():
        return None
    try:
        plain_key(learning_rate)
        key = plain_key([build, _settings_of_keras()])
    except NotPlainError:
        return None
    template = TEMPLATES.get(key)
    if template is None:
        with seeded_by(seed):
            model = build(learning_rate=None)
        try:
            template = Template(model, seed)
        except NotPlainError:
            return None
        TEMPLATES.put(key, template)
        CACHE.add(template.program_key, model)
    return Sketch(build, seed, learning_rate, template)


def _settings_of_keras() -> tuple[str, ...]:
    """Return what changes the networks of one function."""
    config = keras.config
    return config.floatx(), config.dtype_policy().name, config.image_data_format()


def plain_key(thing: Any) -> Hashable:
    """Return something equal for equal values, or raise `NotPlainError`."""
    if isinstance(thing, partial) and thing.func.__module__.startswith("skhpo."):
        return thing.func, plain_key(thing.args), plain_key(thing.keywords)
    if thing is None or isinstance(thing, bool | int | float | str):
        return type(thing), thing
    if isinstance(thing, tuple | list):
        return tuple(plain_key(part) for part in thing)
    if isinstance(thing, dict):
        return tuple((name, plain_key(part)) for name, part in sorted(thing.items()))
    raise NotPlainError
