"""One traced training loop, over a model of its own or over the caller's."""

from collections.abc import Callable, Hashable

import keras
import numpy as np
import tensorflow as tf

from .._compat import compile_arguments
from ._data import Data
from ._step import forward, metrics_can_wait, test_step, train_step
from ._weights import Weights, weights_of

ROWS_PER_PACKET = 16
MAPS_PER_PACKET = 2


class Program:
    """A compiled Keras model and the functions traced over its variables.

    Parameters
    ----------
    model : keras.Model
        Compiled and built.
    weights : Weights
        What is trained: those of this very model (`own_program_of`), or of a copy
        (`program_for`) or a model given away (`program_over`), into which those of fit
        after fit are loaded.
    """

    def __init__(self, model: keras.Model, weights: Weights) -> None:
        self.model = model
        self.loss_tracker = model.metrics[0]
        self.n_traces = 0
        self.targets: Hashable | None = None
        self.weights = weights
        self._functions: dict[Hashable, Callable] = {}

    def load(self, model: keras.Model) -> None:
        """Set everything that training changes to what it is in `model`."""
        if model is not self.model:
            self.weights.load(model)

    def load_weights(self, model: keras.Model) -> None:
        """Set what predictions depend on to what it is in `model`."""
        if model is not self.model:
            self.weights.load_weights(model)

    def store(self, model: keras.Model) -> None:
        """Set everything that training changes in `model` to what it is here."""
        if model is not self.model:
            self.weights.store(model)

    def snapshot(self) -> list[tf.Tensor]:
        """Return a copy of the weights and batch statistics."""
        return [tf.identity(variable.value) for variable in self._remembered]

    def restore(self, snapshot: list[tf.Tensor]) -> None:
        """Bring back a copy that `snapshot` gave."""
        for variable, value in zip(self._remembered, snapshot, strict=True):
            variable.value.assign(value)

    def train_epoch(
        self, data: Data, order: np.ndarray, batch_size: int
    ) -> dict[str, float]:
        """Take one step for each batch of the samples in `order`; return the logs."""
        return self._run("train", train_step, data, order, batch_size)

    def evaluate(self, data: Data, batch_size: int) -> dict[str, float]:
        """Return the loss and metrics over all samples."""
        order = np.arange(data.n_samples, dtype=np.int32)
        return self._run("evaluate", test_step, data, order, batch_size)

    def predict(self, x: tf.Tensor, batch_size: int) -> np.ndarray:
        """Return the network's outputs."""
        outputs_of = self._traced("predict", (x,), self._trace_forward)
        if x.shape[0] <= batch_size:
            return outputs_of(x).numpy()
        starts = range(0, x.shape[0], batch_size)
        parts = [outputs_of(x[start : start + batch_size]) for start in starts]
        return np.concatenate([part.numpy() for part in parts])

    @property
    def _remembered(self) -> list[keras.Variable]:
        """The weights, without the states of seed generators, which only go on."""
        weights = {id(variable) for variable in self.model.weights}
        statistics = [v for v in self.model.non_trainable_variables if id(v) in weights]
        return [*self.weights.variables, *statistics]

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
        logs = over_batches(
            data.parts, tf.constant(order), tf.constant(batch_size, tf.int32)
        )
        # A list for a metric with a value for each class.
        return {name: value.numpy().tolist() for name, value in logs.items()}

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
        """Return a function that runs `step` over all batches of an epoch."""
        self._build_metrics(specs)
        order = tf.TensorSpec([None], tf.int32)
        batch_size = tf.TensorSpec([], tf.int32)

        # Autograph would take four times as long to trace the same loop.
        @tf.function(autograph=False, input_signature=[specs, order, batch_size])
        def over_batches(parts, order, batch_size):
            self.n_traces += 1
            self.model.reset_metrics()
            total_loss = self._run_batches(step, parts, order, batch_size)
            logs = self.model.get_metrics_result()
            return logs | {"loss": total_loss / tf.cast(tf.shape(order)[0], tf.float32)}

        return over_batches

    def _run_batches(
        self, step: Callable, parts: tuple, order: tf.Tensor, batch_size: tf.Tensor
    ) -> tf.Tensor:
        """Run `step` over all batches and update the metrics; return the total loss."""
        n_samples = tf.shape(order)[0]
        waits = metrics_can_wait(self.model)

        def one_batch(start, number, total_loss, kept):
            rows = order[start : start + batch_size]
            batch = tuple(tf.gather(part, rows) for part in parts)
            loss, outputs = step(self.weights, batch)
            if waits:
                kept = kept.write(number, outputs)
            else:
                self._update_metrics(batch, outputs)
            n_rows = tf.cast(tf.shape(rows)[0], tf.float32)
            total_loss += tf.cast(loss, tf.float32) * n_rows
            return start + batch_size, number + 1, total_loss, kept

        kept = tf.TensorArray(
            self.model.outputs[0].dtype,
            size=(n_samples + batch_size - 1) // batch_size if waits else 0,
            element_shape=[None, *self.model.output_shape[1:]],
            infer_shape=False,
        )
        _, _, total_loss, kept = tf.while_loop(
            lambda start, *_: start < n_samples,
            one_batch,
            (tf.constant(0), tf.constant(0), tf.constant(0.0), kept),
            parallel_iterations=1,
        )
        if waits:
            ordered = tuple(tf.gather(part, order) for part in parts[1:])
            self._update_metrics((None, *ordered), kept.concat())
        return total_loss

    def _trace_forward(self, specs: tuple[tf.TensorSpec, ...]) -> Callable:
        # Where a whole map comes out, every pixel is a row, but those of a single
        # sample are multiplied in another way.
        makes_maps = len(self.model.output_shape) == 4
        samples_per_packet = MAPS_PER_PACKET if makes_maps else ROWS_PER_PACKET

        @tf.function(autograph=False, input_signature=list(specs))
        def outputs_of(x):
            self.n_traces += 1
            # The processor takes the rows at the end of a batch by other instructions
            # than whole packets of them, which rounds differently. Filled up to whole
            # packets, a row's outputs do not depend on what else is in its batch.
            n_samples = tf.shape(x)[0]
            missing = -n_samples % samples_per_packet
            filled = tf.pad(x, [[0, missing], *([[0, 0]] * (x.shape.rank - 1))])
            return forward(self.weights, filled)[:n_samples]

        return outputs_of

    def _update_metrics(self, batch: tuple, outputs: tf.Tensor) -> None:
        x, y, *sample_weight = batch
        self.model.compute_metrics(x, y, outputs, *(sample_weight or [None]))

    def _build_metrics(self, specs: tuple[tf.TensorSpec, ...]) -> None:
        """Let Keras make its metrics' variables, which it cannot while tracing."""
        batch = tuple(tf.zeros([1, *spec.shape[1:]], spec.dtype) for spec in specs)
        shape = self.model.compute_output_shape(batch[0].shape)
        outputs = tf.zeros(shape, self.model.outputs[0].dtype)
        self._update_metrics(batch, outputs)


def program_for(model: keras.Model) -> Program:
    """Return a program that trains models like this one, over a copy of it."""
    copy = keras.models.clone_model(model)
    optimizer = model.optimizer
    copy.compile(
        optimizer=type(optimizer).from_config(optimizer.get_config()),
        **keras.tree.map_structure(_copy_of_metric, compile_arguments(model)),
    )
    return program_over(copy)


def program_over(model: keras.Model) -> Program:
    """Return a program for models like this one, which is given to it."""
    return Program(model, weights_of(model))


def own_program_of(model: keras.Model) -> Program:
    """Return the program of a model that shares with no other, kept on the model.

    So a fit that goes on does not trace again, and the program goes when the model
    goes.
    """
    program = vars(model).get("_skhpo_program")
    # A new one for every `Model.compile`, which makes a new tracker of the loss.
    if program is None or program.loss_tracker is not model.metrics[0]:
        program = vars(model)["_skhpo_program"] = Program(model, Weights(model))
    return program


def _copy_of_metric(value: object) -> object:
    """Return metrics with variables of their own, everything else as it is."""
    if isinstance(value, keras.metrics.Metric):
        return type(value).from_config(value.get_config())
    return value
