"""What a fitted search tells of its trials, read from its results.

Every Display reads by this module, and knows nothing else of a search.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._compat import BaseSearchCV
from ._labels import short_names


@dataclass(frozen=True)
class Trials:
    """The trials of one search, in the order in which they stand in `cv_results_`.

    Attributes
    ----------
    columns : dict of str to masked ndarray of object, each of shape (n_trials,)
        The values of each hyperparameter by its full name, masked in trials without it.
        Those of a search of ours over a function are what the function asked for, not
        what it made of that: a number of layers, and not a tuple of them.

    scores : ndarray of shape (n_trials,), dtype=float64
        Greater is better; NaN where a trial failed.

    score_name : str
        What an axis calls them.

    seconds : ndarray of shape (n_trials,) or None
        What fitting and scoring took, over all splits.

    resource : str or None
        The name of what rungs spend.

    resources : ndarray of shape (n_trials,) or None
        How much of it each trial had got.

    brackets : ndarray of shape (n_trials,), dtype=int64
        The bracket of each trial; all 0 where there are none.

    best : int
        The row of the best trial: what the search chose, by the metric that it went by,
        else the one with the greatest score.

    is_log : dict of str to bool
        Of hyperparameters by their full names, whether they were searched on a
        logarithmic scale, where that is known.
    """

    columns: dict[str, np.ma.MaskedArray]
    scores: np.ndarray
    score_name: str
    seconds: np.ndarray | None
    resource: str | None
    resources: np.ndarray | None
    brackets: np.ndarray
    best: int
    is_log: dict[str, bool]

    @cached_property
    def labels(self) -> dict[str, str]:
        """Short names by full names."""
        return short_names(list(self.columns))

    @property
    def has_score(self) -> np.ndarray:
        """Which trials did not fail."""
        return np.isfinite(self.scores)

    def pick(self, params: str | Sequence[str] | None) -> list[str]:
        """Return the full names of hyperparameters given by full or short names.

        None picks those that differ between trials.
        """
        if params is None:
            return [name for name, values in self.columns.items() if differ(values)]
        full = {label: name for name, label in self.labels.items()}
        asked = [params] if isinstance(params, str) else list(params)
        names = [name if name in self.columns else full.get(name) for name in asked]
        unknown = [
            name for name, found in zip(asked, names, strict=True) if found is None
        ]
        if unknown:
            raise ValueError(
                f"params must name hyperparameters of the search, got {unknown}. "
                f"There are {sorted(self.columns)}."
            )
        return names

    def log_scaled(self, names: Sequence[str]) -> dict[str, bool]:
        """Return what is known of scales by the short names of hyperparameters."""
        return {self.labels[n]: self.is_log[n] for n in names if n in self.is_log}

    def labelled(self, names: Sequence[str]) -> dict[str, np.ma.MaskedArray]:
        """Return columns by their short names."""
        return {self.labels[name]: self.columns[name] for name in names}


def read_trials(
    search: Any, metric: str | None = None, resource: str | None = None
) -> Trials:
    """Return the trials of a fitted search, or of its `cv_results_`.

    Parameters
    ----------
    search : estimator or mapping
        A fitted search, its `cv_results_`, or a DataFrame of them.

    metric : str or None, default=None
        Which of several metrics.

    resource : str or None, default=None
        The parameter that counts as what trials spend. None takes the column
        ``n_resources``, if there is one.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the search was not fitted.

    TypeError
        If there are no `cv_results_`.

    ValueError
        If there is no such metric or resource, or if all trials failed.
    """
    results = results_of(search)
    own = _own_metric(results, search)
    metric = own if metric is None else metric
    scores = _scores(results, metric)
    chosen = getattr(search, "best_index_", None) if metric == own else None
    columns = _columns(results)
    name, resources = _resources(results, columns, search, resource, len(scores))
    # A resource that is one of the parameters is not among what a function asked for.
    if "n_resources" in results or resource is None:
        params = columns
        columns = _by_name(_asked_for(search)) or params
        if name in params:
            columns[name] = params[name]
    if name is not None and name not in columns and differ(np.ma.asarray(resources)):
        # As `n_samples` of scikit-learn's halving, of which models must know.
        columns[name] = np.ma.asarray(resources.astype(object))
    return Trials(
        columns=columns,
        scores=scores,
        score_name=_score_name(metric, search),
        seconds=_seconds(results),
        resource=name,
        resources=resources,
        brackets=np.asarray(results["bracket"])
        if "bracket" in results
        else np.zeros(len(scores), dtype=np.int64),
        best=_best(scores, chosen),
        is_log={k: v for k, v in _searched_scales(search).items() if k in columns},
    )


def _scores(results: Any, metric: str | None) -> np.ndarray:
    """Return the scores of trials, NaN where they are not finite."""
    if metric not in metrics_of(results):
        raise ValueError(
            f"metric must be one of those of the search, got {metric!r}. There are "
            f"{sorted(metrics_of(results))}."
        )
    scores = np.asarray(results[f"mean_test_{metric}"], dtype=np.float64)
    scores = np.where(np.isfinite(scores), scores, np.nan)
    if np.isnan(scores).all():
        raise ValueError(
            f"at least one trial must have a score, got {len(scores)} trials whose "
            f"{metric!r} is not finite. A search with error_score='raise' tells why "
            "they fail."
        )
    return scores


def _best(scores: np.ndarray, chosen: int | None) -> int:
    # What a callable chose may have failed.
    if chosen is None or np.isnan(scores[chosen]):
        return int(np.nanargmax(scores))
    return int(chosen)


def differ(values: np.ma.MaskedArray) -> bool:
    """Tell whether not all of the values are the same, absence being a value too."""
    absent = np.ma.getmaskarray(values)
    present = values.compressed()
    if not len(present) or absent.any():
        return len(present) > 0
    first = repr(present[0])
    return any(value is not present[0] and repr(value) != first for value in present)


def floor_of(scores: np.ndarray) -> float:
    """Return what counts as the lowest score: those below are far out.

    One network that diverged would else decide alone on limits, colours and models.
    That is Tukey's outer fence: the lower quartile less three interquartile ranges.
    """
    finite = scores[np.isfinite(scores)]
    low, high = np.quantile(finite, [0.25, 0.75])
    # Of scores mostly equal, none is out of the ordinary.
    fence = low - 3 * (high - low) if high > low else -np.inf
    return float(finite[finite >= fence].min())


def is_number(value: Any) -> bool:
    """Tell whether a value stands for a place on a line: not True, not NaN."""
    return (
        isinstance(value, Real)
        and not isinstance(value, bool | np.bool_)
        and bool(np.isfinite(float(value)))
    )


def results_of(search: Any) -> Any:
    """Return the `cv_results_` of a fitted search, or those that were given."""
    if is_results(search):
        return search
    if isinstance(search, Mapping):
        raise ValueError(
            "cv_results_ must have a column 'mean_test_score', or 'mean_test_' and the "
            f"name of a metric, got {sorted(map(str, search))}."
        )
    if hasattr(search, "cv_results_"):
        return search.cv_results_
    if isinstance(search, BaseSearchCV):
        check_is_fitted(search)
    raise TypeError(
        "search must be a fitted search that has cv_results_, or those results, got "
        f"{type(search).__name__}. GridSearchCV, RandomizedSearchCV and the searches "
        "of skhpo have them."
    )


def is_results(search: Any) -> bool:
    """Tell whether something is `cv_results_`, as a dictionary or as a DataFrame."""
    return hasattr(search, "keys") and bool(metrics_of(search))


def metrics_of(results: Any) -> list[str]:
    """Return the names of the metrics in `cv_results_`."""
    found = (re.fullmatch("mean_test_(.+)", str(key)) for key in results.keys())  # noqa: SIM118
    return [match[1] for match in found if match]


def _own_metric(results: Any, search: Any) -> str | None:
    """Return the metric that the search went by, None if it is not known."""
    metrics = metrics_of(results)
    if len(metrics) == 1:
        return metrics[0]
    chosen = [getattr(search, name, None) for name in ("objective_", "refit")]
    return next((c for c in chosen if isinstance(c, str) and c in metrics), None)


def _score_name(metric: str, search: Any) -> str:
    scoring = getattr(search, "scoring", None)
    name = scoring if metric == "score" and isinstance(scoring, str) else metric
    return re.sub("^neg_", "negative ", name).replace("_", " ")


def _columns(results: Any) -> dict[str, np.ma.MaskedArray]:
    """Return the values of each hyperparameter, masked where a trial has none."""
    params = list(results.get("params", []))
    if params and all(isinstance(row, Mapping) for row in params):
        return _by_name(params)
    # As in a table that was saved and read again, where `params` are text.
    columns = {}
    for key in results.keys():  # noqa: SIM118
        if str(key).startswith("param_"):
            values = results[key]
            absent = np.ma.getmaskarray(np.ma.asarray(values)) | np.array(
                [isinstance(value, float) and np.isnan(value) for value in values]
            )
            data = np.asarray(values, dtype=object)
            columns[key.removeprefix("param_")] = _masked(list(data), absent)
    return columns


def _asked_for(search: Any) -> list[Mapping[str, Any]]:
    """Return what each trial of a search of ours has of its space; none of others."""
    return [row for one in _results_of_spaces(search) for row in one.hyperparameters]


def _results_of_spaces(search: Any) -> list[Any]:
    found = getattr(search, "optimizer_results_", [])
    # scikit-optimize's do not tell what of ours do.
    return [result for result in found if "hyperparameters" in result]


def _searched_scales(search: Any) -> dict[str, bool]:
    """Return for intervals of the spaces of a search of ours if they are logarithmic.

    Two of one name that differ in that are left out, and so are lists of numbers, whose
    order alone is searched.
    """
    found: dict[str, set[bool]] = {}
    for result in _results_of_spaces(search):
        space = result.space
        for name, dimension in zip(space.given_names, space.dimensions, strict=True):
            if hasattr(dimension, "log"):
                found.setdefault(name, set()).add(dimension.log)
    return {name: scales.pop() for name, scales in found.items() if len(scales) == 1}


def _by_name(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ma.MaskedArray]:
    # In the order in which they were given, which `param_` columns keep too.
    names = dict.fromkeys(name for row in rows for name in row)
    return {
        name: _masked(
            [row.get(name) for row in rows], [name not in row for row in rows]
        )
        for name in names
    }


def _masked(values: Sequence[Any], absent: Sequence[bool]) -> np.ma.MaskedArray:
    # One by one, since NumPy would make a second axis of tuples.
    data = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        data[row] = value
    return np.ma.array(data, mask=np.asarray(absent, dtype=bool))


def _resources(
    results: Any,
    columns: dict[str, Any],
    search: Any,
    resource: str | None,
    n_trials: int,
) -> tuple[str | None, np.ndarray | None]:
    """Return the name of what trials spend, and how much each had got of it."""
    own_name = getattr(search, "resource", None)
    if "n_resources" in results and resource in (None, own_name):
        found = np.asarray(results["n_resources"], dtype=np.float64)
        if isinstance(own_name, str):
            return own_name, found
        equal = (name for name, values in columns.items() if _equal(values, found))
        return next(equal, "n_resources"), found
    if resource is None:
        return None, None
    # Where no trial sets it, all have that of the estimator.
    estimator = getattr(search, "estimator", None)
    default = estimator.get_params().get(resource) if estimator is not None else None
    full = {label: name for name, label in short_names(list(columns)).items()}
    name = resource if resource in columns else full.get(resource, resource)
    values = (
        columns[name].filled(default)
        if name in columns
        else np.full(n_trials, default, dtype=object)
    )
    if not all(is_number(value) for value in values):
        raise ValueError(
            "resource must be a parameter that is a number in all trials, got "
            f"{resource!r}. The trials set {sorted(columns)}."
        )
    return name, values.astype(np.float64)


def _equal(values: np.ma.MaskedArray, numbers: np.ndarray) -> bool:
    """Tell whether a hyperparameter has just these values."""
    return not np.ma.getmaskarray(values).any() and all(
        is_number(value) and value == number
        for value, number in zip(values.data, numbers, strict=True)
    )


def _seconds(results: Any) -> np.ndarray | None:
    if "mean_fit_time" not in results:
        return None
    means = np.asarray(results["mean_fit_time"], dtype=np.float64)
    if "mean_score_time" in results:
        means = means + np.asarray(results["mean_score_time"], dtype=np.float64)
    keys = map(str, results.keys())
    splits = [key for key in keys if re.fullmatch(r"split\d+_test_.+", key)]
    return means * max(1, len(splits) // len(metrics_of(results)))
