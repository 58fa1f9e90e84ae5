"""Which models share a program: those that differ in nothing that is compiled in."""

import functools
import sys
from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest
from engine_models import (
    Dense,
    assert_same_weights,
    mlp,
    network,
    train_by_keras,
    train_step_by_step,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from importable_objects import (
    AnnealedError,
    FixedNoise,
    Halved,
    Scaled,
    ScaledError,
    SecretlyTimes,
    SecretModel,
    Times,
    Unconfigured,
    cubic_loss,
    double,
    fixed_rate,
    largest_error,
    relu,
    softsine,
)
from numpy.testing import assert_allclose

from skhpo._training import plan, train
from skhpo._training._key import program_key

layers = keras.layers
optimizers = keras.optimizers
regularizers = keras.regularizers
ONE_BATCH = plan({"epochs": 1, "batch_size": 50, "shuffle": False}, seed=0)


def key(layers=mlp, shape=(6,), **compiling):
    return program_key(network(layers, shape, **compiling))


def graph_key(function):
    x = keras.Input((4,))
    model = keras.Model(x, function(x))
    model.compile("sgd", "mse")
    return program_key(model)


def hidden(*args, **settings):
    return lambda: [Dense(*(args or (5,)), **settings), Dense(1)]


def named(*names):
    return lambda: [Dense(5, name=names[0]), Dense(1, name=names[1])]


def seeded(seed):
    return lambda: [Dense(5), layers.Dropout(0.5, seed=seed), Dense(1)]


def initialized(initializer):
    return hidden(kernel_initializer=initializer)


def by(optimizer, *args, **arguments):
    return {"optimizer": getattr(optimizers, optimizer)(*args, **arguments)}


# What makes no difference


def alike():
    """Return pairs of settings of one key, with objects of their own each time."""
    return {
        "automatic names": ({}, {}),
        "names": ({"layers": named("a", "b")}, {"layers": named("c", "a")}),
        "names of activations": (
            {"layers": named("relu", "linear")},
            {"layers": named("tanh", "relu")},
        ),
        "initial weights": ({"seed": 1}, {"seed": 2}),
        "initializers": (
            {"layers": initialized("he_normal")},
            {"layers": initialized("he_normal")},
        ),
        "seeds of initializers": (
            {"layers": initialized(keras.initializers.HeNormal(1))},
            {"layers": initialized(keras.initializers.HeNormal(2))},
        ),
        "seeds of dropout": ({"layers": seeded(1)}, {"layers": seeded(2)}),
        "learning rates": (by("Adam", 0.1), by("Adam", 0.001)),
        "names of optimizers": (by("Adam", name="a"), by("Adam", name="b")),
        "objects for names": (
            {"loss": "mse", "optimizer": "adam"},
            {"loss": "mse", "optimizer": optimizers.Adam()},
        ),
        "equal regularizers": (
            {"layers": hidden(kernel_regularizer=regularizers.L2(0.1))},
            {"layers": hidden(kernel_regularizer=regularizers.L2(0.1))},
        ),
        "equal schedules": (
            by("SGD", optimizers.schedules.CosineDecay(0.1, 10)),
            by("SGD", optimizers.schedules.CosineDecay(0.1, 10)),
        ),
        "importable functions": (
            {"loss": cubic_loss, "metrics": [largest_error]},
            {"loss": cubic_loss, "metrics": [largest_error]},
        ),
        "importable layers": (
            {"layers": lambda: [Times(2.0), *mlp()]},
            {"layers": lambda: [Times(2.0), *mlp()]},
        ),
        "importable activations": (
            {"layers": hidden(activation=softsine)},
            {"layers": hidden(activation=softsine)},
        ),
        "importable losses": (
            {"loss": ScaledError(2.0)},
            {"loss": ScaledError(2.0)},
        ),
        "metrics": (
            # Automatic names differ, and with them the names in the history.
            {"metrics": [keras.metrics.AUC(num_thresholds=10, name="auc")]},
            {"metrics": [keras.metrics.AUC(num_thresholds=10, name="auc")]},
        ),
    }


@pytest.mark.parametrize("name", alike())
def test_alike_models_have_one_key(name):
    one, other = (key(**each) for each in alike()[name])

    assert one is not None
    assert one == other


@pytest.mark.parametrize(
    "name",
    [
        "names",
        "importable functions",
        "importable layers",
        "importable activations",
        "importable losses",
        "metrics",
    ],
)
def test_alike_models_share_a_program(name, cache, inputs, targets):
    X, y = inputs["rows"], targets["yes or no"]

    for each in alike()[name]:
        train(network(**each), X, y, plan=plan({"epochs": 1}, seed=0))

    assert len(cache.programs) == 1


def test_a_fit_does_not_change_the_key(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    model = network(metrics=["mae", keras.metrics.AUC(num_thresholds=10)])
    before = program_key(model)

    train(model, X, y, plan=plan({"epochs": 1}, seed=0))
    assert program_key(model) == before

    model.optimizer.learning_rate = 0.5
    assert program_key(model) == before


# What makes a difference


def unlike():
    """Return settings of as many keys, with objects of their own each time."""
    return {
        "units": [{"layers": hidden(4)}, {"layers": hidden(5)}],
        "activation": [
            {"layers": hidden(activation=a)} for a in ("relu", "tanh", "elu")
        ],
        "bias": [{"layers": hidden(use_bias=b)} for b in (True, False)],
        "l2": [
            {"layers": hidden(kernel_regularizer=regularizer)}
            for regularizer in (None, *map(regularizers.L2, (0.1, 0.2)))
        ],
        "place of the penalty": [
            {"layers": hidden(**{place: "l2"})}
            for place in (
                "kernel_regularizer",
                "bias_regularizer",
                "activity_regularizer",
            )
        ],
        "activity": [
            {"layers": hidden(activity_regularizer=regularizers.L1(rate))}
            for rate in (0.1, 0.2)
        ],
        "constraint": [
            {"layers": hidden(kernel_constraint=constraint)}
            for constraint in (None, *map(keras.constraints.MaxNorm, (1, 2)))
        ],
        "dropout": [
            {"layers": lambda rate=rate: [Dense(5), layers.Dropout(rate), Dense(1)]}
            for rate in (0.1, 0.2)
        ],
        "noise": [
            {"layers": lambda layer=layer: [Dense(5), layer(0.1), Dense(1)]}
            for layer in (layers.Dropout, layers.GaussianNoise, layers.GaussianDropout)
        ],
        "normalization": [
            {"layers": lambda s=s: [Dense(5), layers.BatchNormalization(**s), Dense(1)]}
            for s in ({}, {"momentum": 0.9}, {"epsilon": 0.1}, {"scale": False})
        ],
        "depth": [{"layers": lambda n=n: [Dense(5) for _ in range(n)]} for n in (1, 2)],
        "input shape": [
            {"layers": lambda: [layers.GlobalAveragePooling1D()], "shape": (n, 6)}
            for n in (3, 4)
        ],
        "order": [
            {"layers": lambda: [Dense(5), layers.ReLU(), layers.Softmax(), Dense(1)]},
            {"layers": lambda: [Dense(5), layers.Softmax(), layers.ReLU(), Dense(1)]},
        ],
        "trainable layers": [
            {"layers": hidden()},
            {"layers": hidden(trainable=False)},
            {"layers": lambda: [Dense(5), Dense(1, trainable=False)]},
        ],
        "dtype policy": [
            {"layers": hidden(dtype=dtype)} for dtype in ("float32", "mixed_float16")
        ],
        "optimizer": [by(name) for name in ("SGD", "Adam", "AdamW", "Nadam")],
        "momentum": [by("SGD", momentum=m) for m in (0.0, 0.5, 0.9)],
        "nesterov": [by("SGD", momentum=0.9, nesterov=n) for n in (True, False)],
        "betas": [by("Adam"), by("Adam", beta_1=0.8), by("Adam", beta_2=0.8)],
        "clipping": [
            by("SGD"),
            *(
                by("SGD", **{c: 1.0})
                for c in ("clipnorm", "clipvalue", "global_clipnorm")
            ),
            by("SGD", clipnorm=2.0),
        ],
        "decay of weights": [by("SGD"), by("SGD", weight_decay=0.1)],
        "averages": [by("SGD"), by("SGD", use_ema=True)],
        "schedule": [
            by("SGD"),
            by("SGD", optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)),
            by("SGD", optimizers.schedules.ExponentialDecay(0.2, 10, 0.5)),
            by("SGD", optimizers.schedules.CosineDecay(0.1, 10)),
        ],
        "loss": [{"loss": loss} for loss in ("mse", "mae", keras.losses.Huber())],
        "settings of the loss": [
            {"loss": keras.losses.Huber(delta)} for delta in (0.5, 1.0)
        ],
        "reduction": [
            {"loss": keras.losses.MeanSquaredError(reduction=r)}
            for r in ("sum", "mean")
        ],
        "loss weights": [{}, {"loss_weights": [0.5]}, {"loss_weights": [2.0]}],
        "metrics": [
            {},
            {"metrics": ["mae"]},
            {"weighted_metrics": ["mae"]},
            {"metrics": ["mse"]},
            {"metrics": ["mae", "mse"]},
            {"metrics": [keras.metrics.AUC(num_thresholds=10)]},
            {"metrics": [keras.metrics.AUC(num_thresholds=20)]},
        ],
        "own activation of a name of Keras's": [
            {"layers": hidden(activation=a)} for a in ("relu", relu)
        ],
        "own layers": [{"layers": lambda f=f: [Times(f), *mlp()]} for f in (1.0, 2.0)],
        "own layers that say nothing": [
            {"layers": lambda f=f: [SecretlyTimes(f), *mlp()]} for f in (1.0, 2.0)
        ],
        "own seeds": [{"layers": lambda s=s: [FixedNoise(s), *mlp()]} for s in (1, 2)],
        "own losses": [{"loss": ScaledError(scale)} for scale in (1.0, 2.0)],
        "own metrics": [{"metrics": [Scaled(scale)]} for scale in (1.0, 2.0)],
        "functions of Lambda layers": [
            {"layers": lambda f=f: [layers.Lambda(f), *mlp()]}
            for f in (double, keras.ops.relu)
        ],
        "arguments of Lambda layers": [
            {"layers": lambda t=t: [layers.Lambda(softsine, arguments={"times": t})]}
            for t in (1.0, 2.0)
        ],
    }


@pytest.mark.parametrize("name", unlike())
def test_every_setting_makes_a_difference(name):
    keys = [key(**each) for each in unlike()[name]]

    assert None not in keys
    for i, one in enumerate(keys):
        assert all(one != other for other in keys[i + 1 :])


def test_freezing_a_part_makes_a_difference():
    models = [network() for _ in range(4)]
    models[1].layers[0].trainable = False
    models[2].layers[0].bias.trainable = False
    models[3].trainable = False

    keys = [program_key(model) for model in models]

    assert len({str(each) for each in keys}) == 4


def in_line(x):
    a = Dense(4, activation="relu", name="a")(x)
    return Dense(1)(Dense(4, activation="tanh", name="b")(a))


def side_by_side(x):
    a = Dense(4, activation="relu", name="a")(x)
    b = Dense(4, activation="tanh", name="b")(x)
    return Dense(1)(layers.Add()([a, b]))


def subtracted(x):
    a = Dense(4, activation="relu", name="a")(x)
    b = Dense(4, activation="tanh", name="b")(x)
    return Dense(1)(layers.Subtract()([a, b]))


def subtracted_the_other_way(x):
    a = Dense(4, activation="relu", name="a")(x)
    b = Dense(4, activation="tanh", name="b")(x)
    return Dense(1)(layers.Subtract()([b, a]))


def one_layer_twice(x):
    layer = Dense(4, name="a")
    return layer(layer(x))


def two_layers(x):
    return Dense(4, name="b")(Dense(4, name="a")(x))


def skipped(x):
    return Dense(4, name="b")(Dense(4, name="a")(x)) + x


def skipped_elsewhere(x):
    a = Dense(4, name="a")(x)
    return Dense(4, name="b")(a) + a


GRAPHS = [
    in_line,
    side_by_side,
    subtracted,
    subtracted_the_other_way,
    one_layer_twice,
    two_layers,
    skipped,
    skipped_elsewhere,
]


@pytest.mark.parametrize("graph", GRAPHS)
def test_topology_makes_a_difference(graph):
    keys = {other: graph_key(other) for other in GRAPHS}

    assert keys[graph] == graph_key(graph)
    assert [other for other in GRAPHS if keys[other] == keys[graph]] == [graph]


def times(number):
    def graph(x):
        return Dense(1)(x * number + 1)

    return graph


def operated(number):
    class Times(keras.Operation):
        def call(self, x):
            return x * number

        def compute_output_spec(self, x):
            return keras.KerasTensor(x.shape, x.dtype)

    return lambda x: Dense(1)(Times()(x))


def test_operations_between_layers_make_a_difference():
    assert graph_key(times(2)) == graph_key(times(2)) != graph_key(times(3))
    assert graph_key(operated(2)) is None


def test_partial_functions():
    def huber(delta):
        return functools.partial(keras.losses.huber, delta=delta)

    assert key(loss=huber(0.5)) == key(loss=huber(0.5)) != key(loss=huber(1.0))


@dataclass(frozen=True)
class Settings:
    """What a small network is made with."""

    sizes: tuple = (3,)
    activation: str = "relu"
    dropout: float = 0.0
    l2: float = 0.0
    normalized: bool = False
    frozen: bool = False
    optimizer: tuple = ("sgd", ())
    loss: str = "mse"
    metrics: tuple = ()

    def compiled(self, seed, learning_rate):
        def stack():
            hidden = []
            for size in self.sizes:
                l2 = regularizers.L2(self.l2) if self.l2 else None
                hidden.append(Dense(size, kernel_regularizer=l2))
                hidden[-1].trainable = not self.frozen
                if self.normalized:
                    hidden.append(layers.BatchNormalization())
                hidden.append(layers.Activation(self.activation))
                if self.dropout:
                    hidden.append(layers.Dropout(self.dropout))
            return [*hidden, Dense(1)]

        name, arguments = self.optimizer
        optimizer = type(optimizers.get(name))(learning_rate, **dict(arguments))
        return network(
            stack,
            (2,),
            seed,
            optimizer=optimizer,
            loss=self.loss,
            metrics=list(self.metrics),
        )


FIELDS = {
    "sizes": st.lists(st.sampled_from([3, 4]), max_size=2).map(tuple),
    "activation": st.sampled_from(["relu", "tanh", "linear"]),
    "dropout": st.sampled_from([0.0, 0.25, 0.5]),
    "l2": st.sampled_from([0.0, 0.01, 0.1]),
    "normalized": st.booleans(),
    "frozen": st.booleans(),
    "optimizer": st.sampled_from(
        [
            ("sgd", ()),
            ("sgd", (("momentum", 0.9),)),
            ("adam", ()),
            ("adam", (("beta_1", 0.8),)),
            ("adam", (("clipnorm", 1.0),)),
        ]
    ),
    "loss": st.sampled_from(["mse", "mae"]),
    "metrics": st.sampled_from([(), ("mae",), ("mae", "mse")]),
}
networks = st.builds(Settings, **FIELDS)


@settings(max_examples=12)
@given(networks, st.sampled_from(list(FIELDS)), st.data())
def test_keys_are_equal_where_settings_are(one, field, data):
    assume(one.sizes)
    other = replace(one, **{field: data.draw(FIELDS[field])})
    assume(other.sizes)
    rates = st.floats(0.001, 0.1)

    keys = [
        program_key(each.compiled(data.draw(st.integers(0, 9)), data.draw(rates)))
        for each in (one, other)
    ]

    assert None not in keys
    assert (keys[0] == keys[1]) == (one == other)


# What shares with nobody


def local_function(times):
    def function(x):
        return times * keras.ops.tanh(x)

    return function


def local_function_named_relu(times):
    def relu(x):
        return times * keras.ops.tanh(x)

    return relu


def local_loss(power):
    def loss(y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** power, axis=-1)

    return loss


def local_metric(scale):
    def metric(y_true, y_pred):
        return scale * keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)

    return metric


