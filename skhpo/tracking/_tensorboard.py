"""Searches in TensorBoard."""

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from .._callbacks import (
    CandidateReport,
    SearchListener,
    SearchReport,
    objective_of,
)
from .._descriptions import one_line
from ..exceptions import TrackingWarning
from ._follower import Follower
from ._metrics import (
    best_of,
    curves,
    description_of,
    final_metrics,
    first_error,
)

# Says in a folder whose it is; TensorBoard reads no such files.
SEARCH_ID = "search_id.txt"
# Says in the folder of a candidate that nothing is missing in it.
COMPLETE = "complete.txt"
# Of what Keras recorded on validation data.
VALIDATION = "val_"


class TensorBoardTracker(SearchListener):
    """Writes a search for TensorBoard, each candidate in a folder of its own.

    It is set on a search: ``search.set_callbacks(TensorBoardTracker("logs"))``. Any
    search of scikit-learn's will do; ours tell of each candidate when it was evaluated,
    others of all of them at the end. Then ``tensorboard --logdir logs`` shows it.

    The folder ``candidate_000`` has the candidate's hyperparameters, for the tab of
    hyperparameters, the scores of each fold and their means, the seconds that it took,
    and the use of processor, memory and GPU. For networks, ``split0/train`` and
    ``split0/validation`` in it have the loss and metrics by epoch of the first fold, as
    Keras's own callback writes them. The folder itself says what the search is, its
    spaces, its journal and its id, and at the end what is best.

    Candidates of a search that goes on from its journal are not written again. Nothing
    of this holds the search up. If it fails, there is a warning, and the search goes
    on without it.

    Parameters
    ----------
    log_dir : path-like
        The folder, for one search. If another's is there, there is a warning, since
        TensorBoard shows both as one.

    timeout : float, default=60.0
        Seconds that the end of the search waits for what was not written yet.

    Raises
    ------
    ImportError
        If TensorBoard is not installed.

    See Also
    --------
    MLflowTracker : The same for MLflow.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo import BayesSearchCV
    >>> from skhpo.tracking import TensorBoardTracker
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> search = BayesSearchCV(tree, {"max_depth": (1, 5)}, n_iter=2, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     search = search.set_callbacks(TensorBoardTracker(folder)).fit(X, y)
    ...     sorted(name for name in os.listdir(folder) if "candidate" in name)
    ['candidate_000', 'candidate_001']
    """

    def __init__(self, log_dir: str | os.PathLike, *, timeout: float = 60.0):
        super().__init__()
        _summary()
        _hparams()
        self.log_dir = log_dir
        self.timeout = timeout

    def _follow(self, search: Any, report: SearchReport) -> "_TensorBoardRun":
        return _TensorBoardRun(self, search, report)


class _TensorBoardRun(Follower):
    """The folders of one search."""

    def __init__(
        self, tracker: TensorBoardTracker, search: Any, report: SearchReport
    ) -> None:
        super().__init__(tracker)
        self._folder = Path(tracker.log_dir)
        self._has_journal = report.journal is not None
        self._mark(report.id)
        about = {"id": report.id, **description_of(search, report)}
        self._background.do(self._write_text, "search", about)

    def _mark(self, search_id: str) -> None:
        """Say whose folder it is; warn if it is another's."""
        mark = self._folder / SEARCH_ID
        if mark.exists() and mark.read_text() != search_id:
            warnings.warn(
                f"{self._folder} has the candidates of another search, and TensorBoard "
                "will show both as one. Give each search a folder of its own, as "
                "log_dir.",
                TrackingWarning,
                stacklevel=2,
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        mark.write_text(search_id)

    def _write_end(self, search: Any) -> None:
        number, score = best_of(search, self._scores)
        found = {
            "objective": objective_of(search),
            "best score": f"{score:.6g}",
            "best candidate": str(number),
            **getattr(search, "best_params_", {}),
        }
        self._write_text("best", found)

    def _write_text(self, name: str, lines: dict[str, Any]) -> None:
        """Write a table of two columns."""
        rows = [
            f"| {key} | {one_line(value).replace('|', chr(92) + '|')} |"
            for key, value in lines.items()
        ]
        with _writing(self._folder) as summary:
            summary.text(name, "\n".join(["| | |", "| --- | --- |", *rows]), step=0)

    def _write_candidate(self, report: CandidateReport, told_at: float) -> None:  # noqa: ARG002
        folder = self._folder / f"candidate_{report.number:03}"
        if self._has_journal and not any(report.fits):
            # Read from the journal; if it was written when it was fitted, then once.
            if (folder / COMPLETE).exists():
                return
            shutil.rmtree(folder, ignore_errors=True)
        with _writing(folder) as summary:
            described = {**report.params, **report.columns}
            _hparams().hparams(
                {name: _plain(value) for name, value in described.items()},
                trial_id=folder.name,
            )
            for name, value in final_metrics(report).items():
                summary.scalar(name, value, step=0)
            error = first_error(report)
            if error is not None:
                summary.text("error", f"```\n{error}\n```", step=0)
        by_folder: dict[Path, dict[str, list[float]]] = {}
        for fold, name, values in curves(report):
            part = "validation" if name.startswith(VALIDATION) else "train"
            of_part = by_folder.setdefault(folder / f"split{fold}" / part, {})
            of_part[f"epoch_{name.removeprefix(VALIDATION)}"] = values
        for part, metrics in by_folder.items():
            with _writing(part) as summary:
                for name, values in metrics.items():
                    for epoch, value in enumerate(values, start=1):
                        summary.scalar(name, value, step=epoch)
        (folder / COMPLETE).touch()


@contextmanager
def _writing(folder: Path) -> Iterator[Any]:
    """Yield TensorFlow's summaries, which go to a folder."""
    summary = _summary()
    writer = summary.create_file_writer(str(folder))
    with writer.as_default():
        yield summary
    writer.close()


def _plain(value: Any) -> Any:
    """Return a hyperparameter as TensorBoard takes it."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, bool | int | float | str) else one_line(value)


def _summary() -> Any:
    return import_module("tensorflow").summary


def _hparams() -> Any:
    try:
        return import_module("tensorboard.plugins.hparams.api")
    except ImportError as error:
        raise ImportError(
            "TensorBoardTracker needs TensorBoard. Install it with "
            '`pip install "skhpo[tracking]"`.'
        ) from error
