"""Maximum and minimum of two operands, clamping, steps."""

import math

from autograd_core import dtypes, functional
from autograd_core.errors import OperandError
from autograd_core.kinds import BINARY, ELEMENTWISE
from autograd_core.ops.domains import OFF_ZERO
from autograd_core.registry import NO_GRADIENT, Interval, composition, op, sample


def _larger(xp, g, a, b):
    """The cotangent where a is larger, half of it where both are equal, all of it where one is NaN."""
    return xp.where(a == b, g / 2, xp.where(a < b, 0, g))


def _smaller(xp, g, a, b):
    return xp.where(a == b, g / 2, xp.where(a > b, 0, g))


@op(BINARY, symbol="max", reference=max, vjp=(_larger, lambda xp, g, a, b: _larger(xp, g, b, a)))
def maximum(xp, a, b):
    """The larger of two elements; NaN if either is. A tie shares the gradient equally."""
    return xp.maximum(a, b)


@op(BINARY, symbol="min", reference=min, vjp=(_smaller, lambda xp, g, a, b: _smaller(xp, g, b, a)))
def minimum(xp, a, b):
    """The smaller of two elements; NaN if either is. A tie shares the gradient equally."""
    return xp.minimum(a, b)


def _chosen(xp, g, a, b, beyond):
    """The cotangent where a is `beyond` b or b is NaN, half of it where both are equal."""
    return xp.where(a == b, g / 2, xp.where(beyond | (b != b), g, 0))


@op(BINARY, symbol="fmax", reference=max,
    vjp=(lambda xp, g, a, b: _chosen(xp, g, a, b, a > b), lambda xp, g, a, b: _chosen(xp, g, b, a, b > a)))
def fmax(xp, a, b):
    """The larger of two elements, or the one that is not NaN. A tie shares the gradient equally."""
    return xp.fmax(a, b)


@op(BINARY, symbol="fmin", reference=min,
    vjp=(lambda xp, g, a, b: _chosen(xp, g, a, b, a < b), lambda xp, g, a, b: _chosen(xp, g, b, a, b < a)))
def fmin(xp, a, b):
    """The smaller of two elements, or the one that is not NaN. A tie shares the gradient equally."""
    return xp.fmin(a, b)


def _kept(xp, g, outside, bound):
    """The cotangent of an element between bounds, on one of them too."""
    return xp.where(outside | (bound != bound), 0, g)


def _replacing(xp, g, outside, bound):
    """The cotangent of a bound that replaces the element."""
    return xp.where(outside | (bound != bound), g, 0)


@op(BINARY, symbol="clamp↓", method=False, reference=max,
    vjp=(lambda xp, g, a, b: _kept(xp, g, a < b, b), lambda xp, g, a, b: _replacing(xp, g, a < b, b)))
def clamp_lower(xp, a, b):
    """`clamp` from below by a tensor; NaN if either is. The element, not the bound, gets the gradient of a tie."""
    return xp.maximum(a, b)


@op(BINARY, symbol="clamp↑", method=False, reference=min,
    vjp=(lambda xp, g, a, b: _kept(xp, g, a > b, b), lambda xp, g, a, b: _replacing(xp, g, a > b, b)))
def clamp_upper(xp, a, b):
    """`clamp` from above by a tensor; NaN if either is. The element, not the bound, gets the gradient of a tie."""
    return xp.minimum(a, b)


def _within(x, low, high):
    if low is None or high is None:
        return x <= high if low is None else x >= low
    return (x >= low) & (x <= high)


def _limited(x, min=None, max=None):
    return sorted((-math.inf if min is None else min, x, math.inf if max is None else max))[1]


@op(ELEMENTWISE, symbol="clamp", domain=Interval(-2, 2, kinks=(-1, 1)), method=False, wide=True, reference=_limited,
    samples=(sample((2, 3), min=-1), sample((2, 3), max=1), sample((7,), min=-1, max=1)),
    vjp=lambda xp, g, x, min, max: xp.where(_within(x, min, max), g, 0))
def clamp_number(xp, x, *, min=None, max=None):
    """`clamp` between two numbers."""
    if x.dtype.kind in dtypes.EXACT and float in (type(min), type(max)):
        x = x.astype(dtypes.get_default_dtype())
    if x.dtype.kind == "u" and type(max) is int and max < 0:
        max = dtypes.elements(max, x.dtype)
    return xp.clip(x, min, max)


@composition(ELEMENTWISE, domain=Interval(-2, 2, kinks=(-1, 1)), aliases=("clip",), reference=_limited,
             samples=(sample((2, 3), min=-1), sample((2, 3), -1, 1), sample((2, 3), None, 1)))
def clamp(input, min=None, max=None):
    """Elements limited to [min, max]; the bounds are numbers, tensors or None.

    The gradient is 1 within and on the bounds, 0 outside.
    """
    if min is None and max is None:
        raise OperandError("clamp(): give min, max or both")
    if not hasattr(min, "shape") and not hasattr(max, "shape"):
        return clamp_number(input, min=min, max=max)
    if min is not None and max is not None:
        dtype = dtypes.result_type(input, min, max)
        if input.dtype != dtype:
            input = functional.astype(input, dtype)  # of both bounds, whichever comes first
    if min is not None:
        input = clamp_lower(input, min)
    return input if max is None else clamp_upper(input, max)


@composition(ELEMENTWISE, domain=Interval(-2, 2, kinks=(-1,)), reference=lambda x, min: x if x > min else min,
             samples=(sample((2, 3), -1), sample((2, 3), min=-1.0)))
def clamp_min(input, min):
    """The larger of each element and `min`, a number or a tensor."""
    return clamp(input, min)


@composition(ELEMENTWISE, domain=Interval(-2, 2, kinks=(1,)), reference=lambda x, max: x if x < max else max,
             samples=(sample((2, 3), 1), sample((2, 3), max=1.0)))
def clamp_max(input, max):
    """The smaller of each element and `max`, a number or a tensor."""
    return clamp(input, None, max)


@op(BINARY, symbol="step", domain=OFF_ZERO, reference=lambda a, b: float(a > 0), vjp=NO_GRADIENT)
def heaviside(xp, x, values):
    """0 below 0, 1 above, `values` at 0, NaN at NaN. Piecewise constant: nothing is recorded."""
    return xp.where(x == 0, values, xp.where(x == x, (x > 0).astype(x.dtype), x))
