"""What is done with one batch: forward, loss, gradients, update."""

from types import FunctionType

import keras
import tensorflow as tf

from .._compat import function_arguments, function_of, takes_training
from ._weights import Weights

# Beyond so many outputs a sample, they are not kept until the end of the epoch.
_MOST_OUTPUTS_KEPT = 128

# Of the functions of Keras, these give one value for a batch.
_OF_WHOLE_BATCHES = frozenset({"circle", "dice", "tversky"})


def train_step(weights: Weights, batch: tuple) -> tuple[tf.Tensor, tf.Tensor]:
    """Update the weights by one batch; return its loss and the model's outputs."""
    variables = [variable.value for variable in weights.variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(variables)
        with weights.in_place(weights.values):
            loss, outputs = _loss_and_outputs(weights.model, batch, training=True)
            scaled = weights.optimizer.scale_loss(loss)
    weights.update(tape.gradient(scaled, variables))
    return loss, outputs


def test_step(weights: Weights, batch: tuple) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the loss and the model's outputs for one batch."""
    with weights.in_place(weights.values):
        return _loss_and_outputs(weights.model, batch, training=False)


def forward(weights: Weights, x: tf.Tensor) -> tf.Tensor:
    """Return the model's outputs."""
    with weights.in_place(weights.values):
        return _call(weights.model, x, training=False)


def _loss_and_outputs(
    model: keras.Model, batch: tuple, training: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    x, y, *sample_weight = batch
    outputs = _call(model, x, training)
    loss = model.compute_loss(x, y, outputs, *sample_weight, training=training)
    return loss, outputs


def _call(model: keras.Model, x: tf.Tensor, training: bool) -> tf.Tensor:
    """Call a model, which need not know of training."""
    return model(x, training=training) if takes_training(model) else model(x)


def metrics_can_wait(model: keras.Model) -> bool:
    """Tell whether the metrics may see all outputs of an epoch at once.

    Keras's own add up over samples, so that one update gives what one for each batch
    gives, at a fraction of the cost.
    """
    shape = model.output_shape
    if len(shape) != 2 or shape[1] > _MOST_OUTPUTS_KEPT:
        return False
    metrics = (m for group in model.metrics for m in getattr(group, "metrics", [group]))
    return all(_adds_up(metric) for metric in metrics)


def _adds_up(metric: keras.metrics.Metric) -> bool:
    """Tell whether a metric is one of Keras's that looks at each sample by itself."""
    function = function_of(metric)
    if not type(metric).__module__.startswith("keras."):
        return False
    return function is None or (
        isinstance(function, FunctionType)
        and function.__module__.startswith("keras.")
        and function.__name__ not in _OF_WHOLE_BATCHES
        and function_arguments(metric).get("axis", -1) == -1
    )
