"""What is borrowed from other libraries does what it is borrowed for."""

import contextlib
import multiprocessing
import random
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from engine_models import Dense, assert_identical, network
from importable_objects import Times
from numpy.testing import assert_array_equal

from skhpo import _compat
from skhpo._compat import born_before, fresh_names, seeded_by, variable_clock
from skhpo._training import _data, _devices, plan, predict, train

layers = keras.layers


def drawn():
    """Return what new unseeded objects of Keras are seeded by."""
    return [
        keras.initializers.GlorotUniform().seed,
        layers.Dropout(0.5).seed_generator.state.numpy().tolist(),
        keras.initializers.HeNormal().seed,
    ]


# seeded_by


def test_seed_gives_the_seeds_of_what_is_made_within():
    with seeded_by(1):
        one = drawn()
    with seeded_by(1):
        again = drawn()
    with seeded_by(2):
        other = drawn()

    assert one == again != other
    assert one[0] != one[2]


def test_seeds_nest():
    with seeded_by(1):
        whole = [drawn(), drawn()]
    with seeded_by(2):
        inner = drawn()

    with seeded_by(1):
        before = drawn()
        with seeded_by(2):
            within = drawn()
        after = drawn()

    assert within == inner
    assert [before, after] == whole


def test_exception_leaves_the_outer_seed_in_place():
    with seeded_by(1):
        whole = [drawn(), drawn()]

    with seeded_by(1):
        before = drawn()
        with pytest.raises(ZeroDivisionError), seeded_by(2):
            1 / 0  # noqa: B018
        after = drawn()

    assert [before, after] == whole


def test_outside_python_random_counts_and_is_not_drawn_from_within():
    state = random.getstate()
    try:
        random.seed(7)
        expected = [drawn(), random.random()]
        random.seed(7)
        with seeded_by(1):
            drawn()
        assert [drawn(), random.random()] == expected
    finally:
        random.setstate(state)


def test_threads_have_seeds_of_their_own():
    def alone(seed):
        with seeded_by(seed):
            return [drawn() for _ in range(20)]

    expected = [alone(seed) for seed in range(3)]
    found = {}
    barrier = threading.Barrier(3)

    def work(seed):
        with seeded_by(seed):
            barrier.wait(timeout=30)
            found[seed] = [drawn() for _ in range(20)]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert [found[seed] for seed in range(3)] == expected


# fresh_names


def test_names_start_afresh_and_go_on_afterwards():
    first = Dense(1).name
    with fresh_names():
        assert [Dense(1).name, Dense(1).name] == ["dense", "dense_1"]
        with fresh_names():
            assert Dense(1).name == "dense"
        assert Dense(1).name == "dense_2"
    number = int(first.partition("_")[2] or 0)
    assert Dense(1).name == f"dense_{number + 1}"


def test_exception_brings_names_back():
    number = int(Dense(1).name.partition("_")[2] or 0)
    with pytest.raises(ZeroDivisionError), fresh_names():
        1 / 0  # noqa: B018
    assert Dense(1).name == f"dense_{number + 1}"


# Births of variables


def test_variables_are_dated():
    old = Dense(2)
    old.build((None, 3))
    before = keras.Variable(np.ones(2))
    clock = variable_clock()
    after = keras.Variable(np.ones(2))
    new = Dense(2)
    new.build((None, 3))

    assert variable_clock() > clock
    assert all(born_before(v, clock) for v in (before, *old.variables))
    assert not any(born_before(v, clock) for v in (after, *new.variables))


def test_forgetting_kernels_harms_nothing(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    model, other = network(), network()
    for each, forget in ((model, _compat.forget_kernels), (other, lambda: None)):
        train(each, X, y, plan=plan({"epochs": 1}, seed=0))
        forget()
        train(each, X, y, plan=plan({"epochs": 2, "initial_epoch": 1}, seed=0))

    assert_identical(model, other)


# Archives


def test_model_comes_back_from_bytes(inputs, targets):
    X, y = inputs["rows"], targets["number"]
    model = network(
        lambda: [Dense(4), layers.BatchNormalization(), Dense(1)],
        optimizer="adam",
        metrics=["mae"],
    )
    train(model, X, y, plan=plan({"epochs": 2}, seed=0))

    archive = _compat.model_to_bytes(model)
    copy = _compat.model_from_bytes(archive)

    assert isinstance(archive, bytes)
    assert_identical(copy, model)
    assert_array_equal(predict(copy, X), predict(model, X))
    for each in (model, copy):
        train(each, X, y, plan=plan({"epochs": 3, "initial_epoch": 2}, seed=0))
    assert_identical(copy, model)


def test_archive_is_not_allowed_to_run_code():
    model = network(lambda: [layers.Lambda(lambda x: x), Dense(1)])

    archive = _compat.model_to_bytes(model)

    with pytest.raises(ValueError, match="lambda"):
        _compat.model_from_bytes(archive)


# What a model was compiled with


def test_compile_arguments_are_the_objects_themselves():
    loss, metric = keras.losses.Huber(), keras.metrics.AUC()
    model = network(loss=loss, metrics=[metric, "mae"], loss_weights=[2.0])

    arguments = _compat.compile_arguments(model)

    assert arguments["loss"] is loss
    assert arguments["metrics"][0] is metric
    assert arguments["metrics"][1] == "mae"
    assert arguments["loss_weights"] == [2.0]
    assert arguments["weighted_metrics"] is None
    assert _compat.compile_arguments(network(loss=None))["loss"] is None


def test_all_layers_are_found_however_deep():
    inner = keras.Sequential([keras.Input((4, 6)), Times(), Dense(2)])
    model = network(lambda: [inner, layers.TimeDistributed(Dense(3))], (4, 6))

    found = _compat.all_layers(model)

    assert found[0] is model
    assert sum(isinstance(layer, Dense) for layer in found) == 2
    assert sum(isinstance(layer, Times) for layer in found) == 1


def test_learning_rates():
    optimizer = keras.optimizers.SGD(0.1)
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)

    _compat.set_learning_rate(optimizer, 0.5)

    assert float(optimizer.learning_rate) == 0.5
    assert _compat.has_own_learning_rate(optimizer)
    assert not _compat.has_own_learning_rate(keras.optimizers.SGD(schedule))
    assert not _compat.has_own_learning_rate(keras.optimizers.SGD(lambda: 0.1))


