"""The score against two hyperparameters at once."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ._canvas import COLORMAP, axes_for, colors_of, dress, pyplot, spread
from ._fanova import shares_of
from ._scales import Scale, scales_of
from ._surrogate import Surrogate, check_model
from ._trials import Trials, read_trials

N_POINTS = 40
N_LEVELS = 16


class ContourDisplay:
    """The score against two hyperparameters, with what a model makes of it.

    Trials are dots, coloured by their scores; the best is a star, and those that failed
    are crosses. Behind them, in the same colours, is what a model of the score predicts
    for the two values, on average over all other hyperparameters as they are in the
    trials (partial dependence). Where trials differ in what they got of a resource,
    such as epochs, it is predicted for the most of it. Of categories each has an area.

    It is recommended to use `ContourDisplay.from_search` to create a Display. All
    parameters are stored as attributes.

    Parameters
    ----------
    hyperparameters : dict of str to masked ndarray of shape (n_trials,), dtype=object
        The values of the two hyperparameters by the labels of the axes, masked in
        trials without it.

    scores : ndarray of shape (n_trials,), dtype=float64
        The score of each trial, NaN if it failed.

    prediction : (masked ndarray, masked ndarray, ndarray) or None, default=None
        Values of the first hyperparameter, shape (n_x,), of the second, shape (n_y,),
        and the score predicted for them, shape (n_y, n_x).

    score_name : str, default="score"
        The label of the colours.

    best : int or None, default=None
        The row of the best trial, as the search chose it. None takes the one with the
        greatest score.

    log_scaled : dict of str to bool or None, default=None
        Whether the axis of a hyperparameter is logarithmic, by its label. Of those that
        it does not have, that is told from the values.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.

    figure_ : matplotlib Figure
        Figure that has the axes.

    areas_ : matplotlib QuadContourSet, QuadMesh or None
        What is predicted: contours, or where one of the two has categories a mesh.

    points_ : matplotlib PathCollection
        The trials that have a score.

    best_ : matplotlib Line2D
        The best trial.

    failed_ : matplotlib Line2D or None
        The trials that failed, if some did.

    colorbar_ : matplotlib Colorbar
        What the colours mean.

    See Also
    --------
    SliceDisplay : The score against single hyperparameters.
    HyperparameterImportanceDisplay : Which hyperparameters matter.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo.inspection import ContourDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 5, 50]}
    >>> search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid).fit(X, y)
    >>> display = ContourDisplay.from_search(search, ["max_depth", "min_samples_leaf"])
    >>> len(display.points_.get_offsets())
    9
    """

    def __init__(
        self,
        hyperparameters: dict[str, np.ma.MaskedArray],
        scores: np.ndarray,
        *,
        prediction: tuple[np.ma.MaskedArray, np.ma.MaskedArray, np.ndarray]
        | None = None,
        score_name: str = "score",
        best: int | None = None,
        log_scaled: dict[str, bool] | None = None,
    ):
        self.hyperparameters = hyperparameters
        self.scores = scores
        self.prediction = prediction
        self.score_name = score_name
        self.best = best
        self.log_scaled = log_scaled

    @classmethod
    def from_search(
        cls,
        search: Any,
        params: Sequence[str] | None = None,
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

        params : sequence of two str or None, default=None
            Which hyperparameters, by full names or as they are labelled. None takes the
            two most important by `HyperparameterImportanceDisplay`, apart from what
            rungs spend; without a model, the first two that differ between trials. Of
            a search over a function of ``hp``, they are those of ``hp``.

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

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        **kwargs : dict of str to object
            Parameters for `plot`.

        Returns
        -------
        ContourDisplay
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
        names = _two_names(trials, params, model, floor, random_state)
        prediction = None
        if model is not None:
            learned = list(dict.fromkeys([*names, *trials.pick(None)]))
            surrogate = Surrogate(model, random_state).fit(trials, learned, floor)
            prediction = _prediction(surrogate, names)
        display = cls(
            trials.labelled(names),
            trials.scores,
            prediction=prediction,
            score_name=trials.score_name,
            best=trials.best,
            log_scaled=trials.log_scaled(names),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        scatter_kw: dict[str, Any] | None = None,
        area_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the trials over what is predicted.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        scatter_kw : dict or None, default=None
            Arguments for the points, as `matplotlib.axes.Axes.scatter` takes them.

        area_kw : dict or None, default=None
            Arguments for the areas, as `matplotlib.axes.Axes.contourf` or, of
            categories, `matplotlib.axes.Axes.pcolormesh` takes them.

        Returns
        -------
        ContourDisplay
            Itself.
        """
        ax = axes_for(self, ax)
        norm, extend = colors_of(self.scores)
        colors = {"cmap": COLORMAP, "norm": norm}
        scales = list(scales_of(self.hyperparameters, self.log_scaled).values())
        for which, scale, label in zip("xy", scales, self.hyperparameters, strict=True):
            dress(ax, which, scale, label)
        self.areas_ = None
        if self.prediction is not None:
            self.areas_ = self._draw_areas(ax, scales, colors | (area_kw or {}))
        self._draw_trials(ax, scales, colors | (scatter_kw or {}))
        self.colorbar_ = ax.figure.colorbar(self.points_, ax=ax, extend=extend)
        self.colorbar_.set_label(self.score_name)
        return self

    def _draw_areas(
        self, ax: Any, scales: list[Scale], settings: dict[str, Any]
    ) -> Any:
        *values, mean = self.prediction
        x, y = (
            scale.positions(column)
            for scale, column in zip(scales, values, strict=True)
        )
        if all(scale.is_numeric for scale in scales) and min(mean.shape) > 1:
            norm = settings["norm"]
            levels = np.linspace(norm.vmin, norm.vmax, N_LEVELS)
            return ax.contourf(
                x, y, mean, **({"levels": levels, "extend": "both"} | settings)
            )
        edges = (
            _edges(column, scale) for column, scale in zip((x, y), scales, strict=True)
        )
        return ax.pcolormesh(*edges, mean, **settings)

    def _draw_trials(
        self, ax: Any, scales: list[Scale], settings: dict[str, Any]
    ) -> None:
        x, y = (
            spread(column, scale, which)
            for which, scale, column in zip(
                "xy", scales, self.hyperparameters.values(), strict=True
            )
        )
        failed = np.isnan(self.scores)
        usual = {"edgecolors": "white", "zorder": 2, "clip_on": False}
        usual |= _sizes_of_dots(len(x))
        scored = ~failed
        self.points_ = ax.scatter(
            x[scored], y[scored], c=self.scores[scored], **(usual | settings)
        )
        best = np.nanargmax(self.scores) if self.best is None else self.best
        self.best_ = _mark(
            ax,
            x[[best]],
            y[[best]],
            marker="*",
            markersize=14,
            markeredgecolor="white",
            label=f"best: {self.scores[best]:.4g}",
        )
        self.failed_ = None
        if failed.any():
            text = f"{failed.sum()} failed"
            self.failed_ = _mark(
                ax, x[failed], y[failed], marker="x", markersize=5, label=text
            )
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)


