"""The error function and its relatives: complement, inverse, scaled, and the normal distribution function."""

import math

from autograd_core.kinds import ELEMENTWISE
from autograd_core.ops.domains import INSIDE, REAL, UNIT
from autograd_core.ops.pointwise.around_zero import even_series
from autograd_core.ops.pointwise.inversion import inverse_of
from autograd_core.registry import Interval, op, sample

ROOT_HALF, ROOT_PI, ROOT_TWO_PI = math.sqrt(0.5), math.sqrt(math.pi), math.sqrt(2 * math.pi)


@op(ELEMENTWISE, symbol="exp -x²", domain=REAL, method=False, floating=True,
    samples=(sample((2, 3)), sample((3,), half=True)), reference=lambda x, half=False: math.exp(-x * x / (1 + half)),
    vjp=lambda xp, g, x, y, half: g * (x * y) * (-1 if half else -2))
def bell(xp, x, *, half=False):
    """exp(-x²), or exp(-x²/2) with `half`, without the rounding error of x²."""
    return xp.kernels.bell(x, half)


@op(ELEMENTWISE, symbol="erf", domain=REAL, reference=math.erf, floating=True, aliases=("special.erf",),
    vjp=lambda xp, g, x: g * ((2 / ROOT_PI) * xp.bell(x)))
def erf(xp, x):
    """Error function, 2/√π ∫₀ˣ exp(-t²) dt."""
    return xp.kernels.erf(x)


@op(ELEMENTWISE, symbol="erfc", domain=REAL, reference=math.erfc, floating=True, aliases=("special.erfc",),
    vjp=lambda xp, g, x: g * ((-2 / ROOT_PI) * xp.bell(x)))
def erfc(xp, x):
    """1 - erf(x), exact in the tail."""
    return xp.kernels.erfc(x)


# Of the second derivative of `erfcx`, times √π x³, in powers of x⁻²: (-½)ⁿ (2n - 1)!! (2n + 1)(2n + 2).
FAR = 7.0
BEND = [(-0.5) ** n * math.prod(range(1, 2 * n, 2)) * (2 * n + 1) * (2 * n + 2) for n in range(19)]


def _erfcx_bend(xp, g, x, y):
    """2·erfcx(x) + 2x·erfcx′(x), and where this cancels its asymptotic series."""
    far = x > FAR
    near, inverse = xp.where(far, FAR, x), 1 / xp.where(far, x, FAR)
    tail = inverse * inverse * inverse * even_series(inverse, BEND) / ROOT_PI
    return g * xp.where(far, tail, 2 * xp.erfcx(near) + 2 * near * y)


@op(ELEMENTWISE, symbol="erfcx′", domain=Interval(-3, 6), method=False, floating=True, wide=True, tolerance=1e-10,
    reference=lambda x: 2 * x * math.exp(x * x) * math.erfc(x) - 2 / ROOT_PI, vjp=_erfcx_bend)
def erfcx_slope(xp, x):
    """The derivative of `erfcx`, 2x·erfcx(x) - 2/√π, without cancellation."""
    return xp.kernels.erfcx_slope(x)


@op(ELEMENTWISE, symbol="erfcx", domain=Interval(-3, 6), module="special", floating=True, wide=True,
    reference=lambda x: math.exp(x * x) * math.erfc(x), tolerance=1e-11,
    vjp=lambda xp, g, x: g * xp.erfcx_slope(x))
def erfcx(xp, x):
    """Scaled complementary error function, exp(x²)·erfc(x), which decays like 1 / x."""
    return xp.kernels.erfcx(x)


def _erfinv_slope(xp, x, y):
    """√π/2 exp(y²) at y = erfinv(x): exp(y²) = erfcx(y) / erfc(y), whose denominator is accurate where it is small."""
    return xp.kernels.erfcx(xp.minimum(abs(y), 6)) / (1 - abs(x)) * (ROOT_PI / 2)


