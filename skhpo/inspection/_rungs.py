"""How far each candidate came in a search by rungs."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ._canvas import axes_for, ink, mark_unshown, paper, pyplot
from ._scales import Keys
from ._trials import Trials, floor_of, read_trials

MOST_NAMED = 8


class RungDisplay:
    """The score of each candidate against what it had got, rung after rung.

    Each candidate is a line, in the colour of its bracket. It ends where the candidate
    was stopped, or with all of the resource. The legend tells how many candidates each
    rung of a bracket had.

    It shows searches by rungs: `HyperbandSearchCV`, and of scikit-learn
    `HalvingGridSearchCV` and `HalvingRandomSearchCV`.

    It is recommended to use `RungDisplay.from_search` to create a Display. All
    parameters are stored as attributes.

    Parameters
    ----------
    resources : ndarray of shape (n_trials,), dtype=float64
        What each trial had got of the resource.

    scores : ndarray of shape (n_trials,), dtype=float64
        The score of each trial, NaN if it failed.

    candidates : ndarray of shape (n_trials,), dtype=int64
        Which candidate each trial evaluated.

    brackets : ndarray of shape (n_trials,) or None, default=None
        The bracket of each trial. None is one bracket.

    resource_name : str, default="n_resources"
        The label of the axis of the resource.

    score_name : str, default="score"
        The label of the axis of scores.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.

    figure_ : matplotlib Figure
        Figure that has the axes.

    lines_ : dict of int to matplotlib LineCollection
        For each bracket, a line for each candidate that has a score.

    stopped_ : matplotlib PathCollection
        The last scores of the candidates that were stopped.

    finished_ : matplotlib PathCollection
        The last scores of the candidates that came to the end of their bracket.

    marks_ : list of matplotlib Line2D
        At the lower edge, the trials that failed and those far below all others.

    See Also
    --------
    SearchHistoryDisplay : The best so far, over what was spent.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.experimental import enable_halving_search_cv
    >>> from sklearn.model_selection import HalvingGridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo.inspection import RungDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"max_depth": [1, 2, 3], "criterion": ["gini", "entropy"]}
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> search = HalvingGridSearchCV(tree, grid, random_state=0).fit(X, y)
    >>> display = RungDisplay.from_search(search)
    >>> [text.get_text() for text in display.ax_.get_legend().get_texts()]
    ['6 → 2 candidates', 'stopped', 'at the end']
    """

    def __init__(
        self,
        resources: np.ndarray,
        scores: np.ndarray,
        candidates: np.ndarray,
        *,
        brackets: np.ndarray | None = None,
        resource_name: str = "n_resources",
        score_name: str = "score",
    ):
        self.resources = resources
        self.scores = scores
        self.candidates = candidates
        self.brackets = brackets
        self.resource_name = resource_name
        self.score_name = score_name

    @classmethod
    def from_search(
        cls,
        search: Any,
        *,
        metric: str | None = None,
        resource: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the candidates of a search.

        Parameters
        ----------
        search : estimator or dict
            A fitted search or its `cv_results_`.

        metric : str or None, default=None
            Which of several metrics. None takes the one that the search went by.

        resource : str or None, default=None
            The full name of the parameter that tells what trials had got, such as
            ``"epochs"``. None takes the column ``n_resources``.

        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        **kwargs : dict of str to object
            Parameters for `plot`.

        Returns
        -------
        RungDisplay
            The Display that was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        ValueError
            If a parameter breaks a rule, if there is no column ``n_resources``, or if
            all trials failed.
        """
        pyplot(cls.__name__)
        trials = read_trials(search, metric, resource)
        if trials.resources is None:
            raise ValueError(
                "RungDisplay needs the column 'n_resources' of cv_results_, which is "
                "not there. HyperbandSearchCV and scikit-learn's halving searches have "
                "it; of others, name the parameter that counts, as resource='epochs'."
            )
        display = cls(
            trials.resources,
            trials.scores,
            _candidates(trials),
            brackets=trials.brackets,
            resource_name=trials.labels.get(trials.resource, trials.resource),
            score_name=trials.score_name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, line_kw: dict[str, Any] | None = None) -> Self:
        """Draw the candidates.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        line_kw : dict or None, default=None
            Arguments for the lines, as `matplotlib.collections.LineCollection` takes
            them.

        Returns
        -------
        RungDisplay
            Itself.
        """
        is_own = ax is None
        ax = axes_for(self, ax, figsize=(9, 4.8))
        brackets = (
            np.zeros(len(self.scores), dtype=np.int64)
            if self.brackets is None
            else self.brackets
        )
        floor = floor_of(self.scores)
        shown = self.scores >= floor
        self.lines_, ends = {}, {"stopped": [], "at the end": []}
        numbers = np.unique(brackets)
        for place, bracket in enumerate(numbers):
            rows = np.flatnonzero(brackets == bracket)
            color = f"C{place % 10}"
            self._draw_bracket(ax, rows[shown[rows]], bracket, color, line_kw or {})
            if place < MOST_NAMED:
                name = f"bracket {bracket}: " if len(numbers) > 1 else ""
                self.lines_[bracket].set_label(f"{name}{self._counts(rows)} candidates")
            for row in self._last_rows(rows[shown[rows]]):
                is_end = self.resources[row] == self.resources[rows].max()
                ends["at the end" if is_end else "stopped"].append((row, color))
        self.stopped_ = self._draw_ends(ax, ends["stopped"], "stopped", paper())
        self.finished_ = self._draw_ends(ax, ends["at the end"], "at the end", None)
        self.marks_ = mark_unshown(ax, self.resources, self.scores, floor)
        self._frame(ax)
        # Beside the picture, which is full of lines; axes of others have no room there.
        place = {"loc": "upper left", "bbox_to_anchor": (1, 1)} if is_own else {}
        legend = ax.legend(fontsize="small", **place)
        for handle in legend.legend_handles[-2 - len(self.marks_) :][:2]:
            # Of any bracket.
            handle.set_edgecolor(ink())
        return self

    def _draw_bracket(
        self, ax: Any, rows: np.ndarray, bracket: Any, color: str, settings: dict
    ) -> None:
        from matplotlib.collections import LineCollection

        points = np.column_stack([self.resources, self.scores])
        lines = [points[chain] for chain in self._chains(rows)]
        alpha = float(np.clip(60 / max(1, len(lines)), 0.2, 0.7))
        self.lines_[bracket] = LineCollection(
            lines, **({"colors": color, "linewidths": 1.2, "alpha": alpha} | settings)
        )
        ax.add_collection(self.lines_[bracket])

    def _draw_ends(
        self, ax: Any, ends: Sequence[tuple[int, str]], label: str, face: str | None
    ) -> Any:
        rows = [row for row, _ in ends]
        colors = [color for _, color in ends]
        return ax.scatter(
            self.resources[rows],
            self.scores[rows],
            s=16 if face else 28,
            facecolors=[face] * len(rows) if face else colors,
            edgecolors=colors,
            linewidths=1,
            zorder=3,
            label=label,
        )

    def _chains(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return the rows of each candidate, in the order of what they had got."""
        if not len(rows):
            return []
        order = rows[np.lexsort((self.resources[rows], self.candidates[rows]))]
        starts = np.flatnonzero(np.diff(self.candidates[order])) + 1
        return np.split(order, starts)

    def _last_rows(self, rows: np.ndarray) -> list[int]:
        return [int(chain[-1]) for chain in self._chains(rows)]

    def _counts(self, rows: np.ndarray) -> str:
        """Return how many candidates each rung had, as "9 → 3 → 1"."""
        _, counts = np.unique(self.resources[rows], return_counts=True)
        return " → ".join(map(str, counts))

    def _frame(self, ax: Any) -> None:
        """Set marks where rungs are, and name the axes."""
        levels = np.unique(self.resources)
        if levels[0] > 0 and levels[-1] > 2 * levels[0]:
            ax.set_xscale("log")
        ax.set_xticks(levels, [f"{level:g}" for level in levels])
        ax.set_xticks([], minor=True)
        ax.margins(x=0.06)
        ax.autoscale_view()
        ax.set_xlabel(self.resource_name)
        ax.set_ylabel(self.score_name)


def _candidates(trials: Trials) -> np.ndarray:
    """Return which candidate each trial evaluated.

    They are told apart by bracket and hyperparameters, apart from what they had got. Of
    candidates that are equal, the k-th of a rung goes on as the k-th of the next.
    """
    keys = Keys()
    absent = {
        name: np.ma.getmaskarray(values) for name, values in trials.columns.items()
    }
    numbers: dict[Any, int] = {}
    met: Counter[Any] = Counter()
    found = np.empty(len(trials.scores), dtype=np.int64)
    for row in range(len(found)):
        candidate = (
            trials.brackets[row],
            *(
                None if absent[name][row] else keys.of(values.data[row])
                for name, values in trials.columns.items()
                if name != trials.resource
            ),
        )
        rung = candidate, trials.resources[row]
        met[rung] += 1
        found[row] = numbers.setdefault((candidate, met[rung]), len(numbers))
    return found