def _sizes_of_dots(n: int) -> dict[str, float]:
    """Return settings for n dots: many are small, and their edges would hide them."""
    return {
        "s": float(np.clip(6000 / n, 9, 28)),
        "linewidths": float(np.clip(150 / n, 0.1, 0.6)),
    }


def _mark(ax: Any, x: np.ndarray, y: np.ndarray, **settings: Any) -> Any:
    """Mark places, whole: the best often lies at a bound, the edge of the picture."""
    settings |= {"color": "tab:red", "linestyle": "none", "zorder": 3}
    (line,) = ax.plot(x, y, clip_on=False, **settings)
    return line


def _two_names(
    trials: Trials,
    params: Sequence[str] | None,
    model: str | None,
    floor: float | str | None,
    random_state: Any,
) -> list[str]:
    """Return the full names of two hyperparameters: those given, or important ones."""
    if params is not None:
        names = trials.pick(params)
        if len(names) != 2 or len(set(names)) != 2:
            raise ValueError(f"params must name two hyperparameters, got {params!r}.")
        return names
    learned = trials.pick(None)
    others = [name for name in learned if name != trials.resource]
    if len(others) < 2:
        raise ValueError(
            f"at least two hyperparameters must differ between trials, got {others}. "
            f"Name two in params; there are {sorted(trials.columns)}."
        )
    if model is None:
        return others[:2]
    surrogate = Surrogate("forest", random_state).fit(trials, learned, floor)
    shares = dict(zip(learned, shares_of(surrogate).mean(axis=0), strict=True))
    return sorted(others, key=shares.get, reverse=True)[:2]


def _prediction(
    surrogate: Surrogate, names: Sequence[str]
) -> tuple[np.ma.MaskedArray, np.ma.MaskedArray, np.ndarray]:
    x, y = (surrogate.encoding.scales[name].grid(N_POINTS) for name in names)
    columns, rows = np.meshgrid(np.arange(len(x)), np.arange(len(y)))
    points = dict(zip(names, (x[columns.ravel()], y[rows.ravel()]), strict=True))
    mean, _ = surrogate.average(points, with_deviation=False)
    return x, y, mean.reshape(len(y), len(x))


def _edges(centers: np.ndarray, scale: Scale) -> np.ndarray:
    """Return the bounds of cells around their centers."""
    if not scale.is_numeric:
        return np.arange(len(centers) + 1) - 0.5
    if len(centers) == 1:
        return centers[0] + np.array([-0.5, 0.5]) * (abs(centers[0]) or 1.0)
    line = np.log10(centers) if scale.is_log else centers
    middles = (line[1:] + line[:-1]) / 2
    edges = np.concatenate([line[:1], middles, line[-1:]])
    return 10**edges if scale.is_log else edges
