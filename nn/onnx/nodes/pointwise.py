"""Nodes that compute element by element."""

from __future__ import annotations

import functools
import operator
from typing import Any

import autograd_core as ag
import nn.functional as F
from autograd_core import Tensor
from autograd_core.dtypes import as_dtype
from nn.onnx.nodes.table import NODES, number, reads

NODES.update({
    "Abs": ag.abs, "Acos": ag.acos, "Acosh": ag.acosh, "Add": ag.add, "And": ag.logical_and, "Asin": ag.asin,
    "Asinh": ag.asinh, "Atan": ag.atan, "Atanh": ag.atanh, "BitwiseAnd": ag.bitwise_and, "BitwiseNot": ag.bitwise_not,
    "BitwiseOr": ag.bitwise_or, "BitwiseXor": ag.bitwise_xor, "Ceil": ag.ceil, "Cos": ag.cos, "Cosh": ag.cosh,
    "Equal": ag.eq, "Erf": ag.erf, "Exp": ag.exp, "Floor": ag.floor, "Greater": ag.gt, "GreaterOrEqual": ag.ge,
    "HardSwish": F.hardswish, "IsNaN": ag.isnan, "Less": ag.lt, "LessOrEqual": ag.le, "Log": ag.log, "Mish": F.mish,
    "Mul": ag.mul, "Neg": ag.neg, "Not": ag.logical_not, "Or": ag.logical_or, "Reciprocal": ag.reciprocal,
    "Relu": ag.relu, "Round": ag.round, "Sigmoid": ag.sigmoid, "Sign": ag.sign, "Sin": ag.sin, "Sinh": ag.sinh,
    "Softplus": F.softplus, "Softsign": F.softsign, "Sqrt": ag.sqrt, "Sub": ag.sub, "Tan": ag.tan, "Tanh": ag.tanh,
    "Where": ag.where, "Xor": ag.logical_xor,
})  # fmt: skip


def _folded(function: Any) -> Any:
    return lambda *xs: functools.reduce(function, xs)


NODES.update(
    Max=_folded(ag.maximum),
    Min=_folded(ag.minimum),
    Sum=_folded(operator.add),
    Identity=lambda x: x,
    Mean=lambda *xs: functools.reduce(operator.add, xs) / len(xs),
    Div=lambda a, b: a / b if a.is_floating_point() else ag.div(a, b, rounding_mode="trunc"),
    Pow=lambda a, b: ag.pow(a, b).to(a.dtype),
    Mod=lambda a, b, *, fmod=0: ag.fmod(a, b) if fmod else ag.remainder(a, b),
    CastLike=lambda x, like, *, saturate=1, round_mode="up": x.to(like.dtype),
    LeakyRelu=lambda x, *, alpha=0.01: F.leaky_relu(x, alpha),
    Elu=lambda x, *, alpha=1.0: F.elu(x, alpha),
    Celu=lambda x, *, alpha=1.0: F.celu(x, alpha),
    Selu=lambda x, *, alpha=1.6732631921768188, gamma=1.0507010221481323: gamma * F.elu(x, alpha),
    HardSigmoid=lambda x, *, alpha=0.2, beta=0.5: ag.clamp(alpha * x + beta, 0, 1),
    Gelu=lambda x, *, approximate="none": F.gelu(x, approximate),
    Swish=lambda x, *, alpha=1.0: F.silu(x) if alpha == 1 else x * ag.sigmoid(alpha * x),
    ThresholdedRelu=lambda x, *, alpha=1.0: F.threshold(x, alpha, 0.0),
)


@reads("BitShift")
def _bit_shift(a: Tensor, b: Tensor, *, direction: str) -> Tensor:
    return ag.bitwise_left_shift(a, b) if direction == "LEFT" else ag.bitwise_right_shift(a, b)


@reads("IsInf")
def _is_inf(x: Tensor, *, detect_negative: int = 1, detect_positive: int = 1) -> Tensor:
    return ag.isinf(x) & ((x > 0) & bool(detect_positive) | (x < 0) & bool(detect_negative))


@reads("Clip")
def _clip(x: Tensor, min: Any = None, max: Any = None) -> Tensor:
    x = x if min is None else ag.clamp(x, min=number(min))
    return x if max is None else ag.clamp(x, max=number(max))


@reads("Cast")
def _cast(x: Tensor, *, to: Any = None, saturate: int = 1, round_mode: str = "up") -> Tensor:
    if to is None:
        raise NotImplementedError("Cast: the dtype is missing")
    return x.to(as_dtype(to))


@reads("PRelu")
def _prelu(x: Tensor, slope: Tensor, *, opset: int) -> Tensor:
    if opset < 7 and slope.numel() > 1:  # one number for each channel
        slope = slope.reshape([-1] + [1] * (x.ndim - 2))
    return ag.where(x < 0, x * slope, x)


@reads("Shrink")
def _shrink(x: Tensor, *, bias: float = 0.0, lambd: float = 0.5) -> Tensor:
    zero = ag.zeros_like(x)
    return ag.where(x < -lambd, x + bias, ag.where(x > lambd, x - bias, zero)).to(x.dtype)


@reads("Dropout")
def _dropout(
    x: Tensor, ratio: Any = 0.5, training: Any = False, *, seed: int | None = None, outputs: int, **_: Any
) -> Any:
    """Attributes of older versions concern inference, in which dropout is the identity."""
    if training is not None and number(training) and number(ratio):
        keep = ag.rand(x.shape, dtype=x.dtype, device=x.device) >= number(ratio)
        y = ag.where(keep, x / (1 - number(ratio)), ag.zeros_like(x))
    else:
        y, keep = x, ag.ones_like(x, dtype=bool)
    return y if outputs == 1 else (y, keep)
