"""The compiled loop against Keras's own, from the same weights in the same order."""

import itertools

import keras
import numpy as np
import pytest
from engine_models import (
    Case,
    Dense,
    assert_identical,
    assert_same_history,
    assert_same_weights,
    network,
    train_by_keras,
    train_step_by_step,
)
from importable_objects import (
    Penalized,
    cubic_loss,
    largest_error,
)
from numpy.testing import assert_allclose, assert_array_equal

from skhpo._training import plan, predict, train
from skhpo._training._coverage import why_not_compiled
from skhpo._training._data import order_of_epoch, take, to_data, to_tensor

layers = keras.layers
optimizers = keras.optimizers

# Both paths do the same operations, in other groups; what they differ by is the
# rounding of 32-bit numbers over some twenty steps.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}

OPTIMIZERS = {
    "adam": lambda: optimizers.Adam(0.01),
    "sgd": lambda: optimizers.SGD(0.05),
    "nesterov": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda: optimizers.RMSprop(0.005, momentum=0.5),
    "adagrad": lambda: optimizers.Adagrad(0.05),
    "adadelta": lambda: optimizers.Adadelta(1.0),
    "adamax": lambda: optimizers.Adamax(0.01),
    "nadam": lambda: optimizers.Nadam(0.01),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "lion": lambda: optimizers.Lion(0.002),
}


def hidden(**settings):
    return lambda: [Dense(5, activation="tanh", **settings), Dense(1)]


def ending(units, activation):
    return lambda: [Dense(5, activation="tanh"), Dense(units, activation=activation)]


def normalized():
    return [Dense(5), layers.BatchNormalization(), layers.Activation("relu"), Dense(1)]


def cnn():
    return [
        layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        Dense(3, activation="softmax"),
    ]


def wide():
    return [Dense(400, activation="tanh"), Dense(300, activation="tanh"), Dense(1)]


def by(optimizer, **settings):
    return lambda: {"optimizer": optimizer(), **settings}


def decaying():
    rate = optimizers.schedules.ExponentialDecay(0.1, decay_steps=3, decay_rate=0.8)
    return optimizers.Adam(rate)