def test_scikeras_leaves_keras_as_it_was():
    classes = (
        keras.Model,
        keras.losses.Loss,
        keras.metrics.Metric,
        keras.optimizers.Optimizer,
    )

    wrappers = _compat.scikeras_wrappers()

    assert wrappers.KerasClassifier.__module__ == "scikeras.wrappers"
    for cls in classes:
        for name in ("__reduce__", "__deepcopy__"):
            method = vars(cls).get(name)
            assert getattr(method, "__module__", "keras").startswith("keras")


# Workers


@pytest.mark.parametrize(
    ("process", "share", "threads"),
    [
        ("MainProcess", "3", None),
        ("LokyProcess-1", "3", 3),
        ("LokyProcess-12", "1", 1),
        ("LokyProcess-1", "", None),
        ("LokyProcess-1", "many", None),
        ("LokyProcess-1", "0", None),
        ("ForkProcess-1", "3", None),
    ],
)
def test_share_of_a_worker(process, share, threads, monkeypatch):
    monkeypatch.setattr(multiprocessing.current_process(), "name", process)
    monkeypatch.setenv("OMP_NUM_THREADS", share)

    assert _compat.threads_of_worker() == threads


def test_worker_without_a_share(monkeypatch):
    monkeypatch.setattr(multiprocessing.current_process(), "name", "LokyProcess-1")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    assert _compat.threads_of_worker() is None


class Settings:
    """Stands for the settings of TensorFlow, which can be made only once."""

    def __init__(self, monkeypatch, gpus=(), refuses=False):
        self.made = {}
        self.refuses = refuses
        for name in ("intra_op", "inter_op"):
            monkeypatch.setattr(
                tf.config.threading,
                f"set_{name}_parallelism_threads",
                lambda value, name=name: self.make(name, value),
            )
        monkeypatch.setattr(
            tf.config.experimental,
            "set_memory_growth",
            lambda device, grows: self.make(device, grows),
        )
        monkeypatch.setattr(
            tf.config, "list_physical_devices", lambda kind=None: list(gpus)
        )
        monkeypatch.setattr(
            _devices.gc, "freeze", lambda: self.made.setdefault("gc", "frozen")
        )

    def make(self, name, value):
        if self.refuses:
            raise RuntimeError("TensorFlow has begun")
        self.made[name] = value


def test_worker_takes_no_more_than_its_share(monkeypatch):
    monkeypatch.setattr(_devices, "threads_of_worker", lambda: 3)
    settings = Settings(monkeypatch, gpus=["GPU:0", "GPU:1"])

    _devices.settle_into_worker()

    threads = {"intra_op": 3, "inter_op": 3}
    assert settings.made == {
        **threads,
        "GPU:0": True,
        "GPU:1": True,
        "gc": "frozen",
    }


def test_nothing_is_set_outside_of_workers(monkeypatch):
    settings = Settings(monkeypatch, gpus=["GPU:0"])

    _devices.settle_into_worker()

    assert settings.made == {}


def test_worker_that_has_begun_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(_devices, "threads_of_worker", lambda: 3)
    settings = Settings(monkeypatch, refuses=True)

    _devices.settle_into_worker()

    assert settings.made == {"gc": "frozen"}


# Devices


@pytest.mark.parametrize(
    ("n_bytes", "gpus", "on_host"),
    [
        (10, [], False),
        (10, ["GPU:0"], False),
        (_devices.LARGEST_ON_DEVICE, ["GPU:0"], False),
        (_devices.LARGEST_ON_DEVICE + 1, ["GPU:0"], True),
        (_devices.LARGEST_ON_DEVICE + 1, [], False),
    ],
)
def test_large_data_stay_on_the_host(n_bytes, gpus, on_host, monkeypatch):
    asked = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: gpus)
    real = tf.device
    monkeypatch.setattr(tf, "device", lambda name: asked.append(name) or real(name))

    with _devices.device_for(n_bytes):
        assert tf.constant(1.0).device.endswith("CPU:0")

    assert asked == (["CPU:0"] if on_host else [])


def test_targets_and_weights_count_for_the_size_of_data(monkeypatch):
    sizes = []
    monkeypatch.setattr(
        _data, "device_for", lambda n: sizes.append(n) or contextlib.nullcontext()
    )
    x, y = np.zeros((4, 2), "float32"), np.zeros((4, 5), "float32")

    _data.to_data(x, y)
    _data.to_data(x, y, np.ones(4))

    assert sizes == [32 + 80, 32 + 80 + 16]
