"""Between y as scikit-learn knows it and what a network is trained on."""

from typing import Any, NamedTuple

import keras
import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target

_SPARSE = "sparse_categorical_crossentropy"


class Classes(NamedTuple):
    """Labels, and how a network tells them apart.

    `kind` is "binary" (one output between 0 and 1), "multiclass" (probabilities of the
    classes that add up to 1) or "multilabel" (an output between 0 and 1 per label).
    """

    labels: np.ndarray
    kind: str

    @property
    def n_outputs(self) -> int:
        """The size of the network's output."""
        return 1 if self.kind == "binary" else len(self.labels)

    @property
    def output_activation(self) -> str:
        """What the network ends in."""
        return "softmax" if self.kind == "multiclass" else "sigmoid"

    @property
    def loss(self) -> str:
        """The loss where none was chosen."""
        return _SPARSE if self.kind == "multiclass" else "binary_crossentropy"

    def encode(self, y: np.ndarray, loss: Any) -> np.ndarray:
        """Return what the loss compares the outputs with."""
        if self.kind == "multilabel":
            return np.asarray(y, dtype=np.float32)
        indices = np.searchsorted(self.labels, y)
        if self.kind == "binary":
            return indices.astype(np.float32).reshape(-1, 1)
        if loss_name(loss) == _SPARSE:
            return indices.astype(np.int32)
        return np.eye(len(self.labels), dtype=np.float32)[indices]

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return one column per label."""
        if self.kind == "binary":
            return np.column_stack([1 - outputs[:, 0], outputs[:, 0]])
        return outputs

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return the labels that the outputs speak for."""
        if self.kind == "multilabel":
            return (outputs > 0.5).astype(int)
        if self.kind == "binary":
            return self.labels[(outputs[:, 0] > 0.5).astype(int)]
        return self.labels[outputs.argmax(axis=1)]


def classes_of(y: np.ndarray, labels: Any, loss: Any, name: str) -> Classes:
    """Return the classes of a target, or of `labels` where these are given."""
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if kind == "multilabel-indicator":
        return Classes(np.arange(y.shape[1]), "multilabel")
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"{name} takes one label per sample, or a 0/1 indicator of labels, got y "
            f"of shape {y.shape} with other values (multiclass-multioutput). Use "
            "sklearn.multioutput.MultiOutputClassifier"
        )
    labels = np.unique(y if labels is None else labels)
    if len(labels) < 2:
        raise ValueError(
            f"{name} needs samples of at least 2 classes, got one class: "
            f"{labels.tolist()}"
        )
    one_output = len(labels) == 2 and "categorical" not in loss_name(loss)
    return Classes(labels, "binary" if one_output else "multiclass")


def check_known(y: np.ndarray, classes: Classes) -> None:
    """Raise where y has labels that are not among the classes."""
    if classes.kind == "multilabel":
        if y.ndim != 2 or y.shape[1] != len(classes.labels):
            raise ValueError(
                f"y must have a column for each of the {len(classes.labels)} labels, "
                f"got shape {y.shape}"
            )
        if not np.isin(y, (0, 1)).all():
            raise ValueError(
                "y of several labels per sample must hold 0 and 1 only, got "
                f"{np.unique(y).tolist()}"
            )
        return
    if y.ndim != 1:
        raise ValueError(
            f"y must hold one label per sample, as fitted on, got shape {y.shape}"
        )
    unknown = np.setdiff1d(y, classes.labels)
    if len(unknown):
        raise ValueError(
            f"y must hold known labels only, {classes.labels.tolist()}, got also "
            f"{unknown.tolist()}; call fit with all of them, or give them to the first "
            "partial_fit as classes="
        )


def loss_name(loss: Any) -> str:
    """Return the name of a Keras loss in snake case, "" for None."""
    if loss is None:
        return ""
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    if isinstance(loss, keras.losses.Loss):
        return _snake_case(type(loss).__name__)
    return _snake_case(getattr(loss, "__name__", type(loss).__name__))


def check_loss(loss: Any) -> None:
    """Raise for a loss that takes logits: our networks end in probabilities."""
    if getattr(loss, "from_logits", False) or (
        isinstance(loss, keras.losses.Loss) and loss.get_config().get("from_logits")
    ):
        raise ValueError(
            f"loss must take probabilities, got {loss!r} with from_logits=True; leave "
            "it out, the network ends in a sigmoid or a softmax"
        )


def check_not_sparse(classes: Classes, loss: Any, metrics: Any) -> None:
    """Raise for what compares indices of classes where there are several per sample."""
    if classes.kind != "multilabel":
        return
    for name, value in [("loss", loss), *(("metrics", m) for m in metrics or ())]:
        given = value if isinstance(value, str) else type(value).__name__
        given = getattr(value, "__name__", given)
        if "sparse" in given.lower():
            raise ValueError(
                f"{name} must not be sparse for several labels per sample, which are "
                f"no indices of classes, got {value!r}; leave it out, or use "
                "'binary_crossentropy' and 'binary_accuracy'"
            )


def wants_one_hot(metrics: Any) -> bool:
    """Tell whether metrics were chosen that know no indices of classes."""
    names = (
        metric
        if isinstance(metric, str)
        else getattr(metric, "__name__", type(metric).__name__)
        for metric in metrics or ()
    )
    return not all(
        name in ("accuracy", "acc") or "sparse" in name.lower() for name in names
    )


def _snake_case(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
