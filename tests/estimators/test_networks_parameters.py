"""What each constructor argument of the networks does, and what it refuses."""

import re
from functools import partial

import hypothesis.strategies as st
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.utils.class_weight import compute_sample_weight

from skhpo import KerasCNN, KerasCNNRegressor, KerasMLP, KerasMLPRegressor

mlp = partial(KerasMLP, 8, epochs=2, random_state=0)
regressor = partial(KerasMLPRegressor, 8, epochs=2, random_state=0)
cnn = partial(KerasCNN, 3, dense_layer_sizes=8, epochs=1, random_state=0)


def weights_of(network):
    return network.model_.get_weights()


def assert_same_weights(one, other):
    for a, b in zip(weights_of(one), weights_of(other), strict=True):
        assert_array_equal(a, b)


def differ(one, other):
    pairs = zip(weights_of(one), weights_of(other), strict=True)
    return any(not np.array_equal(a, b) for a, b in pairs)


def layers_of(network, kind):
    return [layer for layer in network.model_.layers if isinstance(layer, kind)]


# Layers


@pytest.mark.parametrize(
    ("sizes", "units"),
    [(7, [7, 3]), ((7,), [7, 3]), ([7, 5], [7, 5, 3]), ((), [3])],
)
def test_hidden_layer_sizes(sizes, units, iris):
    network = KerasMLP(sizes, epochs=1).fit(*iris)
    assert [layer.units for layer in network.model_.layers] == units


def test_no_hidden_layer_is_logistic_regression(iris):
    X, y = iris
    network = KerasMLP((), epochs=60, learning_rate=0.05, random_state=0).fit(X, y)
    kernel, bias = weights_of(network)
    odds = np.exp(X @ kernel + bias)
    expected = odds / odds.sum(axis=1, keepdims=True)
    assert_allclose(network.predict_proba(X), expected, rtol=1e-4, atol=1e-6)
    assert network.score(X, y) > 0.9


@pytest.mark.parametrize("name", ["leaky_relu", "mish", "elu", "gelu", "selu"])
def test_activation_by_name(name, iris):
    network = mlp(activation=name).fit(*iris)
    assert network.model_.layers[0].activation is keras.activations.get(name)


def test_activation_by_function(sizes):
    X, y = sizes
    network = regressor(activation=lambda x: 3 * x + 1).fit(X, y)
    kernel, bias, out_kernel, out_bias = weights_of(network)
    expected = (3 * (X @ kernel + bias) + 1) @ out_kernel + out_bias
    assert_allclose(network.predict(X), expected[:, 0], rtol=1e-4, atol=1e-5)


def test_an_activation_with_weights_is_each_layers_own(iris):
    prelu = keras.layers.PReLU()
    network = KerasMLP((8, 5), activation=prelu, epochs=1).fit(*iris)
    own = layers_of(network, keras.layers.PReLU)
    assert [layer.alpha.shape for layer in own] == [(8,), (5,)]
    assert not prelu.built


@pytest.mark.parametrize(
    ("dropout", "rates"), [(0.3, [0.3, 0.3]), ((0.5, 0.0), [0.5]), ([0, 0.25], [0.25])]
)
def test_dropout_for_all_layers_or_each(dropout, rates, iris):
    network = KerasMLP((8, 8), dropout=dropout, epochs=1).fit(*iris)
    assert [layer.rate for layer in layers_of(network, keras.layers.Dropout)] == rates


def test_batch_normalization_stands_before_the_activation(iris):
    network = mlp(batch_normalization=True).fit(*iris)
    _, normalization, activation, _ = network.model_.layers
    assert isinstance(normalization, keras.layers.BatchNormalization)
    assert activation.activation is keras.activations.relu
    assert np.any(np.asarray(normalization.moving_mean) != 0)


@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_penalties_are_part_of_the_loss(penalty, iris):
    # A learning rate so small that the weights stay what they are.
    still = partial(mlp, epochs=1, batch_size="all", learning_rate=1e-12)
    plain, penalized = still().fit(*iris), still(**{penalty: 0.25}).fit(*iris)
    kernels = [w for w in weights_of(plain) if w.ndim == 2]
    size = np.abs if penalty == "l1" else np.square
    expected = 0.25 * sum(size(kernel).sum() for kernel in kernels)
    difference = penalized.history_["loss"][0] - plain.history_["loss"][0]
    assert len(kernels) == 2
    assert difference == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("initializer", "spread"),
    [
        ("glorot_uniform", np.sqrt(2 / (64 + 400))),
        ("he_normal", np.sqrt(2 / 64)),
        (keras.initializers.RandomNormal(stddev=0.5), 0.5),
    ],
)
def test_kernel_initializer(initializer, spread, digits):
    network = KerasMLP(
        400,
        kernel_initializer=initializer,
        epochs=1,
        batch_size="all",
        learning_rate=1e-12,
        random_state=0,
    ).fit(*digits)
    assert weights_of(network)[0].std() == pytest.approx(spread, rel=0.02)


