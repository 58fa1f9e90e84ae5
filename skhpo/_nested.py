"""Where the network is: in a Pipeline, or in a search."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted


class Found(NamedTuple):
    """A fitted network, and the Pipelines' steps that X passes before it."""

    network: Any
    before: list[Any]

    def transform(self, X: Any) -> Any:
        """Return X as the network gets it."""
        for step in self.before:
            X = step.transform(X)
        return X


# Where scikit-learn's estimators that hold another keep it when fitted.
HELD = ("best_estimator_", "classifier_", "regressor_", "estimator_")


def find_network(estimator: Any, attribute: str) -> Found:
    """Return the network in a fitted estimator, which is what has the attribute.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the estimator was not fitted.

    TypeError
        If nothing in it has the attribute.
    """
    before, inner = [], estimator
    while not hasattr(inner, attribute):
        if isinstance(inner, Pipeline):
            if len(inner) > 1:
                before.append(inner[:-1])
            inner = inner[-1]
            continue
        held = next((name for name in HELD if hasattr(inner, name)), None)
        if held is None:
            if hasattr(inner, "fit"):
                check_is_fitted(inner)
            raise TypeError(
                f"estimator must be a fitted network, with {attribute}, or a Pipeline "
                f"or search with one, got {type(estimator).__name__}."
            )
        inner = getattr(inner, held)
    return Found(inner, before)


def image_shape_of(estimator: Any) -> Sequence[int] | None:
    """Return what a network in the estimator takes rows for, if there is one."""
    try:
        return find_network(estimator, "image_shape_").network.image_shape_
    except TypeError:
        return None
