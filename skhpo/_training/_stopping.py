"""When to stop, and which epoch was the best: arithmetic on the logs of epochs."""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._compat import direction_of

# Of a metric, these parts of its name, in lower case, say that more of it is better.
_MORE_IS_BETTER = (
    "acc",
    "auc",
    "correlation",
    "f1",
    "fbeta",
    "io_u",
    "iou",
    "precision",
    "r2",
    "recall",
    "score",
    "sensitivity",
    "similarity",
    "specificity",
    "true_",
)


@dataclass
class EarlyStopping:
    """Stop when a monitored value has not got better for a number of epochs.

    Parameters
    ----------
    monitor : str
        The name in an epoch's logs, as "val_loss".
    patience : int
        Stop after so many epochs in a row without improvement.
    min_delta : float
        An improvement is more than this.
    restore_best_weights : bool
        Whether the weights of the best epoch are wanted at the end.
    metrics : sequence
        What is measured; where one of them is monitored, it knows which way is better.
    """

    monitor: str = "val_loss"
    patience: int = 10
    min_delta: float = 0.0
    restore_best_weights: bool = True
    metrics: Sequence[Any] = ()
    best: float = field(default=math.nan, init=False)
    best_epoch: int | None = field(default=None, init=False)
    wait: int = field(default=0, init=False)

    def check(self, names: Collection[str]) -> None:
        """Raise a `ValueError` if `monitor` is not among the names in the logs."""
        if self.monitor not in names:
            raise ValueError(
                f"monitor must name a value recorded each epoch ({sorted(names)}), "
                f"got {self.monitor!r}; choose one of them or add it to metrics"
            )

    def update(self, epoch: int, logs: dict[str, float]) -> bool:
        """Take in an epoch's logs; return whether the epoch is the best so far."""
        self.check(logs)
        value = logs[self.monitor]
        if isinstance(value, list):
            raise ValueError(
                f"monitor must name a single number each epoch, got {self.monitor!r}, "
                f"of {len(value)}; let its metric average them"
            )
        if self.best_epoch is None or self._is_better(value):
            self.best, self.best_epoch, self.wait = value, epoch, 0
            return True
        self.wait += 1
        return False

    def record(self) -> dict[str, float | int | None]:
        """Return what `resume` takes."""
        return {"best": self.best, "best_epoch": self.best_epoch, "wait": self.wait}

    def resume(self, record: dict[str, float | int | None]) -> None:
        """Go on from where another stood."""
        self.best, self.best_epoch = record["best"], record["best_epoch"]
        self.wait = record["wait"]

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self.wait >= self.patience

    def _is_better(self, value: float) -> bool:
        return is_better(
            value, self.best, self.monitor, self.min_delta, metrics=self.metrics
        )


def is_better(
    value: float,
    best: float,
    monitor: str,
    min_delta: float = 0.0,
    metrics: Sequence[Any] = (),
) -> bool:
    """Tell whether a monitored value improves on the best one by more than a delta."""
    if math.isnan(best):
        return not math.isnan(value)
    if _more_is_better(monitor, metrics):
        return value > best + min_delta
    return value < best - min_delta


def _more_is_better(monitor: str, metrics: Sequence[Any]) -> bool:
    """Return what the metric of this name says, else what the name does."""
    # Keras numbers metrics of one name.
    names = {monitor.removeprefix("val_")}
    names |= {re.sub(r"_\d+$", "", name) for name in names}
    for metric in metrics:
        direction = direction_of(metric)
        if direction is not None and metric.name in names:
            return direction == "up"
    return any(part in monitor.lower() for part in _MORE_IS_BETTER)
