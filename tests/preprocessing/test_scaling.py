import re
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_get_feature_names_out_error,
    check_global_output_transform_pandas,
    check_set_output_transform,
    check_set_output_transform_pandas,
    check_set_output_transform_polars,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
    parametrize_with_checks,
)

from skhpo.preprocessing import ArrayScaler, _scaling

METHODS = ("max", "minmax", "mean", "standard")
ALL_SCALERS = [ArrayScaler(method, axis) for method in METHODS for axis in (None, 0)]


# Contracts


@parametrize_with_checks(ALL_SCALERS, xfail_strict=True)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# The checks of output fit a data frame and transform its values, and the reverse.
@pytest.mark.filterwarnings("ignore:X (has|does not have).*feature names:UserWarning")
@pytest.mark.parametrize(
    "check",
    [  # that scikit-learn has, but does not yield above
        check_dataframe_column_names_consistency,
        check_get_feature_names_out_error,
        check_global_output_transform_pandas,
        check_set_output_transform,
        check_set_output_transform_pandas,
        check_set_output_transform_polars,
        check_transformer_get_feature_names_out,
        check_transformer_get_feature_names_out_pandas,
    ],
)
def test_scikit_learn_checks_of_names_and_output(check):
    check("ArrayScaler", ArrayScaler())


# Against scikit-learn's own


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize(
    ("method", "twin"),
    [
        ("max", MaxAbsScaler()),
        ("minmax", MinMaxScaler()),
        ("standard", StandardScaler()),
    ],
)
def test_per_feature_equals_scikit_learn(method, twin, dtype):
    X = (100 * np.random.default_rng(0).normal(size=(50, 4))).astype(dtype)
    X[:, 2] = 7
    scaler = ArrayScaler(method, axis=0)
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    expected = twin.fit_transform(X)
    assert_allclose(scaler.fit_transform(X), expected, rtol=rtol, atol=rtol)
    assert_allclose(scaler.scale_, twin.scale_ ** (-1 if method == "minmax" else 1))
    assert_allclose(scaler.inverse_transform(expected), X, rtol=rtol, atol=100 * rtol)


@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("method", METHODS)
def test_images_are_scaled_as_their_flat_rows(method, axis):
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 3, 2), dtype=np.uint8)
    rows = images.reshape(20, -1)
    of_images, of_rows = ArrayScaler(method, axis), ArrayScaler(method, axis)
    assert_array_equal(
        of_images.fit_transform(images).reshape(20, -1), of_rows.fit_transform(rows)
    )
    assert np.shape(of_images.scale_) == (() if axis is None else (4, 3, 2))
    assert of_images.n_features_in_ == of_rows.n_features_in_ == 24
    assert of_images.sample_shape_ == (4, 3, 2)
    assert of_images.n_samples_seen_ == 20


@pytest.mark.parametrize("axis", [None, 0])
def test_moments_in_chunks_equal_those_at_once(monkeypatch, axis):
    X = np.random.default_rng(0).normal(1e3, 1.0, size=(101, 7))
    monkeypatch.setattr(_scaling, "_VALUES_PER_CHUNK", 30)
    scaler = ArrayScaler("standard", axis).fit(X)
    assert_allclose(scaler.center_, X.mean(axis=axis), rtol=1e-14)
    assert_allclose(scaler.scale_, X.std(axis=axis), rtol=1e-12)


# What each method means


@pytest.mark.parametrize(
    ("method", "center", "scale"),
    [("max", 0, 6), ("minmax", -6, 8), ("mean", -1, 8), ("standard", -1, 3)],
)
def test_one_center_and_scale_for_the_whole_array(method, center, scale):
    X = np.array([[-6.0, 2.0], [-1.0, 0.0], [-1.0, 0.0]])
    scaler = ArrayScaler(method).fit(X)
    if method == "standard":
        scale = X.std()
    assert isinstance(scaler.center_, float)
    assert isinstance(scaler.scale_, float)
    assert scaler.center_ == pytest.approx(center)
    assert scaler.scale_ == pytest.approx(scale)
    assert_allclose(scaler.transform(X), (X - center) / scale)


