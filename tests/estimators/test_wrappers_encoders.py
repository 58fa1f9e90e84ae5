"""Targets and features of any kind, by encoders that a subclass overrides."""

import math

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import FunctionTransformer
from wrapper_models import (
    QUICK,
    SPARSE,
    build_regressor,
    build_softmax,
    classifier,
    count_of_steps,
    regressor,
)

from skhpo.estimators import BaseWrapper, KerasClassifier

# Encoders that a subclass overrides


class PartsOfX(KerasClassifier):
    """Gives the network the features in two parts."""

    parts: type = list

    @property
    def feature_encoder(self):
        return FunctionTransformer(self.split_features)

    def split_features(self, X):
        if self.parts is dict:
            return {"left": X[:, :2], "right": X[:, 2:]}
        return [X[:, :2], X[:, 2:]]


class NamedPartsOfX(PartsOfX):
    parts = dict


def build_of_two_inputs():
    left, right = (keras.Input((2,), name=name) for name in ("left", "right"))
    both = keras.layers.concatenate([left, right])
    outputs = keras.layers.Dense(3, activation="softmax")(both)
    return keras.Model([left, right], outputs)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (PartsOfX, {"batch_size": -1}),
        (NamedPartsOfX, {"validation_split": 0.3, "batch_size": 8}),
    ],
)
def test_several_inputs(iris, kind, settings):
    X, y = iris
    rows = np.random.default_rng(0).permutation(150)
    X, names = X[rows], np.array(["b", "a", "c"])[y[rows]]
    estimator = kind(
        build_of_two_inputs, loss=SPARSE, **QUICK, optimizer__learning_rate=0.1
    )
    estimator.set_params(epochs=8, **settings)
    arguments = {}
    if "validation_split" not in settings:
        # In parts already, as SciKeras needs them.
        encoded = np.unique(names, return_inverse=True)[1]
        arguments["validation_data"] = (estimator.split_features(X), encoded)
    estimator.fit(X, names, np.ones(150), **arguments)
    assert estimator.score(X, names) > 0.7
    assert estimator.predict_proba(X[:1]).shape == (1, 3)
    assert estimator.training_path_ == "keras"
    assert estimator.training_path_reason_ == "X is not one array"
    assert len(estimator.history_["val_loss"]) == 8
    if settings["batch_size"] == -1:
        assert count_of_steps(estimator) == 8


class TwoTargets(TransformerMixin, BaseEstimator):
    """Encodes a class and a number as two targets of a network."""

    def fit(self, y):
        self.n_outputs_expected_ = 2
        return self

    def transform(self, y):
        return [y[:, 0], y[:, 1]]

    def inverse_transform(self, y, return_proba=False):
        kind, number = y
        return kind if return_proba else np.column_stack([kind.argmax(1), number[:, 0]])

    def get_metadata(self):
        return {"classes_": np.arange(3), "n_classes_": 3, "n_outputs_expected_": 2}


class TwoHeads(KerasClassifier):
    """Tells a class and a number."""

    @property
    def target_encoder(self):
        return TwoTargets()

    def _type_of_target(self, y):
        return "a class and a number"

    @staticmethod
    def scorer(y_true, y_pred, **kwargs):
        return float((y_true[:, 0] == y_pred[:, 0]).mean())


def build_two_heads(meta):
    inputs = keras.Input((meta["n_features_in_"],))
    kind = keras.layers.Dense(meta["n_classes_"], activation="softmax", name="kind")
    number = keras.layers.Dense(1, name="number")
    return keras.Model(inputs, [kind(inputs), number(inputs)])


@pytest.mark.parametrize(
    "loss", [[SPARSE, "mse"], {"kind": SPARSE, "number": "mse"}], ids=["list", "dict"]
)
def test_several_outputs(iris, loss):
    X, y = iris
    Y = np.column_stack([y, X[:, 0]])
    estimator = TwoHeads(
        build_two_heads, loss=loss, **QUICK, optimizer__learning_rate=0.1
    )
    estimator.set_params(epochs=8).fit(X, Y, np.ones(150), validation_data=(X, Y))
    assert {"loss", "kind_loss", "number_loss", "val_loss"} <= set(estimator.history_)
    assert estimator.predict(X).shape == (150, 2)
    assert estimator.predict_proba(X).shape == (150, 3)
    assert estimator.score(X, Y) > 0.7
    assert estimator.n_outputs_expected_ == 2


def test_wrong_number_of_outputs_is_an_error(iris):
    with pytest.raises(ValueError, match=r"input of size 1, but .* has 2 outputs"):
        classifier(build_two_heads, loss=[SPARSE, "mse"]).fit(*iris)


def test_metadata_of_a_feature_encoder_reaches_the_building_function(iris):
    class Widths(FunctionTransformer):
        def get_metadata(self):
            return {"width_": 3}

    class Network(KerasClassifier):
        @property
        def feature_encoder(self):
            return Widths(lambda X: X[:, :3])

        def _keras_build_fn(self, meta):
            return keras.Sequential(
                [
                    keras.Input((meta["width_"],)),
                    keras.layers.Dense(3, activation="softmax"),
                ]
            )

    estimator = Network(loss=SPARSE, **QUICK).fit(*iris)
    assert (estimator.width_, estimator.n_features_in_) == (3, 4)
    assert estimator.training_path_ == "compiled"
    assert estimator.predict(iris[0]).shape == (150,)


def test_base_wrapper_takes_y_as_it_is(iris):
    X, _ = iris

    def build(meta):
        inputs = keras.Input((meta["n_features_in_"],))
        return keras.Model(inputs, keras.layers.Dense(2)(inputs))

    estimator = BaseWrapper(build, loss="mse", **QUICK).fit(X, X[:, :2])
    assert estimator.predict(X).shape == (150, 2)
    with pytest.raises(NotImplementedError, match="Scoring is not implemented"):
        estimator.score(X, X[:, :2])


# Targets


def test_targets_that_no_encoder_knows_are_an_error(iris):
    X, y = iris
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        classifier().fit(X, y + 0.5)
    with pytest.raises(ValueError, match="could not convert string to float"):
        regressor().fit(X, np.full(150, "a"))


def test_one_hot_rows_come_back_as_such(iris):
    X, y = iris
    estimator = classifier(build_softmax, loss="categorical_crossentropy").fit(
        X, np.eye(3)[y]
    )
    predictions = estimator.predict(X)
    assert_array_equal(predictions.sum(axis=1), np.ones(150))
    assert_array_equal(estimator.classes_, [0, 1, 2])
    assert_array_equal(
        predictions.argmax(axis=1), estimator.predict_proba(X).argmax(axis=1)
    )


def test_regressor_of_one_and_of_several_targets(iris):
    X, _ = iris
    assert regressor(build_regressor).fit(X, X[:, 0]).predict(X).shape == (150,)
    several = regressor().fit(X, X[:, :3])
    assert several.predict(X).shape == (150, 3)
    assert several.n_outputs_ == 3
    assert several.predict(X).dtype == np.float64
    assert several.predict(X.astype(np.float32)).dtype == np.float32
    assert math.isfinite(several.score(X, X[:, :3]))
