"""The convolutional network: blocks of convolution and pooling, then dense layers."""

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import keras

from ._parts import activated, as_sizes, dense_layers, own, per_layer, regularizer

# Images are (height, width, channels), whatever Keras is set to.
CHANNELS = "channels_last"


class Block(NamedTuple):
    """The settings of one block; kernel, strides and pool as (height, width)."""

    filters: int
    kernel: tuple[int, int]
    padding: str
    strides: tuple[int, int]
    pool: tuple[int, int]
    dropout: float


def build_cnn(
    image_shape: tuple[int, int, int],
    n_outputs: int,
    output_activation: str,
    *,
    filters: int | Sequence[int] = (32,),
    kernel_size: Any = 3,
    padding: str | Sequence[str] = "valid",
    strides: Any = 1,
    pool_size: Any = 2,
    dropout: float | Sequence[float] = 0.0,
    dense_layer_sizes: int | Sequence[int] = (100,),
    activation: str | Callable = "relu",
    l1: float = 0.0,
    l2: float = 0.0,
    kernel_initializer: Any = "glorot_uniform",
    batch_normalization: bool = False,
) -> keras.Model:
    """Return a convolutional network, not compiled.

    Parameters
    ----------
    image_shape : tuple of int
        Height, width and channels, in pixels.
    n_outputs : int
        The size of the output.
    output_activation : str
        What the output layer ends in.
    filters : int or sequence of int, default=(32,)
        The number of filters of each block, and so the number of blocks. ``()`` leaves
        the dense layers alone.
    kernel_size, strides, pool_size : int, pair of int in a sequence, or sequence, \
            default=3, 1, 2
        In pixels, for all blocks or for each; a pool of 1 is no pooling.
    padding : {"valid", "same"} or sequence of them, default="valid"
        Whether the convolution of a block pads the image, for all blocks or for each.
    dropout : float or sequence of float, default=0.0
        The share of a block's outputs dropped in training, for all or for each.
    dense_layer_sizes : int or sequence of int, default=(100,)
        The sizes of the dense layers behind the blocks.
    activation, l1, l2, kernel_initializer, batch_normalization : object
        As in `build_mlp`, for blocks and dense layers.

    Returns
    -------
    model : keras.Sequential
        Built, with input shape `image_shape`.

    Raises
    ------
    ValueError
        If a block would shrink the image to nothing.
    """
    blocks = check_blocks(
        image_shape, filters, kernel_size, padding, strides, pool_size, dropout
    )
    weights = {"l1": l1, "l2": l2, "kernel_initializer": kernel_initializer}
    layers: list[keras.layers.Layer] = [keras.Input(image_shape)]
    for block in blocks:
        layers += _block_layers(block, activation, batch_normalization, **weights)
    sizes = as_sizes(dense_layer_sizes)
    layers.append(keras.layers.Flatten(data_format=CHANNELS))
    layers += dense_layers(
        sizes,
        (0.0,) * len(sizes),
        activation=activation,
        batch_normalization=batch_normalization,
        **weights,
    )
    output = keras.layers.Dense(
        n_outputs,
        activation=output_activation,
        kernel_initializer=own(kernel_initializer),
        kernel_regularizer=regularizer(l1, l2),
    )
    return keras.Sequential([*layers, output])


def check_blocks(
    image_shape: tuple[int, int, int],
    filters: int | Sequence[int],
    kernel_size: Any,
    padding: str | Sequence[str],
    strides: Any,
    pool_size: Any,
    dropout: float | Sequence[float],
) -> list[Block]:
    """Return the blocks, or raise where one would shrink the image to nothing."""
    numbers = as_sizes(filters)
    n = len(numbers)
    blocks = [
        Block(count, _pair(kernel), pad, _pair(stride), _pair(pool), rate)
        for count, kernel, pad, stride, pool, rate in zip(
            numbers,
            per_layer(kernel_size, n, "kernel_size"),
            per_layer(padding, n, "padding"),
            per_layer(strides, n, "strides"),
            per_layer(pool_size, n, "pool_size"),
            per_layer(dropout, n, "dropout"),
            strict=True,
        )
    ]
    size = tuple(image_shape[:2])
    for number, block in enumerate(blocks, start=1):
        size = _size_after(block, size, number)
    return blocks


def _size_after(block: Block, size: tuple[int, int], number: int) -> tuple[int, int]:
    """Return height and width behind a block."""
    after = []
    for length, kernel, stride, pool in zip(
        size, block.kernel, block.strides, block.pool, strict=True
    ):
        reach = length if block.padding == "same" else length - kernel + 1
        after.append(-(-max(reach, 0) // stride) // pool)
    if min(after) < 1:
        raise ValueError(
            f"Each block must leave at least one pixel, but block {number} shrinks an "
            f"image of {size[0]} x {size[1]} to {after[0]} x {after[1]} (kernel_size "
            f"{block.kernel}, padding {block.padding!r}, strides {block.strides}, "
            f"pool_size {block.pool}). Use fewer blocks, padding='same', or a smaller "
            "kernel_size or pool_size"
        )
    return after[0], after[1]


def _block_layers(
    block: Block,
    activation: str | Callable,
    batch_normalization: bool,
    *,
    l1: float,
    l2: float,
    kernel_initializer: Any,
) -> list[keras.layers.Layer]:
    convolution = keras.layers.Conv2D(
        block.filters,
        block.kernel,
        strides=block.strides,
        padding=block.padding,
        data_format=CHANNELS,
        kernel_initializer=own(kernel_initializer),
        kernel_regularizer=regularizer(l1, l2),
    )
    layers = activated(convolution, activation, batch_normalization)
    if block.pool != (1, 1):
        layers.append(keras.layers.MaxPooling2D(block.pool, data_format=CHANNELS))
    if block.dropout:
        layers.append(keras.layers.Dropout(block.dropout))
    return layers


def _pair(value: Any) -> tuple[int, int]:
    height, width = (value, value) if isinstance(value, Integral) else value
    return int(height), int(width)
