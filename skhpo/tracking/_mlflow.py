"""Searches in MLflow."""

import math
import os
import re
import tempfile
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import packages_distributions, version
from typing import Any

from .._callbacks import (
    CandidateReport,
    SearchListener,
    SearchReport,
    objective_of,
)
from .._descriptions import one_line
from ._follower import Follower
from ._metrics import (
    best_of,
    curves,
    description_of,
    final_metrics,
    first_error,
)

# MLflow's own limits of a request, and of a text.
METRICS_AT_A_TIME, PARAMS_AT_A_TIME, LONGEST = 1000, 100, 5000

# What MLflow allows in no name of a metric, parameter or tag.
FORBIDDEN = re.compile(r"[^\w\-./ ]")

# By which MLflow knows what a run is a part of.
PARENT = "mlflow.parentRunId"

MODEL_NAME = "model"

# What most estimators need to be loaded.
MODULES = ("skhpo", "sklearn", "tensorflow", "keras", "numpy")


class MLflowTracker(SearchListener):
    """Writes a search to MLflow, each candidate as a run within that of the search.

    It is set on a search: ``search.set_callbacks(MLflowTracker())``. Any search of
    scikit-learn's will do; ours tell of each candidate when it was evaluated, others of
    all of them at the end.

    The run of a candidate has its hyperparameters, the scores of each fold and their
    means, the seconds that it took, the use of processor, memory and GPU, and, for
    networks, the loss and metrics by epoch of each fold, as ``split0_val_loss``. One
    with a failed fit is marked as failed, with the error as the tag ``skhpo.error``.
    The run of the search has the spaces, the folder of its journal, its id, the
    objective and that it is maximized, the best score and candidate, and with
    `log_model` the best estimator as a model of MLflow's scikit-learn flavour:
    ``mlflow.sklearn.load_model(f"runs:/{tracker.run_id_}/model")`` loads it, and it is
    among the models of the experiment. Of searches that are not ours no curves and no
    use of the machine are known, nor of what a fit failed. What MLflow does not allow
    in names, as the "@" of a metric, becomes "_".

    A search that goes on from its journal goes on in the same run, and candidates that
    are there are not written again. Nothing of this holds the search up. If MLflow
    fails, there is a warning, and the search goes on without it.

    Parameters
    ----------
    experiment_name : str or None, default=None
        The experiment, made if it is not there. None takes that of
        `mlflow.set_experiment`, or of the environment variables
        ``MLFLOW_EXPERIMENT_ID`` and ``MLFLOW_EXPERIMENT_NAME``, else "Default".

    tracking_uri : str or None, default=None
        Where MLflow keeps its runs. None takes what MLflow is set to.

    run_name : str or None, default=None
        Of the search. None takes the name of its class.

    log_model : bool, default=True
        Whether to write the best estimator, if there is one.

    tags : dict of str to str or None, default=None
        More tags for the run of the search.

    timeout : float, default=60.0
        Seconds that the end of the search waits for what was not written yet.

    Attributes
    ----------
    run_id_ : str
        The run of the search that was written last.

    Raises
    ------
    ImportError
        If MLflow is not installed.

    See Also
    --------
    TensorBoardTracker : The same for TensorBoard.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo import BayesSearchCV
    >>> from skhpo.tracking import MLflowTracker
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> search = BayesSearchCV(tree, {"max_depth": (1, 5)}, n_iter=2, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     uri = f"sqlite:///{folder}/mlflow.db"
    ...     tracker = MLflowTracker("trees", tracking_uri=uri, log_model=False)
    ...     search = search.set_callbacks(tracker).fit(X, y)
    """

    def __init__(
        self,
        experiment_name: str | None = None,
        *,
        tracking_uri: str | None = None,
        run_name: str | None = None,
        log_model: bool = True,
        tags: dict[str, str] | None = None,
        timeout: float = 60.0,
    ):
        super().__init__()
        _imported("mlflow")
        self.experiment_name = experiment_name
        self.tracking_uri = tracking_uri
        self.run_name = run_name
        self.log_model = log_model
        self.tags = tags
        self.timeout = timeout

    def _follow(self, search: Any, report: SearchReport) -> "_MLflowRun":
        return _MLflowRun(self, search, report)


