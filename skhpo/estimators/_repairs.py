"""What is wrong with SciKeras's wrappers on today's scikit-learn, put right.

The only file that imports SciKeras.
"""

import copy
import itertools
import math
from typing import Any, Self

import keras
import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, validate_data

from .. import _training
from .._compat import (
    born_before,
    forget_kernels,
    scikeras_wrappers,
    seeded_by,
    variable_clock,
)
from ._datasets import encoded, first_features, targets_of
from ._seeds import draw_seed
from ._state import pack_model, unpack_model, versions, warn_of_other_versions

scikeras = scikeras_wrappers()

from scikeras._utils import route_params  # noqa: E402
from scikeras.utils import metric_name  # noqa: E402
from scikeras.utils.transformers import (  # noqa: E402
    ClassifierLabelEncoder as _ClassifierLabelEncoder,
)

_models_built = itertools.count(1)


class Repairs:
    """A mixin on the left of SciKeras's wrappers: checked data, seeds, our engine."""

    def _initialize(self, X: Any, y: Any = None) -> tuple[np.ndarray, np.ndarray]:
        self._seed = draw_seed(self.random_state)
        X, y = self._validate_data(X, y, reset=True)
        self._prepare(X, y)
        return X, y

    def _prepare(self, X: np.ndarray, y: np.ndarray) -> None:
        """Fit the encoders and build the model."""
        # A parameter object that several fits share would carry state between them.
        self.target_encoder_ = self.target_encoder.fit(y)
        vars(self).update(getattr(self.target_encoder_, "get_metadata", dict)())
        self.feature_encoder_ = self.feature_encoder.fit(X)
        vars(self).update(getattr(self.feature_encoder_, "get_metadata", dict)())
        self.model_ = self._build_keras_model()
        self._initialize_callbacks()

    def _build_keras_model(self) -> keras.Model:
        # With a seed SciKeras would reseed Python, NumPy and TensorFlow globally.
        self._random_state = None
        clock = variable_clock()
        with seeded_by(self._seed):
            model = super()._build_keras_model()
        if next(_models_built) % 10 == 0:
            # What a model of automatic names leaves behind. Dropping it costs each
            # program some 50 ms at its next call, hence not every time.
            forget_kernels()
        if model is self.model or any(born_before(v, clock) for v in model.variables):
            return _own_copy(model)
        return model

    def _get_compile_kwargs(self) -> dict[str, Any]:
        """Return what to compile with; no state is shared between fits."""
        return keras.tree.map_structure(_fresh, super()._get_compile_kwargs())

    def _initialize_callbacks(self) -> None:
        super()._initialize_callbacks()
        self._fit_callbacks = [_own_callback(c) for c in self._fit_callbacks]

    def _validate_data(
        self, X: Any = None, y: Any = None, reset: bool = False, y_numeric: bool = False
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Check X and y as scikit-learn does; record or compare their shapes."""
        if X is None:
            y = check_array(y, ensure_2d=False, dtype=None, input_name="y")
        else:
            X = X.toarray() if sparse.issparse(X) else X
            # When fitting, a missing y is an error that scikit-learn words.
            targets = {"y": y} if reset or y is not None else {}
            if y is not None:
                targets |= {"multi_output": True, "y_numeric": y_numeric}
            checked = validate_data(self, X, reset=reset, allow_nd=True, **targets)
            X, y = checked if y is not None else (checked, None)
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

    def _fit_keras_model(
        self,
        X: Any,
        y: Any,
        sample_weight: np.ndarray | None,
        warm_start: bool,
        epochs: int,
        initial_epoch: int,
        *,
        validation_data: tuple | None = None,
        early_stopping: _training.EarlyStopping | None = None,
        checkpoint: _training.Checkpoint | None = None,
        **kwargs: Any,
    ) -> None:
        """Train by our engine instead of `Model.fit`."""
        arguments = self._fit_arguments(X, kwargs)
        folder = arguments.pop("checkpoint_dir", None)
        every = arguments.pop("checkpoint_every", 10)
        if folder is not None and not warm_start:
            checkpoint = _training.Checkpoint(
                folder, self._fingerprint(X, y, sample_weight), every
            )
        if checkpoint is not None and checkpoint.state is not None:
            self._seed = checkpoint.state.seed
        split = arguments.pop("validation_split", 0.0)
        if split and validation_data is None:
            (X, y, sample_weight), validation_data = _split_tail(
                X, y, sample_weight, split
            )
        training = _training.train(
            self.model_,
            X,
            y,
            sample_weight,
            plan=_training.plan(
                arguments,
                epochs=initial_epoch + epochs,
                initial_epoch=initial_epoch,
                seed=self._seed,
            ),
            validation_data=validation_data,
            callbacks=self._fit_callbacks,
            early_stopping=early_stopping,
            checkpoint=checkpoint,
        )
        self._record(training, keep=warm_start and initial_epoch > 0)

    def _fit_arguments(self, X: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of `Model.fit` that were routed to it and are set."""
        routed = route_params(
            self.get_params(), destination="fit", pass_filter=self._fit_kwargs
        )
        arguments = {
            name: value
            for name, value in {**routed, **kwargs}.items()
            if value is not None
            and name not in ("epochs", "initial_epoch", "sample_weight")
            and not name.startswith("callbacks")
        }
        for name in ("batch_size", "validation_batch_size"):
            if arguments.get(name) == -1:
                arguments[name] = len(X)
        return arguments

    def _fingerprint(self, *arrays: np.ndarray | None) -> str:
        """Return what the checkpoint of a fit is found by."""
        settings = {
            name.removeprefix("fit__"): value
            for name, value in self.get_params(deep=False).items()
        }
        return _training.fingerprint(type(self), settings, arrays)

    def _record(self, training: _training.Training, keep: bool) -> None:
        before = self.history_ if keep and hasattr(self, "history_") else {}
        after = {self._history_name(k): v for k, v in training.history.items()}
        self.history_ = _joined(before, after)
        self.training_path_ = training.path
        self.training_path_reason_ = training.reason
        self.resumed_from_epoch_ = 0 if keep else training.first_epoch

    @staticmethod
    def _history_name(key: str) -> str:
        """Return SciKeras's name for a metric: the full one for an abbreviation."""
        if key == "loss" or key.startswith("val_"):
            return key
        try:
            return metric_name(key)
        except ValueError:
            return key

    def _fit_dataset(
        self, X: Any, y: Any, sample_weight: Any, kwargs: dict[str, Any]
    ) -> Self:
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"y and sample_weight must be None when X is a {type(X).__name__}, "
                "which gives them with its batches as (X, y, sample_weight)"
            )
        self._seed = draw_seed(self.random_state)
        features, targets = first_features(X), targets_of(X)
        features, _ = self._validate_data(features, targets[: len(features)], True)
        _, targets = self._validate_data(y=targets, reset=True)
        self._prepare(features, targets)
        self._ensure_compiled_model()
        epochs = kwargs.pop("epochs", getattr(self, "fit__epochs", self.epochs))
        kwargs.pop("batch_size", None)
        self._fit_keras_model(
            encoded(X, self._encode_batch), None, None, False, epochs, 0, **kwargs
        )
        return self

    def _encode_batch(self, batch: tuple) -> tuple:
        X, y, *weights = batch
        X, y = self.feature_encoder_.transform(X), self.target_encoder_.transform(y)
        return X, y, *weights

    def _predict_raw(self, X: Any, **kwargs: Any) -> Any:
        """Return the outputs of the network."""
        if not self.initialized_:
            raise NotFittedError(
                f"This {type(self).__name__} is not fitted yet; call fit before "
                "predict, or initialize for a model that needs no training"
            )
        X, _ = self._validate_data(X)
        X = self.feature_encoder_.transform(X)
        routed = route_params(
            self.get_params(), "predict", self._predict_kwargs, strict=True
        )
        batch_size = {**routed, **kwargs}.get("batch_size")
        return _training.predict(
            self.model_, X, len(X) if batch_size == -1 else batch_size
        )

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        # Callbacks hold on to the model; those of a fit that goes on are made afresh.
        state.pop("_fit_callbacks", None)
        state.pop("_predict_callbacks", None)
        if "model_" in state:
            state["model_"] = pack_model(self.model_)
            state["_versions"] = versions()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        saved = state.pop("_versions", {})
        super().__setstate__(state)
        if "model_" in state:
            warn_of_other_versions(saved, type(self).__name__)
            self.model_ = unpack_model(state["model_"])
            self._initialize_callbacks()

    def __sklearn_is_fitted__(self) -> bool:
        return self.initialized_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        tags.target_tags.multi_output = True
        return tags

    # SciKeras prints every parameter on a line of its own, changed or not.
    __repr__ = BaseEstimator.__repr__


