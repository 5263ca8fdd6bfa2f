"""Functions of one element: powers, exponentials, logarithms, trigonometric and hyperbolic, rounding."""

import math

from autograd_core import dtypes, functional
from autograd_core.errors import OperandError
from autograd_core.kinds import CAST, ELEMENTWISE
from autograd_core.registry import Interval, Values, composition, op, sample

REAL = Interval(-2, 2)
POSITIVE = Interval(0.5, 2)
INSIDE = Interval(-0.9, 0.9)
STEPS = Interval(-2.4, 2.4, kinks=(-2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2))


@op(ELEMENTWISE, symbol="-", domain=REAL, reference=lambda x: -x, operators=("__neg__",), aliases=("neg",),
    vjp=lambda xp, g: -g)  # fmt: skip
def negative(xp, x):
    """Minus every element."""
    return -x


@op(ELEMENTWISE, symbol="|·|", domain=Interval(-2, 2, kinks=(0,)), reference=abs, operators=("__abs__",),
    aliases=("abs",), vjp=lambda xp, g, x: g * xp.sign(x))  # fmt: skip
def absolute(xp, x):
    """Absolute value; its gradient at 0 is 0."""
    return abs(x)


@op(ELEMENTWISE, symbol="sign", domain=Interval(-2, 2, kinks=(0,)), reference=lambda x: math.copysign(1, x),
    vjp=lambda xp, g: xp.zeros_like(g))  # fmt: skip
def sign(xp, x):
    """-1, 0 or 1. Piecewise constant: its gradient is 0."""
    return xp.sign(x)


@op(ELEMENTWISE, symbol="x²", domain=REAL, reference=lambda x: x * x, vjp=lambda xp, g, x: g * (2 * x))
def square(xp, x):
    """The square of every element."""
    return x * x


@op(ELEMENTWISE, symbol="1/x", domain=POSITIVE, reference=lambda x: 1 / x, floating=True,
    vjp=lambda xp, g, y: -g * y * y)  # fmt: skip
def reciprocal(xp, x):
    """1 / x."""
    return 1 / x


@op(ELEMENTWISE, symbol="√", domain=POSITIVE, reference=math.sqrt, floating=True, vjp=lambda xp, g, y: g / (2 * y))
def sqrt(xp, x):
    """Square root; NaN below 0."""
    return xp.sqrt(x)


@op(ELEMENTWISE, symbol="1/√", domain=POSITIVE, reference=lambda x: 1 / math.sqrt(x), floating=True,
    vjp=lambda xp, g, y: -0.5 * g * y * y * y)  # fmt: skip
def rsqrt(xp, x):
    """1 / √x."""
    return 1 / xp.sqrt(x)


@op(ELEMENTWISE, symbol="exp", domain=REAL, reference=math.exp, floating=True, vjp=lambda xp, g, y: g * y)
def exp(xp, x):
    """Exponential of every element.

    >>> from autograd_core import tensor
    >>> tensor([0.0, 1.0]).exp()
    tensor([1.0000, 2.7183])
    """
    return xp.exp(x)


@op(ELEMENTWISE, symbol="2ˣ", domain=REAL, reference=lambda x: 2.0**x, floating=True,
    vjp=lambda xp, g, y: g * (y * math.log(2)))  # fmt: skip
def exp2(xp, x):
    """2 to the power of every element."""
    return xp.exp2(x)


@op(ELEMENTWISE, symbol="expm1", domain=REAL, reference=math.expm1, floating=True, vjp=lambda xp, g, y: g * (y + 1))
def expm1(xp, x):
    """exp(x) - 1, exact for small x."""
    return xp.expm1(x)


@op(ELEMENTWISE, symbol="log", domain=POSITIVE, reference=math.log, floating=True, vjp=lambda xp, g, x: g / x)
def log(xp, x):
    """Natural logarithm; -inf at 0, NaN below."""
    return xp.log(x)


@op(ELEMENTWISE, symbol="log₂", domain=POSITIVE, reference=math.log2, floating=True,
    vjp=lambda xp, g, x: g / (x * math.log(2)))  # fmt: skip
def log2(xp, x):
    """Logarithm to base 2."""
    return xp.log2(x)


@op(ELEMENTWISE, symbol="log₁₀", domain=POSITIVE, reference=math.log10, floating=True,
    vjp=lambda xp, g, x: g / (x * math.log(10)))  # fmt: skip
def log10(xp, x):
    """Logarithm to base 10."""
    return xp.log10(x)