def test_the_default_divides_pixels_by_their_maximum():
    pixels = np.array([[0, 51], [255, 102]], dtype=np.uint8)
    assert_allclose(ArrayScaler().fit_transform(pixels), pixels / 255, rtol=1e-6)


@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e100])
def test_constant_features_are_not_divided_by_zero(method, axis, value):
    X = np.full((30, 2), value)
    scaler = ArrayScaler(method, axis).fit(X)
    expected = abs(value) if method == "max" and value else 1.0
    assert_array_equal(scaler.scale_, np.full(np.shape(scaler.scale_), expected))
    assert_allclose(scaler.inverse_transform(scaler.transform(X)), X)


def test_a_scale_too_small_to_divide_by_is_one():
    X = np.array([[0.0], [1e-310]])
    assert ArrayScaler("minmax").fit(X).scale_ == 1.0


def test_int8_extremes_do_not_wrap():
    X = np.array([[-128], [127]], dtype=np.int8)
    assert_array_equal(
        ArrayScaler("minmax").fit_transform(X), np.float32([[0.0], [1.0]])
    )
    assert ArrayScaler("max").fit(X).scale_ == 128.0


# Dtypes, copies, containers


@pytest.mark.parametrize(
    ("given_dtype", "result_dtype"),
    [
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("bool", "float32"),
        ("uint8", "float32"),
        ("int16", "float32"),
        ("uint16", "float32"),
        ("int32", "float64"),
        ("uint64", "float64"),
    ],
)
@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("method", METHODS)
def test_result_dtype(method, axis, given_dtype, result_dtype):
    X = np.array([[0, 1], [1, 0], [1, 1]], dtype=given_dtype)
    scaler = ArrayScaler(method, axis)
    scaled = scaler.fit_transform(X)
    assert scaled.dtype == result_dtype
    assert scaler.inverse_transform(scaled).dtype == result_dtype
    assert_allclose(scaler.inverse_transform(scaled), X, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_of_the_callers_is_changed_or_shared(method):
    X = np.random.default_rng(0).normal(size=(5, 3))
    before = X.copy()
    scaler = ArrayScaler(method)
    scaled = scaler.fit_transform(X)
    original = scaler.inverse_transform(scaled)
    assert_array_equal(X, before)
    assert not np.shares_memory(X, scaled)
    assert not np.shares_memory(scaled, original)


def test_no_float64_copy_of_bytes_is_made():
    images = np.zeros((4000, 40, 40), dtype=np.uint8)  # 6.4 MB; 51 MB as float64
    images[0] = 255
    for scaler in ALL_SCALERS:
        tracemalloc.start()
        try:
            clone(scaler).fit(images)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 25e6, scaler


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_data_frames_in_and_out(frame):
    X = frame({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 2.0]})
    library = "pandas" if frame is pd.DataFrame else "polars"
    scaler = ArrayScaler(axis=0).set_output(transform=library)
    scaled = scaler.fit_transform(X)
    assert isinstance(scaled, frame)
    assert list(scaled.columns) == ["a", "b"]
    assert list(scaler.feature_names_in_) == ["a", "b"]
    assert_allclose(scaled.to_numpy(), [[0.25, 0], [0.5, 0.5], [1, 1]])


def test_feature_names_are_of_the_flattened_features():
    scaler = ArrayScaler().fit(np.ones((2, 2, 3)))
    expected = ["x0", "x1", "x2", "x3", "x4", "x5"]
    assert scaler.get_feature_names_out().tolist() == expected


def test_images_pass_through_a_pipeline():
    images = np.random.default_rng(0).integers(0, 256, (6, 3, 3), dtype=np.uint8)
    pipe = make_pipeline(ArrayScaler(), ArrayScaler("standard", axis=0))
    scaled = pipe.fit_transform(images)
    assert scaled.shape == images.shape
    assert_allclose(pipe.inverse_transform(scaled), images, atol=1e-3)


