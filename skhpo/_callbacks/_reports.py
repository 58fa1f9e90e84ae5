"""What callbacks are told of our searches."""

from typing import Any, NamedTuple


class FitReport(NamedTuple):
    """How a fit of a search went.

    Attributes
    ----------
    history : dict of str to list of float
        What a network recorded by epoch; empty for what is none.

    usage : dict of str to float
        What it took of the machine: `cpu_seconds`, and in MiB `memory_mb` and
        `gpu_memory_mb`, as far as they are known.
    """

    history: dict[str, list[float]]
    usage: dict[str, float]


class CandidateReport(NamedTuple):
    """What callbacks of our searches are told when a candidate was evaluated.

    It is `metadata["candidate"]` at the end of its task.

    Attributes
    ----------
    number : int
        Its row in `cv_results_`.

    params : dict of str to object
        Its hyperparameters.

    score : float
        What the search maximizes: the mean over folds, NaN if one of them failed.

    scores : dict of str to list of float
        Each metric on each fold. One without a name is called "score".

    seconds : list of float
        What fitting and scoring took, for each fold.

    errors : list of (str or None)
        The traceback of each fold that failed.

    fits : list of (FitReport or None)
        How the fit of each fold went; None if it was read from a journal.

    columns : dict of str to object
        What else `cv_results_` says of it: bracket, rung and resource.
    """

    number: int
    params: dict[str, Any]
    score: float
    scores: dict[str, list[float]]
    seconds: list[float]
    errors: list[str | None]
    fits: list[FitReport | None]
    columns: dict[str, Any]


class SearchReport(NamedTuple):
    """What callbacks of our searches are told before the first candidate.

    It is `metadata["search"]` at the beginning of the task "search".

    Attributes
    ----------
    id : str
        The same for a search that goes on from its journal.

    journal : str or None
        The folder of the journal.

    spaces : list of dict of str to str
        The dimensions of each space.

    n_candidates : int
        How many there are at most.

    n_splits : int
        The folds of each.
    """

    id: str
    journal: str | None
    spaces: list[dict[str, str]]
    n_candidates: int
    n_splits: int