def test_kernel_initializer_by_function(iris):
    def halves(shape, dtype):
        return keras.ops.full(shape, 0.5, dtype)

    network = mlp(kernel_initializer=halves, learning_rate=1e-12).fit(*iris)
    assert_allclose(weights_of(network)[0], 0.5, rtol=1e-6)


# Optimizers


@pytest.mark.parametrize(
    "name",
    [
        "adam",
        "sgd",
        "rmsprop",
        "adagrad",
        "adadelta",
        "adamax",
        "nadam",
        "adamw",
        "lion",
    ],
)
def test_optimizer_by_name(name, iris):
    network = mlp(optimizer=name).fit(*iris)
    optimizer, default = network.model_.optimizer, keras.optimizers.get(name)
    assert type(optimizer) is type(default)
    assert float(optimizer.learning_rate) == pytest.approx(float(default.learning_rate))
    assert network.history_["loss"][1] < network.history_["loss"][0]


def test_an_optimizer_instance_is_copied(iris):
    optimizer = keras.optimizers.Adam(0.03, beta_1=0.8)
    network = mlp(optimizer=optimizer)
    first, second = clone(network).fit(*iris), network.fit(*iris)
    assert_same_weights(first, second)
    assert network.optimizer is optimizer
    assert not optimizer.built
    assert int(optimizer.iterations) == 0
    own = network.model_.optimizer
    assert own.beta_1 == 0.8
    assert float(own.learning_rate) == pytest.approx(0.03)
    assert int(own.iterations) == 2 * 5


@pytest.mark.parametrize("learning_rate", [0.5, 1, np.float32(0.5)])
def test_learning_rate_as_a_number(learning_rate, iris):
    network = mlp(learning_rate=learning_rate).fit(*iris)
    assert float(network.model_.optimizer.learning_rate) == learning_rate


def test_learning_rate_as_a_schedule(iris):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    network = mlp(learning_rate=schedule, batch_size=50).fit(*iris)
    assert float(network.model_.optimizer.learning_rate) == pytest.approx(0.1 * 0.5**6)
    # Halved at each step, so that the second epoch moves the weights far less.
    before = weights_of(mlp(learning_rate=schedule, batch_size=50, epochs=1).fit(*iris))
    start = weights_of(mlp(learning_rate=1e-12, epochs=1, batch_size="all").fit(*iris))
    first = np.abs(before[0] - start[0]).sum()
    second = np.abs(weights_of(network)[0] - before[0]).sum()
    assert second < first / 4


def test_momentum_and_nesterov_are_those_of_sgd(iris):
    sgd = partial(mlp, optimizer="sgd", learning_rate=0.05)
    network = sgd(momentum=0.5, nesterov=False).fit(*iris)
    assert network.model_.optimizer.momentum == 0.5
    assert not network.model_.optimizer.nesterov
    assert sgd().fit(*iris).model_.optimizer.momentum == 0.9
    assert differ(network, sgd(momentum=0.0, nesterov=False).fit(*iris))
    assert differ(network, sgd(momentum=0.5, nesterov=True).fit(*iris))


def test_clipnorm_bounds_a_step(iris):
    step = partial(
        mlp, optimizer="sgd", momentum=0.0, nesterov=False, batch_size="all", epochs=1
    )
    start = weights_of(step(learning_rate=1e-12).fit(*iris))
    clipped = weights_of(step(learning_rate=1.0, clipnorm=1e-3).fit(*iris))
    free = weights_of(step(learning_rate=1.0).fit(*iris))
    for a, b, c in zip(start, clipped, free, strict=True):
        assert np.linalg.norm(b - a) <= 1e-3 * 1.01
        assert np.linalg.norm(c - a) > 2e-3


