"""Images with what a network says of them."""

import math
import textwrap
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Self

import numpy as np

from .._nested import image_shape_of
from ._canvas import ink, panels_for, pyplot
from ._images import as_images, show_image
from ._labels import short_number, short_value
from ._predicted import (
    are_numbers,
    check_lengths,
    check_shares,
    checked_classes,
    is_wrong,
)

# More than that no one looks at.
N_IMAGES, N_MASKED = 16, 4
# Of what stands over an image: so many letters fit, and a line is so many inches high.
LONGEST_LINE, LINE = 22, 0.15


class PredictionGridDisplay:
    """Images with their true and predicted labels, numbers or masks.

    Over each image stands what was predicted; in red, and with the truth below it,
    where that is another label. Masks stand below their image, first the true one: a
    colour for each class, the first class white.

    It is recommended to use `PredictionGridDisplay.from_estimator` or
    `PredictionGridDisplay.from_predictions` to create a Display. All parameters are
    stored as attributes.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width, n_channels)
        The images.

    y_pred : ndarray of shape (n_images,), (n_images, n_outputs) or \
            (n_images, height, width)
        What was predicted.

    y_true : ndarray of the shape of `y_pred` or None, default=None
        The truth.

    probabilities : ndarray of shape (n_images,) or None, default=None
        Of the predicted labels.

    classes : ndarray of shape (n_classes,) or None, default=None
        The labels that `display_labels` name, and that may be in masks.

    display_labels : sequence of str or None, default=None
        The names of `classes`.

    Attributes
    ----------
    axes_ : ndarray of shape (n_pictures,), dtype=object
        The matplotlib Axes of the images; then those of the true masks, and of the
        predicted ones.

    figure_ : matplotlib Figure
        Figure that has the axes.

    See Also
    --------
    FilterDisplay : What the first layer answers to images.
    sklearn.metrics.ConfusionMatrixDisplay : How often each label is taken for another.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.svm import SVC
    >>> from skhpo.inspection import PredictionGridDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> svm = SVC().fit(X[:500], y[:500])
    >>> display = PredictionGridDisplay.from_estimator(
    ...     svm, X[500:], y[500:], only_wrong=True
    ... )
    >>> print(display.axes_[0].get_title())
    9
    true: 3
    """

    def __init__(
        self,
        images: np.ndarray,
        y_pred: np.ndarray,
        y_true: np.ndarray | None = None,
        *,
        probabilities: np.ndarray | None = None,
        classes: np.ndarray | None = None,
        display_labels: Sequence[str] | None = None,
    ):
        self.images = images
        self.y_pred = y_pred
        self.y_true = y_true
        self.probabilities = probabilities
        self.classes = classes
        self.display_labels = display_labels

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        n_images: int | None = None,
        only_wrong: bool = False,
        image_shape: Sequence[int] | None = None,
        display_labels: Sequence[str] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw images with what an estimator predicts.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator: any of scikit-learn's that takes images or their rows,
            Pipelines and refitted searches included.

        X : array-like of shape (n_samples, height, width[, n_channels]) or \
                (n_samples, n_pixels)
            Images, as the estimator takes them.

        y : array-like of shape (n_samples,), (n_samples, n_outputs), \
                (n_samples, height, width) or (n_samples, height, width, n_classes), \
                default=None
            The truth.

        n_images : int or None, default=None
            How many images to draw, from the first on. None draws 16, of those with
            masks 4.

        only_wrong : bool, default=False
            Whether to leave out images whose labels are right, or all of whose pixels.

        image_shape : tuple of int or None, default=None
            Height, width and, if there are several, channels of images given as rows.
            None takes the estimator's `image_shape_`, and without it squares.

        display_labels : sequence of str or None, default=None
            The names of the classes, in the order of the estimator's `classes_`. None
            takes their labels.

        ax : matplotlib Axes, sequence of Axes or None, default=None
            Axes to draw on: for all images, then for all true masks, then for all
            predicted ones. None makes a figure.

        **kwargs : dict of str to object
            Parameters for `plot`.

        Returns
        -------
        PredictionGridDisplay
            The Display that was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        sklearn.exceptions.NotFittedError
            If the estimator was not fitted.

        ValueError
            If a parameter breaks a rule, or if nothing is wrong.
        """
        pyplot(cls.__name__)
        if image_shape is None:
            image_shape = image_shape_of(estimator)
        _check_number(n_images)
        if not only_wrong:
            # No more is predicted than may be drawn.
            n_first = N_IMAGES if n_images is None else n_images
            X, y = X[:n_first], None if y is None else y[:n_first]
        y_pred = np.asarray(estimator.predict(X))
        # Of several outputs each has its own.
        classes = getattr(estimator, "classes_", None) if y_pred.ndim != 2 else None
        probabilities = None
        has_labels = y_pred.ndim == 1 and classes is not None
        if has_labels and hasattr(estimator, "predict_proba"):
            # Not always the greatest: there may be a threshold.
            columns = (np.asarray(classes) == y_pred[:, None]).argmax(axis=1)
            shares = estimator.predict_proba(X)
            probabilities = np.take_along_axis(shares, columns[:, None], axis=1)[:, 0]
        return cls.from_predictions(
            X,
            y,
            y_pred,
            probabilities=probabilities,
            classes=classes,
            n_images=n_images,
            only_wrong=only_wrong,
            image_shape=image_shape,
            display_labels=display_labels,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        y_true: Any,
        y_pred: Any,
        *,
        probabilities: Any = None,
        classes: Any = None,
        n_images: int | None = None,
        only_wrong: bool = False,
        image_shape: Sequence[int] | None = None,
        display_labels: Sequence[str] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw images with what was predicted.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width[, n_channels]) or \
                (n_samples, n_pixels)
            Images.

        y_true : array-like of shape (n_samples,), (n_samples, n_outputs), \
                (n_samples, height, width), (n_samples, height, width, n_classes) or \
                None
            The truth, if it is known.

        y_pred : array-like of shape (n_samples,), (n_samples, n_outputs) or \
                (n_samples, height, width)
            The predictions.

        probabilities : array-like of shape (n_samples,) or None, default=None
            Of the predicted labels.

        classes : array-like of shape (n_classes,) or None, default=None
            All labels that there may be. None takes those that there are.

        n_images : int or None, default=None
            How many images to draw, from the first on. None draws 16, of those with
            masks 4.

        only_wrong : bool, default=False
            Whether to leave out images whose labels are right, or all of whose pixels.

        image_shape : tuple of int or None, default=None
            Height, width and, if there are several, channels of images given as rows.
            None takes squares.

        display_labels : sequence of str or None, default=None
            The names of `classes`. None takes their labels.

        ax : matplotlib Axes, sequence of Axes or None, default=None
            Axes to draw on: for all images, then for all true masks, then for all
            predicted ones. None makes a figure.

        **kwargs : dict of str to object
            Parameters for `plot`.

        Returns
        -------
        PredictionGridDisplay
            The Display that was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If a parameter breaks a rule, or if nothing is wrong.
        """
        pyplot(cls.__name__)
        _check_number(n_images)
        images, y_pred = as_images(X, image_shape), np.asarray(y_pred)
        y_true = None if y_true is None else np.asarray(y_true)
        are_masks = y_pred.ndim > 2
        if are_masks and y_true is not None and y_true.ndim == 4:
            check_shares(y_true)
            labels = np.arange(y_true.shape[3]) if classes is None else classes
            y_true = np.asarray(labels)[y_true.argmax(axis=-1)]
        check_lengths(images, y_true, y_pred)
        shown = np.arange(len(images))
        if only_wrong:
            shown = np.flatnonzero(is_wrong(y_true, y_pred))
            if not len(shown):
                raise ValueError(
                    f"only_wrong=True needs a wrong prediction, but all {len(images)} "
                    "are right. Leave it out, or give more images."
                )
        if n_images is None:
            n_images = N_MASKED if are_masks else N_IMAGES
        shown = shown[:n_images]
        if are_masks or display_labels is not None:
            classes = checked_classes(classes, y_true, y_pred)
        display = cls(
            images[shown],
            y_pred[shown],
            None if y_true is None else y_true[shown],
            probabilities=(
                None if probabilities is None else np.asarray(probabilities)[shown]
            ),
            classes=classes,
            display_labels=display_labels,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None) -> Self:
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, sequence of Axes or None, default=None
            Axes to draw on: for all images, then for all true masks, then for all
            predicted ones. None makes a figure.

        Returns
        -------
        PredictionGridDisplay
            Itself.
        """
        names = self._names()
        masks = {}
        if self.y_pred.ndim > 2:
            masks = {"true": self.y_true, "predicted": self.y_pred}
            masks = {name: some for name, some in masks.items() if some is not None}
        n_images, n_rows = len(self.images), 1 + len(masks)
        n_columns = n_images if masks else math.ceil(math.sqrt(n_images))
        n_panels = n_rows * n_images
        titles = [] if masks else [self._title(i, names) for i in range(n_images)]
        n_lines = max((title.count("\n") + 1 for title, _ in titles), default=2)
        height = 1.6 + LINE * max(2, n_lines)
        panels = panels_for(
            self,
            ax,
            n_panels,
            way_out="Leave ax out for a figure of all, or lower n_images.",
            n_columns=n_columns,
            figsize=(
                max(3.0, 1.6 * n_columns),
                max(2.0, height * math.ceil(n_panels / n_columns)),
            ),
        )
        for panel, image in zip(panels, self.images, strict=False):
            show_image(panel, image)
        if masks:
            self._draw_masks(panels, masks, names)
        else:
            for panel, (title, color) in zip(panels, titles, strict=True):
                panel.set_title(title, fontsize="small", color=color)
        return self

    def _names(self) -> dict[Any, str]:
        """Return the name of each class."""
        if self.classes is None:
            return {}
        classes = np.asarray(self.classes).tolist()
        if self.display_labels is None:
            return {label: short_value(label) for label in classes}
        if len(self.display_labels) != len(classes):
            raise ValueError(
                f"display_labels must name each of the {len(classes)} classes, "
                f"{classes}, got {len(self.display_labels)}: {self.display_labels}."
            )
        return dict(zip(classes, self.display_labels, strict=True))

    def _title(self, number: int, names: dict[Any, str]) -> tuple[str, Any]:
        """Return what was predicted, where it differs the truth, and a colour."""
        predicted = self.y_pred[number]
        lines = [_as_text(predicted, names)]
        if self.probabilities is not None:
            lines[0] += f" ({self.probabilities[number]:.0%})"
        color = ink()
        if self.y_true is not None:
            true = self.y_true[number]
            is_number = are_numbers(self.y_true, self.y_pred)
            if is_number or not np.array_equal(true, predicted):
                lines.append(f"true: {_as_text(true, names)}")
                color = ink() if is_number else "tab:red"
        return "\n".join(textwrap.fill(line, LONGEST_LINE) for line in lines), color

    def _draw_masks(
        self, panels: list[Any], masks: dict[str, np.ndarray], names: dict[Any, str]
    ) -> None:
        """Draw masks, each kind in a row, and say which colour is which class."""
        colors = import_module("matplotlib.colors")
        patch = import_module("matplotlib.patches").Patch
        shades = ["white", *(f"C{place % 10}" for place in range(len(names) - 1))]
        settings = {"cmap": colors.ListedColormap(shades), "interpolation": "nearest"}
        settings |= {"vmin": -0.5, "vmax": len(names) - 0.5}
        n_images = len(self.images)
        panels[0].set_ylabel("image")
        classes = np.asarray(self.classes)
        order = np.argsort(classes)
        for row, (kind, some) in enumerate(masks.items(), start=1):
            own = panels[row * n_images : (row + 1) * n_images]
            for panel, mask in zip(own, some, strict=True):
                panel.imshow(
                    order[np.searchsorted(classes, mask, sorter=order)], **settings
                )
                panel.set(xticks=[], yticks=[])
            own[0].set_ylabel(kind)
        boxes = [
            patch(facecolor=shade, edgecolor="0.3", label=name)
            for shade, name in zip(shades, names.values(), strict=True)
        ]
        place = {"loc": "outside lower center", "ncols": min(len(boxes), 5)}
        self.figure_.legend(handles=boxes, fontsize="small", **place)


def _check_number(n_images: int | None) -> None:
    if n_images is not None and n_images < 1:
        raise ValueError(
            f"n_images must be at least 1, got {n_images}. None draws the first few."
        )


def _as_text(y: Any, names: dict[Any, str]) -> str:
    """Return a label, a number, or several of them as text."""
    if np.ndim(y):
        return ", ".join(_as_text(one, names) for one in y)
    value = y.item() if isinstance(y, np.generic) else y
    if value in names:
        return names[value]
    return short_number(value, 3) if isinstance(value, float) else short_value(value)
