"""The networks at work in scikit-learn: searches, ensembles, Pipelines, inspection."""

from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from skhpo import KerasCNN, KerasMLP, KerasMLPRegressor
from skhpo.preprocessing import LabelEncodedClassifier

mlp = partial(KerasMLP, 8, epochs=10, learning_rate=0.05, random_state=0)
regressor = partial(KerasMLPRegressor, 8, epochs=10, learning_rate=0.05, random_state=0)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# Model selection


def test_grid_search_over_a_pipeline(digits):
    X, y = digits
    search = GridSearchCV(
        make_pipeline(StandardScaler(), KerasMLP(epochs=5, random_state=0)),
        {
            "kerasmlp__hidden_layer_sizes": [(16,), (16, 8)],
            "kerasmlp__learning_rate": np.array([0.001, 0.01]),
        },
        cv=2,
    ).fit(X, y)
    assert search.best_params_["kerasmlp__learning_rate"] == 0.01
    assert search.best_score_ > 0.8
    assert search.cv_results_["mean_test_score"].shape == (4,)
    assert search.predict_proba(X[:3]).shape == (3, 10)


def test_random_search_over_images(digits):
    X, y = digits
    search = RandomizedSearchCV(
        make_pipeline(
            MinMaxScaler(),
            KerasCNN(8, dense_layer_sizes=(), epochs=6, random_state=0),
        ),
        {
            "kerascnn__learning_rate": loguniform(1e-2, 3e-2),
            "kerascnn__kernel_size": np.arange(2, 4),
        },
        n_iter=2,
        cv=2,
        random_state=0,
    ).fit(X, y)
    assert search.best_score_ > 0.75


def test_halving_search_over_epochs(iris):
    search = HalvingGridSearchCV(
        mlp(),
        {"learning_rate": [1e-6, 0.05]},
        resource="epochs",
        max_resources=8,
        min_resources=4,
        factor=2,
        cv=2,
    ).fit(*iris)
    assert search.best_params_ == {"learning_rate": 0.05, "epochs": 8}
    assert search.best_estimator_.n_iter_ == 8


def test_folds_are_stratified_and_scores_are_of_probabilities(iris):
    X, y = iris  # sorted by class: folds in order would each lack one
    scoring = ["accuracy", "roc_auc_ovr", "neg_log_loss", "neg_brier_score"]
    scores = cross_validate(mlp(), X, y, cv=3, scoring=scoring)
    assert min(scores["test_accuracy"]) > 0.8
    assert min(scores["test_roc_auc_ovr"]) > 0.9
    assert min(scores["test_neg_log_loss"]) > -1
    assert min(scores["test_neg_brier_score"]) > -1
    assert min(cross_val_score(mlp(), X, y == 2, cv=3, scoring="roc_auc")) > 0.9


def test_cross_validated_probabilities(iris):
    X, y = iris
    probabilities = cross_val_predict(mlp(), X, y, cv=3, method="predict_proba")
    assert probabilities.shape == (150, 3)
    assert np.mean(probabilities.argmax(axis=1) == y) > 0.85
    logs = cross_val_predict(mlp(), X, y, cv=3, method="predict_log_proba")
    assert_allclose(logs, np.log(probabilities), rtol=1e-5)


def test_learning_curve(iris):
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    sizes, _, scores = learning_curve(
        mlp(), *iris, cv=cv, train_sizes=[0.2, 1.0], shuffle=True, random_state=0
    )
    assert sizes.tolist() == [20, 100]
    assert scores[1].mean() > scores[0].mean()


def test_more_jobs_give_the_same(iris):
    grid = {"learning_rate": [0.01, 0.05]}
    one, two = (
        GridSearchCV(mlp(dropout=0.1), grid, cv=2, n_jobs=n).fit(*iris) for n in (1, 2)
    )
    for split in range(2):
        name = f"split{split}_test_score"
        assert_allclose(one.cv_results_[name], two.cv_results_[name], atol=0.02)
    assert one.best_params_ == two.best_params_
    assert_allclose(one.predict_proba(iris[0]), two.predict_proba(iris[0]), atol=1e-4)


# Ensembles and other meta-estimators


