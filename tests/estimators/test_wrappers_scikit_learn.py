"""What SciKeras's wrappers do wrong on today's scikit-learn, and these do right."""

import warnings

import keras
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingRegressor, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    check_cv,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted
from wrapper_models import (
    THOROUGH,
    binary_classifier,
    classifier,
    regressor,
    weights_of,
)


@pytest.fixture(scope="module")
def two_kinds(iris):
    """Irises of two kinds that are hard to tell apart, the ones after the others."""
    X, y = iris
    return X[50:], np.array(["versicolor", "virginica"])[y[50:] - 1]


def assert_same_weights(first, second):
    for mine, other in zip(weights_of(first), weights_of(second), strict=True):
        assert_array_equal(mine, other)


# A classifier is one


def test_tags():
    assert is_classifier(classifier())
    assert not is_regressor(classifier())
    assert is_regressor(regressor())
    assert not is_classifier(regressor())
    tags = get_tags(classifier())
    assert tags.classifier_tags.multi_class
    assert tags.classifier_tags.multi_label
    of_regressor = get_tags(regressor())
    assert of_regressor.regressor_tags is not None
    for both in (tags, of_regressor):
        assert both.input_tags.sparse
        assert both.input_tags.three_d_array
        assert both.target_tags.required
        assert both.target_tags.multi_output


def test_folds_are_stratified(iris):
    X, y = iris
    estimator = classifier(**THOROUGH)
    cv = check_cv(3, y, classifier=is_classifier(estimator))
    assert isinstance(cv, StratifiedKFold)
    # Of sorted labels, unshuffled folds that are not stratified would score 0.
    assert cross_val_score(estimator, X, y, cv=3).min() > 0.8


@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision"])
def test_scorers_of_two_classes(two_kinds, scoring):
    X, y = two_kinds
    if scoring == "average_precision":
        y = y == "virginica"
    scores = cross_val_score(
        binary_classifier(**THOROUGH), X, y, cv=3, scoring=scoring, error_score="raise"
    )
    assert scores.min() > 0.8


@pytest.mark.parametrize("scoring", ["roc_auc_ovr", "neg_log_loss"])
def test_scorers_of_three_classes(iris, scoring):
    scores = cross_val_score(
        classifier(**THOROUGH), *iris, cv=2, scoring=scoring, error_score="raise"
    )
    assert scores.min() > (-0.5 if scoring == "neg_log_loss" else 0.8)


def test_probabilities_by_cross_validation(two_kinds):
    X, y = two_kinds
    probabilities = cross_val_predict(
        binary_classifier(**THOROUGH), X, y, cv=3, method="predict_proba"
    )
    assert probabilities.shape == (100, 2)
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert ((probabilities[:, 1] > 0.5) == (y == "virginica")).mean() > 0.8


@pytest.mark.parametrize(
    "meta",
    [
        lambda e: VotingClassifier(
            [("a", e), ("b", LogisticRegression())], voting="soft"
        ),
        lambda e: CalibratedClassifierCV(e, cv=2),
        lambda e: StackingClassifier([("a", e)], LogisticRegression(), cv=2),
        lambda e: make_pipeline(StandardScaler(), e),
    ],
    ids=["voting", "calibrated", "stacking", "pipeline"],
)
def test_meta_estimators(iris, meta):
    X, y = iris
    names = np.array(["b", "a", "c"])[y]
    estimator = meta(classifier(**THOROUGH)).fit(X, names)
    assert estimator.score(X, names) > 0.85
    assert estimator.predict_proba(X).shape == (150, 3)
    assert_array_equal(estimator.classes_, ["a", "b", "c"])


def test_ensemble_of_regressors(iris):
    X, _ = iris
    ensemble = BaggingRegressor(regressor(**THOROUGH), 2, random_state=0)
    assert ensemble.fit(X[:, :3], X[:, 3]).score(X[:, :3], X[:, 3]) > 0.8


def test_search_over_routed_parameters(iris):
    X, y = iris
    rates = [1e-5, 0.05]
    search = GridSearchCV(
        make_pipeline(StandardScaler(), classifier(model__units=1, epochs=15)),
        {
            "kerasclassifier__model__units": [2, 8],
            "kerasclassifier__optimizer__learning_rate": rates,
        },
        cv=2,
        error_score="raise",
    ).fit(X, y)
    best = search.best_estimator_[-1]
    assert search.best_params_["kerasclassifier__optimizer__learning_rate"] == 0.05
    assert best.model_.layers[0].units in (2, 8)
    assert search.score(X, y) > 0.8
    assert len(np.unique(search.cv_results_["mean_test_score"])) > 1


