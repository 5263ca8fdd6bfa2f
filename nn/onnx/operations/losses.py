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


@writes("smoothed_nll")
def _smoothed(g: Writer, x: Ref, target: Ref, *, ignore_index: Any, reduction: str, smoothing: float) -> Ref:
    logp = g("LogSoftmax", x, axis=1)
    losses = g("Mul", _nll(g, logp, target, ignore_index=ignore_index, reduction="none"), 1 - smoothing)
    losses = g("Sub", losses, g("Mul", g("ReduceMean", logp, [1], keepdims=0), smoothing))
    count: Any = g("Size", losses)
    if ignore_index is not None:
        counted = g("Not", g("Equal", target, ignore_index))
        losses = g("Where", counted, losses, np.zeros((), x.dtype))
        count = g("ReduceSum", g.cast(counted, np.int64), keepdims=0)
    if reduction == "none":
        return losses
    total = g("ReduceSum", losses, keepdims=0)
    return total if reduction == "sum" else g("Div", total, g.cast(count, x.dtype))
