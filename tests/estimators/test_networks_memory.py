"""How often the data are copied."""

import tracemalloc

import numpy as np
import pytest

from skhpo import KerasCNN, KerasMLP, KerasMLPRegressor

N_SAMPLES, N_FEATURES = 4000, 400


def memmap_of(X, folder):
    path = folder / "X.npy"
    np.save(path, X)
    return np.load(path, mmap_mode="r")


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


FORMS = {
    "float32": lambda X, folder: X,
    "float64": lambda X, folder: X.astype(np.float64),
    "float16": lambda X, folder: X.astype(np.float16),
    "bytes": lambda X, folder: (255 * X).astype(np.uint8),
    "Fortran order": lambda X, folder: np.asfortranarray(X),
    "float64 in Fortran order": lambda X, folder: np.asfortranarray(X, np.float64),
    "read-only": lambda X, folder: read_only(X),
    "every other row": lambda X, folder: np.repeat(X, 2, axis=0)[::2],
    "memmap": memmap_of,
}


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    X = rng.random((N_SAMPLES, N_FEATURES), dtype=np.float32)
    return X, rng.integers(0, 2, N_SAMPLES)


def peak_of(run):
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


NETWORKS = {
    "mlp": KerasMLP(2, epochs=1, batch_size=500, random_state=0),
    "regressor": KerasMLPRegressor(2, epochs=1, batch_size=500, random_state=0),
    "cnn": KerasCNN(
        1, strides=10, padding="same", pool_size=1, epochs=1, batch_size=500
    ),
}
# The others differ in what they make of y, and of the shape of X.
OF_OTHERS = ["float32", "bytes", "float64 in Fortran order"]


@pytest.mark.parametrize(
    "early_stopping", [False, True], ids=["all samples", "early stopping"]
)
@pytest.mark.parametrize(
    ("network", "form"),
    [
        *(("mlp", form) for form in FORMS),
        *((network, form) for network in ("regressor", "cnn") for form in OF_OTHERS),
    ],
)
def test_at_most_one_copy_is_made(network, early_stopping, form, samples, tmp_path):
    X, y = samples
    X = FORMS[form](X, tmp_path)
    estimator = NETWORKS[network].set_params(early_stopping=early_stopping)
    estimator.fit(X, y)  # What is kept of the first fit is not the data's.
    copy = N_SAMPLES * N_FEATURES * min(X.dtype.itemsize, 4)
    assert 0.9 * copy < peak_of(lambda: estimator.fit(X, y)) < 1.5 * copy
    assert 0.9 * copy < peak_of(lambda: estimator.predict(X)) < 1.5 * copy
