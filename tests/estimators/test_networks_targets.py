"""What y may be: labels of any kind, one or several per sample, and numbers."""

from functools import partial

import hypothesis.strategies as st
import keras
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import DataConversionWarning

from skhpo import KerasCNN, KerasCNNRegressor, KerasMLP, KerasMLPRegressor

mlp = partial(KerasMLP, 8, epochs=20, learning_rate=0.05, random_state=0)
regressor = partial(KerasMLPRegressor, 8, epochs=20, learning_rate=0.05, random_state=0)
quick = partial(KerasMLP, 8, epochs=1, random_state=0)


@pytest.fixture(scope="module")
def several(iris):
    """Return irises with three labels each, of which the first two exclude another."""
    X, y = iris
    return X, np.column_stack([y == 0, y == 2, X[:, 1] > 0]).astype(int)


# Labels


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1, 2]),
        np.array([-7, 0, 300]),
        np.array([0.0, 1.0, 2.0]),
        np.array(["setosa", "versicolor", "virginica"]),
        np.array(["setosa", "versicolor", "virginica"], dtype=object),
        np.array([2, 1, 0], dtype=np.int8),
    ],
    ids=["indices", "negative", "float", "str", "object", "reversed"],
)
def test_labels_come_back_as_they_are(labels, iris):
    X, y = iris[0], labels[iris[1]]
    network = mlp().fit(X, y)
    assert_array_equal(network.classes_, np.sort(labels))
    assert network.classes_.dtype == y.dtype
    predicted = network.predict(X)
    assert predicted.dtype == y.dtype
    assert predicted.shape == (150,)
    assert np.mean(predicted == y) == network.score(X, y) > 0.9
    probabilities = network.predict_proba(X)
    assert probabilities.shape == (150, 3)
    assert_array_equal(network.classes_[probabilities.argmax(axis=1)], predicted)
    assert_array_equal(network.predict_log_proba(X), np.log(probabilities))


@pytest.mark.parametrize(
    "labels", [[False, True], ["no", "yes"], [-1, 1], [0.0, 1.0], [5, 3]]
)
def test_two_classes(labels, iris):
    X, y = iris[0], np.array(labels)[(iris[1] == 0).astype(int)]
    network = mlp().fit(X, y)
    assert network.classes_.tolist() == sorted(labels)
    probabilities = network.predict_proba(X)
    assert probabilities.shape == (150, 2)
    assert probabilities.dtype == np.float32
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert network.predict_proba(X[:1]).shape == (1, 2)
    assert_array_equal(
        network.predict(X), network.classes_[(probabilities[:, 1] > 0.5).astype(int)]
    )
    assert network.predict(X).dtype == y.dtype
    assert network.score(X, y) > 0.95


@given(
    st.one_of(
        st.sets(st.integers(-(2**60), 2**60), min_size=3, max_size=3),
        st.sets(st.text(max_size=5), min_size=3, max_size=3),
        st.sets(st.integers(-9, 9).map(float), min_size=3, max_size=3),
    ),
    st.randoms(use_true_random=False),
)
@settings(max_examples=15)
def test_any_three_labels_are_told_apart(iris, labels, random):
    labels = list(labels)
    random.shuffle(labels)
    y = np.array(labels)[iris[1]]
    network = mlp(epochs=10).fit(iris[0], y)
    assert network.classes_.tolist() == sorted(labels)
    assert np.mean(network.predict(iris[0]) == y) > 0.8


@pytest.mark.parametrize("frame", [pd.Series, pl.Series, list])
def test_y_of_other_types(frame, iris):
    X, y = iris[0], np.array(["a", "b", "c"])[iris[1]]
    network = quick().fit(X, frame(y))
    assert network.classes_.tolist() == ["a", "b", "c"]
    assert network.score(X, frame(y)) == quick().fit(X, y).score(X, y)


def test_a_column_of_labels_is_taken_with_a_warning(iris):
    X, y = iris
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        network = quick().fit(X, y.reshape(-1, 1))
    assert network.predict(X).shape == (150,)
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        regression = KerasMLPRegressor(8, epochs=1).fit(X, y.reshape(-1, 1))
    assert regression.predict(X).shape == (150,)


# What is no label


