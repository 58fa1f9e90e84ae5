"""Data in batches: `keras.utils.PyDataset` and `tf.data.Dataset` as X."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import FunctionTransformer
from wrapper_models import (
    THOROUGH,
    build_with_dropout,
    classifier,
    regressor,
    weights_of,
)

from skhpo import KerasClassifier

BATCH = 25
NAMES = np.array(["setosa", "versicolor", "virginica"])


class Batches(keras.utils.PyDataset):
    """Batches of arrays, and what it was asked for."""

    def __init__(self, *parts, **settings):
        super().__init__(**settings)
        self.parts = parts
        self.begun = self.ended = 0

    def __len__(self):
        return -(-len(self.parts[0]) // BATCH)

    def __getitem__(self, i):
        return tuple(part[i * BATCH : (i + 1) * BATCH] for part in self.parts)

    def on_epoch_begin(self):
        self.begun += 1

    def on_epoch_end(self):
        self.ended += 1


def tensors(*parts):
    return tf.data.Dataset.from_tensor_slices(parts).batch(BATCH)


# Step by step, which for a few steps takes less time than to trace them.
EAGER = {"run_eagerly": True}
KINDS = {"PyDataset": Batches, "tf.data": tensors}
of_each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


@pytest.fixture(scope="module")
def mixed(iris):
    """The irises in an order in which the kinds are mixed."""
    X, y = iris
    rows = np.random.default_rng(0).permutation(len(X))
    return X[rows], y[rows]


def assert_alike(first, second):
    assert list(first.history_) == list(second.history_)
    for name, values in first.history_.items():
        assert_allclose(second.history_[name], values, rtol=1e-4)
    for mine, other in zip(weights_of(first), weights_of(second), strict=True):
        assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


# What is learned


@pytest.mark.parametrize(
    ("make", "labels"), [(Batches, np.array([7, 5, 9])), (tensors, NAMES)]
)
def test_the_same_is_learned_as_from_arrays(mixed, make, labels):
    X, y = mixed[0], labels[mixed[1]]
    settings = {"metrics": ["accuracy"], **THOROUGH}
    estimator = classifier(**settings).fit(make(X, y))
    arrays = classifier(shuffle=False, batch_size=BATCH, **settings).fit(X, y)
    assert_alike(estimator, arrays)
    assert estimator.training_path_ == "keras"
    assert estimator.training_path_reason_ == "X is not one array"
    assert_array_equal(estimator.classes_, np.unique(labels))
    assert estimator.n_features_in_ == 4
    assert estimator.X_shape_[1:] == (4,)
    assert estimator.target_type_ == "multiclass"
    assert estimator.score(X, y) > 0.85
    assert set(estimator.predict(X)) <= set(labels)
    assert estimator.partial_fit(X, y).current_epoch == 16


def test_two_classes(mixed):
    X, y = mixed
    estimator = classifier(loss="binary_crossentropy", epochs=1, **EAGER)
    estimator.fit(tensors(X, y > 0))
    assert estimator.target_type_ == "binary"
    assert estimator.predict_proba(X[:1]).shape == (1, 2)


@of_each_kind
def test_classes_are_found_in_all_batches(iris, make):
    # Of sorted labels the first batch has one only.
    X, y = iris
    estimator = classifier(epochs=1, **EAGER).fit(make(X, NAMES[y]))
    assert_array_equal(estimator.classes_, NAMES)
    assert estimator.model_.output_shape == (None, 3)


@pytest.mark.parametrize(
    ("make", "class_weight", "weighted"),
    [
        (Batches, None, True),
        (tensors, "balanced", False),
        (Batches, {0: 0.2, 1: 1, 2: 5}, True),
    ],
)
def test_weights_of_samples_and_of_classes(mixed, make, class_weight, weighted):
    X, y = mixed[0][:110], mixed[1][:110]
    parts = (X, y, np.linspace(0.5, 2, len(X))) if weighted else (X, y)
    estimator = classifier(class_weight=class_weight, **EAGER).fit(make(*parts))
    arrays = classifier(class_weight=class_weight, shuffle=False, batch_size=BATCH)
    assert_alike(estimator, arrays.fit(*parts))


def test_several_labels(mixed):
    X, y = mixed
    Y = np.column_stack([y > 0, y < 2]).astype(int)
    estimator = classifier(loss="binary_crossentropy", **THOROUGH).fit(tensors(X, Y))
    assert estimator.target_type_ == "multilabel-indicator"
    assert estimator.predict(X).shape == (150, 2)
    assert estimator.score(X, Y) > 0.7
    with pytest.raises(ValueError, match=r"class_weight must be None.*got 'balanced'"):
        classifier(class_weight="balanced").fit(tensors(X, Y))


def test_regression(mixed):
    X, _ = mixed
    estimator = regressor(**THOROUGH).fit(Batches(X[:, :2], X[:, 2:]))
    assert estimator.n_outputs_ == 2
    assert estimator.predict(X[:, :2]).shape == (150, 2)
    assert estimator.score(X[:, :2], X[:, 2:]) > 0.5
    with pytest.raises(ValueError, match="could not convert string to float"):
        regressor().fit(Batches(X, NAMES[mixed[1]]))


def test_encoders_of_a_subclass(mixed):
    class TwoInputs(KerasClassifier):
        @property
        def feature_encoder(self):
            return FunctionTransformer(lambda X: [X[:, :2], X[:, 2:]])

    def build():
        inputs = [keras.Input((2,), name=name) for name in "ab"]
        both = keras.layers.concatenate(inputs)
        return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(both))

    X, y = mixed
    estimator = TwoInputs(**{**classifier(**THOROUGH).get_params(), "model": build})
    estimator.fit(Batches(X, NAMES[y]), validation_data=tensors(X, NAMES[y]))
    assert estimator.score(X, NAMES[y]) > 0.7
    assert len(estimator.history_["val_loss"]) == 15


# How it is gone through


def test_a_dataset_keeps_its_hooks_and_its_settings(mixed):
    batches = [Batches(*mixed, workers=2, max_queue_size=3) for _ in range(2)]
    estimator = classifier(epochs=3, **EAGER).fit(batches[0])
    estimator.model_.fit(batches[1], epochs=3, verbose=0)
    # Heard as often as by Keras alone, and no batch of an epoch is left out.
    assert batches[0].begun == batches[1].begun == 3
    assert batches[0].ended == batches[1].ended
    assert int(estimator.model_.optimizer.iterations) == 36


def test_arguments_of_fit(mixed):
    dataset = Batches(*mixed)
    estimator = classifier(epochs=5, batch_size=-1, **EAGER).fit(
        dataset, epochs=3, batch_size=7, steps_per_epoch=2
    )
    assert estimator.current_epoch == 3
    assert int(estimator.model_.optimizer.iterations) == 6
    later = classifier(fit__epochs=1, **EAGER).fit(dataset, initial_epoch=3)
    assert later.current_epoch == 1


def test_warm_start(mixed):
    X, y = mixed[0], NAMES[mixed[1]]
    estimator = classifier(warm_start=True, **EAGER).fit(tensors(X, y))
    model, first = estimator.model_, estimator.history_["loss"]
    estimator.fit(tensors(X, y))
    assert estimator.model_ is model
    assert estimator.history_["loss"][0] < first[-1]
    assert_array_equal(estimator.classes_, NAMES)
    with pytest.raises(ValueError, match=r"known labels only.*got also \['rose'\]"):
        estimator.fit(tensors(X, np.full(len(X), "rose")))
    with pytest.raises(ValueError, match="X has 3 features, but"):
        estimator.fit(tensors(X[:, :3], y))


def test_the_seed_is_honoured(mixed):
    fits = [
        classifier(build_with_dropout, random_state=seed, epochs=1).fit(Batches(*mixed))
        for seed in (0, 0, 1)
    ]
    first, same, other = map(weights_of, fits)
    assert all(map(np.array_equal, first, same))
    assert not all(map(np.array_equal, first, other))


# Validation data beside it


@pytest.mark.parametrize(
    ("make", "validation"), [(Batches, "dataset"), (tensors, "arrays")]
)
def test_validation_data(mixed, make, validation):
    X, y = mixed[0], NAMES[mixed[1]]
    data = (X[:50], y[:50]) if validation == "arrays" else make(X[:50], y[:50])
    estimator = classifier(**EAGER).fit(make(X[50:], y[50:]), validation_data=data)
    arrays = classifier(shuffle=False, batch_size=BATCH).fit(
        X[50:], y[50:], validation_data=(X[:50], y[:50])
    )
    assert_alike(estimator, arrays)
    # And beside arrays.
    beside = classifier(shuffle=False, batch_size=BATCH)
    beside.fit(X[50:], y[50:], validation_data=make(X[:50], y[:50]))
    assert beside.training_path_ == "compiled"
    assert_alike(beside, arrays)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"validation_split": 0.2}, r"validation_split must be 0.* got 0\.2; use"),
        ({"fit__checkpoint_dir": "a"}, r"checkpoint_dir must be None.* got 'a'; use"),
    ],
)
def test_what_needs_arrays(mixed, settings, message):
    with pytest.raises(ValueError, match=message):
        classifier(**settings).fit(tensors(*mixed))


# Errors


class Endless(Batches):
    num_batches = None


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (lambda X, y: tensors(X, y).repeat(), r"must end, got a _RepeatDataset.*drop"),
        (Endless, "must end, got a Endless that goes on for ever"),
        (lambda X, y: tensors(X, y).unbatch(), r"one by one; use its .batch\("),
        (lambda X, y: tensors(X, y).take(0), "must hold samples, got an empty _Take"),
        (lambda X, y: tensors(X), r"batches \(X, y\) or .* gives tuple of 1"),
        (
            lambda X, y: tf.data.Dataset.from_tensor_slices(X).batch(9),
            r"batches \(X, y\) or \(X, y, sample_weight\), .* gives ndarray",
        ),
        (lambda X, y: Batches(X, y, y, y), "that gives tuple of 4"),
        (lambda X, y: Batches(X * np.nan, y), "Input X contains NaN"),
        (lambda X, y: Batches(X, y * np.nan), "Input y contains NaN"),
    ],
)
def test_wrong_datasets(mixed, dataset, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(dataset(*mixed))


@of_each_kind
@pytest.mark.parametrize("beside", ["y", "sample_weight"])
def test_targets_come_with_the_batches_only(mixed, make, beside):
    X, y = mixed
    with pytest.raises(
        ValueError, match=r"must be None when X is a .*with its batches"
    ):
        classifier().fit(make(X, y), **{beside: y})
    with pytest.raises(
        ValueError, match=r"must be None when X is a .*with its batches"
    ):
        regressor().fit(make(X, y), **{beside: y})


@of_each_kind
@pytest.mark.parametrize("method", ["predict", "predict_proba", "partial_fit", "score"])
def test_only_fit_takes_datasets(mixed, make, method):
    X, y = mixed
    estimator = classifier(epochs=1).fit(X, y)
    arguments = () if method.startswith("predict") else (y,)
    with pytest.raises(TypeError, match=r"X must be array-like here.*only fit takes"):
        getattr(estimator, method)(make(X, y), *arguments)
