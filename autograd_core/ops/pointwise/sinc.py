"""sin(x) / x, in two conventions, with a derivative that does not cancel around 0."""

import math

from autograd_core.kinds import ELEMENTWISE
from autograd_core.registry import Interval, op

REAL = Interval(-3, 3)
PI = math.pi


def _slope(xp, x, y, cosine, scale):
    """The derivative (cos(scale·x) - y) / x of y = sin(scale·x) / (scale·x).

    Around 0 it is -y·u / (3 - u²/(5 - u²/(7 - ...))) times the scale, of u = scale·x (DLMF 10.55.1 as a fraction).
    """
    near = abs(x) * scale < 1.5
    u = xp.where(near, x, 0) * scale
    square = u * u
    rest = 23
    for k in range(21, 1, -2):
        rest = k - square / rest
    return xp.where(near, y * u / rest * -scale, (cosine - y) / xp.where(near, 1, x))


def _cosine(xp, x):
    """cos(πx), exact for large x too: of the distance to the nearest even number."""
    if x.dtype.kind == "c":
        return xp.cos(x * PI)
    return xp.sin((0.5 - abs(x - 2 * xp.round(x * 0.5))) * PI)


@op(ELEMENTWISE, symbol="sinc", domain=REAL, floating=True, wide=True, aliases=("special.sinc",), holomorphic=True,
    reference=lambda x: math.sin(PI * x) / (PI * x) if x else 1.0, tolerance=1e-11,
    vjp=lambda xp, g, x, y: g * _slope(xp, x, y, _cosine(xp, x), PI))  # fmt: skip
def sinc(xp, x):
    """sin(πx) / (πx), and 1 at 0; exactly 0 at the other integers."""
    return xp.kernels.sinc(x)


@op(ELEMENTWISE, symbol="j₀", domain=REAL, module="special", floating=True, wide=True,
    reference=lambda x: math.sin(x) / x if x else 1.0, tolerance=1e-11,
    vjp=lambda xp, g, x, y: g * _slope(xp, x, y, xp.cos(x), 1))  # fmt: skip
def spherical_bessel_j0(xp, x):
    """Spherical Bessel function of order 0, sin(x) / x: 1 at 0, and 0 at infinity."""
    safe = xp.where((x == 0) | xp.isinf(x), 1, x)
    return xp.where(x == 0, 1, xp.where(xp.isinf(x), 0, xp.sin(safe) / safe)).astype(x.dtype, copy=False)
