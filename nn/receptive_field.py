"""Receptive fields: how much of the input an output sees, from window sizes and steps along the recorded graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from autograd_core import Tensor
from autograd_core.ops.images.planes import each
from nn.layers.adaptive_pooling import _AdaptivePool
from nn.layers.attention import MultiheadAttention
from nn.layers.convolution import _Conv
from nn.layers.linear import Flatten, Linear
from nn.layers.pooling import _Pool
from nn.layers.power_pooling import _LPPool
from nn.layers.recurrent import RNNBase
from nn.layers.transposed_convolution import _ConvTranspose
from nn.layers.weighted_pooling import _Windows
from nn.module import Module

WINDOWS = (_Conv, _Pool, _LPPool, _Windows)
EVERYTHING = (_AdaptivePool, Flatten, Linear, MultiheadAttention, RNNBase)


class Field(NamedTuple):
    """The number of input pixels that one pixel sees, and the input distance of neighbours, along every axis."""

    size: tuple[int, ...]
    step: tuple[Fraction, ...]


class Fields:
    """The receptive fields of the tensors of one forward pass.

    Operations between layers, such as the sum of a residual connection, are found in the graph: they have the largest
    field of their inputs.
    """

    def __init__(self, model: Module, inputs: Sequence[Tensor]) -> None:
        # By id of the node, which is kept alive so that no other node can get the same id.
        self._known: dict[int, tuple[Any, Field | None]] = {}
        own = next((module.rank for module in model.modules() if isinstance(module, _Conv)), None)
        for x in inputs:
            rank = x.ndim - 2 if own is None else own  # a convolution's input may lack the batch axis
            if x.node is not None and rank > 0:
                self._known[id(x.node)] = (x.node, Field((1,) * rank, (Fraction(1),) * rank))

    def after(self, module: Module, args: Any, output: Tensor) -> tuple[int, ...] | None:
        """The field of a layer's output, which is recorded."""
        before = self._before(args[0].node) if args and isinstance(args[0], Tensor) else None
        field = None if before is None else _through(module, before)
        if output.node is not None:
            self._known[id(output.node)] = (output.node, field)
        return None if field is None else field.size

    def _before(self, node: Any) -> Field | None:
        """The field of any tensor, from the nearest layers before it; None if one sees everything or has none."""
        found, waiting, visited = [], [node], set[int]()
        while waiting:
            node = waiting.pop()
            if node is None or id(node) in visited:
                continue
            visited.add(id(node))
            if id(node) in self._known:
                found.append(self._known[id(node)][1])
            else:
                waiting.extend(node.parents)
        fields = [field for field in found if field is not None]
        if not fields or len(fields) < len(found):
            return None
        size = tuple(max(sizes) for sizes in zip(*(f.size for f in fields), strict=True))
        return Field(size, tuple(max(steps) for steps in zip(*(f.step for f in fields), strict=True)))


def _through(module: Module, field: Field) -> Field | None:
    if isinstance(module, EVERYTHING):
        return None
    rank = len(field.size)
    if not isinstance(module, WINDOWS):
        return field
    own: Any = module
    if isinstance(own.kernel_size, tuple) and len(own.kernel_size) != rank:
        return None  # the axes no longer correspond to those of the input
    kernel = each(own.kernel_size, rank, "kernel_size")
    stride = kernel if own.stride is None else each(own.stride, rank, "stride")
    dilation = each(getattr(own, "dilation", 1), rank, "dilation")
    if isinstance(module, _ConvTranspose):
        reach = [math.ceil(Fraction(d * (k - 1) + 1, s)) - 1 for k, s, d in zip(kernel, stride, dilation, strict=True)]
        step = tuple(step / s for step, s in zip(field.step, stride, strict=True))
    else:
        reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        step = tuple(step * s for step, s in zip(field.step, stride, strict=True))
    size = tuple(n + math.ceil(r * s) for n, r, s in zip(field.size, reach, field.step, strict=True))
    return Field(size, step)
