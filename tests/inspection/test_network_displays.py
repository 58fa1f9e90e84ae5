"""Displays of fitted networks: learning curves, filters and predictions."""

import itertools

import keras
import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from skhpo import KerasClassifier, KerasCNN, KerasMLP, KerasUNet
from skhpo.inspection import (
    FilterDisplay,
    LearningCurveDisplay,
    PredictionGridDisplay,
)

X, Y = load_digits(return_X_y=True)
X, Y = X[:120] / 16, Y[:120]


@pytest.fixture(scope="module")
def mlp():
    return KerasMLP(
        (8,), epochs=4, early_stopping=True, n_iter_no_change=9, random_state=0
    ).fit(X, Y)


@pytest.fixture(scope="module")
def cnn():
    return KerasCNN((4,), epochs=1, batch_size=40, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def unet():
    random = np.random.RandomState(0)
    images = random.uniform(size=(4, 8, 8, 1)).astype(np.float32)
    masks = (images[..., 0] > 0.5).astype(int) + (images[..., 0] > 0.8)
    unet = KerasUNet(start_neurons=2, net_depth=1, epochs=1, random_state=0)
    return unet.fit(images, masks), images, masks


# Learning curves


def test_a_line_for_training_and_one_for_validation(mlp):
    display = LearningCurveDisplay.from_estimator(mlp)
    display.figure_.canvas.draw()
    assert [ax.get_ylabel() for ax in display.axes_] == ["loss", "accuracy"]
    lines = display.lines_["KerasMLP"]
    assert set(lines) == set(mlp.history_)
    for key, line in lines.items():
        assert line.get_xdata().tolist() == [1, 2, 3, 4]
        np.testing.assert_array_equal(line.get_ydata(), mlp.history_[key])
        assert line.get_linestyle() == ("-" if key.startswith("val_") else "--")
        panel = display.axes_[int(key.endswith("accuracy"))]
        assert line.axes is panel
    best = mlp.best_epoch_
    loss, accuracy = display.points_["KerasMLP"]
    assert loss.get_data() == ([best + 1], [mlp.history_["val_loss"][best]])
    assert accuracy.get_ydata() == [mlp.history_["val_accuracy"][best]]
    legend = [text.get_text() for text in display.axes_[0].get_legend().get_texts()]
    assert legend == ["training", "validation", "best epoch"]


def test_several_networks(mlp, cnn):
    display = LearningCurveDisplay.from_estimator({"dense": mlp, "images": cnn})
    legend = [text.get_text() for text in display.axes_[0].get_legend().get_texts()]
    assert legend == ["dense", "images", "training", "validation", "best epoch"]
    colors = {lines["loss"].get_color() for lines in display.lines_.values()}
    assert colors == {"C0", "C1"}
    # It had no validation data, and one epoch, which is a point.
    assert set(display.lines_["images"]) == {"loss", "accuracy"}
    assert display.lines_["images"]["loss"].get_marker() == "."
    numbered = LearningCurveDisplay.from_estimator([mlp, mlp])
    assert list(numbered.lines_) == ["KerasMLP", "KerasMLP (2)"]


def test_networks_inside_others():
    pipeline = make_pipeline(StandardScaler(), KerasMLP((4,), random_state=0))
    grid = {"kerasmlp__epochs": [1, 2]}
    search = GridSearchCV(pipeline, grid, cv=2, refit=True).fit(X, Y)
    display = LearningCurveDisplay.from_estimator(search, "loss")
    network = search.best_estimator_[-1]
    assert display.histories == {"GridSearchCV": network.history_}
    assert len(display.axes_) == 1


def test_a_wrapper_has_no_best_epoch():
    def build():
        return keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])

    wrapper = KerasClassifier(
        build,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        epochs=2,
        random_state=0,
    ).fit(X, Y)
    display = LearningCurveDisplay.from_estimator(wrapper)
    assert display.points_ == {"KerasClassifier": []}
    legend = [text.get_text() for text in display.axes_[0].get_legend().get_texts()]
    assert legend == ["training"]


def test_a_diverged_network_shows_how_it_did():
    mlp = KerasMLP((4,), optimizer="sgd", learning_rate=1e30, random_state=0)
    with pytest.raises(ValueError, match="Training must lead to a finite loss"):
        mlp.fit(X, Y)
    display = LearningCurveDisplay.from_estimator(mlp, "loss")
    assert not np.isfinite(display.lines_["KerasMLP"]["loss"].get_ydata()).all()
    display.figure_.canvas.draw()


