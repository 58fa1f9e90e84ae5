"""Class labels encoded for a classifier, and decoded from its predictions."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Tags, assert_all_finite, column_or_1d, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .._callbacks import CallbackSupportMixin, FitTask, with_callbacks
from .._compat import DocumentationLinkMixin

_ROUTED_METHODS = (
    "fit",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
)


def _classifier_has(method: str) -> Callable[["LabelEncodedClassifier"], bool]:
    """Make a check that the classifier, fitted or not, has `method`."""

    def check(self: "LabelEncodedClassifier") -> bool:
        # Raises the AttributeError that available_if passes on.
        getattr(getattr(self, "classifier_", self.classifier), method)
        return True

    return check


class LabelEncodedClassifier(
    DocumentationLinkMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator
):
    """Classifier that is fitted on encoded labels and predicts the original ones.

    The counterpart for classifiers of scikit-learn's
    :class:`~sklearn.compose.TransformedTargetRegressor`. `transformer` is fitted on
    `y` and gives every label a code; `classifier` is fitted on the places of these
    codes, the class indices 0, 1, 2 and so on; what it predicts is turned back into
    labels.

    Parameters
    ----------
    classifier : estimator
        The classifier to fit, or a :class:`~sklearn.pipeline.Pipeline` or search that
        ends in one. It is cloned.
    transformer : estimator, default=None
        What encodes the labels: a :class:`~sklearn.preprocessing.LabelEncoder`,
        :class:`~sklearn.preprocessing.OrdinalEncoder`,
        :class:`~sklearn.preprocessing.LabelBinarizer` or
        :class:`~sklearn.preprocessing.OneHotEncoder`, or another that gives every
        label either one number or a one-hot row. None stands for
        :class:`~sklearn.preprocessing.LabelEncoder`. It is cloned.

    Attributes
    ----------
    classifier_ : estimator
        The fitted classifier. Its classes are the indices of the labels, 0 and up, in
        the order of their codes.
    transformer_ : estimator
        The fitted transformer.
    classes_ : ndarray of shape (n_classes,)
        The labels seen in :meth:`fit`, of the dtype of `y`, sorted, as scikit-learn's
        scorers take them to be: the order of the columns of :meth:`predict_proba`.
    n_features_in_ : int
        The number of features seen in :meth:`fit`. Only if the classifier has it.
    feature_names_in_ : ndarray of str, of shape (`n_features_in_`,)
        The names of the features seen in :meth:`fit`. Only if the classifier has them.

    See Also
    --------
    sklearn.compose.TransformedTargetRegressor : The same for regressors.

    Notes
    -----
    One-hot rows mean classes here, not the several labels of one sample: the
    classifier is given the index of the column, and a prediction is always one class.
    A :class:`~skhpo.KerasMLP` whose loss is categorical cross-entropy one-hot encodes
    these indices itself. The class whose row is all zeros, as
    `OneHotEncoder(drop="first")` makes one, has the index 0.

    What `classifier` itself says of labels, such as a dictionary of class weights,
    speaks of the indices.

    Only labels that occur in `y` are classes, also where the transformer was told of
    more: in a fold of a cross-validation that lacks a label, indices have no gap.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import OneHotEncoder, StandardScaler
    >>> from skhpo.preprocessing import LabelEncodedClassifier
    >>> iris = load_iris()
    >>> y = iris.target_names[iris.target]
    >>> pipe = make_pipeline(StandardScaler(), LogisticRegression())
    >>> clf = LabelEncodedClassifier(pipe, OneHotEncoder()).fit(iris.data, y)
    >>> clf.predict(iris.data[[0, 75, 149]])
    array(['setosa', 'versicolor', 'virginica'], dtype='<U10')
    >>> clf.classifier_.classes_
    array([0, 1, 2])

    The transformer says in which order the classifier gets the classes. What comes
    back is in the order of the labels, whatever that is:

    >>> from sklearn.preprocessing import OrdinalEncoder
    >>> backwards = OrdinalEncoder(categories=[["virginica", "versicolor", "setosa"]])
    >>> clf = LabelEncodedClassifier(pipe, backwards).fit(iris.data, y)
    >>> clf.classifier_.predict(iris.data[:1])
    array([2])
    >>> clf.classes_
    array(['setosa', 'versicolor', 'virginica'], dtype='<U10')
    >>> clf.predict_proba(iris.data[:1]).round(2)
    array([[0.98, 0.02, 0.  ]])
    """

    def __init__(self, classifier: Any, transformer: Any = None) -> None:
        self.classifier = classifier
        self.transformer = transformer

    @with_callbacks
    def fit(self, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Self:
        """Fit the transformer on the labels, and the classifier on their indices.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training samples, as the classifier takes them.
        y : array-like of shape (n_samples,)
            The label of each sample: strings, numbers or Booleans.
        **fit_params : dict
            Passed to the `fit` of the classifier, such as `sample_weight`. With
            scikit-learn's metadata routing enabled, only what it requests. `y_val`,
            the labels of a validation set, is encoded as y is; anything else that
            speaks of classes must speak of their indices.

        Returns
        -------
        self : LabelEncodedClassifier
            The fitted classifier.

        Raises
        ------
        TypeError
            If `classifier` is no classifier, `transformer` no transformer, or `y` mixes
            strings with other labels.
        ValueError
            If `y` does not hold one class label per sample, or the transformer
            encodes two of its labels alike.
        """
        _check_classifier_and_transformer(self.classifier, self.transformer)
        task = FitTask(self, X, y, fit_params.get("sample_weight"), 1)
        y = _check_labels(y, self)
        fit_params = self._route("fit", fit_params)
        labels, label_of_sample = np.unique(y, return_inverse=True)
        self.transformer_ = _fit_transformer(self.transformer, y)
        codes = _codes(self.transformer_, labels)
        self._order = np.argsort(codes)
        # The inverse permutation: where each label went in that order.
        index_of_label = np.argsort(self._order)
        self.classes_ = labels
        self.classifier_ = clone(self.classifier)
        if fit_params.get("y_val") is not None:
            y_val = _check_labels(fit_params["y_val"], self)
            places = _places_of(y_val, labels)
            fit_params = {**fit_params, "y_val": index_of_label[places]}
        with task.fit_of(self.classifier_, "fit-classifier"):
            self.classifier_.fit(X, index_of_label[label_of_sample], **fit_params)
        task.end()
        return self

    def predict(self, X: ArrayLike, **predict_params: Any) -> NDArray:
        """Predict the label of each sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        **predict_params : dict
            Passed to the `predict` of the classifier.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Labels out of `classes_`.
        """
        indices = self._call("predict", X, predict_params)
        return self.classes_[self._order[indices]]

    @available_if(_classifier_has("predict_proba"))
    def predict_proba(self, X: ArrayLike, **predict_proba_params: Any) -> NDArray:
        """Predict the probability of each class. Only if the classifier can.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        **predict_proba_params : dict
            Passed to the `predict_proba` of the classifier.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            The probabilities, columns in the order of `classes_`.
        """
        return self._by_class(self._call("predict_proba", X, predict_proba_params))

    @available_if(_classifier_has("predict_log_proba"))
    def predict_log_proba(
        self, X: ArrayLike, **predict_log_proba_params: Any
    ) -> NDArray:
        """Predict the log-probability of each class. Only if the classifier can.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        **predict_log_proba_params : dict
            Passed to the `predict_log_proba` of the classifier.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            The logarithms, columns in the order of `classes_`.
        """
        log_probabilities = self._call("predict_log_proba", X, predict_log_proba_params)
        return self._by_class(log_probabilities)

    @available_if(_classifier_has("decision_function"))
    def decision_function(
        self, X: ArrayLike, **decision_function_params: Any
    ) -> NDArray:
        """Compute the confidence in each class. Only if the classifier can.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        **decision_function_params : dict
            Passed to the `decision_function` of the classifier.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The confidences, columns in the order of `classes_`; of two classes, that
            in `classes_[1]` alone. Those of pairs of classes, which `SVC` has for
            ``decision_function_shape="ovo"``, are not told from those of classes.
        """
        decision = self._call("decision_function", X, decision_function_params)
        if decision.ndim == 1:
            return decision if self._order[0] == 0 else -decision
        return self._by_class(decision)

    @property
    def n_features_in_(self) -> int:
        """Number of features seen in :meth:`fit`."""
        return self.classifier_.n_features_in_

    @property
    def feature_names_in_(self) -> NDArray:
        """Names of the features seen in :meth:`fit`."""
        return self.classifier_.feature_names_in_

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            What is passed on to the classifier, and what :meth:`score` takes itself.
        """
        mapping = MethodMapping()
        for method in _ROUTED_METHODS:
            mapping.add(caller=method, callee=method)
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(classifier=self.classifier, method_mapping=mapping)

    def _call(self, method: str, X: ArrayLike, params: dict[str, Any]) -> NDArray:
        check_is_fitted(self)
        return getattr(self.classifier_, method)(X, **self._route(method, params))

    def _by_class(self, columns: NDArray) -> NDArray:
        """Bring the columns of the classifier's indices into the order of labels."""
        return columns[:, np.argsort(self._order)]

    def _route(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if not get_config()["enable_metadata_routing"]:
            return params
        return process_routing(self, method, **params)["classifier"][method]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.classifier)
        tags.input_tags = inner.input_tags
        tags.non_deterministic = inner.non_deterministic
        if inner.classifier_tags is not None:  # None: no classifier, refused by fit
            tags.classifier_tags = inner.classifier_tags
            tags.classifier_tags.multi_label = False
        return tags