@pytest.mark.parametrize(
    "ensemble",
    [
        VotingClassifier(
            [("net", mlp()), ("linear", LogisticRegression())], voting="soft"
        ),
        StackingClassifier([("net", mlp()), ("linear", LogisticRegression())], cv=2),
        CalibratedClassifierCV(mlp(), cv=2),
        OneVsRestClassifier(mlp()),
        AdaBoostClassifier(mlp(epochs=5), n_estimators=3, random_state=0),
    ],
    ids=lambda ensemble: type(ensemble).__name__,
)
def test_ensembles_of_classifiers(ensemble, iris):
    X, y = iris[0], np.array(["setosa", "versicolor", "virginica"])[iris[1]]
    ensemble.fit(X, y)
    assert ensemble.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert ensemble.score(X, y) > 0.9
    assert_allclose(ensemble.predict_proba(X).sum(axis=1), 1, rtol=1e-4)


def test_several_outputs_of_classes(iris):
    X, y = iris
    Y = np.column_stack([y, y % 2 + 5])
    network = MultiOutputClassifier(mlp(epochs=30)).fit(X, Y)
    assert network.predict(X).shape == (150, 2)
    assert network.score(X, Y) > 0.8


@pytest.mark.parametrize(
    "ensemble",
    [
        AdaBoostRegressor(regressor(), n_estimators=2, random_state=0),
        BaggingRegressor(regressor(), n_estimators=2, random_state=0),
    ],
    ids=lambda ensemble: type(ensemble).__name__,
)
def test_ensembles_of_regressors(ensemble, sizes):
    assert ensemble.fit(*sizes).score(*sizes) > 0.7


def test_permutation_importance(sizes):
    X, y = sizes
    network = regressor(epochs=30).fit(X, y)
    noisy = np.column_stack([X, np.zeros(150)])
    importance = permutation_importance(
        regressor(epochs=30).fit(noisy, y), noisy, y, n_repeats=2, random_state=0
    )
    assert importance.importances_mean.argmax() == 2  # the length of the petals
    assert importance.importances_mean[3] == 0
    assert network.score(X, y) > 0.8


@pytest.mark.parametrize("loss", [None, "categorical_crossentropy"])
@pytest.mark.parametrize("encoder", [OneHotEncoder(), None])
def test_encoded_labels(loss, encoder, iris):
    X, y = iris[0], np.array(["setosa", "versicolor", "virginica"])[iris[1]]
    classifier = LabelEncodedClassifier(mlp(loss=loss), encoder).fit(X, y)
    predicted = classifier.predict(X)
    assert set(predicted) <= {"setosa", "versicolor", "virginica"}
    assert predicted.shape == (150,)
    assert classifier.score(X, y) > 0.9
    network = classifier.classifier_
    assert network.model_.output_shape == (None, 3)
    assert_allclose(classifier.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    assert_allclose(
        classifier.predict_proba(X), mlp(loss=loss).fit(X, y).predict_proba(X)
    )


# A validation set in Pipelines and folds


def test_a_pipeline_leaves_x_val_as_it_is_unless_told(iris, routing):
    X, y = iris[0] * 100 + 5, iris[1]
    X_val, y_val = X[::3], y[::3]
    network = mlp().set_fit_request(X_val=True, y_val=True)
    steps = [("scale", StandardScaler()), ("net", network)]
    history = {}
    for transformed in (None, ["X_val"]):
        pipeline = Pipeline(steps, transform_input=transformed)
        pipeline = clone(pipeline).fit(X, y, X_val=X_val, y_val=y_val)
        history[transformed is None] = pipeline[-1].history_["val_loss"]
    scaled = StandardScaler().fit(X)
    expected = {
        raw: mlp().fit(
            scaled.transform(X),
            y,
            X_val=X_val if raw else scaled.transform(X_val),
            y_val=y_val,
        )
        for raw in (True, False)
    }
    for raw in (True, False):
        assert_allclose(history[raw], expected[raw].history_["val_loss"], rtol=1e-5)
    assert history[True][-1] > 10 * history[False][-1]


def test_without_routing_a_pipeline_takes_a_validation_set_by_its_step(iris):
    X, y = iris
    pipeline = make_pipeline(StandardScaler(), mlp())
    pipeline.fit(X, y, kerasmlp__X_val=X[:30], kerasmlp__y_val=y[:30])
    assert len(pipeline[-1].history_["val_loss"]) == 10


class Counting(KerasMLP):
    """Keeps how many samples each fit measured on."""

    seen = []

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        self.seen.append((len(X), len(X_val), len(y_val)))
        return super().fit(X, y, sample_weight, X_val=X_val, y_val=y_val)


@pytest.mark.parametrize(("n_val", "of_each_fold"), [(149, 149), (150, 100)])
def test_folds_take_rows_of_a_validation_set_as_long_as_x(
    n_val, of_each_fold, iris, routing
):
    X, y = iris
    rows = np.resize(np.arange(150), n_val)
    network = Counting(8, epochs=1, random_state=0)
    network.set_fit_request(X_val=True, y_val=True)
    Counting.seen.clear()
    params = {"X_val": X[rows], "y_val": y[rows]}
    cross_val_score(network, X, y, cv=3, params=params, error_score="raise")
    assert Counting.seen == [(100, of_each_fold, of_each_fold)] * 3


def test_what_is_not_requested_is_an_error(iris, routing):
    X, y = iris
    with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="X_val"):
        cross_val_score(
            mlp(), X, y, cv=3, params={"X_val": X, "y_val": y}, error_score="raise"
        )


