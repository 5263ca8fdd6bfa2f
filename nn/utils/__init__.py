"""Helpers around modules: packed sequences, parametrizations, parameters as one vector."""

from nn.utils import parametrizations, parametrize, rnn
from nn.utils.reparametrized import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm
from nn.utils.skipping import skip_init
from nn.utils.vectors import parameters_to_vector, vector_to_parameters

__all__ = [
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "skip_init",
    "spectral_norm",
    "vector_to_parameters",
    "weight_norm",
]
