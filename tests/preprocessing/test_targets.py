import itertools
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_score,
    cross_validate,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    LabelBinarizer,
    LabelEncoder,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    parametrize_with_checks,
)

from skhpo.preprocessing import LabelEncodedClassifier

TRANSFORMERS = [
    None,
    LabelEncoder(),
    OrdinalEncoder(),
    LabelBinarizer(),
    LabelBinarizer(neg_label=-2, pos_label=5),
    LabelBinarizer(sparse_output=True),
    OneHotEncoder(),
    OneHotEncoder(sparse_output=False),
    OneHotEncoder(drop="first"),
    OneHotEncoder(drop="if_binary"),
]


@pytest.fixture
def iris():
    bunch = load_iris()
    return bunch.data, bunch.target_names[bunch.target]


# Contracts


@parametrize_with_checks(
    [
        LabelEncodedClassifier(LogisticRegression(), transformer)
        for transformer in (None, OneHotEncoder())
    ]
    + [LabelEncodedClassifier(make_pipeline(StandardScaler(), LogisticRegression()))],
    xfail_strict=True,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_scikit_learn_check_of_feature_names():
    check_dataframe_column_names_consistency(
        "LabelEncodedClassifier", LabelEncodedClassifier(LogisticRegression())
    )


# Against the classifier alone, which encodes labels itself


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "labels", [["c", "a", "b"], [30, 10, 20], [2.0, 0.0, 1.0]], ids=str
)
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=str)
def test_predictions_are_those_of_the_classifier_alone(
    iris, transformer, labels, n_classes
):
    X, _ = iris
    X, y = X[: 50 * n_classes : 5], np.repeat(labels[:n_classes], 10)
    alone = LogisticRegression(C=0.1).fit(X, y)
    wrapped = LabelEncodedClassifier(alone, transformer).fit(X, y)
    assert_array_equal(wrapped.classes_, alone.classes_)
    assert wrapped.classes_.dtype == y.dtype
    assert_array_equal(wrapped.predict(X), alone.predict(X))
    assert_allclose(wrapped.predict_proba(X), alone.predict_proba(X))
    assert_allclose(wrapped.predict_log_proba(X), alone.predict_log_proba(X))
    assert_allclose(wrapped.decision_function(X), alone.decision_function(X))
    assert wrapped.score(X, y) == alone.score(X, y)
    assert_array_equal(wrapped.classifier_.classes_, np.arange(n_classes))


@pytest.mark.parametrize(
    "y",
    [
        ["no", "yes"] * 30,
        [False, True] * 30,
        pd.Series(["no", "yes"] * 30),
        pd.Series(["no", "yes"] * 30, dtype="category"),
        pl.Series(["no", "yes"] * 30),
        np.array(["no", "yes"] * 30, dtype=object),
    ],
    ids=lambda y: type(y).__name__,
)
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=str)
def test_containers_of_labels(transformer, y):
    X = np.random.default_rng(0).normal(size=(60, 2))
    clf = LabelEncodedClassifier(LogisticRegression(), transformer).fit(X, y)
    alone = LogisticRegression().fit(X, y)
    assert_array_equal(clf.predict(X), alone.predict(X))
    assert clf.predict(X).dtype == alone.predict(X).dtype


# The order of the classes


@pytest.mark.parametrize("encoder", [OneHotEncoder, OrdinalEncoder])
def test_the_encoder_says_in_which_order_the_classifier_gets_classes(iris, encoder):
    X, y = iris
    order = ["versicolor", "virginica", "setosa"]
    clf = LabelEncodedClassifier(
        LogisticRegression(max_iter=500), encoder(categories=[order])
    ).fit(X, y)
    assert_array_equal(np.array(order)[clf.classifier_.predict(X)], clf.predict(X))
    assert clf.score(X, y) > 0.95