class _MLflowRun(Follower):
    """The run of one search, and those within it."""

    def __init__(
        self, tracker: MLflowTracker, search: Any, report: SearchReport
    ) -> None:
        super().__init__(tracker)
        self._tracker, self._id = tracker, report.id
        self._began = tracker._began[id(search)]
        self._description = description_of(search, report)
        self._status = "FAILED"
        self._background.do(self._begin)

    def end(self, search: Any) -> None:
        """Write what the search found."""
        self._status = "FINISHED"
        super().end(search)

    def _begin(self) -> None:
        """Make a run, or take that of the search that goes on, with what it has."""
        tracking = _imported("mlflow.tracking")
        self._client = tracking.MlflowClient(self._tracker.tracking_uri)
        self._experiment = self._experiment_id()
        found = self._search_runs("skhpo.search_id", self._id)
        if found:
            self._run_id = found[0].info.run_id
            self._client.update_run(self._run_id, status="RUNNING")
        else:
            tags = {"skhpo.search_id": self._id, **(self._tracker.tags or {})}
            name = self._tracker.run_name or self._description["search"]
            run = self._client.create_run(
                self._experiment,
                start_time=round(1000 * self._began),
                tags=tags,
                run_name=name,
            )
            self._run_id = run.info.run_id
            self._log_params(self._run_id, self._description)
        self._tracker.run_id_ = self._run_id
        self._known = set()
        for run in self._search_runs(PARENT, self._run_id):
            if run.info.status == "RUNNING":
                # The process ended in the middle of it; the journal has it.
                self._client.delete_run(run.info.run_id)
            else:
                self._known.add(run.data.tags["skhpo.candidate"])

    def _write_candidate(self, report: CandidateReport, told_at: float) -> None:
        if str(report.number) in self._known:
            return
        error = first_error(report)
        tags = {PARENT: self._run_id, "skhpo.candidate": str(report.number)}
        if error is not None:
            tags["skhpo.error"] = error[-LONGEST:]
        # In milliseconds.
        end = round(1000 * told_at)
        start = end - round(1000 * sum(report.seconds))
        run = self._client.create_run(
            self._experiment,
            start_time=start,
            tags=tags,
            run_name=f"candidate {report.number}",
        )
        status = "FAILED"
        try:
            self._log_candidate(run.info.run_id, report, end)
            status = "FINISHED" if error is None else "FAILED"
        finally:
            self._client.set_terminated(run.info.run_id, status, end)

    def _log_candidate(self, run_id: str, report: CandidateReport, end: int) -> None:
        described = {**report.params, **report.columns}
        self._log_params(
            run_id, {name: one_line(value) for name, value in described.items()}
        )
        metric = _imported("mlflow.entities").Metric
        metrics = [
            metric(_allowed(name), value, end, 0)
            for name, value in final_metrics(report).items()
        ]
        for fold, name, values in curves(report):
            metrics += [
                metric(_allowed(f"split{fold}_{name}"), value, end, epoch)
                for epoch, value in enumerate(values, start=1)
                if math.isfinite(value)
            ]
        for some in _parts(metrics, METRICS_AT_A_TIME):
            self._client.log_batch(run_id, metrics=some)

    def _write_end(self, search: Any) -> None:
        number, score = best_of(search, self._scores)
        self._client.log_metric(self._run_id, "best_score", score)
        found = {"objective": objective_of(search), "best_candidate": str(number)}
        params = getattr(search, "best_params_", {})
        found |= {f"best.{name}": one_line(value) for name, value in params.items()}
        for name, value in found.items():
            # Parameters of a run cannot change, as these may when a search goes on.
            self._client.set_tag(
                self._run_id, _allowed(f"skhpo.{name}"), value[:LONGEST]
            )
        if self._tracker.log_model and hasattr(search, "best_estimator_"):
            self._write_model(search.best_estimator_)

    def _write_model(self, estimator: Any) -> None:
        """Log a model, as MLflow's `log_model` does, whatever its global state is."""
        flavour, entities = _imported("mlflow.sklearn"), _imported("mlflow.entities")
        logged = self._client.create_logged_model(
            self._experiment, MODEL_NAME, self._run_id
        )
        status = "FAILED"
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, MODEL_NAME)
                flavour.save_model(
                    estimator,
                    path,
                    serialization_format=flavour.SERIALIZATION_FORMAT_CLOUDPICKLE,
                    # Else MLflow would load it in another process to find out.
                    pip_requirements=_requirements(estimator),
                    mlflow_model=_imported("mlflow.models").Model(
                        run_id=self._run_id, model_id=logged.model_id
                    ),
                )
                self._client.log_model_artifacts(logged.model_id, path)
            status = "READY"
        finally:
            self._client.finalize_logged_model(logged.model_id, status)
        output = entities.LoggedModelOutput(logged.model_id, step=0)
        self._client.log_outputs(self._run_id, [output])

    def _finish(self) -> None:
        status = "FAILED" if self._background.has_failed else self._status
        self._client.set_terminated(self._run_id, status)

    def _log_params(self, run_id: str, params: dict[str, str]) -> None:
        param = _imported("mlflow.entities").Param
        all_params = [
            param(_allowed(name), text[:LONGEST]) for name, text in params.items()
        ]
        for some in _parts(all_params, PARAMS_AT_A_TIME):
            self._client.log_batch(run_id, params=some)

    def _experiment_id(self) -> str:
        name = self._tracker.experiment_name
        if name is None and "MLFLOW_EXPERIMENT_ID" in os.environ:
            # As `mlflow.set_experiment` leaves it.
            return os.environ["MLFLOW_EXPERIMENT_ID"]
        name = name or os.environ.get("MLFLOW_EXPERIMENT_NAME", "Default")
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            try:
                return self._client.create_experiment(name)
            except _imported("mlflow.exceptions").MlflowException:
                # Another search may have made it meanwhile.
                experiment = self._client.get_experiment_by_name(name)
                if experiment is None:
                    raise
        return experiment.experiment_id

    def _search_runs(self, tag: str, value: str) -> list[Any]:
        """Return all runs of the experiment with a tag."""
        runs, token = [], None
        while True:
            page = self._client.search_runs(
                [self._experiment], f"tags.`{tag}` = '{value}'", page_token=token
            )
            runs += page
            token = page.token
            if not token:
                return runs


def _requirements(estimator: Any) -> list[str]:
    """Return the packages that an estimator is made of, with their versions."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    modules = {*MODULES, *(type(part).__module__.split(".")[0] for part in parts)}
    installed = packages_distributions()
    packages = {package for name in modules for package in installed.get(name, ())}
    return sorted(f"{package}=={version(package)}" for package in packages)


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            "MLflowTracker needs MLflow. Install it with "
            '`pip install "skhpo[tracking]"`.'
        ) from error


def _allowed(name: str) -> str:
    return FORBIDDEN.sub("_", name)


def _parts(values: Sequence[Any], n: int) -> list[Sequence[Any]]:
    return [values[start : start + n] for start in range(0, len(values), n)]