# Bad inputs


def test_bad_parameters_are_named_together():
    message = (
        "method must be one of max, minmax, mean, standard; got 'maximum'. axis must "
        "be None (statistics of the whole array) or 0 (of each feature); got 1."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        ArrayScaler("maximum", axis=1).fit([[1.0]])


@pytest.mark.parametrize("axis", [False, 0.0, (0,), "0"])
def test_axis_is_none_or_the_integer_zero(axis):
    with pytest.raises(ValueError, match=re.escape(f"got {axis!r}.")):
        ArrayScaler(axis=axis).fit([[1.0]])


def test_rows_need_as_many_features_as_in_fit():
    scaler = ArrayScaler().fit(np.ones((2, 3)))
    message = "X has 2 features, but ArrayScaler is expecting 3 features as input."
    with pytest.raises(ValueError, match=re.escape(message)):
        scaler.transform(np.ones((2, 2)))
    with pytest.raises(ValueError, match=re.escape(message)):
        scaler.inverse_transform(np.ones((2, 2)))


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 12), (2, 4, 3, 1)])
def test_images_need_the_shape_of_fit(shape):
    scaler = ArrayScaler().fit(np.ones((2, 4, 3)))
    message = (
        f"X has samples of shape {shape[1:]}, but ArrayScaler is expecting samples of "
        "shape (4, 3), as in fit. Reshape X, or fit again."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        scaler.transform(np.ones(shape))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones(3), "Expected 2D array, got 1D array instead"),
        (np.ones((3, 0, 2)), "Found array with an empty axis (shape=(3, 0, 2))"),
        (np.ones((0, 3, 2)), "Found array with 0 sample(s)"),
        (np.full((2, 2, 2), np.nan), "Input X contains NaN."),
        (np.full((2, 2), np.inf), "Input X contains infinity"),
        (np.ones((2, 2), dtype=complex), "Complex data not supported"),
    ],
)
def test_bad_arrays_are_refused(X, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ArrayScaler().fit(X)


def test_transforms_need_a_fit():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        ArrayScaler().transform([[1.0]])
    with pytest.raises(NotFittedError, match="not fitted yet"):
        ArrayScaler().inverse_transform([[1.0]])


# Round trips over shapes and dtypes


def _arrays():
    dtypes = st.sampled_from(["float32", "float64", "uint8", "int16", "int32", "bool"])
    shapes = hnp.array_shapes(min_dims=2, max_dims=5, max_side=4)

    def of_dtype(dtype):
        floats = np.issubdtype(dtype, np.floating)
        limits = {"min_value": -1e6, "max_value": 1e6} if floats else {}
        return hnp.arrays(
            dtype, shapes, elements=hnp.from_dtype(np.dtype(dtype), **limits)
        )

    return dtypes.flatmap(of_dtype)


@settings(deadline=None)
@given(_arrays(), st.sampled_from(METHODS), st.sampled_from([None, 0]))
def test_inverse_transform_gives_the_array_back(X, method, axis):
    scaler = ArrayScaler(method, axis).fit(X)
    scaled = scaler.transform(X)
    assert scaled.shape == X.shape
    assert np.isfinite(scaled).all()
    original = scaler.inverse_transform(scaled)
    size = max(1.0, float(np.abs(X.astype(np.float64)).max()))
    assert_allclose(original, X, atol=4 * size * float(np.finfo(scaled.dtype).eps))


@settings(deadline=None)
@given(_arrays(), st.sampled_from([None, 0]))
def test_minmax_lies_between_zero_and_one_and_max_within_one(X, axis):
    slack = 1e-6
    scaled = ArrayScaler("minmax", axis).fit_transform(X)
    assert scaled.min() >= -slack
    assert scaled.max() <= 1 + slack
    assert np.abs(ArrayScaler("max", axis).fit_transform(X)).max() <= 1 + slack