@pytest.mark.parametrize("encoder", [OneHotEncoder, OrdinalEncoder])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_classes_and_columns_are_sorted_whatever_the_encoder_says(iris, encoder, order):
    X, y = iris
    names = np.unique(y)
    alone = LogisticRegression(max_iter=5000, tol=1e-10).fit(X, y)
    clf = LabelEncodedClassifier(alone, encoder(categories=[names[list(order)]]))
    clf.fit(X, y)
    assert_array_equal(clf.classes_, names)
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        columns, expected = getattr(clf, method)(X), getattr(alone, method)(X)
        assert_allclose(columns, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("order", [["healthy", "ill"], ["ill", "healthy"]])
def test_of_two_classes_the_second_by_name_is_positive(iris, order):
    X, y = iris[0], np.where(iris[1] == "setosa", "ill", "healthy")
    alone = LogisticRegression().fit(X, y)
    clf = LabelEncodedClassifier(alone, OrdinalEncoder(categories=[order])).fit(X, y)
    assert_allclose(clf.decision_function(X), alone.decision_function(X), rtol=1e-2)
    assert_allclose(clf.predict_proba(X), alone.predict_proba(X), atol=1e-2)


SCORINGS = ["accuracy", "neg_log_loss", "roc_auc_ovr", "neg_brier_score"]


@pytest.mark.parametrize("scoring", SCORINGS)
def test_scorers_of_probabilities_are_right_whatever_the_encoder_says(iris, scoring):
    X, y = iris
    alone = make_pipeline(StandardScaler(), LogisticRegression())
    backwards = OrdinalEncoder(categories=[np.unique(y)[::-1]])
    expected = cross_val_score(alone, X, y, scoring=scoring, cv=3)
    scores = cross_val_score(
        LabelEncodedClassifier(alone, backwards), X, y, scoring=scoring, cv=3
    )
    assert_allclose(scores, expected, rtol=1e-3)


@pytest.mark.parametrize("drop", ["first", ["b"]])
def test_the_dropped_class_has_the_index_0(drop):
    y = np.array(["c", "a", "b"] * 5)
    X = np.eye(3)[[2, 0, 1] * 5]
    clf = LabelEncodedClassifier(KNeighborsClassifier(1), OneHotEncoder(drop=drop))
    clf.fit(X, y)
    first = np.flatnonzero(y == ("a" if drop == "first" else "b"))
    assert_array_equal(np.flatnonzero(clf.classifier_.predict(X) == 0), first)
    assert_array_equal(clf.predict(X), y)


@pytest.mark.parametrize("encoder", [OneHotEncoder, OrdinalEncoder])
def test_classes_without_samples_leave_no_gap(encoder):
    X, y = np.array([[0.0], [1.0]] * 5), np.array(["low", "high"] * 5)
    transformer = encoder(categories=[["low", "middle", "high"]])
    clf = LabelEncodedClassifier(LogisticRegression(), transformer).fit(X, y)
    assert clf.classes_.tolist() == ["high", "low"]
    assert clf.classifier_.classes_.tolist() == [0, 1]
    assert clf.predict_proba(X).shape == (10, 2)
    assert_array_equal(clf.predict(X), y)


def test_a_single_infrequent_class_loses_nothing():
    y = np.array(["a"] * 2 + ["b"] * 9 + ["c"] * 9)
    X = np.array([[0.0]] * 2 + [[1.0]] * 9 + [[2.0]] * 9)
    clf = LabelEncodedClassifier(
        KNeighborsClassifier(1), OneHotEncoder(min_frequency=5)
    ).fit(X, y)
    # The infrequent class has the last column of the encoder.
    assert_array_equal(clf.classifier_.predict(X), [2] * 2 + [0] * 9 + [1] * 9)
    assert_array_equal(clf.predict(X), y)


# Inside and around other estimators


def test_around_and_inside_pipelines_and_searches(iris):
    X, y = iris
    inner = Pipeline([("scale", StandardScaler()), ("clf", LogisticRegression())])
    outer = make_pipeline(
        StandardScaler(), LabelEncodedClassifier(inner, OneHotEncoder())
    )
    prefix = "labelencodedclassifier__classifier__clf__"
    search = GridSearchCV(outer, {prefix + "C": [1e-6, 1.0]}, cv=3).fit(X, y)
    assert search.best_params_ == {prefix + "C": 1.0}
    assert search.best_score_ > 0.9
    assert search.classes_.tolist() == ["setosa", "versicolor", "virginica"]

    wrapped_search = LabelEncodedClassifier(
        GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1.0]}, cv=3)
    ).fit(X, y)
    assert wrapped_search.score(X, y) > 0.9


def test_a_fold_that_lacks_a_class_is_as_in_scikit_learn(iris):
    X, y = iris
    alone = make_pipeline(StandardScaler(), LogisticRegression())
    folds = KFold(3)  # unshuffled: each fold is one class
    expected = cross_validate(alone, X, y, cv=folds)["test_score"]
    for transformer in TRANSFORMERS:
        wrapped = LabelEncodedClassifier(alone, transformer)
        scores = cross_validate(wrapped, X, y, cv=folds, error_score="raise")
        assert_array_equal(scores["test_score"], expected)


