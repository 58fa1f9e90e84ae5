"""Keras networks as scikit-learn estimators."""

from ._cnn import KerasCNN as KerasCNN
from ._cnn_regressor import KerasCNNRegressor as KerasCNNRegressor
from ._mlp import KerasMLP as KerasMLP
from ._mlp_regressor import KerasMLPRegressor as KerasMLPRegressor
from ._unet import KerasUNet as KerasUNet
from ._wrappers import BaseWrapper as BaseWrapper
from ._wrappers import KerasClassifier as KerasClassifier
from ._wrappers import KerasRegressor as KerasRegressor