def test_axes_of_others(mlp):
    _, axes = plt.subplots(2)
    display = LearningCurveDisplay.from_estimator(
        mlp, ax=axes, line_kw={"linewidth": 3}
    )
    assert display.axes_.tolist() == axes.tolist()
    assert display.lines_["KerasMLP"]["loss"].get_linewidth() == 3
    assert display.plot() is display
    with pytest.raises(ValueError, match=r"each of the 2 panels, got 1. .* metrics"):
        LearningCurveDisplay.from_estimator(mlp, ax=axes[0])


@pytest.mark.parametrize("metrics", ["f1", ["loss", "f1"], []])
def test_metrics_must_be_recorded(mlp, metrics):
    with pytest.raises(ValueError, match=r"recorded, \['loss', 'accuracy'\], got \["):
        LearningCurveDisplay.from_estimator(mlp, metrics)


@pytest.mark.parametrize(
    ("display", "attribute"),
    [(LearningCurveDisplay, "history_"), (FilterDisplay, "model_")],
)
def test_what_is_no_fitted_network(display, attribute):
    with pytest.raises(NotFittedError, match="KerasMLP instance is not fitted"):
        display.from_estimator(make_pipeline(StandardScaler(), KerasMLP()))
    with pytest.raises(TypeError, match=rf"network, with {attribute}, .* got SVC"):
        display.from_estimator(SVC().fit(X, Y))
    with pytest.raises(TypeError, match="got int"):
        display.from_estimator(3)


def test_no_network_at_all():
    with pytest.raises(ValueError, match=r"estimator must be at least one, got \{\}"):
        LearningCurveDisplay.from_estimator({})


# Filters


def picture(ax):
    (image,) = ax.images
    return image.get_array()


def test_filters_are_tiles(cnn):
    display = FilterDisplay.from_estimator(cnn)
    display.figure_.canvas.draw()
    kernels = np.asarray(cnn.model_.layers[0].kernel)
    np.testing.assert_array_equal(display.filters, kernels)
    mosaic = picture(display.axes_[0])
    # Two rows of two tiles of 3 x 3, with gaps of one.
    assert mosaic.shape == (7, 7)
    np.testing.assert_array_equal(mosaic[:3, 4:], kernels[:, :, 0, 1])
    np.testing.assert_array_equal(mosaic[4:, :3], kernels[:, :, 0, 2])
    assert mosaic.mask[3].all()
    assert mosaic.mask[:, 3].all()
    assert mosaic.mask.sum() == 13
    assert display.axes_[0].get_title() == "4 filters"
    low, high = display.axes_[0].images[0].get_clim()
    assert -low == high == np.abs(kernels).max()


def test_activations_of_images(cnn):
    pipeline = make_pipeline(FunctionTransformer(lambda X: X / 2), cnn)
    display = FilterDisplay.from_estimator(pipeline, X[:2])
    display.figure_.canvas.draw()
    images = X[:2].reshape(2, 8, 8, 1).astype(np.float32) / 2
    np.testing.assert_array_equal(display.images, images)
    layer = cnn.model_.layers[0]
    np.testing.assert_allclose(display.activations, layer(images), atol=1e-6)
    assert display.activations.min() == 0
    titles = [ax.get_title() for ax in display.axes_]
    expected = ["4 filters", "image 0", "activations", "image 1", "activations"]
    assert titles == expected
    np.testing.assert_array_equal(picture(display.axes_[3]), images[1, ..., 0])
    assert picture(display.axes_[4]).shape == (13, 13)


def model_of(*layers, channels=3):
    model = keras.Sequential([keras.Input((6, 6, channels)), *layers])
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(1))
    return model


class Holder:
    """What has a model, as every fitted network."""

    def __init__(self, model):
        self.model_ = model


def test_activations_are_those_behind_normalization_and_activation():
    convolution = keras.layers.Conv2D(2, 3)
    normalization, relu = keras.layers.BatchNormalization(), keras.layers.ReLU()
    model = model_of(convolution, normalization, relu, keras.layers.MaxPooling2D(2))
    images = np.random.RandomState(0).normal(size=(1, 6, 6, 3)).astype(np.float32)
    display = FilterDisplay.from_estimator(Holder(model), images)
    expected = relu(normalization(convolution(images)))
    np.testing.assert_allclose(display.activations, expected, atol=1e-6)


