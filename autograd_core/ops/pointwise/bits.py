"""Integers: bitwise logic, shifts, common divisors and multiples."""

import math
import operator

from autograd_core.errors import DtypeError
from autograd_core.kinds import COMPARISON
from autograd_core.registry import NO_GRADIENT, Interval, booleans, integers, op, sample

WHOLE = Interval(-40, 40)
BOTH = (sample(integers((2, 3), -9, 9), integers((3,), -9, 9)), sample(booleans((2, 3)), booleans((3,))))
PAIRS = (sample(integers((2, 3), -40, 40), integers((3,), -40, 40)),)
SHIFTS = (sample(integers((2, 3), -40, 40), integers((3,), 0, 9)),)


@op(COMPARISON, symbol="&", domain=WHOLE, reference=operator.and_, operators=("__and__", "__rand__"), samples=BOTH,
    commutative=True, modular=True, vjp=NO_GRADIENT)
def bitwise_and(xp, a, b):
    """Bitwise and of integers or booleans."""
    return a & b


@op(COMPARISON, symbol="|", domain=WHOLE, reference=operator.or_, operators=("__or__", "__ror__"), samples=BOTH,
    commutative=True, modular=True, vjp=NO_GRADIENT)
def bitwise_or(xp, a, b):
    """Bitwise or of integers or booleans."""
    return a | b


@op(COMPARISON, symbol="xor", domain=WHOLE, reference=operator.xor, operators=("__xor__", "__rxor__"), samples=BOTH,
    commutative=True, modular=True, vjp=NO_GRADIENT)
def bitwise_xor(xp, a, b):
    """Bitwise exclusive or of integers or booleans."""
    return a ^ b


@op(COMPARISON, symbol="~", domain=WHOLE, reference=lambda x: x ^ (True if isinstance(x, bool) else -1),
    operators=("__invert__",), samples=tuple(sample(s.inputs[0]) for s in BOTH), vjp=NO_GRADIENT)
def bitwise_not(xp, x):
    """Bitwise complement of integers, negation of booleans."""
    return ~x


@op(COMPARISON, symbol="«", domain=WHOLE, reference=operator.lshift, samples=SHIFTS, vjp=NO_GRADIENT,
    modular=True, operators=("__lshift__", "__rlshift__"))
def bitwise_left_shift(xp, a, b):
    """Integers shifted left by `other` bits; 0 if all bits are shifted out."""
    _refuse_booleans("bitwise_left_shift", a)
    return a << b


@op(COMPARISON, symbol="»", domain=WHOLE, reference=operator.rshift, samples=SHIFTS, vjp=NO_GRADIENT,
    modular=True, operators=("__rshift__", "__rrshift__"))
def bitwise_right_shift(xp, a, b):
    """Integers shifted right by `other` bits; the sign bit is repeated."""
    _refuse_booleans("bitwise_right_shift", a)
    return a >> b


def _refuse_booleans(name, a):
    if a.dtype.kind == "b":
        raise DtypeError(f"{name}() takes integers, not booleans; convert them first: x.int()")


@op(COMPARISON, symbol="gcd", domain=WHOLE, reference=math.gcd, samples=PAIRS, vjp=NO_GRADIENT)
def gcd(xp, a, b):
    """Greatest common divisor of integers."""
    return xp.gcd(a, b)


@op(COMPARISON, symbol="lcm", domain=WHOLE, reference=math.lcm, samples=PAIRS, vjp=NO_GRADIENT)
def lcm(xp, a, b):
    """Least common multiple of integers."""
    found = xp.lcm(a, b)
    return xp.abs(found) if found.dtype.itemsize > 2 else found  # an overflow of short integers keeps its last bits
