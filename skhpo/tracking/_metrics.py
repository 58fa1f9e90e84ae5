"""What trackers write of candidates, in numbers and short texts."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .._callbacks import CandidateReport, SearchReport


def final_metrics(report: CandidateReport) -> dict[str, float]:
    """Return the scores of a candidate, and what it took, by names of `cv_results_`.

    What is not a number is left out.
    """
    found = {"score": report.score}
    for name, scores in report.scores.items():
        found[f"mean_test_{name}"] = float(np.mean(scores))
        found[f"std_test_{name}"] = float(np.std(scores))
        found |= {f"split{k}_test_{name}": score for k, score in enumerate(scores)}
    found["seconds"] = sum(report.seconds)
    usages = [fit.usage for fit in report.fits if fit is not None]
    if usages:
        found["cpu_seconds"] = sum(usage["cpu_seconds"] for usage in usages)
    for name in ("memory_mb", "gpu_memory_mb"):
        most = [usage[name] for usage in usages if name in usage]
        if most:
            found[name] = max(most)
    return {name: value for name, value in found.items() if math.isfinite(value)}


def curves(report: CandidateReport) -> Iterator[tuple[int, str, list[float]]]:
    """Yield for each fold and metric of a network the values by epoch."""
    for fold, fit in enumerate(report.fits):
        if fit is not None:
            for name, values in fit.history.items():
                yield fold, name, values


def first_error(report: CandidateReport) -> str | None:
    """Return the traceback of the first fold that failed."""
    return next((error for error in report.errors if error is not None), None)


def description_of(search: Any, report: SearchReport) -> dict[str, str]:
    """Return what there is to say of a search before its first candidate.

    The dimensions of several spaces have names that tell them apart.
    """
    found = {
        "search": type(search).__name__,
        "direction": "maximize",
        "n_candidates": str(report.n_candidates),
        "n_splits": str(report.n_splits),
    }
    if report.journal is not None:
        found["journal"] = report.journal
    for number, space in enumerate(report.spaces):
        which = f"space{number}" if len(report.spaces) > 1 else "space"
        found |= {f"{which}.{name}": text for name, text in space.items()}
    return found


def best_of(search: Any, scores: Mapping[int, float]) -> tuple[int, float]:
    """Return the number of the best candidate, by the search's choice, and its score.

    `scores` are those of all candidates, and decide where the search did not.
    """
    known = {number: s for number, s in scores.items() if math.isfinite(s)}
    number = getattr(search, "best_index_", None)
    if number is None:
        number = max(known, key=known.__getitem__, default=min(scores))
    return int(number), float(getattr(search, "best_score_", scores[int(number)]))
