"""From what a user gives as data to what a wrapper's model takes."""

from collections.abc import Callable
from functools import partial
from typing import Any, Self

import keras
import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array, validate_data

from ._datasets import (
    arrays_of,
    check_given_alone,
    encoded,
    first_features,
    is_dataset,
    targets_of,
)
from ._seeds import draw_seed


class CheckedInputs:
    """A mixin on the left of SciKeras's wrappers: data, checked and encoded."""

    def _validate_data(
        self, X: Any = None, y: Any = None, reset: bool = False, y_numeric: bool = False
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Check X and y as scikit-learn does; record or compare their shapes."""
        if is_dataset(X):
            raise TypeError(
                f"X must be array-like here, got a {type(X).__name__}: only fit takes "
                "datasets. Give the X of each of its batches"
            )
        if X is None:
            dtype = "numeric" if y_numeric else None
            y = check_array(y, ensure_2d=False, dtype=dtype, input_name="y")
        else:
            X = X.toarray() if sparse.issparse(X) else X
            # When fitting, a missing y is an error that scikit-learn words.
            targets = {"y": y} if reset or y is not None else {}
            if y is not None:
                targets |= {"multi_output": True, "y_numeric": y_numeric}
            checked = validate_data(self, X, reset=reset, allow_nd=True, **targets)
            X, y = checked if y is not None else (checked, None)
        if y_numeric and y is not None and y.dtype.kind in "SU":
            y = y.astype(np.float64)
        if reset:
            self._record_shapes(X, y)
        else:
            self._check_shapes(X, y)
        return X, y

    def _record_shapes(self, X: np.ndarray | None, y: np.ndarray | None) -> None:
        if X is not None:
            self.X_dtype_, self.X_shape_ = X.dtype, X.shape
        if y is not None:
            self.target_type_ = self._type_of_target(y)
            self.y_dtype_, self.y_ndim_ = y.dtype, y.ndim

    def _check_shapes(self, X: np.ndarray | None, y: np.ndarray | None) -> None:
        if X is not None and X.shape[1:] != self.X_shape_[1:]:
            raise ValueError(
                f"X must have the shape that {type(self).__name__} was fitted on, "
                f"(n_samples, {', '.join(map(str, self.X_shape_[1:]))}), got {X.shape}"
            )
        if y is not None and y.ndim != self.y_ndim_:
            raise ValueError(
                f"y must have {self.y_ndim_} dimensions, as {type(self).__name__} was "
                f"fitted on, got {y.ndim}"
            )

    def _fit_dataset(
        self, X: Any, y: Any, sample_weight: Any, kwargs: dict[str, Any]
    ) -> Self:
        check_given_alone(X, y, sample_weight)
        goes_on = self.warm_start and self.initialized_
        features, targets = first_features(X), targets_of(X)
        features, _ = self._validate_data(
            features, targets[: len(features)], reset=not goes_on
        )
        _, targets = self._validate_data(y=targets, reset=not goes_on)
        if not goes_on:
            self._seed = draw_seed(self.random_state)
            self._prepare(features, targets)
        self._ensure_compiled_model()
        encode = partial(self._encode_batch, weigh=self._weights_of_classes(targets))
        epochs = kwargs.pop("epochs", getattr(self, "fit__epochs", self.epochs))
        self._fit_keras_model(
            encoded(X, encode),
            None,
            None,
            warm_start=False,
            epochs=epochs,
            initial_epoch=kwargs.pop("initial_epoch", 0),
            **kwargs,
        )
        return self

    def _weights_of_classes(self, y: np.ndarray) -> Callable | None:  # noqa: ARG002
        """Return a function from targets to what multiplies the samples' weights."""
        return None

    def _encode_batch(self, batch: tuple, weigh: Callable | None = None) -> tuple:
        X, y, *weights = batch
        if weigh is not None:
            weights = [weigh(y) * np.prod(weights, axis=0)]
        X, y = self.feature_encoder_.transform(X), self.target_encoder_.transform(y)
        return (as_inputs(X), as_inputs(y), *weights)

    def _encode_validation(self, data: Any, as_arrays: bool) -> Any:
        """Return validation data as the model takes them.

        X and y of the kind that `fit` takes are encoded likewise. What comes as the
        model takes it stays so, as SciKeras expects it: parts for several inputs or
        outputs, targets of other dimensions than y, numbers where y is of strings.
        """
        if is_dataset(data) and not as_arrays:
            return encoded(data, self._encode_batch)
        data = arrays_of(data) if is_dataset(data) else data
        if not isinstance(data, tuple | list) or len(data) not in (2, 3):
            raise ValueError(
                "validation_data must be (X, y), (X, y, sample_weight) or a dataset, "
                f"got {type(data).__name__}"
                + (f" of {len(data)}" if isinstance(data, tuple | list) else "")
            )
        X, y, *weights = data
        if not _has_parts(X, getattr(self.model_, "inputs", None)):
            X, _ = self._validate_data(X)
            X = self.feature_encoder_.transform(X)
        if not _has_parts(y, getattr(self.model_, "outputs", None)):
            y = y if isinstance(y, np.ndarray) else np.asarray(y)
            are_strings = y.dtype.kind in "OUS", self.y_dtype_.kind in "OUS"
            if y.ndim == self.y_ndim_ and len(set(are_strings)) == 1:
                _, y = self._validate_data(y=y)
                y = self.target_encoder_.transform(y)
        return (as_inputs(X), as_inputs(y), *weights)


def as_inputs(data: Any) -> Any:
    """Return arrays, or tuples and dictionaries of them.

    Keras would take a list in a batch for an array.
    """
    if isinstance(data, dict):
        return {name: as_inputs(part) for name, part in data.items()}
    if isinstance(data, list | tuple):
        return tuple(as_inputs(part) for part in data)
    return np.asarray(data) if hasattr(data, "__array__") else data


def n_samples_of(data: Any) -> int:
    """Return how many samples there are in arrays of one length."""
    return len(keras.tree.flatten(data)[0])


def split_tail(
    X: Any, y: Any, sample_weight: np.ndarray | None, share: float
) -> tuple[tuple, tuple]:
    """Split off the last samples for validation, as Keras does."""
    n_samples = n_samples_of(X)
    kept = int(n_samples * (1 - share))
    if not 0 < kept < n_samples:
        raise ValueError(
            "validation_split must leave samples on both sides, got "
            f"{share!r} of {n_samples} samples"
        )
    parts = (X, y) if sample_weight is None else (X, y, sample_weight)
    train = keras.tree.map_structure(lambda part: part[:kept], parts)
    held_out = keras.tree.map_structure(lambda part: part[kept:], parts)
    return (*train, None)[:3], held_out


def _has_parts(data: Any, slots: list | None) -> bool:
    """Tell whether data are given in parts, for several inputs or outputs."""
    return isinstance(data, dict) or (
        isinstance(data, list | tuple)
        and len(slots or ()) > 1
        and all(isinstance(part, np.ndarray) for part in data)
    )