@pytest.mark.parametrize(("batch_size", "steps"), [(32, 5), (50, 3), (999, 1)])
def test_batch_size_sets_the_steps(batch_size, steps, iris):
    network = mlp(batch_size=batch_size).fit(*iris)
    assert int(network.model_.optimizer.iterations) == 2 * steps


def test_batch_size_all_is_one_step_over_all_samples(iris):
    whole = mlp(batch_size="all").fit(*iris)
    assert int(whole.model_.optimizer.iterations) == 2
    assert_same_weights(whole, mlp(batch_size=150).fit(*iris))


# Losses and metrics


@pytest.mark.parametrize(
    "loss",
    [
        "categorical_crossentropy",
        "mean_squared_error",
        keras.losses.CategoricalFocalCrossentropy(gamma=1.0),
        keras.losses.categorical_crossentropy,
        lambda y, p: keras.ops.mean(keras.ops.abs(y - p), axis=-1),
    ],
    ids=lambda loss: getattr(loss, "__name__", None),
)
def test_classes_are_learnt_by_any_loss(loss, iris):
    network = mlp(loss=loss, learning_rate=0.05, epochs=20).fit(*iris)
    assert network.score(*iris) > 0.85
    assert_allclose(network.predict_proba(iris[0]).sum(axis=1), 1, rtol=1e-5)


def test_the_default_loss_is_crossentropy(iris):
    X, y = iris
    default = mlp().fit(X, y)
    for loss in ("categorical_crossentropy", "sparse_categorical_crossentropy"):
        network = mlp(loss=loss).fit(X, y)
        assert_allclose(network.history_["loss"], default.history_["loss"], rtol=1e-5)


@pytest.mark.parametrize(
    ("loss", "n_outputs"),
    [
        (None, 1),
        ("binary_focal_crossentropy", 1),
        (keras.losses.SparseCategoricalCrossentropy(), 2),
    ],
)
def test_two_classes_need_one_output_or_two(loss, n_outputs, iris):
    X, y = iris
    network = mlp(loss=loss, learning_rate=0.05, epochs=10).fit(X, y == 0)
    assert network.model_.output_shape == (None, n_outputs)
    assert network.predict_proba(X).shape == (150, 2)
    assert network.score(X, y == 0) > 0.9


def test_a_loss_of_ones_own_gets_one_hot_rows(iris):
    seen = []

    def spy(y, p):
        seen.append((tuple(y.shape[1:]), tuple(p.shape[1:])))
        return keras.ops.mean(keras.ops.square(y - p), axis=-1)

    mlp(loss=spy).fit(*iris)
    assert set(seen) == {((3,), (3,))}


@pytest.mark.parametrize("loss", ["mae", keras.losses.LogCosh()])
def test_losses_of_regressors(loss, sizes):
    network = regressor(loss=loss, epochs=20, learning_rate=0.02).fit(*sizes)
    assert network.score(*sizes) > 0.7


@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.CategoricalCrossentropy(from_logits=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        keras.losses.BinaryFocalCrossentropy(from_logits=True),
    ],
)
def test_a_loss_of_logits_is_refused(loss, iris):
    network = mlp(loss=loss)
    message = "loss must take probabilities, got .* with from_logits=True; leave it out"
    with pytest.raises(ValueError, match=message):
        network.fit(*iris)
    assert not hasattr(network, "model_")


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        (None, ["accuracy"]),
        ([], []),
        (["acc"], ["acc"]),
        (
            ("accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2, name="top")),
            ["accuracy", "top"],
        ),
    ],
)
def test_metrics_are_recorded_each_epoch(metrics, names, iris):
    X, y = iris
    history = mlp(metrics=metrics).fit(X, y, X_val=X, y_val=y).history_
    expected = ["loss", *names]
    assert set(history) == {*expected, *(f"val_{name}" for name in expected)}
    assert {len(values) for values in history.values()} == {2}


def test_metrics_of_one_hot_rows_need_a_loss_of_them(iris):
    metrics = ["AUC", keras.metrics.F1Score(average="macro")]
    network = mlp(metrics=metrics, loss="categorical_crossentropy").fit(*iris)
    assert set(network.history_) == {"loss", "AUC", "f1_score"}
    assert all(0 < value < 1 for value in network.history_["AUC"])


def test_a_metric_instance_is_copied(iris):
    metric = keras.metrics.SparseCategoricalAccuracy(name="hits")
    network = mlp(metrics=[metric]).fit(*iris)
    assert network.history_["hits"] == mlp().fit(*iris).history_["accuracy"]
    assert float(metric.result()) == 0.0
    assert int(metric.count) == 0


