"""How a search went on: scores trial by trial, and the best so far."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from ._canvas import axes_for, draw_scores, pyplot
from ._trials import Trials, is_results, read_trials

X_NAMES = {"trials": "Trial", "resource": "{} spent", "seconds": "Seconds spent"}


class SearchHistoryDisplay:
    """Scores of a search trial by trial, and the best so far.

    It also compares searches: over trials, over what they spent of a resource such as
    epochs, or over seconds. Several searches of one name, as over seeds, are drawn as
    the mean of their best so far, with a band of one standard deviation.

    It is recommended to use `SearchHistoryDisplay.from_search` to create a Display. All
    parameters are stored as attributes.

    Parameters
    ----------
    histories : dict of str to list of (ndarray, ndarray)
        For each name of a search, for each search of that name: what was spent when
        each trial ended, and its score, both of shape (n_trials,) and dtype float64.
        The score of a failed trial is NaN.

    x_name : str, default="Trial"
        The label of the axis of what was spent.

    score_name : str, default="score"
        The label of the axis of scores.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.

    figure_ : matplotlib Figure
        Figure that has the axes.

    lines_ : dict of str to matplotlib Line2D
        The best so far, for each name.

    points_ : dict of str to matplotlib PathCollection
        The trials, for each name that has one search.

    bands_ : dict of str to matplotlib PolyCollection
        The bands, for each name that has several searches.

    marks_ : list of matplotlib Line2D
        At the lower edge, the trials that failed and those far below all others.

    See Also
    --------
    RungDisplay : How far each candidate came in a search by rungs.
    SliceDisplay : Scores by hyperparameter.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo.inspection import SearchHistoryDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"max_depth": [1, 2, 3], "criterion": ["gini", "entropy"]}
    >>> search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid).fit(X, y)
    >>> display = SearchHistoryDisplay.from_search(search)
    >>> display.lines_["best so far"].get_xdata().tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    """

    def __init__(
        self,
        histories: dict[str, list[tuple[np.ndarray, np.ndarray]]],
        *,
        x_name: str = "Trial",
        score_name: str = "score",
    ):
        self.histories = histories
        self.x_name = x_name
        self.score_name = score_name

    @classmethod
    def from_search(
        cls,
        search: Any,
        *,
        x: str = "trials",
        metric: str | None = None,
        resource: str | None = None,
        continues: bool | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the history of a search, or of several.

        Parameters
        ----------
        search : estimator, dict or list
            A fitted search or its `cv_results_`; or a dict of names to such, to compare
            them; or a list of such, or in the dict lists of them, which are drawn as
            one.

        x : {"trials", "resource", "seconds"}, default="trials"
            What to draw scores over. "resource" is what was spent on each split.
            "seconds" are those of all fits and scores, as if one had followed the
            other.

        metric : str or None, default=None
            Which of several metrics. None takes the one that the search went by.

        resource : str or None, default=None
            With ``x="resource"``, the full name of the parameter that counts, such as
            ``"epochs"``: as trials have it, else as the search's estimator has it. None
            takes the column ``n_resources``.

        continues : bool or None, default=None
            With ``x="resource"``, whether candidates that came to a further rung
            continued, so that it cost only what it added. None looks at the search: so
            it is in a `HyperbandSearchCV` whose estimator has `checkpoint_dir`.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        **kwargs : dict of str to object
            Parameters for `plot`.

        Returns
        -------
        SearchHistoryDisplay
            The Display that was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If a parameter breaks a rule, or if all trials of a search failed.
        """
        pyplot(cls.__name__)
        if x not in X_NAMES:
            raise ValueError(f"x must be one of {sorted(X_NAMES)}, got {x!r}.")
        histories, read = {}, []
        for name, searches in _by_name(search).items():
            found = [read_trials(one, metric, resource) for one in searches]
            histories[name] = [
                (_spent(trials, x, _is_continued(one, continues)), trials.scores)
                for one, trials in zip(searches, found, strict=True)
            ]
            read += found
        display = cls(
            histories,
            x_name=X_NAMES[x].format(read[0].resource),
            score_name=" / ".join(dict.fromkeys(one.score_name for one in read)),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        show_trials: bool = True,
        line_kw: dict[str, Any] | None = None,
        scatter_kw: dict[str, Any] | None = None,
        band_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the histories.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        show_trials : bool, default=True
            Whether to draw the single trials, where a name has one search.

        line_kw : dict or None, default=None
            Arguments for the lines, as `matplotlib.axes.Axes.plot` takes them.

        scatter_kw : dict or None, default=None
            Arguments for the points, as `matplotlib.axes.Axes.scatter` takes them.

        band_kw : dict or None, default=None
            Arguments for the bands, as `matplotlib.axes.Axes.fill_between` takes them.

        Returns
        -------
        SearchHistoryDisplay
            Itself.
        """
        ax = axes_for(self, ax)
        self.lines_, self.points_, self.bands_, self.marks_ = {}, {}, {}, []
        for name, runs in self.histories.items():
            spent, mean, deviation = _mean_best(runs)
            label = name if len(runs) == 1 else f"{name} (mean ± std of {len(runs)})"
            settings = {"drawstyle": "steps-post", "label": label} | (line_kw or {})
            (self.lines_[name],) = ax.plot(spent, mean, **settings)
            color = self.lines_[name].get_color()
            if len(runs) > 1:
                settings = {"color": color, "alpha": 0.2, "linewidth": 0}
                self.bands_[name] = ax.fill_between(
                    spent,
                    mean - deviation,
                    mean + deviation,
                    step="post",
                    **(settings | (band_kw or {})),
                )
            elif show_trials:
                settings = {"color": color, "alpha": 0.5, "s": 12, "linewidths": 0}
                self.points_[name], marks = draw_scores(
                    ax, *runs[0], **(settings | (scatter_kw or {}))
                )
                self.marks_ += marks
        ax.set_xlabel(self.x_name)
        ax.set_ylabel(self.score_name)
        if self.x_name == X_NAMES["trials"]:
            ax.locator_params("x", integer=True)
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
        return self


def _by_name(search: Any) -> dict[str, list[Any]]:
    """Return lists of searches by name, of whatever form was given."""
    # Results without a score are still results, of which reading them will complain.
    is_one = is_results(search) or not isinstance(search, Mapping) or "params" in search
    if is_one:
        return {"best so far": _as_list(search)}
    if not search:
        raise ValueError(
            "search must name at least one search, got {}. Give it as {'name': search}."
        )
    return {name: _as_list(one) for name, one in search.items()}


def _as_list(search: Any) -> list[Any]:
    if isinstance(search, list | tuple):
        if not search:
            raise ValueError(
                "a list of searches must have at least one, got []. One alone needs no "
                "list."
            )
        return list(search)
    return [search]


def _is_continued(search: Any, continues: bool | None) -> bool:
    """Tell whether fits of a further rung continued those of the one before."""
    if continues is not None:
        return continues
    resource = getattr(search, "resource", None)
    # scikit-learn's halving has the attribute too, and always fits anew.
    if not isinstance(resource, str) or "rung" not in getattr(
        search, "cv_results_", {}
    ):
        return False
    sibling = "__".join([*resource.split("__")[:-1], "checkpoint_dir"])
    return sibling in search.estimator.get_params(deep=True)


def _spent(trials: Trials, x: str, is_continued: bool) -> np.ndarray:
    """Return what had been spent when each trial ended."""
    if x == "trials":
        # By the numbers that they have in `cv_results_` and elsewhere.
        return np.arange(float(len(trials.scores)))
    if x == "seconds":
        if trials.seconds is None:
            raise ValueError(
                "x='seconds' needs the column 'mean_fit_time' of cv_results_, which is "
                "not there. Use x='trials'."
            )
        return np.nancumsum(trials.seconds)
    if trials.resources is None:
        raise ValueError(
            "x='resource' needs the column 'n_resources' of cv_results_, which is not "
            "there. Name the parameter that counts, as resource='epochs'."
        )
    each = trials.resources.copy()
    if is_continued:
        for bracket in np.unique(trials.brackets):
            inside = trials.brackets == bracket
            levels = np.unique(trials.resources[inside])
            rungs = np.searchsorted(levels, trials.resources[inside])
            each[inside] = np.diff(levels, prepend=0.0)[rungs]
    return np.cumsum(each)


def _mean_best(
    runs: list[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where the best so far changes, its mean over runs, and its deviation.

    It begins where all runs have a score. A run that ended before others keeps its
    best.
    """
    places = np.unique(np.concatenate([spent for spent, _ in runs]))
    bests = np.full((len(runs), len(places)), np.nan)
    for best, (spent, scores) in zip(bests, runs, strict=True):
        # Of trials that ended at one time, the last knows the best of all.
        latest = np.searchsorted(spent, places, side="right") - 1
        so_far = np.fmax.accumulate(scores)
        best[latest >= 0] = so_far[latest[latest >= 0]]
    known = np.isfinite(bests).all(axis=0)
    bests = bests[:, known]
    return places[known], bests.mean(axis=0), bests.std(axis=0)
