"""One bracket of Hyperband as it runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from joblib import effective_n_jobs

from ._brackets import Rung, promoted
from ._loop import Loop, SubSpace
from ._oracles import Oracle, Trial
from ._rungs import RungFolder, remove_if_empty

# How many trials are evaluated before callbacks and patience have their say.
LOOKED_AT = 8


class Bracket:
    """One bracket as it runs.

    Parameters
    ----------
    search : HyperbandSearchCV
        Whose parameters it goes by.

    loop : Loop
        What evaluates trials.

    subspace : SubSpace
        The space.

    number : int
        Of the bracket, from 0.

    rungs : sequence of Rung
        How many candidates get how much.

    folder : path
        Where the fits of its candidates leave their state.
    """

    def __init__(
        self,
        search: Any,
        loop: Loop,
        subspace: SubSpace,
        number: int,
        rungs: Sequence[Rung],
        folder: Path,
    ):
        self.search = search
        self.loop = loop
        self.subspace = subspace
        self.number = number
        self.rungs = rungs
        self.folder = folder

    def run(self, oracle: Oracle) -> None:
        """Evaluate the candidates of rung after rung, the best of each going on."""
        if self.loop.ending.is_over():
            return
        trials = self.loop.ask(oracle, self.rungs[0].n_candidates, self._origin(0))
        scores = [0.0] * len(trials)
        for number, rung in enumerate(self.rungs):
            best = promoted(scores, rung.n_candidates)
            self._drop(trials, keep=best)
            trials = [trials[k] for k in best]
            scores = self._scores(number, trials, [scores[k] for k in best])
            if len(scores) < len(trials):
                break
        # A search that was ended may go on one day, if it has a journal.
        if len(scores) == len(trials) or self.loop.journal is None:
            self._drop(trials, keep=[])
            remove_if_empty(self.folder)

    def _origin(self, rung: int) -> str:
        return f"bracket {self.number}, rung {rung}"

    def _scores(
        self, number: int, trials: Sequence[Trial], before: Sequence[float]
    ) -> list[float]:
        """Return the scores of one rung; fewer, if the search is to end."""
        scores: list[float] = []
        size = self._size_of_batch()
        for start in range(0, len(trials), size):
            if self.loop.ending.is_over():
                break
            batch = slice(start, start + size)
            scores += self._scores_of_batch(number, trials[batch], before[batch])
        return scores

    def _size_of_batch(self) -> int:
        # What is looked at after each batch must not depend on the number of workers.
        if self.loop.is_watched:
            return LOOKED_AT
        # Small enough for the search to end soon when it is to end, large enough for
        # all workers to have something to do.
        jobs = effective_n_jobs(self.search.n_jobs)
        return 2 * jobs if jobs > 1 else 1

    def _scores_of_batch(
        self, number: int, trials: Sequence[Trial], before: Sequence[float]
    ) -> list[float]:
        resource = self.rungs[number].n_resources
        columns = {"bracket": self.number, "rung": number, "n_resources": resource}
        return self.loop.evaluate(
            self.subspace,
            trials,
            self._origin(number),
            params=[{self.search.resource: resource}] * len(trials),
            columns=[columns] * len(trials),
            rung=[
                self._rung_folder(trial, number, score)
                for trial, score in zip(trials, before, strict=True)
            ],
        )

    def _rung_folder(
        self, trial: Trial, number: int, score: float
    ) -> RungFolder | None:
        parameter = self.search._checkpoint
        if parameter is None:
            return None
        # A fit that failed left nothing to continue from.
        has_state = number > 0 and not np.isnan(score)
        return RungFolder(
            str(self.folder / f"candidate-{trial.number}"),
            parameter,
            self.rungs[number - 1].n_resources if has_state else None,
        )

    def _drop(self, trials: Sequence[Trial], keep: Sequence[int]) -> None:
        """Delete what the candidates left that go no further."""
        for k, trial in enumerate(trials):
            folder = self._rung_folder(trial, 0, 0.0)
            if folder is not None and k not in keep:
                folder.delete()
