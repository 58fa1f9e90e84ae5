"""The U-Net: down to a coarse picture of the whole, and up again to every pixel."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from ._parts import as_layer, own, per_layer, regularizer

# Images are (height, width, channels), whatever Keras is set to.
CHANNELS = "channels_last"

# Keras's own, 0.99, needs hundreds of steps before a normalization predicts by what it
# has seen; a page is large, and epochs of pages are a few steps.
MOMENTUM = 0.9


def build_unet(
    n_channels: int,
    n_classes: int,
    *,
    start_neurons: int = 16,
    net_depth: int = 4,
    dropout: float | Sequence[float] = 0.0,
    bn_after_act: bool = False,
    activation: str | Callable = "elu",
    l1: float = 0.0,
    l2: float = 0.0,
    kernel_initializer: Any = "he_normal",
) -> keras.Model:
    """Return a U-Net, not compiled.

    Parameters
    ----------
    n_channels : int
        Of the images, whose height and width are left open.
    n_classes : int
        The number of probabilities at each pixel.
    start_neurons : int, default=16
        The filters of the uppermost level; each level below has twice as many.
    net_depth : int, default=4
        How many times the image is halved. Height and width must be multiples of
        ``2 ** net_depth``.
    dropout : float or sequence of float, default=0.0
        The share dropped behind each pooling and each concatenation, for all levels or
        for each, the uppermost first.
    bn_after_act : bool, default=False
        Whether the normalization stands behind the activation, or before it.
    activation, l1, l2, kernel_initializer : object
        As in `build_mlp`, for every convolution.

    Returns
    -------
    model : keras.Model
        Built, with input shape (None, None, `n_channels`).
    """
    level = _Levels(bn_after_act, activation, l1, l2, kernel_initializer)
    filters = [int(start_neurons) * 2**i for i in range(int(net_depth) + 1)]
    rates = per_layer(dropout, int(net_depth), "dropout")
    image = x = keras.Input((None, None, n_channels))
    across = []
    for n_filters, rate in zip(filters, rates, strict=False):
        x = level.convolve(x, n_filters)
        across.append(x)
        x = keras.layers.MaxPooling2D(2, data_format=CHANNELS)(x)
        x = _dropped(x, rate)
    x = level.convolve(x, filters[-1])
    for n_filters, rate in zip(filters[-2::-1], rates[::-1], strict=True):
        x = level.enlarge(x, n_filters)
        x = keras.layers.Concatenate(axis=-1)([across.pop(), x])
        x = level.convolve(_dropped(x, rate), n_filters)
    return keras.Model(image, level.classify(x, n_classes))


class _Levels:
    """What the levels of a U-Net are made of, with the settings they share."""

    def __init__(
        self,
        bn_after_act: bool,
        activation: str | Callable,
        l1: float,
        l2: float,
        kernel_initializer: Any,
    ) -> None:
        self.bn_after_act, self.activation = bn_after_act, activation
        self._l1, self._l2 = l1, l2
        self._kernel_initializer = kernel_initializer

    def convolve(self, x: keras.KerasTensor, n_filters: int) -> keras.KerasTensor:
        """Apply two convolutions of 3 x 3, each activated and normalized."""
        for _ in range(2):
            convolution = keras.layers.Conv2D(
                n_filters,
                3,
                padding="same",
                # A normalization right behind it would take out any bias.
                use_bias=self.bn_after_act,
                **self._weights,
            )
            activation = as_layer(own(self.activation))
            normalization = keras.layers.BatchNormalization(momentum=MOMENTUM)
            if self.bn_after_act:
                x = normalization(activation(convolution(x)))
            else:
                x = activation(normalization(convolution(x)))
        return x

    def enlarge(self, x: keras.KerasTensor, n_filters: int) -> keras.KerasTensor:
        """Double height and width."""
        return keras.layers.Conv2DTranspose(n_filters, 2, strides=2, **self._weights)(x)

    def classify(self, x: keras.KerasTensor, n_classes: int) -> keras.KerasTensor:
        """Return the probabilities of the classes at every pixel."""
        layer = keras.layers.Conv2D(n_classes, 1, activation="softmax", **self._weights)
        return layer(x)

    @property
    def _weights(self) -> dict[str, Any]:
        return {
            "data_format": CHANNELS,
            "kernel_initializer": own(self._kernel_initializer),
            "kernel_regularizer": regularizer(self._l1, self._l2),
        }


def _dropped(x: keras.KerasTensor, rate: float) -> keras.KerasTensor:
    return keras.layers.Dropout(rate)(x) if rate else x
