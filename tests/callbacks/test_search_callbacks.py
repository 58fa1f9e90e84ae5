"""scikit-learn's callbacks hear of a search, its candidates, and their folds."""

from concurrent.futures import CancelledError

import pytest
from recorded_tasks import Propagated, Recorder
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpo import KerasMLP
from skhpo.model_selection import BayesSearchCV, HyperbandSearchCV

SPACE = {"C": (1e-3, 1e3, "log-uniform")}
FIT, SEARCH = ("fit", 0), ("search", 0)


def bayes_search(estimator=None, space=SPACE, **settings):
    settings = {"n_iter": 3, "cv": 2, "random_state": 0} | settings
    return BayesSearchCV(estimator or LogisticRegression(), space, **settings)


def within(paths, depth):
    """Return the ends of paths that are as deep as that."""
    return [path[-1] for path in paths if len(path) == depth]


def test_tasks_of_a_search(iris):
    recorder = Recorder()
    search = bayes_search(n_points=2).set_callbacks(recorder).fit(*iris)
    ended = [event.path for event in recorder.events if event.hook == "end"]
    folds = [("fold", 0), ("fold", 1)]
    assert ended == [
        # A batch of two, and one of one.
        *[(FIT, SEARCH, ("candidate", c), fold) for c in (0, 1) for fold in folds],
        *[(FIT, SEARCH, ("candidate", c)) for c in (0, 1)],
        *[(FIT, SEARCH, ("candidate", 2), fold) for fold in folds],
        (FIT, SEARCH, ("candidate", 2)),
        (FIT, SEARCH),
        (FIT, ("refit-with-best-params", 1)),
        (FIT,),
    ]
    assert {event.estimator for event in recorder.events} == {"BayesSearchCV"}
    assert all(estimator is search for estimator in recorder.estimators)
    assert recorder.running == 0


def test_tasks_within_the_fits(iris):
    recorder = Propagated()
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    space = {"logisticregression__C": SPACE["C"]}
    search = bayes_search(pipeline, space).set_callbacks(recorder).fit(*iris)
    fits = [path for path in recorder.ended("lbfgs-iter") if path[1] == SEARCH]
    # A fold is the fit of the Pipeline, and its second task that of its last step.
    assert {path[2:5] for path in fits} == {
        (("candidate", candidate), ("fit", fold), ("fit", 1))
        for candidate in range(3)
        for fold in range(2)
    }
    refits = [path for path in recorder.ended("lbfgs-iter") if path[1] != SEARCH]
    assert {path[1:3] for path in refits} == {(("fit", 1), ("fit", 1))}
    assert not hasattr(search.best_estimator_, "_parent_callback_ctx")
    # They were lent.
    assert clone(search.best_estimator_).set_callbacks() is not None
    assert not hasattr(search.best_estimator_, "_skl_callbacks")


def test_a_callback_ends_the_search(iris):
    recorder = Recorder(stop_at=("candidate", 1))
    search = bayes_search(n_iter=20).set_callbacks(recorder).fit(*iris)
    assert len(search.cv_results_["params"]) == 2
    assert search.stopped_by_ == "callback"
    assert search.best_params_["C"] == search.best_estimator_.C
    assert recorder.ended("search") == [(FIT, SEARCH)]


def test_listening_changes_nothing(iris):
    alone = bayes_search().fit(*iris)
    heard = bayes_search().set_callbacks(Propagated()).fit(*iris)
    assert heard.cv_results_["params"] == alone.cv_results_["params"]
    scores = [s.cv_results_["mean_test_score"].tolist() for s in (heard, alone)]
    assert scores[0] == scores[1]


def test_candidates_of_hyperband(iris):
    recorder = Recorder()
    search = HyperbandSearchCV(
        LogisticRegression(),
        SPACE,
        resource="max_iter",
        max_resource=9,
        cv=2,
        random_state=0,
    )
    with pytest.warns():
        # Few iterations do not converge.
        search.set_callbacks(recorder).fit(*iris)
    candidates = [path[-1][1] for path in recorder.ended("candidate")]
    assert candidates == list(range(search.budget().n_trials))


def test_progress_of_networks_in_two_workers(iris, capsys):
    mlp = KerasMLP((4,), epochs=2, random_state=0)
    search = bayes_search(
        make_pipeline(StandardScaler(), mlp),
        {"kerasmlp__learning_rate": SPACE["C"]},
        n_points=2,
        n_jobs=2,
    )
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*iris)
    lines = capsys.readouterr().out.splitlines()
    for text, n_bars in (
        ("BayesSearchCV - fit ", 1),
        ("BayesSearchCV - search #0", 1),
        ("BayesSearchCV - candidate #", 3),
        ("BayesSearchCV - fold | Pipeline - fit #", 6),
        ("refit-with-best-params | Pipeline - fit #1", 1),
        # Six folds and the last fit, each filled by its epochs.
        ("Pipeline - fit-final-estimator | KerasMLP - fit #1", 7),
    ):
        bars = [line for line in lines if text in line]
        assert len(bars) == n_bars
        assert all("100%" in bar for bar in bars)


