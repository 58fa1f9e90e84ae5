"""The cache: one trace for alike fits, and nothing of a fit in the next one."""

import gc
import threading

import keras
import numpy as np
import pytest
from engine_models import Dense, assert_identical, network
from numpy.testing import assert_array_equal
from tensorflow.python.framework.func_graph import FuncGraph

import skhpo
from skhpo._training import EarlyStopping, plan, predict, train
from skhpo._training._cache import ProgramCache

layers = keras.layers
optimizers = keras.optimizers


def fit(model, inputs, targets, *weights, rows=slice(None), **settings):
    """Train on some rows; settings beyond those of `train` are the plan's."""
    known = {
        name: settings.pop(name)
        for name in ("callbacks", "early_stopping", "validation_data")
        if name in settings
    }
    data = inputs["rows"], targets["number"], *weights
    return train(
        model,
        *(part[rows] for part in data),
        plan=plan({"epochs": 2, **settings}, seed=0),
        **known,
    )


# How often it is traced


def test_fits_of_one_architecture_share_their_traces(
    traces, inputs, targets, sample_weight
):
    validation = inputs["rows"][:7], targets["number"][:7]
    fit(network(optimizer="adam"), inputs, targets, validation_data=validation)
    assert traces() == 2  # One for training, one for validation.

    for seed, rate in enumerate([0.1, 0.01]):
        model = network(seed=seed, optimizer=optimizers.Adam(rate))
        fit(model, inputs, targets, validation_data=validation)
        fit(model, inputs, targets, rows=slice(10, 33), validation_data=validation)
    for batch_size in (1, 7, 1000):
        fit(network(optimizer="adam"), inputs, targets, batch_size=batch_size)
    assert traces() == 2

    predict(network(optimizer="adam"), inputs["rows"])
    predict(network(seed=1, optimizer="adam"), inputs["rows"][:3], 2)
    assert traces() == 3

    # With weights or with values of another type there is more to compute.
    for _ in range(2):
        fit(network(optimizer="adam"), inputs, targets, sample_weight)
    assert traces() == 4


def test_data_of_the_next_fit_are_not_those_of_the_last(cache, inputs, targets):
    expected = network()
    fit(expected, inputs, targets, rows=slice(20, 50))
    skhpo.clear_caches()
    fit(network(), inputs, targets, rows=slice(0, 20))
    model = network()
    fit(model, inputs, targets, rows=slice(20, 50))

    assert len(cache.programs) == 1
    assert_identical(model, expected)


# What is kept


def networks(n):
    """Return as many networks of different architectures."""
    return [network(lambda units=i: [Dense(units)]) for i in range(1, n + 1)]


def lend_and_return(cache, model):
    with cache.lend(model) as program:
        return program


def test_cache_is_bounded():
    cache = ProgramCache(max_size=3)
    programs = [lend_and_return(cache, model) for model in networks(5)]

    assert cache.programs == programs[2:]


def test_longest_unused_program_goes_first():
    cache = ProgramCache(max_size=3)
    models = networks(4)
    programs = [lend_and_return(cache, model) for model in models[:3]]
    assert lend_and_return(cache, models[0]) is programs[0]
    last = lend_and_return(cache, models[3])

    assert cache.programs == [programs[2], programs[0], last]


def test_size_of_the_cache(cache):
    assert skhpo.get_cache_size() == cache.max_size == 32
    for model in networks(3):
        lend_and_return(cache, model)
    skhpo.set_cache_size(1)
    try:
        assert skhpo.get_cache_size() == len(cache.programs) == 1
        lend_and_return(cache, network())
        assert len(cache.programs) == 1
        skhpo.set_cache_size(0)
        lend_and_return(cache, network())
        assert cache.programs == []
    finally:
        skhpo.set_cache_size(32)


@pytest.mark.parametrize("size", [-1, 1.5, "3", None, True])
def test_no_size_of_a_cache(size):
    with pytest.raises(ValueError, match="max_programs must be an integer of at least"):
        skhpo.set_cache_size(size)
    assert skhpo.get_cache_size() == 32


