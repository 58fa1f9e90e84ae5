"""What makes two searches the same, as a journal writes it."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from joblib import hash as hash_of
from scipy.sparse import issparse
from sklearn.base import clone

from .._descriptions import describe
from ._fold import Folds

# So long a description is readable; beyond, a digest tells it from others as well.
LONGEST = 120


def header_of(
    search: Any, subspaces: Sequence[Any], seeds: list[int], folds: Folds, data: tuple
) -> dict[str, Any]:
    """Return all that decides what a search finds, in JSON's types."""
    X, y, params = data
    splits = hashlib.blake2b(b"".join([*folds.train, *folds.test]), digest_size=16)
    return {
        "search": type(search).__name__,
        "data": {"X": _of_data(X), "y": _of_data(y)},
        "parameters of fit": {
            name: _of_data(params[name])
            for name in sorted(params)
            if params[name] is not None
        },
        "splits": f"{len(folds.train)} with digest {splits.hexdigest()}",
        "estimator": {
            "class": describe(type(search.estimator)),
            # Steps of a Pipeline may have been fitted before.
            **_of_params(clone(search.estimator).get_params(deep=True)),
        },
        "spaces": {
            str(subspace.number): {
                **_of_params(subspace.space.dimensions),
                # How often each but the last was drawn from decides what comes next.
                "trials": None if subspace is subspaces[-1] else subspace.n_trials,
                **_of_params(
                    {"function": subspace.source} if callable(subspace.source) else {}
                ),
                **search._settings_of_subspace(subspace),
            }
            for subspace in subspaces
        },
        **_of_params(search._settings_of_journal()),
        "seeds": seeds,
    }


def _of_data(data: Any) -> str:
    if issparse(data):
        return f"{type(data).__name__} of shape {data.shape} with digest " + hash_of(
            _canonical(data)
        )
    if not hasattr(data, "__len__") and not hasattr(data, "shape"):
        return _shortened(describe(data))
    shape = getattr(data, "shape", None) or (len(data),)
    return f"{type(data).__name__} of shape {tuple(shape)} with digest {hash_of(data)}"


def _canonical(data: Any) -> tuple:
    """Return what a sparse matrix holds: an estimator may have sorted it in place."""
    plain = data.tocsr(copy=True)
    plain.sum_duplicates()
    indices = (plain.indices.astype(np.int64), plain.indptr.astype(np.int64))
    return (plain.shape, plain.data, *indices)


def _of_params(params: Mapping[str, Any]) -> dict[str, str]:
    return {name: _shortened(describe(params[name])) for name in sorted(params)}


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{text[:LONGEST]}... with digest {digest}"
