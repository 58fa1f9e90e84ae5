"""One traced training loop, over a model of its own or over the caller's."""

from collections.abc import Callable, Hashable

import keras
import numpy as np
import tensorflow as tf

from .._compat import compile_arguments, has_own_learning_rate, set_learning_rate
from ._data import Data

ROWS_PER_PACKET = 16


class Program:
    """A compiled Keras model and the functions traced over its variables.

    Parameters
    ----------
    model : keras.Model
        Compiled and built. The program trains this very model: one that serves many
        fits has a copy (`copy_of`), into which their weights are loaded and from which
        they are taken.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.n_traces = 0
        self._functions: dict[Hashable, Callable] = {}
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        self._fresh_state = [v.numpy() for v in model.optimizer.variables]

    def load(self, model: keras.Model) -> None:
        """Set everything that training changes to what it is in `model`."""
        if model is self.model:
            return
        _assign(self.model.variables, model.variables)
        optimizer = model.optimizer
        if optimizer.built:
            _assign(self.model.optimizer.variables, optimizer.variables)
            return
        _assign(self.model.optimizer.variables, self._fresh_state)
        if has_own_learning_rate(optimizer):
            set_learning_rate(self.model.optimizer, optimizer.learning_rate)

    def store(self, model: keras.Model) -> None:
        """Set everything that training changes in `model` to what it is here."""
        if model is self.model:
            return
        _assign(model.variables, self.model.variables)
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        _assign(model.optimizer.variables, self.model.optimizer.variables)

    def train_epoch(
        self, data: Data, order: np.ndarray, batch_size: int
    ) -> dict[str, float]:
        """Take one step for each batch of the samples in `order`; return the logs."""
        return self._run("train", self.model.train_step, data, order, batch_size)

    def evaluate(self, data: Data, batch_size: int) -> dict[str, float]:
        """Return the loss and metrics over all samples."""
        order = np.arange(data.n_samples, dtype=np.int32)
        return self._run("evaluate", self.model.test_step, data, order, batch_size)

    def predict(self, x: tf.Tensor, batch_size: int) -> np.ndarray:
        """Return the network's outputs."""
        forward = self._traced("predict", (x,), self._trace_forward)
        if x.shape[0] <= batch_size:
            return forward(x).numpy()
        starts = range(0, x.shape[0], batch_size)
        return np.concatenate([forward(x[i : i + batch_size]).numpy() for i in starts])

    def _run(
        self,
        role: str,
        step: Callable,
        data: Data,
        order: np.ndarray,
        batch_size: int,
    ) -> dict[str, float]:
        over_batches = self._traced(
            role, data.parts, lambda specs: self._trace_epoch(step, specs)
        )
        self.model.reset_metrics()
        logs = over_batches(data.parts, tf.constant(order), tf.constant(batch_size))
        return {name: float(value) for name, value in logs.items()}

    def _traced(
        self, role: str, parts: tuple[tf.Tensor, ...], trace: Callable
    ) -> Callable:
        """Return the function of this role for data like `parts`, traced once."""
        specs = tuple(
            tf.TensorSpec([None, *part.shape[1:]], part.dtype) for part in parts
        )
        if (role, specs) not in self._functions:
            # A concrete function skips the search for a trace at every call.
            self._functions[role, specs] = trace(specs).get_concrete_function()
        return self._functions[role, specs]

    def _trace_epoch(
        self, step: Callable, specs: tuple[tf.TensorSpec, ...]
    ) -> Callable:
        self._build_metrics(specs)
        order = tf.TensorSpec([None], tf.int32)
        batch_size = tf.TensorSpec([], tf.int32)

        # Autograph would take four times as long to trace the same loop.
        @tf.function(autograph=False, input_signature=[specs, order, batch_size])
        def over_batches(parts, order, batch_size):
            self.n_traces += 1

            def one_batch(start):
                rows = order[start : start + batch_size]
                step(tuple(tf.gather(part, rows) for part in parts))
                return (start + batch_size,)

            n_samples = tf.shape(order)[0]
            tf.while_loop(
                lambda start: start < n_samples,
                one_batch,
                (tf.constant(0),),
                parallel_iterations=1,
            )
            return self.model.get_metrics_result()

        return over_batches

    def _trace_forward(self, specs: tuple[tf.TensorSpec, ...]) -> Callable:
        @tf.function(autograph=False, input_signature=list(specs))
        def forward(x):
            self.n_traces += 1
            # The processor takes the rows at the end of a batch by other instructions
            # than whole packets of them, which rounds differently. Filled up to whole
            # packets, a row's outputs do not depend on what else is in its batch.
            n_samples = tf.shape(x)[0]
            missing = -n_samples % ROWS_PER_PACKET
            filled = tf.pad(x, [[0, missing], *([[0, 0]] * (x.shape.rank - 1))])
            return self.model(filled, training=False)[:n_samples]

        return forward

    def _build_metrics(self, specs: tuple[tf.TensorSpec, ...]) -> None:
        """Let Keras make its metrics' variables, which it cannot while tracing."""
        x, y, *weights = (tf.zeros([1, *spec.shape[1:]], spec.dtype) for spec in specs)
        outputs = tf.zeros([1, *self.model.output_shape[1:]], self.model.compute_dtype)
        self.model.compute_loss(x, y, outputs, *weights)
        self.model.compute_metrics(x, y, outputs, *weights)


def copy_of(model: keras.Model) -> keras.Model:
    """Return a compiled model of the same architecture with variables of its own."""
    copy = keras.models.clone_model(model)
    optimizer = model.optimizer
    copy.compile(
        optimizer=type(optimizer).from_config(optimizer.get_config()),
        **keras.tree.map_structure(_copy_of_metric, compile_arguments(model)),
    )
    return copy


def _copy_of_metric(value: object) -> object:
    """Return metrics with variables of their own, everything else as it is."""
    if isinstance(value, keras.metrics.Metric):
        return type(value).from_config(value.get_config())
    return value


def _assign(variables: list, values: list) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.value.assign(value)