def without_decay_of_biases():
    optimizer = optimizers.AdamW(0.05, weight_decay=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def local_loss():
    def loss(y_true, y_pred):
        return keras.ops.mean((y_true - y_pred) ** 4, axis=-1)

    return loss


CASES = {
    **{name: Case(compiling=by(optimizer)) for name, optimizer in OPTIMIZERS.items()},
    "a large network": Case(wide, by(OPTIMIZERS["nesterov"])),
    # TensorFlow's kernel has 1 - 0.999 of a float, which is wrong by 1e-5 of it.
    "a large network, adam": Case(
        wide, by(OPTIMIZERS["adam"]), tolerance={"rtol": 1e-4, "atol": 1e-4}
    ),
    # With Keras's epsilon, 1e-7, the step of a weight whose gradient is all rounding
    # would be as large as any.
    "a large network, by XLA": Case(
        wide, by(lambda: optimizers.Nadam(0.01, epsilon=1e-4))
    ),
    "sample weights": Case(
        compiling=lambda: {"metrics": ["mae"], "weighted_metrics": ["mse"]},
        weighted=True,
        validated=True,
    ),
    "l1 and l2": Case(
        hidden(kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02)),
        by(OPTIMIZERS["adam"]),
        validated=True,
    ),
    "penalty on outputs, constraint": Case(
        hidden(activity_regularizer="l2", kernel_constraint="unit_norm"), validated=True
    ),
    "batch normalization": Case(normalized, by(OPTIMIZERS["sgd"]), validated=True),
    "one batch for all": Case(plan={"batch_size": 50}),
    "a batch larger than all": Case(plan={"batch_size": 64}),
    "flat target, validation now and then": Case(
        targets="flat number", plan={"validation_freq": 2}, validated=True
    ),
    "multi-output": Case(ending(3, "linear"), targets="numbers"),
    "multilabel": Case(
        ending(3, "sigmoid"),
        lambda: {
            "loss": "binary_crossentropy",
            "metrics": [
                "binary_accuracy",
                keras.metrics.AUC(multi_label=True, name="auc"),
            ],
        },
        targets="labels",
        validated=True,
    ),
    "binary": Case(
        ending(1, "sigmoid"),
        lambda: {
            "loss": "binary_crossentropy",
            "metrics": [
                "accuracy",
                keras.metrics.Precision(name="precision"),
                keras.metrics.AUC(name="auc"),
            ],
        },
        targets="yes or no",
    ),
    "sparse classes": Case(
        ending(3, "softmax"),
        lambda: {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        targets="kind",
        validated=True,
    ),
    "one-hot classes": Case(
        ending(3, "softmax"),
        lambda: {
            "loss": keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
            "metrics": ["accuracy", keras.metrics.TopKCategoricalAccuracy(2)],
        },
        targets="one-hot kind",
    ),
    "a metric for each class": Case(
        ending(3, "softmax"),
        lambda: {
            "loss": "categorical_crossentropy",
            "metrics": [keras.metrics.F1Score()],
        },
        targets="one-hot kind",
    ),
    "metrics that do not add up": Case(
        ending(3, "linear"),
        lambda: {
            "metrics": [
                keras.metrics.R2Score(),
                keras.metrics.RootMeanSquaredError(),
                keras.metrics.CosineSimilarity(),
            ]
        },
        targets="numbers",
        validated=True,
    ),
    "metrics of whole batches": Case(
        ending(3, "sigmoid"),
        lambda: {
            "metrics": [
                keras.losses.dice,
                keras.losses.MeanAbsoluteError(),
                keras.metrics.CosineSimilarity(axis=0),
            ]
        },
        targets="labels",
    ),
    "schedule": Case(compiling=by(decaying)),
    "clipnorm": Case(compiling=by(lambda: optimizers.SGD(0.1, clipnorm=0.1))),
    "clipvalue": Case(compiling=by(lambda: optimizers.SGD(0.1, clipvalue=0.05))),
    "global clipnorm": Case(
        compiling=by(lambda: optimizers.SGD(0.1, global_clipnorm=0.2))
    ),
    "averaged weights": Case(
        compiling=by(lambda: optimizers.Adam(0.01, use_ema=True)), validated=True
    ),
    "gradients of several batches": Case(
        compiling=by(lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2))
    ),
    "loss scale": Case(
        compiling=by(lambda: optimizers.Adam(0.01, loss_scale_factor=8.0))
    ),
    "no decay of biases": Case(compiling=by(without_decay_of_biases)),
    "frozen layer, own loss and metric": Case(
        hidden(trainable=False),
        lambda: {"loss": cubic_loss, "metrics": [largest_error]},
    ),
    "own penalty": Case(lambda: [Dense(5), Penalized(), Dense(1)], validated=True),
    "own penalty alone": Case(
        lambda: [Dense(5), Dense(1), Penalized()], lambda: {"loss": None}
    ),
    "CNN": Case(
        cnn,
        lambda: {
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
            "optimizer": OPTIMIZERS["adam"](),
        },
        inputs="images",
        targets="kind",
        validated=True,
    ),
    "CNN over bytes": Case(
        lambda: [layers.Rescaling(1 / 255), *cnn()],
        lambda: {"loss": "sparse_categorical_crossentropy"},
        inputs="bytes",
        targets="kind",
    ),
    "a value for each step of a series": Case(
        lambda: [layers.Conv1D(4, 2, padding="same"), Dense(1)],
        inputs="series",
        targets="series",
    ),
    "recurrent": Case(lambda: [layers.GRU(4), Dense(1)], inputs="series"),
    "embedding": Case(
        lambda: [layers.Embedding(9, 3), layers.Flatten(), Dense(1)],
        by(OPTIMIZERS["adam"]),
        inputs="words",
    ),
    "half precision": Case(
        lambda: [
            Dense(5, activation="tanh", dtype="mixed_float16"),
            Dense(1, dtype="float32"),
        ]
    ),
}


