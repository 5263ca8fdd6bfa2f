"""Trigonometric and hyperbolic functions, their inverses, and angle units."""

import math

from autograd_core.kinds import BINARY, ELEMENTWISE
from autograd_core.ops.domains import INSIDE, POSITIVE
from autograd_core.registry import Interval, composition, op

BEYOND_ONE = Interval(1.5, 3)


@op(ELEMENTWISE, symbol="sin", reference=math.sin, floating=True, holomorphic=True, vjp=lambda xp, g, x: g * xp.cos(x))
def sin(xp, x):
    """Sine of every element, in radians."""
    return xp.sin(x)


@op(ELEMENTWISE, symbol="cos", reference=math.cos, floating=True, holomorphic=True, vjp=lambda xp, g, x: -g * xp.sin(x))
def cos(xp, x):
    """Cosine of every element, in radians."""
    return xp.cos(x)


def _tan_rule(xp, g, x, y):
    """1 + y², which far from the real axis cancels; there, of q = exp(±2ix), it is 4q / (1 + q)²."""
    if x.dtype.kind != "c":
        return g * (1 + y * y)
    height = xp.imag(x)
    far = abs(height) > 1
    q = xp.exp(complex(0, 2) * xp.where(far, xp.where(height > 0, x, -x), complex(0, 1)))
    return g * xp.where(far, 4 * q / ((1 + q) * (1 + q)), 1 + y * y)


@op(ELEMENTWISE, symbol="tan", domain=Interval(-1.2, 1.2), reference=math.tan, floating=True,
    holomorphic=True, vjp=_tan_rule)
def tan(xp, x):
    """Tangent of every element, in radians."""
    return xp.tan(x)


def _around_one(x):
    """x - 1 and x + 1, as differences: a sum changes the sign of an imaginary 0, which is the side of a branch cut."""
    return x - 1, x - -1


def _around_i(x):
    """x² + 1 as the product of x - i and x + i, without cancellation and with the sign of a real 0."""
    return (x - complex(0, 1)) * (x - complex(0, -1))


# Slopes that are infinite at the end of a domain are operations, whose rules have no inf - inf there.
@op(ELEMENTWISE, symbol="asin′", domain=INSIDE, method=False, floating=True, wide=True, holomorphic=True,
    reference=lambda x: 1 / math.sqrt(1 - x * x), vjp=lambda xp, g, x, y: g * (x * (y * y * y)))
def asin_slope(xp, x):
    """The derivative of `asin`, 1 / √(1 - x²)."""
    if x.dtype.kind != "c":
        return 1 / xp.sqrt((1 - x) * (1 + x))
    below, above = _around_one(x)
    return 1 / (xp.sqrt(-below) * xp.sqrt(above))


@op(ELEMENTWISE, symbol="acosh′", domain=BEYOND_ONE, method=False, floating=True, wide=True, holomorphic=True,
    reference=lambda x: 1 / math.sqrt(x * x - 1), vjp=lambda xp, g, x, y: -g * (x * y * (y * y)))
def acosh_slope(xp, x):
    """The derivative of `acosh`, 1 / √(x² - 1); NaN below 1."""
    below, above = _around_one(x)
    return 1 / (xp.sqrt(below) * xp.sqrt(above))


@op(ELEMENTWISE, symbol="atanh′", domain=INSIDE, method=False, floating=True, wide=True, holomorphic=True,
    reference=lambda x: 1 / (1 - x * x), vjp=lambda xp, g, x, y: g * (2 * x * (y * y)))
def atanh_slope(xp, x):
    """The derivative of `atanh`, 1 / (1 - x²); NaN beyond ±1."""
    if x.dtype.kind == "c":
        return 1 / (1 - x) / (1 + x)
    root = xp.sqrt((1 - x) * (1 + x))
    return 1 / (root * root)


@op(ELEMENTWISE, symbol="asin", domain=INSIDE, reference=math.asin, floating=True, aliases=("arcsin",),
    holomorphic=True, vjp=lambda xp, g, x: g * xp.asin_slope(x))
def asin(xp, x):
    """Inverse sine, in [-π/2, π/2]."""
    return xp.arcsin(x)


