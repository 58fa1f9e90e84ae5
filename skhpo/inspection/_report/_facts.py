"""What there is to say of a search in a line."""

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from .._labels import short_number
from .._trials import Trials

# Of what failed of one error, so many are named.
MOST_NAMED = 5


def summary_of(search: Any, trials: Trials) -> dict[str, str]:
    """Return the facts by their names."""
    n_failed = int((~trials.has_score).sum())
    best_score = short_number(trials.scores[trials.best])
    found = {
        "best score": f"{best_score} ({trials.score_name})",
        "best trial": str(trials.best),
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


def failures_of(search: Any, trials: Trials) -> list[tuple[str, str]]:
    """Return what failed, and of what."""
    unknown = "scikit-learn's searches do not keep why. error_score='raise' tells."
    failed = np.flatnonzero(~trials.has_score)
    found = [(f"trial {row}", unknown) for row in failed]
    if getattr(search, "failures_", None) is not None:
        found = [
            (f"trial {f.candidate}, split {f.split}", f.error) for f in search.failures_
        ]
    # Hundreds may fail of one error, which is told once.
    by_error: dict[str, list[str]] = {}
    for what, error in found:
        by_error.setdefault(error, []).append(what)
    return [(_shortened(whats), error) for error, whats in by_error.items()]


def _shortened(whats: list[str]) -> str:
    more = len(whats) - MOST_NAMED
    return "; ".join(whats[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


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
