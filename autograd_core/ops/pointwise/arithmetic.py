"""Arithmetic with two operands, tensors or numbers."""

import math

from autograd_core import functional
from autograd_core.dtypes import can_cast, result_type
from autograd_core.engine.arguments import in_float32
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import BINARY
from autograd_core.ops.domains import POSITIVE
from autograd_core.ops.pointwise import rounding
from autograd_core.ops.pointwise.rounding import BETWEEN, NUMBERS
from autograd_core.registry import op, sample


def _factor(value):
    if not isinstance(value, NUMBERS):
        raise TypeError("of three arguments by position, as in add(input, alpha, other), the second must be a number")
    return value


def _scaled(call):
    """Adds PyTorch's parameter `alpha`, a factor of `other`, which in an older form stands before it."""

    def scaled(input, other, last=None, *, alpha=1):
        if last is not None:
            return scaled(input, last, alpha=_factor(other))
        if alpha == 1:
            return call(input, other)
        alike = hasattr(input, "dtype") and getattr(other, "dtype", None) is input.dtype
        dtype = input.dtype if alike else result_type(input, other)
        if isinstance(alpha, (float, complex)) and not can_cast(type(alpha), dtype):
            raise DtypeError(f"alpha={alpha!r} is no number of {dtype}, the dtype of the result; convert an operand")
        if getattr(other, "dtype", dtype) != dtype:
            other = functional.astype(other, dtype)  # in which the product may have room
        combine = in_float32(blend) if dtype.itemsize == 2 else blend
        return combine(input, other, bool(alpha) if dtype.kind == "b" else alpha)

    def blend(a, b, factor):
        return call(a, b * factor if isinstance(b, NUMBERS) else functional.multiply(b, factor))

    return scaled


@op(BINARY, symbol="+", reference=lambda a, b, alpha=1: a + alpha * b, commutative=True, form=_scaled,
    modular=True, samples=(sample((2, 3), (3,)), sample((2, 1), (3,), alpha=-2)), operators=("__add__", "__radd__"),
    holomorphic=True, vjp=(lambda xp, g: g, lambda xp, g: g))
def add(xp, a, b):
    """Sum, element by element; `other` is multiplied by `alpha` if given.

    >>> from autograd_core import tensor
    >>> tensor([1.0, 2.0]) + 1
    tensor([2., 3.])
    """
    return a + b


@op(BINARY, symbol="−", reference=lambda a, b, alpha=1: a - alpha * b, aliases=("sub",), form=_scaled,
    modular=True, booleans=False, samples=(sample((2, 3), (3,)), sample((2, 1), (3,), alpha=2)),
    operators=("__sub__", "__rsub__"),
    holomorphic=True, vjp=(lambda xp, g: g, lambda xp, g: -g))
def subtract(xp, a, b):
    """Difference, element by element; `other` is multiplied by `alpha` if given."""
    return a - b


@op(BINARY, symbol="×", reference=lambda a, b: a * b, aliases=("mul",), commutative=True,
    modular=True, operators=("__mul__", "__rmul__"), holomorphic=True,
    vjp=(lambda xp, g, b: g * b, lambda xp, g, a: g * a))
def multiply(xp, a, b):
    """Product, element by element."""
    return a * b


QUOTIENTS = {"floor": rounding.floor_divide, "trunc": rounding.trunc_divide}


def _rounded(call):
    """Adds PyTorch's parameter `rounding_mode`."""

    def divided(input, other, *, rounding_mode=None):
        if rounding_mode is None:
            return call(input, other)
        if rounding_mode not in QUOTIENTS:
            raise OperandError(f"divide(): rounding_mode must be None, 'floor' or 'trunc', not {rounding_mode!r}")
        return QUOTIENTS[rounding_mode](input, other)

    return divided


ROUNDED = {None: lambda q: q, "floor": math.floor, "trunc": math.trunc}


@op(BINARY, symbol="÷", domain=POSITIVE, aliases=("div", "true_divide"), floating=True, form=_rounded,
    reference=lambda a, b, rounding_mode=None: ROUNDED[rounding_mode](a / b),
    samples=(sample((2, 3), (3,)), *[sample(*s.inputs, rounding_mode=mode) for s in BETWEEN
                                     for mode in ("floor", "trunc")]),
    operators=("__truediv__", "__rtruediv__", "__div__", "__rdiv__"),  # the last two as PyTorch still has them
    holomorphic=True, vjp=(lambda xp, g, b: g / b, lambda xp, g, a, b: -g * (a / b) / b))
def divide(xp, a, b):
    """Quotient, element by element; for integers it is floating point.

    rounding_mode: None, "floor" or "trunc"; a rounded quotient of integers is an integer and has gradient 0.
    """
    return a / b
