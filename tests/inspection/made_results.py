"""Results of searches that never ran, whose scores follow a formula."""

import numpy as np


def made_results(n_trials=40, *, failed=(), metrics=("score",), seed=0):
    """Return `cv_results_` of a conditional space, of numbers and of categories.

    The score depends on the learning rate, less on the momentum that only one of the
    optimizers has, and on nothing else.
    """
    random = np.random.RandomState(seed)
    params = [drawn_params(random) for _ in range(n_trials)]
    scores = np.array([score_of(row) for row in params])
    scores[list(failed)] = np.nan
    return results_of(params, scores, metrics)


def drawn_params(random):
    params = {
        "net__learning_rate": 10 ** random.uniform(-4, -1),
        "net__hidden_layer_sizes": [(64,), (128,), (128, 64)][random.randint(3)],
        "net__activation": [None, np.tanh, "relu"][random.randint(3)],
        "net__depth": int(random.randint(1, 21)),
        "net__optimizer": ["adam", "sgd"][random.randint(2)],
    }
    if params["net__optimizer"] == "sgd":
        params["net__momentum"] = random.uniform()
    return params


def score_of(params):
    rate = np.log10(params["net__learning_rate"])
    return 0.9 - 0.1 * (rate + 2) ** 2 + 0.05 * params.get("net__momentum", 0.5)


def results_of(params, scores, metrics=("score",)):
    """Return `cv_results_` with two equal splits, each fit of which takes a second."""
    results = {"params": list(params)}
    for name in dict.fromkeys(name for row in params for name in row):
        column = np.ma.masked_all(len(params), dtype=object)
        for row, values in enumerate(params):
            if name in values:
                # A tuple is one value.
                column[row : row + 1] = np.ma.array([None], dtype=object)
                column.data[row] = values[name]
        results[f"param_{name}"] = column
    results["mean_fit_time"] = np.ones(len(params))
    results["mean_score_time"] = np.zeros(len(params))
    for place, metric in enumerate(metrics):
        values = np.asarray(scores, dtype=float) - place
        for name in ("split0_test", "split1_test", "mean_test"):
            results[f"{name}_{metric}"] = values
    return results


def made_rungs(*, failed=()):
    """Return results of two brackets: 4, 2 and 1 candidates; then 2 and 1.

    Candidate number k has the score k, and as much more as it has epochs.
    """
    rows = [
        (bracket, rung, epochs, rate)
        for bracket, rungs in enumerate(
            [[(1, (1, 2, 3, 4)), (2, (3, 4)), (4, (4,))], [(2, (7, 8)), (4, (8,))]]
        )
        for rung, (epochs, rates) in enumerate(rungs)
        for rate in rates
    ]
    scores = np.array([rate + epochs for _, _, epochs, rate in rows], dtype=float)
    scores[list(failed)] = np.nan
    results = results_of(
        [{"rate": rate, "epochs": epochs} for _, _, epochs, rate in rows], scores
    )
    brackets, rungs, epochs, _ = map(np.array, zip(*rows, strict=True))
    return {"bracket": brackets, "rung": rungs, "n_resources": epochs} | results