def test_a_metric_may_be_a_function(sizes):
    X, y = sizes

    def largest_error(y, p):
        return keras.ops.max(keras.ops.abs(y - p), axis=-1)

    network = regressor(metrics=["mae", largest_error]).fit(X, y, X_val=X, y_val=y)
    assert set(network.history_) == {
        *("loss", "mae", "largest_error"),
        *("val_loss", "val_mae", "val_largest_error"),
    }
    assert network.history_["val_mae"][-1] == pytest.approx(
        np.abs(network.predict(X) - y).mean(), rel=1e-4
    )


# Weights of classes


WEIGHTS = {"setosa": 1.0, "versicolor": 5.0, "virginica": 0.5}
NAMES = np.array(list(WEIGHTS))


@pytest.mark.parametrize("class_weight", [WEIGHTS, "balanced"])
@pytest.mark.parametrize("weighted", [False, True])
def test_class_weight_multiplies_sample_weight(class_weight, weighted, iris):
    X, y = iris[0][20:], NAMES[iris[1][20:]]
    given = np.linspace(0.5, 2, 130) if weighted else None
    network = mlp(class_weight=class_weight).fit(X, y, sample_weight=given)
    product = compute_sample_weight(class_weight, y) * (1 if given is None else given)
    multiplied = mlp().fit(X, y, sample_weight=product)
    for a, b in zip(weights_of(network), weights_of(multiplied), strict=True):
        assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert differ(network, mlp().fit(X, y, sample_weight=given))
    assert WEIGHTS == {"setosa": 1.0, "versicolor": 5.0, "virginica": 0.5}


def test_class_weight_counts_in_the_loss_of_held_out_samples(iris):
    plain = mlp(early_stopping=True, learning_rate=1e-12).fit(*iris)
    twice = clone(plain).set_params(class_weight={0: 2, 1: 2, 2: 2}).fit(*iris)
    assert_allclose(
        twice.history_["val_loss"], 2 * np.array(plain.history_["val_loss"])
    )


def test_class_weight_is_known_by_label_in_every_batch(iris):
    # The batches lack a class that has a weight.
    X, y = iris
    network = mlp(class_weight={1: 2.0, 2: 3.0})
    weighted = mlp()
    for rows in (slice(0, 100), slice(50, 150)):
        classes = [0, 1, 2]
        network.partial_fit(X[rows], y[rows], classes=classes)
        weights = np.array([1.0, 2.0, 3.0])[y[rows]]
        weighted.partial_fit(X[rows], y[rows], classes, sample_weight=weights)
    assert_same_weights(network, weighted)


def test_class_weight_of_unknown_labels_is_an_error(iris):
    with pytest.raises(ValueError, match=r"classes, \[0, 1, 2\], are not in class_w"):
        mlp(class_weight={"setosa": 1.0}).fit(*iris)


def test_class_weight_of_several_labels(iris):
    X, y = iris
    Y = np.column_stack([y > 0, y > 1]).astype(int)
    network = mlp(class_weight="balanced").fit(X, Y)
    weights = compute_sample_weight("balanced", Y)
    assert_same_weights(network, mlp().fit(X, Y, sample_weight=weights))
    with pytest.raises(ValueError, match=r"several labels per sample, got \{0: 2\}"):
        mlp(class_weight={0: 2}).fit(X, Y)


# The order of samples, and what is printed


def test_shuffle(iris):
    X, y = iris
    in_order = mlp(shuffle=False).fit(X, y)
    by_hand = mlp(shuffle=False)
    for _ in range(2):
        by_hand.partial_fit(X, y, classes=[0, 1, 2])
    assert_same_weights(in_order, by_hand)
    assert differ(in_order, mlp(shuffle=True).fit(X, y))


@pytest.mark.parametrize("verbose", [1, 2, True, np.int64(1)])
def test_verbose_prints_a_line_per_epoch(verbose, iris, capsys):
    X, y = iris
    network = mlp(verbose=verbose, epochs=3).fit(X, y, X_val=X, y_val=y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in lines] == [
        "Epoch 1/3",
        "Epoch 2/3",
        "Epoch 3/3",
    ]
    for epoch, line in enumerate(lines):
        for name, values in network.history_.items():
            assert f"{name}: {values[epoch]:.4f}" in line


