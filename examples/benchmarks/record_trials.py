"""Train random settings and record their scores: the tables of `samplers.py`.

    python examples/benchmarks/record_trials.py digits_mlp fashion_cnn --rows 600

One line of JSON per setting is appended to ``trials/NAME.jsonl``. Setting number i is
drawn from seed i, so a run goes on where the last one ended. A fit that failed has the
score null and its error.
"""

import argparse
import functools
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from spaces import SPACES, setting_at

TRIALS = Path(__file__).parent / "trials"
SCALERS = {"standard": StandardScaler(), "minmax": MinMaxScaler(), "none": None}


def digits_mlp(setting, seed):
    """Return the mean accuracy of an MLP on three folds of digits."""
    from skhpo import KerasMLP

    X, y = load_digits(return_X_y=True)
    network = KerasMLP(
        hidden_layer_sizes=per_layer(setting, "units"),
        dropout=per_layer(setting, "dropout"),
        activation=setting["activation"],
        momentum=setting.get("momentum", 0.9),
        epochs=10,
        random_state=seed,
        **pick(setting, "optimizer", "learning_rate", "batch_size", "l2"),
    )
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    X = (X / 16).astype(np.float32)
    return cross_val_score(network, X, y, cv=folds, error_score="raise").mean()


@functools.cache
def fashion():
    from skhpo.datasets import fetch_fashion_mnist

    images, y = fetch_fashion_mnist(return_X_y=True)
    return (images[:10_000] / 255).astype(np.float32), y[:10_000]


def fashion_cnn(setting, seed):
    """Return the accuracy of a CNN on 2,000 images after 2 epochs on 8,000 others."""
    from skhpo import KerasCNN

    X, y = fashion()
    n_blocks = setting["blocks"]
    network = KerasCNN(
        filters=per_layer(setting, "filters"),
        kernel_size=per_layer(setting, "kernel"),
        dropout=per_layer(setting, "dropout"),
        # Steps of two at first, so that one setting takes seconds.
        strides=(2, 1)[:n_blocks],
        pool_size=(1, 2)[:n_blocks],
        dense_layer_sizes=setting["dense_units"],
        epochs=2,
        random_state=seed,
        **pick(setting, "padding", "optimizer", "learning_rate", "batch_size"),
    )
    return network.fit(X[:8000], y[:8000]).score(X[8000:], y[8000:])


def other(setting, seed):
    """Return the mean R² of gradient boosting on five folds of diabetes."""
    X, y = load_diabetes(return_X_y=True)
    parameters = {name: value for name, value in setting.items() if name != "shape"}
    model = HistGradientBoostingRegressor(random_state=seed, **parameters)
    return cross_val_score(model, X, y, cv=5, error_score="raise").mean()


def kernel_ridge(setting, seed):
    """Return the mean R² of kernel ridge regression on five folds of diabetes."""
    X, y = load_diabetes(return_X_y=True)
    own = ("scaler", "components")
    parameters = {name: value for name, value in setting.items() if name not in own}
    model = make_pipeline(
        SCALERS[setting["scaler"]],
        PCA(setting["components"], random_state=seed),
        KernelRidge(**parameters),
    )
    # Kernel ridge regression has no intercept.
    scores = cross_val_score(model, X, y - y.mean(), cv=5, error_score="raise")
    # Polynomials can be wrong by any amount: below -1 all are alike.
    return max(scores.mean(), -1.0)


def per_layer(setting, prefix):
    names = (f"{prefix}_{layer}" for layer in (1, 2, 3))
    return tuple(setting[name] for name in names if name in setting)


def pick(setting, *names):
    return {name: setting[name] for name in names}


def record(name, n_rows, evaluate):
    path = TRIALS / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    written = path.read_text() if path.exists() else ""
    # What a kill left half written goes.
    whole = written[: written.rfind("\n") + 1]
    path.write_text(whole)
    n_done = whole.count("\n")
    space = SPACES[name]
    for seed in range(n_done, n_rows):
        setting = setting_at(
            space, np.random.default_rng(seed).uniform(size=len(space))
        )
        row = {
            "seed": seed,
            "setting": setting,
            **outcome(evaluate, setting, seed),
        }
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")


def outcome(evaluate, setting, seed):
    start = time.perf_counter()
    try:
        found = {"score": round(float(evaluate(setting, seed)), 6), "error": None}
    except ValueError as error:
        message = str(error).splitlines()[0][:200]
        found = {"score": None, "error": f"{type(error).__name__}: {message}"}
    return found | {"seconds": round(time.perf_counter() - start, 2)}


def use_one_thread():
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="+", choices=SPACES)
    parser.add_argument("--rows", type=int, default=600)
    arguments = parser.parse_args()
    if not {"other", "kernel_ridge"} >= set(arguments.tables):
        use_one_thread()
    for name in arguments.tables:
        record(name, arguments.rows, globals()[name])


if __name__ == "__main__":
    main()
