import gzip
import os
import re
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.utils import Bunch

from skhpo.datasets import fetch_fashion_mnist, fetch_mnist

REAL_DATA = Path(
    os.environ.get("SKHPO_DATA", Path(__file__).parents[3] / "shared" / "data")
)
FETCHERS = {"mnist": fetch_mnist, "fashion-mnist": fetch_fashion_mnist}
PREFIXES = {"train": "train", "test": "t10k"}


@pytest.fixture(autouse=True)
def keras_home(tmp_path, monkeypatch):
    """Leave no real place to look in, and no way to the internet."""
    home = tmp_path / "keras_home"
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.delenv("SKHPO_DATA", raising=False)
    monkeypatch.setitem(sys.modules, "keras", None)
    return home


@pytest.fixture(params=FETCHERS)
def name(request):
    return request.param


@pytest.fixture
def fetch(name):
    return FETCHERS[name]


def _made_up(seed=0, n_samples=3, side=28):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n_samples, side, side), dtype=np.uint8)
    return images, rng.integers(0, 10, n_samples, dtype=np.uint8)


def _write_pair(folder, part, images, labels, compressed=True):
    folder.mkdir(parents=True, exist_ok=True)
    for kind, values in (("images", images), ("labels", labels)):
        name = f"{PREFIXES[part]}-{kind}-idx{values.ndim}-ubyte"
        header = bytes([0, 0, 8, values.ndim])
        header += struct.pack(f">{values.ndim}I", *values.shape)
        content = header + values.tobytes()
        path = folder / (f"{name}.gz" if compressed else name)
        path.write_bytes(gzip.compress(content, mtime=0) if compressed else content)


def _write_all(folder, seed=0):
    train, test = _made_up(seed), _made_up(seed + 1, n_samples=2)
    _write_pair(folder, "train", *train)
    _write_pair(folder, "test", *test)
    return train, test


def _stub_keras(monkeypatch, load_data):
    module = SimpleNamespace(load_data=load_data)
    datasets = SimpleNamespace(mnist=module, fashion_mnist=module)
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(datasets=datasets))


# What comes back


def test_a_bunch_as_scikit_learn_has_them(tmp_path, fetch, name):
    (images, labels), _ = _write_all(tmp_path)
    bunch = fetch(data_home=tmp_path)
    assert isinstance(bunch, Bunch)
    assert set(bunch) == {"data", "images", "target", "target_names", "DESCR"}
    assert bunch.data.dtype == bunch.images.dtype == np.uint8
    assert_array_equal(bunch.images, images)
    assert_array_equal(bunch.data, images.reshape(3, 784))
    assert np.shares_memory(bunch.data, bunch.images)
    assert bunch.data.flags.writeable
    assert bunch.target.dtype == np.int64
    assert_array_equal(bunch.target, labels)
    assert bunch.target_names.shape == (10,)
    assert bunch.target_names[9] == {"mnist": "9", "fashion-mnist": "Ankle boot"}[name]
    assert bunch.DESCR.lower().startswith(name)


def test_subsets(tmp_path, fetch):
    train, test = _write_all(tmp_path)
    for subset, parts in (("train", [train]), ("test", [test]), ("all", [train, test])):
        X, y = fetch(data_home=tmp_path, subset=subset, return_X_y=True)
        expected = np.concatenate([images.reshape(-1, 784) for images, _ in parts])
        assert_array_equal(X, expected)
        assert_array_equal(y, np.concatenate([labels for _, labels in parts]))


def test_subset_must_be_one_of_three(fetch):
    message = "subset must be one of train, test, all; got 'validation'."
    with pytest.raises(ValueError, match=re.escape(message)):
        fetch(subset="validation")


# Where it is looked for


@pytest.mark.parametrize("compressed", [True, False])
def test_only_the_files_of_the_subset_are_needed(tmp_path, fetch, compressed):
    images, labels = _made_up()
    _write_pair(tmp_path, "test", images, labels, compressed=compressed)
    assert_array_equal(fetch(data_home=str(tmp_path), subset="test").images, images)


