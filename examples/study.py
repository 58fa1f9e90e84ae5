"""What the studies share: options, images, a space, and the page that each writes.

A study is a script beside this one. By itself it takes all the data and as long as its
docstring says, writes its tables and pictures to a page in docs/studies/, and keeps
what it has finished in journals/, so that it can be stopped and goes on. With --quick
it takes seconds, little data, and writes nothing unless --out says where.
"""

import argparse
import ast
import math
import os
import platform
import re
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

# TensorFlow's own messages about the machine would stand between the lines printed.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import joblib
import matplotlib
import numpy as np
from keras.optimizers.schedules import CosineDecay
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch

from skhpo.datasets import fetch_fashion_mnist

matplotlib.use("Agg")

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["skhpo", "tensorflow", "keras", "keras-tuner", "scikit-learn"]
# What stands below this line on a page was written by hand, and is kept.
LESSONS = "## What it taught\n"


class Study:
    """A page that a script fills from top to bottom.

    The page is called as the script that runs, and begins with its docstring: a title,
    underlined, and what the study asks.

    Parameters
    ----------
    seed : int or None, default=0
        Of splits and searches, for the page: fits that differ in their seeds alone have
        others. None where nothing is random.
    """

    def __init__(self, seed=0):
        script = Path(sys.argv[0])
        docstring = ast.get_docstring(ast.parse(script.read_text()))
        title, question = re.split(r"\n=+\n", docstring)
        parser = argparse.ArgumentParser(description=title)
        parser.add_argument("--quick", action="store_true", help="take seconds")
        parser.add_argument("--out", type=Path, metavar="FOLDER", help="of the page")
        options = parser.parse_args()
        self.name, self.seed = script.stem, seed
        self.quick = options.quick
        self._out = options.out
        if self._out is None and not self.quick:
            self._out = ROOT / "docs" / "studies"
        self._journals = ROOT / "journals" / self.name
        if self.quick:
            self._temporary = tempfile.TemporaryDirectory()
            self._journals = Path(self._temporary.name)
        self._parts = [f"# {title}", question.strip()]
        self._n_pictures = 0

    def journal(self, search):
        """Return the folder for `journal=` of a search; a quick run's is not kept."""
        return self._journals / search

    @property
    def memory(self):
        """A `joblib.Memory`, which keeps what single fits returned."""
        return joblib.Memory(self.journal("memory"), verbose=0)

    def tested(self, network, images):
        """Fit with three seeds; return the accuracies on the test set, for a table."""
        fit_and_score = self.memory.cache(_fit_and_score)
        fits = [
            fit_and_score(clone(network).set_params(random_state=seed), images)
            for seed in range(3)
        ]
        found, seconds = zip(*fits, strict=True)
        return {
            "ours, %": float(np.mean(found)),
            "of three fits": ", ".join(f"{accuracy:.2f}" for accuracy in found),
            "seconds": round(sum(seconds)),
        }

    def say(self, text):
        """Put a paragraph on the page."""
        print(text + "\n", flush=True)
        self._parts.append(text)

    def table(self, rows, caption=""):
        """Put a table on the page, of one dict for each row."""
        columns = list(dict.fromkeys(column for row in rows for column in row))
        cells = [[_as_text(row.get(column, "")) for column in columns] for row in rows]
        widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
        lines = [
            "| " + " | ".join(map(str.ljust, line, widths)) + " |"
            for line in [columns, ["-" * width for width in widths], *cells]
        ]
        if caption:
            lines = [f"**{caption}**", "", *lines]
        self.say("\n".join(lines))

    def picture(self, figure, caption):
        """Put a figure of matplotlib's on the page."""
        self._n_pictures += 1
        name = f"{self.name}_{self._n_pictures}.png"
        if self._out is not None:
            self._out.mkdir(parents=True, exist_ok=True)
            figure.savefig(self._out / name, dpi=110, bbox_inches="tight")
        self._parts.append(f"![{caption}]({name})\n\n*{caption}*")

    def write(self):
        """Write the page, with how it was made, and end the study."""
        if self.quick:
            self._temporary.cleanup()
        if self._out is None:
            return
        quick = " --quick" if self.quick else ""
        seed = "" if self.seed is None else f"seed {self.seed}; "
        versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        made = (
            f"Made by `python examples/{self.name}.py{quick}` on {date.today()}: {seed}"
            f"Python {platform.python_version()}, {versions}; "
            f"{_processor()}, {joblib.cpu_count()} of {os.cpu_count()} cores."
        )
        page, text = self._out / f"{self.name}.md", "\n\n".join(self._parts)
        lessons = ""
        if page.exists():
            above, line, below = page.read_text().partition(LESSONS)
            lessons = f"\n{line}{below}" if line else ""
            if line and not above.startswith(text):
                print("What it taught was written for other tables: read it again.")
        self._out.mkdir(parents=True, exist_ok=True)
        page.write_text(f"{text}\n\n{made}\n{lessons}")
        print(f"written: {page}")