def local_regularizer(rate):
    class Penalty(regularizers.Regularizer):
        def __call__(self, x):
            return rate * keras.ops.sum(x**2)

    return Penalty()


def local_layer(times):
    class Layer(layers.Layer):
        def call(self, x):
            return times * x

    return Layer()


def local_loss_class(scale):
    class Loss(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return scale * keras.ops.mean((y_true - y_pred) ** 2, axis=-1)

    return Loss()


LOCAL = {
    "activation": lambda v: {"layers": hidden(activation=local_function(v))},
    "activation named relu": lambda v: {
        "layers": hidden(activation=local_function_named_relu(v))
    },
    "loss": lambda v: {"loss": local_loss(v)},
    "loss class": lambda v: {"loss": local_loss_class(v)},
    "metric": lambda v: {"metrics": [local_metric(v)]},
    "regularizer": lambda v: {
        "layers": hidden(kernel_regularizer=local_regularizer(v / 100))
    },
    "Lambda layer": lambda v: {
        "layers": lambda: [layers.Lambda(lambda x: v * x), *mlp()]
    },
    "layer": lambda v: {"layers": lambda: [local_layer(v), *mlp()]},
    "layer over a function": lambda v: {
        "layers": lambda: [Unconfigured(local_function(v)), *mlp()]
    },
}


def check_that_values_count(settings, values, samples):
    """Check that a network made with a value trains by it after one with another."""
    histories = []
    for value in values:
        model = network(**settings(value))
        training = train(model, *samples, plan=ONE_BATCH)
        assert training.path == "compiled"
        histories.append([*training.history.values(), *model.get_weights()])
    assert any(not np.allclose(*pair) for pair in zip(*histories, strict=True))
    twin = network(**settings(value))
    expected = train_step_by_step(twin, samples, ONE_BATCH)
    # Two metrics of one class have names of their own.
    for logged, other in zip(training.history.values(), expected.values(), strict=True):
        assert_allclose(logged, other, rtol=1e-4)
    assert_same_weights(model, twin, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LOCAL)
def test_local_objects_are_used_and_not_shared(name, cache, inputs, targets):
    samples = inputs["rows"], targets["number"]

    assert key(**LOCAL[name](2)) is None
    check_that_values_count(LOCAL[name], (2, 3), samples)
    assert cache.programs == []


def test_objects_of_main_are_not_shared(monkeypatch):
    def activation(x):
        return keras.ops.tanh(x)

    activation.__module__, activation.__qualname__ = "__main__", "activation"
    monkeypatch.setattr(
        sys.modules["__main__"], "activation", activation, raising=False
    )

    assert key(hidden(activation=activation)) is None


def test_function_that_its_name_does_not_lead_to_is_not_shared(monkeypatch):
    before = key(loss=cubic_loss)
    monkeypatch.setattr(sys.modules[cubic_loss.__module__], "cubic_loss", double)

    assert before is not None
    assert key(loss=cubic_loss) is None


# Importable, and yet not told by its configuration


def decayed(exceptions):
    optimizer = optimizers.AdamW(0.05, weight_decay=1.0)
    optimizer.exclude_from_weight_decay(var_names=exceptions)
    return optimizer


SECRETIVE = {
    "layer that says nothing": lambda v: {"layers": lambda: [SecretlyTimes(v), *mlp()]},
    "layer without configuration": lambda v: {
        "layers": lambda: [Unconfigured([double, softsine][v > 1]), *mlp()]
    },
    "layer with a seed": lambda v: {"layers": lambda: [FixedNoise(int(v)), *mlp()]},
    "model that says nothing": lambda v: {"layers": lambda: [SecretModel(v), *mlp()]},
    "activation named relu": lambda v: {
        "layers": hidden(activation=["relu", relu][v > 1])
    },
    "activation": lambda v: {"layers": hidden(activation=[double, softsine][v > 1])},
    "partial activation": lambda v: {
        "layers": hidden(activation=functools.partial(softsine, times=v))
    },
    "metric that says nothing": lambda v: {"metrics": [Scaled(v)]},
    "loss with a variable": lambda v: {"loss": AnnealedError(v)},
    "optimizer that says nothing": lambda v: {"optimizer": Halved(0.1, share=v / 4)},
    "exceptions from decay": lambda v: {
        "optimizer": decayed(["bias"] if v > 1 else ["kernel"])
    },
    "function as learning rate": lambda v: {
        "optimizer": optimizers.SGD(fixed_rate, weight_decay=v)
    },
}


@pytest.mark.parametrize("name", SECRETIVE)
def test_what_configurations_leave_out_counts(name, cache, inputs, targets):
    samples = inputs["rows"], targets["number"]

    check_that_values_count(SECRETIVE[name], (1.0, 2.0), samples)


def test_variable_of_a_loss_counts_while_training(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    histories = []

    for _ in range(2):
        loss = AnnealedError(1.0)
        annealing = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs, loss=loss: loss.scale.assign(0.0)
        )
        model = network(loss=loss)
        training = train(
            model, X, y, plan=plan({"epochs": 2}, seed=0), callbacks=[annealing]
        )
        histories.append(training.history["loss"])

    assert histories[0][0] > 0
    assert histories[0][1] == 0
    assert histories[0] == histories[1]


def test_compiling_again_counts(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    model, other = (network(loss=local_loss(2)) for _ in range(2))
    one_epoch = plan({"epochs": 1}, seed=0)

    train(model, X, y, plan=one_epoch)
    other.set_weights(model.get_weights())
    for each in (model, other):
        each.compile(optimizers.SGD(0.5), local_loss(3))
    training = train(model, X, y, plan=one_epoch)
    expected = train_by_keras(other, X, y, plan=one_epoch)

    assert training.history["loss"] == pytest.approx(expected.history["loss"])
    assert_same_weights(model, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loss", ["crossentropy", "mse"])
def test_kinds_of_targets_do_not_share(loss, cache, inputs, targets):
    X = inputs["rows"]
    classes = targets["kind"]
    if loss == "mse":
        # As wide as the outputs, which are compared with each class.
        classes = classes[:, np.newaxis]
    for y in (classes, targets["one-hot kind"], classes):
        model, twin = (
            network(
                lambda: [Dense(3, activation="softmax")],
                loss=loss,
                metrics=["accuracy"],
            )
            for _ in range(2)
        )
        training = train(model, X, y, plan=ONE_BATCH)
        expected = train_step_by_step(twin, (X, y), ONE_BATCH)

        assert_allclose(training.history["accuracy"], expected["accuracy"])
        assert_same_weights(model, twin, rtol=1e-4, atol=1e-5)
    assert len(cache.programs) == 2


def test_what_losses_clip_by_makes_a_difference():
    before = program_key(network())
    epsilon = keras.config.epsilon()
    keras.config.set_epsilon(1e-3)
    try:
        assert program_key(network()) != before
    finally:
        keras.config.set_epsilon(epsilon)
    assert program_key(network()) == before