def test_weights_are_routed_as_metadata(iris):
    X, y = iris
    weights = np.where(y == 0, 1.0, 1e-3)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = (
            classifier()
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=True)
        )
        search = GridSearchCV(estimator, {"epochs": [1]}, cv=2, error_score="raise")
        search.fit(X, y, sample_weight=weights)
    expected = classifier(epochs=1).fit(X, y, weights)
    assert_same_weights(search.best_estimator_, expected)


def test_clone_and_repr(iris):
    callbacks = [keras.callbacks.TerminateOnNaN]
    estimator = classifier(callbacks=callbacks, model__units=3)
    copy = clone(estimator.fit(*iris))
    assert copy.get_params() == estimator.get_params()
    assert not hasattr(copy, "model_")
    printed = repr(estimator)
    assert printed.startswith("KerasClassifier(")
    assert "batch_size" not in printed
    assert "model__units=3" in printed.replace("\n", "")
    with pytest.raises(NotFittedError):
        check_is_fitted(copy)
    with pytest.raises(NotFittedError, match="call fit before predict, or initialize"):
        copy.predict(iris[0])
    check_is_fitted(estimator)


# Probabilities


KINDS = {
    "two classes": (lambda y: y > 0, "binary_crossentropy", 2),
    "three classes": (lambda y: y, "sparse_categorical_crossentropy", 3),
    "one-hot": (lambda y: np.eye(3)[y], "binary_crossentropy", 3),
    "several labels": (
        lambda y: np.column_stack([y > 0, y < 2, y == 1]).astype(int),
        "binary_crossentropy",
        3,
    ),
}


@pytest.mark.parametrize(("target", "loss", "n_classes"), KINDS.values(), ids=KINDS)
def test_probabilities_keep_both_their_axes(iris, target, loss, n_classes):
    X, y = iris
    y = target(y)
    estimator = classifier(loss=loss, **THOROUGH).fit(X, y)
    for n_rows in (1, 2, 150):
        probabilities = estimator.predict_proba(X[:n_rows])
        assert probabilities.shape == (n_rows, n_classes)
        assert estimator.predict(X[:n_rows]).shape == y[:n_rows].shape
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    if y.ndim == 1:
        assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
        predictions = estimator.classes_[probabilities.argmax(axis=1)]
        assert_array_equal(predictions, estimator.predict(X))
    assert estimator.score(X, y) > 0.8
    assert len(estimator.classes_) == n_classes


def test_several_labels_are_each_decided_alone(iris):
    X, y = iris
    Y = np.column_stack([y > 0, y < 2]).astype(int)
    estimator = binary_classifier(**THOROUGH).fit(X, Y)
    expected = (estimator.predict_proba(X) > 0.5).astype(int)
    assert_array_equal(estimator.predict(X), expected)


def test_two_classes_by_a_network_with_two_outputs(iris):
    X, y = iris

    def build():
        return keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(2, activation="softmax")]
        )

    estimator = classifier(build, **THOROUGH).fit(X, y > 0)
    assert estimator.predict_proba(X[:1]).shape == (1, 2)
    assert estimator.score(X, y > 0) > 0.95


def test_one_class_has_one_probability(iris):
    X, _ = iris
    estimator = binary_classifier().fit(X, np.full(150, "only"))
    assert_array_equal(estimator.predict_proba(X), np.ones((150, 1)))
    assert_array_equal(estimator.predict(X[:2]), ["only", "only"])


# Weights


@pytest.mark.parametrize("make", [np.array, list], ids=["array", "list"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_the_callers_weights_stay_as_they_are(iris, make, method):
    X, y = iris
    weights = make(np.linspace(0.5, 2, 150))
    before = np.array(weights)
    estimator = classifier(class_weight={0: 10, 1: 1, 2: 1})
    getattr(estimator, method)(X, y, sample_weight=weights)
    assert_array_equal(weights, before)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 0.2, 1: 1, 2: 5}])
def test_weights_of_classes_are_weights_of_samples(iris, class_weight):
    X, y = iris[0][:120], iris[1][:120]
    alone = classifier(class_weight=class_weight).fit(X, y)
    by_class = compute_sample_weight(class_weight, y)
    assert_same_weights(alone, classifier().fit(X, y, by_class))
    given = np.linspace(0.5, 2, 120)
    both = classifier(class_weight=class_weight).fit(X, y, given)
    assert_same_weights(both, classifier().fit(X, y, given * by_class))
    ours = classifier().partial_fit(X, y, sample_weight=by_class)
    named = classifier(class_weight=class_weight).partial_fit(X, y)
    assert_same_weights(ours, named)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_samples_without_weight_are_left_out(iris, make):
    X, y = iris
    weights = (np.arange(150) % 3 > 0).astype(float)
    weighted = make().fit(X, y, sample_weight=weights)
    kept = weights > 0
    assert_same_weights(weighted, make().fit(X[kept], y[kept], np.ones(kept.sum())))
    with pytest.raises(ValueError, match="at least one non-zero number"):
        make().fit(X, y, sample_weight=np.zeros(150))
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(3,\)"):
        make().fit(X, y, sample_weight=np.ones(3))


