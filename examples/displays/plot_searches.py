"""
Pictures of a search
====================

What did a search find, what mattered, and where would it pay to search on? Each
question has a Display. They draw any search of scikit-learn's kind; here 40 settings of
gradient boosting, found by `BayesSearchCV`.
"""

from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import SGDClassifier

from skhpo import BayesSearchCV, HyperbandSearchCV, Integer, Real
from skhpo.inspection import (
    ContourDisplay,
    HyperparameterImportanceDisplay,
    ParallelCoordinatesDisplay,
    RungDisplay,
    SearchHistoryDisplay,
    SliceDisplay,
)

X, y = load_digits(return_X_y=True)
X, y = X[:500] / 16, y[:500]
search = BayesSearchCV(
    HistGradientBoostingClassifier(max_iter=20, random_state=0),
    {
        "learning_rate": Real(1e-3, 1.0, "log-uniform"),
        "max_leaf_nodes": Integer(2, 32, "log-uniform"),
        "l2_regularization": Real(1e-6, 10.0, "log-uniform"),
        "max_features": [0.2, 0.5, 1.0],
    },
    n_iter=40,
    cv=3,
    random_state=0,
).fit(X, y)

# %%
# How the search went: each trial, and the best so far.
SearchHistoryDisplay.from_search(search)
plt.show()

# %%
# Every trial is a line through its hyperparameters; the best are the brightest.
ParallelCoordinatesDisplay.from_search(search)
plt.show()

# %%
# What of the score's variance each hyperparameter explains, by functional analysis of
# variance (fANOVA) of a forest that learned the score.
HyperparameterImportanceDisplay.from_search(search)
plt.show()

# %%
# The score against single hyperparameters, with what the forest makes of it.
SliceDisplay.from_search(search)
plt.show()

# %%
# And against the two that matter most.
ContourDisplay.from_search(search)
plt.show()

# %%
# Hyperband gives most candidates little, and the promising ones more: who was stopped
# when?
hyperband = HyperbandSearchCV(
    SGDClassifier(loss="log_loss", tol=None, random_state=0),
    {"alpha": Real(1e-6, 1.0, "log-uniform"), "penalty": ["l2", "l1", "elasticnet"]},
    resource="max_iter",
    max_resource=27,
    cv=3,
    random_state=0,
).fit(X, y)
RungDisplay.from_search(hyperband)
plt.show()
