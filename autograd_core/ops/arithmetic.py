"""Arithmetic of two operands, with broadcasting and with a number on either side."""

import math

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import BINARY
from autograd_core.registry import Interval, Values, op, sample

NUMBERS = (int, float, bool)
POSITIVE = Interval(0.5, 2)
REAL = Interval(-2, 2)
# Quotients that stay clear of the integers, where rounding jumps.
BETWEEN = (sample(Values((2, 3), Interval(2.2, 2.8)), Values((3,), Interval(0.95, 1.05))),
           sample(Values((2, 1), Interval(-2.8, -2.2)), Values((2, 3), Interval(-1.05, -0.95))),
           sample(Values((3,), Interval(-2.8, -2.2)), Values((2, 3), Interval(0.95, 1.05))))  # fmt: skip


def _scaled(call):
    """With `alpha`, as PyTorch has it: `other` counts that many times."""

    def scaled(input, other, *, alpha=1):
        if alpha == 1:
            return call(input, other)
        return call(input, other * alpha if isinstance(other, NUMBERS) else functional.multiply(other, alpha))

    return scaled


@op(BINARY, symbol="+", domain=REAL, reference=lambda a, b, alpha=1: a + alpha * b, commutative=True, form=_scaled,
    samples=(sample((2, 3), (3,)), sample((2, 1), (3,), alpha=-1.5)), operators=("__add__", "__radd__"),
    vjp=(lambda xp, g: g, lambda xp, g: g))  # fmt: skip
def add(xp, a, b):
    """Sum, element by element; `alpha` times `other` if it is given.

    >>> from autograd_core import tensor
    >>> tensor([1.0, 2.0]) + 1
    tensor([2., 3.])
    """
    return a + b


@op(BINARY, symbol="-", domain=REAL, reference=lambda a, b, alpha=1: a - alpha * b, aliases=("sub",), form=_scaled,
    samples=(sample((2, 3), (3,)), sample((2, 1), (3,), alpha=2)), operators=("__sub__", "__rsub__"),
    vjp=(lambda xp, g: g, lambda xp, g: -g))  # fmt: skip
def subtract(xp, a, b):
    """Difference, element by element; `alpha` times `other` if it is given."""
    return a - b


@op(BINARY, symbol="×", domain=REAL, reference=lambda a, b: a * b, aliases=("mul",), commutative=True,
    operators=("__mul__", "__rmul__"), vjp=(lambda xp, g, b: g * b, lambda xp, g, a: g * a))  # fmt: skip
def multiply(xp, a, b):
    """Product, element by element."""
    return a * b


def _rounded(call):
    """With `rounding_mode`, as PyTorch has it."""

    def divided(input, other, *, rounding_mode=None):
        if rounding_mode is None:
            return call(input, other)
        if rounding_mode == "floor":
            return functional.floor_divide(input, other)
        if rounding_mode != "trunc":
            raise OperandError(f"divide(): rounding_mode must be None, 'floor' or 'trunc', not {rounding_mode!r}")
        rest = functional.fmod(input, other)
        if rest.dtype.kind in "iu":  # a floating-point quotient would lose digits
            return functional.floor_divide(input - rest, other)
        return functional.trunc(call(input, other))

    return divided


ROUNDED = {None: lambda q: q, "floor": math.floor, "trunc": math.trunc}


@op(BINARY, symbol="÷", domain=POSITIVE, aliases=("div", "true_divide"), floating=True, form=_rounded,
    reference=lambda a, b, rounding_mode=None: ROUNDED[rounding_mode](a / b),
    samples=(sample((2, 3), (3,)), *[sample(*s.inputs, rounding_mode=mode) for s in BETWEEN
                                     for mode in ("floor", "trunc")]),
    operators=("__truediv__", "__rtruediv__"),
    vjp=(lambda xp, g, b: g / b, lambda xp, g, y, b: -g * y / b))  # fmt: skip
def divide(xp, a, b):
    """Quotient, element by element; of integers it is floating point.

    rounding_mode: None, "floor" or "trunc"; rounded, the quotient of integers is one, and the gradient is 0.
    """
    return a / b


def _base_rule(xp, g, a, b):
    """b·a^(b-1), and 0 where b is 0: a^0 is constant, at 0 too."""
    if b.__class__ in NUMBERS:
        if b == 2:
            return g * (2 * a)
        return g * (b * a ** (b - 1)) if b else xp.zeros_like(a) * g
    constant = b == 0
    return g * xp.where(constant, 0, b * a ** xp.where(constant, 1, b - 1))


