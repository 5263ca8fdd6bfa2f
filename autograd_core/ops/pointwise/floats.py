"""The parts of floating-point numbers: sign, mantissa, exponent; neighbours, infinities and NaN."""

import math

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.errors import DtypeError
from autograd_core.kinds import BINARY, CHANNELWISE, COMPARISON, ELEMENTWISE
from autograd_core.ops.domains import OFF_ZERO
from autograd_core.registry import NO_GRADIENT, Interval, composition, integers, op, sample
from autograd_core.tensor import Tensor


@op(COMPARISON, symbol="-?", domain=OFF_ZERO, reference=lambda x: x < 0, vjp=NO_GRADIENT)
def signbit(xp, x):
    """Where the sign is negative, including -0.0."""
    return xp.signbit(x) if x.dtype.kind in dtypes.FLOATS else x < 0


@op(COMPARISON, symbol="+∞?", reference=lambda x: x == math.inf, vjp=NO_GRADIENT)
def isposinf(xp, x):
    """Where the element is positive infinity."""
    return x == math.inf


@op(COMPARISON, symbol="-∞?", reference=lambda x: x == -math.inf, vjp=NO_GRADIENT)
def isneginf(xp, x):
    """Where the element is negative infinity."""
    return x == -math.inf


@op(BINARY, symbol="±", domain=OFF_ZERO, floating=True, wide=True, reference=math.copysign,
    vjp=(lambda xp, g, a, y: g * (xp.sign(a) * xp.sign(y)), lambda xp, g: xp.zeros_like(g)))
def copysign(xp, a, b):
    """The magnitude of `input` with the sign of `other`; the gradient where `input` is 0 is 0."""
    return xp.copysign(a, b)


@op(BINARY, symbol="next", reference=math.nextafter, floating=True,
    vjp=(lambda xp, g: g, lambda xp, g: xp.zeros_like(g)))
def nextafter(xp, a, b):
    """The next floating point number after `input` towards `other`."""
    return xp.nextafter(a, b)


NORMAL = {2: 14, 4: 126, 8: 1022}  # exponents up to these are of normal numbers, by the size of numbers


@composition(ELEMENTWISE, reference=lambda x, k: x * 2**k,
             samples=(sample((2, 3), integers((2, 3), -4, 5)), sample((2, 3), (3,))))
def ldexp(input, other):
    """input·2^other."""
    tensors = isinstance(input, Tensor) and isinstance(other, Tensor)
    if tensors and input.dtype.kind in dtypes.INEXACT and other.dtype.kind in dtypes.EXACT:
        # As integers they would make 2^other the default dtype.
        other = functional.astype(other, functional.real(input).dtype)
    if not isinstance(other, Tensor) or other.dtype.kind not in dtypes.FLOATS:
        return input * functional.exp2(other)
    bound = NORMAL[other.dtype.itemsize]
    first = functional.clamp(other, -bound, bound)
    return input * functional.exp2(first) * functional.exp2(other - first)


@op(CHANNELWISE, symbol="m·2ⁿ", domain=Interval(0.6, 3, kinks=(1, 2)), reference=np.frexp,
    outputs=("mantissa", "exponent"), detached=("exponent",), wide=True,
    samples=(sample((2, 3)), sample(()), sample((0, 3))),
    vjp=lambda xp, g, exponent: g[0] * xp.exp2(xp.astype(-exponent, dtype=g[0].dtype)))
def frexp(xp, x):
    """Mantissas in [0.5, 1) and exponents: element = mantissa·2^exponent."""
    if x.dtype.kind not in dtypes.FLOATS:
        raise DtypeError(f"frexp() takes floating point elements, not {x.dtype}; convert them first: x.float()")
    return xp.frexp(x)


def _largest(dtype):
    """The largest finite number."""
    if dtype.kind != "V":
        return float(np.finfo(dtype).max)
    import ml_dtypes

    return float(ml_dtypes.finfo(dtype).max)


@op(ELEMENTWISE, symbol="NaN→0", samples=(sample((2, 3)), sample((3,), nan=1.0), sample((3,), posinf=2.0, neginf=-2.0)),
    reference=lambda x, nan=0.0, posinf=None, neginf=None: x, holomorphic=False,
    vjp=lambda xp, g, x: xp.where(xp.isfinite(x), g, 0))
def nan_to_num(xp, x, *, nan=0.0, posinf=None, neginf=None):
    """NaN replaced by `nan`, infinities by `posinf` and `neginf`, or by the largest and smallest finite number.

    Of a complex number each part is replaced by itself; the gradient of what has changed is 0.
    """
    if x.dtype.kind in dtypes.EXACT:
        return x.copy()
    largest = _largest(x.real.dtype)
    posinf, neginf = largest if posinf is None else posinf, -largest if neginf is None else neginf
    if x.dtype.kind in "fc":
        return xp.nan_to_num(x, nan=nan or 0.0, posinf=posinf, neginf=neginf)
    y = xp.where(x != x, nan or 0.0, x)
    y = xp.where(x == math.inf, posinf, y)
    return xp.where(x == -math.inf, neginf, y).astype(x.dtype, copy=False)
