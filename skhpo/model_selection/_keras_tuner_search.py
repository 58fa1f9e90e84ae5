"""A search by any oracle of Keras Tuner's."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from ._loop import SubSpace
from ._oracles import Oracle
from ._search import OracleSearchCV


class KerasTunerSearchCV(OracleSearchCV):
    """Search of hyperparameters by an oracle of Keras Tuner's, with cross-validation.

    It puts any of Keras Tuner's oracles, or your own subclass of one, into a search of
    scikit-learn's kind: with cross-validation, `cv_results_`, Pipelines and a final
    fit, for any estimator.

    Parameters
    ----------
    estimator : estimator object
        An object with the scikit-learn estimator interface. Either it must have a
        `score` method, or `scoring` must be given.

    search_spaces : dict, callable, HyperParameters, or list of them
        Where to search, as `BayesSearchCV` takes it.

    oracle : str or keras_tuner.Oracle, default="random"
        Who proposes candidates: "random", "grid" or "bayesian" for those of Keras
        Tuner, "gp" for `GaussianProcessOracle`, or an instance, of which a copy is
        used. An instance goes by its own seed, and not by `random_state`, and proposes
        no more than its own `max_trials`. Its objective is replaced by the score of the
        search. For Hyperband there is `HyperbandSearchCV`. A search with an instance
        cannot be pickled, since Keras Tuner's oracles cannot.

    n_iter : int, default=50
        The most trials for each space. There are fewer if the oracle proposes no more.

    n_points : int, default=1
        How many candidates to propose at a time. Those of one batch are evaluated in
        parallel, for which `n_jobs` should be ``n_points`` times the number of splits,
        but do not learn from each other.

    scoring : str, callable, list, tuple, dict or None, default=None
        How to evaluate predictions on the test folds; see the same parameter of
        `sklearn.model_selection.GridSearchCV`. The default is the estimator's `score`.

    n_jobs : int or None, default=None
        Number of jobs to run in parallel. It has no influence on the results.

    refit : bool, str or callable, default=True
        Whether to fit the estimator with the best candidate on all of the data. For
        several metrics it is the name of one, or a callable that gets `cv_results_` and
        returns the index of the best candidate.

    cv : int, cross-validation generator, iterable or None, default=None
        How to split; see the same parameter of `sklearn.model_selection.GridSearchCV`.
        The splits are made once in each `fit`.

    verbose : int, default=0
        If positive, a line is printed for each trial.

    pre_dispatch : int or str, default="2*n_jobs"
        How many jobs to dispatch at a time during parallel execution.

    random_state : int, RandomState instance or None, default=None
        Decides the candidates of an oracle that is given by its name, together with
        `search_spaces`, `n_points` and the scores.

    error_score : "raise" or float, default=np.nan
        The score of a fit that fails. If "raise", the error is raised. If a number, the
        search goes on, and a `FitFailedWarning` is issued at its end. The oracle is
        told the worst score found for a trial of which a fit fails. If all of the first
        ten trials fail, the search ends with an error.

    return_train_score : bool, default=False
        Whether `cv_results_` is to have training scores.

    objective : str or None, default=None
        The metric to search by, where there are several. None takes that of `refit`.

    timeout : float or None, default=None
        Seconds for the whole search. It ends after the trial that runs then.

    patience : int or None, default=None
        How many trials without a better score end the search.

    journal : path-like or None, default=None
        A folder in which each finished fold is kept; see `BayesSearchCV`.

    callbacks : callable, list of callable or None, default=None
        Called after each batch of trials; see `BayesSearchCV`.

    Attributes
    ----------
    cv_results_ : dict of str to (masked) ndarray
        As that of `sklearn.model_selection.GridSearchCV`, one row for each trial in the
        order of proposal.

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

    objective_ : str or None
        The metric that was searched by, where there are several.

    failures_ : list of (int, int, str)
        The fits that failed: row of `cv_results_`, split and traceback.

    stopped_by_ : {"timeout", "patience", "callback", "interrupt"} or None
        What ended the search early.

    optimizer_results_ : list of scipy.optimize.OptimizeResult
        One for each space, as callbacks get it.

    classes_ : ndarray of shape (n_classes,)
        The labels of classes, if `refit` is set and the estimator is a classifier.

    data_shape_ : tuple of int
        The shape of X.

    n_features_in_ : int
        The number of features seen in `fit`, if `best_estimator_` has it.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if `best_estimator_` has them.

    total_iterations : int
        The number of trials over all spaces, available before `fit`.

    See Also
    --------
    BayesSearchCV : Search by a Gaussian process, ours or Keras Tuner's.
    HyperbandSearchCV : Stops poor candidates early.

    Notes
    -----
    Keras Tuner's "bayesian" starts with three random trials for each hyperparameter,
    knows one length scale for all of them, and takes a second or more a proposal after
    100 trials. `BayesSearchCV` needs fewer trials.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo.model_selection import KerasTunerSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = KerasTunerSearchCV(
    ...     DecisionTreeClassifier(random_state=0),
    ...     {"max_depth": [1, 2, 3], "criterion": ["gini", "entropy"]},
    ...     oracle="grid",
    ... ).fit(X, y)
    >>> len(search.cv_results_["params"])
    6
    """

    def __init__(
        self,
        estimator: Any,
        search_spaces: Any,
        *,
        oracle: Any = "random",
        n_iter: int = 50,
        n_points: int = 1,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: int | np.random.RandomState | None = None,
        error_score: str | float = np.nan,
        return_train_score: bool = False,
        objective: str | None = None,
        timeout: float | None = None,
        patience: int | None = None,
        journal: Any = None,
        callbacks: Any = None,
    ):
        self.oracle = oracle
        self.n_iter = n_iter
        self.n_points = n_points
        super().__init__(
            estimator,
            search_spaces,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
            objective=objective,
            timeout=timeout,
            patience=patience,
            journal=journal,
            callbacks=callbacks,
        )

    def _settings_of_journal(self) -> dict[str, Any]:
        """Return what else decides what the search finds, for its journal."""
        oracle = self.oracle
        if not isinstance(oracle, str):
            plain = bool | int | float | str | None
            known = {k: v for k, v in vars(oracle).items() if isinstance(v, plain)}
            oracle = [type(oracle), known]
        settings = {"n_points": self.n_points, "oracle": oracle}
        return super()._settings_of_journal() | settings

    def _new_oracle(
        self, subspace: SubSpace, seed: int
    ) -> AbstractContextManager[Oracle]:
        """Return what proposes candidates for one space."""
        from ._keras_tuner import KerasTunerOracle, named_oracle

        oracle = self.oracle
        if isinstance(oracle, str):
            oracle = named_oracle(oracle, seed)
        return KerasTunerOracle(oracle, subspace.space)

    def _check_settings(self) -> None:
        """Raise for a parameter that breaks a rule."""
        super()._check_settings()
        from ._keras_tuner import check_oracle

        check_oracle(self.oracle)
