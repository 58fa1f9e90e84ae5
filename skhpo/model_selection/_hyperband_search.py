"""A cross-validated search by Hyperband, whose fits continue from rung to rung."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from hashlib import blake2b
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from .._descriptions import describe
from ._bracket import Bracket
from ._brackets import Budget, brackets
from ._loop import Loop, SubSpace
from ._oracles import Oracle, RandomOracle
from ._parameter_names import check_parameter_names
from ._rungs import remove_if_empty
from ._search import OracleSearchCV
from ._space import sub_spaces


class HyperbandSearchCV(OracleSearchCV):
    """Search of hyperparameters that stops poor candidates early, by Hyperband.

    Many candidates get a little of a resource, such as epochs; the best of them get
    more, and so on, in brackets that trade the number of candidates against what each
    gets [1]_. With the estimators of this package, each fold of a promoted candidate
    continues from where it was, so that no epoch is trained twice.

    Parameters
    ----------
    estimator : estimator object
        An object with the scikit-learn estimator interface. Either it must have a
        `score` method, or `scoring` must be given.

    search_spaces : dict, callable or HyperParameters
        Where to search: one space, as `BayesSearchCV` takes it.

    resource : str, default="epochs"
        The parameter of the estimator that says how much it gets, by its full name:
        ``"kerasmlp__epochs"`` in a Pipeline. If the estimator has a parameter
        `checkpoint_dir` beside it, fits continue; else each rung fits anew.

    max_resource : int
        What the candidates get that come to the end of a bracket.

    factor : int, default=3
        One candidate in so many is promoted to the next rung.

    min_resource : int, default=1
        The least that a rung gives.

    hyperband_iterations : int, default=1
        How often to run through all brackets.

    best_of : {"all", "last"}, default="all"
        Whether the best candidate is that of all rungs, with what it had got there, or
        of those that got `max_resource` (of those that got most, where the search was
        ended before, or no candidate with more has a score).

    checkpoint_dir : path-like or None, default=None
        The folder in which fits leave what they continue from; all workers must have
        it. None takes one in `journal`, or a temporary one on this machine.

    scoring : str, callable, list, tuple, dict or None, default=None
        How to evaluate predictions on the test folds; see the same parameter of
        `sklearn.model_selection.GridSearchCV`. The default is the estimator's `score`.

    n_jobs : int or None, default=None
        Number of jobs to run in parallel. It has no influence on the results.

    refit : bool, str or callable, default=True
        Whether to fit the estimator with the best candidate on all of the data, anew.
        For several metrics it is the name of one, or a callable that gets `cv_results_`
        and returns the index of the best candidate.

    cv : int, cross-validation generator, iterable or None, default=None
        How to split; see the same parameter of `sklearn.model_selection.GridSearchCV`.
        The splits are made once in each `fit`.

    verbose : int, default=0
        If positive, a line is printed for each trial.

    pre_dispatch : int or str, default="2*n_jobs"
        How many jobs to dispatch at a time during parallel execution.

    random_state : int, RandomState instance or None, default=None
        Decides the candidates.

    error_score : "raise" or float, default=np.nan
        The score of a fit that fails. If "raise", the error is raised. If a number, the
        search goes on, and a `FitFailedWarning` is issued at its end, or, where all of
        the first ten trials fail, an error. A candidate of which a fit fails counts as
        worst; rungs are as large as without it.

    return_train_score : bool, default=False
        Whether `cv_results_` is to have training scores.

    objective : str or None, default=None
        The metric to search by, where there are several. None takes that of `refit`.

    timeout : float or None, default=None
        Seconds for the whole search. It ends after the trials that run then.

    patience : int or None, default=None
        How many trials without a better score end the search. It is looked at after
        every eight trials of a rung.

    journal : path-like or None, default=None
        A folder in which each finished fold is kept; see `BayesSearchCV`.

    callbacks : callable, list of callable or None, default=None
        Called after each batch of trials; see `BayesSearchCV`.

    Attributes
    ----------
    cv_results_ : dict of str to (masked) ndarray
        As that of `sklearn.model_selection.GridSearchCV`, one row for each candidate in
        each rung, with columns ``bracket``, ``rung`` and ``n_resources``.

    best_estimator_ : estimator
        The estimator fitted with the best candidate. Not there if ``refit=False``.

    best_score_ : float
        Mean cross-validated score of the best candidate. Not there if `refit` is a
        callable.

    best_params_ : dict of str to object
        The best candidate, and what it had got of the resource.

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
        One, as callbacks get it.

    classes_ : ndarray of shape (n_classes,)
        The labels of classes, if `refit` is set and the estimator is a classifier.

    data_shape_ : tuple of int
        The shape of X.

    n_features_in_ : int
        The number of features seen in `fit`, if `best_estimator_` has it.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if `best_estimator_` has them.

    total_iterations : int
        The most rows that `cv_results_` can have, available before `fit`.

    See Also
    --------
    BayesSearchCV : Learns from trials, and gives each all of the resource.
    sklearn.model_selection.HalvingRandomSearchCV : One bracket, without continuing.

    Notes
    -----
    Steps of a Pipeline before the network are fitted once for each candidate and fold,
    and kept by the Pipeline's own `memory`. What a candidate left is deleted when it is
    not promoted.

    References
    ----------
    .. [1] L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar, "Hyperband: a
       novel bandit-based approach to hyperparameter optimization", Journal of Machine
       Learning Research 18, 2018, algorithm 1.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skhpo.model_selection import HyperbandSearchCV, Real
    >>> search = HyperbandSearchCV(
    ...     MLPClassifier(),
    ...     {"learning_rate_init": Real(1e-4, 1e-1, "log-uniform")},
    ...     resource="max_iter",
    ...     max_resource=9,
    ... )
    >>> print(search.budget())
    17 candidates in 22 trials, at most 78 units of the resource on each split
    bracket 0: 9 candidates to 1, 3 candidates to 3, 1 candidate to 9
    bracket 1: 5 candidates to 3, 1 candidate to 9
    bracket 2: 3 candidates to 9
    """

    def __init__(
        self,
        estimator: Any,
        search_spaces: Any,
        *,
        resource: str = "epochs",
        max_resource: int,
        factor: int = 3,
        min_resource: int = 1,
        hyperband_iterations: int = 1,
        best_of: str = "all",
        checkpoint_dir: str | os.PathLike | None = None,
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
        self.resource = resource
        self.max_resource = max_resource
        self.factor = factor
        self.min_resource = min_resource
        self.hyperband_iterations = hyperband_iterations
        self.best_of = best_of
        self.checkpoint_dir = checkpoint_dir
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

    def budget(self) -> Budget:
        """Return what the search costs at most, before it begins.

        Returns
        -------
        Budget
            With `brackets`, `n_candidates`, `n_trials` and `n_resources`, the units of
            the resource spent on each split; it prints as a table. It is met exactly
            where nothing fails or stops early, and the space has that many candidates.

        Raises
        ------
        ValueError
            If a parameter breaks a rule.
        """
        self._check_settings()
        once = brackets(self.max_resource, self.factor, self.min_resource)
        return Budget(once * self.hyperband_iterations, self._checkpoint is not None)

    @property
    def total_iterations(self) -> int:
        """Number of trials: of rows of `cv_results_`, at most."""
        return self.budget().n_trials

    @property
    def _checkpoint(self) -> str | None:
        """The parameter beside the resource by which fits continue, if there is one."""
        sibling = "__".join([*self.resource.split("__")[:-1], "checkpoint_dir"])
        return sibling if sibling in self.estimator.get_params(deep=True) else None

    def _search_space(self, loop: Loop, subspace: SubSpace, seed: int) -> None:
        """Run bracket after bracket."""
        with self._folder() as folder, self._new_oracle(subspace, seed) as oracle:
            for number, rungs in enumerate(self.budget().brackets):
                place = folder / f"bracket-{number}"
                Bracket(self, loop, subspace, number, rungs, place).run(oracle)
            remove_if_empty(folder)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Make the folder of a search: its own, as two may be given the same."""
        if self.journal is None:
            if self.checkpoint_dir is not None:
                Path(self.checkpoint_dir).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(
                prefix="skhpo-", dir=self.checkpoint_dir
            ) as temporary:
                yield Path(temporary).absolute()
        elif self.checkpoint_dir is None:
            yield Path(self.journal).absolute() / "checkpoints"
        else:
            journal = str(Path(self.journal).absolute()).encode()
            name = f"skhpo-{blake2b(journal, digest_size=8).hexdigest()}"
            yield Path(self.checkpoint_dir).absolute() / name

    def _new_oracle(
        self, subspace: SubSpace, seed: int
    ) -> AbstractContextManager[Oracle]:
        return RandomOracle(subspace.space, seed)

    def _rows_by_rank(self, metric: str, results: Mapping[str, Any]) -> list[int]:
        keys = [results[f"rank_test_{metric}"]]
        if self.best_of == "last":
            # A search that was ended early may have none with all of the resource, or
            # none but failures.
            failed = np.isnan(results[f"mean_test_{metric}"])
            keys += [-results["n_resources"], failed]
        rows = {}
        for row in np.lexsort(keys).tolist():
            params = {**results["params"][row], self.resource: None}
            rows.setdefault(describe(params), row)
        return list(rows.values())

    def _params_beside_space(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {self.resource: params[self.resource]}

    def _settings_of_journal(self) -> dict[str, Any]:
        names = (
            "resource",
            "max_resource",
            "factor",
            "min_resource",
            "hyperband_iterations",
        )
        settings = {name: getattr(self, name) for name in names}
        return super()._settings_of_journal() | settings

    def _checked_subspaces(self) -> list[SubSpace]:
        # First: what names it would be taken for a part of the space.
        candidate = {self.resource: self.max_resource}
        check_parameter_names(self.estimator, candidate, named_by="resource")
        (subspace,) = super()._checked_subspaces()
        space = subspace.space
        names = {*space.example, *space.names.values()}
        taken = {self.resource, self._checkpoint} & names
        if taken:
            raise ValueError(
                f"search_spaces must leave {sorted(taken)} to HyperbandSearchCV, which "
                "sets it in each rung. Leave it out, and give what a function asks for "
                "another name."
            )
        subspace.n_trials = self.budget().n_trials
        return [subspace]

    def _check_settings(self) -> None:
        super()._check_settings()
        least = {"factor": 2, "min_resource": 1, "hyperband_iterations": 1}
        for name, bound in [("max_resource", 1), *least.items()]:
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < bound:
                raise ValueError(
                    f"{name} must be an integer of at least {bound}, got {value!r}."
                )
        if self.min_resource > self.max_resource:
            raise ValueError(
                "min_resource must be at most max_resource, got "
                f"{self.min_resource} and {self.max_resource}."
            )
        if self.best_of not in ("all", "last"):
            raise ValueError(f'best_of must be "all" or "last", got {self.best_of!r}.')
        if len(sub_spaces(self.search_spaces, 1)) > 1:
            raise ValueError(
                "search_spaces of HyperbandSearchCV must be one space, got several. A "
                "function of hp can choose among them."
            )
        entry = self.search_spaces
        if isinstance(entry, list) and isinstance(entry[0], tuple):
            raise ValueError(
                "search_spaces of HyperbandSearchCV comes without a number of trials, "
                f"got {entry[0][1]}. max_resource and factor decide how many there are."
            )
