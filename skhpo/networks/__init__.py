"""Hyperparameters in, `keras.Model` out: no data, no compiling, no state."""

from ._cnn import build_cnn as build_cnn
from ._cnn import check_blocks as check_blocks
from ._mlp import build_mlp as build_mlp
from ._parts import activation_of as activation_of
from ._parts import as_sizes as as_sizes
from ._parts import per_layer as per_layer
from ._unet import build_unet as build_unet
