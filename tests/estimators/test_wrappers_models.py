"""What may be given as a model, and what is left of it after a fit."""

import functools

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from wrapper_models import (
    SPARSE,
    build_classifier,
    classifier,
    weights_of,
)

from skhpo.estimators import KerasClassifier
from skhpo.estimators._outside import layers_within_reach


def assert_same(first, second):
    for mine, other in zip(first, second, strict=True):
        assert_array_equal(mine, other)


def softmax_model(*layers):
    """Return a model of four features and three classes with these layers in it."""
    output = keras.layers.Dense(3, activation="softmax")
    return keras.Sequential([keras.Input((4,)), *layers, output])


# Transfer learning


@pytest.fixture
def backbone():
    layers = [
        keras.Input((4,)),
        keras.layers.Dense(6, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.2),
    ]
    return keras.Sequential(layers, name="backbone")


@pytest.mark.parametrize(
    ("trainable", "compiled"),
    [(False, False), (True, True)],
    ids=["frozen", "trained, compiled"],
)
def test_a_building_function_may_reuse_a_backbone(iris, backbone, trainable, compiled):
    backbone.trainable = trainable
    before = backbone.get_weights()

    def build(compile_kwargs):
        inputs = keras.Input((4,))
        hidden = backbone(inputs, training=None if trainable else False)
        outputs = keras.layers.Dense(3, activation="softmax")(hidden)
        model = keras.Model(inputs, outputs)
        if compiled:
            model.compile(**compile_kwargs)
        return model

    first = classifier(build, epochs=4, optimizer__learning_rate=0.05).fit(*iris)
    assert first.training_path_ == "compiled"
    assert first.history_["loss"][-1] < first.history_["loss"][0]
    assert float(first.model_.optimizer.learning_rate) == pytest.approx(0.05)
    # What was made outside is as it was, whoever froze it.
    assert backbone.trainable is trainable
    assert_same(backbone.get_weights(), before)
    copied = first.model_.get_layer("backbone")
    assert copied is not backbone
    if not trainable:
        assert not copied.trainable_variables
        assert_same(copied.get_weights(), before)
        assert len(first.model_.trainable_variables) == 2
    # The next fit begins where the first began.
    second = clone(first).fit(*iris)
    assert second.history_ == first.history_
    assert_same(weights_of(second), weights_of(first))


def test_a_backbone_in_a_model_that_is_not_built(iris, backbone):
    backbone.trainable = False
    head = keras.layers.Dense(3, activation="softmax")

    def build():
        return keras.Sequential([keras.layers.Rescaling(2.0), backbone, head])

    first = classifier(build).fit(*iris)
    assert_same(first.model_.layers[1].get_weights(), backbone.get_weights())
    assert first.training_path_ == "keras"
    assert not head.built
    assert classifier(build).fit(*iris).history_ == first.history_


EMBEDDING = keras.layers.Dense(5, activation="tanh")
EMBEDDINGS = {"of the module": [EMBEDDING]}


def build_with_a_layer_of_the_module():
    return softmax_model(EMBEDDING)


def build_with_a_layer_in_a_table():
    return softmax_model(*EMBEDDINGS["of the module"])


def build_with_a_layer_in_a_comprehension():
    return softmax_model(*[EMBEDDING for _ in range(1)])


def build_by_another_function():
    return build_with_a_layer_of_the_module()


def build_with_a_default(layer=keras.layers.Dense(5)):  # noqa: B008
    return softmax_model(layer)


def build_with_keywords(*, layer=keras.layers.Dense(5)):  # noqa: B008
    return softmax_model(layer)


def build_with_a_parameter(layer):
    return softmax_model(layer)


class Network(KerasClassifier):
    """Builds with a layer that it has as a parameter."""

    def _keras_build_fn(self, layer):
        return softmax_model(layer)


def build_in_a_closure():
    layer = keras.layers.Dense(5)
    return lambda: softmax_model(layer)


OUTSIDE = {
    "global": classifier(build_with_a_layer_of_the_module),
    "in a dictionary": classifier(build_with_a_layer_in_a_table),
    "in a comprehension": classifier(build_with_a_layer_in_a_comprehension),
    "of another function": classifier(build_by_another_function),
    "default": classifier(build_with_a_default),
    "default of a keyword": classifier(build_with_keywords),
    "of a closure": classifier(build_in_a_closure()),
    "parameter": classifier(build_with_a_parameter, model__layer=keras.layers.Dense(5)),
    "argument of a partial": classifier(
        functools.partial(build_with_a_parameter, layer=keras.layers.Dense(5))
    ),
    "of the estimator": Network(
        layer=keras.layers.Dense(5), loss=SPARSE, verbose=0, random_state=0
    ),
}


