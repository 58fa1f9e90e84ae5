"""What is wrong with SciKeras's wrappers on today's scikit-learn, put right.

The only file that imports SciKeras.
"""

import copy
import difflib
import itertools
import math
from numbers import Integral
from typing import Any

import keras
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import Tags

from .. import _training
from .._callbacks import CallbackSupportMixin
from .._compat import (
    DocumentationLinkMixin,
    all_layers,
    born_before,
    forget_kernels,
    scikeras_wrappers,
    seeded_by,
    variable_clock,
)
from ._datasets import is_dataset
from ._epoch_tasks import go_on_from
from ._inputs import CheckedInputs, as_inputs, n_samples_of, split_tail
from ._outside import cause_of, fresh, layers_within_reach, own_copy
from ._seeds import draw_seed
from ._state import pack_model, unpack_model, versions, warn_of_other_versions
from ._targets import Classes, check_known

scikeras = scikeras_wrappers()

_models_built = itertools.count(1)


class Repairs(DocumentationLinkMixin, CallbackSupportMixin, CheckedInputs):
    """A mixin on the left of SciKeras's wrappers: checked data, seeds, our engine."""

    # SciKeras forgot the callbacks, whose routed parameters could not be set.
    _routing_prefixes = scikeras.BaseWrapper._routing_prefixes | {"callbacks"}

    def _initialize(self, X: Any, y: Any = None) -> tuple[np.ndarray, np.ndarray]:
        _check_routes(self)
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
        self._make_model()
        self._initialize_callbacks()

    def _make_model(self) -> None:
        self.model_ = self._build_keras_model()

    @property
    def _trained(self) -> keras.Model | _training.Sketch:
        """What is trained and asked."""
        return self.model_

    def _build_keras_model(self) -> keras.Model:
        # With a seed SciKeras would reseed Python, NumPy and TensorFlow globally.
        self._random_state = None
        params = self.get_params(deep=False).values()
        build = getattr(self, "_keras_build_fn", None)
        outside = {id(layer) for layer in layers_within_reach([*params, build])}
        clock = variable_clock()
        with seeded_by(self._seed):
            model = super()._build_keras_model()
            if not isinstance(model, keras.Model):
                raise TypeError(
                    "model must be a keras.Model or a function that returns one, got "
                    f"one that returns a {type(model).__name__}"
                )
            is_ours = not any(id(layer) in outside for layer in all_layers(model))
            if not is_ours or any(born_before(v, clock) for v in model.variables):
                model = own_copy(model)
        if next(_models_built) % 10 == 0:
            # What a model of automatic names leaves behind. Dropping it costs each
            # program some 50 ms at its next call, hence not every time.
            forget_kernels()
        return model

    def _get_compile_kwargs(self) -> dict[str, Any]:
        """Return what to compile with; no state is shared between fits."""
        return keras.tree.map_structure(fresh, super()._get_compile_kwargs())

    def _initialize_callbacks(self) -> None:
        super()._initialize_callbacks()
        names = ("callbacks", "fit__callbacks", "predict__callbacks")
        given = keras.tree.flatten([getattr(self, name, None) for name in names])
        instances = {id(callback) for callback in given}
        memo: dict[int, Any] = {}

        def own(callbacks: list) -> list:
            return [
                _own_callback(callback, memo) if id(callback) in instances else callback
                for callback in keras.tree.flatten(callbacks)
            ]

        self._fit_callbacks = own(self._fit_callbacks)
        self._predict_callbacks = own(self._predict_callbacks)

    def _check_model_compatibility(self, y: Any) -> None:
        # A subclassed model has no outputs that could be counted before it is trained.
        if getattr(self.model_, "outputs", None) is not None:
            super()._check_model_compatibility(y)

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
        callbacks: Any = None,
        **kwargs: Any,
    ) -> None:
        """Train by our engine instead of `Model.fit`."""
        if not _is_count(epochs, 0):
            raise ValueError(f"epochs must be an integer of at least 0, got {epochs!r}")
        arguments = self._fit_arguments(X, kwargs)
        samples = as_inputs(X), as_inputs(y), sample_weight
        validation_data = arguments.pop("validation_data", validation_data)
        folder = arguments.pop("checkpoint_dir", None)
        every = arguments.pop("checkpoint_every", 10)
        if folder is not None and not warm_start:
            given = {**kwargs, "validation_data": validation_data}
            checkpoint = _training.Checkpoint(
                folder, _fingerprint(self, given, samples), every
            )
        if checkpoint is not None and checkpoint.state is not None:
            self._seed = checkpoint.state.seed
        split = arguments.pop("validation_split", 0.0)
        if validation_data is not None:
            validation_data = self._encode_validation(
                validation_data, as_arrays=not is_dataset(X)
            )
        elif split:
            samples, validation_data = split_tail(*samples, split)
        callbacks = [*self._fit_callbacks, *keras.tree.flatten(callbacks or [])]
        go_on_from(checkpoint, initial_epoch + epochs, callbacks)
        training = _training.train(
            self._trained,
            *samples,
            plan=_training.plan(
                arguments,
                epochs=initial_epoch + epochs,
                initial_epoch=initial_epoch,
                seed=self._seed,
            ),
            validation_data=validation_data,
            callbacks=callbacks,
            early_stopping=early_stopping,
            checkpoint=checkpoint,
        )
        self._record(training, keep=warm_start and initial_epoch > 0)

    def _fit_arguments(self, X: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of `Model.fit` that were routed to it and are set."""
        routed = scikeras.route_params(
            self.get_params(), destination="fit", pass_filter=self._fit_kwargs
        )
        arguments = {
            name: value
            for name, value in {**routed, **kwargs}.items()
            if value is not None
            and name not in ("epochs", "initial_epoch", "sample_weight")
            and not name.startswith("callbacks")
        }
        if self.warm_start and "checkpoint_dir" in arguments:
            raise ValueError(
                "warm_start goes on with the model in memory and checkpoint_dir with "
                f"the one on disk, got both ({arguments['checkpoint_dir']!r}); leave "
                "one out"
            )
        if is_dataset(X):
            _check_dataset_arguments(arguments)
            arguments.pop("batch_size", None)
        for name in ("batch_size", "validation_batch_size"):
            if arguments.get(name) == -1:
                arguments[name] = n_samples_of(X)
            elif not _is_count(arguments.get(name, 1), 1):
                raise ValueError(
                    f"{name} must be a positive integer, or -1 for all samples, got "
                    f"{arguments[name]!r}"
                )
        return arguments

    def _record(self, training: _training.Training, keep: bool) -> None:
        before = self.history_ if keep and hasattr(self, "history_") else {}
        after = {self._history_name(k): v for k, v in training.history.items()}
        self.history_ = joined(before, after)
        self.training_path_ = training.path
        self.training_path_reason_ = training.reason
        self.resumed_from_epoch_ = 0 if keep else training.first_epoch

    def _attributes_so_far(self, history: dict[str, list[float]]) -> dict[str, Any]:
        """Return what a copy needs to be as if fitted so far."""
        model = unpack_model(_packed(self.model_, type(self).__name__))
        found = {self._history_name(name): v for name, v in history.items()}
        return {"model_": model, "history_": found}

    @staticmethod
    def _history_name(key: str) -> str:
        """Return SciKeras's name for a metric: the full one for an abbreviation."""
        if key == "loss" or key.startswith("val_"):
            return key
        try:
            return scikeras.metric_name(key)
        except ValueError:
            return key

    def _predict_raw(self, X: Any, **kwargs: Any) -> Any:
        """Return the outputs of the network."""
        if not self.initialized_:
            raise NotFittedError(
                f"This {type(self).__name__} is not fitted yet; call fit before "
                "predict, or initialize for a model that needs no training"
            )
        X, _ = self._validate_data(X)
        X = self.feature_encoder_.transform(X)
        routed = scikeras.route_params(
            self.get_params(), "predict", self._predict_kwargs, strict=True
        )
        routed.pop("callbacks", None)
        arguments = {**routed, **kwargs}
        if arguments.get("batch_size") == -1:
            arguments["batch_size"] = n_samples_of(X)
        callbacks = [c for c in self._predict_callbacks if _hears_predictions(c)]
        others = set(arguments) - {"batch_size", "verbose"}
        if callbacks or others:
            return self.model_.predict(X, **{"callbacks": callbacks, **arguments})
        return _training.predict(self._trained, X, arguments.get("batch_size"))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of a classifier, the R² of a regressor.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their labels or targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, 1 each by default.

        Returns
        -------
        score : float
            What the static method `scorer` makes of y and of what is predicted.
        """
        _, y = self._validate_data(y=y)
        routed = scikeras.route_params(self.get_params(), "score", pass_filter=set())
        return self.scorer(y, self.predict(X), sample_weight=sample_weight, **routed)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        # Callbacks hold on to the model; those of a fit that goes on are made afresh.
        state.pop("_fit_callbacks", None)
        state.pop("_predict_callbacks", None)
        if "model_" in state:
            state["model_"] = _packed(self.model_, type(self).__name__)
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


class LabelEncoder(scikeras.ClassifierLabelEncoder):
    """SciKeras's encoder of y, with probabilities that keep both their axes."""

    def transform(self, y: np.ndarray) -> np.ndarray:
        if self._target_type in ("binary", "multiclass"):
            labels = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
            check_known(labels, Classes(self.classes_, self._target_type))
        return super().transform(y)

    def inverse_transform(
        self, y: np.ndarray, return_proba: bool = False
    ) -> np.ndarray:
        if not return_proba:
            return super().inverse_transform(y)
        if self._target_type == "binary" and (y.ndim == 1 or y.shape[1] == 1):
            y = y.reshape(-1)
            is_one = np.ones_like(y)[:, np.newaxis]
            return is_one if self.n_classes_ == 1 else np.column_stack([1 - y, y])
        return y


def _is_count(value: Any, least: int) -> bool:
    is_number = isinstance(value, Integral) and not isinstance(value, bool)
    return is_number and value >= least


def _check_routes(wrapper: Repairs) -> None:
    """Raise for parameters that nobody would get: SciKeras takes any name."""
    known = {*wrapper._routing_prefixes, "partial_fit", "score"}
    for name in wrapper.get_params(deep=False):
        route, routed, _ = name.partition("__")
        if routed and route not in known and not hasattr(wrapper, route):
            close = difflib.get_close_matches(route, known, 1)
            hint = (
                f"; did you mean {close[0]}__{name.partition('__')[2]}" if close else ""
            )
            raise ValueError(
                f"a routed parameter must begin with one of {sorted(known)}, got "
                f"{name!r}{hint}"
            )


def _fingerprint(wrapper: Repairs, arguments: dict[str, Any], samples: tuple) -> str:
    """Return what the checkpoint of a fit is found by."""
    settings = {
        name.removeprefix("fit__"): value
        for name, value in wrapper.get_params(deep=False).items()
    }
    return _training.fingerprint(
        type(wrapper), settings | arguments, keras.tree.flatten(samples)
    )


def _packed(model: keras.Model, name: str) -> dict[str, Any]:
    """Return the state of a model, once it is sure that it can be read again."""
    if model.compiled and model.built and not model.optimizer.built:
        # Keras would warn, when it reads the model, that there is no state to load.
        model.optimizer.build(model.trainable_variables)
    try:
        packed = pack_model(model)
        unpack_model(packed)
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(
            f"This {name.lstrip('_')} cannot be saved or copied: Keras could not read "
            f"its model again: {cause_of(error)}. Use no lambdas in model, loss and "
            "metrics, and register classes and functions of your own by "
            "@keras.saving.register_keras_serializable()"
        ) from error
    return packed


def _own_callback(callback: Any, memo: dict[int, Any]) -> Any:
    try:
        return copy.deepcopy(callback, memo)
    except TypeError as error:
        raise TypeError(
            "callbacks must be classes, or instances that can be copied, since each "
            f"fit gets its own; {callback!r} cannot be copied ({error}). Give its "
            "class, and its arguments as callbacks__..."
        ) from error


def _hears_predictions(callback: keras.callbacks.Callback) -> bool:
    return any(
        getattr(type(callback), name) is not getattr(keras.callbacks.Callback, name)
        for name in (
            "on_predict_begin",
            "on_predict_end",
            "on_predict_batch_begin",
            "on_predict_batch_end",
        )
    )


def _check_dataset_arguments(arguments: dict[str, Any]) -> None:
    if arguments.get("validation_split"):
        raise ValueError(
            "validation_split must be 0 when X is a dataset, which has no last "
            f"samples, got {arguments['validation_split']!r}; use validation_data"
        )
    if "checkpoint_dir" in arguments:
        raise ValueError(
            "checkpoint_dir must be None when X is a dataset, whose fits cannot be "
            f"told apart, got {arguments['checkpoint_dir']!r}; use the callback "
            "keras.callbacks.BackupAndRestore"
        )


def joined(
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
