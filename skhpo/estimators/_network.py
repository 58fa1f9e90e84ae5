"""The wrapper of a network of our own."""

import copy
import threading
from collections import Counter
from functools import cached_property, partial
from types import FunctionType
from typing import Any, Self

import keras
import numpy as np

from .._training import Sketch, sketch
from ._datasets import is_dataset
from ._repairs import joined
from ._wrappers import BaseWrapper

# Two threads that ask one network for its model get the same.
_BUILDING = threading.RLock()


class Network(BaseWrapper):
    """The wrapper of a network of our own, given inputs and targets made ready.

    `functions_` are the user's functions in it, by name, which is all that Keras saves
    of them. `model_` is built when it is asked for, where our loop can do without.
    """

    _sketch: Sketch | None = None

    @cached_property
    def model_(self) -> keras.Model:
        """The Keras model."""
        with _BUILDING:
            if "model_" not in vars(self):
                if self._sketch is None:
                    raise AttributeError("model_ is there after the first fit")
                vars(self)["model_"] = self._sketch.model()
                # Last, so that another thread finds the one or the other.
                self._sketch = None
            return vars(self)["model_"]

    @property
    def initialized_(self) -> bool:
        """Whether there is a network."""
        return self._sketch is not None or "model_" in vars(self)

    def go_on(
        self, X: np.ndarray, y: np.ndarray, weights: Any, epochs: int, **settings: Any
    ) -> None:
        """Train for more epochs, the first time after building the network."""
        # Callbacks see the model, and may change it.
        self._needs_model = (
            bool(self.callbacks or settings.get("callbacks"))
            or settings.get("checkpoint") is not None
            or is_dataset(X)
        )
        if self.initialized_:
            if self._needs_model:
                self.model_  # noqa: B018
            self._initialize_callbacks()
        self._fit(
            X,
            y,
            sample_weight=weights,
            warm_start=True,
            epochs=epochs,
            initial_epoch=self.current_epoch,
            **settings,
        )

    def as_of(self, history: dict[str, list[float]]) -> Self:
        """Return a copy that was trained so far, and recorded this."""
        so_far = copy.deepcopy(self)
        so_far.history_ = joined(getattr(self, "history_", {}), history)
        return so_far

    def _make_model(self) -> None:
        if not self._needs_model:
            settings = dict(self.model.keywords)
            learning_rate = settings.pop("learning_rate")
            build = partial(self.model.func, **settings)
            self._sketch = sketch(build, self._seed, learning_rate)
        if self._sketch is None:
            super()._make_model()

    @property
    def _trained(self) -> keras.Model | Sketch:
        sketch = self._sketch
        return self.model_ if sketch is None else sketch

    def _validate_data(self, X: Any = None, y: Any = None, **_: Any) -> tuple[Any, Any]:
        """Take the data as they are: the estimator has checked them."""
        return X, y

    @staticmethod
    def _validate_sample_weight(
        X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Leave out samples of no weight; each of their pixels may have one."""
        has_weight = sample_weight.reshape(len(X), -1).any(axis=1)
        if not has_weight.any():
            raise ValueError(
                "Some samples must have a weight above 0, got 0 for all of them, from "
                "sample_weight or class_weight"
            )
        if has_weight.all():
            return X, y, sample_weight
        return X[has_weight], y[has_weight], sample_weight[has_weight]

    def _ensure_compiled_model(self) -> None:
        """Do nothing: our models are compiled when they are built."""

    def _check_model_compatibility(self, y: Any) -> None:
        """Do nothing: the model was made for these targets."""

    def _encode_validation(self, data: tuple, as_arrays: bool) -> tuple:  # noqa: ARG002
        return data

    @staticmethod
    def _history_name(key: str) -> str:
        # Keras's, which `monitor` goes by; SciKeras writes some of them out.
        return key

    def __getstate__(self) -> dict[str, Any]:
        # The function that built the network has done its work, and would put code
        # into a state that is else made of arrays.
        if self.initialized_:
            self.model_  # noqa: B018
        with keras.saving.custom_object_scope(self.functions_):
            return {**super().__getstate__(), "model": None, "callbacks": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        with keras.saving.custom_object_scope(state["functions_"]):
            super().__setstate__(state)


def functions_in(*things: Any) -> dict[str, FunctionType]:
    """Return the user's functions by name, those left out that share one."""
    functions = {
        thing
        for thing in keras.tree.flatten(things)
        if isinstance(thing, FunctionType) and not thing.__module__.startswith("keras.")
    }
    uses = Counter(function.__name__ for function in functions)
    return {f.__name__: f for f in functions if uses[f.__name__] == 1}