@op(ELEMENTWISE, symbol="log1p", domain=INSIDE, reference=math.log1p, floating=True, vjp=lambda xp, g, x: g / (1 + x))
def log1p(xp, x):
    """log(1 + x), exact for small x."""
    return xp.log1p(x)


@op(ELEMENTWISE, symbol="sin", domain=REAL, reference=math.sin, floating=True, vjp=lambda xp, g, x: g * xp.cos(x))
def sin(xp, x):
    """Sine of every element, in radians."""
    return xp.sin(x)


@op(ELEMENTWISE, symbol="cos", domain=REAL, reference=math.cos, floating=True, vjp=lambda xp, g, x: -g * xp.sin(x))
def cos(xp, x):
    """Cosine of every element, in radians."""
    return xp.cos(x)


@op(ELEMENTWISE, symbol="tan", domain=Interval(-1.2, 1.2), reference=math.tan, floating=True,
    vjp=lambda xp, g, y: g * (1 + y * y))  # fmt: skip
def tan(xp, x):
    """Tangent of every element, in radians."""
    return xp.tan(x)


@op(ELEMENTWISE, symbol="asin", domain=INSIDE, reference=math.asin, floating=True, aliases=("arcsin",),
    vjp=lambda xp, g, x: g / xp.sqrt((1 - x) * (1 + x)))  # fmt: skip
def asin(xp, x):
    """Inverse sine, in [-π/2, π/2]."""
    return xp.arcsin(x)


@op(ELEMENTWISE, symbol="acos", domain=INSIDE, reference=math.acos, floating=True, aliases=("arccos",),
    vjp=lambda xp, g, x: -g / xp.sqrt((1 - x) * (1 + x)))  # fmt: skip
def acos(xp, x):
    """Inverse cosine, in [0, π]."""
    return xp.arccos(x)


@op(ELEMENTWISE, symbol="atan", domain=REAL, reference=math.atan, floating=True, aliases=("arctan",),
    vjp=lambda xp, g, x: g / (1 + x * x))  # fmt: skip
def atan(xp, x):
    """Inverse tangent, in (-π/2, π/2)."""
    return xp.arctan(x)


@op(ELEMENTWISE, symbol="sinh", domain=REAL, reference=math.sinh, floating=True, vjp=lambda xp, g, x: g * xp.cosh(x))
def sinh(xp, x):
    """Hyperbolic sine of every element."""
    return xp.sinh(x)


@op(ELEMENTWISE, symbol="cosh", domain=REAL, reference=math.cosh, floating=True, vjp=lambda xp, g, x: g * xp.sinh(x))
def cosh(xp, x):
    """Hyperbolic cosine of every element."""
    return xp.cosh(x)


@op(ELEMENTWISE, symbol="tanh", domain=REAL, reference=math.tanh, floating=True,
    vjp=lambda xp, g, y: g * (1 - y * y))  # fmt: skip
def tanh(xp, x):
    """Hyperbolic tangent of every element."""
    return xp.tanh(x)


@op(ELEMENTWISE, symbol="asinh", domain=REAL, reference=math.asinh, floating=True, aliases=("arcsinh",),
    vjp=lambda xp, g, x: g / xp.sqrt(x * x + 1))  # fmt: skip
def asinh(xp, x):
    """Inverse hyperbolic sine."""
    return xp.arcsinh(x)


@op(ELEMENTWISE, symbol="acosh", domain=Interval(1.5, 3), reference=math.acosh, floating=True, aliases=("arccosh",),
    vjp=lambda xp, g, x: g / xp.sqrt((x - 1) * (x + 1)))  # fmt: skip
def acosh(xp, x):
    """Inverse hyperbolic cosine; NaN below 1."""
    return xp.arccosh(x)


@op(ELEMENTWISE, symbol="atanh", domain=INSIDE, reference=math.atanh, floating=True, aliases=("arctanh",),
    vjp=lambda xp, g, x: g / ((1 - x) * (1 + x)))  # fmt: skip
def atanh(xp, x):
    """Inverse hyperbolic tangent."""
    return xp.arctanh(x)


@op(ELEMENTWISE, symbol="erf", domain=Interval(-3, 3), reference=math.erf, floating=True,
    vjp=lambda xp, g, x: g * ((2 / math.sqrt(math.pi)) * xp.exp(-x * x)))  # fmt: skip
def erf(xp, x):
    """Error function, 2/√π ∫₀ˣ exp(-t²) dt."""
    return xp.kernels.erf(x)


