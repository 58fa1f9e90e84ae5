"""Where the data comes from: folders of IDX files, the cache of Keras, the internet."""

import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ._idx import read_idx

Home = str | os.PathLike[str] | None
Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # images, labels

_PREFIXES = {"train": "train", "test": "t10k"}


@dataclass(frozen=True)
class Source:
    """The names that a data set goes by.

    Parameters
    ----------
    title : str
        In messages.
    folder : str
        Of the subfolder with its IDX files.
    keras_name : str
        Of the module in `keras.datasets` that downloads it.
    keras_archive : str or None
        Of the file that this module leaves in the cache of Keras. None: it leaves
        IDX files, in `folder`.
    """

    title: str
    folder: str
    keras_name: str
    keras_archive: str | None


def find_or_download(
    source: Source,
    parts: Sequence[str],
    data_home: Home,
    download_if_missing: bool,
) -> list[Pair]:
    """Load images and labels from the first place that holds all that is asked for.

    Parameters
    ----------
    source : Source
        The data set.
    parts : sequence of {"train", "test"}
        What is asked for.
    data_home : str, path-like or None
        The first folder to look in.
    download_if_missing : bool
        If False, nothing is downloaded, and a `data_home` that is given is the only
        place looked in.

    Returns
    -------
    pairs : list of (images, labels)
        One pair for each of `parts`, arrays of uint8 of shape (n_samples, 28, 28) and
        (n_samples,).

    Raises
    ------
    ValueError
        If what a place holds is not the data set.
    OSError
        If the data is in none of the places and was not, or could not be, downloaded.
    """
    only_data_home = data_home is not None and not download_if_missing
    looked_in = []
    for folder in _idx_folders(source, data_home, only_data_home):
        missing = _missing_files(folder, parts)
        if not missing:
            return [_read_idx_pair(folder, part) for part in parts]
        looked_in.append(f"{folder} (no {', no '.join(missing)})")
    if source.keras_archive and not only_data_home:
        archive = _keras_cache() / source.keras_archive
        if archive.is_file():
            return [_read_keras_archive(archive, part) for part in parts]
        looked_in.append(f"{archive} (no such file)")
    if download_if_missing:
        return _download(source, parts, looked_in)
    raise OSError(
        f"{source.title} was not found, and download_if_missing=False. "
        + _places_and_way_out(looked_in)
        + " Or let it be downloaded, with download_if_missing=True."
    )


def _idx_folders(source: Source, data_home: Home, only_data_home: bool) -> list[Path]:
    homes = [] if data_home is None else [data_home]
    if not only_data_home and (home := os.environ.get("SKHPO_DATA")):
        homes.append(home)
    folders = []
    for home in map(Path, homes):
        # The subfolder first: its name says whose files these are. MNIST and
        # Fashion-MNIST name the files themselves alike.
        folders += [home.expanduser() / source.folder, home.expanduser()]
    if not (only_data_home or source.keras_archive):
        folders.append(_keras_cache() / source.folder)
    return folders


def _keras_cache() -> Path:
    # As Keras has it, without the seconds that importing Keras takes.
    home = os.environ.get("KERAS_HOME", "~/.keras")
    return Path(home).expanduser() / "datasets"


def _missing_files(folder: Path, parts: Sequence[str]) -> list[str]:
    names = [name for part in parts for name in _file_names(part)]
    return [f"{name}[.gz]" for name in names if _path_of(folder, name) is None]


def _file_names(part: str) -> tuple[str, str]:
    prefix = _PREFIXES[part]
    return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"


def _path_of(folder: Path, name: str) -> Path | None:
    candidates = (folder / f"{name}.gz", folder / name)
    return next((path for path in candidates if path.is_file()), None)


def _read_idx_pair(folder: Path, part: str) -> Pair:
    images_path, labels_path = (_path_of(folder, name) for name in _file_names(part))
    images = read_idx(images_path, n_axes=3)
    labels = read_idx(labels_path, n_axes=1)
    _check_pair(images, labels, images_path, labels_path)
    return images, labels


def _read_keras_archive(path: Path, part: str) -> Pair:
    content = io.BytesIO(path.read_bytes())
    try:
        if not zipfile.is_zipfile(content):
            raise ValueError("it is no zip file")
        with np.load(content, allow_pickle=False) as archive:
            images, labels = archive[f"x_{part}"], archive[f"y_{part}"]
    # A damaged file makes zipfile raise errors of a dozen kinds, OSError among them.
    except Exception as error:
        raise ValueError(
            f"{path} is truncated, corrupt or not the archive that Keras leaves: "
            f"{error}. Delete it, and it can be downloaded again."
        ) from error
    _check_pair(images, labels, path, path)
    return images, labels


def _check_pair(
    images: NDArray,
    labels: NDArray,
    images_source: Path | str,
    labels_source: Path | str,
) -> None:
    if images.dtype != np.uint8 or images.shape[1:] != (28, 28):
        raise ValueError(
            f"{images_source} must hold images of 28 x 28 unsigned bytes, but holds "
            f"{images.dtype} of shape {images.shape}. Replace it by the original file."
        )
    if labels.dtype != np.uint8 or labels.ndim != 1 or np.any(labels > 9):
        raise ValueError(
            f"{labels_source} must hold one row of labels, unsigned bytes from 0 to 9, "
            f"but holds {labels.dtype} of shape {labels.shape}"
            f"{f' up to {labels.max()}' if labels.size else ''}. Replace it by the "
            "original file."
        )
    if len(images) != len(labels):
        raise ValueError(
            f"{images_source} holds {len(images)} images, but {labels_source} holds "
            f"{len(labels)} labels. Replace both by the original files of one data set."
        )


def _download(
    source: Source, parts: Sequence[str], looked_in: Sequence[str]
) -> list[Pair]:
    import keras  # takes seconds, and most calls find files

    try:
        loaded = getattr(keras.datasets, source.keras_name).load_data()
    # Keras raises a bare Exception for a URL that it cannot open.
    except Exception as error:
        raise OSError(
            f"{source.title} was not found, and Keras could not download it "
            f"({error}). " + _places_and_way_out(looked_in)
        ) from error
    pairs = dict(zip(("train", "test"), loaded, strict=True))
    for images, labels in pairs.values():
        _check_pair(images, labels, "The download", "the download")
    return [pairs[part] for part in parts]


def _places_and_way_out(looked_in: Sequence[str]) -> str:
    return (
        f"Looked in {'; '.join(looked_in)}. Put the IDX files into a folder and pass "
        "it as data_home, or name it in the environment variable SKHPO_DATA."
    )
