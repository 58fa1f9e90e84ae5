"""What all tests share. The libraries read the environment when imported."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Without it scikit-learn skips its check of array API input.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# On small arrays BLAS's threads do nothing but wait for work, with all that the other
# test process could use.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pytest
from joblib.externals.loky import reusable_executor
from sklearn.datasets import load_digits, load_iris
from sklearn.preprocessing import minmax_scale, scale

# The first fit of each architecture compiles: no deadline per example. The same
# examples each time, and no folder of examples that failed.
hypothesis.settings.register_profile(
    "skhpo",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)
hypothesis.settings.load_profile("skhpo")


def pytest_collection_finish():
    """Leave alone what is imported by now: looking through it takes a twentieth."""
    gc.collect()
    gc.freeze()


def read_only(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """Make arrays that tests share unchangeable."""
    for array in arrays:
        array.flags.writeable = False
    return arrays


@pytest.fixture(scope="session")
def digits():
    """Return 300 scans of digits as rows of 64 pixels from 0 to 1, and the digits."""
    X, y = load_digits(return_X_y=True)
    return read_only(X[:300] / 16, y[:300])


@pytest.fixture(scope="session")
def digit_bytes():
    """Return the same scans as images of 8 x 8 bytes, and the digits."""
    bunch = load_digits()
    return read_only(bunch.images[:300].astype(np.uint8), bunch.target[:300])


@pytest.fixture(scope="session")
def iris():
    """Return the measures of 150 irises, standardized, and their kinds 0, 1 and 2."""
    X, y = load_iris(return_X_y=True)
    return read_only(scale(X), y)


@pytest.fixture(scope="session")
def sizes():
    """Return three measures of irises, and the petal widths to predict from them."""
    X, _ = load_iris(return_X_y=True)
    return read_only(scale(X[:, :3]), minmax_scale(X[:, 3]))


@pytest.fixture(scope="module", autouse=True)
def _end_workers():
    """End joblib's workers with each file that used them.

    Left alone they end by themselves after five minutes, and a call that comes at that
    very moment waits for ever (joblib 1.6).
    """
    yield
    executor = reusable_executor._executor
    if executor is not None:
        executor.shutdown(wait=True)
