"""What a fit is to do, how far it has come, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import keras
import numpy as np

from ._checkpoint import Checkpoint, FitState, load_state, state_of
from ._sketch import Sketch
from ._stopping import EarlyStopping


@dataclass(frozen=True)
class Plan:
    """How long to train, in what steps, and in which order.

    `seed` and the number of an epoch give its order of samples; `stop_on_nan` ends the
    fit once the loss is not finite; `extra` are arguments that only `Model.fit` knows.
    """

    epochs: int
    seed: int
    batch_size: int = 32
    initial_epoch: int = 0
    validation_batch_size: int | None = None
    validation_freq: int = 1
    shuffle: bool = True
    verbose: int = 0
    stop_on_nan: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


def plan(arguments: Mapping[str, Any], **settings: Any) -> Plan:
    """Return the plan that arguments of `Model.fit` ask for."""
    names = {f.name for f in fields(Plan)}
    arguments = dict(arguments)
    if arguments.get("verbose") == "auto":
        arguments["verbose"] = 1
    if not isinstance(arguments.get("validation_freq", 1), int):
        names.discard("validation_freq")
    known = {name: value for name, value in arguments.items() if name in names}
    extra = {name: value for name, value in arguments.items() if name not in names}
    return Plan(**known, **settings, extra=extra)


@dataclass(frozen=True)
class Training:
    """What came of a fit.

    `path` is "compiled" or "keras", `reason` why it was not "compiled"; the epochs
    before `first_epoch` come from a checkpoint.
    """

    history: dict[str, list[float]]
    path: str
    reason: str | None
    first_epoch: int


@dataclass
class Progress:
    """How far a fit has come.

    `next_epoch` is the one to train next, `best_weights` what early stopping will
    bring back, in whatever form they were taken. A fit that `is_over` may only pause:
    then its checkpoint lets another go on.
    """

    next_epoch: int
    stopping: EarlyStopping | None = None
    history: dict[str, list[float]] = field(default_factory=dict)
    best_weights: list | None = None
    is_over: bool = False
    is_paused: bool = False

    def add(self, epoch: int, logs: dict[str, float], weights: Callable) -> None:
        """Take in an epoch; `weights` gives a copy of those of the best."""
        for name, value in logs.items():
            self.history.setdefault(name, []).append(np.asarray(value).tolist())
        self.next_epoch = epoch + 1
        if self.stopping is None:
            return
        is_best = self.stopping.update(epoch, self.last)
        if is_best and self.stopping.restore_best_weights:
            self.best_weights = weights()
        self.is_over = self.stopping.exhausted

    def stop(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """End the fit since a callback asked for it.

        One with a true attribute `pauses` is none of what decides the fit, which
        without it would go on.
        """
        self.is_paused = not self.is_over and any(
            getattr(callback, "pauses", False) for callback in callbacks
        )
        self.is_over = True

    def resume(self, state: FitState) -> None:
        """Go on from where a fit stood."""
        self.next_epoch, self.history = state.epoch, state.history
        self.is_over = state.is_over
        self.best_weights = state.best_weights or None
        if self.stopping is not None and state.stopping is not None:
            self.stopping.resume(state.stopping)

    @property
    def last(self) -> dict[str, float]:
        """The logs of the last epoch."""
        return {name: values[-1] for name, values in self.history.items()}


@dataclass
class Fit:
    """One fit: the model and the data, the plan and the progress."""

    model: keras.Model | Sketch
    samples: tuple
    plan: Plan
    progress: Progress
    validation_data: tuple | None
    callbacks: list[keras.callbacks.Callback]
    checkpoint: Checkpoint | None

    def resume(self) -> None:
        """Go on from the checkpoint, if it holds no more epochs than are planned."""
        if self.checkpoint is not None and self.checkpoint.serves(self.plan.epochs):
            load_state(self.checkpoint.state, self.model)
            self.progress.resume(self.checkpoint.state)

    @property
    def state_is_due(self) -> bool:
        """Whether the state is to be left after this epoch."""
        if self.checkpoint is None:
            return False
        done = self.progress.next_epoch
        is_last = done == self.plan.epochs or self.progress.is_over
        return is_last or done % self.checkpoint.every == 0

    def leave_state(self) -> None:
        """Write the checkpoint; the model must have its current weights."""
        self.checkpoint.write(state_of(self.model, self.plan.seed, self.progress))