@pytest.mark.parametrize(
    ("make", "container"),
    [
        (classifier, list),
        (classifier, sparse.csr_array),
        (regressor, np.asarray),
        (regressor, pd.DataFrame),
    ],
)
def test_score_takes_weights(iris, make, container):
    X, y = iris
    estimator = make(**THOROUGH).fit(container(X), y)
    weights = np.linspace(0, 2, 150)
    predictions = estimator.predict(container(X))
    expected = type(estimator).scorer(y, predictions, sample_weight=weights)
    assert estimator.score(container(X), y, sample_weight=weights) == expected


# Kinds of X


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_names_of_features(iris, frame):
    X, y = iris
    names = ["a", "b", "c", "d"]
    data = frame(dict(zip(names, X.T, strict=True)))
    target = (pd if frame is pd.DataFrame else pl).Series(y)
    estimator = classifier().fit(data, target)
    assert_array_equal(estimator.feature_names_in_, names)
    assert estimator.n_features_in_ == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictions = estimator.predict(data)
    plain = classifier().fit(X, y)
    assert not hasattr(plain, "feature_names_in_")
    assert_array_equal(predictions, plain.predict(X))
    assert estimator.score(data, target) == plain.score(X, y)
    with pytest.raises(ValueError, match="feature names should match"):
        estimator.predict(data[["b", "a", "c", "d"]])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        estimator.predict(X)
    again = classifier().fit(data, y).partial_fit(data, y)
    assert again.fit(X, y).n_features_in_ == 4
    assert not hasattr(again, "feature_names_in_")


@pytest.mark.parametrize(
    ("make", "container"),
    [
        (classifier, sparse.csr_array),
        (classifier, sparse.csc_matrix),
        (regressor, sparse.coo_array),
    ],
)
def test_sparse_x_is_made_dense(iris, make, container):
    X, y = iris
    X = np.where(X > 0, X, 0)
    estimator = make().fit(container(X), y)
    dense = make().fit(X, y)
    assert_same_weights(estimator, dense)
    assert_array_equal(estimator.predict(container(X)), dense.predict(X))
    assert estimator.partial_fit(container(X), y).current_epoch == 3


def test_images(digit_bytes):
    images, y = digit_bytes

    def build(meta):
        return keras.Sequential(
            [
                keras.Input(meta["X_shape_"][1:]),
                keras.layers.Rescaling(1 / 16),
                keras.layers.Flatten(),
                keras.layers.Dense(meta["n_classes_"], activation="softmax"),
            ]
        )

    estimator = classifier(build, **THOROUGH).fit(images, y)
    assert (estimator.X_dtype_, estimator.X_shape_) == (np.uint8, (300, 8, 8))
    assert estimator.n_features_in_ == 8
    assert estimator.training_path_ == "compiled"
    assert estimator.score(images, y) > 0.9
    with pytest.raises(ValueError, match=r"\(n_samples, 8, 8\), got \(3, 8, 7\)"):
        estimator.predict(images[:3, :, :7])


@pytest.mark.parametrize("dtype", [np.float32, np.int16, object])
def test_types_of_numbers(iris, dtype):
    X, y = iris
    X = np.round(X)
    given = X.astype(dtype)
    estimator = classifier().fit(given, y)
    assert_array_equal(estimator.predict(given), classifier().fit(X, y).predict(X))
    # Integers at fit do not forbid other numbers at predict.
    assert estimator.predict(X + 0.25).shape == (150,)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[np.nan] * 4] * 3, [0, 1, 2], "Input X contains NaN"),
        ([[np.inf] * 4] * 3, [0, 1, 2], "Input X contains infinity"),
        (np.empty((0, 4)), [], r"0 sample\(s\)"),
        ([[1.0] * 4] * 3, [0, 1], "inconsistent numbers of samples"),
        ([["a"] * 4] * 3, [0, 1, 2], "dtype='numeric' is not compatible"),
        ([[1.0] * 4] * 3, None, "requires y to be passed, but the target y is None"),
        ([[1.0] * 4] * 3, [0, np.nan, 2], "Input y contains NaN"),
        ([1.0, 2.0, 3.0], [0, 1, 2], "Expected 2D array, got 1D array instead"),
        (np.empty((3, 0)), [0, 1, 2], r"0 feature\(s\)"),
    ],
)
def test_wrong_data(X, y, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, y)


def test_data_are_not_changed(iris):
    # The fixture's arrays can not be written to.
    X, y = iris
    estimator = classifier(class_weight="balanced", validation_split=0.1)
    weights = np.ones(150)
    weights.flags.writeable = False
    estimator.fit(X, y, weights).partial_fit(X, y, sample_weight=weights).score(X, y)
    assert not X.flags.writeable
