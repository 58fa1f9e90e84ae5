"""Scaling of arrays of any number of axes: rows, images, volumes."""

from math import prod
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags, check_array, gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from .._callbacks import CallbackSupportMixin, FitTask, with_callbacks
from .._compat import DocumentationLinkMixin

_METHODS = ("max", "minmax", "mean", "standard")

# Sums over a float64 copy are taken this many values at a time (8 MiB of them).
_VALUES_PER_CHUNK = 2**20


class ArrayScaler(
    DocumentationLinkMixin,
    CallbackSupportMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Scale an array of two or more axes by statistics of its training samples.

    Works on rows `(n_samples, n_features)`, on images `(n_samples, height, width)`
    or `(n_samples, height, width, channels)`, and on any further axes. Every value
    becomes `(x - center_) / scale_`, by `method`:

    ============  ===========  ===============
    `method`      `center_`    `scale_`
    ============  ===========  ===============
    "max"         0            max(abs(x))
    "minmax"      min(x)       max(x) - min(x)
    "mean"        mean(x)      max(x) - min(x)
    "standard"    mean(x)      std(x)
    ============  ===========  ===============

    Where the scale would be zero, because the training values are all the same (for
    "max": all zero), it is 1.

    Parameters
    ----------
    method : {"max", "minmax", "mean", "standard"}, default="max"
        What to scale to: "max" divides by the greatest absolute value, as in pixels
        / 255; "minmax" maps the training values onto 0 to 1; "mean" is mean
        normalisation; "standard" gives mean 0 and standard deviation 1.
    axis : {None, 0}, default=None
        Over what the statistics are taken: None for the whole array, which gives one
        center and one scale and so keeps the contrast between pixels; 0 for the
        samples, which gives a center and a scale to every feature (every position of
        an image), as scikit-learn's scalers do.

    Attributes
    ----------
    center_ : float or ndarray of float64, of shape X.shape[1:]
        What is subtracted: a float for `axis=None`.
    scale_ : float or ndarray of float64, of shape X.shape[1:]
        What is divided by: a float for `axis=None`.
    sample_shape_ : tuple of int
        The shape of one sample, `X.shape[1:]`.
    n_samples_seen_ : int
        The number of samples in :meth:`fit`.
    n_features_in_ : int
        The number of values in one sample, over all its axes.
    feature_names_in_ : ndarray of str, of shape (`n_features_in_`,)
        The names of the features seen in :meth:`fit`. Only if `X` was a data frame
        whose column names are all strings.

    See Also
    --------
    sklearn.preprocessing.MaxAbsScaler : "max" with `axis=0`, for rows, sparse too.
    sklearn.preprocessing.MinMaxScaler : "minmax" with `axis=0`, for rows.
    sklearn.preprocessing.StandardScaler : "standard" with `axis=0`, for rows.

    Notes
    -----
    Results are float32 for float32, float16, Booleans and integers of at most 16 bits
    (so that images of bytes grow fourfold, not eightfold), else float64. Statistics
    are accumulated in float64 whatever the input, without a float64 copy of it.

    NaN and infinity are refused. Put an imputer before the scaler.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.preprocessing import ArrayScaler
    >>> images = np.array([[[0, 51], [102, 255]], [[0, 0], [204, 51]]], dtype=np.uint8)
    >>> ArrayScaler().fit_transform(images)
    array([[[0. , 0.2],
            [0.4, 1. ]],
           [[0. , 0. ],
            [0.8, 0.2]]], dtype=float32)

    Each feature by itself:

    >>> X = [[1.0, 10.0], [2.0, 30.0], [3.0, 20.0]]
    >>> scaler = ArrayScaler(method="minmax", axis=0).fit(X)
    >>> scaler.transform(X)
    array([[0. , 0. ],
           [0.5, 1. ],
           [1. , 0.5]])
    >>> scaler.inverse_transform([[0.5, 0.5]])
    array([[ 2., 20.]])
    """

    def __init__(
        self,
        method: Literal["max", "minmax", "mean", "standard"] = "max",
        axis: Literal[0] | None = None,
    ) -> None:
        self.method = method
        self.axis = axis

    @with_callbacks
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn the center and the scale.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            The training samples, of any real dtype.
        y : None, default=None
            Ignored.

        Returns
        -------
        self : ArrayScaler
            The fitted scaler.

        Raises
        ------
        ValueError
            If `method` or `axis` is none of those allowed, or `X` has fewer than two
            axes, no values, or values that are not finite numbers.
        """
        task = FitTask(self, X, y, None, 0)
        _check_method_and_axis(self.method, self.axis)
        array = self._check_samples(X, reset=True)
        self.center_, self.scale_ = _center_and_scale(array, self.method, self.axis)
        self.n_samples_seen_ = len(array)
        task.end()
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """Scale samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            The samples, each of the shape seen in :meth:`fit`.

        Returns
        -------
        X_scaled : ndarray of float32 or float64, of the shape of X
            The scaled samples, always a new array.

        Raises
        ------
        ValueError
            If samples have another shape than those of :meth:`fit`, or values that
            are not finite numbers.
        """
        check_is_fitted(self)
        array = self._check_samples(X, reset=False)
        dtype = _result_dtype(array.dtype)
        scaled = np.subtract(array, self.center_, dtype=dtype)
        return np.divide(scaled, self.scale_, out=scaled, dtype=dtype)

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """Undo the scaling.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Scaled samples, each of the shape seen in :meth:`fit`.

        Returns
        -------
        X_original : ndarray of float32 or float64, of the shape of X
            The samples at their original scale, always a new array. Integers do not
            come back as integers.

        Raises
        ------
        ValueError
            If samples have another shape than those of :meth:`fit`, or values that
            are not finite numbers.
        """
        check_is_fitted(self)
        array = _check_array(X, self)
        self._check_sample_shape(array)
        dtype = _result_dtype(array.dtype)
        original = np.multiply(array, self.scale_, dtype=dtype)
        return np.add(original, self.center_, out=original, dtype=dtype)

    def _check_samples(self, X: ArrayLike, *, reset: bool) -> NDArray:
        # Only the feature names: the number of features that scikit-learn would count,
        # X.shape[1], is the height in an image.
        validate_data(self, X, reset=reset, skip_check_array=True, ensure_2d=False)
        array = _check_array(X, self)
        if reset:
            self.sample_shape_ = array.shape[1:]
            self.n_features_in_ = prod(self.sample_shape_)
        else:
            self._check_sample_shape(array)
        return array

    def _check_sample_shape(self, array: NDArray) -> None:
        if array.shape[1:] == self.sample_shape_:
            return
        if array.ndim == 2 and len(self.sample_shape_) == 1:
            raise ValueError(
                f"X has {array.shape[1]} features, but {type(self).__name__} is "
                f"expecting {self.n_features_in_} features as input."
            )
        raise ValueError(
            f"X has samples of shape {array.shape[1:]}, but {type(self).__name__} is "
            f"expecting samples of shape {self.sample_shape_}, as in fit. Reshape X, "
            "or fit again."
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _check_method_and_axis(method: object, axis: object) -> None:
    problems = []
    if method not in _METHODS:
        problems.append(f"method must be one of {', '.join(_METHODS)}; got {method!r}.")
    # Not `axis in (None, 0)`, which would let False and 0.0 pass.
    is_zero = isinstance(axis, Integral) and not isinstance(axis, bool) and axis == 0
    if not (axis is None or is_zero):
        problems.append(
            "axis must be None (statistics of the whole array) or 0 (of each feature); "
            f"got {axis!r}."
        )
    if problems:
        raise ValueError(" ".join(problems))


def _check_array(X: ArrayLike, scaler: ArrayScaler) -> NDArray:
    array = check_array(X, allow_nd=True, estimator=scaler, input_name="X")
    if array.size == 0:
        raise ValueError(
            f"Found array with an empty axis (shape={array.shape}) while every axis "
            f"needs at least 1 entry by {type(scaler).__name__}."
        )
    return array


def _result_dtype(dtype: np.dtype) -> DTypeLike:
    exact_in_float32 = np.can_cast(dtype, np.float32, casting="safe")
    return np.float32 if exact_in_float32 else np.float64


def _center_and_scale(
    X: NDArray, method: str, axis: int | None
) -> tuple[float | NDArray[np.float64], float | NDArray[np.float64]]:
    # In float64 before any arithmetic: bytes wrap, and int8 has no 128.
    low = X.min(axis=axis).astype(np.float64)
    high = X.max(axis=axis).astype(np.float64)
    if method == "max":
        center, scale = np.zeros_like(low), np.maximum(-low, high)
    elif method == "minmax":
        center, scale = low, high - low
    elif method == "mean":
        center, scale = X.mean(axis=axis, dtype=np.float64), high - low
    else:
        center, deviation = _mean_and_deviation(X, axis)
        # Rounding leaves a trace of deviation where there is none.
        scale = np.where(low == high, 0.0, deviation)
    # Below the smallest normal number of the results, division would overflow.
    scale = np.where(scale < np.finfo(_result_dtype(X.dtype)).tiny, 1.0, scale)
    return (float(center), float(scale)) if axis is None else (center, scale)


def _mean_and_deviation(
    X: NDArray, axis: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation in one pass, a chunk of rows at a time.

    Chunks are merged by equations 2.1 of Chan, Golub and LeVeque, "Updating formulae
    and a pairwise algorithm for computing sample variances" (1979).
    """
    count, mean, squares = 0, 0.0, 0.0
    rows_per_chunk = max(1, _VALUES_PER_CHUNK // prod(X.shape[1:]))
    for rows in gen_batches(len(X), rows_per_chunk):
        chunk = X[rows].astype(np.float64)
        chunk_count = chunk.size if axis is None else len(chunk)
        chunk_mean = chunk.mean(axis=axis)
        chunk -= chunk_mean
        chunk_squares = np.square(chunk, out=chunk).sum(axis=axis)
        total = count + chunk_count
        shift = chunk_mean - mean
        mean = mean + shift * (chunk_count / total)
        squares = squares + chunk_squares + shift**2 * (count * chunk_count / total)
        count = total
    return mean, np.sqrt(squares / count)
