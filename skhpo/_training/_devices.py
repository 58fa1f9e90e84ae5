"""Where the work runs: a worker's share of the cores, and the memory of a GPU."""

import contextlib
import gc

import tensorflow as tf

from .._compat import threads_of_worker

# Data beyond this size stay on the host, and go to the device batch by batch.
LARGEST_ON_DEVICE = 2 * 2**30


def settle_into_worker() -> None:
    """Take no more of the machine than a worker process started by joblib was granted.

    TensorFlow starts a thread for every core in every process and lets the first
    process take the whole memory of a GPU. Elsewhere than in such a worker nothing is
    changed. Python's collector is told to leave alone what is imported by now.
    """
    threads = threads_of_worker()
    if threads is None:
        return
    # Where psutil is not installed, joblib's workers collect garbage every second, and
    # spend a fifth of their time on the objects of TensorFlow, which none of it are.
    gc.freeze()
    # Once TensorFlow has run its first operation it refuses both settings; whoever
    # ran it has chosen.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)


def device_for(n_bytes: int) -> contextlib.AbstractContextManager:
    """Return the device scope for data of this size, in bytes, to be kept in."""
    if n_bytes > LARGEST_ON_DEVICE and tf.config.list_physical_devices("GPU"):
        return tf.device("CPU:0")
    return contextlib.nullcontext()
