"""Memory formats of the weights of convolutions alone."""

from __future__ import annotations

from typing import Any, TypeVar

from autograd_core.semantics.memory_format import MemoryFormat
from nn.layers.convolution import Conv2d, Conv3d
from nn.layers.transposed_convolution import ConvTranspose2d, ConvTranspose3d
from nn.module import Module

M = TypeVar("M", bound=Module)


def convert_conv2d_weight_memory_format(module: M, memory_format: MemoryFormat) -> M:
    """Change the order in memory of the weights of two-dimensional convolutions. Returns the module."""
    return _convert(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: M, memory_format: MemoryFormat) -> M:
    """Change the order in memory of the weights of three-dimensional convolutions. Returns the module."""
    return _convert(module, (Conv3d, ConvTranspose3d), memory_format)


def _convert(module: M, kinds: Any, memory_format: MemoryFormat) -> M:
    layer: Any
    for layer in module.modules():
        if isinstance(layer, kinds):
            layer.weight.data = layer.weight.detach().clone().contiguous(memory_format=memory_format)
    return module