@pytest.mark.parametrize("make", [quick, partial(KerasCNN, 2, padding="same")])
@pytest.mark.parametrize(
    ("target", "message"),
    [
        (lambda X, y: X[:, 0], "Unknown label type: continuous"),
        (lambda X, y: np.zeros(150), r"at least 2 classes, got one class: \[0.0\]"),
        (lambda X, y: np.full(150, "a"), r"at least 2 classes, got one class: \['a'\]"),
        (lambda X, y: np.where(y == 0, np.nan, y), "Input y contains NaN"),
        (lambda X, y: y[:-1], "inconsistent numbers of samples"),
        (
            lambda X, y: np.column_stack([y, y]),
            "MultiOutputClassifier",
        ),
        (
            lambda X, y: np.column_stack([y > 0, y > 1]) + 1,
            "0 and 1 only, got",
        ),
        (lambda X, y: None, "requires y to be passed, but the target y is None"),
    ],
)
def test_what_is_no_target_of_a_classifier(make, target, message, iris):
    network = make()
    with pytest.raises(ValueError, match=message):
        network.fit(iris[0], target(*iris))
    assert not hasattr(network, "model_")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("network", [KerasMLPRegressor, KerasCNNRegressor])
def test_what_is_no_target_of_a_regressor(bad, network, iris):
    y = np.where(iris[1] == 1, bad, iris[0][:, 0])
    with pytest.raises(ValueError, match=r"Input y contains (NaN|infinity)"):
        network().fit(iris[0], y)


def test_numbers_written_as_strings_are_no_target_of_a_regressor(iris):
    with pytest.raises(ValueError, match="could not convert string to float: 'a'"):
        regressor().fit(iris[0], np.array(["a", "b", "c"], dtype=object)[iris[1]])


# partial_fit and the classes of all calls


def test_classes_may_be_more_than_the_first_batch_has(iris):
    X, y = iris
    network = mlp().partial_fit(X[:100], y[:100], classes=[2, 0, 1])
    assert network.classes_.tolist() == [0, 1, 2]
    for _ in range(30):
        network.partial_fit(X, y)
    assert network.score(X, y) > 0.9


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_classes_are_needed_in_the_first_call(shape, iris):
    X, y = iris
    with pytest.raises(ValueError, match="classes must be passed on the first call to"):
        quick().partial_fit(X, y.reshape(shape))


def test_classes_are_not_needed_after_fit(iris):
    network = quick().fit(*iris)
    assert network.partial_fit(*iris).n_iter_ == 2
    assert network.partial_fit(*iris, classes=[0, 1, 2]).n_iter_ == 3


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2, 3], ["a", "b", "c"]])
def test_classes_must_stay_the_same(classes, iris):
    network = quick().partial_fit(*iris, classes=[0, 1, 2])
    message = r"classes must be \[0, 1, 2\], as .* first call, got"
    with pytest.raises(ValueError, match=message):
        network.partial_fit(*iris, classes=classes)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (lambda y: y + 1, r"known labels only, \[0, 1, 2\], got also \[3\]; call fit"),
        (lambda y: y.astype(str), r"known labels only, .*, got also \['0', '1', '2'\]"),
        (lambda y: y + 0.5, r"known labels only, .*, got also \[0.5, 1.5, 2.5\]"),
        (lambda y: np.column_stack([y > 0, y > 1]) * 1, "one label per sample, as fit"),
    ],
)
def test_unknown_labels(target, message, iris):
    X, y = iris
    for warm in (quick(warm_start=True).fit(X, y), quick().fit(X, y)):
        go_on = warm.fit if warm.warm_start else warm.partial_fit
        with pytest.raises(ValueError, match=message):
            go_on(X, target(y))
        assert warm.n_iter_ == 1


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (lambda y: y + 1, r"known labels only, \[0, 1, 2\], got also \[3\]; call fit"),
        (lambda y: y + 0.5, "Unknown label type: continuous"),
        (lambda y: np.column_stack([y > 0, y > 1]) * 1, r"classes must be \[0, 1\]"),
    ],
)
def test_targets_that_do_not_fit_the_classes_given(target, message, iris):
    network = quick()
    with pytest.raises(ValueError, match=message):
        network.partial_fit(iris[0], target(iris[1]), classes=[0, 1, 2])
    assert not hasattr(network, "model_")


# Several labels per sample


