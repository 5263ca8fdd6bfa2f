"""Nodes of normalisation."""

from __future__ import annotations

from typing import Any

import autograd_core as ag
import nn.functional as F
from autograd_core import Tensor
from nn.onnx.nodes.table import ints, reads


@reads("BatchNormalization")
def _batch(
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    var: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
    spatial: int = 1,
    outputs: int,
) -> Any:
    if not training_mode:
        return F.batch_norm(x, mean, var, scale, bias, eps=epsilon)
    dims = (0, *range(2, x.ndim))
    here, spread = ag.mean(x, dim=dims), ag.var(x, dim=dims, correction=0)
    y = F.batch_norm(x, here, spread, scale, bias, eps=epsilon)
    running = [old * momentum + new * (1 - momentum) for old, new in ((mean, here), (var, spread))]
    return y if outputs == 1 else (y, *running)


@reads("InstanceNormalization")
def _instance(x: Tensor, scale: Tensor, bias: Tensor, *, epsilon: float = 1e-5) -> Tensor:
    return F.instance_norm(x, weight=scale, bias=bias, eps=epsilon)


@reads("GroupNormalization")
def _group(
    x: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int, epsilon: float = 1e-5, stash_type: int = 1, opset: int
) -> Tensor:
    if opset < 21:  # one number for each group
        scale, bias = (v.repeat_interleave(x.shape[1] // num_groups) for v in (scale, bias))
    return F.group_norm(x, num_groups, scale, bias, epsilon)


@reads("LayerNormalization")
def _layer(
    x: Tensor,
    scale: Tensor,
    bias: Tensor | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
    outputs: int,
) -> Any:
    dims = tuple(range(axis % x.ndim, x.ndim))
    shape = [x.shape[d] for d in dims]
    shift = bias if bias is None else ag.broadcast_to(bias, shape)
    y = F.layer_norm(x, shape, ag.broadcast_to(scale, shape), shift, epsilon)
    if outputs == 1:
        return y
    mean, var = ag.mean(x, dim=dims, keepdim=True), ag.var(x, dim=dims, correction=0, keepdim=True)
    return (y, mean, ag.rsqrt(var + epsilon))[:outputs]


@reads("RMSNormalization")
def _rms(x: Tensor, scale: Tensor, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1) -> Tensor:
    dims = tuple(range(axis % x.ndim, x.ndim))
    return x * ag.rsqrt(ag.mean(x * x, dim=dims, keepdim=True) + epsilon) * scale


@reads("MeanVarianceNormalization")
def _mean_variance(x: Tensor, *, axes: Any = (0, 2, 3)) -> Tensor:
    dims = tuple(ints(axes))
    away = x - ag.mean(x, dim=dims, keepdim=True)
    return away / (ag.sqrt(ag.mean(away * away, dim=dims, keepdim=True)) + 1e-9)


@reads("LRN")
def _local_response(x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> Tensor:
    squares = F.pad((x * x).movedim(1, -1), ((size - 1) // 2, size // 2)).movedim(-1, 1)
    sums = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    return x / (bias + alpha / size * sums) ** beta
