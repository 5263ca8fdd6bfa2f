"""Nodes of layers: products, convolutions, sampling."""

from __future__ import annotations

from typing import Any

import autograd_core as ag
import nn.functional as F
from autograd_core import Tensor
from nn.onnx.nodes.table import NODES, ints, reads

NODES.update(
    MatMul=ag.matmul,
    Det=ag.linalg.det,
    AffineGrid=lambda theta, size, *, align_corners=0: F.affine_grid(theta, ints(size), bool(align_corners)),
)


@reads("Gemm")
def _gemm(
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    broadcast: int = 1,
) -> Tensor:
    a = a.T if transA else a
    if alpha == beta == 1 and transB and c is not None and c.ndim == 1:
        return F.linear(a, b, c)
    y = ag.matmul(a, b.T if transB else b)
    y = y if alpha == 1 else alpha * y
    return y if c is None else y + (c if beta == 1 else beta * c)


def margins(
    shape: Any, kernel: list[int], stride: list[int], dilation: list[int], pads: Any, auto_pad: str
) -> list[tuple[int, int]]:
    """The padding before and after each spatial axis."""
    rank = len(kernel)
    if auto_pad in ("NOTSET", "") or auto_pad == "VALID":
        given = [0] * 2 * rank if pads is None or auto_pad == "VALID" else ints(pads)
        return list(zip(given[:rank], given[rank:], strict=True))
    found = []
    for n, k, s, d in zip(shape, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        low = total // 2 if auto_pad == "SAME_UPPER" else total - total // 2
        found.append((low, total - low))
    return found


def padded(x: Tensor, sides: list[tuple[int, int]], value: float = 0.0) -> Tensor:
    """x with `value` around its spatial axes."""
    return F.pad(x, [n for pair in reversed(sides) for n in pair], value=value) if any(map(any, sides)) else x


@reads("Conv")
def _conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Any = None,
    group: int = 1,
    kernel_shape: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Tensor:
    rank = x.ndim - 2
    stride, dilation = ints(strides or [1] * rank), ints(dilations or [1] * rank)
    sides = margins(x.shape[2:], list(weight.shape[2:]), stride, dilation, pads, auto_pad)
    if any(low != high for low, high in sides):
        x, sides = padded(x, sides), [(0, 0)] * rank
    function = getattr(F, f"conv{rank}d")
    return function(x, weight, bias, stride, [low for low, _ in sides], dilation, group)


@reads("ConvTranspose")
def _conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Any = None,
    group: int = 1,
    kernel_shape: Any = None,
    output_padding: Any = None,
    output_shape: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Tensor:
    rank = x.ndim - 2
    stride, dilation = ints(strides or [1] * rank), ints(dilations or [1] * rank)
    more = ints(output_padding or [0] * rank)
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:], strict=True)]
    whole = [(n - 1) * s + span for n, s, span in zip(x.shape[2:], stride, spans, strict=True)]
    if output_shape is not None or auto_pad.startswith("SAME"):
        wanted = (
            ints(output_shape)
            if output_shape is not None
            else [n * s for n, s in zip(x.shape[2:], stride, strict=True)]
        )
        wanted = wanted[-rank:]
        totals = [n + m - k for n, m, k in zip(whole, more, wanted, strict=True)]
        halves = [t // 2 for t in totals]
        pairs = [(t - h, h) if auto_pad != "SAME_UPPER" else (h, t - h) for t, h in zip(totals, halves, strict=True)]
    else:
        given = ints(pads or [0] * 2 * rank)
        pairs = list(zip(given[:rank], given[rank:], strict=True))
    y = getattr(F, f"conv_transpose{rank}d")(x, weight, None, stride, 0, 0, group, dilation)
    grown = [(0, m) for m in more]
    y = padded(y, grown)
    cut = [slice(low, y.shape[2 + i] - high) for i, (low, high) in enumerate(pairs)]
    y = padded(y, [(max(-low, 0), max(-high, 0)) for low, high in pairs])[(..., *[_clipped(c) for c in cut])]
    return y if bias is None else y + bias.reshape([-1] + [1] * rank)


def _clipped(part: slice) -> slice:
    return slice(max(part.start, 0), part.stop if part.stop > 0 else None)


@reads("GridSample")
def _grid_sample(
    x: Tensor, grid: Tensor, *, align_corners: int = 0, mode: str = "linear", padding_mode: str = "zeros"
) -> Tensor:
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)
    return F.grid_sample(x, grid, mode, padding_mode, bool(align_corners))
