import os
import pickle
import time
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sklearn
from search_estimators import assert_same, calls, search_in
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    ShuffleSplit,
    cross_val_score,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skhpo.model_selection import (
    BayesSearchCV,
    Categorical,
    HyperbandSearchCV,
    Integer,
    KerasTunerSearchCV,
    Real,
)

X, Y = make_classification(60, 4, random_state=0)
SPACE = {"a": Real(0, 1), "b": Integer(1, 9)}


class Formula(ClassifierMixin, BaseEstimator):
    """Scores by a formula of its parameters; fails where it is told to."""

    def __init__(self, a=0.0, b=1, fails_below=None, sees=None):
        self.a = a
        self.b = b
        self.fails_below = fails_below
        self.sees = sees

    def fit(self, X, y, sample_weight=None):
        if self.fails_below is not None and self.a < self.fails_below:
            raise ValueError(f"a={self.a} is too small")
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        self.fold_ = float(X.sum())
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y, sample_weight=None):
        weighted = 0.0 if sample_weight is None else float(sample_weight.mean())
        return -((self.a - 0.7) ** 2) - 0.001 * self.b + weighted


def a_of(estimator, X, y):
    return estimator.a


def fold_of(estimator, X, y):
    return estimator.fold_


def random_search(estimator=None, space=SPACE, n_iter=4, **params):
    """Return a search whose trials are one batch, so that none waits for a model."""
    estimator = Formula() if estimator is None else estimator
    params = {"n_points": n_iter, "cv": 3, "random_state": 0} | params
    return BayesSearchCV(estimator, space, n_iter=n_iter, **params)


def expected_failures(search):
    if isinstance(search.estimator, Ridge):
        return {"check_supervised_y_2d": "Ridge takes 2-d y without a warning"}
    return {}


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@parametrize_with_checks(
    [
        random_search(
            estimator, {name: [0.1, 1.0]}, n_iter=2, cv=2, error_score="raise"
        )
        for estimator, name in [
            (Ridge(solver="svd"), "alpha"),
            (
                Pipeline(
                    [("scale", StandardScaler()), ("logistic", LogisticRegression())]
                ),
                "logistic__C",
            ),
        ]
    ]
    + [
        KerasTunerSearchCV(
            Ridge(solver="svd"),
            {"alpha": [0.1, 1.0]},
            n_iter=2,
            cv=2,
            error_score="raise",
            random_state=0,
        ),
        HyperbandSearchCV(
            Ridge(solver="svd"),
            {"alpha": [0.1, 1.0]},
            resource="max_iter",
            max_resource=2,
            factor=2,
            cv=2,
            error_score="raise",
            random_state=0,
        ),
    ],
    expected_failed_checks=expected_failures,
    xfail_strict=True,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_results_have_the_columns_of_scikit_learn():
    search = random_search(return_train_score=True).fit(X, Y)
    grid = GridSearchCV(
        Formula(), {"a": [0.1, 0.2], "b": [1]}, cv=3, return_train_score=True
    ).fit(X, Y)
    assert set(search.cv_results_) == set(grid.cv_results_)
    for column, values in grid.cv_results_.items():
        assert type(search.cv_results_[column]) is type(values)
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]
    assert search.cv_results_["rank_test_score"][search.best_index_] == 1
    assert search.best_estimator_.a == search.best_params_["a"]


def test_it_finds_the_optimum():
    search = BayesSearchCV(Formula(), {"a": Real(0, 1)}, n_iter=12, random_state=0)
    scores = search.fit(X, Y).cv_results_["mean_test_score"]
    assert abs(search.best_params_["a"] - 0.7) < 0.02
    assert search.best_score_ > scores[:5].max()


def test_params_are_plain_python_and_categories_keep_their_identity():
    choices = [(64,), [1, 2], None, Ridge(), len]
    search = random_search(space=SPACE | {"sees": choices}, n_iter=8).fit(X, Y)
    for params in search.cv_results_["params"]:
        assert type(params["a"]) is float
        assert type(params["b"]) is int
        assert any(params["sees"] is choice for choice in choices)


