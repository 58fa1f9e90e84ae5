"""Data and clean caches for the tests of the engine."""

import numpy as np
import pytest

from skhpo._training import clear_caches
from skhpo._training._cache import CACHE


def _unchangeable(arrays):
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


@pytest.fixture(scope="session")
def inputs():
    """Return inputs of 50 samples, by the shape of one of them."""
    rng = np.random.default_rng(0)
    return _unchangeable(
        {
            "rows": rng.normal(size=(50, 6)).astype(np.float32),
            "images": rng.normal(size=(50, 8, 8, 2)).astype(np.float32),
            "series": rng.normal(size=(50, 4, 3)).astype(np.float32),
            "words": rng.integers(0, 9, size=(50, 4)),
            "bytes": rng.integers(0, 256, size=(50, 8, 8, 1), dtype=np.uint8),
        }
    )


@pytest.fixture(scope="session")
def targets():
    """Return targets of 50 samples, by their kind."""
    rng = np.random.default_rng(1)
    kinds = rng.integers(0, 3, size=50)
    return _unchangeable(
        {
            "number": rng.normal(size=(50, 1)).astype(np.float32),
            "flat number": rng.normal(size=50).astype(np.float32),
            "numbers": rng.normal(size=(50, 3)).astype(np.float32),
            "series": rng.normal(size=(50, 4, 1)).astype(np.float32),
            "yes or no": rng.integers(0, 2, size=(50, 1)).astype(np.float32),
            "labels": rng.integers(0, 2, size=(50, 3)).astype(np.float32),
            "kind": kinds,
            "one-hot kind": np.eye(3, dtype=np.float32)[kinds],
        }
    )


@pytest.fixture(scope="session")
def sample_weight():
    """Return weights of 50 samples, some of them zero."""
    rng = np.random.default_rng(2)
    return _unchangeable({"": rng.integers(0, 4, size=50).astype(np.float32)})[""]


@pytest.fixture
def cache():
    """Return the cache of programs, empty before and after."""
    clear_caches()
    yield CACHE
    clear_caches()


@pytest.fixture
def traces(cache):
    """Return a function that counts the traces of all idle programs."""
    return lambda: sum(program.n_traces for program in cache.programs)
