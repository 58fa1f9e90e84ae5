"""The only door to Keras Tuner: its hyperparameters, and its oracles."""

from ._gaussian_process import GaussianProcessOracle as GaussianProcessOracle
from ._hyperparameters import run_of_function as run_of_function
from ._hyperparameters import run_of_hyperparameters as run_of_hyperparameters
from ._oracles import KerasTunerOracle as KerasTunerOracle
from ._oracles import KerasTunerProcessOracle as KerasTunerProcessOracle
from ._oracles import check_oracle as check_oracle
from ._oracles import named_oracle as named_oracle
