"""A convolutional network that predicts numbers from images."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import numpy as np

from ._images import ConvolutionalMixin
from ._regressor import NetworkRegressor


class KerasCNNRegressor(ConvolutionalMixin, NetworkRegressor):
    """A convolutional network that predicts numbers from images.

    Blocks of convolution, activation, pooling and dropout, then dense layers. It takes
    images, or flat rows of them, as scikit-learn's scalers give them.

    Parameters
    ----------
    filters : int or tuple of int, default=(32,)
        The number of filters of each block, and so the number of blocks.
    kernel_size : int, or tuple of one for each block, default=3
        Height and width of the filters, in pixels; a pair in the tuple gives them
        apart, as ``((3, 5),)``.
    padding : {"valid", "same"}, or tuple of one for each block, default="valid"
        Whether the image is padded so that a convolution keeps its size.
    strides : int, or tuple of one for each block, default=1
        The step of the filters, in pixels.
    pool_size : int, or tuple of one for each block, default=2
        Height and width of the pixels that pooling makes one of; 1 is no pooling.
    dense_layer_sizes : int or tuple of int, default=(100,)
        The sizes of the dense layers behind the blocks.
    image_shape : tuple of int or None, default=None
        Height, width and, unless it is 1, the number of channels, for X given as flat
        rows. None is the square grey image that fits, or else an image one row high.
    activation : str or callable, default="relu"
        What each hidden layer ends in: a name that Keras knows ("relu", "tanh",
        "sigmoid", "leaky_relu", "mish", "elu", "gelu", "selu", ...), a function or a
        layer.
    dropout : float or tuple of float, default=0.0
        The share of a block's outputs dropped in training, for all blocks or one for
        each.
    l1, l2 : float, default=0.0
        Penalties on the absolute and the squared weights of every layer.
    kernel_initializer : str or keras.initializers.Initializer, default="glorot_uniform"
        The initial weights of every layer: "glorot_uniform", "he_normal", ...
    batch_normalization : bool, default=False
        Whether hidden layers are normalized, before their activation, over each batch.
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
    batch_size : int or "all", default=32
        Samples per step.
    epochs : int, default=50
        How many times `fit` goes through the samples, at most.
    loss : str, keras.losses.Loss, callable or None, default=None
        None is the mean squared error.
    metrics : sequence of str, keras.metrics.Metric or callable, or None, default=None
        What is recorded each epoch beside the loss. None is nothing.
    early_stopping : bool, default=False
        Whether to hold out samples and stop once `monitor` does not improve on them.
    validation_fraction : float, default=0.1
        The share of samples held out when stopping early, unless
        `fit` is given `X_val`.
    n_iter_no_change : int, default=10
        Stop after so many epochs without improvement.
    tol : float, default=1e-4
        An improvement is more than this.
    monitor : str, default="val_loss"
        The value in `history_` to look at. Of accuracies and other scores more is
        better, of anything else less.
    restore_best_weights : bool, default=True
        Whether the weights of the best epoch are kept when stopping early.
    callbacks : sequence of keras.callbacks.Callback or None, default=None
        Copied for each fit.
    warm_start : bool, default=False
        Whether `fit` goes on with the network of the last `fit`, and with its
        optimizer, loss and metrics: what was set for these since has no effect.
    shuffle : bool, default=True
        Whether each epoch takes the samples in an order of its own.
    checkpoint_dir : path-like or None, default=None
        A folder in which `fit` leaves its state and from which it continues: a fit of
        the same parameters but `epochs` on the same data goes on where the last one
        ended, or was killed, and gives what one fit without a break gives. Each such
        fit has a subfolder of its own. Of a `random_state` that is no integer the
        seed is drawn once and kept there.
    checkpoint_every : int, default=10
        The epochs between two writings of the state; it is written at the end too.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, dropout, the order of samples and what is held out.
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
    n_outputs_ : int
        The number of targets.
    n_features_in_ : int
        The number of features, pixels times channels for images.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        The names of the features, where X had them.

    See Also
    --------
    KerasCNN : The same for classes.
    KerasMLPRegressor : A multi-layer perceptron.

    Notes
    -----
    The blocks are those of LeCun et al., "Gradient-based learning applied to document
    recognition", Proc. IEEE 86 (1998), with maxima for pooling. Adam is that of Kingma
    and Ba, arXiv:1412.6980, algorithm 1.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhpo import KerasCNNRegressor
    >>> digits = load_digits()
    >>> images, darkness = digits.images / 16, digits.images.mean(axis=(1, 2)) / 16
    >>> cnn = KerasCNNRegressor(
    ...     filters=8, learning_rate=0.003, epochs=20, random_state=0
    ... )
    >>> cnn.fit(images, darkness).score(images, darkness) > 0.9
    True
    """

    def __init__(
        self,
        filters: int | Sequence[int] = (32,),
        *,
        kernel_size: int | Sequence = 3,
        padding: str | Sequence[str] = "valid",
        strides: int | Sequence = 1,
        pool_size: int | Sequence = 2,
        dense_layer_sizes: int | Sequence[int] = (100,),
        image_shape: tuple[int, ...] | None = None,
        activation: str | Callable = "relu",
        dropout: float | Sequence[float] = 0.0,
        l1: float = 0.0,
        l2: float = 0.0,
        kernel_initializer: str | Callable = "glorot_uniform",
        batch_normalization: bool = False,
        optimizer: str | keras.optimizers.Optimizer = "adam",
        learning_rate: (
            float | keras.optimizers.schedules.LearningRateSchedule | None
        ) = None,
        momentum: float = 0.9,
        nesterov: bool = True,
        clipnorm: float | None = None,
        batch_size: int | str = 32,
        epochs: int = 50,
        loss: str | Callable | None = None,
        metrics: Sequence[str | Callable] | None = None,
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
        self.filters = filters
        self.kernel_size = kernel_size
        self.padding = padding
        self.strides = strides
        self.pool_size = pool_size
        self.dense_layer_sizes = dense_layer_sizes
        self.image_shape = image_shape
        self.activation = activation
        self.dropout = dropout
        self.l1 = l1
        self.l2 = l2
        self.kernel_initializer = kernel_initializer
        self.batch_normalization = batch_normalization
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.nesterov = nesterov
        self.clipnorm = clipnorm
        self.batch_size = batch_size
        self.epochs = epochs
        self.loss = loss
        self.metrics = metrics
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
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n_samples, height, width) or \
                (n_samples, height, width, channels)
            Training samples, images or flat rows of them. Floats and bytes stay as
            they are, other numbers become float32.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, 1 each by default.
        X_val, y_val : array-like, default=None
            A validation set, of the shapes of X and y, measured on after each epoch. In
            a Pipeline the steps before do not transform `X_val` unless the Pipeline's
            `transform_input` names it; cross-validation takes rows of it by fold if it
            is as long as X.

        Returns
        -------
        self : KerasCNNRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If parameters or data are not valid, all before training, or if the loss
            does not stay finite.
        """
        return self._fit(X, y, sample_weight, X_val, y_val)
