"""Comparisons, tests of elements, boolean logic and selection."""

import math
import operator

import numpy as np

from autograd_core import functional
from autograd_core.engine.libraries import all_true
from autograd_core.errors import OperandError
from autograd_core.kinds import COMPARISON, ELEMENTWISE, REDUCTION
from autograd_core.registry import NO_GRADIENT, booleans, composition, op, sample


@op(COMPARISON, symbol="=", reference=operator.eq, operators=("__eq__",), holomorphic=False, vjp=NO_GRADIENT)
def eq(xp, a, b):
    """Where the elements are equal."""
    return a == b


@op(COMPARISON, symbol="≠", operators=("__ne__",), aliases=("not_equal",), holomorphic=False, reference=operator.ne,
    vjp=NO_GRADIENT)
def ne(xp, a, b):
    """Where the elements differ."""
    return a != b


@op(COMPARISON, symbol="<", reference=operator.lt, operators=("__lt__",), aliases=("less",), vjp=NO_GRADIENT)
def lt(xp, a, b):
    """Where `input` is smaller than `other`."""
    return a < b


@op(COMPARISON, symbol="≤", reference=operator.le, operators=("__le__",), aliases=("less_equal",), vjp=NO_GRADIENT)
def le(xp, a, b):
    """Where `input` is at most `other`."""
    return a <= b


@op(COMPARISON, symbol=">", reference=operator.gt, operators=("__gt__",), aliases=("greater",), vjp=NO_GRADIENT)
def gt(xp, a, b):
    """Where `input` is larger than `other`."""
    return a > b


@op(COMPARISON, symbol="≥", reference=operator.ge, operators=("__ge__",), aliases=("greater_equal",), vjp=NO_GRADIENT)
def ge(xp, a, b):
    """Where `input` is at least `other`."""
    return a >= b


@op(COMPARISON, symbol="∧", reference=lambda a, b: bool(a) and bool(b), holomorphic=False, vjp=NO_GRADIENT)
def logical_and(xp, a, b):
    """Where both elements are true (not zero)."""
    return xp.logical_and(a, b)


@op(COMPARISON, symbol="∨", reference=lambda a, b: bool(a) or bool(b), holomorphic=False, vjp=NO_GRADIENT)
def logical_or(xp, a, b):
    """Where either element is true (not zero)."""
    return xp.logical_or(a, b)


@op(COMPARISON, symbol="⊻", reference=lambda a, b: bool(a) != bool(b), holomorphic=False, vjp=NO_GRADIENT)
def logical_xor(xp, a, b):
    """Where exactly one element is true (not zero)."""
    return xp.logical_xor(a, b)


@op(COMPARISON, symbol="¬", reference=operator.not_, holomorphic=False, vjp=NO_GRADIENT)
def logical_not(xp, x):
    """Where the element is false (zero)."""
    return xp.logical_not(x)


@op(COMPARISON, symbol="nan?", reference=math.isnan, holomorphic=False, vjp=NO_GRADIENT)
def isnan(xp, x):
    """Where the element is NaN."""
    return xp.isnan(x)


@op(COMPARISON, symbol="inf?", reference=math.isinf, holomorphic=False, vjp=NO_GRADIENT)
def isinf(xp, x):
    """Where the element is infinite."""
    return xp.isinf(x)


@op(COMPARISON, symbol="finite?", reference=math.isfinite, holomorphic=False, vjp=NO_GRADIENT)
def isfinite(xp, x):
    """Where the element is neither infinite nor NaN."""
    return xp.isfinite(x)


@op(COMPARISON, symbol="≈", holomorphic=False,
    reference=lambda a, b, rtol=1e-5, atol=1e-8, equal_nan=False: abs(a - b) <= atol + rtol * abs(b),
    samples=(sample((2, 3), (3,)), sample((4,), (4,), rtol=0.5, atol=0.1, equal_nan=True)), vjp=NO_GRADIENT)
def isclose(xp, a, b, *, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Where |input - other| ≤ atol + rtol·|other|."""
    if rtol < 0 or atol < 0:
        raise OperandError(f"isclose(): rtol and atol must not be negative, but are {rtol} and {atol}")
    return xp.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


def _or_positions(call):
    """Adds the form with only a condition, which returns the positions where it holds."""

    def where(condition, input=None, other=None):
        if input is None and other is None:
            return functional.nonzero(condition, as_tuple=True)
        return call(condition, input, other)

    return where


@op(ELEMENTWISE, symbol="where", method=False, form=_or_positions, holomorphic=True,
    reference=lambda condition, a, b: a if condition else b,
    samples=(sample(booleans((2, 3)), (2, 3), (2, 3)),
             sample(booleans((3,)), (2, 1), ()),
             sample(booleans(()), (2,), (1, 2))),
    vjp=(None, lambda xp, g, condition: xp.where(condition, g, 0), lambda xp, g, condition: xp.where(condition, 0, g)))
def where(xp, condition, input, other):
    """`input` where `condition` holds, else `other`; for a condition alone, the positions where it holds.

    An infinite or NaN derivative in the branch not taken becomes NaN further back (0·inf): keep the argument of such a
    function away from its pole with a second `where` inside.
    """
    return xp.where(condition, input, other)


CLOSE = (
    sample((2, 3), (2, 3)),
    sample((3,), (3,), atol=9.0),
    sample((3,), (3,), rtol=9.0, equal_nan=True),
    sample((0, 3), (0, 3)),
)


@composition(REDUCTION, reference=np.allclose, samples=CLOSE)
def allclose(input, other, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether all elements are close, as a Python bool."""
    return all_true(isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan).array)


@composition(REDUCTION, reference=np.array_equal,
             samples=(sample((2, 3), (2, 3)),
                      sample(booleans(()), booleans(())),
                      sample((2,), (3,)),
                      sample((0, 3), (0, 3))))
def equal(input, other):
    """Whether shapes and all elements are equal, as a Python bool."""
    return input.shape == other.shape and all_true((input == other).array)