class LabelEncoder(_ClassifierLabelEncoder):
    """SciKeras's encoder of y, with probabilities that keep both their axes."""

    def inverse_transform(
        self, y: np.ndarray, return_proba: bool = False
    ) -> np.ndarray:
        if not return_proba:
            return super().inverse_transform(y)
        if self._target_type == "binary" and (y.ndim == 1 or y.shape[1] == 1):
            y = y.reshape(-1)
            return np.column_stack([1 - y, y])
        return y


def _own_copy(model: keras.Model) -> keras.Model:
    """Return a copy of a model that is not ours to train."""
    try:
        return copy.deepcopy(model)
    except TypeError as error:
        raise ValueError(
            "A model given, or layers made outside the building function, must be "
            f"copied to be trained, and Keras cannot copy these: {error}. Register "
            "their classes by @keras.saving.register_keras_serializable(), or build "
            "them inside the function"
        ) from error


def _own_callback(callback: Any) -> Any:
    try:
        return copy.deepcopy(callback)
    except TypeError as error:
        raise TypeError(
            "callbacks must be classes, or instances that can be copied, since each "
            f"fit gets its own; {callback!r} cannot be copied ({error}). Give its "
            "class, and its arguments as callbacks__..."
        ) from error


def _fresh(value: Any) -> Any:
    """Return optimizers and metrics without state, everything else as it is."""
    if isinstance(value, keras.optimizers.Optimizer | keras.metrics.Metric):
        return type(value).from_config(value.get_config())
    return value


def _split_tail(
    X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None, share: float
) -> tuple[tuple, tuple]:
    """Split off the last samples for validation, as Keras does."""
    kept = int(len(X) * (1 - share))
    if not 0 < kept < len(X):
        raise ValueError(
            "validation_split must leave samples on both sides, got "
            f"{share!r} of {len(X)} samples"
        )
    parts = [part for part in (X, y, sample_weight) if part is not None]
    train = [part[:kept] for part in parts]
    if sample_weight is None:
        train.append(None)
    return tuple(train), tuple(part[kept:] for part in parts)


def _joined(
    before: dict[str, list[float]], after: dict[str, list[float]]
) -> dict[str, list[float]]:
    """Return the history of all epochs, NaN for what some of them did not record."""
    n_before, n_after = len(before.get("loss", ())), len(after.get("loss", ()))
    return {
        name: [
            *before.get(name, [math.nan] * n_before),
            *after.get(name, [math.nan] * n_after),
        ]
        for name in {**before, **after}
    }