def _check_classifier_and_transformer(classifier: object, transformer: object) -> None:
    if not (hasattr(classifier, "fit") and is_classifier(classifier)):
        raise TypeError(
            f"classifier must be a classifier; got {classifier!r}. Pass an instance "
            "whose scikit-learn tags say estimator_type='classifier', or for a "
            "regressor use sklearn.compose.TransformedTargetRegressor."
        )
    if transformer is not None and not (
        hasattr(transformer, "fit") and hasattr(transformer, "transform")
    ):
        raise TypeError(
            f"transformer must have fit and transform; got {transformer!r}. Pass an "
            "encoder such as OneHotEncoder(), or None for LabelEncoder()."
        )


def _check_labels(y: ArrayLike, estimator: LabelEncodedClassifier) -> NDArray:
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but "
            "the target y is None."
        )
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y")
    try:
        check_classification_targets(y)
    except TypeError as error:  # labels that cannot be sorted
        kinds = sorted({type(label).__name__ for label in y})
        raise TypeError(
            "y must hold labels of one kind, all strings or all numbers; got "
            f"{', '.join(kinds)}. Drop samples without a label, or convert y."
        ) from error
    return y


def _fit_transformer(transformer: Any, y: NDArray) -> Any:
    fitted = LabelEncoder() if transformer is None else clone(transformer)
    if hasattr(fitted, "set_output"):
        # Labels are no features: the global output setting is not meant for them, and
        # data frames cannot hold the sparse rows of OneHotEncoder.
        fitted.set_output(transform="default")
    return fitted.fit(_as_transformer_input(fitted, y))