@op(ELEMENTWISE, symbol="acos", domain=INSIDE, reference=math.acos, floating=True, aliases=("arccos",),
    holomorphic=True, vjp=lambda xp, g, x: -g * xp.asin_slope(x))
def acos(xp, x):
    """Inverse cosine, in [0, π]."""
    return xp.arccos(x)


@op(ELEMENTWISE, symbol="atan", reference=math.atan, floating=True, aliases=("arctan",),
    holomorphic=True, vjp=lambda xp, g, x: g / (_around_i(x) if x.dtype.kind == "c" else 1 + x * x))
def atan(xp, x):
    """Inverse tangent, in (-π/2, π/2)."""
    return xp.arctan(x)


def _atan2_rule(xp, g, a, b, across):
    length = xp.hypot(a, b)
    origin = length == 0
    length = xp.where(origin, 1, length)
    return g * xp.where(origin, 0, across / length / length)


@op(BINARY, symbol="atan2", domain=POSITIVE, floating=True, aliases=("arctan2",), reference=math.atan2,
    vjp=(lambda xp, g, a, b: _atan2_rule(xp, g, a, b, b), lambda xp, g, a, b: _atan2_rule(xp, g, a, b, -a)))
def atan2(xp, a, b):
    """Angle of the point (other, input), in radians, in (-π, π]."""
    return xp.arctan2(a, b)


@composition(ELEMENTWISE, reference=math.radians, aliases=("radians",))
def deg2rad(input):
    """Angles in degrees as radians."""
    return input * (math.pi / 180)


@composition(ELEMENTWISE, reference=math.degrees, aliases=("degrees",))
def rad2deg(input):
    """Angles in radians as degrees."""
    return input * (180 / math.pi)


@op(ELEMENTWISE, symbol="sinh", reference=math.sinh, floating=True,
    holomorphic=True, vjp=lambda xp, g, x: g * xp.cosh(x))
def sinh(xp, x):
    """Hyperbolic sine of every element."""
    return xp.sinh(x)


@op(ELEMENTWISE, symbol="cosh", reference=math.cosh, floating=True,
    holomorphic=True, vjp=lambda xp, g, x: g * xp.sinh(x))
def cosh(xp, x):
    """Hyperbolic cosine of every element."""
    return xp.cosh(x)


@op(ELEMENTWISE, symbol="tanh′", method=False, floating=True, holomorphic=True, wide=True,
    reference=lambda a, b: a / math.cosh(b) ** 2,
    vjp=(lambda xp, g, b: xp.tanh_gradient(g, b),
         lambda xp, g, b, y: -2 * g * y * xp.tanh(b)))
def tanh_gradient(xp, a, b):
    """`input` times the derivative of `tanh` at `other`, without cancellation."""
    return xp.kernels.tanh_gradient(a, b)


@op(ELEMENTWISE, symbol="tanh", reference=math.tanh, floating=True, wide=True,
    holomorphic=True, inverse=lambda xp, y: xp.arctanh(y), vjp=lambda xp, g, x: xp.tanh_gradient(g, x))
def tanh(xp, x):
    """Hyperbolic tangent of every element."""
    return xp.kernels.tanh(x)


@op(ELEMENTWISE, symbol="asinh", reference=math.asinh, floating=True, aliases=("arcsinh",),
    holomorphic=True,
    vjp=lambda xp, g, x: g / (xp.sqrt(_around_i(x)) if x.dtype.kind == "c" else xp.hypot(x, 1)))
def asinh(xp, x):
    """Inverse hyperbolic sine."""
    return xp.arcsinh(x)


@op(ELEMENTWISE, symbol="acosh", domain=BEYOND_ONE, reference=math.acosh, floating=True, aliases=("arccosh",),
    holomorphic=True, vjp=lambda xp, g, x: g * xp.acosh_slope(x))
def acosh(xp, x):
    """Inverse hyperbolic cosine; NaN below 1."""
    return xp.arccosh(x)


@op(ELEMENTWISE, symbol="atanh", domain=INSIDE, reference=math.atanh, floating=True, aliases=("arctanh",),
    holomorphic=True, vjp=lambda xp, g, x: g * xp.atanh_slope(x))
def atanh(xp, x):
    """Inverse hyperbolic tangent."""
    return xp.arctanh(x)
