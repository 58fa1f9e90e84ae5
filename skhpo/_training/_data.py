"""Arrays in memory, as the tensors that programs run over."""

import math
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ._devices import device_for

_ALIGNMENT = 64

# Taken at a time: few enough to stay in the processor's cache.
_BYTES_AT_A_TIME = 2**18


class Data(NamedTuple):
    """Samples, their targets, and their weights, where there are any."""

    x: tf.Tensor
    y: tf.Tensor
    sample_weight: tf.Tensor | None = None

    @property
    def parts(self) -> tuple[tf.Tensor, ...]:
        """What a step takes: with weights or without."""
        return self if self.sample_weight is not None else self[:2]

    @property
    def n_samples(self) -> int:
        """How many samples there are."""
        return int(self.x.shape[0])

    @property
    def kind_of_targets(self) -> tuple[int, bool]:
        """What Keras tells classes from one-hot classes by."""
        _, *shape = self.y.shape
        return len(shape), shape[-1:] == [1]


def to_data(
    x: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None
) -> Data:
    """Put arrays into memory once, as Keras would convert them batch by batch."""
    arrays = [x, y]
    if sample_weight is not None:
        arrays.append(np.asarray(sample_weight, dtype=keras.config.floatx()))
    with device_for(sum(array.nbytes for array in arrays)):
        return Data(*map(to_tensor, arrays))


def to_tensor(array: np.ndarray) -> tf.Tensor:
    """Return a tensor of Keras's float type for float64, of the same type else.

    Small types, as the bytes of images, are kept, and cast by the model per batch. The
    array is copied once, into memory that the tensor takes over: `tf.constant` copies
    what was converted and put in order before.
    """
    if array.dtype.kind not in "biuf":
        return tf.constant(array)
    tensor = _tensor_behind(array)
    if tensor is None:
        buffer = _buffer(array.shape, array.dtype)
        np.copyto(buffer, array, casting="same_kind")
        tensor = _tensor_over(buffer)
    # The copy stays where it is on the CPU, and goes to a GPU where there is one.
    return tf.identity(tensor)


def take(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return some rows of numbers as the tensor that `to_tensor` will give for them.

    They are copied once, here. Neither the array nor views of it can be written to.
    """
    buffer = _buffer((len(rows), *array.shape[1:]), array.dtype)
    step = max(1, _BYTES_AT_A_TIME * len(buffer) // max(1, buffer.nbytes))
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        np.copyto(buffer[some], array[rows[some]], casting="same_kind")
    return np.asarray(_Memory(buffer))


class _Memory:
    """The memory of a tensor, as NumPy reads it: the base of arrays made of it."""

    def __init__(self, buffer: np.ndarray) -> None:
        self.tensor = _tensor_over(buffer)
        read_only = {"data": (buffer.ctypes.data, True)}
        self.__array_interface__ = buffer.__array_interface__ | read_only


def _tensor_behind(array: np.ndarray) -> tf.Tensor | None:
    """Return the tensor in whose memory an array is, if it is all of it in order."""
    base = array
    while isinstance(base, np.ndarray):
        base = base.base
    if not isinstance(base, _Memory) or not array.flags.c_contiguous:
        return None
    whole = np.asarray(base)
    is_whole = (array.nbytes, array.dtype) == (whole.nbytes, whole.dtype)
    return tf.reshape(base.tensor, array.shape) if is_whole else None


def _tensor_over(buffer: np.ndarray) -> tf.Tensor:
    """Return a tensor that takes over the memory of an array."""
    return tf.experimental.dlpack.from_dlpack(buffer.__dlpack__())


def _buffer(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return an empty array of the type that numbers have in memory."""
    return _aligned(shape, keras.config.floatx() if dtype == np.float64 else dtype)


def _aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an empty array at an address where processors load fastest."""
    dtype = np.dtype(dtype).newbyteorder("=")
    n_bytes = math.prod(shape) * dtype.itemsize
    memory = np.empty(n_bytes + _ALIGNMENT, dtype=np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + n_bytes].view(dtype).reshape(shape)


def order_of_epoch(n_samples: int, epoch: int, seed: int, shuffle: bool) -> np.ndarray:
    """Return the order in which an epoch takes the samples.

    It depends on the seed and the number of the epoch alone, so that a fit that goes
    on from an epoch needs no record of the generator's state.
    """
    if not shuffle:
        return np.arange(n_samples, dtype=np.int32)
    order = np.random.default_rng((seed, epoch)).permutation(n_samples)
    return order.astype(np.int32)