@op(ELEMENTWISE, symbol="erf⁻¹′", domain=INSIDE, method=False, floating=True, wide=True,
    reference=lambda x: ROOT_PI / 2 * math.exp(inverse_of(math.erf, -7, 7)(x) ** 2),
    vjp=lambda xp, g, x, y: g * (2 * xp.erfinv(x) * (y * y)))
def erfinv_slope(xp, x):
    """The derivative of `erfinv`, √π/2 exp(erfinv(x)²)."""
    return _erfinv_slope(xp, x, xp.kernels.erfinv(x))


@op(ELEMENTWISE, symbol="erf⁻¹", domain=INSIDE, floating=True, wide=True, aliases=("special.erfinv",),
    reference=inverse_of(math.erf, -7, 7), vjp=lambda xp, g, x, y: g * _erfinv_slope(xp, x, y),
    composite=lambda xp, g, x, y: [g * xp.erfinv_slope(x)])
def erfinv(xp, x):
    """Inverse of the error function; ±inf at ±1, NaN beyond."""
    return xp.kernels.erfinv(x)


@op(ELEMENTWISE, symbol="Φ", domain=REAL, module="special", floating=True, wide=True, tolerance=1e-11,
    reference=lambda x: 0.5 * math.erfc(-x * ROOT_HALF),
    vjp=lambda xp, g, x: g * (xp.bell(x, half=True) / ROOT_TWO_PI))
def ndtr(xp, x):
    """Distribution function of the normal distribution, exact in the tail."""
    return xp.kernels.ndtr(x)


def _log_ndtr_rule(xp, g, x):
    """Density over distribution function, by a formula for each half of the axis that neither over- nor underflows."""
    low, high = xp.where(x < 0, x, 0), xp.where(x < 0, 0, x)
    below = (2 / ROOT_TWO_PI) / xp.erfcx(low * -ROOT_HALF)
    above = xp.bell(high, half=True) / (ROOT_TWO_PI * xp.ndtr(high))
    return g * xp.where(x < 0, below, above)


@op(ELEMENTWISE, symbol="log Φ", domain=REAL, module="special", floating=True, wide=True, tolerance=1e-11,
    reference=lambda x: math.log(0.5 * math.erfc(-x * ROOT_HALF)), vjp=_log_ndtr_rule)
def log_ndtr(xp, x):
    """Logarithm of the normal distribution function, exact in both tails."""
    return xp.kernels.log_ndtr(x)


def _ndtri_slope(xp, x, y):
    """1 / density, as the scaled tail erfcx divided by the tail, which is known accurately."""
    tail = xp.minimum(x, 1 - x) + 0  # of -0, 0
    return xp.kernels.erfcx(xp.minimum(abs(y), 40) * ROOT_HALF) / tail * (ROOT_TWO_PI / 2)


_slow_ndtri = inverse_of(lambda x: 0.5 * math.erfc(-x * ROOT_HALF), -10, 10)


@op(ELEMENTWISE, symbol="Φ⁻¹′", domain=UNIT, method=False, floating=True, wide=True, tolerance=1e-11,
    reference=lambda x: ROOT_TWO_PI * math.exp(_slow_ndtri(x) ** 2 / 2),
    vjp=lambda xp, g, x, y: g * (xp.ndtri(x) * (y * y)))
def ndtri_slope(xp, x):
    """The derivative of `ndtri`, √(2π) exp(ndtri(x)²/2)."""
    return _ndtri_slope(xp, x, xp.kernels.ndtri(x))


@op(ELEMENTWISE, symbol="Φ⁻¹", domain=UNIT, module="special", floating=True, wide=True, tolerance=1e-11,
    reference=_slow_ndtri, vjp=lambda xp, g, x, y: g * _ndtri_slope(xp, x, y),
    composite=lambda xp, g, x, y: [g * xp.ndtri_slope(x)])
def ndtri(xp, x):
    """Inverse of the normal distribution function, its quantiles; -inf at 0, inf at 1, NaN outside [0, 1]."""
    return xp.kernels.ndtri(x)