def _exponent_rule(xp, g, y, a, b):
    """y·log a, and 0 where 0 is raised to b ≥ 0, as its limit from b > 0."""
    if a.__class__ in NUMBERS:
        if a > 0:
            return g * (y * math.log(a))
        return g * xp.where(b >= 0, 0, y * -math.inf) if a == 0 else g * y * math.nan
    flat = (a == 0) & (b >= 0)
    return g * xp.where(flat, 0, y * xp.log(xp.where(flat, 1, a)))


@op(BINARY, symbol="^", domain=POSITIVE, reference=math.pow, aliases=("pow",), operators=("__pow__", "__rpow__"),
    vjp=(_base_rule, _exponent_rule))  # fmt: skip
def power(xp, a, b):
    """`input` to the power `other`, element by element."""
    return a**b


@op(BINARY, symbol="mod", domain=POSITIVE, reference=lambda a, b: a - b * math.floor(a / b), samples=BETWEEN,
    operators=("__mod__", "__rmod__"),
    vjp=(lambda xp, g: g, lambda xp, g, a, b: -g * xp.floor_divide(a, b)))  # fmt: skip
def remainder(xp, a, b):
    """Remainder of the division rounded down: it has the sign of the divisor."""
    _check_divisor(b, a)
    return a % b


def _check_divisor(b, a):
    """Integers have no infinity to answer a division by 0 with."""
    kind = (b if hasattr(b, "dtype") else a).dtype.kind
    if kind in "biu" and (b == 0 if b.__class__ in NUMBERS else (b == 0).any().item()):
        raise ValueError("integer division by zero")


@op(BINARY, symbol="fmod", domain=POSITIVE, reference=math.fmod, samples=BETWEEN,
    vjp=(lambda xp, g: g, lambda xp, g, y, a, b: -g * xp.round((a - y) / b)))  # fmt: skip
def fmod(xp, a, b):
    """Remainder of the division rounded towards zero: it has the sign of the dividend."""
    _check_divisor(b, a)
    return xp.fmod(a, b)


@op(BINARY, symbol="⌊÷⌋", domain=POSITIVE, reference=lambda a, b: math.floor(a / b), samples=BETWEEN,
    operators=("__floordiv__", "__rfloordiv__"),
    vjp=(lambda xp, g: xp.zeros_like(g), lambda xp, g: xp.zeros_like(g)))  # fmt: skip
def floor_divide(xp, a, b):
    """Quotient rounded down. Piecewise constant: its gradient is 0."""
    _check_divisor(b, a)
    return a // b


def _larger(xp, g, a, b):
    """The whole cotangent to the larger operand, half to each where they tie."""
    return xp.where(a == b, g / 2, xp.where(a > b, g, 0))


@op(BINARY, symbol="max", domain=REAL, reference=max,
    vjp=(_larger, lambda xp, g, a, b: _larger(xp, g, b, a)))  # fmt: skip
def maximum(xp, a, b):
    """The larger of two elements; NaN if either is. A tie shares the gradient equally."""
    return xp.maximum(a, b)


@op(BINARY, symbol="min", domain=REAL, reference=min,
    vjp=(lambda xp, g, a, b: _larger(xp, g, b, a), _larger))  # fmt: skip
def minimum(xp, a, b):
    """The smaller of two elements; NaN if either is. A tie shares the gradient equally."""
    return xp.minimum(a, b)


@op(
    BINARY,
    symbol="atan2",
    domain=POSITIVE,
    reference=math.atan2,
    floating=True,
    aliases=("arctan2",),
    vjp=(lambda xp, g, a, b: _atan2_rule(xp, g, a, b, b), lambda xp, g, a, b: _atan2_rule(xp, g, a, b, -a)),
)
def atan2(xp, a, b):
    """Angle of the point (other, input), in radians, in (-π, π]."""
    return xp.arctan2(a, b)


def _atan2_rule(xp, g, a, b, across):
    square = a * a + b * b
    return g * xp.where(square == 0, 0, across / xp.where(square == 0, 1, square))


@op(BINARY, symbol="hypot", domain=POSITIVE, reference=math.hypot, floating=True,
    vjp=(lambda xp, g, y, a: g * xp.where(y == 0, 0, a / xp.where(y == 0, 1, y)),
         lambda xp, g, y, b: g * xp.where(y == 0, 0, b / xp.where(y == 0, 1, y))))  # fmt: skip
def hypot(xp, a, b):
    """Length of the vector (input, other), without overflow on the way; its gradient at the origin is 0."""
    return xp.hypot(a, b)