def test_silence_by_default(iris, capsys):
    mlp(early_stopping=True).fit(*iris).predict(iris[0])
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


# Numbers and truths of NumPy, as grids of it hold


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (
            mlp,
            {
                "hidden_layer_sizes": [np.int32(8), np.int64(8)],
                "dropout": np.float32(0.5),
                "l1": np.float32(0.25),
                "l2": np.float64(0.25),
                "optimizer": np.str_("sgd"),
                "learning_rate": np.float32(0.25),
                "momentum": np.float32(0.5),
                "nesterov": np.bool_(False),
                "clipnorm": np.float32(0.5),
                "batch_size": np.int64(32),
                "epochs": np.int64(3),
                "early_stopping": np.bool_(True),
                "validation_fraction": np.float32(0.25),
                "n_iter_no_change": np.int64(1),
                "tol": np.float32(0.25),
                "restore_best_weights": np.bool_(False),
                "batch_normalization": np.bool_(True),
                "shuffle": np.bool_(False),
                "warm_start": np.bool_(True),
                "random_state": np.int64(0),
            },
        ),
        (mlp, {"hidden_layer_sizes": np.int64(8), "activation": np.str_("tanh")}),
        (
            cnn,
            {
                "filters": np.int64(3),
                "kernel_size": np.int64(2),
                "strides": [np.int64(2)],
                "pool_size": (np.int64(2),),
                "padding": np.str_("same"),
                "image_shape": (np.int64(8), np.int64(8)),
                "dense_layer_sizes": (np.int64(8),),
            },
        ),
    ],
)
def test_numbers_of_numpy_are_as_those_of_python(make, settings, digits):
    plain = {name: np.asarray(value).tolist() for name, value in settings.items()}
    given = make().set_params(**settings).fit(*digits)
    assert_same_weights(given, make().set_params(**plain).fit(*digits))


# What is refused


BAD = [
    ("hidden_layer_sizes", 0, "must be a positive integer, or a tuple of positive"),
    ("hidden_layer_sizes", (8, -1), "must be a positive integer, or a tuple of"),
    ("hidden_layer_sizes", 8.0, "must be a positive integer"),
    ("activation", "reluu", "must be the name of a Keras activation"),
    ("activation", keras.layers.PReLU, "must be .*, a function or a layer, got <class"),
    ("dropout", 1.0, "must be a number from 0 up to, but not, 1"),
    ("dropout", (0.1, 2), "must be a number from 0 up to, but not, 1"),
    ("l1", -1e-3, "must be a number of at least 0"),
    ("l2", "0.1", "must be a number of at least 0, got '0.1'"),
    ("kernel_initializer", "he", "must be the name of a Keras initializer"),
    ("batch_normalization", 1, "must be True or False, got 1"),
    ("optimizer", "Adam", "must be one of 'adam', 'sgd'"),
    (
        "optimizer",
        keras.optimizers.Adam,
        "must be .* or a keras.optimizers.Optimizer, got",
    ),
    ("learning_rate", 0, "must be a positive number or a keras.optimizers.schedules"),
    ("momentum", 1.5, "must be a number from 0 to 1"),
    ("nesterov", None, "must be True or False, got None"),
    ("clipnorm", 0.0, "must be a positive number, or None"),
    ("batch_size", "auto", 'must be a positive integer or "all"'),
    ("batch_size", -1, 'must be a positive integer or "all"'),
    ("epochs", 0, "must be a positive integer, got 0"),
    ("epochs", True, "must be a positive integer, got True"),
    ("loss", "crossentropy", "must be the name of a Keras loss"),
    ("loss", keras.losses.Huber, "must be .* or a function, or None, got <class"),
    ("metrics", "accuracy", "must be a sequence of names of Keras metrics"),
    ("metrics", ["accurracy"], "must be a sequence of names of Keras metrics"),
    ("metrics", [keras.metrics.AUC], "must be a sequence of names of Keras metrics"),
    ("class_weight", "equal", 'must be a dict of weights of at least 0 by label, "bal'),
    ("class_weight", {0: -1.0}, "must be a dict of weights of at least 0 by label"),
    ("early_stopping", "yes", "must be True or False"),
    ("validation_fraction", 0.0, "must be a number between 0 and 1"),
    ("validation_fraction", 20, "must be a number between 0 and 1"),
    ("n_iter_no_change", 0, "must be a positive integer"),
    ("tol", -1, "must be a number of at least 0"),
    ("monitor", None, "must be a string, got None"),
    ("restore_best_weights", "best", "must be True or False"),
    ("callbacks", [print], "must be a sequence of keras.callbacks.Callback, or None"),
    ("warm_start", 1, "must be True or False"),
    ("shuffle", "each", "must be True or False"),
    ("random_state", -1, "must be None, a np.random.RandomState or an integer of at"),
    ("random_state", np.random.default_rng(0), "must be None, a np.random.RandomSt"),
    ("verbose", 3, "must be 0, 1 or 2, got 3"),
]
BAD_OF_IMAGES = [
    ("filters", 2.5, "must be a positive integer, or a tuple of positive integers"),
    ("kernel_size", 0, "must be a positive integer or a pair of them"),
    ("kernel_size", ((1, 2, 3),), "must be a positive integer or a pair of them"),
    ("strides", -1, "must be a positive integer or a pair of them"),
    ("pool_size", "2", "must be a positive integer or a pair of them"),
    ("padding", "full", "must be one of 'valid', 'same', or a tuple of those"),
    ("dense_layer_sizes", (0,), "must be a positive integer"),
    ("image_shape", 64, r"must be \(height, width\) or \(height, width, channels\)"),
    ("image_shape", (64,), r"must be \(height, width\) or \(height, width, channels"),
]


