"""Spaces for the networks of this package, to begin with."""

from collections.abc import Callable
from functools import partial
from typing import Any


def mlp_space(
    prefix: str = "", *, max_layers: int = 3, max_units: int = 512
) -> Callable[[Any], dict[str, Any]]:
    """Return a space for `KerasMLP` and `KerasMLPRegressor`.

    It has the number of hidden layers, the units and dropout of each, the activation,
    the optimizer, the learning rate, the batch size and the l2 penalty.

    Parameters
    ----------
    prefix : str, default=""
        What comes before the names of parameters in a Pipeline or a meta-estimator,
        such as ``"kerasmlp__"``.

    max_layers : int, default=3
        The most hidden layers.

    max_units : int, default=512
        The most units of a layer; the fewest are 16.

    Returns
    -------
    callable
        A function of Keras Tuner's ``hp``, as `search_spaces` takes it.

    See Also
    --------
    cnn_space : The same for convolutional networks.

    Examples
    --------
    >>> from skhpo import BayesSearchCV, KerasMLP, mlp_space
    >>> search = BayesSearchCV(KerasMLP(early_stopping=True), mlp_space(), n_iter=30)
    """
    return partial(_mlp, prefix=prefix, max_layers=max_layers, max_units=max_units)


def cnn_space(
    prefix: str = "", *, max_blocks: int = 3, max_filters: int = 64
) -> Callable[[Any], dict[str, Any]]:
    """Return a space for `KerasCNN` and `KerasCNNRegressor`.

    It has the number of convolutional blocks, the filters of each, the size of kernels,
    the units of a dense layer, dropout, the optimizer, the learning rate and the batch
    size. Padding is "same", so that images of any size go through `max_blocks` blocks
    that are at least 2 to that power high and wide.

    Parameters
    ----------
    prefix : str, default=""
        What comes before the names of parameters in a Pipeline or a meta-estimator,
        such as ``"kerascnn__"``.

    max_blocks : int, default=3
        The most convolutional blocks.

    max_filters : int, default=64
        The most filters of a block; the fewest are 8.

    Returns
    -------
    callable
        A function of Keras Tuner's ``hp``, as `search_spaces` takes it.

    See Also
    --------
    mlp_space : The same for multi-layer perceptrons.

    Examples
    --------
    >>> from skhpo import HyperbandSearchCV, KerasCNN, cnn_space
    >>> search = HyperbandSearchCV(KerasCNN(), cnn_space(), max_resource=27)
    """
    return partial(_cnn, prefix=prefix, max_blocks=max_blocks, max_filters=max_filters)


def _mlp(hp: Any, *, prefix: str, max_layers: int, max_units: int) -> dict[str, Any]:
    layers = range(hp.Int("layers", 1, max_layers))
    units = [hp.Int(f"units_{i}", 16, max_units, sampling="log") for i in layers]
    dropout = [hp.Float(f"dropout_{i}", 0.0, 0.5) for i in layers]
    params = {
        "hidden_layer_sizes": tuple(units),
        "dropout": tuple(dropout),
        "activation": hp.Choice("activation", ["relu", "tanh", "elu"]),
        "l2": hp.Float("l2", 1e-7, 1e-2, sampling="log"),
    }
    return _named(prefix, params | _training(hp))


def _cnn(hp: Any, *, prefix: str, max_blocks: int, max_filters: int) -> dict[str, Any]:
    blocks = range(hp.Int("blocks", 1, max_blocks))
    filters = [hp.Int(f"filters_{i}", 8, max_filters, sampling="log") for i in blocks]
    params = {
        "filters": tuple(filters),
        "kernel_size": hp.Choice("kernel_size", [3, 5]),
        "padding": "same",
        "dense_layer_sizes": (hp.Int("dense_units", 16, 256, sampling="log"),),
        "dropout": hp.Float("dropout", 0.0, 0.5),
    }
    return _named(prefix, params | _training(hp))


def _training(hp: Any) -> dict[str, Any]:
    return {
        "optimizer": hp.Choice("optimizer", ["adam", "sgd", "rmsprop"]),
        "learning_rate": hp.Float("learning_rate", 1e-4, 1e-1, sampling="log"),
        "batch_size": hp.Choice("batch_size", [32, 64, 128, 256]),
    }


def _named(prefix: str, params: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}{name}": value for name, value in params.items()}
