"""The multi-layer perceptron."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from ._parts import as_sizes, dense_layers, own, per_layer, regularizer


def build_mlp(
    n_features: int,
    n_outputs: int,
    output_activation: str,
    *,
    hidden_layer_sizes: int | Sequence[int] = (100,),
    activation: str | Callable = "relu",
    dropout: float | Sequence[float] = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    kernel_initializer: Any = "glorot_uniform",
    batch_normalization: bool = False,
) -> keras.Model:
    """Return a multi-layer perceptron, not compiled.

    Parameters
    ----------
    n_features, n_outputs : int
        Sizes of the input and of the output.
    output_activation : str
        What the output layer ends in.
    hidden_layer_sizes : int or sequence of int, default=(100,)
        The sizes of the hidden layers. ``()`` is a linear model.
    activation : str or callable, default="relu"
        What each hidden layer ends in.
    dropout : float or sequence of float, default=0.0
        The share of a hidden layer's outputs dropped in training, for all or for each.
    l1, l2 : float, default=0.0
        Penalties on the weights of every layer, the output included.
    kernel_initializer : str or keras.initializers.Initializer, default="glorot_uniform"
        The initial weights of every layer.
    batch_normalization : bool, default=False
        Whether hidden layers are normalized before their activation.

    Returns
    -------
    model : keras.Sequential
        Built, with input shape ``(n_features,)``.
    """
    sizes = as_sizes(hidden_layer_sizes)
    hidden = dense_layers(
        sizes,
        per_layer(dropout, len(sizes), "dropout"),
        activation=activation,
        l1=l1,
        l2=l2,
        kernel_initializer=kernel_initializer,
        batch_normalization=batch_normalization,
    )
    output = keras.layers.Dense(
        n_outputs,
        activation=output_activation,
        kernel_initializer=own(kernel_initializer),
        kernel_regularizer=regularizer(l1, l2),
    )
    return keras.Sequential([keras.Input((n_features,)), *hidden, output])
