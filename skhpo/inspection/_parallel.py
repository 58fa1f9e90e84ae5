"""All hyperparameters of all trials in one picture: a line for each trial."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np

from ._canvas import (
    COLORMAP,
    axes_for,
    colors_of,
    evenly_spread,
    ink,
    paper,
    pyplot,
)
from ._scales import Scale, scales_of
from ._trials import read_trials

# The width of a letter of a label, in inches.
LETTER = 0.09


class ParallelCoordinatesDisplay:
    """A line for each trial over its hyperparameters, coloured by its score.

    Each hyperparameter has an upright axis: linear, logarithmic or of categories, as
    fits its values. Trials without it, in a conditional space, pass below the axis at
    "absent". Better trials are drawn over worse ones; those that failed are grey.

    It is recommended to use `ParallelCoordinatesDisplay.from_search` to create a
    Display. All parameters are stored as attributes.

    Parameters
    ----------
    hyperparameters : dict of str to masked ndarray of shape (n_trials,), dtype=object
        The values of each hyperparameter by the label of its axis, masked in trials
        without it.

    scores : ndarray of shape (n_trials,), dtype=float64
        The score of each trial, NaN if it failed.

    score_name : str, default="score"
        The label of the colours.

    log_scaled : dict of str to bool or None, default=None
        Whether the axis of a hyperparameter is logarithmic, by its label. Of those that
        it does not have, that is told from the values.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.

    figure_ : matplotlib Figure
        Figure that has the axes.

    lines_ : matplotlib LineCollection
        A line for each trial with a score, from the worst to the best.

    failed_ : matplotlib LineCollection or None
        A line for each trial that failed, if some did.

    colorbar_ : matplotlib Colorbar
        What the colours mean.

    See Also
    --------
    HyperparameterImportanceDisplay : Which hyperparameters matter.
    SliceDisplay : Scores by single hyperparameters.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo.inspection import ParallelCoordinatesDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"max_depth": [1, 2, 3], "criterion": ["gini", "entropy"]}
    >>> search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid).fit(X, y)
    >>> display = ParallelCoordinatesDisplay.from_search(search)
    >>> [label.get_text() for label in display.ax_.get_xticklabels()]
    ['criterion', 'max_depth']
    """

    def __init__(
        self,
        hyperparameters: dict[str, np.ma.MaskedArray],
        scores: np.ndarray,
        *,
        score_name: str = "score",
        log_scaled: dict[str, bool] | None = None,
    ):
        self.hyperparameters = hyperparameters
        self.scores = scores
        self.score_name = score_name
        self.log_scaled = log_scaled

    @classmethod
    def from_search(
        cls,
        search: Any,
        *,
        params: Sequence[str] | None = None,
        metric: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the trials of a search.

        Parameters
        ----------
        search : estimator or dict
            A fitted search or its `cv_results_`.

        params : sequence of str or None, default=None
            Which hyperparameters, in which order, by full names or as they are
            labelled. None takes all that differ between trials. Of a search over a
            function of ``hp``, they are those of ``hp``.

        metric : str or None, default=None
            Which of several metrics. None takes the one that the search went by.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        **kwargs : dict of str to object
            Parameters for `plot`.

        Returns
        -------
        ParallelCoordinatesDisplay
            The Display that was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If a parameter breaks a rule, or if all trials failed.
        """
        pyplot(cls.__name__)
        trials = read_trials(search, metric)
        names = trials.pick(params)
        if not names:
            raise ValueError(
                "at least one hyperparameter must differ between trials, got none. "
                f"Name some in params; there are {sorted(trials.columns)}."
            )
        display = cls(
            trials.labelled(names),
            trials.scores,
            score_name=trials.score_name,
            log_scaled=trials.log_scaled(names),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, line_kw: dict[str, Any] | None = None) -> Self:
        """Draw the trials.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        line_kw : dict or None, default=None
            Arguments for the lines, as `matplotlib.collections.LineCollection` takes
            them.

        Returns
        -------
        ParallelCoordinatesDisplay
            Itself.
        """
        width = 1.7 * len(self.hyperparameters) + 1.5
        ax = axes_for(self, ax, figsize=(max(6.4, width), 4.8))
        scales = list(scales_of(self.hyperparameters, self.log_scaled).values())
        heights = np.column_stack(
            [
                _heights(values, scale)
                for scale, values in zip(
                    scales, self.hyperparameters.values(), strict=True
                )
            ]
        )
        self._draw_lines(ax, heights, line_kw or {})
        for place, scale in enumerate(scales):
            _draw_axis(ax, place, scale)
        _frame(ax, list(self.hyperparameters), heights)
        return self

    def _draw_lines(self, ax: Any, heights: np.ndarray, settings: dict) -> None:
        from matplotlib.collections import LineCollection

        places = np.broadcast_to(np.arange(heights.shape[1]), heights.shape)
        lines = np.stack([places, heights], axis=2)
        failed = np.isnan(self.scores)
        self.failed_ = None
        if failed.any():
            self.failed_ = ax.add_collection(
                LineCollection(
                    lines[failed],
                    colors="0.6",
                    linewidths=0.8,
                    linestyles="dotted",
                    label=f"{failed.sum()} failed",
                )
            )
        # So that no crowd of lines hides the best.
        best_last = np.argsort(self.scores, kind="stable")[: (~failed).sum()]
        norm, extend = colors_of(self.scores)
        # The more lines there are, the fainter.
        alpha = float(np.clip(100 / len(best_last), 0.25, 0.8))
        self.lines_ = LineCollection(
            lines[best_last],
            array=self.scores[best_last],
            **(
                {"cmap": COLORMAP, "norm": norm, "linewidths": 1.2, "alpha": alpha}
                | settings
            ),
        )
        ax.add_collection(self.lines_)
        self.colorbar_ = ax.figure.colorbar(self.lines_, ax=ax, extend=extend)
        self.colorbar_.set_label(self.score_name)
        if self.colorbar_.solids is not None:
            self.colorbar_.solids.set_alpha(1)


