"""Tune an MLP and a CNN in Pipelines: by grid, by random search and by Bayes.

    python examples/quickstart.py                        # 8 x 8 digits, a minute or two
    python examples/quickstart.py --data fashion-mnist   # 60,000 images of 28 x 28

Each search sees the training images only; the table gives the accuracy on the test
images. Learning curves of the best networks go to a picture.
"""

import argparse
import os
import time
from pathlib import Path

# TensorFlow's own messages about the machine would stand between the lines below.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedShuffleSplit,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler

from skhpo import (
    ArrayScaler,
    BayesSearchCV,
    KerasCNN,
    KerasMLP,
    LabelEncodedClassifier,
    Real,
)
from skhpo.datasets import fetch_fashion_mnist

DIGIT_NAMES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
]


def load(name, data_home):
    """Return flat images and the names of their classes, to train and to test on."""
    if name == "digits":
        digits = load_digits()
        labels = np.array(DIGIT_NAMES)[digits.target]
        return train_test_split(digits.data, labels, stratify=labels, random_state=0)
    train, test = (
        fetch_fashion_mnist(data_home=data_home, subset=subset)
        for subset in ("train", "test")
    )
    names = np.array(train.target_names)
    return train.data, test.data, names[train.target], names[test.target]


def searches(cv, mlp, cnn, n_iter):
    """Return the searches by name; each is an ordinary scikit-learn estimator."""
    common = {"cv": cv, "verbose": 0}
    sizes, rates = [(128,), (256, 128)], Real(3e-4, 1e-2, "log-uniform")
    scaled_mlp = make_pipeline(StandardScaler(), mlp)
    yield (
        "MLP, grid",
        GridSearchCV(
            scaled_mlp,
            {
                "kerasmlp__hidden_layer_sizes": sizes,
                "kerasmlp__learning_rate": [1e-3, 3e-3],
            },
            **common,
        ),
    )
    yield (
        "MLP, Bayes",
        BayesSearchCV(
            scaled_mlp,
            {
                "kerasmlp__hidden_layer_sizes": sizes,
                "kerasmlp__learning_rate": rates,
                "kerasmlp__dropout": (0.0, 0.5),
            },
            n_iter=n_iter,
            random_state=0,
            **common,
        ),
    )
    yield (
        "CNN, random",
        RandomizedSearchCV(
            make_pipeline(ArrayScaler(), cnn),
            {
                "kerascnn__filters": [(32,), (32, 64)],
                "kerascnn__learning_rate": loguniform(5e-4, 5e-3),
                "kerascnn__dropout": [0.0, 0.2],
            },
            n_iter=max(3, n_iter // 2),
            random_state=0,
            **common,
        ),
    )
    # The classifier inside sees indices of classes, the search and the user labels.
    yield (
        "MLP, encoded labels",
        GridSearchCV(
            LabelEncodedClassifier(scaled_mlp, LabelEncoder()),
            {"classifier__kerasmlp__batch_size": [32, 128]},
            **common,
        ),
    )


def draw(curves, path):
    """Draw loss and accuracy per epoch of the best networks."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for (name, history), color in zip(curves.items(), ("C0", "C1"), strict=True):
        for ax, metric in zip(axes, ("loss", "accuracy"), strict=True):
            epochs = range(1, len(history[metric]) + 1)
            ax.plot(epochs, history[metric], color, label=f"{name}, training")
            ax.plot(
                epochs,
                history[f"val_{metric}"],
                f"{color}--",
                label=f"{name}, held out",
            )
            ax.set(xlabel="epoch", ylabel=metric)
    axes[0].set_yscale("log")
    axes[1].legend()
    figure.savefig(path, dpi=120)


def main():
    """Run the searches and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=["digits", "fashion-mnist"], default="digits")
    parser.add_argument("--data-home", type=Path, help="folder of the IDX files")
    parser.add_argument("--picture", type=Path, default=Path("quickstart.png"))
    arguments = parser.parse_args()
    is_small = arguments.data == "digits"
    X_train, X_test, y_train, y_test = load(arguments.data, arguments.data_home)

    stopping = {"early_stopping": True, "n_iter_no_change": 5, "random_state": 0}
    batch_size = 32 if is_small else 128
    epochs = (30, 15) if is_small else (15, 5)
    mlp = KerasMLP(batch_size=batch_size, epochs=epochs[0], **stopping)
    cnn = KerasCNN(padding="same", batch_size=batch_size, epochs=epochs[1], **stopping)
    cv = 3 if is_small else StratifiedShuffleSplit(1, test_size=0.1, random_state=0)

    print(
        f"{len(X_train)} training and {len(X_test)} test images of {arguments.data}\n"
    )
    print(f"{'search':20} {'trials':>6} {'CV':>7} {'test':>7} {'seconds':>8}  best")
    curves = {}
    for name, search in searches(cv, mlp, cnn, n_iter=10 if is_small else 6):
        start = time.perf_counter()
        search.fit(X_train, y_train)
        seconds = time.perf_counter() - start
        best = {k.split("__")[-1]: v for k, v in search.best_params_.items()}
        shown = ", ".join(
            f"{k}={v:.2g}" if isinstance(v, float) else f"{k}={v}"
            for k, v in best.items()
        )
        print(
            f"{name:20} {len(search.cv_results_['params']):6} "
            f"{search.best_score_:7.4f} {search.score(X_test, y_test):7.4f} "
            f"{seconds:8.1f}  {shown}",
            flush=True,
        )
        if name in ("MLP, Bayes", "CNN, random"):
            curves[name] = search.best_estimator_[-1].history_
    draw(curves, arguments.picture)
    print(f"\nLearning curves: {arguments.picture}")


if __name__ == "__main__":
    main()
