"""Building functions for the tests of the wrappers, importable from other processes."""

import keras

from skhpo import KerasClassifier, KerasRegressor

SPARSE = "sparse_categorical_crossentropy"


def build_classifier(meta, units=8):
    """Return a network with one hidden layer for any kind of label."""
    one_output = meta["target_type_"] == "binary"
    softmax = meta["target_type_"] == "multiclass"
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(
                1 if one_output else meta["n_classes_"],
                activation="softmax" if softmax else "sigmoid",
            ),
        ]
    )


def build_with_dropout(meta, units=8):
    """Return a network for three classes whose training draws random numbers."""
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


def build_softmax():
    """Return a network for four features and three classes."""
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, activation="tanh"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


def build_regressor(meta, units=8):
    """Return a network with one hidden layer for any number of targets."""
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(meta["n_outputs_"]),
        ]
    )


def classifier(model=build_classifier, **settings):
    """Return a classifier of three classes that fits in no time."""
    return KerasClassifier(model, **{**QUICK, "loss": SPARSE, **settings})


def binary_classifier(model=build_classifier, **settings):
    """Return a classifier whose network has one output, or one for each label."""
    return KerasClassifier(
        model, **{**QUICK, "loss": "binary_crossentropy", **settings}
    )


def regressor(model=build_regressor, **settings):
    """Return a regressor that fits in no time."""
    return KerasRegressor(model, **{**QUICK, "loss": "mse", **settings})


QUICK = {"optimizer": "adam", "epochs": 2, "verbose": 0, "random_state": 0}
# Enough to tell the irises apart.
THOROUGH = {"optimizer__learning_rate": 0.05, "epochs": 15}


def weights_of(estimator):
    """Return the weights of a fitted wrapper's network as one list."""
    return [weight.copy() for weight in estimator.model_.get_weights()]


def count_of_steps(estimator):
    """Return how many batches a fitted wrapper's optimizer saw."""
    return int(estimator.model_.optimizer.iterations)


class Counter(keras.callbacks.Callback):
    """Counts what it hears."""

    def __init__(self, first=0):
        super().__init__()
        self.epochs = self.predicted_batches = first

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1

    def on_predict_batch_end(self, batch, logs=None):
        self.predicted_batches += 1
