"""The state of fitted estimators: arrays, JSON and Keras's own bytes only."""

import warnings
from typing import Any

import keras
import numpy as np
import sklearn
import tensorflow as tf

from .._compat import model_from_bytes, model_to_bytes, seeded_by
from ..exceptions import PersistenceWarning


def versions() -> dict[str, str]:
    """Return the versions that a saved network depends on."""
    return {
        "keras": keras.__version__,
        "scikit-learn": sklearn.__version__,
        "tensorflow": tf.__version__,
    }


def warn_of_other_versions(saved: dict[str, str], name: str) -> None:
    """Warn when an estimator was saved with other versions than these."""
    here = versions()
    other = [
        f"{package} {saved[package]} (here {here[package]})"
        for package in saved
        if saved[package] != here.get(package)
    ]
    if other:
        warnings.warn(
            f"This {name} was saved with {', '.join(other)}; its predictions may "
            "differ. Load it with the versions it was saved with, or fit it again",
            PersistenceWarning,
            stacklevel=3,
        )


def pack_model(model: keras.Model) -> dict[str, Any]:
    """Return a model's state, its optimizer and its dropout generators included.

    Keras's archive lacks the states of seed generators, without which a fit would not
    go on as if it had not been saved.
    """
    archive = np.frombuffer(model_to_bytes(model), dtype=np.uint8)
    return {"archive": archive, "seeds": [v.numpy() for v in _seed_states(model)]}


def unpack_model(packed: dict[str, Any]) -> keras.Model:
    """Return the model whose state `pack_model` gave."""
    # Its layers would draw seeds from Python's generator, to be replaced at once.
    with seeded_by(0):
        model = model_from_bytes(packed["archive"].tobytes())
    for variable, value in zip(_seed_states(model), packed["seeds"], strict=True):
        variable.assign(value)
    return model


def _seed_states(model: keras.Model) -> list[keras.Variable]:
    weights = {id(variable) for variable in model.weights}
    return [v for v in model.variables if id(v) not in weights]
