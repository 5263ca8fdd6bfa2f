"""Exponentials and logarithms."""

import math

from autograd_core.kinds import ELEMENTWISE
from autograd_core.ops.domains import INSIDE, POSITIVE
from autograd_core.registry import op


@op(ELEMENTWISE, symbol="exp", reference=math.exp, floating=True, holomorphic=True, vjp=lambda xp, g, y: g * y)
def exp(xp, x):
    """Exponential of every element.

    >>> from autograd_core import tensor
    >>> tensor([0.0, 1.0]).exp()
    tensor([1.0000, 2.7183])
    """
    return xp.exp(x)


@op(ELEMENTWISE, symbol="2ˣ", reference=lambda x: 2.0**x, floating=True, aliases=("special.exp2",),
    holomorphic=True, vjp=lambda xp, g, y: g * (y * math.log(2)))
def exp2(xp, x):
    """2 to the power of every element."""
    return xp.exp(x * math.log(2)) if x.dtype.kind == "c" else xp.exp2(x)


@op(ELEMENTWISE, symbol="expm1", reference=math.expm1, floating=True, aliases=("special.expm1",),
    holomorphic=True, inverse=lambda xp, y: xp.log1p(y), vjp=lambda xp, g, x: g * xp.exp(x))
def expm1(xp, x):
    """exp(x) - 1, exact for small x."""
    return xp.expm1(x)


def _positive(xp, x):
    """x, zeros of both signs among it, but NaN below 0, where the logarithm is NaN."""
    return x if x.dtype.kind == "c" else x + xp.minimum(xp.sqrt(x), -0.0)


@op(ELEMENTWISE, symbol="log", domain=POSITIVE, reference=math.log, floating=True,
    holomorphic=True, vjp=lambda xp, g, x: g / _positive(xp, x))
def log(xp, x):
    """Natural logarithm; -inf at 0, NaN below."""
    return xp.log(x)


@op(ELEMENTWISE, symbol="log₂", domain=POSITIVE, reference=math.log2, floating=True,
    holomorphic=True, vjp=lambda xp, g, x: g / (_positive(xp, x) * math.log(2)))
def log2(xp, x):
    """Logarithm to base 2."""
    return xp.log2(x)


@op(ELEMENTWISE, symbol="log₁₀", domain=POSITIVE, reference=math.log10, floating=True,
    holomorphic=True, vjp=lambda xp, g, x: g / (_positive(xp, x) * math.log(10)))
def log10(xp, x):
    """Logarithm to base 10."""
    return xp.log10(x)


@op(ELEMENTWISE, symbol="log1p", domain=INSIDE, reference=math.log1p, floating=True, aliases=("special.log1p",),
    holomorphic=True, vjp=lambda xp, g, x: g / _positive(xp, 1 + x))
def log1p(xp, x):
    """log(1 + x), exact for small x."""
    if x.dtype.kind != "c":
        return xp.log1p(x)
    small = xp.abs(x) < 0.5
    near = xp.where(small, x, 0)
    excess = near.real * (2 + near.real) + near.imag * near.imag  # |1 + x|² - 1
    length = xp.where(excess == 0, near.real, 0.5 * xp.log1p(excess))
    return xp.where(small, length + 1j * xp.arctan2(near.imag, 1 + near.real), xp.log(x - -1))  # 1 + x has no -0i
