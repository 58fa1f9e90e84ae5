"""Keras Tuner's oracles as searches."""

import keras_tuner
import numpy as np
import pytest
from search_estimators import SPACE, Counting, X, Y, calls

from skhpo.model_selection import KerasTunerSearchCV


@pytest.mark.parametrize("oracle", ["random", "grid", "bayesian", "gp"])
def test_named_oracles(oracle):
    search = KerasTunerSearchCV(
        Counting(), SPACE, oracle=oracle, n_iter=4, cv=2, random_state=0
    ).fit(X, Y)
    params = search.cv_results_["params"]
    assert len({tuple(p.values()) for p in params}) == 4
    assert all(0 <= p["a"] <= 1 and 1 <= p["c"] <= 9 for p in params)
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()


@pytest.mark.parametrize(
    ("oracle", "message"),
    [
        ("hyperband", r"Use skhpo\.model_selection\.HyperbandSearchCV"),
        (
            keras_tuner.oracles.HyperbandOracle(keras_tuner.Objective("a", "max")),
            r"Use skhpo\.model_selection\.HyperbandSearchCV",
        ),
        (
            "tpe",
            r"one of \['bayesian', 'gp', 'grid', 'random'\] or .*got 'tpe'",
        ),
        (3, "an instance of keras_tuner.Oracle, got 3"),
    ],
)
def test_what_is_no_oracle_is_told_of(oracle, message, tmp_path):
    log = tmp_path / "log"
    search = KerasTunerSearchCV(Counting(log=str(log)), SPACE, oracle=oracle)
    with pytest.raises(ValueError, match=message):
        search.fit(X, Y)
    assert calls(log) == []


class Listening(keras_tuner.oracles.RandomSearchOracle):
    """Notes the scores that it is told."""

    told: list

    def score_trial(self, trial):
        super().score_trial(trial)
        self.told.append(trial.score)


@pytest.mark.parametrize(
    ("params", "metric"),
    [
        ({"refit": "a"}, "a"),
        ({"refit": "minus_c"}, "minus_c"),
        ({"refit": False, "objective": "minus_c"}, "minus_c"),
        ({"refit": lambda results: 0, "objective": "a"}, "a"),
    ],
)
def test_the_oracle_is_told_the_metric_that_is_named(params, metric):
    def scorer(estimator, X, y):
        return {"a": estimator.a, "minus_c": -estimator.c}

    Listening.told = []
    oracle = Listening(max_trials=5, seed=1)
    search = KerasTunerSearchCV(
        Counting(), SPACE, oracle=oracle, scoring=scorer, cv=2, **params
    ).fit(X, Y)
    assert search.objective_ == metric
    np.testing.assert_allclose(
        Listening.told, search.cv_results_[f"mean_test_{metric}"]
    )
