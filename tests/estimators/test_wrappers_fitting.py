"""`fit` and `partial_fit`: for how long, from where, and beside what."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from wrapper_models import (
    Counter,
    binary_classifier,
    classifier,
    count_of_steps,
    weights_of,
)

# fit and partial_fit


def test_arguments_of_fit_are_for_one_fit_only(iris):
    X, y = iris
    estimator = classifier(epochs=5, batch_size=150).fit(X, y, epochs=3, batch_size=50)
    assert (estimator.current_epoch, count_of_steps(estimator)) == (3, 9)
    estimator.fit(X, y)
    assert (estimator.current_epoch, count_of_steps(estimator)) == (5, 5)
    estimator.fit(X, y, initial_epoch=2, epochs=3)
    assert estimator.current_epoch == 3
    heard = Counter()
    estimator.fit(X, y, callbacks=[heard])
    assert heard.epochs == 5
    with pytest.raises(TypeError, match="unexpected keyword argument 'epoch'"):
        estimator.fit(X, y, epoch=3)


def test_partial_fit_goes_on_for_one_epoch(iris):
    X, y = iris
    names = np.array(["c", "a", "b"])[y]
    estimator = classifier(metrics=["accuracy"])
    assert estimator.current_epoch == 0
    for epoch in range(1, 4):
        # The first call has samples of one class only, and learns of all.
        part = slice(0, 50) if epoch == 1 else slice(None)
        estimator.partial_fit(X[part], names[part], classes=["c", "b", "a"])
        assert estimator.current_epoch == epoch
        assert len(estimator.history_["accuracy"]) == epoch
        assert_array_equal(estimator.classes_, ["a", "b", "c"])
    model = estimator.model_
    assert estimator.partial_fit(X, names).model_ is model
    assert estimator.fit(X, names).model_ is not model
    assert estimator.current_epoch == 2


def test_fit_then_partial_fit_is_one_longer_fit(iris):
    X, y = iris
    whole = classifier(epochs=3).fit(X, y)
    parts = classifier(epochs=2).fit(X, y).partial_fit(X, y)
    assert parts.history_ == whole.history_
    for mine, other in zip(weights_of(parts), weights_of(whole), strict=True):
        assert_array_equal(mine, other)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epochs": 2}, TypeError, "always trains for 1 epoch"),
        ({"initial_epoch": 2}, TypeError, "from the current epoch"),
        ({"classes": [0, 1]}, ValueError, r"first call, \[0, 1, 2\], got \[0, 1\]"),
        (
            {"y": [0, 1, 7]},
            ValueError,
            r"known labels only, \[0, 1, 2\], got also \[7\]",
        ),
        ({"X": np.ones((3, 2))}, ValueError, "X has 2 features, but KerasClassifier"),
        ({"y": np.eye(3)}, ValueError, "y must have 1 dimensions.* got 2"),
    ],
)
def test_wrong_arguments_of_partial_fit(iris, arguments, error, message):
    estimator = classifier().fit(*iris)
    arguments = {"X": np.ones((3, 4)), "y": [0, 1, 2], **arguments}
    with pytest.raises(error, match=message):
        estimator.partial_fit(**arguments)
    # Nothing was lost by it.
    assert_array_equal(estimator.classes_, [0, 1, 2])
    assert estimator.partial_fit(*iris).current_epoch == 3


def test_warm_start_keeps_the_model_and_starts_counting(iris):
    X, y = iris
    names = np.array(["b", "a", "c"])[y]
    estimator = classifier(warm_start=True).fit(X, names)
    model, first = estimator.model_, estimator.history_["loss"]
    estimator.fit(X, names)
    assert estimator.model_ is model
    assert estimator.current_epoch == 2
    assert estimator.history_["loss"][0] < first[-1]
    assert_array_equal(estimator.classes_, ["a", "b", "c"])
    assert_array_equal(np.unique(names), estimator.classes_)
    with pytest.raises(ValueError, match="known labels only"):
        estimator.fit(X, np.full(len(X), "d"))


# Validation data


@pytest.mark.parametrize(
    "labels", [np.arange(3), np.array([7, 5, 9]), np.array(["b", "a", "c"])]
)
def test_validation_data_are_encoded_like_the_training_data(iris, labels):
    X, y = iris
    estimator = classifier(metrics=["accuracy"]).fit(
        X, labels[y], validation_data=(X.tolist(), labels[y].tolist())
    )
    reached = estimator.score(X, labels[y])
    assert estimator.history_["val_accuracy"][-1] == pytest.approx(reached)
    assert estimator.current_epoch == len(estimator.history_["val_loss"]) == 2


def test_validation_data_may_be_encoded_already(iris):
    # As SciKeras needs them.
    X, y = iris
    names = np.array(["a", "b", "c"])[y]
    expected = classifier().fit(X, names, validation_data=(X, names)).history_
    assert classifier().fit(X, names, validation_data=(X, y)).history_ == expected
    one_hot = classifier(loss="categorical_crossentropy")
    one_hot.fit(X, names, validation_data=(X, np.eye(3)[y]))
    assert_allclose(one_hot.history_["val_loss"], expected["val_loss"], rtol=1e-5)


def test_validation_data_with_weights(iris):
    X, y = iris
    weights = (y == 0).astype(float)
    weighted = classifier().fit(X, y, validation_data=(X, y, weights))
    assert weighted.history_["loss"] == classifier().fit(X, y).history_["loss"]
    proba = weighted.predict_proba(X)
    losses = -np.log(proba[np.arange(len(y)), y])
    expected = (weights * losses).sum() / len(y)
    measured = weighted.history_["val_loss"][-1]
    # Keras divides by the number of samples or by the sum of weights, by its version.
    assert min(abs(measured - expected), abs(measured - 3 * expected)) < 1e-4


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (3, r"validation_data must be \(X, y\).*got int"),
        ((np.ones((2, 4)),), r"validation_data must be \(X, y\).*got tuple of 1"),
        ((np.ones((2, 3)), [0, 1]), "X has 3 features"),
        ((np.ones((2, 4)), [0, 8]), r"known labels only.*got also \[8\]"),
    ],
)
def test_wrong_validation_data(iris, data, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(*iris, validation_data=data)


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_validation_split_takes_the_last_samples(iris, share):
    X, y = iris
    kept = int(150 * (1 - share))
    split = binary_classifier(validation_split=share).fit(X, y % 2)
    given = binary_classifier().fit(
        X[:kept], y[:kept] % 2, validation_data=(X[kept:], y[kept:] % 2)
    )
    assert split.history_ == given.history_
    assert_array_equal(weights_of(split)[0], weights_of(given)[0])


@pytest.mark.parametrize("share", [1.0, 0.999])
def test_validation_split_must_leave_samples(iris, share):
    with pytest.raises(ValueError, match=f"samples on both sides, got {share} of 150"):
        classifier(validation_split=share).fit(*iris)
