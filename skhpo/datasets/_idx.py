"""The IDX format, in which MNIST and its kin come.

An IDX file is two zero bytes, a byte for the type of the values, a byte for the number
of axes, the length of each axis as a big-endian uint32, and then the values.
"""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTES = 0x08


def read_idx(path: Path, n_axes: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, compressed by gzip or not.

    Parameters
    ----------
    path : Path
        The file.
    n_axes : int
        The number of axes that it must have.

    Returns
    -------
    values : ndarray of uint8
        The values, read-only.

    Raises
    ------
    ValueError
        If the file is truncated, corrupt, longer than its header says, or is not IDX,
        not of unsigned bytes or not of so many axes. The message names the file.
    """
    content = _read_bytes(path)
    header_size = 4 + 4 * n_axes
    magic = bytes([0, 0, _UNSIGNED_BYTES, n_axes])
    if content[:4] != magic[: len(content)]:
        raise ValueError(
            f"{path} is not an IDX file of unsigned bytes with {n_axes} axes: it must "
            f"begin with the bytes {magic.hex(' ')}, but begins with "
            f"{content[:4].hex(' ')}. Replace it by the original file."
        )
    if len(content) < header_size:
        raise ValueError(
            f"{path} is truncated: its header must have {header_size} bytes, but the "
            f"file has {len(content)}. Replace it by the original file."
        )
    shape = np.frombuffer(content, dtype=">u4", count=n_axes, offset=4).tolist()
    expected = header_size + prod(shape)
    if len(content) != expected:
        what = "is truncated" if len(content) < expected else "has trailing bytes"
        raise ValueError(
            f"{path} {what}: an IDX file of shape {tuple(shape)} must have {expected} "
            f"bytes, but this has {len(content)}. Replace it by the original file."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header_size).reshape(shape)


def _read_bytes(path: Path) -> bytes:
    content = path.read_bytes()
    # By content, not by name: browsers unpack files and leave the ending.
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is truncated or corrupt: gzip says {str(error)!r}. Replace it by "
            "the original file."
        ) from error
