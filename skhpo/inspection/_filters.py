"""What the first layer of a convolutional network looks for, and what it finds."""

import math
from numbers import Integral
from typing import Any, Self

import numpy as np

from .._nested import find_network
from ._canvas import COLORMAP, panels_for, pyplot
from ._images import as_images, show_image

# The layers between a convolution and its answer, where it has no activation itself.
FOLLOW = (
    "BatchNormalization",
    "Activation",
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "ELU",
)


class FilterDisplay:
    """The filters of a convolutional layer, and its answers to images.

    The first panel has the kernels: red where a pixel raises the answer, blue where it
    lowers it, white where it does not matter. Kernels over three channels are in
    colour, and over other numbers of channels the mean over them. A panel for each
    image shows the layer's activations, in the same order, behind the image itself.

    It is recommended to use `FilterDisplay.from_estimator` to create a Display. All
    parameters are stored as attributes.

    Parameters
    ----------
    filters : ndarray of shape (height, width, n_channels, n_filters), dtype=float32
        The kernels.

    images : ndarray of shape (n_images, height, width, n_channels) or None, \
            default=None
        What the layer answered to.

    activations : ndarray of shape (n_images, height, width, n_filters) or None, \
            default=None
        The answers.

    Attributes
    ----------
    axes_ : ndarray of shape (1 + 2 * n_images,), dtype=object
        The matplotlib Axes of the panels.

    figure_ : matplotlib Figure
        Figure that has the axes.

    See Also
    --------
    PredictionGridDisplay : Images with what a network says of them.

    Notes
    -----
    So Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep
    convolutional neural networks", NeurIPS 25 (2012), figure 3, show a first layer.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhpo import KerasCNN
    >>> from skhpo.inspection import FilterDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> cnn = KerasCNN(filters=(9,), epochs=1, random_state=0).fit(X / 16, y)
    >>> display = FilterDisplay.from_estimator(cnn, X[:2] / 16)
    >>> display.filters.shape, display.activations.shape
    ((3, 3, 1, 9), (2, 6, 6, 9))
    """

    def __init__(
        self,
        filters: np.ndarray,
        *,
        images: np.ndarray | None = None,
        activations: np.ndarray | None = None,
    ):
        self.filters = filters
        self.images = images
        self.activations = activations

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        layer: str | int = 0,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the filters of a fitted network.

        Parameters
        ----------
        estimator : estimator
            A fitted network with convolutions, as `KerasCNN`, `KerasUNet` or
            `KerasClassifier` of such a model; or a Pipeline or refitted search with
            one.

        X : array-like of shape (n_images, ...) or None, default=None
            Images, as the estimator's `predict` takes them, to which answers are
            shown. A few are enough.

        layer : str or int, default=0
            The name of a convolutional layer (`keras.layers.Conv2D`), or its place
            among those of the model.

        ax : matplotlib Axes, sequence of Axes or None, default=None
            Axes to draw on: one for the filters, and then for each image one for itself
            and one for the answers. None makes a figure.

        **kwargs : dict of str to object
            Parameters for `plot`.

        Returns
        -------
        FilterDisplay
            The Display that was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        sklearn.exceptions.NotFittedError
            If the estimator was not fitted.

        TypeError
            If the estimator has no network in it.

        ValueError
            If the network has no such layer.
        """
        pyplot(cls.__name__)
        found = find_network(estimator, "model_")
        model = found.network.model_
        at = _layer_at(model, layer)
        images = activations = None
        if X is not None:
            shape = getattr(found.network, "image_shape_", None)
            inputs = np.asarray(found.transform(X))
            images = as_images(inputs, shape)
            # A network that knows no shape takes X as it is, rows perhaps.
            activations = _answers(model, at, inputs if shape is None else images)
        kernels = np.asarray(model.layers[at].kernel)
        display = cls(kernels, images=images, activations=activations)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, im_kw: dict[str, Any] | None = None) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib Axes, sequence of Axes or None, default=None
            Axes to draw on: one for the filters, and then for each image one for itself
            and one for the answers. None makes a figure.

        im_kw : dict or None, default=None
            Arguments for filters and answers, as `matplotlib.axes.Axes.imshow` takes
            them.

        Returns
        -------
        FilterDisplay
            Itself.
        """
        n_images = 0 if self.activations is None else len(self.activations)
        mosaic = [[0, 2 * k + 1, 2 * k + 2] for k in range(n_images)] or [[0]]
        panels = panels_for(
            self,
            ax,
            1 + 2 * n_images,
            way_out="Leave ax out for a figure of all.",
            mosaic=mosaic,
        )
        self._draw_filters(panels[0], im_kw or {})
        for number in range(n_images):
            image, answers = panels[2 * number + 1 : 2 * number + 3]
            show_image(image, self.images[number])
            image.set_title("image" if n_images == 1 else f"image {number}")
            tiles = np.moveaxis(self.activations[number], -1, 0)
            answers.imshow(_mosaic(tiles), **({"cmap": COLORMAP} | (im_kw or {})))
            answers.set_title("activations")
        for panel in panels:
            panel.set_axis_off()
        return self

    def _draw_filters(self, ax: Any, settings: dict[str, Any]) -> None:
        kernels = np.moveaxis(self.filters, -1, 0).astype(float)
        reach = np.abs(kernels).max() or 1.0
        if self.filters.shape[2] == 3:
            # A colour channel of a pixel is bright where more of it raises the answer.
            ax.imshow(_mosaic(kernels / reach / 2 + 0.5), **settings)
        else:
            tiles = kernels.mean(axis=-1)
            reach = np.abs(tiles).max() or 1.0
            usual = {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}
            ax.imshow(_mosaic(tiles), **(usual | settings))
        n_channels, n_filters = self.filters.shape[2:]
        over = f", mean over {n_channels} channels" if n_channels not in (1, 3) else ""
        ax.set_title(f"{n_filters} filters{over}")


