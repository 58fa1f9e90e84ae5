"""Data that come in batches: `keras.utils.PyDataset` and `tf.data.Dataset`."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Dataset = keras.utils.PyDataset | tf.data.Dataset


def is_dataset(X: Any) -> bool:
    """Tell whether X comes in batches."""
    return isinstance(X, Dataset)


def check_given_alone(dataset: Dataset, y: Any, sample_weight: Any) -> None:
    """Raise where targets or weights are given beside the dataset that has them."""
    if y is not None or sample_weight is not None:
        raise ValueError(
            f"y and sample_weight must be None when X is a {type(dataset).__name__}, "
            "which gives them with its batches as (X, y, sample_weight)"
        )


def check_not_split(estimator: Any, X_val: Any) -> None:
    """Raise where an estimator's settings would split a dataset, or look it up."""
    if estimator.checkpoint_dir is not None:
        raise ValueError(
            "checkpoint_dir must be None when X is a dataset, whose fits cannot be "
            f"told apart, got {estimator.checkpoint_dir!r}; use the callback "
            "keras.callbacks.BackupAndRestore"
        )
    monitors = estimator.early_stopping and estimator.monitor.startswith("val_")
    if monitors and X_val is None:
        raise ValueError(
            "Early stopping must be given X_val and y_val when X is a dataset, which "
            f"cannot be split, got none for monitor={estimator.monitor!r}; or monitor "
            "a value of the training data"
        )


def first_features(dataset: Dataset) -> np.ndarray:
    """Return the features of the first batch."""
    return next(batches_of(dataset))[0]


def targets_of(dataset: Dataset) -> np.ndarray:
    """Return all targets of a dataset, by going through it once."""
    return np.concatenate([batch[1] for batch in batches_of(dataset)])


def arrays_of(dataset: Dataset) -> tuple[np.ndarray, ...]:
    """Return what all batches hold together."""
    return tuple(
        np.concatenate(part) for part in zip(*batches_of(dataset), strict=True)
    )


def encoded(dataset: Dataset, encode: Callable[[tuple], tuple]) -> Dataset:
    """Return the dataset with every batch passed through `encode`."""
    if isinstance(dataset, keras.utils.PyDataset):
        return _EncodedPyDataset(dataset, encode)
    signature = keras.tree.map_structure(
        lambda part: tf.TensorSpec([None, *part.shape[1:]], part.dtype),
        encode(next(batches_of(dataset))),
    )
    batches = tf.data.Dataset.from_generator(
        lambda: map(encode, batches_of(dataset)), output_signature=signature
    )
    n_batches = dataset.cardinality()
    if n_batches == tf.data.UNKNOWN_CARDINALITY:
        return batches
    # Keras warns of data that end before it knows they would.
    return batches.apply(tf.data.experimental.assert_cardinality(n_batches))


def batches_of(dataset: Dataset) -> Iterator[tuple]:
    """Yield the batches of one round through a dataset, as arrays."""
    if isinstance(dataset, tf.data.Dataset):
        endless = dataset.cardinality() == tf.data.INFINITE_CARDINALITY
        batches = dataset.as_numpy_iterator()
    else:
        endless = dataset.num_batches is None
        batches = (dataset[i] for i in range(dataset.num_batches or 0))
    name = type(dataset).__name__
    if endless:
        raise ValueError(
            f"A dataset given as X must end, got a {name} that goes on for ever; drop "
            "its .repeat(), or let num_batches say where it ends: fit goes through it "
            "once for each of its epochs"
        )
    batch = None
    for batch in batches:
        _check_batch(batch, name)
        yield tuple(_as_array(part) for part in batch)
    if batch is None:
        raise ValueError(f"A dataset given as X must hold samples, got an empty {name}")


def _check_batch(batch: Any, name: str) -> None:
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        got = type(batch).__name__
        got += f" of {len(batch)}" if isinstance(batch, tuple | list) else ""
        raise ValueError(
            f"A dataset given as X must give batches (X, y) or (X, y, sample_weight), "
            f"got a {name} that gives {got}"
        )
    if np.ndim(batch[1]) == 0:
        raise ValueError(
            f"A dataset given as X must give batches of samples, got a {name} that "
            "gives them one by one; use its .batch(batch_size)"
        )


def _as_array(part: Any) -> np.ndarray:
    """Return an array; TensorFlow keeps strings as bytes."""
    array = np.asarray(part)
    if array.dtype == object and array.size and isinstance(array.flat[0], bytes):
        return np.char.decode(array.astype(bytes), "utf-8")
    return array


class _EncodedPyDataset(keras.utils.PyDataset):
    """Another dataset's batches, encoded; its hooks and its order are its own."""

    def __init__(self, dataset: keras.utils.PyDataset, encode: Callable) -> None:
        super().__init__(
            workers=dataset.workers,
            use_multiprocessing=dataset.use_multiprocessing,
            max_queue_size=dataset.max_queue_size,
        )
        self._dataset, self._encode = dataset, encode

    def __len__(self) -> int:
        return self._dataset.num_batches

    def __getitem__(self, i: int) -> tuple:
        return self._encode(tuple(_as_array(part) for part in self._dataset[i]))

    def on_epoch_begin(self) -> None:
        self._dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self._dataset.on_epoch_end()
