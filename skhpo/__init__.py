"""Keras networks as scikit-learn estimators, and searches that tune them.

Importing ``skhpo`` is cheap: the names below are imported on first use, and with them
TensorFlow where they need it.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

__version__ = "0.1.0.dev0"

_HOMES = {
    "KerasClassifier": "estimators",
    "KerasRegressor": "estimators",
    "KerasMLP": "estimators",
    "KerasMLPRegressor": "estimators",
    "KerasCNN": "estimators",
    "KerasCNNRegressor": "estimators",
    "KerasUNet": "estimators",
    "ArrayScaler": "preprocessing",
    "LabelEncodedClassifier": "preprocessing",
    "BayesSearchCV": "model_selection",
    "HyperbandSearchCV": "model_selection",
    "KerasTunerSearchCV": "model_selection",
    "GaussianProcessOracle": "model_selection._keras_tuner",
    "mlp_space": "model_selection",
    "cnn_space": "model_selection",
    "Real": "model_selection",
    "Integer": "model_selection",
    "Categorical": "model_selection",
    "clear_caches": "_training",
    "get_cache_size": "_training",
    "set_cache_size": "_training",
}
_ROOMS = (
    "datasets",
    "estimators",
    "exceptions",
    "inspection",
    "model_selection",
    "preprocessing",
    "tracking",
)

__all__ = [*_HOMES, *_ROOMS, "__version__"]

if _TYPE_CHECKING:
    from ._training import clear_caches as clear_caches
    from ._training import get_cache_size as get_cache_size
    from ._training import set_cache_size as set_cache_size
    from .estimators import KerasClassifier as KerasClassifier
    from .estimators import KerasCNN as KerasCNN
    from .estimators import KerasCNNRegressor as KerasCNNRegressor
    from .estimators import KerasMLP as KerasMLP
    from .estimators import KerasMLPRegressor as KerasMLPRegressor
    from .estimators import KerasRegressor as KerasRegressor
    from .estimators import KerasUNet as KerasUNet
    from .model_selection import BayesSearchCV as BayesSearchCV
    from .model_selection import Categorical as Categorical
    from .model_selection import HyperbandSearchCV as HyperbandSearchCV
    from .model_selection import Integer as Integer
    from .model_selection import KerasTunerSearchCV as KerasTunerSearchCV
    from .model_selection import Real as Real
    from .model_selection import cnn_space as cnn_space
    from .model_selection import mlp_space as mlp_space
    from .model_selection._keras_tuner import (
        GaussianProcessOracle as GaussianProcessOracle,
    )
    from .preprocessing import ArrayScaler as ArrayScaler
    from .preprocessing import LabelEncodedClassifier as LabelEncodedClassifier


def __getattr__(name: str) -> object:
    if name in _HOMES:
        value = getattr(_import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name in _ROOMS:
        value = _import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})
