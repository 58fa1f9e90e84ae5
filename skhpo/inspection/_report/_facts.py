"""What there is to say of a search in a line."""

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from .._labels import short_number
from .._trials import Trials


def summary_of(search: Any, trials: Trials, best: int) -> dict[str, str]:
    """Return the facts by their names, of which one is the best trial."""
    n_failed = int((~trials.has_score).sum())
    found = {
        "best score": f"{short_number(trials.scores[best])} ({trials.score_name})",
        "best trial": str(best),
        "trials": f"{len(trials.scores)}{f', {n_failed} failed' if n_failed else ''}",
        "splits": str(search.n_splits_),
        "estimator": _estimator(search.estimator),
        "data": _data(search),
        "time": _time(search, trials),
    }
    if getattr(search, "stopped_by_", None) is not None:
        found["ended early by"] = search.stopped_by_
    if getattr(search, "journal", None) is not None:
        found["journal"] = str(search.journal)
    return found


def best_row(search: Any, trials: Trials, metric: str | None) -> int:
    """Return which trial is the best: by the search's choice, if it went by the metric.

    Else it is that of the best score.
    """
    row = getattr(search, "best_index_", None)
    own = getattr(search, "objective_", None) or search.refit
    is_choice = metric is None or metric in (own, "score")
    if row is None or not is_choice or not trials.has_score[row]:
        row = np.nanargmax(trials.scores)
    return int(row)


def failures_of(search: Any, trials: Trials) -> list[tuple[str, str]]:
    """Return what failed, and of what."""
    failures = getattr(search, "failures_", None)
    if failures is not None:
        return [(f"trial {f.candidate}, split {f.split}", f.error) for f in failures]
    unknown = "scikit-learn's searches do not keep why. error_score='raise' tells."
    return [(f"trial {row}", unknown) for row in np.flatnonzero(~trials.has_score)]


def versions_of() -> dict[str, str]:
    """Return the versions of this package and of those that it needs."""
    found = {"Python": platform.python_version(), "platform": platform.platform()}
    try:
        needed = requires("skhpo") or []
    except PackageNotFoundError:
        # In a checkout that is not installed.
        return found
    own = [re.match(r"[\w.-]+", line)[0] for line in needed if "extra ==" not in line]
    return found | {name: version(name) for name in ["skhpo", *own]}


def _estimator(estimator: Any) -> str:
    if isinstance(estimator, Pipeline):
        return " → ".join(_estimator(step) for _, step in estimator.steps)
    return estimator if isinstance(estimator, str) else type(estimator).__name__


def _data(search: Any) -> str:
    """Return what is known of the data."""
    shape = getattr(search, "data_shape_", None)
    found = []
    if shape is not None:
        found.append(" by ".join(map(str, shape)))
    elif hasattr(search, "n_features_in_"):
        found.append(f"{search.n_features_in_} features")
    if hasattr(search, "classes_"):
        found.append(f"{len(search.classes_)} classes")
    return ", ".join(found) or "not known"


def _time(search: Any, trials: Trials) -> str:
    """Return what all fits took, as if one had followed the other."""
    seconds = 0.0 if trials.seconds is None else float(np.nansum(trials.seconds))
    text = f"{_duration(seconds)} for fits and scores"
    if hasattr(search, "refit_time_"):
        text += f", {_duration(search.refit_time_)} for the last fit"
    return text


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