def test_a_network_that_takes_rows():
    wrapper = KerasClassifier(
        lambda: keras.Sequential(
            [
                keras.Input((64,)),
                keras.layers.Reshape((8, 8, 1)),
                keras.layers.Conv2D(2, 3, activation="relu"),
                keras.layers.Flatten(),
                keras.layers.Dense(10, activation="softmax"),
            ]
        ),
        loss="sparse_categorical_crossentropy",
        verbose=0,
        random_state=0,
    )
    # A Pipeline of one step.
    pipeline = make_pipeline(wrapper).fit(X, Y)
    display = FilterDisplay.from_estimator(pipeline, X[:1])
    assert display.images.shape == (1, 8, 8, 1)
    assert display.activations.shape == (1, 6, 6, 2)


def test_activations_of_a_branch():
    images = keras.Input((6, 6, 3))
    convolution = keras.layers.Conv2D(2, 3)(images)
    other = keras.layers.ReLU()(images)
    flat = [keras.layers.Flatten()(part) for part in (convolution, other)]
    outputs = keras.layers.Dense(1)(keras.layers.Concatenate()(flat))
    model = keras.Model(images, outputs)
    X = np.random.RandomState(0).normal(size=(1, 6, 6, 3)).astype(np.float32)
    display = FilterDisplay.from_estimator(Holder(model), X)
    # The rectifier is not behind the convolution, though it may be next in order.
    assert display.activations.min() < 0


def test_filters_of_colours():
    model = model_of(keras.layers.Conv2D(5, 3))
    display = FilterDisplay.from_estimator(Holder(model))
    colors = picture(display.axes_[0])
    # Three tiles in a row; the gaps and the sixth tile are clear.
    assert colors.shape == (7, 11, 4)
    assert colors[..., 3].sum() == 5 * 9
    kernel = np.asarray(model.layers[0].kernel)
    largest = np.unravel_index(np.abs(kernel).argmax(), kernel.shape)
    assert kernel[largest] != 0
    shown = colors[..., :3][colors[..., 3] == 1]
    assert max(shown.max() - 0.5, 0.5 - shown.min()) == pytest.approx(0.5)


def test_filters_of_many_channels_are_means():
    model = model_of(
        keras.layers.Conv2D(5, 3), keras.layers.Conv2D(1, 2, name="second")
    )
    display = FilterDisplay.from_estimator(Holder(model), layer="second")
    kernel = np.asarray(model.layers[1].kernel)
    expected = kernel[..., 0].mean(axis=-1)
    np.testing.assert_allclose(picture(display.axes_[0]), expected, atol=1e-6)
    assert display.axes_[0].get_title() == "1 filters, mean over 5 channels"
    again = FilterDisplay.from_estimator(Holder(model), layer=np.int64(-1))
    np.testing.assert_array_equal(again.filters, kernel)


def test_filters_of_a_unet(unet):
    network, images, _ = unet
    display = FilterDisplay.from_estimator(network, images[:1], im_kw={"cmap": "gray"})
    assert display.activations.shape == (1, 8, 8, 2)
    assert [ax.get_title() for ax in display.axes_[1:]] == ["image", "activations"]
    display.figure_.canvas.draw()


@pytest.mark.parametrize("layer", [1, "dense", None])
def test_no_such_layer(cnn, layer):
    with pytest.raises(ValueError, match=r"layer must be .*\['conv2d.*got"):
        FilterDisplay.from_estimator(cnn, layer=layer)


def test_no_convolution(mlp):
    with pytest.raises(ValueError, match=r"of which the network has \[\], got 0"):
        FilterDisplay.from_estimator(mlp)


# Predictions


def titles(display):
    return [ax.get_title() for ax in display.axes_]


def test_wrong_labels_are_red():
    images, y_true, y_pred = X[:3].reshape(-1, 8, 8), [1, 2, 3], [1, 7, 3]
    display = PredictionGridDisplay.from_predictions(images, y_true, y_pred)
    display.figure_.canvas.draw()
    assert titles(display) == ["1", "7\ntrue: 2", "3"]
    colors = [ax.title.get_color() for ax in display.axes_]
    assert colors == ["black", "tab:red", "black"]
    np.testing.assert_array_equal(picture(display.axes_[1]), images[1])


