"""Parts of activations that take many passes: the slope of SiLU, the gate of GELU's tanh approximation."""

from typing import Any

from backends.geometry import Array
from backends.special import double

# 2√(2/π) and 0.044715 times this, and what rounding took from each.
LINEAR, LINEAR_REST = 1.5957691216057308, -9.96930880911092e-17
CUBIC, CUBIC_REST = 0.07135481627260025, -6.175149918155315e-19
SPLITTER = 2.0**27 + 1
# Where the slope of SiLU is 0, in two parts, and exp of that.
ROOT, ROOT_REST, ROOT_EXP = -1.2784645427610737, -1.0946994183093437e-16, 0.2784645427610738


def silu_slope(xp: Any, x: Array) -> Array:
    """σ(x)·(1 + x·σ(-x)).

    Below 0 the sum is σ(-x)·(1 + x + exp(x)), and this minus its value at the root, 0, has terms of one sign only.
    Where x has the other sign, each of the two parts is constant: `where` would cost more than all the rest.
    """
    if x.dtype.kind == "c":
        return (1.0 + x / (1.0 + xp.exp(x))) / (1.0 + xp.exp(-x))
    low, high = xp.minimum(x, 0), xp.maximum(x, 0)
    d = low - ROOT - ROOT_REST
    below, above = xp.exp(low), xp.exp(-high)
    total = (d + ROOT_EXP * xp.expm1(d)) / (1 + below) + high * above / (1 + above)
    return total / (1 + xp.exp(-x))


def gelu_gate(xp: Any, x: Array) -> Array:
    """σ(z) of z = LINEAR·x + CUBIC·x³. For float64 with the rounding error of z, which counts z times in exp(z)."""
    dtype, x = double(xp, x)
    x = xp.clip(x, -25.0, 25.0)
    square = x * x
    cubic = CUBIC * square
    factor = cubic + LINEAR
    z = x * factor
    size = xp.exp(-xp.abs(z))
    if dtype.itemsize == 8:
        grown = factor - LINEAR
        rest = (LINEAR - (factor - grown)) + (cubic - grown) + LINEAR_REST + CUBIC_REST * square
        rest = rest + _lost(square, CUBIC, cubic) + CUBIC * _lost(x, x, square)
        size = size - size * xp.copysign(1.0, z) * (_lost(x, factor, z) + x * rest)
    return (xp.where(z < 0.0, size, 1.0) / (1.0 + size)).astype(dtype, copy=False)


def _lost(a: Array, b: Any, product: Array) -> Array:
    """a·b - product, what rounding took away, by splitting both in halves (Dekker 1971)."""
    a_high, b_high = SPLITTER * a - (SPLITTER * a - a), SPLITTER * b - (SPLITTER * b - b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
