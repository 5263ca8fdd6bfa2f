"""Signs, copies, casts, and replacement by 0."""

import math

from autograd_core.dtypes import as_dtype
from autograd_core.errors import DtypeError, warn
from autograd_core.kinds import CAST, ELEMENTWISE
from autograd_core.ops.domains import OFF_ZERO
from autograd_core.registry import composition, op, sample
from autograd_core.semantics.memory_format import arranged
from backends.strides import copying_order

LARGE, LARGER = 1 << 12, 1 << 18  # elements: from here a kernel pays for conversions, and for copies


@op(ELEMENTWISE, symbol="−", reference=lambda x: -x, operators=("__neg__",), aliases=("neg",),
    holomorphic=True, vjp=lambda xp, g: -g)
def negative(xp, x):
    """The negative of every element."""
    return -x


@composition(ELEMENTWISE, reference=lambda x: x)
def positive(input):
    """The tensor itself; booleans are refused."""
    if input.dtype.kind == "b":
        raise DtypeError("positive() takes no booleans")
    return input


@op(ELEMENTWISE, symbol="|·|", domain=OFF_ZERO, reference=abs, operators=("__abs__",),
    aliases=("abs",), holomorphic=False, vjp=lambda xp, g, x: g * xp.sgn(x))
def absolute(xp, x):
    """Absolute value; its gradient at 0 is 0."""
    return abs(x)


@op(ELEMENTWISE, symbol="sign", domain=OFF_ZERO, reference=lambda x: math.copysign(1, x),
    vjp=lambda xp, g: xp.zeros_like(g))
def sign(xp, x):
    """-1, 0 or 1. Piecewise constant: its gradient is 0."""
    return x.copy() if x.dtype.kind == "b" else xp.sign(x)


@op(CAST, symbol="cast", reference=lambda x, dtype: x, samples=(sample((2, 3), dtype="float64"),),
    holomorphic=False, vjp=lambda xp, g, x_dtype: xp.astype(xp.real(g) if x_dtype.kind != "c" else g, dtype=x_dtype))
def astype(xp, x, *, dtype):
    """The elements in another dtype."""
    target = as_dtype(dtype)
    if x.dtype.kind == "c" and target.kind not in "cb":
        warn("complex numbers become real ones without their imaginary part; take .real to say so")
        x = x.real
    if x.size >= LARGE:
        return xp.kernels.converted(x, target)
    return x.astype(target, order="C") if copying_order(x) == "C" else x.astype(target)


def _formatted(call):
    def clone(input, *, memory_format=None):
        return arranged(call(input), memory_format)

    return clone


@op(CAST, symbol="clone", reference=lambda x: x, vjp=lambda xp, g: g, form=_formatted)
def clone(xp, x):
    """A copy with its own storage and the same memory order of axes, through which gradients flow."""
    return x.copy(order=copying_order(x)) if x.size < LARGER else xp.kernels.converted(x, x.dtype)


@op(CAST, symbol="clone", reference=lambda x: x, method=False, vjp=lambda xp, g: g)
def row_major(xp, x):
    """A copy with its own storage, the last axis innermost in memory."""
    return x.copy(order="C") if x.flags.c_contiguous else xp.ascontiguousarray(x)


@op(CAST, symbol="0", reference=lambda x: 0.0, method=False, vjp=lambda xp, g: None)
def zeros_like(xp, x):
    """Zeros of the shape and dtype of `input`."""
    return xp.zeros(x.shape, x.dtype) if copying_order(x) == "C" else xp.zeros_like(x)
