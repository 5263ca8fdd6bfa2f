"""Losses against classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.onnx.writer import Ref, Writer, writes


@writes("softmax_nll")
def _cross_entropy(g: Writer, x: Ref, target: Ref, *, ignore_index: Any, reduction: str) -> Ref:
    return g("SoftmaxCrossEntropyLoss", x, target, reduction=reduction, ignore_index=ignore_index)


@writes("picked_nll")
def _nll(g: Writer, x: Ref, target: Ref, *, ignore_index: Any, reduction: str) -> Ref:
    return g("NegativeLogLikelihoodLoss", x, target, reduction=reduction, ignore_index=ignore_index)


@writes("weighted_nll")
def _weighted(
    g: Writer, x: Ref, target: Ref, weight: Ref, *, ignore_index: Any, reduction: str, smoothing: float
) -> Ref:
    if smoothing:
        return _smoothed(g, x, target, weight, ignore_index=ignore_index, reduction=reduction, smoothing=smoothing)
    return g("SoftmaxCrossEntropyLoss", x, target, weight, reduction=reduction, ignore_index=ignore_index)


@writes("smoothed_nll")
def _smoothed(g: Writer, x: Ref, target: Ref, *weight: Ref, ignore_index: Any, reduction: str, smoothing: float) -> Ref:
    logp = g("LogSoftmax", x, axis=1)
    own = g("NegativeLogLikelihoodLoss", logp, target, *weight, reduction="none", ignore_index=ignore_index)
    scaled, count = logp, g("Size", target)
    counted = None if ignore_index is None else g("Not", g("Equal", target, ignore_index))
    if weight:
        axes = [*range(1, x.ndim - 1)]
        scaled = g("Mul", logp, g("Unsqueeze", *weight, axes) if axes else weight[0])
        chosen = target if counted is None else g("Where", counted, target, np.zeros((), np.int64))
        count = g("Gather", *weight, chosen, axis=0)
    losses = g("Sub", g("Mul", own, 1 - smoothing), g("Mul", g("ReduceMean", scaled, [1], keepdims=0), smoothing))
    if counted is not None:
        losses = g("Where", counted, losses, np.zeros((), x.dtype))
        count = g("Where", counted, count, np.zeros((), x.dtype)) if weight else g.cast(counted, np.int64)
    if reduction == "none":
        return losses
    total = g("ReduceSum", losses, keepdims=0)
    if weight or counted is not None:
        count = g("ReduceSum", count, keepdims=0)
    return total if reduction == "sum" else g("Div", total, g.cast(count, x.dtype))