def test_global_output_setting_does_not_reach_the_labels(iris):
    X, y = iris
    with sklearn.config_context(transform_output="pandas"):
        clf = LabelEncodedClassifier(LogisticRegression(max_iter=500), OneHotEncoder())
        assert clf.fit(X, y).score(X, y) > 0.9


def test_parts_are_cloned_and_left_as_they_were(iris):
    X, y = iris
    before = y.copy()
    classifier, transformer = LogisticRegression(max_iter=500), OneHotEncoder()
    clf = LabelEncodedClassifier(classifier, transformer).fit(X, y)
    assert not hasattr(classifier, "classes_")
    assert not hasattr(transformer, "categories_")
    assert clf.transformer_.categories_[0].tolist() == clf.classes_.tolist()
    assert_array_equal(y, before)
    assert clone(clf).get_params()["transformer"].get_params() == (
        transformer.get_params()
    )


def test_features_are_those_of_the_classifier(iris):
    X, y = iris
    clf = LabelEncodedClassifier(LogisticRegression(max_iter=500))
    assert not hasattr(clf, "n_features_in_")
    assert clf.fit(X, y).n_features_in_ == 4
    assert not hasattr(clf, "feature_names_in_")
    clf.fit(pd.DataFrame(X, columns=list("abcd")), y)
    assert clf.feature_names_in_.tolist() == list("abcd")


def test_tags_are_those_of_the_classifier():
    tags = get_tags(LabelEncodedClassifier(KNeighborsClassifier(metric="precomputed")))
    assert tags.estimator_type == "classifier"
    assert tags.input_tags.sparse
    assert tags.input_tags.pairwise
    assert not tags.classifier_tags.multi_label
    assert get_tags(LabelEncodedClassifier(DummyClassifier())).no_validation is False
    assert get_tags(
        LabelEncodedClassifier(DummyClassifier())
    ).classifier_tags.poor_score
    assert not get_tags(LabelEncodedClassifier(LogisticRegression())).non_deterministic


def test_methods_are_there_only_if_the_classifier_has_them(iris):
    X, y = iris
    clf = LabelEncodedClassifier(LinearSVC())
    for _ in range(2):  # before and after fit
        assert hasattr(clf, "decision_function")
        assert not hasattr(clf, "predict_proba")
        assert not hasattr(clf, "predict_log_proba")
        clf.fit(X, y)


def test_sparse_features(iris):
    X, y = iris
    clf = LabelEncodedClassifier(LogisticRegression(max_iter=500), OneHotEncoder())
    assert clf.fit(csr_array(X), y).score(csr_array(X), y) > 0.9


# Metadata


