"""Where the fits of a candidate leave their state, and find that of the rung before."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.pipeline import Pipeline

from ..exceptions import ContinuationError


@dataclass(frozen=True)
class RungFolder:
    """The folder of one candidate, in which each fold has a subfolder.

    Parameters
    ----------
    folder : str
        Made if it is not there.

    parameter : str
        The full name of `checkpoint_dir`, the sibling of the resource.

    before : int or None
        How much they had been given in the rung before; None in the first.
    """

    folder: str
    parameter: str
    before: int | None

    @contextlib.contextmanager
    def fold(self, number: int, estimator: Any) -> Iterator[None]:
        """Let an estimator continue from its fold's state, and check that it did."""
        place = Path(self.folder) / f"fold-{number}"
        settings: dict[str, Any] = {self.parameter: str(place / "checkpoint")}
        # Steps before the network are not the same to the last bit when they are fitted
        # twice (that of PCA depends on the number of threads), and the network would
        # not find its data again.
        settings |= _memory_of_pipelines(estimator, place)
        estimator.set_params(**settings)
        yield
        if self.before is not None:
            self._check_continued(estimator)

    def delete(self) -> None:
        """Remove what the fits left: none will continue from it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _check_continued(self, estimator: Any) -> None:
        network = _holder_of(self.parameter, estimator)
        if getattr(network, "resumed_from_epoch_", None) == 0:
            raise ContinuationError(
                f"a rung must continue from the one before, at {self.before}, and "
                f"{type(network).__name__} began anew: its data or its parameters are "
                "not what they were, as when a step before it is fitted differently "
                "each time, or its worker does not see what another has left in "
                f"{self.folder}. Give such steps a random_state, and several machines "
                "a checkpoint_dir or journal that they share."
            )


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that others might have something in."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def _memory_of_pipelines(estimator: Any, place: Path) -> dict[str, str]:
    """Return settings that keep the fitted steps of Pipelines without a memory."""
    params = {"": estimator, **estimator.get_params(deep=True)}
    return {
        f"{name}__memory" if name else "memory": str(place / "steps")
        for name, value in params.items()
        if isinstance(value, Pipeline) and value.memory is None
    }


def _holder_of(parameter: str, estimator: Any) -> Any:
    """Return the fitted estimator that has a parameter."""
    *path, _ = parameter.split("__")
    for name in path:
        # A meta-estimator fits a clone, and keeps it under a name of its own.
        fitted = getattr(estimator, f"{name}_", None)
        estimator = estimator.get_params()[name] if fitted is None else fitted
    return estimator