def _heights(values: np.ma.MaskedArray, scale: Scale) -> np.ndarray:
    """Return where lines meet an axis: at one place, side by side."""
    units = scale.unit_positions(values)
    # Wide enough to be told apart, and narrow enough to be told from the next.
    bundle = 0.4 / max(4, len(scale.places) - 1)
    is_bundled = (units < 0) | (not scale.is_numeric)
    return units + np.where(is_bundled, bundle * evenly_spread(len(units)), 0.0)


def _draw_axis(ax: Any, place: int, scale: Scale) -> None:
    """Draw an upright axis with its marks."""
    ax.plot([place, place], [0, 1], color="0.5", linewidth=1, zorder=3)
    _, heights, labels = scale.ticks(with_ends=True)
    for height, label in zip(heights, labels, strict=True):
        ax.annotate(
            label,
            (place, height),
            # So far from the mark that the two do not look like a minus.
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            zorder=4,
            bbox={"facecolor": paper(), "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
        )
    ax.plot(
        np.full(len(heights), place),
        heights,
        linestyle="none",
        marker="_",
        color=ink(),
        zorder=3,
    )


def _frame(ax: Any, labels: list[str], heights: np.ndarray) -> None:
    """Name the axes, and take away the frame that they do not need."""
    room = ax.get_window_extent().width / ax.figure.dpi / len(labels)
    needed = [LETTER * (len(a) + len(b)) / 2 for a, b in pairwise(labels)]
    is_crowded = max(needed, default=0) > room
    ax.set_xticks(
        range(len(labels)),
        labels,
        rotation=25 if is_crowded else 0,
        ha="right" if is_crowded else "center",
        rotation_mode="anchor",
    )
    ax.tick_params(axis="x", length=0, pad=2)
    ax.set_yticks([])
    ax.set_ylim(min(0.0, heights.min()) - 0.05, 1.08)
    # Labels of the last axis stand at its right.
    ax.set_xlim(-0.1, len(labels) - 1 + 0.5)
    for spine in ax.spines.values():
        spine.set_visible(False)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