def test_only_wrong_labels():
    display = PredictionGridDisplay.from_predictions(
        X[:4],
        ["b", "a", "b", "a"],
        ["a", "a", "a", "b"],
        n_images=2,
        only_wrong=True,
        probabilities=[0.9, 0.8, 0.7, 0.6],
        display_labels=["first", "second"],
    )
    assert titles(display) == [
        "first (90%)\ntrue: second",
        "first (70%)\ntrue: second",
    ]


def test_long_names_do_not_run_into_each_other():
    names = ["shirt or top with long sleeves", "donaudampfschifffahrtskapitän"]
    display = PredictionGridDisplay.from_predictions(
        X[:9], [0, 1] * 4 + [0], [1, 0] * 4 + [1], display_labels=names
    )
    display.figure_.canvas.draw()
    boxes = [ax.title.get_window_extent() for ax in display.axes_]
    boxes += [ax.get_window_extent() for ax in display.axes_]
    for a, b in itertools.combinations(boxes, 2):
        assert not a.overlaps(b)


def test_probabilities_are_of_what_was_predicted():
    X, y = load_digits(n_class=2, return_X_y=True)
    regression = LogisticRegression(C=1e-4)
    careful = FixedThresholdClassifier(
        regression, threshold=0.9, response_method="predict_proba"
    ).fit(X, y)
    display = PredictionGridDisplay.from_estimator(careful, X)
    zeros = careful.predict_proba(X[:16])[:, 0]
    labels = careful.predict(X[:16])
    shares = np.where(labels == 0, zeros, 1 - zeros)
    assert (shares < 0.5).any()
    np.testing.assert_allclose(display.probabilities, shares)


def test_several_labels_of_an_image():
    X, y = load_digits(return_X_y=True)
    tree = DecisionTreeClassifier().fit(X, np.column_stack([y, y % 2]))
    display = PredictionGridDisplay.from_estimator(tree, X, n_images=2)
    assert titles(display) == ["0, 0", "1, 1"]


def test_shares_of_one_class_are_refused():
    images, masks = np.zeros((2, 4, 4)), np.zeros((2, 4, 4), dtype=int)
    with pytest.raises(ValueError, match=r"at least 2, got .* Leave that axis out"):
        PredictionGridDisplay.from_predictions(images, masks[..., None], masks)


def test_predictions_of_a_pipeline(cnn):
    pipeline = make_pipeline(FunctionTransformer(), cnn)
    display = PredictionGridDisplay.from_estimator(pipeline, X)
    display.figure_.canvas.draw()
    assert len(display.axes_) == 16
    assert display.images.shape == (16, 8, 8, 1)
    probabilities = cnn.predict_proba(X[:16])
    labels = probabilities.argmax(axis=1)
    likely = probabilities.max(axis=1)
    expected = [f"{a} ({b:.0%})" for a, b in zip(labels, likely, strict=True)]
    assert titles(display) == expected


def test_rows_are_images_of_the_network():
    images = np.random.RandomState(0).uniform(size=(30, 4, 6, 3))
    cnn = KerasCNN((2,), image_shape=(4, 6, 3), epochs=1, random_state=0)
    cnn.fit(images.reshape(30, -1), Y[:30])
    display = PredictionGridDisplay.from_estimator(
        cnn, images.reshape(30, -1), Y[:30], n_images=2
    )
    np.testing.assert_array_equal(display.images, images[:2])
    shown = picture(display.axes_[0])
    assert (shown.min(), shown.max()) == (0, 1)


def test_any_estimator_of_scikit_learn():
    svm = SVC().fit(X, Y)
    display = PredictionGridDisplay.from_estimator(svm, X, Y, n_images=3)
    assert titles(display) == ["0", "1", "2"]
    numbers = PredictionGridDisplay.from_estimator(
        SVR().fit(X, Y / 7), X[:1], Y[:1] / 7
    )
    (title,) = titles(numbers)
    assert title.endswith("\ntrue: 0")
    assert numbers.axes_[0].title.get_color() == "black"


def test_several_outputs():
    display = PredictionGridDisplay.from_predictions(
        X[:2], [[1, 0], [1, 1]], [[1, 0], [0, 1]]
    )
    assert titles(display) == ["1, 0", "0, 1\ntrue: 1, 1"]