class _Recorder(ClassifierMixin, BaseEstimator):
    """Predict the first class, and remember what fit and predict were given."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.y_, self.sample_weight_ = y, sample_weight
        return self

    def predict(self, X, offset=0):
        return np.full(len(X), offset)


@pytest.mark.parametrize("routing", [False, True])
def test_parameters_reach_the_classifier(routing):
    X, y = np.zeros((4, 1)), np.array(["b", "a", "a", "b"])
    weight = np.array([1.0, 2.0, 3.0, 4.0])
    with sklearn.config_context(enable_metadata_routing=routing):
        inner = _Recorder()
        if routing:
            inner.set_fit_request(sample_weight=True).set_predict_request(offset=True)
        clf = LabelEncodedClassifier(inner, OneHotEncoder())
        clf.fit(X, y, sample_weight=weight)
        assert_array_equal(clf.classifier_.y_, [1, 0, 0, 1])
        assert_array_equal(clf.classifier_.sample_weight_, weight)
        assert clf.predict(X).tolist() == ["a"] * 4
        assert clf.predict(X, offset=1).tolist() == ["b"] * 4
        assert clf.score(X, y, sample_weight=weight) == 0.5


def test_metadata_is_split_with_the_folds():
    X, y = np.zeros((6, 1)), np.array(["b", "a"] * 3)
    weight = np.arange(6.0)
    with sklearn.config_context(enable_metadata_routing=True):
        inner = _Recorder().set_fit_request(sample_weight=True)
        clf = LabelEncodedClassifier(inner).set_score_request(sample_weight=False)
        fitted = cross_validate(
            clf,
            X,
            y,
            params={"sample_weight": weight},
            cv=KFold(2),
            return_estimator=True,
        )["estimator"]
    weights = [clf.classifier_.sample_weight_.tolist() for clf in fitted]
    assert weights == [[3.0, 4.0, 5.0], [0.0, 1.0, 2.0]]


def test_metadata_that_is_not_requested_is_refused():
    with (
        sklearn.config_context(enable_metadata_routing=True),
        pytest.raises(UnsetMetadataPassedError, match="sample_weight"),
    ):
        LabelEncodedClassifier(LogisticRegression()).fit(
            [[0.0], [1.0]], ["a", "b"], sample_weight=[1, 1]
        )


# Bad inputs

X4 = np.zeros((4, 1))


@pytest.mark.parametrize("classifier", [None, LinearRegression(), "logistic"])
def test_classifier_must_be_one(classifier):
    message = f"classifier must be a classifier; got {classifier!r}. Pass an instance"
    with pytest.raises(TypeError, match=re.escape(message)):
        LabelEncodedClassifier(classifier).fit(X4, [0, 1, 0, 1])


def test_classifier_must_be_an_instance():
    with pytest.raises(TypeError, match="got estimator class instead"):
        LabelEncodedClassifier(LogisticRegression).fit(X4, [0, 1, 0, 1])


def test_transformer_must_be_one():
    message = (
        "transformer must have fit and transform; got 'onehot'. Pass an encoder such "
        "as OneHotEncoder(), or None for LabelEncoder()."
    )
    with pytest.raises(TypeError, match=re.escape(message)):
        LabelEncodedClassifier(LogisticRegression(), "onehot").fit(X4, [0, 1, 0, 1])


@pytest.mark.parametrize(
    "transformer",
    [
        OneHotEncoder(min_frequency=3),
        OneHotEncoder(max_categories=2),
        OrdinalEncoder(min_frequency=3),
        OneHotEncoder(categories=[["c"]], handle_unknown="ignore"),
    ],
    ids=str,
)
def test_a_transformer_that_merges_classes_is_refused(transformer):
    y = ["a", "b"] + ["c"] * 4
    message = (
        f"transformer must give every label of y a code of its own, but {transformer} "
        "encodes ['a', 'b'] alike. Use one that keeps every class: without "
        "min_frequency and max_categories, and with all labels in categories."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        LabelEncodedClassifier(LogisticRegression(), transformer).fit(
            np.zeros((6, 1)), y
        )


def test_a_label_outside_the_categories_is_refused():
    transformer = OneHotEncoder(categories=[["a", "b"]])
    with pytest.raises(ValueError, match="Found unknown categories"):
        LabelEncodedClassifier(LogisticRegression(), transformer).fit(X4, list("abca"))


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (None, ValueError, "requires y to be passed, but the target y is None."),
        (np.eye(4), ValueError, "y should be a 1d array, got an array of shape (4, 4)"),
        ([0.5, 1.5, 2.5, 0.1], ValueError, "Unknown label type: continuous"),
        ([0, 1, np.nan, 1], ValueError, "Input y contains NaN."),
        (
            ["a", None, "b", "a"],
            TypeError,
            "y must hold labels of one kind, all strings or all numbers; got NoneType, "
            "str. Drop samples without a label, or convert y.",
        ),
    ],
    ids=str,
)
def test_bad_labels_are_refused(y, error, message):
    with pytest.raises(error, match=re.escape(message)):
        LabelEncodedClassifier(LogisticRegression()).fit(X4, y)


def test_predict_needs_a_fit():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        LabelEncodedClassifier(LogisticRegression()).predict(X4)


class TakesValidation(LogisticRegression):
    def fit(self, X, y, X_val=None, y_val=None):
        self.y_val_ = y_val
        return super().fit(X, y)


def test_y_val_is_encoded_as_y_is():
    X, y = np.arange(6.0).reshape(6, 1), np.array(list("bacabc"))
    classifier = LabelEncodedClassifier(
        TakesValidation(), OrdinalEncoder(categories=[["c", "a", "b"]])
    )
    classifier.fit(X, y, X_val=X[:3], y_val=["a", "c", "b"])
    assert classifier.classifier_.y_val_.tolist() == [1, 0, 2]
    with pytest.raises(ValueError, match=r"y_val must hold labels of y .*\['d'\]"):
        classifier.fit(X, y, X_val=X[:1], y_val=["d"])
