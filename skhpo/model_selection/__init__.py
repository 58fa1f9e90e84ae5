"""Searches over the hyperparameters of any scikit-learn estimator."""

from ._bayes_search import BayesSearchCV
from ._forms import Categorical, Integer, Real
from ._hyperband_search import HyperbandSearchCV
from ._keras_tuner_search import KerasTunerSearchCV
from ._ready_spaces import cnn_space, mlp_space

__all__ = [
    "BayesSearchCV",
    "Categorical",
    "HyperbandSearchCV",
    "Integer",
    "KerasTunerSearchCV",
    "Real",
    "cnn_space",
    "mlp_space",
]
