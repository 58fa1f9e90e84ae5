"""Which hyperparameters the score depends on."""

from typing import Any, Self

import numpy as np
from sklearn.inspection import permutation_importance

from ._canvas import axes_for, ink, pyplot
from ._fanova import shares_of
from ._surrogate import Surrogate
from ._trials import Trials, read_trials

X_NAMES = {
    "fanova": "Share of the variance of the score (fANOVA)",
    "permutation": "Loss of R² of a forest when permuted",
}
N_REPEATS = 10


class HyperparameterImportanceDisplay:
    """Which hyperparameters matter, told by a random forest that learned the score.

    With the method "fanova", the functional analysis of variance [1]_, importance is
    the share of the score's variance over the whole space that a hyperparameter has by
    itself, on average over all others. It is worked out exactly from the boxes of each
    tree of the forest. What the shares lack to 1 is due to several hyperparameters
    together.

    With the method "permutation", importance is how much R² the forest loses on its own
    trials when the values of a hyperparameter are permuted. That counts what it does
    together with others too, and trials as they lie: dense where the search liked it.

    It is recommended to use `HyperparameterImportanceDisplay.from_search` to create a
    Display. All parameters are stored as attributes.

    Parameters
    ----------
    importances : dict of str to ndarray of shape (n_samples,), dtype=float64
        For each hyperparameter by its label, samples of its importance: one of each
        tree, or of each permutation.

    method : {"fanova", "permutation"}, default="fanova"
        What was worked out.

    together : ndarray of shape (n_samples,) or None, default=None
        The share that is due to several hyperparameters together.

    score_name : str, default="score"
        Of what score.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.

    figure_ : matplotlib Figure
        Figure that has the axes.

    bars_ : matplotlib BarContainer
        The bars, from the most important hyperparameter, the uppermost, on. The last is
        what is due to several together, if that is known. A bar is the mean of the
        samples, the line on it their standard deviation.

    ranking_ : list of str
        The labels of hyperparameters, from the most important on.

    See Also
    --------
    SliceDisplay : How the score depends on single hyperparameters.
    sklearn.inspection.permutation_importance : The second method.

    Notes
    -----
    fANOVA takes all values between the least and the greatest of the trials as equally
    likely, on the scale on which a search of ours drew them, else on the logarithmic
    one where that fits them; of categories, and of up to 10 distinct numbers, each. It
    takes hyperparameters as independent: those of a conditional space are absent as
    often as in the trials, whatever the others are.

    What rungs spend, such as epochs, counts as a hyperparameter where it differs.

    References
    ----------
    .. [1] F. Hutter, H. Hoos, K. Leyton-Brown, "An efficient approach for assessing
       hyperparameter importance", International Conference on Machine Learning, 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo.inspection import HyperparameterImportanceDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"max_depth": [1, 2, 3], "criterion": ["gini", "entropy"]}
    >>> search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid).fit(X, y)
    >>> display = HyperparameterImportanceDisplay.from_search(search)
    >>> display.ranking_
    ['max_depth', 'criterion']
    """

    def __init__(
        self,
        importances: dict[str, np.ndarray],
        *,
        method: str = "fanova",
        together: np.ndarray | None = None,
        score_name: str = "score",
    ):
        self.importances = importances
        self.method = method
        self.together = together
        self.score_name = score_name

    @classmethod
    def from_search(
        cls,
        search: Any,
        *,
        method: str = "fanova",
        metric: str | None = None,
        floor: float | str | None = "auto",
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the importance of all hyperparameters of a search.

        Parameters
        ----------
        search : estimator or dict
            A fitted search or its `cv_results_`.

        method : {"fanova", "permutation"}, default="fanova"
            How importance is measured.

        metric : str or None, default=None
            Which of several metrics. None takes the one that the search went by.

        floor : float, "auto" or None, default="auto"
            Lower scores count as this, so that importance tells what makes a good score
            better. "auto" takes the lowest score that is not more than three
            interquartile ranges below the lower quartile; None takes scores as they
            are.

        random_state : int, RandomState instance or None, default=0
            Decides the forest and the permutations.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        **kwargs : dict of str to object
            Parameters for `plot`.

        Returns
        -------
        HyperparameterImportanceDisplay
            The Display that was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If a parameter breaks a rule, or if fewer than 5 trials have a score.
        """
        pyplot(cls.__name__)
        if method not in X_NAMES:
            raise ValueError(
                f"method must be one of {sorted(X_NAMES)}, got {method!r}."
            )
        trials = read_trials(search, metric)
        if not trials.columns:
            raise ValueError("the trials must have hyperparameters, got none.")
        surrogate = Surrogate("forest", random_state).fit(
            trials, list(trials.columns), floor
        )
        together = None
        if method == "fanova":
            shares = shares_of(surrogate)
            # In a tree that is the same everywhere nothing is due to anything.
            together = np.where(shares.any(axis=1), 1 - shares.sum(axis=1), 0.0)
        else:
            shares = _permutation(surrogate, random_state)
        display = cls(
            _by_label(trials, shares),
            method=method,
            together=together,
            score_name=trials.score_name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        max_bars: int = 20,
        bar_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        max_bars : int, default=20
            Of more hyperparameters, the least important ones are left out.

        bar_kw : dict or None, default=None
            Arguments for the bars, as `matplotlib.axes.Axes.barh` takes them.

        Returns
        -------
        HyperparameterImportanceDisplay
            Itself.
        """
        means = {label: sample.mean() for label, sample in self.importances.items()}
        self.ranking_ = sorted(means, key=means.get, reverse=True)
        shown = {label: self.importances[label] for label in self.ranking_[:max_bars]}
        colors = ["tab:blue"] * len(shown)
        if self.together is not None:
            shown["several together"] = self.together
            colors.append("0.7")
        ax = axes_for(self, ax, figsize=(6.4, max(2.4, 0.35 * len(shown) + 1.2)))
        settings = {"color": colors, "ecolor": ink(), "capsize": 2} | (bar_kw or {})
        self.bars_ = ax.barh(
            np.arange(len(shown)),
            [sample.mean() for sample in shown.values()],
            xerr=_deviations(list(shown.values())),
            **settings,
        )
        ax.set_yticks(np.arange(len(shown)), list(shown))
        ax.invert_yaxis()
        ax.set_xlim(left=0)
        ax.set_xlabel(X_NAMES[self.method])
        ax.set_title(f"Importance for {self.score_name}", fontsize="medium")
        return self


def _permutation(surrogate: Surrogate, random_state: Any) -> np.ndarray:
    """Return losses of R², shape (n_repeats, n_hyperparameters)."""
    found = permutation_importance(
        surrogate.model,
        surrogate.X,
        surrogate.scores,
        scoring="r2",
        n_repeats=N_REPEATS,
        random_state=random_state,
    )
    return found.importances.T


def _by_label(trials: Trials, samples: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(trials.labels.values(), samples.T, strict=True))


def _deviations(samples: list[np.ndarray]) -> np.ndarray:
    """Return how far error bars go to either side, none of them below 0."""
    means = np.array([sample.mean() for sample in samples])
    deviations = np.array([sample.std() for sample in samples])
    return np.array([np.minimum(deviations, np.maximum(means, 0.0)), deviations])