def test_the_subfolder_comes_before_the_folder(tmp_path, fetch, name):
    _write_all(tmp_path, seed=0)
    (images, _), _ = _write_all(tmp_path / name, seed=10)
    assert_array_equal(fetch(data_home=tmp_path).images, images)


def test_places_are_looked_in_in_order(tmp_path, keras_home, fetch, name, monkeypatch):
    by_keras = _made_up(seed=30)
    _stub_keras(monkeypatch, lambda: (by_keras, by_keras))
    assert_array_equal(fetch(data_home=tmp_path / "home").images, by_keras[0])

    in_cache = _made_up(seed=20)
    if name == "mnist":
        (keras_home / "datasets").mkdir(parents=True)
        archive = keras_home / "datasets" / "mnist.npz"
        np.savez(archive, x_train=in_cache[0], y_train=in_cache[1])
    else:
        _write_pair(keras_home / "datasets" / "fashion-mnist", "train", *in_cache)
    assert_array_equal(fetch(data_home=tmp_path / "home").images, in_cache[0])
    assert_array_equal(fetch(download_if_missing=False).images, in_cache[0])

    (in_variable, _), _ = _write_all(tmp_path / "variable", seed=10)
    monkeypatch.setenv("SKHPO_DATA", str(tmp_path / "variable"))
    assert_array_equal(fetch(data_home=tmp_path / "home").images, in_variable)

    (in_home, _), _ = _write_all(tmp_path / "home", seed=0)
    assert_array_equal(fetch(data_home=tmp_path / "home").images, in_home)


def test_the_keras_cache_is_in_the_home_folder(tmp_path, fetch, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(OSError, match=re.escape(f"{tmp_path}/.keras/datasets/")):
        fetch(download_if_missing=False)


def test_an_incomplete_data_home_is_not_passed_over(tmp_path, fetch, name, monkeypatch):
    _write_all(tmp_path / "variable")
    monkeypatch.setenv("SKHPO_DATA", str(tmp_path / "variable"))
    home = tmp_path / "home"
    _write_pair(home, "train", *_made_up())
    (home / "train-labels-idx1-ubyte.gz").unlink()
    title = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}[name]
    message = (
        f"{title} was not found, and download_if_missing=False. Looked in "
        f"{home / name} (no train-images-idx3-ubyte[.gz], no train-labels-idx1-ubyte"
        f"[.gz]); {home} (no train-labels-idx1-ubyte[.gz]). Put the IDX files into a "
        "folder and pass it as data_home, or name it in the environment variable "
        "SKHPO_DATA. Or let it be downloaded, with download_if_missing=True."
    )
    with pytest.raises(OSError, match=f"^{re.escape(message)}$"):
        fetch(data_home=home, download_if_missing=False)


def test_a_failed_download_says_where_was_looked(
    tmp_path, keras_home, fetch, name, monkeypatch
):
    def fail():
        raise Exception("URL fetch failure: no route to host")

    _stub_keras(monkeypatch, fail)
    monkeypatch.setenv("SKHPO_DATA", str(tmp_path))
    cached = "mnist.npz" if name == "mnist" else "fashion-mnist"
    with pytest.raises(OSError, match="Keras could not download it") as caught:
        fetch()
    message = str(caught.value)
    assert "(URL fetch failure: no route to host). Looked in" in message
    assert str(tmp_path / name) in message
    assert str(keras_home / "datasets" / cached) in message
    assert "pass it as data_home" in message


