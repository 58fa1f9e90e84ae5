"""What our networks have in common as estimators: one fit, however it is called."""

import math
from functools import partial
from typing import Any, Self

import keras
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from .._callbacks import CallbackSupportMixin, FitTask, with_callbacks
from .._compat import DocumentationLinkMixin, check_sample_weight
from .._training import (
    PREDICT_BATCH_SIZE,
    Checkpoint,
    EarlyStopping,
    fingerprint,
)
from ._compiling import build_compiled
from ._epoch_tasks import epoch_tasks
from ._fitted import FittedNetwork
from ._network import Network, functions_in
from ._parameters import check_parameters, plain
from ._seeds import draw_seed
from ._validation import Samples, split

# Kept as they are; anything else becomes float32. The engine converts float64 once and
# bytes batch by batch.
DTYPES = (np.float32, np.float64, np.float16, np.uint8)


class NetworkEstimator(
    DocumentationLinkMixin, CallbackSupportMixin, FittedNetwork, BaseEstimator
):
    """A network, trained by a wrapper that `fit` makes and holds.

    Subclasses say what network (`_network`, `_as_rows`, `_as_inputs`) and what kind of
    target (`_learn_targets`, `_check_targets`, `_encode`, `_balance`, `_strata`,
    `_output`, `_loss`, `_metrics`).
    """

    _diverged = False

    @with_callbacks
    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any = None,
        y_val: Any = None,
        *,
        classes: Any = None,
        one_epoch: bool = False,
    ) -> Self:
        """Fit anew, or go on where `warm_start` or `partial_fit` ask for it."""
        check_parameters(self)
        epochs = 1 if one_epoch else int(self.epochs)
        task = FitTask(self, X, y, sample_weight, epochs)
        goes_on = self.__sklearn_is_fitted__() and (one_epoch or self.warm_start)
        X, y = self._validate(X, y, reset=not goes_on)
        if goes_on:
            self._check_targets(y, classes)
        else:
            self._learn_targets(y, classes)
        samples = Samples(X, y, self._weights(X, y, sample_weight))
        held_out = self._given_validation(X_val, y_val)
        checkpoint = None
        if self.checkpoint_dir is not None and not one_epoch:
            checkpoint = self._checkpoint(samples, held_out)
        if not goes_on:
            kept = None if checkpoint is None else checkpoint.state
            self._seed = draw_seed(self.random_state) if kept is None else kept.seed
            self.wrapper_ = self._new_wrapper()
        stops = self.early_stopping and not one_epoch
        if stops and held_out is None and self.monitor.startswith("val_"):
            strata = self._strata(y)
            samples, held_out = split(
                samples, plain(self.validation_fraction), self._seed, strata
            )
        self._train(task, samples, held_out, epochs, stops, checkpoint)
        return self

    def _validate(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        X = self._as_rows(X, reset)
        return validate_data(
            self,
            X,
            y,
            reset=reset,
            dtype=DTYPES,
            multi_output=True,
            **self._checks_of_y,
        )

    def _weights(self, X: np.ndarray, y: np.ndarray, weights: Any) -> Any:
        """Return the weights of the samples, times those of their classes."""
        if weights is not None:
            weights = check_sample_weight(
                weights, X, dtype=np.float32, ensure_non_negative=True, copy=True
            )
        balance = self._balance(y)
        if balance is None:
            return weights
        # Of each sample, or of each of its pixels.
        return balance if weights is None else (balance.T * weights).T

    def _given_validation(self, X_val: Any, y_val: Any) -> Samples | None:
        """Return the validation set given to `fit`, checked as X and y are."""
        if X_val is None and y_val is None:
            return None
        if X_val is None or y_val is None:
            missing = "X_val" if X_val is None else "y_val"
            raise ValueError(
                f"X_val and y_val must be given together, got no {missing}"
            )
        try:
            X_val, y_val = self._validate(X_val, y_val, reset=False)
            self._check_targets(y_val, None)
        except ValueError as error:
            raise ValueError(
                f"X_val and y_val must be of the kind of X and y: {error}"
            ) from error
        return Samples(X_val, y_val)

    def _checkpoint(self, samples: Samples, held_out: Samples | None) -> Checkpoint:
        """Return the file that this fit leaves its state in, and may find one."""
        found_by = fingerprint(
            type(self), self._told_apart_by(), [*samples, *(held_out or ())]
        )
        return Checkpoint(self.checkpoint_dir, found_by, int(self.checkpoint_every))

    def _told_apart_by(self) -> dict[str, Any]:
        """Return the settings that tell the checkpoints of two fits apart."""
        return self.get_params(deep=False)

    def _new_wrapper(self) -> Network:
        """Return a wrapper that will build the network when it is fitted."""
        # Of a warm start, whatever `loss` was set to since.
        self._trained_loss = self._loss()
        build = partial(
            build_compiled,
            build=self._network(),
            loss=self._trained_loss,
            metrics=self._metrics(),
            optimizer=self._settings("optimizer", "momentum", "nesterov", "clipnorm"),
        )
        network = Network(
            partial(build, learning_rate=plain(self.learning_rate)),
            random_state=self._seed,
            validation_batch_size=PREDICT_BATCH_SIZE,
            predict__batch_size=PREDICT_BATCH_SIZE,
            fit__stop_on_nan=True,
        )
        network.functions_ = functions_in(
            self.loss, self.metrics, self.activation, self.kernel_initializer
        )
        return network

    def _train(
        self,
        task: FitTask,
        samples: Samples,
        held_out: Samples | None,
        epochs: int,
        stops: bool,
        checkpoint: Checkpoint | None,
    ) -> None:
        stopping = None
        if stops:
            stopping = EarlyStopping(
                self.monitor,
                int(self.n_iter_no_change),
                float(self.tol),
                bool(self.restore_best_weights),
                metrics=self._metrics(),
            )
            self._check_monitor(stopping, held_out is not None)
        wrapper = self.wrapper_.set_params(
            batch_size=-1 if self.batch_size == "all" else int(self.batch_size),
            callbacks=None if self.callbacks is None else list(self.callbacks),
            shuffle=self.shuffle,
            verbose=self.verbose,
        )
        wrapper.go_on(
            *self._inputs_and_targets(samples),
            epochs,
            validation_data=(
                None if held_out is None else self._inputs_and_targets(held_out)
            ),
            early_stopping=stopping,
            checkpoint=checkpoint,
            callbacks=epoch_tasks(task, self._attributes_so_far),
        )
        keeps_best = stops and self.restore_best_weights
        self._kept_epoch = stopping.best_epoch if keeps_best else None
        self._check_convergence(stopping)
        task.end()

    def _check_monitor(self, stopping: EarlyStopping, validates: bool) -> None:
        """Raise if it is sure that the epochs will not record what is monitored."""
        names = [_name_of(metric) for metric in self._metrics()]
        # Callbacks may add to the logs, and Keras names what has no name of its own.
        if not self.callbacks and None not in names and len({*names}) == len(names):
            names.append("loss")
            stopping.check(names + [f"val_{name}" for name in names] * validates)

    def _inputs_and_targets(self, samples: Samples) -> tuple:
        X, y, weights = samples
        parts = self._as_inputs(X), self._encode(y)
        return (*parts, weights)

    def _check_convergence(self, stopping: EarlyStopping | None) -> None:
        loss = self.history_["loss"][-1]
        if stopping is not None and stopping.restore_best_weights:
            loss = self.history_["loss"][stopping.best_epoch]
        self._diverged = not math.isfinite(loss)
        if not self._diverged:
            return
        raise ValueError(
            f"Training must lead to a finite loss, got {loss} after epoch "
            f"{self.n_iter_}; lower learning_rate, set clipnorm, or scale X and y"
        )

    def _outputs(self, X: Any) -> np.ndarray:
        """Return what the network says of X."""
        check_is_fitted(self)
        X = validate_data(self, self._as_rows(X, False), reset=False, dtype=DTYPES)
        return self._ask(self._as_inputs(X))

    def _ask(self, inputs: np.ndarray, **settings: Any) -> np.ndarray:
        outputs = self.wrapper_.predict(inputs, **settings)
        # Of half the precision under a mixed dtype policy, which scikit-learn's scorers
        # do not know, or find not to add up to 1.
        return outputs.astype(np.float32) if outputs.itemsize < 4 else outputs

    def _as_rows(self, X: Any, reset: bool) -> Any:  # noqa: ARG002
        """Return X as it is validated: one row per sample."""
        return X

    def _as_inputs(self, X: np.ndarray) -> np.ndarray:
        """Return validated rows as the network takes them."""
        return X

    def _settings(self, *names: str) -> dict[str, Any]:
        """Return parameters as Keras takes them."""
        return {name: plain(getattr(self, name)) for name in names}

    def __sklearn_is_fitted__(self) -> bool:
        # What diverged predicts nothing, and nothing can go on with it.
        return (
            hasattr(self, "wrapper_")
            and self.wrapper_.initialized_
            and not self._diverged
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _name_of(metric: Any) -> str | None:
    """Return the name that the values of a metric are recorded by, if it is plain."""
    if isinstance(metric, str):
        return metric
    if isinstance(metric, keras.metrics.Metric | keras.losses.Loss):
        return metric.name
    name = getattr(metric, "__name__", "")
    # Keras writes the names of functions in its own way.
    return name if name.islower() else None
