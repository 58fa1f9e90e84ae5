"""SciKeras's wrappers, repaired for today's scikit-learn and trained by our engine."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.utils import ClassifierTags, RegressorTags, Tags
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from ._datasets import is_dataset
from ._epoch_tasks import as_task
from ._repairs import LabelEncoder, Repairs, scikeras
from ._targets import loss_name


class BaseWrapper(Repairs, scikeras.BaseWrapper):
    """Any Keras model behind scikit-learn's interface, with y as the model takes it.

    What the estimators of this package hold, and what a wrapper for a kind of target
    other than classes or numbers derives from, as SciKeras's class of this name.

    Parameters
    ----------
    model : keras.Model or callable, default=None
        As in `KerasClassifier`.
    **kwargs : dict
        As in `KerasClassifier`.

    See Also
    --------
    KerasClassifier : For classes.
    KerasRegressor : For numbers.
    """

    fit = as_task(scikeras.BaseWrapper.fit)
    partial_fit = as_task(scikeras.BaseWrapper.partial_fit)


class KerasClassifier(Repairs, scikeras.KerasClassifier):
    """A Keras model, or a function that builds one, as a classifier.

    The successor of SciKeras's class of this name: the constructor and the routing of
    parameters are the same. Parameters of the building function, the optimizer, the
    loss, the metrics and the callbacks are given by routes, as ``model__units``,
    ``optimizer__learning_rate``, ``loss__from_logits``, ``callbacks__patience``,
    ``fit__batch_size`` or ``predict__batch_size``.

    Parameters
    ----------
    model : keras.Model or callable, default=None
        A function that returns a model, compiled or not, or a model. The function may
        take parameters (routed by ``model__``), ``meta`` (the attributes known so far,
        as ``n_features_in_``), ``compile_kwargs`` and ``params``. A model given, and
        layers made outside the function, are copied, never trained themselves. None
        where a subclass has a method ``_keras_build_fn``.
    build_fn : keras.Model or callable, default=None
        The former name of `model`.
    warm_start : bool, default=False
        Whether `fit` goes on with the model of the last `fit`.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, dropout and the order of samples. Nothing global is
        seeded. Functions that call `tf.random` or `numpy.random` unseeded are beyond
        it.
    optimizer : str, keras.optimizers.Optimizer or class, default="rmsprop"
        The optimizer; strings and classes take routed parameters.
    loss : str, keras.losses.Loss, class, callable or None, default=None
        The loss. With a categorical crossentropy, y is one-hot encoded.
    metrics : list, dict, str, keras.metrics.Metric, class, callable or None, \
            default=None
        What is recorded each epoch beside the loss.
    batch_size : int or None, default=None
        Samples per step; 32 for None, all for -1.
    validation_batch_size : int or None, default=None
        Samples per batch when measuring on validation data; `batch_size` for None.
    verbose : int, default=1
        1 prints a line per epoch, 0 nothing.
    callbacks : keras.callbacks.Callback, class, list or dict of them, default=None
        Keras callbacks; classes take routed parameters, instances are copied for each
        fit.
    validation_split : float, default=0.0
        The share of samples, the last ones, to measure on after each epoch.
    shuffle : bool, default=True
        Whether each epoch takes the samples in an order of its own.
    run_eagerly : bool, default=False
        Whether Keras runs the model step by step, for debugging.
    epochs : int, default=1
        How many times `fit` goes through the samples.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, multiplied into the weights of the samples.
    **kwargs : dict
        Routed parameters, and parameters of the building function.

    Attributes
    ----------
    model_ : keras.Model
        The fitted model.
    history_ : dict of str to list of float
        The loss and metrics of each epoch, with ``val_`` before those on validation
        data.
    current_epoch : int
        How many epochs the model was trained for.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_classes_ : int
        Their number.
    target_encoder_, feature_encoder_ : transformer
        What y and X pass through before they reach the model.
    target_type_ : str
        What scikit-learn's `type_of_target` says of y.
    n_outputs_, n_outputs_expected_ : int
        The numbers of targets, and of the model's outputs.
    n_features_in_ : int
        The number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        The names of the features, where X had them.
    X_shape_, X_dtype_, y_dtype_, y_ndim_ : tuple, dtype, dtype, int
        The shape and the types of what `fit` got.
    training_path_ : {"compiled", "keras"}
        Whether our loop or `keras.Model.fit` trained the model.
    training_path_reason_ : str or None
        Why it was `keras.Model.fit`.

    See Also
    --------
    KerasRegressor : The same for numbers.
    KerasMLP : A multi-layer perceptron that needs no building function.
    KerasCNN : A convolutional network that needs no building function.

    Examples
    --------
    >>> import keras
    >>> from sklearn.datasets import load_iris
    >>> from skhpo import KerasClassifier
    >>> def build(units, meta):
    ...     return keras.Sequential(
    ...         [
    ...             keras.Input((meta["n_features_in_"],)),
    ...             keras.layers.Dense(units, activation="relu"),
    ...             keras.layers.Dense(meta["n_classes_"], activation="softmax"),
    ...         ]
    ...     )
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = KerasClassifier(
    ...     build,
    ...     model__units=16,
    ...     loss="sparse_categorical_crossentropy",
    ...     optimizer="adam",
    ...     optimizer__learning_rate=0.01,
    ...     epochs=40,
    ...     verbose=0,
    ...     random_state=0,
    ... ).fit(X, y)
    >>> classifier.score(X, y) > 0.9
    True
    """

    @as_task
    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, **kwargs: Any
    ) -> Self:
        """Build a new model and fit it.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features), \
                array of more axes, keras.utils.PyDataset or tf.data.Dataset
            Training samples. Sparse matrices are made dense. A dataset gives batches
            ``(X, y)`` or ``(X, y, sample_weight)``; cross-validation cannot split it.
        y : array-like of shape (n_samples,) or (n_samples, n_labels), default=None
            Labels; None with a dataset.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, 1 each by default. Those of weight 0 are left out.
        **kwargs : dict
            Further arguments of `keras.Model.fit`, for this fit only; the
            ``validation_data`` are encoded as X and y are.

        Returns
        -------
        self : KerasClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are not valid, or the model has no loss or optimizer.
        """
        if not (self.warm_start and self.initialized_):
            self.classes_ = None
        if is_dataset(X):
            return self._fit_dataset(X, y, sample_weight, kwargs)
        weights = self._weights(y, sample_weight)
        return scikeras.BaseWrapper.fit(self, X, y, sample_weight=weights, **kwargs)

    @as_task
    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: Any = None,
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Go on with the model for one epoch.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Training samples.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels of all calls; needed in the first where its y has not all.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, 1 each by default.
        **kwargs : dict
            Further arguments of `keras.Model.fit`, for this call only.

        Returns
        -------
        self : KerasClassifier
            The fitted estimator.
        """
        self._learn_classes(classes)
        weights = self._weights(y, sample_weight)
        return scikeras.BaseWrapper.partial_fit(
            self, X, y, sample_weight=weights, **kwargs
        )

    @property
    def target_encoder(self) -> Any:
        """The transformer of y; override it for targets of another kind.

        `predict_proba` needs its `inverse_transform` to take ``return_proba``.

        Returns
        -------
        transformer : object
            Not fitted.
        """
        categories = "auto" if self.classes_ is None else [np.asarray(self.classes_)]
        # SciKeras knows this loss by its name, by a function and by an instance.
        loss = loss_name(self.loss) if isinstance(self.loss, type) else self.loss
        return LabelEncoder(loss=loss, categories=categories)

    def _learn_classes(self, classes: Any) -> None:
        known = getattr(self, "classes_", None)
        if classes is None:
            self.classes_ = known
            return
        labels = np.unique(classes)
        if self.initialized_ and not np.array_equal(labels, known):
            raise ValueError(
                "classes must be those of the first call, "
                f"{np.asarray(known).tolist()}, got {np.asarray(classes).tolist()}"
            )
        self.classes_ = labels

    def _check_model_compatibility(self, y: Any) -> None:
        super()._check_model_compatibility(y)
        outputs = getattr(self.model_, "outputs", None) or ()
        if len(outputs) != 1 or not isinstance(self.target_encoder_, LabelEncoder):
            return
        n_units, n_classes = outputs[0].shape[-1], len(np.ravel(self.classes_))
        if self.target_type_ == "multiclass" and (n_units or n_classes) < n_classes:
            raise ValueError(
                f"model must end in one unit for each of the {n_classes} classes, got "
                f"{n_units}; with the argument meta a building function is told "
                'meta["n_classes_"]'
            )

    def _weights(self, y: Any, sample_weight: Any) -> np.ndarray | None:
        """Return weights of our own: SciKeras multiplies into those given."""
        weights = None if sample_weight is None else np.array(sample_weight, float)
        if self.class_weight is None or y is None:
            return weights
        balance = compute_sample_weight(self.class_weight, y)
        if balance.min() < 0:
            raise ValueError(
                "class_weight must hold weights of at least 0, got "
                f"{self.class_weight!r}"
            )
        return balance if weights is None else weights * balance

    def _weights_of_classes(self, y: np.ndarray) -> Callable | None:
        if self.class_weight is None:
            return None
        if y.ndim != 1:
            raise ValueError(
                "class_weight must be None when a dataset gives several labels per "
                f"sample, got {self.class_weight!r}; give weights with its batches"
            )
        labels = np.unique(y)
        values = compute_class_weight(self.class_weight, classes=labels, y=y)
        return lambda batch: values[np.searchsorted(labels, batch)]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags(multi_label=True)
        tags.target_tags.required = True
        return tags