# What the loop leaves to Keras as it does the others; the networks are tested with all
# optimizers by their names.
LEFT_TO_KERAS = {
    "adagrad",
    "adadelta",
    "adamax",
    "lion",
    "clipvalue",
    "global clipnorm",
}


def split(case, inputs, targets, sample_weight):
    """Return 42 samples to train on, and 8 to validate on where a case does."""
    parts = [inputs[case.inputs], targets[case.targets], None]
    if case.weighted:
        parts[2] = sample_weight
    cut = [(None, None) if part is None else (part[:42], part[42:]) for part in parts]
    samples, held_out = zip(*cut, strict=True)
    return samples, held_out if case.validated else None


def plan_of(case, **settings):
    arguments = {"epochs": 2, "batch_size": 24, "shuffle": False, **case.plan}
    return plan(arguments, seed=7, **settings)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name in LEFT_TO_KERAS))
        for name in CASES
    ],
)
def test_compiled_loop_does_what_keras_does(name, inputs, targets, sample_weight):
    case = CASES[name]
    samples, held_out = split(case, inputs, targets, sample_weight)
    model, twin = (case.network(inputs[case.inputs].shape[1:]) for _ in range(2))

    training = train(model, *samples, plan=plan_of(case), validation_data=held_out)
    expected = train_step_by_step(twin, samples, plan_of(case), held_out)

    assert (training.path, training.reason) == ("compiled", None)
    tolerance = case.tolerance or TOLERANCE
    assert_same_history(training.history, expected, **tolerance)
    assert_same_weights(model, twin, **tolerance)


@pytest.mark.parametrize("name", ["sample weights", "batch normalization"])
def test_both_paths_do_what_plain_keras_does(name, inputs, targets, sample_weight):
    case = CASES[name]
    samples, held_out = split(case, inputs, targets, sample_weight)
    model, twin, other = (case.network(inputs[case.inputs].shape[1:]) for _ in range(3))

    training = train(model, *samples, plan=plan_of(case), validation_data=held_out)
    slow = train_by_keras(twin, *samples, plan=plan_of(case), validation_data=held_out)
    expected = other.fit(
        *samples[:2],
        sample_weight=samples[2],
        validation_data=held_out,
        epochs=2,
        batch_size=24,
        shuffle=False,
        verbose=0,
    )

    assert_same_history(training.history, expected.history, **TOLERANCE)
    assert_same_history(slow.history, expected.history, **TOLERANCE)
    assert_same_weights(model, other, **TOLERANCE)
    assert_same_weights(twin, other, **TOLERANCE)


