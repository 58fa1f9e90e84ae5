"""How fast we train, beside Keras, SciKeras, scikit-learn and PyTorch.

    pip install ".[bench]" && python examples/benchmarks/training.py --json out.json

Contenders of a row take turns in one run; the table has the median of the seconds of
each and the median ratio. A floor is what we promise; a row that misses it says so.
Rows on Fashion-MNIST need its files (see ``skhpo.datasets``); ``--rows`` picks some.
"""

import argparse
import functools
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import psutil
import tensorflow as tf
from joblib import parallel_config
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

import skhpo
from skhpo import KerasClassifier, KerasCNN, KerasMLP
from skhpo.datasets import fetch_fashion_mnist

GRID = {"hidden_layer_sizes": [(32,), (64,), (128,)], "learning_rate": [1e-2, 1e-3]}


def seconds(function):
    """Return the seconds that a call takes."""
    gc.collect()
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@functools.cache
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


@functools.cache
def fashion():
    images, y = fetch_fashion_mnist(return_X_y=True)
    return (images[:20_000] / 255).astype(np.float32), y[:20_000]


def build(units=350, learning_rate=1e-3, n_features=784):
    """Return what a user of Keras writes."""
    model = keras.Sequential(
        [
            keras.Input((n_features,)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.Adam(learning_rate)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def build_image_model():
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def our_grid(n_jobs=None):
    estimator = KerasMLP(epochs=10, random_state=0)
    GridSearchCV(estimator, GRID, cv=3, n_jobs=n_jobs).fit(*digits())


def scikeras_grid():
    from scikeras import wrappers

    estimator = wrappers.KerasClassifier(
        functools.partial(build, n_features=64), epochs=10, verbose=0, batch_size=32
    )
    grid = {
        "model__units": [32, 64, 128],
        "model__learning_rate": GRID["learning_rate"],
    }
    GridSearchCV(estimator, grid, cv=3).fit(*digits())


def scikit_learn_grid():
    grid = {
        "hidden_layer_sizes": GRID["hidden_layer_sizes"],
        "learning_rate_init": GRID["learning_rate"],
    }
    GridSearchCV(scikit_learn_mlp(), grid, cv=3).fit(*digits())


def scikit_learn_mlp(**settings):
    return MLPClassifier(
        max_iter=10, batch_size=32, n_iter_no_change=10, random_state=0, **settings
    )


def in_new_process(name):
    """Return the seconds of a grid in a process that has trained nothing yet."""
    code = (
        "import warnings; warnings.simplefilter('ignore')\n"
        f"import runpy; b = runpy.run_path({__file__!r})\n"
        f"b['digits'](); print(b['seconds'](b[{name!r}]))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    return float(output.split()[-1])


def torch_epochs(batch_size, n_epochs):
    """Return a function that trains the MLP by a hand-written loop of PyTorch."""
    import torch

    torch.manual_seed(0)
    X, y = fashion()
    X, y = torch.from_numpy(X), torch.from_numpy(y.astype(np.int64))
    model = torch.nn.Sequential(
        torch.nn.Linear(784, 350), torch.nn.ReLU(), torch.nn.Linear(350, 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    loss_of = torch.nn.CrossEntropyLoss()

    def train():
        for _ in range(n_epochs):
            for rows in torch.randperm(len(X)).split(batch_size):
                optimizer.zero_grad()
                loss_of(model(X[rows]), y[rows]).backward()
                optimizer.step()

    return train


def epoch_seconds(fit, n_epochs=3):
    """Return the seconds of one epoch, by the difference of two numbers of them."""
    return (seconds(lambda: fit(1 + n_epochs)) - seconds(lambda: fit(1))) / n_epochs


def mlp_epoch(batch_size):
    X, y = fashion()
    ours = KerasMLP(350, batch_size=batch_size, random_state=0)
    model = build()
    ours.set_params(epochs=1).fit(X, y)
    model.fit(X, y, batch_size=batch_size, verbose=0)
    torch_epochs(batch_size, 1)()
    return {
        "skhpo": lambda: epoch_seconds(lambda n: ours.set_params(epochs=n).fit(X, y)),
        "Model.fit": lambda: epoch_seconds(
            lambda n: model.fit(X, y, batch_size=batch_size, epochs=n, verbose=0)
        ),
        "PyTorch": lambda: epoch_seconds(lambda n: torch_epochs(batch_size, n)()),
    }


def cnn_epoch():
    X, y = fashion()
    images = X.reshape(-1, 28, 28, 1)
    ours = KerasCNN(random_state=0, epochs=1).fit(images, y)
    model = build_image_model()
    model.fit(images, y, verbose=0)
    return {
        "skhpo": lambda: epoch_seconds(
            lambda n: ours.set_params(epochs=n).fit(images, y), 1
        ),
        "Model.fit": lambda: epoch_seconds(
            lambda n: model.fit(images, y, epochs=n, verbose=0), 1
        ),
    }


def new_architecture():
    """A fit of sizes that no fit had before, tracing included.

    scikit-learn traces nothing, and is faster at it.
    """
    X, y = digits()
    sizes = iter(range(40, 1000))
    return {
        "skhpo": lambda: seconds(
            lambda: KerasMLP(next(sizes), epochs=10, random_state=0).fit(X, y)
        ),
        "Model.fit": lambda: seconds(
            lambda: build(next(sizes), n_features=64).fit(X, y, epochs=10, verbose=0)
        ),
        "MLPClassifier": lambda: seconds(
            lambda: scikit_learn_mlp(hidden_layer_sizes=next(sizes)).fit(X, y)
        ),
    }


def one_row():
    X, y = digits()
    ours = KerasMLP(64, epochs=1, random_state=0).fit(X, y)
    model = build(64, n_features=64)
    ours.predict(X[:1]), model.predict(X[:1], verbose=0)
    return {
        "skhpo": lambda: seconds(lambda: [ours.predict(X[:1]) for _ in range(20)]),
        "Model.predict": lambda: seconds(
            lambda: [model.predict(X[:1], verbose=0) for _ in range(20)]
        ),
    }


def two_workers():
    """A hundred fits by one process and by two, whose programs are warm."""
    X, y = digits()
    grid = {"learning_rate": np.geomspace(1e-4, 1e-1, 33).tolist()}

    def search(n_jobs):
        estimator = KerasMLP(64, epochs=10, random_state=0)
        GridSearchCV(estimator, grid, cv=3, n_jobs=n_jobs).fit(X, y)

    with parallel_config(backend="loky"):
        search(2)
    return {
        "n_jobs=2": lambda: seconds(lambda: search(2)),
        "n_jobs=1": lambda: seconds(lambda: search(1)),
    }


def grids():
    our_grid(), scikeras_grid()
    return {
        "skhpo": lambda: seconds(our_grid),
        "SciKeras": lambda: seconds(scikeras_grid),
        "MLPClassifier": lambda: seconds(scikit_learn_grid),
    }


def new_grids():
    return {
        "skhpo": lambda: in_new_process("our_grid"),
        "SciKeras": lambda: in_new_process("scikeras_grid"),
    }


ROWS = {
    "digits grid, programs cached": (grids, {"SciKeras": 20, "MLPClassifier": 1}),
    "digits grid, first in a process": (new_grids, {"SciKeras": 11}),
    "MLP epoch, batch 32": (
        functools.partial(mlp_epoch, 32),
        {"Model.fit": 3.5, "PyTorch": 1 / 1.1},
    ),
    "MLP epoch, batch 256": (functools.partial(mlp_epoch, 256), {"Model.fit": 2}),
    "CNN epoch, batch 32": (cnn_epoch, {"Model.fit": 2}),
    "fit of a new architecture": (new_architecture, {"Model.fit": 3.5}),
    "predict on one row": (one_row, {"Model.predict": 20}),
    "grid of 100 fits, two workers": (two_workers, {"n_jobs=1": 1.6}),
}
MEMORY_FLOOR = 0.02


def compare(name, repeats):
    """Return the medians of a row's contenders, and of how much slower peers are."""
    prepare, floors = ROWS[name]
    contenders = prepare()
    rounds = [{who: run() for who, run in contenders.items()} for _ in range(repeats)]
    ours = next(iter(contenders))
    medians = {w: statistics.median(r[w] for r in rounds) for w in contenders}
    ratios = {
        who: statistics.median(r[who] / r[ours] for r in rounds)
        for who in contenders
        if who != ours
    }
    return {"row": name, "seconds": medians, "ratios": ratios, "floors": floors}


def resident():
    """Return the memory of this process now, in MiB."""
    return psutil.Process().memory_info().rss / 2**20


def memory(n_fits):
    """Return MiB left behind by each further fit, over the second half of them."""
    X, y = digits()
    X, y = X[:200], y[:200]
    named = lambda i: KerasMLP(20 + 10 * i, epochs=1)  # noqa: E731
    built = lambda i: KerasClassifier(  # noqa: E731
        build, model__units=20 + 10 * i, model__n_features=64, verbose=0
    )
    growth = {}
    for kind, make in (("KerasMLP", named), ("KerasClassifier", built)):
        for n_architectures in (1, 5):
            halves = []
            for _ in range(2):
                before = resident()
                for i in range(n_fits // 2):
                    make(i % n_architectures).fit(X, y)
                gc.collect()
                halves.append((resident() - before) / (n_fits // 2))
            growth[f"{kind}, {n_architectures} in turn"] = halves[1]
    return growth


def main():
    # Ten epochs are too few for scikit-learn, which says so.
    warnings.simplefilter("ignore", ConvergenceWarning)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="also write the results to this file")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", nargs="*", default=[*ROWS, "memory"])
    parser.add_argument("--fits", type=int, default=500, help="of the row memory")
    arguments = parser.parse_args()
    results = []
    print(f"{'':32} {'ours, s':>9}   slower by (at least)")
    for name in [row for row in arguments.rows if row != "memory"]:
        result = compare(name, arguments.repeats)
        results.append(result)
        shown = ", ".join(
            f"{who} {ratio:.1f}"
            + (f" ({floor:.1f})" if (floor := result["floors"].get(who)) else "")
            + (" MISSED" if floor and ratio < floor else "")
            for who, ratio in result["ratios"].items()
        )
        ours = next(iter(result["seconds"].values()))
        print(f"{name:32} {ours:9.4f}   {shown}", flush=True)
    growth = memory(arguments.fits) if "memory" in arguments.rows else {}
    for who, mebibytes in growth.items():
        missed = " MISSED" if mebibytes > MEMORY_FLOOR else ""
        print(f"{who}: {mebibytes:.4f} MiB a fit (at most {MEMORY_FLOOR}){missed}")
    if arguments.json:
        versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
        machine = f"{platform.machine()}, {os.cpu_count()} cores"
        with open(arguments.json, "w") as file:
            summary = {"rows": results, "memory": growth, "skhpo": skhpo.__version__}
            json.dump(
                summary | {"versions": versions, "machine": machine}, file, indent=1
            )


if __name__ == "__main__":
    main()
