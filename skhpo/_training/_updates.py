"""One step of an optimizer, in as few operations as TensorFlow has for it."""

from collections.abc import Callable

import keras
import tensorflow as tf

from .._compat import apply_gradients, moments_of

Update = Callable[[list[tf.Tensor]], None]

# Settings by which a step looks at more than one weight, or at more than one step.
BEYOND_ONE_WEIGHT = (
    "clipnorm",
    "global_clipnorm",
    "gradient_accumulation_steps",
    "loss_scale_factor",
    "use_ema",
)
# All that Keras applies around its steps, which the operations here do not know.
_AROUND_STEPS = (*BEYOND_ONE_WEIGHT, "clipvalue", "weight_decay")


def fused_update(
    optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable]
) -> Update | None:
    """Return a function of gradients that updates variables, one operation for each.

    Keras updates by a dozen element-wise operations for each variable. TensorFlow has
    kernels that do the same arithmetic for the two optimizers most used; None for any
    other optimizer, or settings that they do not know.
    """
    apply = _APPLY.get(type(optimizer))
    is_covered = (
        apply is not None
        and not any(getattr(optimizer, name) for name in _AROUND_STEPS)
        and not getattr(optimizer, "amsgrad", False)
        and not any(variable.constraint for variable in variables)
        and len({variable.dtype for variable in variables}) == 1
    )
    if not is_covered:
        return None

    def update(gradients: list[tf.Tensor]) -> None:
        if not all(isinstance(gradient, tf.Tensor) for gradient in gradients):
            # Of a variable that nothing depends on, or of some rows of a table.
            apply_gradients(optimizer, gradients, variables)
            return
        rate = tf.cast(optimizer.learning_rate, variables[0].dtype)
        apply(optimizer, variables, gradients, rate)
        optimizer.iterations.assign_add(1)

    return update


def _apply_adam(
    optimizer: keras.optimizers.Adam,
    variables: list[keras.Variable],
    gradients: list[tf.Tensor],
    rate: tf.Tensor,
) -> None:
    step = tf.cast(optimizer.iterations.value + 1, rate.dtype)
    first, second = (
        tf.cast(beta, rate.dtype) for beta in (optimizer.beta_1, optimizer.beta_2)
    )
    settings = {
        "beta1_power": tf.pow(first, step),
        "beta2_power": tf.pow(second, step),
        "lr": rate,
        "beta1": first,
        "beta2": second,
        "epsilon": tf.cast(optimizer.epsilon, rate.dtype),
    }
    means, squares = moments_of(optimizer)
    for variable, mean, square, gradient in zip(
        variables, means, squares, gradients, strict=True
    ):
        tf.raw_ops.ResourceApplyAdam(
            var=variable.value.handle,
            m=mean.value.handle,
            v=square.value.handle,
            grad=gradient,
            **settings,
        )


def _apply_sgd(
    optimizer: keras.optimizers.SGD,
    variables: list[keras.Variable],
    gradients: list[tf.Tensor],
    rate: tf.Tensor,
) -> None:
    if not optimizer.momentum:
        for variable, gradient in zip(variables, gradients, strict=True):
            tf.raw_ops.ResourceApplyGradientDescent(
                var=variable.value.handle, alpha=rate, delta=gradient
            )
        return
    momentum = tf.cast(optimizer.momentum, rate.dtype)
    for variable, velocity, gradient in zip(
        variables, optimizer.momentums, gradients, strict=True
    ):
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.value.handle,
            accum=velocity.value.handle,
            lr=rate,
            grad=gradient,
            momentum=momentum,
            use_nesterov=optimizer.nesterov,
        )


_APPLY = {keras.optimizers.Adam: _apply_adam, keras.optimizers.SGD: _apply_sgd}