@pytest.mark.parametrize("estimator", OUTSIDE.values(), ids=OUTSIDE)
def test_layers_made_outside_are_not_trained_even_if_not_built(iris, estimator):
    # The same estimator twice: a clone would have a copy of its parameters.
    first = estimator.fit(*iris)
    history, weights = first.history_, weights_of(first)
    second = estimator.fit(*iris)
    assert second.history_ == history
    assert_same(weights_of(second), weights)


def test_what_is_within_reach_of_a_function():
    def empty():
        return undefined  # a cell that is empty yet

    assert layers_within_reach([empty, 3, None, len, keras, [0] * 10**6]) == []
    undefined = EMBEDDING
    assert layers_within_reach([empty]) == [undefined]
    loop = [EMBEDDING]
    loop.append(loop)
    assert layers_within_reach([loop, loop]) == [EMBEDDING]


# Models given


def double(x):
    return 2 * x


class Doubled(keras.layers.Layer):
    """A layer that is not registered with Keras."""

    def call(self, x):
        return 2 * x


def loss_of_ours(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)


GIVEN = {
    "plain": softmax_model,
    "with Keras's lambda": lambda: softmax_model(keras.layers.Lambda(lambda x: 2 * x)),
    "with a layer of ours": lambda: softmax_model(Doubled()),
    "with an activation of ours": lambda: softmax_model(
        keras.layers.Dense(4, activation=double)
    ),
}


@pytest.mark.parametrize(
    ("make", "loss"),
    [(softmax_model, None), (softmax_model, SPARSE)]
    + [(make, loss_of_ours) for make in GIVEN.values()],
    ids=["not compiled", "compiled", *GIVEN],
)
def test_a_model_given_is_not_trained(iris, make, loss):
    model = make()
    if loss is not None:
        model.compile("adam", loss)
        model.fit(*iris, verbose=0)
    weights = model.get_weights()
    state = [v.numpy() for v in model.optimizer.variables] if loss else []
    estimator = classifier(model, loss=SPARSE if loss is None else None)
    first = estimator.fit(*iris)
    assert first.model_ is not model
    assert_same(model.get_weights(), weights)
    assert model.compiled == (loss is not None)
    if loss is not None:
        assert_same([v.numpy() for v in model.optimizer.variables], state)
    assert first.history_ == classifier(model, loss=estimator.loss).fit(*iris).history_
    with pytest.raises(AssertionError):
        assert_same(weights_of(first), weights)


def test_a_model_that_keras_cannot_copy_is_an_error(iris):
    class NoConfig(keras.layers.Layer):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def get_config(self):
            raise NotImplementedError("no configuration")

        def call(self, x):
            return self.factor * x

    with pytest.raises(ValueError, match="Keras cannot copy these: no configuration"):
        classifier(softmax_model(NoConfig(2))).fit(*iris)
    # Built inside the function it need not be copied.
    assert classifier(lambda: softmax_model(NoConfig(2))).fit(*iris).current_epoch == 2


class Subclassed(keras.Model):
    """A model whose inputs and outputs Keras does not know beforehand."""

    def __init__(self):
        super().__init__()
        self.outer = keras.layers.Dense(3, activation="softmax")

    def call(self, x):
        return self.outer(x)

    def get_config(self):
        return {}


@pytest.mark.parametrize("given", [False, True], ids=["built", "given"])
def test_subclassed_models(iris, given):
    model = Subclassed() if given else lambda: Subclassed()
    estimator = classifier(model, epochs=15, optimizer__learning_rate=0.05)
    estimator.fit(*iris)
    assert estimator.training_path_ == "keras"
    assert estimator.training_path_reason_ == "the model is not built"
    estimator.partial_fit(*iris)
    assert estimator.training_path_ == "keras"
    assert "does not say what inputs" in estimator.training_path_reason_
    assert estimator.score(*iris) > 0.8
    assert estimator.predict_proba(iris[0][:1]).shape == (1, 3)
    if given:
        assert not model.built


def test_subclassed_models_in_cross_validation(iris):
    estimator = classifier(lambda: Subclassed(), **{"epochs": 10})
    estimator.set_params(optimizer__learning_rate=0.1)
    assert cross_val_score(estimator, *iris, cv=2, error_score="raise").min() > 0.7


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (lambda: None, TypeError, "model must be a keras.Model or a .* a NoneType"),
        (
            lambda: keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]),
            ValueError,
            r"model must end in one unit for each of the 3 classes, got 1; with",
        ),
    ],
    ids=["none", "one unit"],
)
def test_a_building_function_that_gives_no_fitting_model(iris, model, error, message):
    with pytest.raises(error, match=message):
        classifier(model).fit(*iris)