def test_both_paths_take_the_samples_in_the_same_order(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    models = [network(optimizer=optimizers.SGD(0.1)) for _ in range(3)]
    shuffled = plan({"epochs": 3, "batch_size": 8}, seed=5)

    training = train(models[0], X, y, plan=shuffled)
    twin = train_by_keras(models[1], X, y, plan=shuffled)
    train(models[2], X, y, plan=plan({"epochs": 3, "batch_size": 8}, seed=6))

    assert_same_history(training.history, twin.history, **TOLERANCE)
    assert_same_weights(models[0], models[1], **TOLERANCE)
    # The order makes a difference that the tolerance does not hide.
    assert not np.allclose(
        models[0].get_weights()[0], models[2].get_weights()[0], **TOLERANCE
    )


def test_order_depends_on_seed_and_epoch_alone():
    orders = [order_of_epoch(30, epoch, 4, True) for epoch in (0, 1, 2, 1)]

    assert_array_equal(orders[1], orders[3])
    for one, other in itertools.combinations(orders[:3], 2):
        assert not np.array_equal(one, other)
    assert_array_equal(np.sort(orders[0]), np.arange(30))
    assert_array_equal(order_of_epoch(30, 1, 4, False), np.arange(30))


def test_going_on_is_the_same_as_never_stopping(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    whole, parts = (network(optimizer="adam") for _ in range(2))

    training = train(whole, X, y, plan=plan({"epochs": 5}, seed=1))
    first = train(parts, X, y, plan=plan({"epochs": 2}, seed=1))
    rest = train(parts, X, y, plan=plan({"epochs": 5, "initial_epoch": 2}, seed=1))

    assert first.history["loss"] + rest.history["loss"] == training.history["loss"]
    assert_identical(parts, whole)


# Topologies


def branches(x):
    # Alike in shape and listed in another order than they are used.
    later = Dense(4, activation="tanh", name="later")
    first = Dense(4, activation="relu", name="first")
    a, b = first(x), later(x)
    return Dense(1)(layers.Concatenate()([b, a, layers.Add()([a, b])]))


def shared(x):
    layer = Dense(6, activation="tanh")
    return Dense(1)(layer(layer(x)))


def nested(x):
    inner = keras.Sequential(
        [keras.Input((6,)), Dense(4, activation="tanh"), layers.BatchNormalization()]
    )
    return Dense(1)(inner(x))


def residual(x):
    return Dense(1)(x + Dense(6, activation="relu")(x) * 0.5)


@pytest.mark.parametrize("graph", [branches, shared, nested, residual])
def test_functional_models(graph, inputs, targets):
    X, y = inputs["rows"], targets["number"]
    models = []
    for _ in range(2):
        x = keras.Input((6,))
        model = keras.Model(x, graph(x))
        model.compile(optimizers.Adam(0.01), "mse")
        models.append(model)
    models[1].set_weights(models[0].get_weights())

    training = train(models[0], X, y, plan=plan({"epochs": 2}, seed=0))
    twin = train_by_keras(models[1], X, y, plan=plan({"epochs": 2}, seed=0))

    assert training.path == "compiled"
    assert_same_history(training.history, twin.history, **TOLERANCE)
    assert_same_weights(models[0], models[1], **TOLERANCE)


# Data


@pytest.fixture(scope="module")
def coarse(inputs):
    """Return rows that 16 bits hold exactly."""
    return inputs["rows"].astype(np.float16).astype(np.float32)


def unchangeable(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def every_other_of_twice(array):
    return np.repeat(array, 2, axis=0)[::2]


FORMS = {
    "float64": lambda X: X.astype(np.float64),
    "float16": lambda X: X.astype(np.float16),
    "Fortran": np.asfortranarray,
    "Fortran float64": lambda X: np.asfortranarray(X, dtype=np.float64),
    "read-only": unchangeable,
    "read-only float64": lambda X: unchangeable(X.astype(np.float64)),
    "every other row": every_other_of_twice,
    "big-endian": lambda X: X.astype(">f4"),
    "big-endian float64": lambda X: X.astype(">f8"),
}


@pytest.fixture(scope="module")
def fitted_to_coarse(coarse, targets):
    """Return a network fitted to the coarse rows, and its outputs for them."""
    model = network()
    train(model, coarse, targets["number"], plan=plan({"epochs": 2}, seed=0))
    return model, predict(model, coarse)


@pytest.mark.parametrize("form", FORMS)
def test_form_of_data_makes_no_difference(form, coarse, targets, fitted_to_coarse):
    X = FORMS[form](coarse)
    y = FORMS[form](targets["number"]) if form != "float16" else targets["number"]
    before = X.copy(order="A")
    model = network()

    train(model, X, y, plan=plan({"epochs": 2}, seed=0), validation_data=(X, y))
    outputs = predict(model, X)

    expected, expected_outputs = fitted_to_coarse
    assert_identical(model, expected)
    assert_array_equal(outputs, expected_outputs)
    assert_array_equal(X, before)


def test_memory_map_is_read_and_not_written(
    tmp_path, coarse, targets, fitted_to_coarse
):
    path = tmp_path / "X.npy"
    np.save(path, coarse)
    written = path.read_bytes()
    X = np.load(path, mmap_mode="r")
    model = network()

    train(model, X, targets["number"], plan=plan({"epochs": 2}, seed=0))

    assert_identical(model, fitted_to_coarse[0])
    assert_array_equal(predict(model, X), fitted_to_coarse[1])
    assert path.read_bytes() == written


def test_bytes_stay_bytes(inputs, targets):
    data = to_data(inputs["bytes"], targets["kind"])
    model, other = (
        network(
            lambda: [layers.Rescaling(1 / 255), layers.Flatten(), Dense(3)],
            (8, 8, 1),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        for _ in range(2)
    )
    floats = inputs["bytes"].astype(np.float32)

    train(model, inputs["bytes"], targets["kind"], plan=plan({"epochs": 2}, seed=0))
    train(other, floats, targets["kind"], plan=plan({"epochs": 2}, seed=0))

    assert data.x.dtype.as_numpy_dtype == np.uint8
    assert_identical(model, other)
    assert_array_equal(predict(model, inputs["bytes"]), predict(other, floats))


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        (np.float64, np.float32),
        (np.float32, np.float32),
        (np.float16, np.float16),
        (np.uint8, np.uint8),
        (np.int64, np.int64),
        (np.bool_, np.bool_),
    ],
)
def test_only_float64_is_converted(dtype, kept):
    assert to_tensor(np.ones((2, 3), dtype)).dtype.as_numpy_dtype == kept


def address_of(tensor):
    return np.asarray(memoryview(tensor)).ctypes.data


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.uint8])
def test_rows_are_taken_into_the_memory_of_the_tensor(dtype, order):
    rng = np.random.default_rng(0)
    X = np.array(rng.integers(0, 200, (900, 1500)), dtype, order=order)
    rows = rng.permutation(900)[:700]  # More than are taken at a time.
    kept = np.float32 if dtype == np.float64 else dtype

    taken = take(X, rows)
    images = taken.reshape(700, 50, 30, 1)

    assert taken.dtype == kept
    assert type(taken) is np.ndarray
    assert_array_equal(taken, X[rows].astype(kept))
    for part in (taken, images, np.asarray(taken), images[:]):
        assert address_of(to_tensor(part)) == taken.ctypes.data
        assert_array_equal(to_tensor(part), part)


