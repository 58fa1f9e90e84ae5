"""Small pages for the tests of the U-Net."""

from functools import partial

import keras
import numpy as np

from skhpo import KerasUNet

unet = partial(KerasUNet, 2, net_depth=1, epochs=2, random_state=0, learning_rate=0.02)


def pages(n_samples=12, height=16, width=16, seed=0):
    """Return noisy images, and masks of paper (0), blocks (1) and rare marks (2)."""
    random = np.random.default_rng(seed)
    y = np.zeros((n_samples, height, width), dtype=np.int64)
    for mask in y:
        top, left = random.integers(0, height // 2), random.integers(0, width // 2)
        mask[top : top + height // 2, left : left + width // 2] = 1
        mask[random.integers(height), random.integers(width)] = 2
    X = y * 0.4 + 0.1 * random.random(y.shape)
    return X.astype(np.float32), y


def one_hot(y, n_classes=3):
    return np.eye(n_classes, dtype=np.uint8)[y]


class Pages(keras.utils.PyDataset):
    """Batches of four."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = parts
        self.taken = 0

    def __len__(self):
        return -(-len(self.parts[0]) // 4)

    def __getitem__(self, i):
        self.taken += 1
        return tuple(part[4 * i : 4 * i + 4] for part in self.parts)


def assert_same_state(one, other):
    assert one.history_ == other.history_
    for name in ("variables", "optimizer"):
        pair = [getattr(network.model_, name) for network in (one, other)]
        mine, others = (getattr(part, "variables", part) for part in pair)
        for a, b in zip(mine, others, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
