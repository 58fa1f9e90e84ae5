"""The spaces of the recorded trials: what `record_trials.py` draws from.

A setting is a dictionary of the parameters that matter in it: a parameter with `needs`
matters where the parameter named there has one of the values given there.
"""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One parameter: choices, or a range of floats or (`whole`) of integers."""

    name: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    whole: bool = False
    choices: tuple = ()
    needs: tuple[str, tuple] | None = None

    def value(self, unit: float) -> Any:
        """Return the value at a coordinate between 0 and 1."""
        if self.choices:
            return self.choices[min(int(unit * len(self.choices)), self.last)]
        high = self.high + self.whole
        if self.log:
            found = self.low * (high / self.low) ** unit
        else:
            found = self.low + (high - self.low) * unit
        found = min(max(found, self.low), self.high)
        return math.floor(found) if self.whole else found

    @property
    def last(self) -> int:
        return len(self.choices) - 1

    def is_active(self, setting: dict[str, Any]) -> bool:
        """Return whether it matters beside the parameters named before it."""
        return self.needs is None or setting.get(self.needs[0]) in self.needs[1]


def setting_at(space: list[Parameter], units: Any) -> dict[str, Any]:
    """Return the setting at a point of the unit cube."""
    setting = {}
    for parameter, unit in zip(space, units, strict=True):
        if parameter.is_active(setting):
            setting[parameter.name] = parameter.value(float(unit))
    return setting


CURVED = ("rbf", "poly", "sigmoid")
GAMMA = (*CURVED, "laplacian")
SPACES = {
    "digits_mlp": [
        Parameter("depth", 1, 3, whole=True),
        Parameter("units_1", 8, 256, log=True, whole=True),
        Parameter("units_2", 8, 256, True, True, needs=("depth", (2, 3))),
        Parameter("units_3", 8, 256, True, True, needs=("depth", (3,))),
        Parameter("dropout_1", 0.0, 0.6),
        Parameter("dropout_2", 0.0, 0.6, needs=("depth", (2, 3))),
        Parameter("dropout_3", 0.0, 0.6, needs=("depth", (3,))),
        Parameter("activation", choices=("relu", "tanh", "elu", "sigmoid")),
        Parameter("optimizer", choices=("adam", "sgd", "rmsprop")),
        Parameter("momentum", 0.0, 0.99, needs=("optimizer", ("sgd",))),
        Parameter("learning_rate", 1e-4, 1e-1, log=True),
        Parameter("batch_size", 16, 256, log=True, whole=True),
        Parameter("l2", 1e-7, 1e-2, log=True),
    ],
    "fashion_cnn": [
        Parameter("blocks", 1, 2, whole=True),
        Parameter("filters_1", 4, 24, log=True, whole=True),
        Parameter("filters_2", 4, 48, True, True, needs=("blocks", (2,))),
        Parameter("kernel_1", 2, 5, whole=True),
        Parameter("kernel_2", 2, 4, whole=True, needs=("blocks", (2,))),
        Parameter("dropout_1", 0.0, 0.5),
        Parameter("dropout_2", 0.0, 0.5, needs=("blocks", (2,))),
        Parameter("padding", choices=("valid", "same")),
        Parameter("dense_units", 8, 256, log=True, whole=True),
        Parameter("optimizer", choices=("adam", "sgd", "rmsprop")),
        Parameter("learning_rate", 1e-4, 1e-1, log=True),
        Parameter("batch_size", 32, 256, log=True, whole=True),
    ],
    "other": [
        Parameter("loss", choices=("squared_error", "absolute_error", "poisson")),
        Parameter("learning_rate", 1e-3, 1.0, log=True),
        Parameter("max_iter", 10, 150, log=True, whole=True),
        Parameter("shape", choices=("leaves", "depth")),
        Parameter("max_leaf_nodes", 2, 63, True, True, needs=("shape", ("leaves",))),
        Parameter("max_depth", 1, 8, whole=True, needs=("shape", ("depth",))),
        Parameter("min_samples_leaf", 1, 60, log=True, whole=True),
        Parameter("l2_regularization", 1e-4, 1e2, log=True),
        Parameter("max_features", 0.1, 1.0),
    ],
    "kernel_ridge": [
        Parameter("kernel", choices=(*CURVED, "laplacian", "linear")),
        Parameter("alpha", 1e-4, 1e2, log=True),
        Parameter("gamma", 1e-3, 1e2, log=True, needs=("kernel", GAMMA)),
        Parameter("degree", 2, 6, whole=True, needs=("kernel", ("poly",))),
        Parameter("coef0", -2.0, 2.0, needs=("kernel", ("poly", "sigmoid"))),
        Parameter("scaler", choices=("standard", "minmax", "none")),
        Parameter("components", 2, 10, whole=True),
    ],
}
