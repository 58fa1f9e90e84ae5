"""The loss and metrics of networks, epoch after epoch."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Self

import numpy as np

from .._nested import find_network
from ._canvas import ink, panels_for, pyplot
from ._labels import distinct

VALIDATION = "val_"
# Of lines on training and on validation data.
STYLES = ("--", "-")


class LearningCurveDisplay:
    """The loss and metrics of networks after each epoch.

    Each panel has one of them: on the training data as a dashed line, on validation
    data, where there are such, as a solid one. A dot is on the epoch that the network
    counts as its best, by its `monitor`; with ``early_stopping=True`` it has the
    weights of that epoch.

    This is about epochs of one fit. How the score grows with the number of samples
    tells the Display of the same name in `sklearn.model_selection`.

    It is recommended to use `LearningCurveDisplay.from_estimator` to create a Display.
    All parameters are stored as attributes.

    Parameters
    ----------
    histories : dict of str to dict of str to sequence of float
        For each name of a network, the values of each metric by epoch, those on
        validation data with ``val_`` before the metric.

    metrics : sequence of str
        A panel for each.

    best_epochs : dict of str to int or None, default=None
        For some names, the index of the epoch with a dot.

    Attributes
    ----------
    axes_ : ndarray of shape (n_metrics,), dtype=object
        The matplotlib Axes of the panels.

    figure_ : matplotlib Figure
        Figure that has the axes.

    lines_ : dict of str to dict of str to matplotlib Line2D
        For each name, the lines by what they show, as "loss" and "val_loss".

    points_ : dict of str to list of matplotlib Line2D
        For each name the dots on its best epoch.

    See Also
    --------
    SearchHistoryDisplay : The scores of a search, trial after trial.
    sklearn.model_selection.LearningCurveDisplay : The score by the number of samples.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skhpo import KerasMLP
    >>> from skhpo.inspection import LearningCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = KerasMLP(epochs=3, early_stopping=True, random_state=0).fit(X, y)
    >>> display = LearningCurveDisplay.from_estimator(mlp)
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['loss', 'accuracy']
    >>> len(display.lines_["KerasMLP"]["val_loss"].get_ydata())
    3
    """

    def __init__(
        self,
        histories: dict[str, dict[str, Sequence[float]]],
        metrics: Sequence[str],
        *,
        best_epochs: dict[str, int] | None = None,
    ):
        self.histories = histories
        self.metrics = metrics
        self.best_epochs = best_epochs

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        metrics: str | Sequence[str] | None = None,
        *,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw what a network, or several, recorded while it was fitted.

        Parameters
        ----------
        estimator : estimator, dict of str to estimator, or list of estimator
            A fitted network, or a Pipeline or refitted search with one; or several, by
            name.

        metrics : str, sequence of str or None, default=None
            Which panels, as "loss" or ["loss", "accuracy"]. None takes all that were
            recorded.

        ax : matplotlib Axes, sequence of Axes or None, default=None
            Axes to draw on, one for each panel. None makes a figure.

        **kwargs : dict of str to object
            Parameters for `plot`.

        Returns
        -------
        LearningCurveDisplay
            The Display that was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        sklearn.exceptions.NotFittedError
            If an estimator was not fitted.

        TypeError
            If an estimator has no network in it.

        ValueError
            If a metric was not recorded.
        """
        pyplot(cls.__name__)
        networks = {
            name: find_network(one, "history_").network
            for name, one in _by_name(estimator).items()
        }
        histories = {name: dict(net.history_) for name, net in networks.items()}
        best_epochs = {
            name: net.best_epoch_
            for name, net in networks.items()
            if hasattr(net, "best_epoch_")
        }
        display = cls(histories, _panels(histories, metrics), best_epochs=best_epochs)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, line_kw: dict[str, Any] | None = None) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib Axes, sequence of Axes or None, default=None
            Axes to draw on, one for each panel. None makes a figure.

        line_kw : dict or None, default=None
            Arguments for the lines, as `matplotlib.axes.Axes.plot` takes them.

        Returns
        -------
        LearningCurveDisplay
            Itself.
        """
        way_out = "Leave ax out for a figure of several, or name metrics."
        panels = panels_for(self, ax, len(self.metrics), way_out=way_out)
        self.lines_ = {name: {} for name in self.histories}
        self.points_ = {name: [] for name in self.histories}
        for panel, metric in zip(panels, self.metrics, strict=True):
            for place, name in enumerate(self.histories):
                self._draw(panel, name, metric, f"C{place % 10}", line_kw or {})
            panel.set_ylabel(metric)
            panel.xaxis.get_major_locator().set_params(integer=True)
            panel.set_xlabel("epoch")
        panels[0].legend(handles=self._legend(), fontsize="small")
        return self

    def _draw(
        self, ax: Any, name: str, metric: str, color: str, settings: dict[str, Any]
    ) -> None:
        """Draw a metric of one network, and a dot on its best epoch."""
        history = self.histories[name]
        best = (self.best_epochs or {}).get(name)
        for key, style in zip((metric, VALIDATION + metric), STYLES, strict=True):
            if key not in history:
                continue
            values = np.asarray(history[key], dtype=float)
            # Of a single epoch there is no line.
            marker = "." if len(values) == 1 else None
            usual = {"color": color, "linestyle": style, "marker": marker}
            epochs = np.arange(1, len(values) + 1)
            (self.lines_[name][key],) = ax.plot(epochs, values, **(usual | settings))
        # On validation data, if there are such: the line drawn last.
        key = next((k for k in (VALIDATION + metric, metric) if k in history), None)
        if best is not None and key is not None:
            line = self.lines_[name][key]
            x, y = (data[best] for data in line.get_data())
            self.points_[name] += ax.plot(
                x, y, "o", color=line.get_color(), markersize=5
            )

    def _legend(self) -> list[Any]:
        """Return what stands for each network, if there are several, and each style."""
        line = import_module("matplotlib.lines").Line2D
        handles = []
        if len(self.histories) > 1:
            handles = [
                line([], [], color=f"C{place % 10}", label=name)
                for place, name in enumerate(self.histories)
            ]
        color = ink() if handles else "C0"
        drawn = {key for lines in self.lines_.values() for key in lines}
        validates = {key.startswith(VALIDATION) for key in drawn}
        for is_there, style, label in zip(
            (False in validates, True in validates),
            STYLES,
            ("training", "validation"),
            strict=True,
        ):
            if is_there:
                handles.append(line([], [], color=color, ls=style, label=label))
        if any(self.points_.values()):
            dot = {"marker": "o", "linestyle": "none", "markersize": 5}
            handles.append(line([], [], color=color, label="best epoch", **dot))
        return handles


def _by_name(estimator: Any) -> dict[str, Any]:
    """Return estimators by name, of whatever form was given: one, a list or a dict."""
    if isinstance(estimator, Mapping):
        found = dict(estimator)
    else:
        several = (
            list(estimator) if isinstance(estimator, list | tuple) else [estimator]
        )
        names = distinct([type(one).__name__ for one in several])
        found = dict(zip(names, several, strict=True))
    if not found:
        raise ValueError(
            f"estimator must be at least one, got {estimator!r}. "
            "Give a fitted network, or several by name."
        )
    return found


def _panels(
    histories: dict[str, dict[str, Sequence[float]]],
    metrics: str | Sequence[str] | None,
) -> list[str]:
    """Return which metrics get a panel, or raise where no network recorded one."""
    recorded = list(
        dict.fromkeys(
            key.removeprefix(VALIDATION)
            for history in histories.values()
            for key in ["loss", *history]
        )
    )
    if metrics is None:
        return recorded
    asked = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [metric for metric in asked if metric not in recorded]
    if unknown or not asked:
        raise ValueError(
            f"metrics must name what the networks recorded, {recorded}, got {asked}. "
            "Those on validation data are in the panel of the same without 'val_'."
        )
    return asked
