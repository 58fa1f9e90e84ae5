"""The best trials in words."""

from typing import Any


def summary(search: Any, n: int) -> str:
    """Return what Keras Tuner's `results_summary` would print of a fitted search."""
    results = search.cv_results_
    metric = search._deciding_metric
    scores = results[f"mean_test_{metric}"].tolist()
    width = max(2, len(str(len(scores) - 1)))
    lines = [
        "Results summary",
        f"Results in {search.journal if search.journal is not None else 'cv_results_'}",
        f"Showing {n} best trials",
        f'Objective(name="{metric}", direction="max")',
    ]
    # Of a function as a space, what it asked for, as Keras Tuner prints.
    asked = [row for one in search.optimizer_results_ for row in one.hyperparameters]
    for row in search._rows_by_rank(metric, results)[:n]:
        values = asked[row] | search._params_beside_space(results["params"][row])
        lines += ["", f"Trial {row:0{width}d} summary", "Hyperparameters:"]
        lines += [f"{name}: {value}" for name, value in values.items()]
        lines.append(f"Score: {scores[row]}")
    return "\n".join(lines)