class KerasRegressor(Repairs, scikeras.KerasRegressor):
    """A Keras model, or a function that builds one, as a regressor.

    The successor of SciKeras's class of this name: the constructor and the routing of
    parameters are the same. `KerasClassifier` describes both.

    Parameters
    ----------
    model : keras.Model or callable, default=None
        As in `KerasClassifier`.
    **kwargs : dict
        As in `KerasClassifier`, but for `class_weight`.

    Attributes
    ----------
    model_ : keras.Model
        The fitted model.
    history_ : dict of str to list of float
        The loss and metrics of each epoch.
    n_features_in_ : int
        The number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        The names of the features, where X had them.
    n_outputs_ : int
        The number of targets.
    training_path_ : {"compiled", "keras"}
        Whether our loop or `keras.Model.fit` trained the model.
    training_path_reason_ : str or None
        Why it was `keras.Model.fit`.

    See Also
    --------
    KerasClassifier : The same for classes.
    KerasMLPRegressor : A multi-layer perceptron that needs no building function.

    Examples
    --------
    >>> import keras
    >>> from sklearn.datasets import make_regression
    >>> from skhpo import KerasRegressor
    >>> def build(meta):
    ...     return keras.Sequential(
    ...         [keras.Input((meta["n_features_in_"],)), keras.layers.Dense(1)]
    ...     )
    >>> X, y = make_regression(n_features=3, random_state=0)
    >>> regressor = KerasRegressor(
    ...     build, loss="mse", optimizer="sgd", epochs=50, verbose=0, random_state=0
    ... ).fit(X, y)
    >>> regressor.score(X, y) > 0.99
    True
    """

    partial_fit = as_task(scikeras.BaseWrapper.partial_fit)

    def _validate_data(
        self, X: Any = None, y: Any = None, reset: bool = False, y_numeric: bool = True
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        return Repairs._validate_data(self, X, y, reset, y_numeric)

    @as_task
    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, **kwargs: Any
    ) -> Self:
        """Build a new model and fit it.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features), \
                array of more axes, keras.utils.PyDataset or tf.data.Dataset
            Training samples. Sparse matrices are made dense. A dataset gives batches
            ``(X, y)`` or ``(X, y, sample_weight)``; cross-validation cannot split it.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets; None with a dataset.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, 1 each by default. Those of weight 0 are left out.
        **kwargs : dict
            Further arguments of `keras.Model.fit`, for this fit only; the
            ``validation_data`` are encoded as X and y are.

        Returns
        -------
        self : KerasRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are not valid, or the model has no loss or optimizer.
        """
        if is_dataset(X):
            return self._fit_dataset(X, y, sample_weight, kwargs)
        return super().fit(X, y, sample_weight=sample_weight, **kwargs)

    def predict(self, X: Any, **kwargs: Any) -> np.ndarray:
        """Predict the targets.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Samples.
        **kwargs : dict
            ``batch_size`` : samples per batch.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, float32 for X of float32, else float64.
        """
        dtype = np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64
        return super().predict(X, **kwargs).astype(dtype, copy=False)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        tags.regressor_tags = RegressorTags()
        tags.target_tags.required = True
        return tags
