"""What the searches have in common: oracles propose, scikit-learn evaluates."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted

from .._callbacks import with_callbacks
from .._compat import BaseSearchCV, DocumentationLinkMixin, validate_parameters
from ._cross_validation import CrossValidation, check_objective
from ._ending import Ending
from ._loop import Loop, SubSpace
from ._oracles import Oracle
from ._parameter_names import check_parameter_names
from ._results import check_callbacks
from ._space import read, sub_spaces
from ._summary import summary


class OracleSearchCV(DocumentationLinkMixin, BaseSearchCV):
    """A search whose candidates an oracle proposes.

    Subclasses say which (`_new_oracle`), and what beside the parameters of all searches
    decides what it finds (`_settings_of_journal`).
    """

    # `callback` is not for the estimator, and `groups` is routed as it always was.
    __metadata_request__fit = {"callback": UNUSED}

    # Of searches that do not have them as parameters.
    n_points = 1
    n_iter = 1

    def __init__(
        self,
        estimator: Any,
        search_spaces: Any,
        *,
        scoring: Any,
        n_jobs: int | None,
        refit: bool | str | Callable,
        cv: Any,
        verbose: int,
        pre_dispatch: int | str,
        random_state: int | np.random.RandomState | None,
        error_score: str | float,
        return_train_score: bool,
        objective: str | None,
        timeout: float | None,
        patience: int | None,
        journal: Any,
        callbacks: Any,
    ):
        self.search_spaces = search_spaces
        self.random_state = random_state
        self.objective = objective
        self.timeout = timeout
        self.patience = patience
        self.journal = journal
        self.callbacks = callbacks
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

    @with_callbacks
    def fit(
        self, X: Any, y: Any = None, *, callback: Any = None, **params: Any
    ) -> Self:
        """Search, and fit the estimator with the best candidate.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The samples, as the estimator takes them.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            The targets, None for an estimator that has none.

        callback : callable, list of callable or None, default=None
            More callbacks, for this search alone; see the parameter `callbacks`.

        **params : dict of str to object
            Parameters for `fit` of the estimator, the splitter (`groups`) and the
            scorer. What has as many entries as there are samples is split with them.

        Returns
        -------
        self : object
            The search, fitted.

        Raises
        ------
        ValueError
            If a parameter breaks a rule, before the first fit; or if all fits fail, or
            those of the first ten trials.

        skhpo.exceptions.JournalError
            If `journal` is of another search, damaged, or in use.
        """
        validate_parameters(self)
        callbacks = check_callbacks(self.callbacks) + check_callbacks(callback)
        subspaces = self._checked_subspaces()
        with ExitStack() as resources:
            ending = resources.enter_context(Ending(self.timeout, self.patience))
            loop = Loop(self, subspaces, callbacks, ending, resources)
            validation = CrossValidation.of(self, loop.run, loop.n_trials)
            validation.fit_data(X, y, params)
        self._take_over(validation, loop)
        validation.end()
        return self

    @property
    def total_iterations(self) -> int:
        """Number of trials over all spaces, at most.

        There are fewer where a space has not that many candidates, and where the search
        ends early.
        """
        spaces = sub_spaces(self.search_spaces, self.n_iter)
        return sum(n_trials for _, n_trials in spaces)

    def results_summary(self, n: int = 10) -> None:
        """Print the best trials, best first, in the words of Keras Tuner.

        Parameters
        ----------
        n : int, default=10
            How many.
        """
        check_is_fitted(self)
        _check_positive(n, "n")
        print(summary(self, n))

    def top_estimators(
        self, k: int = 3, X: Any = None, y: Any = None, **params: Any
    ) -> list[Any]:
        """Return estimators with the best candidates, best first.

        Parameters
        ----------
        k : int, default=3
            How many. There are fewer if fewer trials have a score.

        X : array-like or None, default=None
            Samples to fit them on; None returns them unfitted.

        y : array-like or None, default=None
            The targets.

        **params : dict of str to object
            Parameters for `fit` of the estimators.

        Returns
        -------
        list of estimator
            Clones of `estimator`.
        """
        check_is_fitted(self)
        _check_positive(k, "k")
        results, metric = self.cv_results_, self._deciding_metric
        scores = results[f"mean_test_{metric}"]
        best = [
            i for i in self._rows_by_rank(metric, results) if not np.isnan(scores[i])
        ]
        estimators = [
            clone(self.estimator).set_params(**clone(results["params"][i], safe=False))
            for i in best[:k]
        ]
        if X is not None:
            targets = () if y is None else (y,)
            for estimator in estimators:
                estimator.fit(X, *targets, **params)
        return estimators

    def _settings_of_journal(self) -> dict[str, Any]:
        """Return what else decides what the search finds, for its journal."""
        names = ("error_score", "objective", "refit", "return_train_score", "scoring")
        return {name: getattr(self, name) for name in names}

    def _settings_of_subspace(self, subspace: SubSpace) -> dict[str, Any]:  # noqa: ARG002
        """Return what else decides what is found in one space, for the journal."""
        return {}

    def _search_space(self, loop: Loop, subspace: SubSpace, seed: int) -> None:
        """Evaluate the trials of a space, by and by, and tell the oracle of each."""
        origin = f"space {subspace.number}"
        with self._new_oracle(subspace, seed) as oracle:
            while (
                len(subspace.trials) < subspace.n_trials and not loop.ending.is_over()
            ):
                n_asked = min(self.n_points, subspace.n_trials - len(subspace.trials))
                trials = loop.ask(oracle, n_asked, origin)
                if not trials:
                    return
                scores = loop.evaluate(subspace, trials, origin)
                for trial, score in zip(trials, scores, strict=True):
                    oracle.tell(trial, score)

    def _new_oracle(
        self, subspace: SubSpace, seed: int
    ) -> AbstractContextManager[Oracle]:
        """Return what proposes candidates for one space."""
        raise NotImplementedError

    def _params_beside_space(self, params: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Return those parameters of a trial that the search itself sets."""
        return {}

    @property
    def _deciding_metric(self) -> str:
        """What tells which candidates are best."""
        named = self.multimetric_ and isinstance(self.refit, str)
        return self.refit if named else self.objective_ or "score"

    def _rows_by_rank(self, metric: str, results: Mapping[str, Any]) -> list[int]:
        """Return the rows of `cv_results_`, one for each candidate, best first."""
        return np.argsort(results[f"rank_test_{metric}"], kind="stable").tolist()

    def _draw_seeds(self, n: int) -> list[int]:
        """Return a seed for each space."""
        # From 1, since Keras Tuner takes 0 for none.
        random = check_random_state(self.random_state)
        return random.randint(1, np.iinfo(np.int32).max, size=n).tolist()

    def _checked_subspaces(self) -> list[SubSpace]:
        """Return each space with its number of trials, after all that can be checked.

        It comes before the first fit.
        """
        if isinstance(self.estimator, type):
            raise TypeError(
                f"estimator must be an instance, got the class {self.estimator!r}. "
                f"Write {self.estimator.__name__}()."
            )
        self._check_settings()
        if isinstance(self.scoring, list | tuple | set | dict):
            check_objective(list(self.scoring), self.refit, self.objective)
        elif self.objective is not None and not callable(self.scoring):
            raise ValueError(
                f"objective names one of several metrics, got {self.objective!r} with "
                f"scoring={self.scoring!r}, which is one. Leave it out."
            )
        subspaces = [
            SubSpace(number, space, read(space), n_trials)
            for number, (space, n_trials) in enumerate(
                sub_spaces(self.search_spaces, self.n_iter)
            )
        ]
        for subspace in subspaces:
            check_parameter_names(self.estimator, subspace.space.example)
        return subspaces

    def _check_settings(self) -> None:
        """Raise for a parameter that breaks a rule."""
        _check_positive(self.n_points, "n_points")
        timeout, patience = self.timeout, self.patience
        if timeout is not None and not (isinstance(timeout, Real) and timeout > 0):
            raise ValueError(
                f"timeout must be a positive number of seconds or None, got {timeout!r}"
            )
        if patience is not None and not (
            isinstance(patience, Integral) and patience >= 1
        ):
            raise ValueError(
                "patience must be an integer number of trials of at least 1 or None, "
                f"got {patience!r}."
            )

    def _take_over(self, validation: CrossValidation, loop: Loop) -> None:
        """Take over what the evaluation found, as attributes of one's own."""
        for name, value in vars(validation).items():
            if name.endswith("_") and not name.startswith("_"):
                setattr(self, name, value)
        if self.refit:
            self.best_estimator_ = self.best_estimator_.estimator
        self.scorer_ = validation.scorers
        self.failures_ = validation.failures
        self.stopped_by_ = loop.ending.reason
        self.optimizer_results_ = [
            subspace.result for subspace in loop.subspaces if subspace.trials
        ]
        self.objective_ = loop.metric
        if self.multimetric_ and not self.refit:
            # scikit-learn would not know which of the metrics decides.
            results = self.cv_results_
            self.best_index_, *_ = self._rows_by_rank(self.objective_, results)
            self.best_params_ = results["params"][self.best_index_]
            scores = results[f"mean_test_{self.objective_}"]
            self.best_score_ = scores[self.best_index_]


def _check_positive(value: Any, name: str) -> None:
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {value!r}.")
