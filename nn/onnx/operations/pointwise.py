"""Operations element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nn.onnx.writer import OPERATIONS, Ref, Writer, writes

# Operations with a node of the same meaning.
SAME = {
    "absolute": "Abs", "acos": "Acos", "acosh": "Acosh", "add": "Add", "asin": "Asin", "asinh": "Asinh",
    "atan": "Atan", "atanh": "Atanh", "bitwise_and": "BitwiseAnd", "bitwise_not": "BitwiseNot",
    "bitwise_or": "BitwiseOr", "bitwise_xor": "BitwiseXor", "ceil": "Ceil", "clone": "Identity", "cos": "Cos",
    "cosh": "Cosh", "divide": "Div", "eq": "Equal", "erf": "Erf", "exp": "Exp", "floor": "Floor",
    "ge": "GreaterOrEqual",
    "gt": "Greater", "hardswish": "HardSwish", "isinf": "IsInf", "isnan": "IsNaN", "le": "LessOrEqual", "log": "Log",
    "clamp_lower": "Max", "clamp_upper": "Min", "lt": "Less", "maximum": "Max", "minimum": "Min", "mish": "Mish",
    "multiply": "Mul", "negative": "Neg",
    "power": "Pow", "reciprocal": "Reciprocal", "relu": "Relu", "relu_of": "Relu", "row_major": "Identity",
    "sigmoid": "Sigmoid", "sign": "Sign", "sin": "Sin", "sinh": "Sinh", "softsign": "Softsign", "sqrt": "Sqrt",
    "subtract": "Sub", "tan": "Tan", "tanh": "Tanh", "where": "Where",
}  # fmt: skip
WITH_BOOLS = {"bitwise_and": "And", "bitwise_or": "Or", "bitwise_xor": "Xor", "bitwise_not": "Not"}
LOGICAL = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "logical_not": "Not"}


def _same(name: str, kind: str) -> Any:
    def write(g: Writer, *operands: Any) -> Ref:
        bools = any(isinstance(x, Ref) and x.dtype == np.bool_ for x in operands)
        return g(WITH_BOOLS.get(name, kind) if bools else kind, *operands)

    return write


def _logical(kind: str) -> Any:
    return lambda g, *operands: g(kind, *[x if x.dtype == np.bool_ else g.cast(x, np.bool_) for x in operands])


def _is_integer(*operands: Any) -> bool:
    return all(x.dtype.kind in "iu" for x in operands if isinstance(x, Ref))


OPERATIONS.update({name: _same(name, kind) for name, kind in SAME.items()})
OPERATIONS.update({name: _logical(kind) for name, kind in LOGICAL.items()})
OPERATIONS.update(
    log2=lambda g, x: g("Div", g("Log", x), math.log(2)),
    log10=lambda g, x: g("Div", g("Log", x), math.log(10)),
    sloped=lambda g, x, weight: g("PRelu", x, weight),
    astype=lambda g, x, *, dtype: g.cast(x, dtype),
    ne=lambda g, a, b: g("Not", g("Equal", a, b)),
    isfinite=lambda g, x: g("Not", g("Or", g("IsNaN", x), g("IsInf", x))),
    square=lambda g, x: g("Mul", x, x),
    rsqrt=lambda g, x: g("Reciprocal", g("Sqrt", x)),
    exp2=lambda g, x: g("Exp", g("Mul", x, math.log(2))),
    fmod=lambda g, a, b: g("Mod", a, b, fmod=1),
    bounded=lambda g, x, *, low, high: g("Clip", x, np.asarray(low, x.dtype), np.asarray(high, x.dtype)),
    leaky_relu=lambda g, x, *, negative_slope: g("LeakyRelu", x, alpha=float(negative_slope)),
    hardsigmoid=lambda g, x: g("HardSigmoid", x, alpha=1 / 6, beta=0.5),
    silu=lambda g, x: g("Mul", x, g("Sigmoid", x)),
    logsigmoid=lambda g, x: g("Neg", g("Softplus", g("Neg", x))),
    gelu_erf=lambda g, x: g("Gelu", x),
    gelu_tanh=lambda g, x: g("Gelu", x, approximate="tanh"),
    tanhshrink=lambda g, x: g("Sub", x, g("Tanh", x)),
    add_relu=lambda g, a, b: g("Relu", g("Add", a, b)),
    drop=lambda g, x, keep, *, scale: g("Where", keep, g("Mul", x, scale), np.zeros((), x.dtype)),
    lerp=lambda g, start, end, weight: g("Add", start, g("Mul", g("Sub", end, start), weight)),
    zeros_like=lambda g, x: g("Expand", np.zeros((), x.dtype), g("Shape", x)),
)


@writes("expm1")
def _expm1(g: Writer, x: Ref) -> Ref:
    half = g("Mul", x, 0.5)
    return g("Mul", g("Mul", g("Exp", half), g("Sinh", half)), 2)  # exact next to 0


@writes("log1p")
def _log1p(g: Writer, x: Ref) -> Ref:
    near = g("Mul", g("Atanh", g("Div", x, g("Add", x, 2))), 2)  # exact next to 0
    return g("Where", g("Less", g("Abs", x), 0.5), near, g("Log", g("Add", x, 1)))


@writes("trunc")
def _trunc(g: Writer, x: Ref) -> Ref:
    return g("Mul", g("Sign", x), g("Floor", g("Abs", x)))


@writes("round")
def _round(g: Writer, x: Ref, *, decimals: int) -> Ref:
    if not decimals:
        return g("Round", x)
    return g("Div", g("Round", g("Mul", x, 10.0**decimals)), 10.0**decimals)


@writes("remainder")
def _remainder(g: Writer, a: Any, b: Any) -> Ref:
    if _is_integer(a, b):
        return g("Mod", a, b)
    return g("Sub", a, g("Mul", g("Floor", g("Div", a, b)), b))


@writes("floor_divide")
def _floor_divide(g: Writer, a: Any, b: Any) -> Ref:
    if _is_integer(a, b):
        return g("Div", g("Sub", a, g("Mod", a, b)), b)
    return g("Floor", g("Div", a, b))


@writes("trunc_divide")
def _trunc_divide(g: Writer, a: Any, b: Any) -> Ref:
    quotient = g("Div", a, b)
    return quotient if _is_integer(a, b) else _trunc(g, quotient)


@writes("clamp_number")
def _clamp(g: Writer, x: Ref, *, min: float | None, max: float | None) -> Ref:
    dtype = g.results[0].held.dtype
    x = x if x.dtype == dtype else g.cast(x, dtype)
    return g("Clip", x, *[None if bound is None else np.asarray(bound, dtype) for bound in (min, max)])


@writes("elu")
def _elu(g: Writer, x: Ref, *, alpha: float, scale: float, input_scale: float) -> Ref:
    y = g("Elu", x if input_scale == 1 else g("Mul", x, input_scale), alpha=float(alpha))
    y = y if input_scale == 1 else g("Where", g("Greater", x, 0), x, y)
    return y if scale == 1 else g("Mul", y, scale)


@writes("softplus")
def _softplus(g: Writer, x: Ref, *, beta: float) -> Ref:
    return g("Softplus", x) if beta == 1 else g("Div", g("Softplus", g("Mul", x, beta)), beta)
