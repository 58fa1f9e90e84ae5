"""What a fit can continue from: one file, whole or absent."""

import hashlib
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from .._descriptions import add_array, describe
from .._durable import write_atomically
from ..exceptions import CheckpointError

if TYPE_CHECKING:
    from ._plan import Progress

_MAGIC = b"skhpo checkpoint 1\n"
_DIGEST_SIZE = hashlib.sha256().digest_size


@dataclass
class FitState:
    """Where a fit stands after an epoch.

    `weights` are those of the epoch, `best_weights` those that early stopping will
    bring back at the end; `stopping` is early stopping's own record.
    """

    seed: int
    epoch: int
    history: dict[str, list[float]]
    weights: list[np.ndarray]
    optimizer: list[np.ndarray]
    best_weights: list[np.ndarray] = field(default_factory=list)
    stopping: dict[str, Any] | None = None
    is_over: bool = False


class Checkpoint:
    """The file that one fit leaves its state in.

    Parameters
    ----------
    folder : path-like
        Where the fits of an estimator keep theirs, each in a subfolder.
    fingerprint : str
        What the fit is found by: its hyperparameters and its data.
    every : int
        How many epochs lie between two writings.

    Raises
    ------
    CheckpointError
        If the file is there and damaged.
    """

    def __init__(self, folder: str | os.PathLike, fingerprint: str, every: int) -> None:
        self.path = Path(folder) / fingerprint / "state.checkpoint"
        self.every = every
        self.state = self._read()

    def serves(self, epochs: int) -> bool:
        """Tell whether a fit of so many epochs can continue from what was left."""
        return self.state is not None and self.state.epoch <= epochs

    def write(self, state: FitState) -> None:
        """Leave a state, in place of the one before, whole or not at all.

        A state of as many epochs or more is worth as much, and stays.
        """
        if self.state is not None and state.epoch <= self.state.epoch:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, _encode(state))

    def _read(self) -> FitState | None:
        """Return the state that was left, None where there is none."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except NotADirectoryError as error:
            raise NotADirectoryError(
                f"checkpoint_dir must name a folder, or nothing yet, got "
                f"{str(self.path.parents[1])!r}, which is a file or below one"
            ) from error
        try:
            return _decode(content)
        except (ValueError, KeyError, EOFError, OSError) as error:
            raise CheckpointError(
                f"A checkpoint must be as it was written, but {self.path} is damaged "
                f"({error}); delete it to fit from the start"
            ) from error


# Settings that a fit may change and still continue.
_FREE = {"checkpoint_dir", "checkpoint_every", "epochs", "verbose", "warm_start"}


def fingerprint(kind: type, settings: Mapping[str, Any], arrays: Iterable[Any]) -> str:
    """Return a name for a fit of these settings on these arrays.

    Every byte of the data counts: hashing them costs less than one epoch. A random
    state that is no integer is drawn from once, and kept in the checkpoint.
    """
    digest = hashlib.sha256(describe(kind).encode())
    for name in sorted(settings.keys() - _FREE):
        digest.update(f"{name}={describe(settings[name])};".encode())
    for array in arrays:
        if array is None:
            digest.update(b"none;")
            continue
        add_array(digest, array)
    return digest.hexdigest()[:32]


def state_of(model: keras.Model, seed: int, progress: "Progress") -> FitState:
    """Return the state of a fit whose model has its current weights."""
    stopping = progress.stopping
    return FitState(
        seed,
        progress.next_epoch,
        progress.history,
        [variable.numpy() for variable in model.variables],
        [variable.numpy() for variable in model.optimizer.variables],
        [np.asarray(value) for value in progress.best_weights or ()],
        None if stopping is None else stopping.record(),
        progress.is_over and not progress.is_paused,
    )


def load_state(state: FitState, model: keras.Model) -> None:
    """Give a model the weights and its optimizer the state that were saved."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    for variables, values in (
        (model.variables, state.weights),
        (model.optimizer.variables, state.optimizer),
    ):
        if [tuple(v.shape) for v in variables] != [v.shape for v in values]:
            raise CheckpointError(
                "A checkpoint must hold the weights of the network that goes on from "
                f"it, of shapes {[tuple(v.shape) for v in variables]}, got "
                f"{[v.shape for v in values]}: the function that builds it has "
                "changed. Give another checkpoint_dir to fit from the start"
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _encode(state: FitState) -> bytes:
    """Return magic, digest, and an archive of arrays with a header in JSON."""
    groups = {
        "weights": state.weights,
        "optimizer": state.optimizer,
        "best_weights": state.best_weights,
    }
    header = {
        "seed": state.seed,
        "epoch": state.epoch,
        "history": state.history,
        "stopping": state.stopping,
        "is_over": state.is_over,
        "arrays": {name: len(arrays) for name, arrays in groups.items()},
    }
    arrays = {
        f"{name}_{i}": array
        for name, group in groups.items()
        for i, array in enumerate(group)
    }
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(buffer, header=text, **arrays)
    payload = buffer.getvalue()
    return _MAGIC + hashlib.sha256(payload).digest() + payload


def _decode(content: bytes) -> FitState:
    start = len(_MAGIC) + _DIGEST_SIZE
    payload = content[start:]
    if not content.startswith(_MAGIC):
        raise ValueError("it does not begin as a checkpoint")
    if hashlib.sha256(payload).digest() != content[len(_MAGIC) : start]:
        raise ValueError("its content does not match its checksum")
    with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
        header = json.loads(archive["header"].tobytes())
        groups = {
            name: [archive[f"{name}_{i}"] for i in range(count)]
            for name, count in header.pop("arrays").items()
        }
    return FitState(**header, **groups)
