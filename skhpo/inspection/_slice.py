"""The score against single hyperparameters."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ._canvas import PANELS_IN_A_ROW, draw_scores, dress, panels_for, pyplot, spread
from ._scales import Scale, scales_of
from ._surrogate import Surrogate, check_model
from ._trials import Trials, read_trials

N_POINTS = 60


class SliceDisplay:
    """The score against single hyperparameters, with what a model makes of it.

    Each panel has a point for each trial, and a line: what a model of the score
    predicts for a value of the hyperparameter, on average over the others as they are
    in the trials (partial dependence). Where trials differ in what they got of a
    resource, such as epochs, it is predicted for the most of it. The band is one
    standard deviation to either side: of the trees of the forest, or of the Gaussian
    process.

    It is recommended to use `SliceDisplay.from_search` to create a Display. All
    parameters are stored as attributes.

    Parameters
    ----------
    hyperparameters : dict of str to masked ndarray of shape (n_trials,), dtype=object
        The values of each hyperparameter by the label of its panel, masked in trials
        without it.

    scores : ndarray of shape (n_trials,), dtype=float64
        The score of each trial, NaN if it failed.

    predictions : dict of str to tuple or None, default=None
        For each hyperparameter a masked ndarray of the values of some points, and two
        ndarrays of the mean and the deviation of the score predicted there, all of
        shape (n_points,).

    score_name : str, default="score"
        The label of the axis of scores.

    log_scaled : dict of str to bool or None, default=None
        Whether the axis of a hyperparameter is logarithmic, by its label. Of those that
        it does not have, that is told from the values.

    Attributes
    ----------
    axes_ : ndarray of shape (n_hyperparameters,), dtype=object
        The matplotlib Axes of the panels.

    figure_ : matplotlib Figure
        Figure that has the axes.

    points_ : dict of str to matplotlib PathCollection
        The trials, in each panel.

    lines_ : dict of str to matplotlib Line2D
        What is predicted, in each panel.

    bands_ : dict of str to matplotlib Artist
        How far predictions may be off: a PolyCollection, or in a panel of categories an
        ErrorbarContainer.

    marks_ : dict of str to list of matplotlib Line2D
        At the lower edge, the trials that failed and those far below all others.

    See Also
    --------
    ContourDisplay : The score against two hyperparameters.
    sklearn.inspection.PartialDependenceDisplay : The same of an estimator's features.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo.inspection import SliceDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"max_depth": [1, 2, 3], "criterion": ["gini", "entropy"]}
    >>> search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid).fit(X, y)
    >>> display = SliceDisplay.from_search(search, "max_depth")
    >>> len(display.points_["max_depth"].get_offsets())
    6
    """

    def __init__(
        self,
        hyperparameters: dict[str, np.ma.MaskedArray],
        scores: np.ndarray,
        *,
        predictions: dict[str, tuple[np.ma.MaskedArray, np.ndarray, np.ndarray]]
        | None = None,
        score_name: str = "score",
        log_scaled: dict[str, bool] | None = None,
    ):
        self.hyperparameters = hyperparameters
        self.scores = scores
        self.predictions = predictions
        self.score_name = score_name
        self.log_scaled = log_scaled

    @classmethod
    def from_search(
        cls,
        search: Any,
        params: str | Sequence[str] | None = None,
        *,
        model: str | None = "forest",
        metric: str | None = None,
        floor: float | str | None = "auto",
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the trials of a search, and what a model makes of them.

        Parameters
        ----------
        search : estimator or dict
            A fitted search or its `cv_results_`.

        params : str, sequence of str or None, default=None
            Which hyperparameters, by full names or as they are labelled. None takes all
            that differ between trials. Of a search over a function of ``hp``, they are
            those of ``hp``.

        model : {"forest", "gaussian_process"} or None, default="forest"
            What learns the score from all hyperparameters. A Gaussian process is
            smooth, and learns from 300 trials at most. None draws trials only.

        metric : str or None, default=None
            Which of several metrics. None takes the one that the search went by.

        floor : float, "auto" or None, default="auto"
            Lower scores count for the model as this. "auto" takes the lowest score that
            is not more than three interquartile ranges below the lower quartile; None
            takes scores as they are.

        random_state : int, RandomState instance or None, default=0
            Decides the forest.

        ax : matplotlib Axes, sequence of Axes or None, default=None
            Axes to draw on, one for each panel. None makes a figure.

        **kwargs : dict of str to object
            Parameters for `plot`.

        Returns
        -------
        SliceDisplay
            The Display that was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If a parameter breaks a rule, or if fewer than 5 trials have a score for a
            model.
        """
        pyplot(cls.__name__)
        check_model(model)
        trials = read_trials(search, metric)
        names = trials.pick(params)
        if not names:
            raise ValueError(
                "at least one hyperparameter must differ between trials, got none. "
                f"Name some in params; there are {sorted(trials.columns)}."
            )
        predictions = None
        if model is not None:
            learned = list(dict.fromkeys([*names, *trials.pick(None)]))
            surrogate = Surrogate(model, random_state).fit(trials, learned, floor)
            predictions = _predictions(trials, surrogate, names)
        display = cls(
            trials.labelled(names),
            trials.scores,
            predictions=predictions,
            score_name=trials.score_name,
            log_scaled=trials.log_scaled(names),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        line_kw: dict[str, Any] | None = None,
        scatter_kw: dict[str, Any] | None = None,
        band_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib Axes, sequence of Axes or None, default=None
            Axes to draw on, one for each panel. None makes a figure.

        line_kw : dict or None, default=None
            Arguments for the lines, as `matplotlib.axes.Axes.plot` takes them.

        scatter_kw : dict or None, default=None
            Arguments for the points, as `matplotlib.axes.Axes.scatter` takes them.

        band_kw : dict or None, default=None
            Arguments for the bands, as `matplotlib.axes.Axes.fill_between` takes them.

        Returns
        -------
        SliceDisplay
            Itself.
        """
        panels = panels_for(
            self,
            ax,
            len(self.hyperparameters),
            way_out="Leave ax out for a figure of several, or name params.",
            sharey=True,
        )
        self.points_, self.lines_, self.bands_, self.marks_ = {}, {}, {}, {}
        faint = float(np.clip(150 / len(self.scores), 0.15, 0.6))
        points = {"s": 14, "alpha": faint, "linewidths": 0} | (scatter_kw or {})
        scales = scales_of(self.hyperparameters, self.log_scaled)
        for panel, (label, scale) in zip(panels, scales.items(), strict=True):
            positions = spread(self.hyperparameters[label], scale)
            dress(panel, "x", scale, label)
            self.points_[label], self.marks_[label] = draw_scores(
                panel, positions, self.scores, **points
            )
            if self.predictions is not None:
                self._draw_prediction(panel, label, scale, line_kw, band_kw)
        if any(self.marks_.values()):
            # The same in all panels.
            panels[0].legend(
                loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False
            )
        for panel in panels[:: PANELS_IN_A_ROW if ax is None else 1]:
            panel.set_ylabel(self.score_name)
        return self

    def _draw_prediction(
        self,
        ax: Any,
        label: str,
        scale: Scale,
        line_kw: dict[str, Any] | None,
        band_kw: dict[str, Any] | None,
    ) -> None:
        values, mean, deviation = self.predictions[label]
        x = scale.positions(values)
        line = {"color": "tab:orange", "zorder": 3}
        if not scale.is_numeric:
            # Between categories there is nothing.
            line |= {"linestyle": "none", "marker": "D", "markersize": 5}
        (self.lines_[label],) = ax.plot(x, mean, **(line | (line_kw or {})))
        color = self.lines_[label].get_color()
        if scale.is_numeric:
            band = {"color": color, "alpha": 0.25, "linewidth": 0}
            self.bands_[label] = ax.fill_between(
                x, mean - deviation, mean + deviation, **(band | (band_kw or {}))
            )
        else:
            self.bands_[label] = ax.errorbar(
                x, mean, deviation, fmt="none", ecolor=color, capsize=4, zorder=3
            )


def _predictions(
    trials: Trials, surrogate: Surrogate, names: Sequence[str]
) -> dict[str, tuple[np.ma.MaskedArray, np.ndarray, np.ndarray]]:
    found = {}
    for name in names:
        points = surrogate.encoding.scales[name].grid(N_POINTS)
        found[trials.labels[name]] = points, *surrogate.average({name: points})
    return found
