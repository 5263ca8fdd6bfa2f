"""Utilities for modules: packed sequences, parametrizations, parameters as one vector, gradient clipping."""

import sys

from autograd_core.clipping import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from nn.utils import parametrizations, parametrize, prune, rnn, stateless
from nn.utils.conversion import convert_conv2d_weight_memory_format, convert_conv3d_weight_memory_format
from nn.utils.fusion import fuse_conv_bn_eval, fuse_conv_bn_weights, fuse_linear_bn_eval, fuse_linear_bn_weights
from nn.utils.reparametrized import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm
from nn.utils.skipping import skip_init
from nn.utils.vectors import parameters_to_vector, vector_to_parameters

clip_grad_norm = clip_grad_norm_  # as it was called before PyTorch 0.4
clip_grad = convert_parameters = sys.modules[__name__]  # PyTorch's modules of functions that are here

__all__ = [
    "clip_grad", "clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_",
    "convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format", "convert_parameters",
    "fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights", "get_total_norm",
    "parameters_to_vector", "parametrizations", "parametrize", "prune", "remove_spectral_norm", "remove_weight_norm",
    "rnn", "skip_init", "spectral_norm", "stateless", "vector_to_parameters", "weight_norm",
]  # fmt: skip
