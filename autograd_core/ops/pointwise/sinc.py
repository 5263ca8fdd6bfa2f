"""sin(x) / x in two conventions, with a derivative that does not cancel."""

import math

from autograd_core.kinds import ELEMENTWISE
from autograd_core.ops.domains import OFF_ZERO, REAL
from autograd_core.ops.pointwise.around_zero import even_series, parts
from autograd_core.registry import op, sample

PI = math.pi
SLOPE = [(-1) ** k * (2 * k + 2) / math.factorial(2 * k + 3) for k in range(12)]  # of (sin(u) / u)′, divided by -u


def _bend(xp, g, x, y, scale):
    """From the differential equation: -scale²·sin(u) / u - 2y / x, for u = scale·x"""
    near, inner, outer = parts(xp, x)
    ratio = xp.where(near, -(scale**2) * even_series(inner * scale, SLOPE), y / outer)
    real = x.dtype.kind != "c"
    value = xp.spherical_bessel_j0(x) if scale == 1 and real else xp.sinc(x * (scale / PI))  # x / π is rounded
    return g * (-(scale**2) * value - 2 * ratio)


@op(ELEMENTWISE, symbol="sinc′", domain=OFF_ZERO, method=False, floating=True, wide=True,
    holomorphic=True, samples=(sample((2, 3), scale=PI), sample((3,), scale=1)), tolerance=1e-10, vjp=_bend,
    reference=lambda x, scale: (math.cos(scale * x) - math.sin(scale * x) / (scale * x)) / x)
def sinc_slope(xp, x, *, scale):
    """The derivative of sin(scale·x) / (scale·x), without cancellation; `scale` is 1 or π."""
    return xp.kernels.sinc_slope(x, scale)


@op(ELEMENTWISE, symbol="sinc", domain=REAL, floating=True, wide=True, aliases=("special.sinc",), holomorphic=True,
    reference=lambda x: math.sin(PI * x) / (PI * x) if x else 1.0, tolerance=1e-11,
    vjp=lambda xp, g, x: g * xp.sinc_slope(x, scale=PI))
def sinc(xp, x):
    """sin(πx) / (πx), and 1 at 0; exactly 0 at the other integers."""
    return xp.kernels.sinc(x)


@op(ELEMENTWISE, symbol="j₀", domain=REAL, module="special", floating=True, wide=True,
    reference=lambda x: math.sin(x) / x if x else 1.0, tolerance=1e-11,
    vjp=lambda xp, g, x: g * xp.sinc_slope(x, scale=1))
def spherical_bessel_j0(xp, x):
    """Spherical Bessel function of order 0, sin(x) / x: 1 at 0, and 0 at infinity."""
    safe = xp.where((x == 0) | xp.isinf(x), 1, x)
    return xp.where(x == 0, 1, xp.where(xp.isinf(x), 0, xp.sin(safe) / safe)).astype(x.dtype, copy=False)