def test_masks(unet):
    network, images, masks = unet
    display = PredictionGridDisplay.from_estimator(
        network, images, masks, n_images=2, display_labels=["dark", "grey", "light"]
    )
    display.figure_.canvas.draw()
    assert len(display.axes_) == 6
    assert [ax.get_ylabel() for ax in display.axes_[::2]] == [
        "image",
        "true",
        "predicted",
    ]
    np.testing.assert_array_equal(picture(display.axes_[1]), images[1, ..., 0])
    np.testing.assert_array_equal(picture(display.axes_[3]), masks[1])
    predicted = network.predict(images[:2])
    np.testing.assert_array_equal(picture(display.axes_[5]), predicted[1])
    (legend,) = display.figure_.legends
    assert [t.get_text() for t in legend.get_texts()] == ["dark", "grey", "light"]
    shares = np.eye(3)[masks]
    again = PredictionGridDisplay.from_estimator(network, images, shares, n_images=2)
    np.testing.assert_array_equal(again.y_true, display.y_true)


def test_masks_of_any_labels_without_the_truth():
    masks = np.array([[[5, 9], [9, 7]]])
    display = PredictionGridDisplay.from_predictions(np.zeros((1, 2, 2)), None, masks)
    display.figure_.canvas.draw()
    assert picture(display.axes_[1]).tolist() == [[0, 2], [2, 1]]
    (legend,) = display.figure_.legends
    assert [t.get_text() for t in legend.get_texts()] == ["5", "7", "9"]


def test_axes_of_pictures():
    _, axes = plt.subplots(2, 2)
    display = PredictionGridDisplay.from_predictions(X[:4], None, Y[:4], ax=axes)
    assert display.axes_.tolist() == axes.ravel().tolist()
    assert display.plot() is display
    with pytest.raises(ValueError, match=r"each of the 3 panels, got 4"):
        PredictionGridDisplay.from_predictions(X[:3], None, Y[:3], ax=axes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X[:0], None, Y[:0]), "X must have at least one image, got none"),
        ((X[:2, :5], None, Y[:2]), r"or rows of their pixels, got \(2, 5\)"),
        ((X[0], None, Y[:2]), r"rows of their pixels, got \(64,\)"),
        ((X[:2], None, Y[:3]), "y_pred must have an entry .* 2 images, got 3"),
        ((X[:2], Y[:1], Y[:2]), "y_true must have an entry .* 2 images, got 1"),
        ((X[:2], Y[:2, None], Y[:2]), r"same shape, got \(2, 1\) and \(2,\)"),
        (
            (X[:1], None, np.zeros((1, 4, 8), int)),
            r"height and width of their images, \(8, 8\), got \(4, 8\)",
        ),
    ],
)
def test_what_does_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        PredictionGridDisplay.from_predictions(*arguments)


def test_masks_of_classes_in_any_order():
    masks = np.array([[[5, 9], [9, 7]]])
    settings = {"classes": [9, 5, 7], "display_labels": ["a", "b", "c"]}
    display = PredictionGridDisplay.from_predictions(
        np.zeros((1, 2, 2)), masks, masks, **settings
    )
    # As the legend has them.
    assert picture(display.axes_[1]).tolist() == [[1, 0], [0, 2]]
    with pytest.raises(ValueError, match=r"got \[5, 7\] and labels \[9\]"):
        PredictionGridDisplay.from_predictions(
            np.zeros((1, 2, 2)), None, masks, classes=[5, 7]
        )


@pytest.mark.parametrize("n_images", [0, -1])
def test_no_images(n_images):
    with pytest.raises(ValueError, match=f"at least 1, got {n_images}"):
        PredictionGridDisplay.from_predictions(X[:2], None, Y[:2], n_images=n_images)


def test_nothing_is_wrong():
    wrong = {"only_wrong": True}
    with pytest.raises(ValueError, match="needs a wrong prediction, but all 2 are"):
        PredictionGridDisplay.from_predictions(X[:2], [1, 2], [1, 2], **wrong)
    with pytest.raises(ValueError, match="compare with, got none"):
        PredictionGridDisplay.from_predictions(X[:2], None, [1, 2], **wrong)
    with pytest.raises(ValueError, match="compare with, got numbers"):
        PredictionGridDisplay.from_predictions(X[:2], [0.5, 2], [1, 2.5], **wrong)


def test_each_class_has_a_name():
    with pytest.raises(ValueError, match=r"the 2 classes, \[1, 2\], got 1: \['one'\]"):
        PredictionGridDisplay.from_predictions(
            X[:2], None, [1, 2], display_labels=["one"]
        )


def test_filters_of_images_that_nothing_answered(cnn):
    filters = FilterDisplay.from_estimator(cnn).filters
    display = FilterDisplay(filters, images=X[:2]).plot()
    assert len(display.axes_) == 1