def test_parts_of_rows_taken_are_copied():
    taken = take(np.arange(24, dtype=np.float32).reshape(6, 4), np.arange(6)[::-1])

    for part in (taken[:3], taken[::-1], taken.T, taken[:, 1:], taken.view(np.int32)):
        assert_array_equal(to_tensor(part), part)
        assert address_of(to_tensor(part)) != part.ctypes.data


def test_rows_taken_cannot_be_written_to():
    taken = take(np.ones((4, 3), np.float32), np.arange(4))

    for part in (taken, taken[:2], taken.reshape(-1)):
        with pytest.raises(ValueError, match="read-only"):
            part[:] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            part.flags.writeable = True


def test_weights_of_any_type_count_as_floats(inputs, targets, sample_weight):
    X, y = inputs["rows"], targets["number"]
    model, other = (network(weighted_metrics=["mae"]) for _ in range(2))

    train(model, X, y, sample_weight, plan=plan({"epochs": 1}, seed=0))
    train(other, X, y, sample_weight.astype(int), plan=plan({"epochs": 1}, seed=0))

    assert_identical(model, other)


# Predictions

PREDICTORS = {
    "MLP": Case(lambda: [Dense(40, activation="tanh"), Dense(3, activation="softmax")]),
    "large MLP": Case(wide),
    "normalized": Case(normalized),
    "CNN": Case(cnn, lambda: {"loss": "sparse_categorical_crossentropy"}, "images"),
    "embedding": Case(
        lambda: [layers.Embedding(9, 3), layers.Flatten(), Dense(2)], inputs="words"
    ),
    "dropout": Case(lambda: [Dense(9), layers.Dropout(0.5), Dense(1)]),
}