def test_an_int_decides_the_candidates_at_every_fit():
    search = random_search()
    first = search.fit(X, Y).cv_results_["params"]
    assert search.fit(X, Y).cv_results_["params"] == first
    assert clone(search).fit(X, Y).cv_results_["params"] == first
    assert random_search(random_state=1).fit(X, Y).cv_results_["params"] != first


def test_a_random_state_object_is_advanced_and_none_is_fresh():
    shared = np.random.RandomState(0)
    search = random_search(random_state=shared)
    first = search.fit(X, Y).cv_results_["params"]
    assert search.fit(X, Y).cv_results_["params"] != first
    assert random_search(random_state=np.random.RandomState(0)).fit(X, Y).cv_results_[
        "params"
    ] == (first)
    search = random_search(random_state=None)
    first = search.fit(X, Y).cv_results_["params"]
    assert search.fit(X, Y).cv_results_["params"] != first


def test_the_number_of_jobs_changes_nothing():
    one, two = (
        BayesSearchCV(
            Formula(), SPACE, n_iter=4, n_points=2, n_jobs=n_jobs, random_state=0
        ).fit(X, Y)
        for n_jobs in (1, 2)
    )
    assert one.cv_results_["params"] == two.cv_results_["params"]
    for column, values in one.cv_results_.items():
        if "score" in column and "time" not in column:
            np.testing.assert_array_equal(values, two.cv_results_[column])


@pytest.mark.parametrize(
    "make_cv",
    [
        lambda: ShuffleSplit(3),
        lambda: iter(list(ShuffleSplit(3).split(X))),
        lambda: list(ShuffleSplit(3).split(X)),
    ],
)
def test_all_candidates_get_the_same_folds(make_cv):
    cv = make_cv()
    search = random_search(n_points=1, n_iter=2, scoring=fold_of, cv=cv).fit(X, Y)
    for split in range(3):
        assert len(set(search.cv_results_[f"split{split}_test_score"])) == 1
    assert search.cv is cv
    assert search.n_splits_ == 3


def test_folds_are_made_anew_for_every_fit():
    search = random_search(scoring=fold_of, cv=ShuffleSplit(2), n_iter=1)
    first = search.fit(X, Y).cv_results_["split0_test_score"][0]
    assert search.fit(X, Y).cv_results_["split0_test_score"][0] != first


