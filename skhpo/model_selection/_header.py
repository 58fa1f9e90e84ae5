"""What makes two searches the same, as a journal writes it."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from joblib import hash as hash_of

from .._descriptions import describe
from ._fold import Folds
from ._settings import Space

# So long a description is readable; beyond, a digest tells it from others as well.
LONGEST = 120


def header_of(
    search: Any, spaces: list[Space], seeds: list[int], folds: Folds, data: tuple
) -> dict[str, Any]:
    """Return all that decides what a search finds, in JSON's types."""
    X, y, params = data
    splits = hashlib.blake2b(b"".join([*folds.train, *folds.test]), digest_size=16)
    return {
        "search": type(search).__name__,
        "data": {"X": _of_data(X), "y": _of_data(y)},
        "parameters of fit": {name: _of_data(params[name]) for name in sorted(params)},
        "splits": f"{len(folds.train)} with digest {splits.hexdigest()}",
        "estimator": {
            "class": describe(type(search.estimator)),
            **_of_params(search.estimator.get_params(deep=True)),
        },
        "spaces": {
            str(number): _of_params(space.dimensions)
            for number, space in enumerate(spaces)
        },
        **_of_params(search._settings_of_journal()),
        "seeds": seeds,
    }


def _of_data(data: Any) -> str:
    if data is None or np.isscalar(data):
        return repr(data)
    shape = getattr(data, "shape", None) or (len(data),)
    return f"{type(data).__name__} of shape {tuple(shape)} with digest {hash_of(data)}"


def _of_params(params: Mapping[str, Any]) -> dict[str, str]:
    return {name: _shortened(describe(params[name])) for name in sorted(params)}


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{text[:LONGEST]}... with digest {digest}"