def fashion_mnist(quick):
    """Return 57,000 images to train on, 3,000 to choose by and 10,000 to test on.

    Pixels are from 0 to 1. `X` and `y` are the first two together, which `held_out`
    splits again, as `cv`, and `halves` into half of those to train on and all others.
    If `quick`, they are few of scikit-learn's digits.
    """
    if quick:
        X, X_test, y, y_test = train_test_split(
            *load_digits(return_X_y=True), test_size=500, random_state=48
        )
    else:
        X, y = fetch_fashion_mnist(subset="train", return_X_y=True)
        X_test, y_test = fetch_fashion_mnist(subset="test", return_X_y=True)
    brightest = X.max()
    X, X_test = np.float32(X / brightest), np.float32(X_test / brightest)
    n_valid = 300 if quick else 3000
    X_train, X_valid, y_train, y_valid = train_test_split(
        X, y, test_size=n_valid, stratify=y, random_state=48
    )
    train, valid = np.split(np.arange(len(X)), [len(X_train)])
    return Bunch(
        train=(X_train, y_train),
        valid={"X_val": X_valid, "y_val": y_valid},
        test=(X_test, y_test),
        X=np.concatenate([X_train, X_valid]),
        y=np.concatenate([y_train, y_valid]),
        held_out=[(train, valid)],
        halves=[(train[::2], np.concatenate([train[1::2], valid]))],
    )


def published_space(hp):
    """Return parameters of an MLP, as a tutorial on Keras Tuner searches them."""
    further = range(hp.Int("further_layers", 1, 2))
    units = [hp.Int(f"units_{i}", 50, 100, step=25) for i in further]
    dropout = [hp.Choice(f"dropout_{i}", [0.0, 0.1, 0.2]) for i in further]
    return {
        "hidden_layer_sizes": (hp.Int("first_units", 50, 350, step=50), *units),
        "dropout": (0.0, *dropout),
        "optimizer": hp.Choice("optimizer", ["adam", "sgd"]),
        "learning_rate": hp.Choice("learning_rate", [0.1, 0.01, 0.001]),
    }


def steps_per_epoch(n_samples, batch_size):
    """Return the number of updates of the weights; the last batch may be smaller."""
    return math.ceil(n_samples / batch_size)


def cosine_decay(learning_rate, epochs, n_samples, batch_size):
    """Return a schedule that brings a learning rate down to 0 in `epochs` epochs."""
    return CosineDecay(learning_rate, epochs * steps_per_epoch(n_samples, batch_size))


def fitted_for(settings, epochs, n_samples, batch_size):
    """Return settings for a fit of `epochs`; a rate comes down to 0 there as well."""
    settings = settings | {"epochs": epochs}
    if isinstance(rate := settings.get("learning_rate"), CosineDecay):
        rate = rate.initial_learning_rate
        settings["learning_rate"] = cosine_decay(rate, epochs, n_samples, batch_size)
    return settings


def in_words(settings):
    """Return parameters as one writes them, and of schedules where they start."""
    return ", ".join(f"`{name}={_as_text(value)}`" for name, value in settings.items())


def _fit_and_score(network, images):
    start = time.perf_counter()
    network.fit(*images.train, **images.valid)
    return 100 * network.score(*images.test), time.perf_counter() - start


def _as_text(value):
    if hasattr(value, "initial_learning_rate"):
        return f"{type(value).__name__}({value.initial_learning_rate:.4g}, ...)"
    if isinstance(value, tuple):
        return f"({', '.join(map(_as_text, value))}{',' * (len(value) == 1)})"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _processor():
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
