"""Powers, roots and reciprocals."""

import cmath
import math

from autograd_core import dtypes, functional
from autograd_core.engine.options import with_synonyms
from autograd_core.errors import DtypeError
from autograd_core.kinds import BINARY, ELEMENTWISE
from autograd_core.ops.domains import POSITIVE
from autograd_core.ops.pointwise.rounding import NUMBERS
from autograd_core.registry import op, publish
from autograd_core.tensor import Tensor


@op(ELEMENTWISE, symbol="x²", reference=lambda x: x * x, holomorphic=True, vjp=lambda xp, g, x: g * (2 * x))
def square(xp, x):
    """The square of every element."""
    return x * (x.astype(dtypes.int64) if x.dtype.kind == "b" else x)


@op(ELEMENTWISE, symbol="1/x", domain=POSITIVE, reference=lambda x: 1 / x, floating=True,
    holomorphic=True, vjp=lambda xp, g, y: -g * y * y)
def reciprocal(xp, x):
    """1 / x."""
    return 1 / x


@op(ELEMENTWISE, symbol="√", domain=POSITIVE, reference=math.sqrt, floating=True,
    holomorphic=True, vjp=lambda xp, g, y: g / (2 * y))
def sqrt(xp, x):
    """Square root; NaN below 0."""
    return xp.sqrt(x)


@op(ELEMENTWISE, symbol="1/√", domain=POSITIVE, reference=lambda x: 1 / math.sqrt(x), floating=True, wide=True,
    holomorphic=True, vjp=lambda xp, g, y: -0.5 * g * y * y * y)
def rsqrt(xp, x):
    """1 / √x."""
    return 1 / xp.sqrt(x)


ROUNDED = 1 << 24  # exponents above may be odd, but not as float32


def _raised(xp, a, b):
    """a**b; third and fourth powers are products, a hundred times as fast; NumPy does so only up to the second."""
    if b.__class__ not in NUMBERS or b == 2:
        return a**b
    if b not in (3, 4):
        if abs(b) > ROUNDED and a.dtype == dtypes.float32:
            return xp.power(a.astype(dtypes.float64), float(b)).astype(a.dtype)
        return xp.power(a, b)
    squared = a * a
    return squared * (a if b == 3 else squared)


def _base_rule(xp, g, a, b):
    """b·a^(b-1), and 0 where b and a are 0, for a next to 0 as well, of which further derivatives overflow."""
    if b.__class__ in NUMBERS:
        if b == 2:
            return g * (2 * a)
        return g * (b * _raised(xp, a, b - 1)) if b else xp.zeros_like(a) * g
    constant = (b == 0) & ~(abs(_raised(xp, a, 4)) > 0)
    return g * xp.where(constant, 0, b * a ** xp.where(constant, 1, b - 1))


def _rising(xp, b):
    """Where |x|^b does not decrease with |x|."""
    return (xp.real(b) if b.dtype.kind == "c" else b) >= 0


def _exponent_rule(xp, g, y, a, b):
    """y·log a, and 0 for 0 to the power b ≥ 0, its limit from b > 0."""
    if a.__class__ in NUMBERS:
        if a > 0:
            return g * (y * math.log(a))
        if a == 0:
            flat = _rising(xp, b)
            return g * xp.where(flat, 0, xp.where(flat, 1, y) * -math.inf)
        return g * y * (cmath.log(a) if b.dtype.kind == "c" else math.nan)
    flat = (a == 0) & _rising(xp, b)
    return g * xp.where(flat, 0, y * xp.log(xp.where(flat, 1, a)))


def _integer_power(xp, a, b):
    """Powers of integer tensors; fractions become 0, as in division rounded towards 0."""
    if b.dtype.kind == "b":
        raise DtypeError("power() takes no booleans; convert them first: x.int()")
    below = b < 0
    whole = a ** xp.where(below, 0, b)
    return xp.where(below, xp.where(abs(a) == 1, a ** (b % 2), 0), whole).astype(whole.dtype, copy=False)


def _named(call):
    """Accepts PyTorch's name `exponent` for the second operand, which rules and NumPy do not use."""

    def power(input, other=None, *, exponent=None):
        if other is None and (other := exponent) is None:
            raise TypeError("power() is missing the argument 'exponent'")
        return call(input, other)

    return power


@op(BINARY, symbol="^", form=_named, domain=POSITIVE, reference=math.pow, aliases=("pow",),
    operators=("__pow__", "__rpow__"), holomorphic=True, vjp=(_base_rule, _exponent_rule))
def power(xp, a, b):
    """`input` to the power `other`, element by element."""
    if getattr(b, "dtype", None) is not None and b.dtype.kind in dtypes.EXACT:
        return _integer_power(xp, a, b)
    return _raised(xp, a, b)


def _double(x):
    """A tensor in float64, or complex128; a number as it is."""
    if not isinstance(x, Tensor):
        return x
    return functional.astype(x, dtypes.complex128 if x.dtype.kind == "c" else dtypes.float64)


@with_synonyms
def float_power(input, exponent):
    """`input` to the power `exponent` in float64, whatever the dtypes; one of them may be a number."""
    return power(_double(input), _double(exponent))


Tensor.float_power = float_power  # type: ignore[method-assign]  # the stub, which is generated, declares it
publish(float_power)


@op(BINARY, symbol="hypot", domain=POSITIVE, reference=math.hypot, floating=True,
    vjp=(lambda xp, g, y, a: g * xp.where(y == 0, 0, a / xp.where(y == 0, 1, y)),
         lambda xp, g, y, b: g * xp.where(y == 0, 0, b / xp.where(y == 0, 1, y))))
def hypot(xp, a, b):
    """√(input² + other²), without intermediate overflow; its gradient at the origin is 0."""
    return xp.hypot(a, b)