def test_sample_weight_by_routing(iris, routing):
    X, y = iris
    network = mlp().set_fit_request(sample_weight=True)
    network.set_score_request(sample_weight=True)
    only_one = {"sample_weight": (y == 0).astype(float)}
    scores = cross_val_score(network, X, y, cv=3, params=only_one)
    assert_array_equal(scores, 1)


# Parameters


def test_clone_of_a_fitted_network_is_unfitted(iris):
    network = mlp(dropout=(0.1,), metrics=["accuracy"]).fit(*iris)
    copy = clone(network)
    assert copy.get_params() == network.get_params()
    assert not hasattr(copy, "model_")
    assert not hasattr(copy, "classes_")


def test_set_params(iris):
    network = mlp().set_params(hidden_layer_sizes=(8, 3), epochs=1)
    assert network.get_params()["hidden_layer_sizes"] == (8, 3)
    assert len(network.fit(*iris).model_.layers) == 3


def test_representations():
    network = KerasMLP((64, 32), dropout=0.1, early_stopping=True)
    expected = "KerasMLP(dropout=0.1, early_stopping=True, hidden_layer_sizes=(64, 32))"
    assert repr(network) == expected
    html = make_pipeline(StandardScaler(), network)._repr_html_()
    assert "KerasMLP" in html
    assert "hidden_layer_sizes" in html


# Data frames


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("make", [mlp, partial(KerasCNN, 2, padding="same", epochs=1)])
def test_names_of_features(frame, make, iris):
    X, y = iris
    names = ["a", "b", "c", "d"]
    network = make().fit(frame(dict(zip(names, X.T, strict=True))), y)
    assert network.feature_names_in_.tolist() == names
    shuffled = frame(dict(zip(reversed(names), X.T, strict=True)))
    for call in (network.predict, partial(network.partial_fit, y=y)):
        with pytest.raises(ValueError, match="feature names should match"):
            call(shuffled)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but"):
        unnamed = network.predict_proba(X)
    named = network.predict_proba(frame(dict(zip(names, X.T, strict=True))))
    assert_array_equal(unnamed, named)


def test_names_where_the_fit_knew_none(iris):
    X, y = iris
    network = mlp(epochs=1).fit(X, y)
    with pytest.warns(UserWarning, match="X has feature names, but KerasMLP was"):
        network.predict(pd.DataFrame(X, columns=["a", "b", "c", "d"]))


def test_data_frames_through_a_pipeline(iris):
    X, y = iris
    pipeline = make_pipeline(StandardScaler(), mlp()).set_output(transform="pandas")
    pipeline.fit(pd.DataFrame(X, columns=["a", "b", "c", "d"]), pd.Series(y))
    assert pipeline[-1].feature_names_in_.tolist() == ["a", "b", "c", "d"]
    assert pipeline.score(pd.DataFrame(X, columns=["a", "b", "c", "d"]), y) > 0.9