def test_lent_program_is_lent_to_nobody_else():
    cache = ProgramCache(max_size=3)
    with cache.lend(network()) as first, cache.lend(network()) as second:
        assert first is not second
        assert cache.programs == []
    assert cache.programs == [second, first]
    assert lend_and_return(cache, network()) is first


def test_clear_caches(traces, cache, inputs, targets):
    model = network()
    fit(model, inputs, targets)
    assert len(cache.programs) == 1

    skhpo.clear_caches()
    assert cache.programs == []

    fit(model, inputs, targets)
    assert traces() == 1


def test_program_that_is_lent_survives_clearing():
    cache = ProgramCache(max_size=3)
    with cache.lend(network()) as program:
        cache.clear()
    assert cache.programs == [program]


def test_program_of_a_model_of_its_own_goes_with_the_model(cache, inputs, targets):
    model = network(lambda: [layers.Lambda(lambda x: 2 * x), Dense(1)])

    with cache.lend(model) as program:
        assert program.model is model
    with cache.lend(model) as again:
        assert again is program
    assert cache.programs == []


# After an exception


class FailureError(Exception):
    pass


class FailsIn(keras.callbacks.Callback):
    def __init__(self, event):
        super().__init__()
        setattr(self, event, self.fail)

    def fail(self, *_args, **_kwargs):
        raise FailureError


def test_program_comes_back_after_an_exception(cache, inputs, targets):
    validation = inputs["rows"][:7], targets["number"][:7]
    expected = network(optimizer="adam")
    fit(expected, inputs, targets, validation_data=validation)
    (program,) = cache.programs

    for event in ("train_begin", "epoch_begin", "test_end", "epoch_end", "train_end"):
        with pytest.raises(FailureError):
            fit(
                network(seed=9, optimizer="adam"),
                inputs,
                targets,
                validation_data=validation,
                callbacks=[FailsIn(f"on_{event}")],
            )
        model = network(optimizer="adam")
        fit(model, inputs, targets, validation_data=validation)

        assert cache.programs == [program], event
        assert_identical(model, expected)


def test_model_keeps_what_was_trained_before_an_exception(cache, inputs, targets):
    model, expected = network(), network()
    fit(expected, inputs, targets, epochs=1)

    with pytest.raises(FailureError):
        fit(model, inputs, targets, callbacks=[FailsIn("on_epoch_end")])

    assert_identical(model, expected)


def test_data_that_do_not_fit_leave_no_harm(cache, inputs, targets):
    expected = network()
    fit(expected, inputs, targets)

    with pytest.raises(ValueError, match="incompatible"):
        train(
            network(),
            inputs["rows"][:, :4],
            targets["number"],
            plan=plan({"epochs": 1}, seed=0),
        )
    with pytest.raises(ValueError, match="monitor must name a value"):
        fit(network(), inputs, targets, early_stopping=EarlyStopping("val_loss"))
    model = network()
    fit(model, inputs, targets)

    assert_identical(model, expected)


# Nothing leaks


def normalized():
    return [Dense(5), layers.BatchNormalization(momentum=0.5), Dense(1)]


def dropped():
    return [Dense(9), layers.Dropout(0.5), layers.GaussianNoise(0.3), Dense(1)]


class Anneal(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 1e-5


LEAKS = {
    "slots of adagrad": ({}, lambda: {"optimizer": optimizers.Adagrad(0.1)}, []),
    "velocities": (
        {},
        lambda: {"optimizer": optimizers.SGD(0.1, momentum=0.9)},
        [],
    ),
    "averages": (
        {},
        lambda: {"optimizer": optimizers.SGD(0.1, use_ema=True, clipnorm=1.0)},
        [],
    ),
    "statistics of batches": ({"layers": normalized}, dict, []),
    "seeds of dropout": ({"layers": dropped}, dict, []),
    "learning rate": (
        {},
        lambda: {"optimizer": optimizers.SGD(0.1)},
        [
            keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=1e6),
            Anneal(),
        ],
    ),
    "schedule": (
        {},
        lambda: {
            "optimizer": optimizers.SGD(
                optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
            )
        },
        [],
    ),
    "metrics": ({}, lambda: {"metrics": ["mae"], "weighted_metrics": ["mse"]}, []),
}


