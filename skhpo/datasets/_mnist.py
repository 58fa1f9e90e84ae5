"""MNIST and Fashion-MNIST, as scikit-learn's `fetch_*` functions give data sets."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from ._sources import Home, Pair, Source, find_or_download

_Subset = Literal["train", "test", "all"]

_PARTS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}

_MNIST = Source(
    title="MNIST", folder="mnist", keras_name="mnist", keras_archive="mnist.npz"
)
_DIGITS = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
_MNIST_DESCRIPTION = """\
MNIST
-----
Grey images of handwritten digits, 28 x 28 pixels of 0 (paper) to 255 (ink):
60,000 for training and 10,000, by other writers, for testing. 10 classes.

Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to
document recognition", Proceedings of the IEEE 86(11), 1998.
"""

_FASHION_MNIST = Source(
    title="Fashion-MNIST",
    folder="fashion-mnist",
    keras_name="fashion_mnist",
    keras_archive=None,
)
_CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_FASHION_MNIST_DESCRIPTION = """\
Fashion-MNIST
-------------
Grey images of clothing, 28 x 28 pixels of 0 (background) to 255: 60,000 for training
and 10,000 for testing. 10 classes. Made to take the place of MNIST, and harder.

H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for
benchmarking machine learning algorithms", arXiv:1708.07747, 2017.
"""


def fetch_mnist(
    *,
    data_home: Home = None,
    subset: _Subset = "train",
    download_if_missing: bool = True,
    return_X_y: bool = False,
) -> Bunch | tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Load MNIST, the handwritten digits (classification).

    =================   =====================================
    Classes                                                10
    Samples total        70,000 (60,000 train + 10,000 test)
    Dimensionality                                784 (28x28)
    Features                              integers, 0 to 255
    =================   =====================================

    The four IDX files, compressed by gzip or not, or Keras's own copy are looked for
    in this order:

    1. `data_home`, if given: in its subfolder `mnist`, then in itself;
    2. the folder that the environment variable `SKHPO_DATA` names, likewise;
    3. the cache of Keras: `datasets/mnist.npz` in `$KERAS_HOME`, or in `~/.keras`;
    4. the internet, by :func:`keras.datasets.mnist.load_data`, which leaves a copy in
       the cache of Keras.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The folder with the IDX files, or with a subfolder `mnist` that has them.
    subset : {"train", "test", "all"}, default="train"
        Which samples to load: the training set, the test set, or both, the training
        set first. Only the files of these are needed.
    download_if_missing : bool, default=True
        If False, nothing is downloaded, and a `data_home` that is given is the only
        place looked in.
    return_X_y : bool, default=False
        If True, return `(data, target)` instead of a Bunch.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : ndarray of uint8, of shape (n_samples, 784)
            One image a row.
        images : ndarray of uint8, of shape (n_samples, 28, 28)
            The same images, a view of `data`.
        target : ndarray of int64, of shape (n_samples,)
            The digit, 0 to 9.
        target_names : ndarray of str, of shape (10,)
            The names of the classes.
        DESCR : str
            The description of the data set.

    (data, target) : tuple if `return_X_y` is True
        `data` and `target` as above.

    Raises
    ------
    ValueError
        If `subset` is none of those allowed, or a file is truncated, corrupt or of
        other data. The message names the file.
    OSError
        If the data is in none of the places and was not, or could not be, downloaded.

    See Also
    --------
    fetch_fashion_mnist : Clothing in the same form.

    Examples
    --------
    >>> from skhpo.datasets import fetch_mnist
    >>> mnist = fetch_mnist(subset="test")  # doctest: +SKIP
    >>> mnist.images.shape  # doctest: +SKIP
    (10000, 28, 28)
    """
    pairs = _load(_MNIST, data_home, subset, download_if_missing)
    return _as_bunch(pairs, _DIGITS, _MNIST_DESCRIPTION, return_X_y)


def fetch_fashion_mnist(
    *,
    data_home: Home = None,
    subset: _Subset = "train",
    download_if_missing: bool = True,
    return_X_y: bool = False,
) -> Bunch | tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Load Fashion-MNIST, the images of clothing (classification).

    =================   =====================================
    Classes                                                10
    Samples total        70,000 (60,000 train + 10,000 test)
    Dimensionality                                784 (28x28)
    Features                              integers, 0 to 255
    =================   =====================================

    The four IDX files, compressed by gzip or not, are looked for in this order:

    1. `data_home`, if given: in its subfolder `fashion-mnist`, then in itself;
    2. the folder that the environment variable `SKHPO_DATA` names, likewise;
    3. the cache of Keras: `datasets/fashion-mnist` in `$KERAS_HOME`, or in `~/.keras`;
    4. the internet, by :func:`keras.datasets.fashion_mnist.load_data`, which leaves
       them in the cache of Keras.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The folder with the IDX files, or with a subfolder `fashion-mnist` that has
        them. The files of MNIST have the same names: only the folder tells them apart.
    subset : {"train", "test", "all"}, default="train"
        Which samples to load: the training set, the test set, or both, the training
        set first. Only the files of these are needed.
    download_if_missing : bool, default=True
        If False, nothing is downloaded, and a `data_home` that is given is the only
        place looked in.
    return_X_y : bool, default=False
        If True, return `(data, target)` instead of a Bunch.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : ndarray of uint8, of shape (n_samples, 784)
            One image a row.
        images : ndarray of uint8, of shape (n_samples, 28, 28)
            The same images, a view of `data`.
        target : ndarray of int64, of shape (n_samples,)
            The kind of clothing, 0 to 9.
        target_names : ndarray of str, of shape (10,)
            The names of the classes.
        DESCR : str
            The description of the data set.

    (data, target) : tuple if `return_X_y` is True
        `data` and `target` as above.

    Raises
    ------
    ValueError
        If `subset` is none of those allowed, or a file is truncated, corrupt or of
        other data. The message names the file.
    OSError
        If the data is in none of the places and was not, or could not be, downloaded.

    See Also
    --------
    fetch_mnist : Handwritten digits in the same form.

    Examples
    --------
    >>> from skhpo.datasets import fetch_fashion_mnist
    >>> X, y = fetch_fashion_mnist(return_X_y=True)  # doctest: +SKIP
    >>> X.shape, y.shape  # doctest: +SKIP
    ((60000, 784), (60000,))
    """
    pairs = _load(_FASHION_MNIST, data_home, subset, download_if_missing)
    return _as_bunch(pairs, _CLOTHES, _FASHION_MNIST_DESCRIPTION, return_X_y)


def _load(
    source: Source, data_home: Home, subset: _Subset, download_if_missing: bool
) -> list[Pair]:
    if subset not in _PARTS:
        raise ValueError(f"subset must be one of {', '.join(_PARTS)}; got {subset!r}.")
    return find_or_download(source, _PARTS[subset], data_home, download_if_missing)


def _as_bunch(
    pairs: Sequence[Pair],
    target_names: Sequence[str],
    description: str,
    return_X_y: bool,
) -> Bunch | tuple[NDArray[np.uint8], NDArray[np.int64]]:
    data = np.concatenate([images.reshape(-1, 28 * 28) for images, _ in pairs])
    # Not bytes, which wrap in arithmetic.
    target = np.concatenate([labels for _, labels in pairs]).astype(np.int64)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        images=data.reshape(-1, 28, 28),
        target=target,
        target_names=np.array(target_names),
        DESCR=description,
    )
