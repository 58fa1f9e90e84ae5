import gzip
import re
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skhpo.datasets._idx import read_idx


def _idx(values, magic=None):
    magic = bytes([0, 0, 8, values.ndim]) if magic is None else magic
    return magic + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


VALUES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
CONTENT = _idx(VALUES)
COMPRESSED = gzip.compress(CONTENT, mtime=0)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("idx") / "images"


@pytest.mark.parametrize("content", [CONTENT, COMPRESSED], ids=["plain", "gzip"])
def test_values_are_read(path, content):
    path.write_bytes(content)
    values = read_idx(path, n_axes=3)
    assert values.dtype == np.uint8
    assert_array_equal(values, VALUES)


def test_files_without_samples_are_read(path):
    path.write_bytes(_idx(np.zeros((0, 28, 28), dtype=np.uint8)))
    assert read_idx(path, n_axes=3).shape == (0, 28, 28)


@settings(deadline=None)
@given(st.integers(0, len(CONTENT) - 1))
def test_truncated_anywhere_is_an_error_that_names_the_file(path, length):
    path.write_bytes(CONTENT[:length])
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))} is truncated: "):
        read_idx(path, n_axes=3)


@settings(deadline=None)
@given(st.integers(0, len(COMPRESSED) - 1))
def test_gzip_truncated_anywhere_is_an_error_that_names_the_file(path, length):
    path.write_bytes(COMPRESSED[:length])
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))} is "):
        read_idx(path, n_axes=3)


@settings(deadline=None)
@given(st.integers(0, len(COMPRESSED) - 1), st.integers(1, 255))
def test_a_changed_byte_never_changes_the_values(path, place, change):
    content = bytearray(COMPRESSED)
    content[place] ^= change
    path.write_bytes(content)
    try:
        values = read_idx(path, n_axes=3)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:  # a byte of gzip's header that says nothing of the content
        assert_array_equal(values, VALUES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            CONTENT + b"\x00",
            "has trailing bytes: an IDX file of shape (2, 3, 4) must have 40 bytes, "
            "but this has 41. Replace it by the original file.",
        ),
        (COMPRESSED + b"junk", 'is truncated or corrupt: gzip says "Not a gzipped'),
        (CONTENT[:10], "is truncated: its header must have 16 bytes, but the file has"),
        (
            _idx(VALUES, magic=b"\x00\x00\x0d\x03"),
            "is not an IDX file of unsigned bytes with 3 axes: it must begin with the "
            "bytes 00 00 08 03, but begins with 00 00 0d 03. Replace it by the",
        ),
        (_idx(VALUES[0]), "but begins with 00 00 08 02."),
        (b"\x89PNG\r\n", "but begins with 89 50 4e 47."),
        (
            b"\x00\x00\x08\x03" + b"\xff" * 12 + b"\x00",
            "is truncated: an IDX file of shape (4294967295, 4294967295, 4294967295)",
        ),
    ],
)
def test_foreign_and_damaged_files_are_refused(path, content, message):
    path.write_bytes(content)
    pattern = f"^{re.escape(str(path))} (.* )?{re.escape(message)}"
    with pytest.raises(ValueError, match=pattern):
        read_idx(path, n_axes=3)
