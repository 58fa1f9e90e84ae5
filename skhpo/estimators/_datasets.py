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


def first_features(dataset: Dataset) -> np.ndarray:
    """Return the features of the first batch."""
    return next(_batches(dataset))[0]


def targets_of(dataset: Dataset) -> np.ndarray:
    """Return all targets of a dataset, by going through it once."""
    return np.concatenate([batch[1] for batch in _batches(dataset)])


def encoded(dataset: Dataset, encode: Callable[[tuple], tuple]) -> Dataset:
    """Return the dataset with every batch passed through `encode`."""
    if isinstance(dataset, keras.utils.PyDataset):
        return _EncodedPyDataset(dataset, encode)
    signature = tuple(
        tf.TensorSpec([None, *part.shape[1:]], part.dtype)
        for part in encode(next(_batches(dataset)))
    )
    return tf.data.Dataset.from_generator(
        lambda: map(encode, _batches(dataset)), output_signature=signature
    )


def _batches(dataset: Dataset) -> Iterator[tuple]:
    if isinstance(dataset, tf.data.Dataset):
        if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                "A tf.data.Dataset given as X must end, got one that repeats for ever; "
                "drop .repeat(): fit goes through it once for each of its epochs"
            )
        batches = dataset.as_numpy_iterator()
    else:
        batches = (dataset[i] for i in range(dataset.num_batches))
    for batch in batches:
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
            raise ValueError(
                "A dataset given as X must give batches (X, y) or (X, y, "
                f"sample_weight), got {type(batch).__name__}"
                + (f" of {len(batch)}" if isinstance(batch, tuple | list) else "")
            )
        yield tuple(np.asarray(part) for part in batch)


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
        return self._encode(tuple(np.asarray(part) for part in self._dataset[i]))

    def on_epoch_end(self) -> None:
        self._dataset.on_epoch_end()
