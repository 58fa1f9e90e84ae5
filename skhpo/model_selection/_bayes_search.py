"""A cross-validated search by Bayesian optimization."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np

from ._loop import SubSpace
from ._oracles import Oracle, SamplerOracle, n_initial_points
from ._search import OracleSearchCV
from ._settings import Cell, Space

SAMPLERS = {
    "gp": {"n_initial_points"},
    "keras_tuner": {"n_initial_points", "alpha", "beta"},
}


class BayesSearchCV(OracleSearchCV):
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

    search_spaces : dict, callable, HyperParameters, list of them, or list of (one, int)
        Where to search. The keys of a dict are names of parameters, as `set_params`
        takes them. Its values are any of

        - a `Real`, `Integer` or `Categorical`, ours or scikit-optimize's;
        - ``(low, high)`` or ``(low, high, prior)``: an `Integer` if both bounds are
          integers, else a `Real`;
        - a list of values to choose from, of any kind;
        - a frozen distribution of `scipy.stats`, or anything else with a quantile
          function `ppf`. Where it has no bound, the outermost thousandth of its
          probability on that side is left out;
        - a hyperparameter of Keras Tuner's, such as
          ``keras_tuner.engine.hyperparameters.Float("x", 0, 1, step=0.25)``.

        A function is called with Keras Tuner's ``hp`` and returns a dict from names of
        parameters to values. What it asks for may depend on what it got: a space in
        which some parameters matter only where others have certain values. It is called
        many times, so it must be cheap and depend on ``hp`` alone. A
        `keras_tuner.HyperParameters` object is a space whose hyperparameters are named
        like parameters of the estimator.

        Several spaces are searched one after the other, each by itself, with `n_iter`
        trials each or as many as stand beside it in its tuple.

    n_iter : int, default=50
        The number of trials for each space. A space in which fewer candidates are left
        is searched until none is: no candidate is evaluated twice within a space.

    n_points : int, default=1
        How many candidates to propose at a time. Those of one batch are evaluated in
        parallel, for which `n_jobs` should be ``n_points`` times the number of splits,
        but do not learn from each other.

    n_initial_points : int or None, default=None
        How many trials must have a score before the model proposes. None makes it the
        greater of 10 and the number of dimensions plus 1, but at most half of `n_iter`.

    initial_params : dict, list of dict or None, default=None
        Settings to try first, at most `n_iter`; they count as trials. Each has a
        value for every parameter of the space, and for a function, for every
        hyperparameter that it asks for. With several spaces they belong to the first.

    sampler : {"gp", "keras_tuner"}, default="gp"
        What proposes candidates: our Gaussian process, or Keras Tuner's.

    optimizer_kwargs : dict or None, default=None
        More settings of the sampler. "gp" takes ``n_initial_points``, as the
        `optimizer_kwargs` of scikit-optimize do; "keras_tuner" takes ``alpha`` and
        ``beta`` of `keras_tuner.oracles.BayesianOptimizationOracle` as well.

    scoring : str, callable, list, tuple, dict or None, default=None
        How to evaluate predictions on the test folds; see the same parameter of
        `sklearn.model_selection.GridSearchCV`. The default is the estimator's `score`.
        With several metrics, the search seeks the best of the one that `objective` or
        `refit` names.

    n_jobs : int or None, default=None
        Number of jobs to run in parallel. It has no influence on the results.

    refit : bool, str or callable, default=True
        Whether to fit the estimator with the best candidate on all of the data. For
        several metrics it is the name of one. A callable gets `cv_results_` and returns
        the index of the best candidate.

    cv : int, cross-validation generator, iterable or None, default=None
        How to split; see the same parameter of `sklearn.model_selection.GridSearchCV`.
        The splits are made once in each `fit`, so that all candidates get the same
        ones, even from a shuffled splitter without a fixed random state.

    verbose : int, default=0
        If positive, a line is printed for each trial.

    pre_dispatch : int or str, default="2*n_jobs"
        How many jobs to dispatch at a time during parallel execution.

    random_state : int, RandomState instance or None, default=None
        Decides the candidates, together with `search_spaces`, `n_points` and the
        scores. Pass an int for the same candidates at every call of `fit`.

    error_score : "raise" or float, default=np.nan
        The score of a fit that fails. If "raise", the error is raised. If a number, the
        search goes on, and a `FitFailedWarning` is issued at its end. The model takes
        a candidate whose mean score is not finite, or of which a fit fails, for one of
        the worst. If all of the first ten trials fail, the search ends with the first
        error.

    return_train_score : bool, default=False
        Whether `cv_results_` is to have training scores.

    objective : str or None, default=None
        The metric to search by, where there are several. None takes that of `refit`.

    timeout : float or None, default=None
        Seconds for the whole search. It ends after the trials that run then.

    patience : int or None, default=None
        How many trials without a better score end the search.

    journal : path-like or None, default=None
        A folder in which each finished fold is kept, flushed to the disk, before its
        trial ends. The same call after a kill goes on from there, repeats no finished
        fold, and ends as it would have without the kill. A journal of another search
        (other data, space, estimator, splits or parameters) is refused. `n_iter` may
        differ, to search on (of several spaces, that of the last); if it is so small
        that half of it is the default of `n_initial_points`, give that as well. A
        splitter that shuffles needs a `random_state`. A journal is of one `fit`: within
        `cross_val_score` there are several. Workers on other machines must have the
        folder too.

    callbacks : callable, list of callable or None, default=None
        Called after each batch of trials with a result as scikit-optimize's callbacks
        get it, of the trials of the current space: ``x_iters``, ``func_vals`` (negative
        scores), the best ``x`` and ``fun``, and ``space``; and of our own
        ``hyperparameters``, a dict for each trial, which of a function has what it
        asked for. A callback that returns True ends the search.

    Attributes
    ----------
    cv_results_ : dict of str to (masked) ndarray
        As that of `sklearn.model_selection.GridSearchCV`, one row for each trial in the
        order of proposal. Parameters that a trial lacks are masked.

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
        What ended the search early. "interrupt" is Ctrl-C: pressed once, it lets the
        running trials end.

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
        The most trials over all spaces, available before `fit`.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : Tries all of a grid.
    sklearn.model_selection.RandomizedSearchCV : Tries random candidates.

    Notes
    -----
    The first trials are scrambled Sobol points. Then a Gaussian process with a Matern
    5/2 kernel, one length scale for each dimension and noise is fitted to the scores
    (those below the median by their ranks alone), and the next candidate is where the
    expected improvement [1]_ is highest, weighed by a belief, which fades with the
    number of trials, that the best is not at the ends of the dimensions [2]_.
    Candidates depend on `random_state`, `n_points` and the scores alone.

    ``sampler="keras_tuner"`` takes Gaussian process and upper confidence bound [3]_
    from Keras Tuner. It is slower, a second or more a proposal after 100 trials, and
    needs more of them.

    References
    ----------
    .. [1] D. R. Jones, M. Schonlau, W. J. Welch, "Efficient global optimization of
       expensive black-box functions", Journal of Global Optimization 13, 1998,
       equation 15.
    .. [2] C. Hvarfner et al., "piBO: Augmenting acquisition functions with user beliefs
       for Bayesian optimization", ICLR 2022.
    .. [3] N. Srinivas, A. Krause, S. Kakade, M. Seeger, "Gaussian process optimization
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

    A space in which the number of parameters is searched as well:

    >>> def space(hp):
    ...     depth = hp.Int("depth", 1, 3)
    ...     units = [hp.Int(f"units_{i}", 50, 350, step=50) for i in range(depth)]
    ...     return {"hidden_layer_sizes": tuple(units)}
    >>> from sklearn.neural_network import MLPClassifier
    >>> BayesSearchCV(MLPClassifier(), space, n_iter=30).total_iterations
    30
    """

    def __init__(
        self,
        estimator: Any,
        search_spaces: Any,
        *,
        n_iter: int = 50,
        n_points: int = 1,
        n_initial_points: int | None = None,
        initial_params: Any = None,
        sampler: str = "gp",
        optimizer_kwargs: Mapping[str, Any] | None = None,
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
        self.n_iter = n_iter
        self.n_points = n_points
        self.n_initial_points = n_initial_points
        self.initial_params = initial_params
        self.sampler = sampler
        self.optimizer_kwargs = optimizer_kwargs
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

    def _check_settings(self) -> None:
        """Raise for a parameter that breaks a rule."""
        super()._check_settings()
        if self.sampler not in SAMPLERS:
            raise ValueError(
                f"sampler must be one of {sorted(SAMPLERS)}, got {self.sampler!r}."
            )
        unknown = sorted(set(self.optimizer_kwargs or {}) - SAMPLERS[self.sampler])
        if unknown:
            raise ValueError(
                f"optimizer_kwargs of sampler={self.sampler!r} may have "
                f"{sorted(SAMPLERS[self.sampler])}, got {unknown}."
            )
        n_initial = self._given_n_initial()
        if n_initial is not None and not (
            isinstance(n_initial, Integral) and n_initial >= 1
        ):
            raise ValueError(
                "n_initial_points must be an integer of at least 1 or None, got "
                f"{n_initial!r}."
            )

    def _checked_subspaces(self) -> list[SubSpace]:
        """Return each space with its number of trials, after all checks."""
        first, *others = super()._checked_subspaces()
        first.initial = list(
            map(partial(cells_of, first.space), self._initial_params())
        )
        if len(first.initial) > first.n_trials:
            raise ValueError(
                "initial_params may hold as many settings as there are trials, "
                f"n_iter={first.n_trials}, got {len(first.initial)}. Make n_iter "
                "greater, or the list shorter."
            )
        return [first, *others]

    def _settings_of_journal(self) -> dict[str, Any]:
        """Return what else decides what the search finds, for its journal."""
        names = ("n_points", "sampler", "optimizer_kwargs", "initial_params")
        settings = {name: getattr(self, name) for name in names}
        return super()._settings_of_journal() | settings

    def _settings_of_subspace(self, subspace: SubSpace) -> dict[str, Any]:
        return {"n_initial_points": self._n_initial_of(subspace)}

    def _new_oracle(
        self, subspace: SubSpace, seed: int
    ) -> AbstractContextManager[Oracle]:
        """Return what proposes candidates for one space."""
        settings = dict(self.optimizer_kwargs or {})
        n_initial = self._n_initial_of(subspace)
        settings.pop("n_initial_points", None)
        if self.sampler == "gp":
            return SamplerOracle(subspace.space, n_initial, seed, subspace.initial)
        from ._keras_tuner import KerasTunerProcessOracle

        return KerasTunerProcessOracle(
            subspace.space, n_initial, seed, subspace.initial, settings
        )

    def _n_initial_of(self, subspace: SubSpace) -> int:
        """Return how many trials of a space come before those of the model."""
        given = self._given_n_initial()
        if given is not None:
            return int(given)
        return n_initial_points(len(subspace.space.dimensions), subspace.n_trials)

    def _given_n_initial(self) -> Any:
        if self.n_initial_points is not None:
            return self.n_initial_points
        return (self.optimizer_kwargs or {}).get("n_initial_points")

    def _initial_params(self) -> list[Mapping[str, Any]]:
        given = self.initial_params
        if given is None:
            return []
        return [given] if isinstance(given, Mapping) else list(given)


def cells_of(space: Space, values: Mapping[str, Any]) -> dict[str, Cell]:
    """Return what a setting that a user wrote is of a space."""
    unknown = sorted(set(values) - set(space.dimensions))
    if unknown:
        raise ValueError(
            f"initial_params must have names of the space, {list(space.dimensions)}, "
            f"got {unknown}."
        )

    def choose(name: str, dimension: Any) -> Cell:
        if name not in values:
            raise ValueError(
                "initial_params must have a value for every dimension, got none for "
                f"{name!r} in {dict(values)}."
            )
        value = values[name]
        try:
            # What comes out of a table of results is of NumPy's types.
            return dimension.cell_of(
                value.item() if isinstance(value, np.generic) else value
            )
        except ValueError as error:
            raise ValueError(f"initial_params, {name!r}: {error}") from error

    return space.setting(choose).cells
