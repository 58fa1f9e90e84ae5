"""A U-Net, which tells the class of every pixel of an image."""

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

import keras
import numpy as np

from ..networks import build_unet
from ._compiling import build_from, existing_file
from ._datasets import is_dataset
from ._segmenter import NetworkSegmenter


class KerasUNet(NetworkSegmenter):
    """A U-Net, which tells the class of every pixel of an image.

    Each level convolves the image twice and halves it, down to a coarse picture of the
    whole; from there it is enlarged again, joined at each level with what was there on
    the way down. It takes images of any height and width that ``2 ** net_depth``
    divides, and of others than those that it was trained on.

    Parameters
    ----------
    start_neurons : int, default=16
        The number of filters of the uppermost level. Each level below has twice as many
        as the one above.
    net_depth : int, default=4
        How many times the image is halved: the number of levels but the lowest. Height
        and width must be multiples of ``2 ** net_depth``.
    dropout : float or tuple of float, default=0.0
        The share dropped in training behind each pooling and each concatenation, for
        all levels or one for each, the uppermost first.
    bn_after_act : bool, default=False
        Whether the batch normalization of each convolution stands behind its
        activation, or before it.
    activation : str or callable, default="elu"
        What each convolution ends in: a name that Keras knows ("elu", "mish", "relu",
        "gelu", ...), "lrelu" for "leaky_relu", a function or a layer.
    l1, l2 : float, default=0.0
        Penalties on the absolute and the squared weights of every convolution.
    kernel_initializer : str or keras.initializers.Initializer, default="he_normal"
        The initial weights of every convolution: "glorot_uniform", "he_normal", ...
    n_classes : int or None, default=None
        The number of classes, where masks hold their indices. None learns the labels
        from the masks; say it where those of a fold may lack a rare class.
    initial_weights : path-like or None, default=None
        A file of weights to start from, of a network of the same size, as
        ``model_.save_weights("unet.weights.h5")`` or ``model_.save("unet.keras")``
        writes it. None starts from `kernel_initializer`.
    optimizer : {"adam", "sgd", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", \
            "adamw", "lion"} or keras.optimizers.Optimizer, default="adam"
        An instance is copied for each fit.
    learning_rate : float, keras.optimizers.schedules.LearningRateSchedule or None, \
            default=None
        None is the optimizer's own default in Keras. An error beside an optimizer
        instance.
    momentum : float, default=0.9
        Of "sgd" only.
    nesterov : bool, default=True
        Whether the momentum of "sgd" is Nesterov's.
    clipnorm : float or None, default=None
        The largest norm of a layer's gradient; larger ones are scaled down to it.
    batch_size : int or "all", default=8
        Images per step. A dataset has batches of its own.
    epochs : int, default=50
        How many times `fit` goes through the images, at most.
    loss : str, keras.losses.Loss, callable or None, default=None
        None is the crossentropy of each pixel. Masks of labels reach any other loss
        than "sparse_categorical_crossentropy" one-hot encoded.
    metrics : sequence of str, keras.metrics.Metric or callable, or None, default=None
        What is recorded each epoch beside the loss. None are "f1", "precision",
        "recall" and "iou": means over the classes, of all pixels of the epoch. Where
        `loss` is None, others than "accuracy" and sparse ones make masks be one-hot
        encoded.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, by label, by which the loss of each pixel is multiplied.
        "balanced" weights them inversely to their number of pixels.
    early_stopping : bool, default=False
        Whether to hold out images and stop once `monitor` does not improve on them.
    validation_fraction : float, default=0.1
        The share of images held out when stopping early, unless `fit` is given `X_val`.
    n_iter_no_change : int, default=10
        Stop after so many epochs without improvement.
    tol : float, default=1e-4
        An improvement is more than this.
    monitor : str, default="val_loss"
        The value in `history_` to look at, as "val_f1". Of scores more is better, of
        anything else less.
    restore_best_weights : bool, default=True
        Whether the weights of the best epoch are kept when stopping early.
    callbacks : sequence of keras.callbacks.Callback or None, default=None
        Copied for each fit.
    warm_start : bool, default=False
        Whether `fit` goes on with the network of the last `fit`, and with its
        optimizer, loss and metrics: what was set for these since has no effect.
    shuffle : bool, default=True
        Whether each epoch takes the images in an order of its own.
    checkpoint_dir : path-like or None, default=None
        A folder in which `fit` leaves its state and from which it continues: a fit of
        the same parameters but `epochs` on the same data goes on where the last one
        ended, or was killed, and gives what one fit without a break gives. Each such
        fit has a subfolder of its own. Of a `random_state` that is no integer the
        seed is drawn once and kept there.
    checkpoint_every : int, default=10
        The epochs between two writings of the state; it is written at the end too.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, dropout, the order of images and what is held out.
        On a CPU, with as many threads and the same versions, the weights are the same
        bit for bit. Nothing global is seeded.
    verbose : {0, 1, 2}, default=0
        1 or 2 print a line per epoch.

    Attributes
    ----------
    model_ : keras.Model
        The network.
    wrapper_ : BaseWrapper
        The SciKeras wrapper that holds it.
    history_ : dict of str to list of float
        The loss and metrics of each epoch, with ``val_`` before those on validation
        data.
    loss_curve_ : list of float
        The training loss of each epoch.
    n_iter_ : int
        The number of epochs trained.
    resumed_from_epoch_ : int
        The number of epochs taken over from a checkpoint.
    training_path_ : {"compiled", "keras"}
        Whether our loop or `keras.Model.fit` trained the network.
    training_path_reason_ : str or None
        Why it was `keras.Model.fit`.
    best_epoch_ : int
        The index of the epoch whose weights are kept, or else of the one with the best
        `monitor`, or with the least loss where that is not recorded.
    classes_ : ndarray of shape (n_classes,)
        The labels. After masks with an axis for the classes, their places there.
    image_shape_ : tuple of int
        Height, width and channels of the first images of the fit.

    See Also
    --------
    KerasCNN : A convolutional network that tells classes of whole images apart.

    Notes
    -----
    The network is that of Ronneberger, Fischer and Brox, "U-Net: Convolutional networks
    for biomedical image segmentation", arXiv:1505.04597, with padded convolutions, so
    that masks are as large as images, and with batch normalization.

    Searches see neither a classifier nor a regressor: their folds are those of
    `sklearn.model_selection.KFold`, without regard to classes.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhpo import KerasUNet
    >>> images = load_digits().images[:300] / 16
    >>> ink = np.where(images > 0.5, "ink", "paper")
    >>> unet = KerasUNet(4, net_depth=1, epochs=8, learning_rate=0.02, random_state=0)
    >>> unet.fit(images[:200], ink[:200]).score(images[200:], ink[200:]) > 0.9
    True
    >>> unet.predict(images[200:]).shape
    (100, 8, 8)
    """

    def __init__(
        self,
        start_neurons: int = 16,
        *,
        net_depth: int = 4,
        dropout: float | Sequence[float] = 0.0,
        bn_after_act: bool = False,
        activation: str | Callable = "elu",
        l1: float = 0.0,
        l2: float = 0.0,
        kernel_initializer: str | Callable = "he_normal",
        n_classes: int | None = None,
        initial_weights: str | os.PathLike | None = None,
        optimizer: str | keras.optimizers.Optimizer = "adam",
        learning_rate: (
            float | keras.optimizers.schedules.LearningRateSchedule | None
        ) = None,
        momentum: float = 0.9,
        nesterov: bool = True,
        clipnorm: float | None = None,
        batch_size: int | str = 8,
        epochs: int = 50,
        loss: str | Callable | None = None,
        metrics: Sequence[str | Callable] | None = None,
        class_weight: dict | str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        monitor: str = "val_loss",
        restore_best_weights: bool = True,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        warm_start: bool = False,
        shuffle: bool = True,
        checkpoint_dir: str | os.PathLike | None = None,
        checkpoint_every: int = 10,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.start_neurons = start_neurons
        self.net_depth = net_depth
        self.dropout = dropout
        self.bn_after_act = bn_after_act
        self.activation = activation
        self.l1 = l1
        self.l2 = l2
        self.kernel_initializer = kernel_initializer
        self.n_classes = n_classes
        self.initial_weights = initial_weights
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.nesterov = nesterov
        self.clipnorm = clipnorm
        self.batch_size = batch_size
        self.epochs = epochs
        self.loss = loss
        self.metrics = metrics
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.monitor = monitor
        self.restore_best_weights = restore_best_weights
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.shuffle = shuffle
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width) or (n_samples, height, \
                width, channels), keras.utils.PyDataset or tf.data.Dataset
            Training images. Floats and bytes stay as they are, other numbers become
            float32. A dataset gives batches ``(X, y)`` or ``(X, y, sample_weight)`` and
            is trained on by `keras.Model.fit`. It is gone through once before, to learn
            the labels, unless `n_classes` tells them or masks have an axis for them,
            and once for `class_weight="balanced"`.
        y : array-like of shape (n_samples, height, width) or (n_samples, height, \
                width, n_classes), default=None
            Masks: a label of any kind for each pixel, or with a further axis the share
            of each class, 1 for one of them and 0 for the others, or probabilities.
            None with a dataset.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the images, 1 each by default.
        X_val, y_val : array-like, default=None
            A validation set, of the shapes of X and y, measured on after each epoch.
            Cross-validation takes rows of it by fold if it is as long as X.

        Returns
        -------
        self : KerasUNet
            The fitted estimator.

        Raises
        ------
        ValueError
            If parameters or data are not valid, all before training, or if the loss
            does not stay finite.
        """
        if is_dataset(X):
            return self._fit_dataset(X, y, sample_weight, X_val, y_val)
        return self._fit(X, y, sample_weight, X_val, y_val)

    def _network(self) -> Callable[[], keras.Model]:
        settings = self._settings(
            "start_neurons",
            "net_depth",
            "dropout",
            "bn_after_act",
            "activation",
            "l1",
            "l2",
            "kernel_initializer",
        )
        n_channels, n_classes = self.image_shape_[2], len(self.classes_)
        build = partial(build_unet, n_channels, n_classes, **settings)
        if self.initial_weights is None:
            return build
        # A path is no plain value, by which a sketch would take the weights for drawn.
        return partial(build_from, existing_file(self.initial_weights), build)

    def _told_apart_by(self) -> dict[str, Any]:
        settings = super()._told_apart_by()
        if self.initial_weights is not None:
            # By what the file holds, wherever it is.
            content = existing_file(self.initial_weights).read_bytes()
            settings["initial_weights"] = hashlib.sha256(content).hexdigest()
        return settings