@pytest.mark.parametrize(
    ("make", "name", "value", "message"),
    [
        *((mlp, *case) for case in BAD),
        *((cnn, *case) for case in BAD_OF_IMAGES),
        (regressor, "loss", "rmse", "must be the name of a Keras loss"),
        (KerasCNNRegressor, "filters", 0, "must be a positive integer"),
    ],
)
def test_a_parameter_that_is_not_valid(make, name, value, message, digits):
    network = make().set_params(**{name: value})
    expected = rf"^Invalid parameters of {type(network).__name__}: {name} {message}"
    classes = {"classes": np.arange(10)} if is_classifier(network) else {}
    for method in (network.fit, partial(network.partial_fit, **classes)):
        with pytest.raises(ValueError, match=expected):
            method(*digits)
    assert not hasattr(network, "model_")


@given(st.sets(st.sampled_from(range(len(BAD))), min_size=2, max_size=5))
@settings(max_examples=20)
def test_all_problems_stand_in_one_message(cases):
    wrong = {BAD[case][0]: BAD[case][1] for case in cases}
    with pytest.raises(ValueError, match=r"^Invalid parameters of KerasMLP: ") as error:
        KerasMLP(**wrong).fit([[0.0], [1.0]], [0, 1])
    for name in wrong:
        assert len(re.findall(rf"[:;] {name} must be ", str(error.value))) == 1


@pytest.mark.parametrize("setting", [{"learning_rate": 0.1}, {"clipnorm": 1.0}])
def test_settings_beside_an_optimizer_instance_are_an_error(setting, iris):
    (name, value) = next(iter(setting.items()))
    network = mlp(optimizer=keras.optimizers.SGD(0.5), **setting)
    message = f"{name} must be None when optimizer is an instance, .*, got {value}; set"
    with pytest.raises(ValueError, match=message):
        network.fit(*iris)


@pytest.mark.parametrize(
    ("make", "name", "value", "layers"),
    [
        (mlp, "dropout", (0.1, 0.2), 1),
        (cnn, "kernel_size", (3, 3), 1),
        (cnn, "padding", ("same", "same"), 1),
        (cnn, "dropout", (), 1),
    ],
)
def test_one_value_for_each_layer_or_one_for_all(make, name, value, layers, digits):
    message = f"{name} must be one value or one for each of the {layers} layers, got "
    with pytest.raises(ValueError, match=message):
        make(**{name: value}).fit(*digits)


def test_an_unknown_parameter_is_an_error():
    with pytest.raises(TypeError, match="unexpected keyword argument 'hidden_layers'"):
        KerasMLP(hidden_layers=3)
    with pytest.raises(ValueError, match="Invalid parameter 'alpha' for estimator"):
        KerasMLP().set_params(alpha=3)


def test_no_metric_may_be_called_as_the_loss_is(iris):
    network = KerasMLP(4, metrics=[keras.metrics.AUC(name="loss")])
    with pytest.raises(
        ValueError, match=r"metrics must be .* named 'loss', or None, g"
    ):
        network.fit(*iris)