@op(ELEMENTWISE, symbol="erfc", domain=Interval(-3, 3), reference=math.erfc, floating=True,
    vjp=lambda xp, g, x: g * ((-2 / math.sqrt(math.pi)) * xp.exp(-x * x)))  # fmt: skip
def erfc(xp, x):
    """1 - erf(x), exact in the tail."""
    return xp.kernels.erfc(x)


@op(ELEMENTWISE, symbol="⌊·⌋", domain=STEPS, reference=math.floor, vjp=lambda xp, g: xp.zeros_like(g))
def floor(xp, x):
    """Rounded down. Piecewise constant: its gradient is 0."""
    return xp.floor(x)


@op(ELEMENTWISE, symbol="⌈·⌉", domain=STEPS, reference=math.ceil, vjp=lambda xp, g: xp.zeros_like(g))
def ceil(xp, x):
    """Rounded up. Piecewise constant: its gradient is 0."""
    return xp.ceil(x)


@op(ELEMENTWISE, symbol="trunc", domain=STEPS, reference=math.trunc, vjp=lambda xp, g: xp.zeros_like(g))
def trunc(xp, x):
    """Rounded towards zero. Piecewise constant: its gradient is 0."""
    return xp.trunc(x)


@op(
    ELEMENTWISE,
    symbol="round",
    domain=STEPS,
    samples=(sample((3,)), sample(Values((2, 3), Interval(0.06, 0.14)), decimals=1)),
    reference=lambda x, decimals=0: float(f"{x:.{decimals}f}"),
    vjp=lambda xp, g: xp.zeros_like(g),
)
def round(xp, x, *, decimals=0):
    """Rounded to `decimals` places, halves to even. Piecewise constant: its gradient is 0."""
    return xp.round(x, decimals)


@op(
    ELEMENTWISE,
    symbol="clamp",
    domain=Interval(-2, 2, kinks=(-1, 1)),
    reference=lambda x, min=None, max=None: sorted(
        (-math.inf if min is None else min, x, math.inf if max is None else max)
    )[1],
    samples=(sample((2, 3), min=-1), sample((2, 3), max=1), sample((7,), min=-1, max=1)),
    method=False,
    vjp=lambda xp, g, x, min, max: xp.where(_within(x, min, max), g, 0),
)
def clamp_number(xp, x, *, min=None, max=None):
    """`clamp` between two numbers."""
    if x.dtype.kind in "biu" and float in (type(min), type(max)):
        x = x.astype(dtypes.get_default_dtype())
    return xp.clip(x, min, max)


def _within(x, low, high):
    if low is None or high is None:
        return x <= high if low is None else x >= low
    return (x >= low) & (x <= high)


@composition(
    ELEMENTWISE,
    domain=Interval(-2, 2, kinks=(-1, 1)),
    aliases=("clip",),
    reference=lambda x, min=None, max=None: sorted(
        (-math.inf if min is None else min, x, math.inf if max is None else max)
    )[1],
    samples=(sample((2, 3), min=-1), sample((2, 3), -1, 1), sample((2, 3), None, 1)),
)
def clamp(input, min=None, max=None):
    """Elements below `min` become `min`, above `max` become `max`: numbers, tensors or None.

    The gradient is 1 within and on the bounds, 0 outside.
    """
    if min is None and max is None:
        raise OperandError("clamp(): give min, max or both")
    if not hasattr(min, "shape") and not hasattr(max, "shape"):
        return clamp_number(input, min=min, max=max)
    # A bound that is NaN makes the element NaN.
    if min is not None:
        input = functional.where((input < min) | (min != min), min, input)
    return input if max is None else functional.where((input > max) | (max != max), max, input)


@op(CAST, symbol="cast", domain=REAL, reference=lambda x, dtype: x, samples=(sample((2, 3), dtype="float64"),),
    vjp=lambda xp, g, x_dtype: xp.astype(g, dtype=x_dtype))  # fmt: skip
def astype(xp, x, *, dtype):
    """The elements in another dtype."""
    return x.astype(dtype)


@op(CAST, symbol="clone", domain=REAL, reference=lambda x: x, vjp=lambda xp, g: g)
def clone(xp, x):
    """A copy with its own storage, through which gradients flow."""
    return x.copy()


@op(CAST, symbol="0", domain=REAL, reference=lambda x: 0.0, method=False, vjp=lambda xp, g: None)
def zeros_like(xp, x):
    """Zeros of the shape and dtype of `input`."""
    return xp.zeros_like(x)