@pytest.mark.parametrize("name", LEAKS)
def test_nothing_of_a_fit_is_left_for_the_next(name, cache, inputs, targets):
    architecture, compiling, callbacks = LEAKS[name]

    def fitted(seed, rows, callbacks=()):
        model = network(**architecture, seed=seed, **compiling())
        training = fit(
            model,
            inputs,
            targets,
            rows=rows,
            callbacks=callbacks,
        )
        return model, training

    expected, expected_training = fitted(3, slice(50))
    fitted(8, slice(30), callbacks)
    model, training = fitted(3, slice(50))

    assert len(cache.programs) == 1
    assert training == expected_training
    assert_identical(model, expected)


def test_next_fit_begins_where_its_own_model_stands(cache, inputs, targets):
    model, other = (network(optimizer=optimizers.Adam(0.1)) for _ in range(2))
    fit(model, inputs, targets)
    fit(other, inputs, targets)
    fit(network(seed=4, optimizer=optimizers.Adam(0.1)), inputs, targets)
    # One goes on with the state of its optimizer, the other by itself.
    fit(model, inputs, targets)
    skhpo.clear_caches()
    fit(other, inputs, targets)

    assert int(model.optimizer.iterations) == 8
    assert_identical(model, other)


# In threads


class Meets(keras.callbacks.Callback):
    """Waits at the end of each epoch for the fit in the other thread."""

    def __init__(self, barrier):
        super().__init__()
        self.barrier = barrier

    def on_epoch_end(self, epoch, logs=None):
        self.barrier.wait(timeout=60)


def test_fits_at_once_use_programs_of_their_own(cache, inputs, targets):
    def make(seed):
        return network(dropped, seed=seed, optimizer="adam")

    expected = [make(seed) for seed in (1, 2)]
    for model in expected:
        fit(model, inputs, targets, epochs=4)
    assert len(cache.programs) == 1

    models = [make(seed) for seed in (1, 2)]
    barrier = threading.Barrier(2)
    threads = [
        threading.Thread(
            target=fit,
            args=(model, inputs, targets),
            kwargs={"epochs": 4, "callbacks": [Meets(barrier)]},
        )
        for model in models
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    assert not barrier.broken
    assert len(cache.programs) == 2
    for model, other in zip(models, expected, strict=True):
        assert_identical(model, other)


def test_predictions_at_once(cache, inputs):
    models = [network(seed=seed) for seed in range(4)]
    expected = [predict(model, inputs["rows"]) for model in models]
    found = [[] for _ in models]

    def work(i):
        found[i] = [predict(models[i], inputs["rows"], 7) for _ in range(10)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    for outputs, values in zip(expected, found, strict=True):
        assert len(values) == 10
        assert_array_equal(values, np.broadcast_to(outputs, (10, *outputs.shape)))


def test_forgotten_programs_leave_no_graphs_behind(inputs, targets):
    def graphs():
        skhpo.clear_caches()
        gc.collect()
        return sum(issubclass(type(thing), FuncGraph) for thing in gc.get_objects())

    before = graphs()
    for optimizer in ("adam", "sgd", "adamw", "rmsprop"):
        model = network(lambda: [Dense(7)], optimizer=optimizer, loss="mse")
        fit(model, inputs, targets)
        predict(model, inputs["rows"])
    assert graphs() == before


@pytest.mark.parametrize("name", ["one", "another"])
def test_values_are_recorded_by_the_name_of_their_own_metric(name, inputs, targets):
    # Not by that of an alike metric in a fit before.
    metric = keras.metrics.MeanAbsoluteError(name=name)
    training = fit(network(metrics=[metric]), inputs, targets)
    assert set(training.history) == {"loss", name}


def test_sizes_of_batches_may_be_of_numpy(inputs, targets):
    model, expected = network(), network()
    fit(model, inputs, targets, batch_size=np.int64(8))
    fit(expected, inputs, targets, batch_size=8)
    assert_identical(model, expected)