def test_callbacks_of_the_estimator_alone(iris):
    monitor = ScoringMonitor(scoring="neg_log_loss")
    estimator = LogisticRegression().set_callbacks(monitor)
    search = bayes_search(estimator).fit(*iris)
    log = monitor.get_logs()
    assert log.estimator_name == "BayesSearchCV"
    last = {row["task_id_path"][:4] for row in log.data if row["task_name"] == "fit"}
    folds = {(0, 0, candidate, fold) for candidate in range(3) for fold in range(2)}
    assert last == folds | {(0, 1)}
    losses = [row["neg_log_loss"] for row in log.data if row["task_id_path"] == (0, 1)]
    X, y = iris
    expected = -log_loss(y, search.predict_proba(X))
    assert losses == [pytest.approx(expected)]


def networks_in_two_workers(callback=None):
    mlp = KerasMLP((4,), epochs=3, random_state=0)
    if callback is not None:
        mlp.set_callbacks(callback)
    return bayes_search(
        make_pipeline(StandardScaler(), mlp),
        {"kerasmlp__learning_rate": SPACE["C"]},
        n_iter=2,
        n_points=2,
        n_jobs=2,
    )


def test_scores_of_epochs_in_two_workers(iris):
    monitor = ScoringMonitor(scoring="accuracy")
    networks_in_two_workers(monitor).fit(*iris)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    # Two candidates in two folds, and the last fit.
    assert len(epochs) == 3 * (2 * 2 + 1)
    assert all(0 <= row["accuracy"] <= 1 for row in epochs)


class AfterTheFirstEpoch(Propagated):
    def on_fit_task_end(self, estimator, context):
        return context.task_name == "epoch"


def test_fits_in_two_workers_are_ended(iris):
    search = networks_in_two_workers().set_callbacks(AfterTheFirstEpoch()).fit(*iris)
    assert search.best_estimator_[-1].n_iter_ == 1
    # An epoch ends its fit, not the search.
    assert len(search.cv_results_["params"]) == 2
    assert search.stopped_by_ is None


def test_what_does_not_support_callbacks(iris):
    search = bayes_search(SVC()).set_callbacks(Propagated())
    expected = r"The estimator SVC does not .* attached to BayesSearchCV"
    with pytest.warns(UserWarning, match=expected):
        search.fit(*iris)


def test_what_a_journal_has_is_not_fitted_again(iris, tmp_path):
    bayes_search(journal=tmp_path).fit(*iris)
    recorder = Propagated()
    search = bayes_search(journal=tmp_path).set_callbacks(recorder).fit(*iris)
    assert len(search.cv_results_["params"]) == 3
    assert len(recorder.ended("candidate")) == 3
    assert {path[1] for path in recorder.ended("lbfgs-iter")} == {("fit", 1)}


def test_tasks_that_ended_do_not_go_to_workers(iris):
    recorder = Sizes()
    bayes_search(n_iter=12).set_callbacks(recorder).fit(*iris)
    assert len(recorder.told) == 24
    assert recorder.told[-1] < 1.5 * recorder.told[0]


class Sizes(Recorder):
    """Keeps how large the context of each fold is, with all that it holds."""

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "fold":
            self.told.append(len(list(root_of(context))))


def root_of(context):
    return context if context.parent is None else root_of(context.parent)


class Lost(GaussianNB):
    """Once, a worker is lost while this is fitted."""

    times = 0

    def fit(self, X, y):
        type(self).times += 1
        if type(self).times == 2:
            raise CancelledError
        return super().fit(X, y)


def test_a_batch_that_is_begun_again(iris):
    recorder = Recorder()
    search = bayes_search(
        Lost(), {"var_smoothing": (1e-9, 1e-3, "log-uniform")}, error_score="raise"
    )
    search.set_callbacks(recorder).fit(*iris)
    ended = recorder.ended("candidate")
    assert within(ended, 3) == [("candidate", k) for k in range(3)]
    # Those of the lost batch were not told of again.
    assert len(recorder.ended("fold")) == 6
    assert len(search.cv_results_["params"]) == 3


def test_a_search_that_fails_is_torn_down(iris):
    recorder = Recorder()
    search = bayes_search(LogisticRegression(solver="none")).set_callbacks(recorder)
    with pytest.raises(ValueError, match="All 6 fits of the search failed"):
        search.fit(*iris)
    assert recorder.running == 0
    assert recorder.ended("fit") == []
    with pytest.raises(ValueError, match="n_points must be"):
        search.set_params(n_points=0).fit(*iris)
    assert recorder.running == 0


def test_a_search_within_a_search(iris):
    recorder = Propagated()
    outer = GridSearchCV(bayes_search(n_iter=2), {"n_points": [1, 2]}, cv=2)
    outer.set_callbacks(recorder).fit(*iris)
    assert len(recorder.ended("candidate")) == 2 * (2 * 2 + 1)
    assert recorder.running == 0


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_failed_folds_end(iris):
    recorder = Recorder()
    search = bayes_search(
        LogisticRegression(), {"solver": ["lbfgs", "none"], **SPACE}, n_iter=6
    )
    with pytest.warns(FitFailedWarning):
        search.set_callbacks(recorder).fit(*iris)
    assert search.failures_
    assert len(recorder.ended("fold")) == 12