@pytest.mark.parametrize("name", PREDICTORS)
def test_predictions_of_a_row_do_not_depend_on_its_neighbours(name, inputs):
    case = PREDICTORS[name]
    X = inputs[case.inputs]
    model = case.network(X.shape[1:])
    together = predict(model, X)

    for n in (1, 2, 7, 15, 16, 17, 33):
        assert_array_equal(predict(model, X[:n]), together[:n])
        assert_array_equal(predict(model, X[-n:]), together[-n:])
    for batch_size in (1, 5, 16, 49, 50, 1000):
        assert_array_equal(predict(model, X, batch_size), together)
    assert_array_equal(
        predict(model, np.tile(X, (5, *[1] * (X.ndim - 1))))[:50], together
    )
    assert_allclose(together, model.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


def test_predicting_changes_nothing(inputs):
    model = network(normalized)
    before = [v.numpy() for v in model.variables]

    predict(model, inputs["rows"])

    for variable, value in zip(model.variables, before, strict=True):
        assert_array_equal(variable, value)
    assert not model.optimizer.built


def test_predictions_are_those_of_the_current_weights(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    model = network()
    before = predict(model, X)
    train(model, X, y, plan=plan({"epochs": 1}, seed=0))
    after = predict(model, X)
    other = network()
    other.set_weights(model.get_weights())
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])

    assert not np.allclose(before, after)
    assert_array_equal(predict(other, X), after)
    assert_array_equal(predict(model, X), np.zeros((50, 1)))


def test_model_that_is_not_compiled_predicts(inputs):
    model = keras.Sequential([keras.Input((6,)), Dense(2)])

    outputs = predict(model, inputs["rows"])

    assert_allclose(outputs, model.predict(inputs["rows"], verbose=0), rtol=1e-5)


# The other path


class OwnStep(keras.Model):
    def train_step(self, data):
        self.steps = getattr(self, "steps", 0) + 1
        return super().train_step(data)


class OwnTestStep(keras.Model):
    def test_step(self, data):
        x, y = data
        return super().test_step((x, y + 1000))


class OwnPredictStep(keras.Model):
    def predict_step(self, data):
        return super().predict_step(data) + 100