def _mosaic(tiles: np.ndarray) -> np.ma.MaskedArray:
    """Return tiles (n, height, width[, colours]) in rows, with gaps between them."""
    n_columns = math.ceil(math.sqrt(len(tiles)))
    n_rows = -(-len(tiles) // n_columns)
    height, width = tiles.shape[1:3]
    gap = max(1, round(max(height, width) / 10))
    size = n_rows * (height + gap) - gap, n_columns * (width + gap) - gap
    whole = np.full((*size, *tiles.shape[3:]), np.nan)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, n_columns)
        top, left = row * (height + gap), column * (width + gap)
        whole[top : top + height, left : left + width] = tile
    if whole.ndim == 2:
        return np.ma.masked_invalid(whole)
    # Colours are not masked but opaque or not.
    is_tile = np.isfinite(whole[..., :1])
    return np.concatenate([np.where(is_tile, whole, 1.0), is_tile], axis=-1)


def _layer_at(model: Any, layer: str | int) -> int:
    """Return where in the model the layer is, or raise."""
    import keras

    places = [
        place
        for place, one in enumerate(model.layers)
        if isinstance(one, keras.layers.Conv2D)
    ]
    names = [model.layers[place].name for place in places]
    if isinstance(layer, str) and layer in names:
        return places[names.index(layer)]
    if isinstance(layer, Integral) and -len(places) <= layer < len(places):
        return places[layer]
    raise ValueError(
        f"layer must be the name or place of a convolution, of which the network has "
        f"{names}, got {layer!r}."
    )


def _answers(model: Any, at: int, inputs: np.ndarray) -> np.ndarray:
    """Return what the layer makes of images, behind its activation."""
    import keras

    behind = model.layers[at:]
    last = behind.pop(0)
    if last.activation is keras.activations.linear:
        # What `activated` puts behind a layer.
        follow = tuple(getattr(keras.layers, name) for name in FOLLOW)
        for layer in behind:
            if not isinstance(layer, follow) or layer.input is not last.output:
                break
            last = layer
    answers = keras.Model(model.inputs, last.output)
    return np.asarray(answers([inputs.astype(np.float32)], training=False))