@pytest.mark.parametrize(
    "of",
    [
        np.asarray,
        lambda Y: Y.astype(bool),
        lambda Y: Y.astype(float),
        np.ndarray.tolist,
        sparse.csr_array,
        sparse.csr_matrix,
        sparse.coo_array,
        pd.DataFrame,
    ],
    ids=["int", "bool", "float", "list", "csr_array", "csr_matrix", "coo", "pandas"],
)
def test_several_labels(of, several):
    X, Y = several
    network = mlp(epochs=10).fit(X, of(Y))
    assert_array_equal(network.classes_, [0, 1, 2])
    assert network.model_.output_shape == (None, 3)
    probabilities = network.predict_proba(X)
    assert probabilities.shape == (150, 3)
    assert np.ptp(probabilities.sum(axis=1)) > 0.5  # each label has its own
    predicted = network.predict(X)
    assert_array_equal(predicted, probabilities > 0.5)
    assert predicted.dtype == int
    assert network.score(X, Y) == np.mean((predicted == Y).all(axis=1)) > 0.7
    assert set(network.history_) == {"loss", "binary_accuracy"}


def test_several_labels_in_batches(several):
    X, Y = several
    network = mlp().partial_fit(X[:50], Y[:50])
    for _ in range(30):
        network.partial_fit(X, sparse.csr_array(Y))
    assert network.score(X, Y) > 0.8
    with pytest.raises(ValueError, match="a column for each of the 3 labels, got shap"):
        network.partial_fit(X, Y[:, :2])
    with pytest.raises(ValueError, match=r"0 and 1 only, got \[0, 2\]"):
        network.partial_fit(X, 2 * Y)
    with pytest.raises(ValueError, match="a column for each of the 3 labels, got shap"):
        network.partial_fit(X, Y[:, 0])


def test_a_label_that_all_samples_have(several):
    X, Y = several
    Y = np.column_stack([Y, np.ones(150, dtype=int)])
    assert mlp().fit(X, Y).predict(X)[:, 3].min() == 1


# Numbers


def test_one_output(sizes):
    X, y = sizes
    network = regressor().fit(X, y)
    assert network.n_outputs_ == 1
    assert network.predict(X).shape == (150,)
    assert network.score(X, y) > 0.8
    assert network.history_["loss"][-1] < network.history_["loss"][0]


@pytest.mark.parametrize("frame", [np.asarray, pd.DataFrame, np.ndarray.tolist])
def test_several_outputs(frame, sizes):
    X, y = sizes
    Y = np.column_stack([y, -y, y**2])
    network = regressor().fit(X, frame(Y))
    assert network.n_outputs_ == 3
    assert network.predict(X).shape == (150, 3)
    assert network.predict(X[:1]).shape == (1, 3)
    assert network.score(X, Y) > 0.75
    with pytest.raises(ValueError, match="y must have 3 outputs, as KerasMLPRegressor"):
        network.partial_fit(X, y)


@pytest.mark.parametrize(
    ("given", "predicted"),
    [(np.float32, np.float32), (np.float64, np.float64), (np.int64, np.float64)],
)
def test_predictions_are_float32_for_float32(given, predicted, sizes):
    X, y = sizes
    network = regressor().fit(X, y)
    assert network.predict(X.astype(given)).dtype == predicted


@pytest.mark.parametrize("y", [np.arange(150), np.arange(150) % 2 == 0, [1] * 150])
def test_integers_and_truths_are_numbers_too(y, iris):
    network = KerasMLPRegressor(8, epochs=1).fit(iris[0], y)
    assert network.predict(iris[0]).dtype == np.float64


@pytest.mark.parametrize(
    ("settings", "got"),
    [
        ({"metrics": ["sparse_categorical_accuracy"]}, "'sparse_categorical_accuracy'"),
        ({"metrics": [keras.metrics.SparseCategoricalAccuracy()]}, "<SparseCateg"),
        ({"loss": "sparse_categorical_crossentropy"}, "'sparse_categorical_cross"),
    ],
    ids=["name", "instance", "loss"],
)
def test_several_labels_are_no_indices_of_classes(iris, settings, got):
    X, y = iris
    name = next(iter(settings))
    message = f"{name} must not be sparse for several labels per sample.*got {got}"
    with pytest.raises(ValueError, match=message):
        KerasMLP(4, epochs=1, **settings).fit(X, np.eye(3, dtype=int)[y])


def test_a_warm_start_keeps_its_loss(iris):
    network = KerasMLP(4, epochs=1, random_state=0, warm_start=True).fit(*iris)
    network.set_params(loss="mse").fit(*iris)
    assert network.model_.loss == "sparse_categorical_crossentropy"
    assert network.n_iter_ == 2