class OwnCall(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = Dense(1)

    def build(self, shape):
        self.dense.build(shape)

    def call(self, x):
        return self.dense(x)


def functional(model_class):
    x = keras.Input((6,))
    return model_class(x, Dense(1)(x))


def own_call():
    model = OwnCall()
    model.build((None, 6))
    return model


def two_inputs():
    a, b = keras.Input((6,)), keras.Input((6,))
    return keras.Model([a, b], Dense(1)(a + b))


def two_outputs():
    x = keras.Input((6,))
    return keras.Model(x, [Dense(1)(x), Dense(1)(x)])


def sequential():
    return keras.Sequential([keras.Input((6,)), Dense(1)])


def own_step_of_an_instance():
    model = sequential()
    model.train_step = lambda data: keras.Model.train_step(model, data)
    return model


class Batches(keras.utils.PyDataset):
    def __init__(self, X, y):
        super().__init__()
        self.X, self.y = X, y

    def __len__(self):
        return 5

    def __getitem__(self, i):
        return self.X[i::5], self.y[i::5]


ELSEWHERE = {
    "own train_step": (lambda: functional(OwnStep), {}, "train_step of its own"),
    "own test_step": (lambda: functional(OwnTestStep), {}, "test_step of its own"),
    "own step": (own_step_of_an_instance, {}, "train_step of its own"),
    "own call": (own_call, {}, "does not say what inputs it has"),
    "not built": (lambda: keras.Sequential([Dense(1)]), {}, "not built"),
    "run_eagerly": (sequential, {"run_eagerly": True}, "run_eagerly=True"),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_not_covered_is_trained_by_keras(name, inputs, targets):
    build, compiling, reason = ELSEWHERE[name]
    X, y = inputs["rows"], targets["number"]
    model = build()
    model.compile("sgd", "mse", metrics=["mae"], **compiling)

    training = train(
        model, X, y, plan=plan({"epochs": 2}, seed=0), validation_data=(X, y, None)
    )

    assert training.path == "keras"
    assert reason in training.reason
    assert list(training.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert all(len(values) == 2 for values in training.history.values())
    assert predict(model, X).shape == (50, 1)


def test_jit_compile_is_left_to_keras(inputs):
    model = sequential()
    model.compile("sgd", "mse", jit_compile=True)
    X = inputs["rows"]

    assert why_not_compiled(model, X, X, []) == "jit_compile=True"


def test_own_steps_are_taken(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    model, tested = functional(OwnStep), functional(OwnTestStep)
    for each in (model, tested):
        each.compile("sgd", "mse")

    train(model, X, y, plan=plan({"epochs": 1}, seed=0))
    training = train(
        tested, X, y, plan=plan({"epochs": 1}, seed=0), validation_data=(X, y)
    )

    assert model.steps >= 1
    assert training.history["val_loss"][0] > 900_000


def test_own_way_to_predict_is_kept(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    model = functional(OwnPredictStep)
    model.compile("sgd", "mse")
    train(model, X, y, plan=plan({"epochs": 1}, seed=0))

    assert_allclose(predict(model, X), model(X) + 100, rtol=1e-5)


def test_several_inputs(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    model = two_inputs()
    model.compile("sgd", "mse")

    training = train(model, [X, X], y, plan=plan({"epochs": 2}, seed=0))

    assert (training.path, training.reason) == ("keras", "X is not one array")
    assert len(training.history["loss"]) == 2


def test_several_outputs(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    model = two_outputs()
    model.compile("sgd", ["mse", "mae"])

    training = train(model, X, [y, y], plan=plan({"epochs": 2}, seed=0))

    assert training.path == "keras"
    assert len(training.history["loss"]) == 2


def test_datasets(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    model, other = network(), network()

    training = train(model, Batches(X, y), None, plan=plan({"epochs": 2}, seed=0))
    rows = np.concatenate([np.arange(50)[i::5] for i in range(5)])
    expected = train(
        other,
        X[rows],
        y[rows],
        plan=plan({"epochs": 2, "batch_size": 10, "shuffle": False}, seed=0),
    )

    assert (training.path, expected.path) == ("keras", "compiled")
    assert_same_history(training.history, expected.history, **TOLERANCE)


@pytest.mark.parametrize(
    "argument", [{"class_weight": {0: 2.0, 1: 1.0}}, {"steps_per_epoch": 2}]
)
def test_arguments_that_only_keras_knows(argument, inputs, targets):
    X, y = inputs["rows"], targets["yes or no"]
    model = network()

    training = train(model, X, y, plan=plan({"epochs": 2, **argument}, seed=0))

    (name,) = argument
    assert (training.path, training.reason) == ("keras", f"only Model.fit takes {name}")


def test_nothing_to_train(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    model = network(lambda: [Dense(1, trainable=False)])

    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        training = train(model, X, y, plan=plan({"epochs": 1}, seed=0))

    assert training.reason == "the model has no trainable weights"


def test_a_gpu_alone_is_no_reason_for_keras(monkeypatch, inputs, targets):
    # Where there is a GPU, Keras reads jit_compile="auto" as True.
    monkeypatch.setattr(
        "tensorflow.config.list_physical_devices",
        lambda kind=None: [] if kind == "CPU" else [_Gpu()],
    )
    model = network()
    assert model.jit_compile

    training = train(
        model,
        inputs["rows"],
        targets["number"],
        plan=plan({"epochs": 1}, seed=0),
    )

    assert training.path == "compiled"


class _Gpu:
    name, device_type = "/physical_device:GPU:0", "GPU"