def _as_transformer_input(transformer: Any, y: NDArray) -> NDArray:
    takes_features = get_tags(transformer).input_tags.two_d_array
    return y.reshape(-1, 1) if takes_features else y


def _codes(transformer: Any, labels: NDArray) -> NDArray:
    """Give each label a number of its own, by which classes are ordered."""
    rows = transformer.transform(_as_transformer_input(transformer, labels))
    rows = rows.toarray() if issparse(rows) else np.asarray(rows)
    rows = rows.reshape(len(labels), -1)
    if rows.shape[1] == 1:
        codes = rows[:, 0]
    else:
        # A row with no maximum is of the class that has no column, as `drop` makes one.
        has_column = rows.max(axis=1) > rows.min(axis=1)
        codes = np.where(has_column, rows.argmax(axis=1), -1)
    _check_codes_differ(codes, labels, transformer)
    return codes


def _check_codes_differ(codes: NDArray, labels: NDArray, transformer: Any) -> None:
    values, counts = np.unique(codes, return_counts=True)
    if len(values) == len(labels):
        return
    alike = labels[codes == values[counts > 1][0]].tolist()
    raise ValueError(
        f"transformer must give every label of y a code of its own, but {transformer} "
        f"encodes {alike} alike. Use one that keeps every class: without min_frequency "
        "and max_categories, and with all labels in categories."
    )


def _places_of(y_val: NDArray, labels: NDArray) -> NDArray:
    """Return where the labels of a validation set stand among those of y."""
    unknown = np.setdiff1d(y_val, labels)
    if len(unknown):
        raise ValueError(
            f"y_val must hold labels of y only, {labels.tolist()}, got also "
            f"{unknown.tolist()}; leave such samples out"
        )
    return np.searchsorted(labels, y_val)