# The path of training


class OwnTrainStep(keras.Model):
    def train_step(self, data):
        return super().train_step(data)


def build_with_own_train_step():
    inputs = keras.Input((4,))
    return OwnTrainStep(inputs, keras.layers.Dense(3, activation="softmax")(inputs))


def build_compiled(**settings):
    model = softmax_model()
    model.compile("adam", SPARSE, **settings)
    return model


class HearsBatches(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


PATHS = {
    "plain": ({}, {}, None),
    "own step": ({"model": build_with_own_train_step}, {}, "a train_step of its own"),
    "eager": ({"run_eagerly": True}, {}, "run_eagerly=True"),
    "batches": ({"callbacks": HearsBatches}, {}, "HearsBatches is called for every"),
    "argument": ({}, {"steps_per_epoch": 2}, "only Model.fit takes steps_per_epoch"),
    "unbuilt": (
        {"model": lambda: keras.Sequential([keras.layers.Dense(3, "softmax")])},
        {},
        "the model is not built",
    ),
}


@pytest.mark.parametrize(("settings", "arguments", "reason"), PATHS.values(), ids=PATHS)
def test_the_path_of_training_is_told_with_its_reason(
    iris, settings, arguments, reason
):
    estimator = classifier(**{"model": softmax_model, "epochs": 1, **settings})
    estimator.fit(*iris, **arguments)
    if reason is None:
        assert estimator.training_path_ == "compiled"
        assert estimator.training_path_reason_ is None
    else:
        assert estimator.training_path_ == "keras"
        assert reason in estimator.training_path_reason_


def test_both_paths_agree(iris):
    model = softmax_model(keras.layers.Dense(8, activation="relu"))
    settings = {"epochs": 3, "metrics": ["accuracy"], "validation_split": 0.2}
    compiled = classifier(model, **settings).fit(*iris)
    by_keras = classifier(model, callbacks=HearsBatches, **settings).fit(*iris)
    assert (compiled.training_path_, by_keras.training_path_) == ("compiled", "keras")
    assert list(compiled.history_) == list(by_keras.history_)
    for name, values in by_keras.history_.items():
        np.testing.assert_allclose(compiled.history_[name], values, rtol=1e-4)
    for mine, other in zip(weights_of(compiled), weights_of(by_keras), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-6)


# Parameters that are objects


def test_objects_given_are_copied_for_each_fit(iris):
    optimizer = keras.optimizers.Adam(0.02)
    metric = keras.metrics.SparseCategoricalAccuracy(name="right")
    stopper = keras.callbacks.EarlyStopping(monitor="loss", patience=1, min_delta=9)
    loss = keras.losses.SparseCategoricalCrossentropy()
    estimator = classifier(
        optimizer=optimizer, metrics=[metric], callbacks=[stopper], loss=loss, epochs=5
    )
    first = estimator.fit(*iris)
    history = first.history_
    assert len(history["right"]) == 2
    assert not optimizer.built
    assert all(float(v.numpy()) == 0 for v in metric.variables)
    assert (stopper.wait, stopper.best, stopper.model) == (0, None, None)
    assert first.model_.optimizer is not optimizer
    # Neither the second fit of the estimator nor a clone starts where others ended.
    assert estimator.fit(*iris).history_ == history
    copy = clone(estimator)
    assert copy.optimizer is not optimizer
    assert copy.fit(*iris).history_ == history


def test_a_callback_that_cannot_be_copied_is_an_error(iris):
    class Held(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.generator = (i for i in range(3))

    with pytest.raises(TypeError, match="callbacks must be classes, or instances that"):
        classifier(callbacks=[Held()]).fit(*iris)
    assert classifier(callbacks=[Held]).fit(*iris).current_epoch == 2


def test_an_optimizers_state_does_not_pass_from_fit_to_fit(iris):
    estimator = classifier(build_classifier, optimizer="sgd", optimizer__momentum=0.9)
    first = estimator.fit(*iris).history_
    assert estimator.fit(*iris).history_ == first
    # But it does from partial_fit to partial_fit.
    on = classifier(build_classifier, optimizer="sgd", optimizer__momentum=0.9)
    for _ in range(2):
        on.partial_fit(*iris)
    assert on.history_ == first
