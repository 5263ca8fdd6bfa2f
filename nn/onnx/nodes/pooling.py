"""Nodes of pooling."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ag
import nn.functional as F
from autograd_core import Tensor
from nn.onnx.nodes.layers import margins, padded
from nn.onnx.nodes.table import NODES, ints, reads


class _Windows:
    """The windows of a node, and the padding that lets the last ones overhang."""

    def __init__(
        self,
        x: Tensor,
        kernel_shape: Any,
        strides: Any = None,
        pads: Any = None,
        dilations: Any = None,
        auto_pad: str = "NOTSET",
        ceil_mode: int = 0,
    ) -> None:
        rank = x.ndim - 2
        self.kernel, self.stride = ints(kernel_shape), ints(strides or [1] * rank)
        self.dilation = ints(dilations or [1] * rank)
        self.sides = margins(x.shape[2:], self.kernel, self.stride, self.dilation, pads, auto_pad)
        self.overhang = []
        for n, k, s, d, (low, high) in zip(
            x.shape[2:], self.kernel, self.stride, self.dilation, self.sides, strict=True
        ):
            room = n + low + high - d * (k - 1) - 1
            count = (-(-room // s) if ceil_mode else room // s) + 1
            if (count - 1) * s >= n + low:  # a window must begin inside
                count -= 1
            self.overhang.append((0, max((count - 1) * s - room, 0)))

    def maxima(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The largest element of every window, and its position in the plane of x."""
        low = -math.inf if x.is_floating_point() else ag.iinfo(x.dtype).min
        sides = [(a, b + c) for (a, b), (_, c) in zip(self.sides, self.overhang, strict=True)]
        wide = padded(x, sides, low)
        function = getattr(F, f"max_pool{x.ndim - 2}d")
        y, places = function(wide, self.kernel, self.stride, 0, self.dilation, return_indices=True)
        plane, factor = ag.zeros_like(places), 1
        for (before, _), n, k in zip(reversed(sides), reversed(wide.shape[2:]), reversed(x.shape[2:]), strict=True):
            plane = plane + (places % n - before) * factor
            places, factor = places // n, factor * k
        return y, plane

    def sums(self, x: Tensor) -> Tensor:
        """The sum of every window, with zeros around."""
        n, c, *size = padded(x, self.overhang).shape
        ones = ag.ones((1, 1, *self.kernel), dtype=x.dtype, device=x.device)
        function = getattr(F, f"conv{x.ndim - 2}d")
        y = function(padded(x, self.overhang).reshape(n * c, 1, *size), ones, None, self.stride, 0, self.dilation)
        return y.reshape(n, c, *y.shape[2:])


NODES.update(
    GlobalAveragePool=lambda x: ag.mean(x, dim=_spatial(x), keepdim=True),
    GlobalMaxPool=lambda x: ag.amax(x, dim=_spatial(x), keepdim=True),
    GlobalLpPool=lambda x, *, p=2: ag.linalg.vector_norm(x, p, dim=_spatial(x), keepdim=True),
)


@reads("MaxPool")
def _max_pool(x: Tensor, *, storage_order: int = 0, outputs: int, **attributes: Any) -> Any:
    windows = _Windows(x, **attributes)
    y, places = windows.maxima(x)
    if outputs == 1:
        return y
    if storage_order:
        *_, h, w = x.shape
        places = places % w * h + places // w
    planes = ag.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], *[1] * (x.ndim - 2))
    return y, places + planes * math.prod(x.shape[2:])


@reads("AveragePool")
def _average_pool(x: Tensor, *, count_include_pad: int = 0, **attributes: Any) -> Tensor:
    windows = _Windows(x, **attributes)
    wide = padded(x, windows.sides)
    inside = ag.ones_like(x[:1, :1])
    counted = padded(inside, windows.sides, float(bool(count_include_pad)))
    return windows.sums(wide) / windows.sums(counted)


@reads("LpPool")
def _lp_pool(x: Tensor, *, p: int = 2, **attributes: Any) -> Tensor:
    windows = _Windows(x, **attributes)
    return windows.sums(padded(ag.abs(x) ** p, windows.sides)) ** (1 / p)


def _spatial(x: Tensor) -> tuple[int, ...]:
    return tuple(range(2, x.ndim))


@reads("MaxUnpool")
def _max_unpool(
    x: Tensor, index: Tensor, shape: Any = None, *, kernel_shape: Any, strides: Any = None, pads: Any = None
) -> Tensor:
    rank = x.ndim - 2
    kernel, stride, given = ints(kernel_shape), ints(strides or [1] * rank), ints(pads or [0] * 2 * rank)
    size = [
        (n - 1) * s - given[i] - given[rank + i] + k
        for i, (n, s, k) in enumerate(zip(x.shape[2:], stride, kernel, strict=True))
    ]
    wanted = [*x.shape[:2], *size] if shape is None else ints(shape)
    flat = ag.zeros(math.prod([*x.shape[:2], *size]), dtype=x.dtype).scatter(0, index.flatten().long(), x.flatten())
    y = flat.reshape([*x.shape[:2], *size])
    return padded(y, [(0, n - k) for n, k in zip(wanted[2:], size, strict=True)])
