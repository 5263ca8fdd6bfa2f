"""Rounding, and divisions with a rounded quotient."""

import math

from autograd_core import dtypes, functional
from autograd_core.kinds import BINARY, ELEMENTWISE
from autograd_core.ops.domains import POSITIVE
from autograd_core.registry import Interval, Values, composition, op, sample

NUMBERS = (int, float, bool)
STEPS = Interval(-2.4, 2.4, kinks=(-2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2))
# Quotients away from the integers, where rounding jumps.
BETWEEN = (sample(Values((2, 3), Interval(2.2, 2.8)), Values((3,), Interval(0.95, 1.05))),
           sample(Values((2, 1), Interval(-2.8, -2.2)), Values((2, 3), Interval(-1.05, -0.95))),
           sample(Values((3,), Interval(-2.8, -2.2)), Values((2, 3), Interval(0.95, 1.05))))


@op(ELEMENTWISE, symbol="⌊·⌋", domain=STEPS, reference=math.floor, vjp=lambda xp, g: xp.zeros_like(g))
def floor(xp, x):
    """Rounded down. Piecewise constant: its gradient is 0."""
    return xp.floor(x)


@op(ELEMENTWISE, symbol="⌈·⌉", domain=STEPS, reference=math.ceil, vjp=lambda xp, g: xp.zeros_like(g))
def ceil(xp, x):
    """Rounded up. Piecewise constant: its gradient is 0."""
    return xp.ceil(x)


@op(ELEMENTWISE, symbol="trunc", domain=STEPS, aliases=("fix",), reference=math.trunc,
    vjp=lambda xp, g: xp.zeros_like(g))
def trunc(xp, x):
    """Rounded towards zero. Piecewise constant: its gradient is 0."""
    return xp.trunc(x)


@op(ELEMENTWISE, symbol="round", domain=STEPS, aliases=("special.round",),
    samples=(sample((3,)), sample(Values((2, 3), Interval(0.06, 0.14)), decimals=1)),
    reference=lambda x, decimals=0: float(f"{x:.{decimals}f}"), vjp=lambda xp, g: xp.zeros_like(g))
def round(xp, x, *, decimals=0):
    """Rounded to `decimals` places, halves to even. Piecewise constant: its gradient is 0."""
    return xp.floor(x) if x.dtype == bool else xp.round(x, decimals)  # NumPy rounds booleans to float16


@composition(ELEMENTWISE, domain=STEPS, reference=lambda x: x - math.trunc(x), tolerance=1e-11)
def frac(input):
    """The fractional part, with the sign of the element."""
    return input - functional.trunc(input.detach())


def _check_divisor(b, a):
    """Raise for integer division by 0, which has no result."""
    kind = (b if hasattr(b, "dtype") else a).dtype.kind
    if kind not in dtypes.EXACT or 0 in getattr(a, "shape", ()):
        return
    if b == 0 if b.__class__ in NUMBERS else (b == 0).any().item():
        raise ValueError("integer division by zero")


@op(BINARY, symbol="mod", domain=POSITIVE, reference=lambda a, b: a - b * math.floor(a / b), samples=BETWEEN,
    modular=True, operators=("__mod__", "__rmod__"),
    vjp=(lambda xp, g: g, lambda xp, g, a, b: -g * xp.floor_divide(a, b)))
def remainder(xp, a, b):
    """Remainder of floor division; it has the sign of the divisor."""
    _check_divisor(b, a)
    return xp.remainder(a, b)


@op(BINARY, symbol="fmod", domain=POSITIVE, reference=math.fmod, samples=BETWEEN, modular=True,
    vjp=(lambda xp, g: g, lambda xp, g, y, a, b: -g * xp.round((a - y) / b)))
def fmod(xp, a, b):
    """Remainder of division rounded towards zero; it has the sign of the dividend."""
    _check_divisor(b, a)
    return xp.fmod(a, b)


@op(BINARY, symbol="⌊÷⌋", domain=POSITIVE, reference=lambda a, b: math.floor(a / b), samples=BETWEEN,
    modular=True, operators=("__floordiv__", "__rfloordiv__"),
    vjp=(lambda xp, g: xp.zeros_like(g), lambda xp, g: xp.zeros_like(g)))
def floor_divide(xp, a, b):
    """Quotient rounded down. Piecewise constant: its gradient is 0."""
    _check_divisor(b, a)
    return xp.floor_divide(a, b)


@op(BINARY, symbol="trunc÷", domain=POSITIVE, reference=lambda a, b: math.trunc(a / b), samples=BETWEEN, method=False,
    wide=True, vjp=(lambda xp, g: xp.zeros_like(g), lambda xp, g: xp.zeros_like(g)))
def trunc_divide(xp, a, b):
    """Quotient rounded towards zero. Piecewise constant: its gradient is 0."""
    _check_divisor(b, a)
    if (b if hasattr(b, "dtype") else a).dtype.kind in dtypes.INTEGERS:  # a floating-point quotient would lose digits
        return xp.floor_divide(a - xp.fmod(a, b), b)
    return xp.trunc(a / b)