# Damaged and foreign files


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (
            _made_up(n_samples=3)[0],
            _made_up(n_samples=2)[1],
            "train-images-idx3-ubyte.gz holds 3 images, but ",
        ),
        (
            _made_up(side=14)[0],
            _made_up()[1],
            "must hold images of 28 x 28 unsigned bytes, but holds uint8 of shape "
            "(3, 14, 14). Replace it by the original file.",
        ),
        (
            _made_up()[0],
            np.array([1, 46, 3], dtype=np.uint8),
            "must hold one row of labels, unsigned bytes from 0 to 9, but holds uint8 "
            "of shape (3,) up to 46. Replace it by the original file.",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, fetch, images, labels, message):
    _write_pair(tmp_path, "train", images, labels)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        fetch(data_home=tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("kind", ["images-idx3", "labels-idx1"])
def test_a_truncated_file_is_named(tmp_path, fetch, kind):
    _write_all(tmp_path)
    path = tmp_path / f"train-{kind}-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match=re.escape(f"{path} is truncated or corrupt")):
        fetch(data_home=tmp_path)


def test_images_in_place_of_labels_are_refused(tmp_path, fetch):
    _write_all(tmp_path)
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    path.write_bytes((tmp_path / "train-images-idx3-ubyte.gz").read_bytes())
    with pytest.raises(ValueError, match=re.escape(f"{path} is not an IDX file")):
        fetch(data_home=tmp_path)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A made-up archive, and the bytes of a whole one."""
    path = tmp_path_factory.mktemp("cache") / "datasets" / "mnist.npz"
    path.parent.mkdir()
    images, labels = _made_up(n_samples=1)
    np.savez_compressed(path, x_train=images // 255, y_train=labels)
    return path, path.read_bytes()


def _fetch_from_archive(path, content):
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("KERAS_HOME", str(path.parents[1]))
        return fetch_mnist(download_if_missing=False)


@settings(deadline=None)
@given(fraction=st.floats(0, 1, exclude_max=True))
def test_a_truncated_archive_of_keras_is_named(archive, fraction):
    path, content = archive
    with pytest.raises(ValueError, match=re.escape(f"{path} is truncated, corrupt or")):
        _fetch_from_archive(path, content[: int(fraction * len(content))])


@settings(deadline=None)
@given(fraction=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_a_changed_byte_in_the_archive_never_changes_the_data(
    archive, fraction, change
):
    path, content = archive
    damaged = bytearray(content)
    damaged[int(fraction * len(content))] ^= change
    expected = _fetch_from_archive(path, content)
    try:
        bunch = _fetch_from_archive(path, damaged)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert_array_equal(bunch.data, expected.data)
        assert_array_equal(bunch.target, expected.target)


def test_an_archive_of_other_arrays_is_refused(keras_home):
    path = keras_home / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, x_train=np.zeros((2, 28, 28)), y_train=np.zeros(2, np.uint8))
    message = f"{path} must hold images of 28 x 28 unsigned bytes, but holds float64"
    with pytest.raises(ValueError, match=re.escape(message)):
        fetch_mnist(download_if_missing=False)
    with pytest.raises(ValueError, match=re.escape("Delete it, and it can be")):
        fetch_mnist(subset="test", download_if_missing=False)


# The real files


@pytest.mark.parametrize("subset", ["train", "test"])
def test_the_original_files(fetch, name, subset):
    if not (REAL_DATA / name).is_dir():
        pytest.skip(f"no original files in {REAL_DATA / name}; name them in SKHPO_DATA")
    bunch = fetch(data_home=REAL_DATA, subset=subset, download_if_missing=False)
    n_samples = {"train": 60_000, "test": 10_000}[subset]
    assert bunch.data.shape == (n_samples, 784)
    assert bunch.images.shape == (n_samples, 28, 28)
    counts = np.bincount(bunch.target)
    assert len(counts) == 10
    if name == "fashion-mnist":
        assert_array_equal(counts, n_samples // 10)
    first = {"mnist": {"train": 5, "test": 7}, "fashion-mnist": {"train": 9, "test": 9}}
    assert bunch.target[0] == first[name][subset]


def test_pixels_are_those_that_keras_reads():
    folder = REAL_DATA / "fashion-mnist"
    if not folder.is_dir():
        pytest.skip(f"no original files in {folder}; name them in SKHPO_DATA")
    X, _ = fetch_fashion_mnist(data_home=folder, subset="test", return_X_y=True)
    # As keras.datasets.fashion_mnist.load_data has it.
    with gzip.open(folder / "t10k-images-idx3-ubyte.gz", "rb") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16)
    assert_array_equal(X.ravel(), pixels)
