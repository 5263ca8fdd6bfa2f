"""Nodes that reduce, sort or accumulate."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ag
import nn.functional as F
from autograd_core import Tensor
from nn.onnx.nodes.table import NODES, ints, number, reads


def _mean(x: Tensor, **given: Any) -> Tensor:
    return ag.mean(x if x.is_floating_point() else x.to(ag.float64), **given).to(x.dtype)


def _prod(x: Tensor, dim: tuple[int, ...], keepdim: bool) -> Tensor:
    for d in sorted([d % x.ndim for d in dim], reverse=True):
        x = ag.prod(x, dim=d, keepdim=keepdim, dtype=x.dtype)
    return x


def _extreme(function: Any, largest: bool) -> Any:
    def compute(x: Tensor, dim: tuple[int, ...], keepdim: bool) -> Tensor:
        if x.numel():
            return function(x, dim=dim, keepdim=keepdim)
        if x.is_floating_point():
            worst: Any = -math.inf if largest else math.inf
        else:
            worst = not largest if x.dtype == ag.bool else getattr(ag.iinfo(x.dtype), "min" if largest else "max")
        return ag.full(ag.sum(x, dim=dim, keepdim=keepdim).shape, worst, dtype=x.dtype)

    return compute


REDUCTIONS: dict[str, Any] = {
    "ReduceSum": lambda x, **given: ag.sum(x, dtype=x.dtype, **given),
    "ReduceMean": _mean,
    "ReduceProd": _prod,
    "ReduceMax": _extreme(ag.amax, True),
    "ReduceMin": _extreme(ag.amin, False),
    "ReduceL1": lambda x, **given: ag.sum(ag.abs(x), dtype=x.dtype, **given),
    "ReduceL2": lambda x, **given: ag.sqrt(ag.sum(x * x, **given)).to(x.dtype),
    "ReduceLogSum": lambda x, **given: ag.log(ag.sum(x, **given)),
    "ReduceLogSumExp": ag.logsumexp,
    "ReduceSumSquare": lambda x, **given: ag.sum(x * x, dtype=x.dtype, **given),
}


def _reduction(function: Any) -> Any:
    def compute(x: Tensor, axes: Any = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
        dims = tuple(ints(axes)) if axes is not None else ()
        if not dims and noop_with_empty_axes:  # each element is reduced by itself
            return function(x[None], dim=(0,), keepdim=False)
        dims = dims or tuple(range(x.ndim))
        return function(x, dim=dims, keepdim=bool(keepdims)) if dims else function(x[None], dim=(0,), keepdim=False)

    return compute


NODES.update({kind: _reduction(function) for kind, function in REDUCTIONS.items()})


def _position(largest: bool) -> Any:
    function = ag.argmax if largest else ag.argmin

    def compute(x: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
        if not select_last_index:
            return function(x, dim=axis, keepdim=bool(keepdims))
        return x.shape[axis] - 1 - function(ag.flip(x, (axis,)), dim=axis, keepdim=bool(keepdims))

    return compute


NODES.update({"ArgMax": _position(True), "ArgMin": _position(False)})

NODES.update(
    NonZero=lambda x: ag.nonzero(x if x.ndim else x.reshape(1)).T,
    LpNormalization=lambda x, *, axis=-1, p=2: F.normalize(x, p=p, dim=axis, eps=ag.finfo(x.dtype).tiny),
)


@reads("TopK")
def _topk(x: Tensor, k: Any, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> Any:
    order = ag.argsort(x, dim=axis, descending=bool(largest), stable=True)  # the first of ties
    places = order.narrow(axis, 0, *ints(k))
    return ag.gather(x, axis, places), places


@reads("CumSum")
def _cumsum(x: Tensor, axis: Any, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    axis = int(number(axis))
    x = ag.flip(x, (axis,)) if reverse else x
    y = ag.cumsum(x, axis, dtype=x.dtype)
    y = y - x if exclusive else y
    return ag.flip(y, (axis,)) if reverse else y


def _along(function: Any) -> Any:
    """Since opset 13 along one axis, before over all from one axis on."""

    def compute(x: Tensor, *, axis: int | None = None, opset: int) -> Tensor:
        if opset >= 13:
            return function(x, -1 if axis is None else axis)
        at = (1 if axis is None else axis) % max(x.ndim, 1)
        return function(x.flatten(at), at).reshape(x.shape) if x.ndim > at else x

    return compute


def _hardmax(x: Tensor, axis: int) -> Tensor:
    places = ag.argmax(x, dim=axis, keepdim=True)
    return ag.scatter(ag.zeros_like(x), axis, places, ag.ones_like(places, dtype=x.dtype))


NODES.update({"Softmax": _along(F.softmax), "LogSoftmax": _along(F.log_softmax), "Hardmax": _along(_hardmax)})


@reads("NegativeLogLikelihoodLoss")
def _nll(
    x: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    return F.nll_loss(x, target.long(), weight, ignore_index=ignore_index, reduction=reduction)


@reads("SoftmaxCrossEntropyLoss")
def _cross_entropy(
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    outputs: int,
) -> Any:
    y = F.log_softmax(x, 1)
    loss = F.nll_loss(y, target.long(), weight, ignore_index=ignore_index, reduction=reduction)
    return loss if outputs == 1 else (loss, y)
