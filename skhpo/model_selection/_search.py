"""A cross-validated search whose candidates an oracle proposes."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._compat import BaseSearchCV, folds_of
from ._dimensions import Dimension, middle_candidate
from ._evaluation import BatchedEvaluation, check_searched_metric
from ._oracles import BayesOracle
from ._parameter_names import check_parameter_names
from ._space import read_space, sub_spaces


class BayesSearchCV(BaseSearchCV):
    """Search of hyperparameters by Bayesian optimization, with cross-validation.

    It takes the place of scikit-learn's `GridSearchCV` and `RandomizedSearchCV`, and of
    scikit-optimize's search of this name. The first candidates are random; each later
    one is proposed by a Gaussian process fitted to the scores of those before, so that
    good settings are found in fewer trials. It knows an estimator only by `get_params`,
    `set_params` and `fit`, so it works on any estimator, Pipelines included.

    Parameters
    ----------
    estimator : estimator object
        An object with the scikit-learn estimator interface. Either it must have a
        `score` method, or `scoring` must be given.

    search_spaces : dict, list of dict, or list of (dict, int)
        Where to search. The keys of a dict are names of parameters, as `set_params`
        takes them. Its values are any of

        - a `Real`, `Integer` or `Categorical`, ours or scikit-optimize's;
        - ``(low, high)`` or ``(low, high, prior)``: an `Integer` if both bounds are
          integers, else a `Real`;
        - a list of values to choose from, of any kind;
        - a frozen distribution of `scipy.stats`, or anything else with a quantile
          function `ppf`. Where it has no bound, the outermost thousandth of its
          probability on that side is left out.

        Several dicts are searched one after the other, each by itself, with `n_iter`
        trials each or as many as stand beside it in its tuple.

    n_iter : int, default=50
        The number of trials for each space. A space in which fewer candidates are left
        is searched until none is: no candidate is evaluated twice within a space.

    n_points : int, default=1
        How many candidates to propose at a time. Those of one batch are evaluated in
        parallel, for which `n_jobs` should be ``n_points`` times the number of splits,
        but do not learn from each other.

    scoring : str, callable, list, tuple, dict or None, default=None
        How to evaluate predictions on the test folds; see the same parameter of
        `sklearn.model_selection.GridSearchCV`. The default is the estimator's `score`.
        With several metrics, the search seeks the best of the one that `refit` names.

    n_jobs : int or None, default=None
        Number of jobs to run in parallel. It has no influence on the results.

    refit : bool, str or callable, default=True
        Whether to fit the estimator with the best candidate on all of the data. For
        several metrics it must be the name of the one to search by. A callable gets
        `cv_results_` and returns the index of the best candidate; it is accepted where
        there is a single metric.

    cv : int, cross-validation generator, iterable or None, default=None
        How to split; see the same parameter of `sklearn.model_selection.GridSearchCV`.
        The splits are made once in each `fit`, so that all candidates get the same
        ones, even from a shuffled splitter without a fixed random state.

    verbose : int, default=0
        How much to print, as in `sklearn.model_selection.GridSearchCV`.

    pre_dispatch : int or str, default="2*n_jobs"
        How many jobs to dispatch at a time during parallel execution.

    random_state : int, RandomState instance or None, default=None
        Decides the candidates, together with `search_spaces`, `n_points` and the
        scores. Pass an int for the same candidates at every call of `fit`.

    error_score : "raise" or float, default=np.nan
        The score of a fit that fails. If "raise", the error is raised. If a number, a
        `FitFailedWarning` is issued and the search goes on, unless all trials fail.
        The model takes a candidate whose mean score is not finite for one of the worst.

    return_train_score : bool, default=False
        Whether `cv_results_` is to have training scores.

    Attributes
    ----------
    cv_results_ : dict of str to (masked) ndarray
        As that of `sklearn.model_selection.GridSearchCV`, one row for each trial in the
        order of proposal. Parameters that a trial's space lacks are masked. The times
        of a batch in which every fit failed are not known and NaN.

    best_estimator_ : estimator
        The estimator fitted with the best candidate. Not there if ``refit=False``.

    best_score_ : float
        Mean cross-validated score of the best candidate. Not there if `refit` is a
        callable.

    best_params_ : dict of str to object
        The best candidate.

    best_index_ : int
        Its row in `cv_results_`.

    scorer_ : callable or dict
        The scorer, or for several metrics a dict of them.

    n_splits_ : int
        The number of splits.

    refit_time_ : float
        Seconds that the final fit took. Not there if ``refit=False``.

    multimetric_ : bool
        Whether the scorers compute several metrics.

    classes_ : ndarray of shape (n_classes,)
        The labels of classes, if `refit` is set and the estimator is a classifier.

    n_features_in_ : int
        The number of features seen in `fit`, if `best_estimator_` has it.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if `best_estimator_` has them.

    total_iterations : int
        The number of trials over all spaces, available before `fit`.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : Tries all of a grid.
    sklearn.model_selection.RandomizedSearchCV : Tries random candidates.

    Notes
    -----
    In each space, as many trials are random as the greater of 5 and the number of its
    parameters plus 1, but at most half of all; and at least the first `n_points`. The
    Gaussian process and its upper confidence bound [1]_ are those of Keras Tuner.

    References
    ----------
    .. [1] N. Srinivas, A. Krause, S. Kakade, M. Seeger, "Gaussian process optimization
       in the bandit setting: no regret and experimental design", ICML 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skhpo.model_selection import BayesSearchCV, Real
    >>> X, y = load_iris(return_X_y=True)
    >>> pipe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    >>> search = BayesSearchCV(
    ...     pipe,
    ...     {
    ...         "logisticregression__C": Real(1e-3, 1e3, "log-uniform"),
    ...         "standardscaler__with_mean": [True, False],
    ...     },
    ...     n_iter=6,
    ...     random_state=0,
    ... ).fit(X, y)
    >>> sorted(search.best_params_)
    ['logisticregression__C', 'standardscaler__with_mean']
    >>> bool(search.best_score_ > 0.9)
    True

    Several spaces, the second with a number of trials of its own:

    >>> search = BayesSearchCV(
    ...     LogisticRegression(),
    ...     [({"C": (0.1, 10.0)}, 20), ({"C": [1.0], "max_iter": (50, 200)}, 5)],
    ... )
    >>> search.total_iterations
    25
    """

    def __init__(
        self,
        estimator: Any,
        search_spaces: Mapping[str, Any] | Sequence,
        *,
        n_iter: int = 50,
        n_points: int = 1,
        scoring: str | Callable | Sequence | Mapping | None = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: int | np.random.RandomState | None = None,
        error_score: str | float = np.nan,
        return_train_score: bool = False,
    ):
        self.search_spaces = search_spaces
        self.n_iter = n_iter
        self.n_points = n_points
        self.random_state = random_state
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )

    def __getstate__(self) -> dict[str, Any]:
        # scikit-learn sends the search along with each fit to a worker; what runs it
        # must stay behind.
        state = super().__getstate__()
        return {name: state[name] for name in state if name != "_evaluation"}

    @property
    def total_iterations(self) -> int:
        """Number of trials over all spaces.

        There are fewer where a space has not that many candidates.
        """
        spaces = sub_spaces(self.search_spaces, self.n_iter)
        return sum(n_trials for _, n_trials in spaces)

    def _run_search(self, evaluate_candidates: Callable) -> None:
        spaces = self._checked_spaces()
        random = check_random_state(self.random_state)
        seeds = random.randint(1, np.iinfo(np.int32).max, size=len(spaces)).tolist()
        self._evaluation = BatchedEvaluation(
            evaluate_candidates, folds_of(self), self.refit, self.error_score
        )
        try:
            for (dimensions, n_trials), seed in zip(spaces, seeds, strict=True):
                oracle = BayesOracle(dimensions, n_trials, seed)
                self._search_space(oracle, n_trials)
            self._evaluation.finish()
        finally:
            del self._evaluation

    def _format_results(
        self, candidate_params: list, n_splits: int, out: list, more_results: Any = None
    ) -> dict[str, Any]:
        """Format results for `evaluate_candidates`, which calls this after a batch."""
        format_results = partial(super()._format_results, more_results=more_results)
        return self._evaluation.table(format_results, candidate_params, n_splits, out)

    def _search_space(self, oracle: BayesOracle, n_trials: int) -> None:
        """Evaluate up to `n_trials` trials, by and by, and tell the oracle of each."""
        while n_trials > 0:
            n_asked = min(self.n_points, n_trials)
            batch = list(islice(iter(oracle.ask, None), n_asked))
            if not batch:
                return
            scores = self._evaluation.scores([trial.params for trial in batch])
            for trial, score in zip(batch, scores, strict=True):
                oracle.tell(trial, score)
            n_trials -= len(batch)

    def _checked_spaces(self) -> list[tuple[dict[str, Dimension], int]]:
        """Return each space with its number of trials, after all that can be checked.

        It comes before the first fit.
        """
        if not isinstance(self.n_points, Integral) or self.n_points < 1:
            raise ValueError(
                f"n_points must be an integer of at least 1, got {self.n_points!r}."
            )
        if _are_several(self.scoring):
            check_searched_metric(self.scoring, self.refit)
        spaces = [
            (read_space(space), n_trials)
            for space, n_trials in sub_spaces(self.search_spaces, self.n_iter)
        ]
        for dimensions, _ in spaces:
            check_parameter_names(self.estimator, middle_candidate(dimensions))
        return spaces


def _are_several(scoring: Any) -> bool:
    return isinstance(scoring, list | tuple | set | dict) and len(scoring) > 1
