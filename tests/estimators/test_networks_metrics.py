"""Metrics that know classes by one-hot rows, and those that know them by indices."""

import keras
import numpy as np
import pytest

from skhpo import KerasCNN, KerasMLP


@pytest.mark.parametrize(
    ("metrics", "loss"),
    [
        (["AUC"], "categorical_crossentropy"),
        (["precision", "recall"], "categorical_crossentropy"),
        ([keras.metrics.CategoricalAccuracy()], "categorical_crossentropy"),
        ([keras.metrics.F1Score(average="macro")], "categorical_crossentropy"),
        (["accuracy"], "sparse_categorical_crossentropy"),
        (["sparse_top_k_categorical_accuracy"], "sparse_categorical_crossentropy"),
        (
            [keras.metrics.SparseCategoricalAccuracy()],
            "sparse_categorical_crossentropy",
        ),
    ],
)
def test_classes_are_encoded_as_the_metrics_know_them(iris, metrics, loss):
    estimator = KerasMLP(8, epochs=3, metrics=metrics, random_state=0).fit(*iris)
    assert estimator.model_.loss == loss
    names = estimator.history_.keys() - {"loss"}
    assert len(names) == len(metrics)
    assert all(0 < estimator.history_[name][-1] <= 1 for name in names)


def test_the_encoding_does_not_change_the_training(iris):
    plain = KerasMLP(8, epochs=3, random_state=0).fit(*iris)
    encoded = KerasMLP(
        8, epochs=3, metrics=["categorical_accuracy"], random_state=0
    ).fit(*iris)
    np.testing.assert_allclose(plain.loss_curve_, encoded.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(
        plain.history_["accuracy"], encoded.history_["categorical_accuracy"], rtol=1e-6
    )


def test_rows_that_are_no_square_say_so():
    X, y = np.ones((6, 192)), [0, 1] * 3
    with pytest.raises(ValueError, match=r"one row high; say what they are by image_"):
        KerasCNN().fit(X, y)
    assert KerasCNN(2, image_shape=(8, 8, 3), epochs=1).fit(X, y).image_shape_ == (
        8,
        8,
        3,
    )
