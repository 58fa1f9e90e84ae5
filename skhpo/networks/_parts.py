"""What both kinds of network are made of."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

_SHORT = {"lrelu": "leaky_relu"}


def per_layer(value: Any, n_layers: int, name: str) -> tuple:
    """Return one value per layer, from one for all or from one for each."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return (value,) * n_layers
    if len(value) != n_layers:
        raise ValueError(
            f"{name} must be one value or one for each of the {n_layers} layers, got "
            f"{len(value)}: {value!r}"
        )
    return tuple(value)


def as_sizes(sizes: int | Sequence[int]) -> tuple[int, ...]:
    """Return a tuple of sizes, of one for a single number."""
    # Keras takes no integers of NumPy, as random searches draw them.
    return tuple(map(int, sizes if isinstance(sizes, Sequence) else [sizes]))


def regularizer(l1: float, l2: float) -> keras.regularizers.Regularizer | None:
    """Return the penalty on a layer's weights, None where there is none."""
    return keras.regularizers.L1L2(l1, l2) if l1 or l2 else None


def own(thing: str | Callable) -> Any:
    """Return a layer's own copy of an activation or initializer that has state.

    An initializer draws its seed when it is made, and would give the same values to
    every layer that shares it; one made with a seed gives them to every layer, as in
    Keras. A layer such as PReLU would share its weights.
    """
    if isinstance(thing, keras.initializers.Initializer | keras.layers.Layer):
        config = thing.get_config()
        # Two layers of one name cannot meet in one model.
        config.pop("name", None)
        return type(thing).from_config(config)
    return thing


def dense_layers(
    sizes: Sequence[int],
    dropout: Sequence[float],
    *,
    activation: str | Callable,
    l1: float,
    l2: float,
    kernel_initializer: Any,
    batch_normalization: bool,
) -> list[keras.layers.Layer]:
    """Return dense layers, each with its normalization, activation and dropout."""
    layers: list[keras.layers.Layer] = []
    for size, rate in zip(sizes, dropout, strict=True):
        dense = keras.layers.Dense(
            size,
            kernel_initializer=own(kernel_initializer),
            kernel_regularizer=regularizer(l1, l2),
        )
        layers += activated(dense, activation, batch_normalization)
        if rate:
            layers.append(keras.layers.Dropout(rate))
    return layers


def activated(
    layer: keras.layers.Layer, activation: str | Callable, batch_normalization: bool
) -> list[keras.layers.Layer]:
    """Return a linear layer with its activation, normalized before it if asked for."""
    function = own(activation)
    if not batch_normalization and not isinstance(function, keras.layers.Layer):
        layer.activation = activation_of(function)
        return [layer]
    between = [keras.layers.BatchNormalization()] if batch_normalization else []
    return [layer, *between, as_layer(function)]


def as_layer(activation: str | Callable) -> keras.layers.Layer:
    """Return an activation as a layer of its own."""
    if isinstance(activation, keras.layers.Layer):
        return activation
    return keras.layers.Activation(activation_of(activation))


def activation_of(name: str | Callable) -> Callable:
    """Return the function that Keras knows by a name, or that "lrelu" stands for.

    Keras has no short name for the leaky rectifier.
    """
    return keras.activations.get(_SHORT.get(name, name))
