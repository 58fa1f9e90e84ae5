"""Searches over the hyperparameters of any scikit-learn estimator."""

from ._search import BayesSearchCV
from ._space import Categorical, Integer, Real

__all__ = ["BayesSearchCV", "Categorical", "Integer", "Real"]