class Weighted(Formula):
    """Scores 1 if fit and score got the weights of their own samples, else 0."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y)
        self.has_its_weights_ = np.array_equal(sample_weight, X[:, 0])
        return self

    def score(self, X, y, sample_weight=None):
        return float(self.has_its_weights_ and np.array_equal(sample_weight, X[:, 0]))


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("kind", ["gp", "random", "hyperband"])
def test_groups_reach_the_splitter_and_weights_the_estimator(kind, routing, tmp_path):
    groups = np.arange(60) % 5
    with sklearn.config_context(enable_metadata_routing=routing):
        estimator = Weighted()
        if routing:
            estimator.set_fit_request(sample_weight=True)
            estimator.set_score_request(sample_weight=True)
        search = search_in(None, kind, tmp_path / "log", cv=GroupKFold(5))
        search.set_params(estimator=estimator, search_spaces={"a": (0.0, 1.0)})
        if kind == "hyperband":
            search.set_params(resource="b")
        search.fit(X, Y, groups=groups, sample_weight=X[:, 0])
    assert search.n_splits_ == 5
    assert (search.cv_results_["mean_test_score"] == 1).all()
    assert search.best_estimator_.has_its_weights_


class Meeting(Formula):
    """Waits in `fit` for another fit, in another process."""

    def __init__(self, a=0.0, folder=None):
        super().__init__(a)
        self.folder = folder

    def fit(self, X, y):
        Path(self.folder, str(os.getpid())).touch()
        end = time.monotonic() + 120
        while len(os.listdir(self.folder)) < 2:
            if time.monotonic() > end:
                raise TimeoutError("there was no other fit")
            time.sleep(0.01)
        return super().fit(X, y)


def test_the_folds_of_a_trial_are_fitted_at_once(tmp_path):
    search = BayesSearchCV(
        Meeting(folder=str(tmp_path)),
        {"a": (0.0, 1.0)},
        n_iter=1,
        n_jobs=2,
        cv=2,
        error_score="raise",
        refit=False,
    ).fit(X, Y)
    assert len(os.listdir(tmp_path)) == search.n_splits_


def test_a_callback_of_scikit_optimize_knows_distances():
    callbacks = pytest.importorskip("skopt.callbacks")
    distances = []

    def note(result):
        points = result.x_iters
        if len(points) > 1:
            distances.append(result.space.distance(points[-2], points[-1]))

    space = {"a": (0.0, 1.0), "b": [1, 5]}
    settings = {"n_iter": 4, "cv": 2, "random_state": 0, "refit": False}
    search = BayesSearchCV(Formula(), space, **settings)
    search.fit(X, Y, callback=[note, callbacks.DeltaXStopper(1e-9)])
    tried = [(p["a"], p["b"]) for p in search.cv_results_["params"]]
    expected = [np.abs(np.subtract(*pair)).sum() for pair in pairwise(tried)]
    np.testing.assert_allclose(distances, expected)


@pytest.mark.parametrize("kind", ["gp", "random", "hyperband"])
def test_routing_needs_no_metadata(kind, tmp_path):
    plain = search_in(None, kind, tmp_path / "log").fit(X, Y)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = search_in(None, kind, tmp_path / "log").fit(X, Y)
    assert_same(routed, plain)


def test_rows_of_folds_may_be_counted_from_the_end_or_masks(tmp_path):
    rows = np.arange(60)
    plain = [(rows[30:], rows[:30]), (rows[:30], rows[30:])]
    others = [(rows[30:] - 60, rows[:30] - 60), (rows < 30, rows >= 30)]
    searches = [
        search_in(tmp_path / name, "gp", tmp_path / "log", cv=cv, n_iter=2).fit(X, Y)
        for name, cv in (("plain", plain), ("others", others))
    ]
    assert_same(*searches)


def test_splits_that_are_used_up_are_told_of(tmp_path):
    log = tmp_path / "log"
    search = search_in(None, "gp", log, cv=ShuffleSplit(2).split(X), n_iter=2)
    search.fit(X, Y)
    before = calls(log)
    with pytest.raises(ValueError, match="A generator is used up by the first fit"):
        search.fit(X, Y)
    assert calls(log) == before


def test_several_spaces_are_searched_one_after_the_other():
    spaces = [({"a": Real(0, 1)}, 2), {"b": Integer(1, 9)}]
    search = random_search(space=spaces, n_iter=3).fit(X, Y)
    assert search.total_iterations == 5
    assert [list(params) for params in search.cv_results_["params"]] == [
        ["a"],
        ["a"],
        ["b"],
        ["b"],
        ["b"],
    ]
    assert search.cv_results_["param_a"].mask.tolist() == [False] * 2 + [True] * 3
    assert search.cv_results_["param_b"].mask.tolist() == [True] * 2 + [False] * 3


@pytest.mark.parametrize(
    ("spaces", "total"),
    [
        ({"a": (0.0, 1.0), "b": (1, 9)}, 7),
        ([{"a": (0.0, 1.0)}, {"b": (1, 9)}], 14),
        ([({"a": (0.0, 1.0)}, 3), ({"b": (1, 9)}, 2)], 5),
    ],
)
def test_total_iterations_counts_trials(spaces, total):
    assert BayesSearchCV(Formula(), spaces, n_iter=7).total_iterations == total


def test_a_finite_space_ends_early():
    search = random_search(space={"b": [1, 2, 3]}, n_points=2, n_iter=9).fit(X, Y)
    assert sorted(params["b"] for params in search.cv_results_["params"]) == [1, 2, 3]


def test_several_metrics_are_searched_by_the_one_that_refit_names():
    def both(estimator, X, y):
        return {"a": estimator.a, "minus": -estimator.a}

    for scoring in (both, {"a": a_of, "minus": lambda e, X, y: -e.a}):
        search = BayesSearchCV(
            Formula(),
            {"a": (0.0, 1.0)},
            n_iter=8,
            scoring=scoring,
            refit="minus",
            random_state=0,
        ).fit(X, Y)
        assert search.best_index_ == search.cv_results_["mean_test_a"].argmin()
        # The model's trials go where this metric is good.
        assert min(search.cv_results_["param_a"][4:]) < 0.1
        assert search.best_score_ == search.cv_results_["mean_test_minus"].max()


def test_refit_may_be_a_callable_for_one_metric():
    def worst(results):
        return int(np.argmin(results["mean_test_score"]))

    search = random_search(refit=worst, n_points=1, n_iter=2).fit(X, Y)
    assert search.best_index_ == search.cv_results_["mean_test_score"].argmin()
    assert not hasattr(search, "best_score_")


def test_refit_may_be_left_out():
    search = random_search(refit=False).fit(X, Y)
    assert not hasattr(search, "best_estimator_")
    assert search.best_params_ in search.cv_results_["params"]


def test_it_can_be_nested_and_searches_pipelines():
    pipe = make_pipeline(StandardScaler(), Formula())
    search = random_search(pipe, {"formula__a": (0.0, 1.0)})
    assert cross_val_score(search, X, Y, cv=2).shape == (2,)
    outer = make_pipeline(StandardScaler(), search).fit(X, Y)
    assert outer[-1].best_estimator_[-1].a == search.best_params_["formula__a"]


def test_a_step_may_be_searched_with_its_own_parameters():
    pipe = Pipeline([("clf", LogisticRegression())])
    space = {"clf": [Formula()], "clf__a": (0.0, 1.0)}
    search = random_search(pipe, space).fit(X, Y)
    assert search.best_estimator_["clf"].a == search.best_params_["clf__a"]


def test_it_survives_pickling_and_cloning():
    search = random_search().fit(X, Y)
    again = pickle.loads(pickle.dumps(search))
    assert again.best_params_ == search.best_params_
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    copy = clone(search)
    assert copy.get_params()["search_spaces"] == SPACE
    assert not hasattr(copy, "cv_results_")


def test_nothing_of_the_caller_is_changed():
    estimator, space = Formula(a=0.3), {"a": Real(0, 1), "sees": [[1], [2]]}
    before = pickle.dumps((estimator, space, X, Y))
    random_search(estimator, space, n_iter=3).fit(X, Y)
    assert pickle.dumps((estimator, space, X, Y)) == before


@pytest.mark.parametrize("n_points", [1, 2])
@pytest.mark.parametrize("error_score", [np.nan, -7.0])
def test_the_search_goes_on_when_a_whole_batch_fails(n_points, error_score):
    search = BayesSearchCV(
        Formula(fails_below=0.6),
        {"a": Categorical([0.5, 0.1, 0.9, 0.2])},
        n_iter=4,
        n_points=n_points,
        cv=2,
        random_state=0,
        error_score=error_score,
        return_train_score=True,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, Y)
    results = search.cv_results_
    values = [params["a"] for params in results["params"]]
    assert sorted(values) == [0.1, 0.2, 0.5, 0.9]
    assert results["param_a"].tolist() == values
    assert search.best_params_ == {"a": 0.9}
    assert results["rank_test_score"][search.best_index_] == 1
    failed = np.array(values) < 0.6
    for column in ("mean_test_score", "split1_test_score", "mean_train_score"):
        np.testing.assert_array_equal(results[column][failed], error_score)
        assert np.isfinite(results[column][~failed]).all()
    assert sum(issubclass(w.category, FitFailedWarning) for w in caught) >= 1
    told_of = [w for w in caught if "test scores are non-finite" in str(w.message)]
    assert len(told_of) == int(np.isnan(error_score))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the")
def test_rows_of_failed_batches_stand_where_they_were_proposed():
    space = {"a": (0.0, 1.0)}
    params = {"n_points": 1, "n_iter": 2, "scoring": a_of}
    plain = random_search(space=space, **params).fit(X, Y).cv_results_["params"]
    assert plain[0]["a"] != plain[1]["a"]
    between = (plain[0]["a"] + plain[1]["a"]) / 2
    search = random_search(Formula(fails_below=between), space, **params).fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    found = [params["a"] for params in search.cv_results_["params"]]
    np.testing.assert_allclose(scores, [a if a >= between else np.nan for a in found])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_it_raises_the_first_error_when_every_trial_fails():
    search = random_search(Formula(fails_below=2), n_points=1, n_iter=2)
    with pytest.raises(ValueError, match=r"All 6 fits of (.|\n)*too small"):
        search.fit(X, Y)
    assert not hasattr(search, "cv_results_")
    pickle.dumps(search)


def test_errors_of_fits_are_raised_if_asked():
    with pytest.raises(ValueError, match="is too small"):
        random_search(Formula(fails_below=2), error_score="raise").fit(X, Y)


class Unfittable(Formula):
    def fit(self, X, y):
        raise AssertionError("fitted before the check")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"space": {"A": [1]}}, r"Unfittable does not have:\n'A': did you mean"),
        ({"space": {"fail_below": [1]}}, "did you mean 'fails_below'"),
        ({"space": {"zzz": [1]}}, r"'zzz': the estimator's get_params\(\) lists"),
        ({"space": {3: [1]}}, "3: the estimator's"),
        ({"space": {"a": []}}, "search space of 'a': there must be at least one"),
        ({"space": {}}, "names at least one parameter"),
        ({"space": [{"a": [1]}, {"b": (2, 1)}]}, "of 'b': low < high"),
        (
            {"n_iter": 0, "n_points": 1},
            "n_iter must be an integer of at least 1, got 0",
        ),
        ({"n_points": 0}, "n_points must be an integer of at least 1, got 0"),
        (
            {"scoring": ["accuracy", "f1"], "refit": False},
            r"objective or refit must name .*refit=False. .*\['accuracy', 'f1'\]",
        ),
        (
            {"scoring": ["accuracy", "f1"], "refit": lambda results: 0},
            "objective or refit must name the one",
        ),
    ],
)
def test_errors_come_before_the_first_fit(params, message):
    search = random_search(Unfittable(), **params)
    with pytest.raises(ValueError, match=message):
        search.fit(X, Y)


def test_names_in_steps_of_a_pipeline_are_hinted_at():
    search = random_search(make_pipeline(StandardScaler(), Formula()), {"a": [1]})
    with pytest.raises(ValueError, match=r"did you mean .*'formula__a'"):
        search.fit(X, Y)


def test_names_that_only_set_params_knows_are_accepted():
    class Routed(Formula):
        def set_params(self, **params):
            self.routed_ = params.pop("model__units", None)
            return super().set_params(**params)

    search = random_search(Routed(), {"model__units": [1, 2]}, n_iter=2).fit(X, Y)
    assert search.best_estimator_.routed_ in (1, 2)


def test_a_scorer_that_turns_out_to_be_several_needs_a_name():
    def both(estimator, X, y):
        return {"one": 1.0, "two": 2.0}

    with pytest.raises(ValueError, match=r"Set one of them to one of \['one', 'two'\]"):
        random_search(scoring=both, refit=False).fit(X, Y)
