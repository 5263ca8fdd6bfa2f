"""The normal distribution and what else holds exp(-x²), for every array library, without losing digits in the tail.

The square of x has 53 digits more than a float: its rounding error alone would cost exp(-x²) as many units in the last
place as x² is large. Wherever it is exponentiated it is therefore split in two.
"""

import math
from typing import Any

from backends.generic.special import double, erfc, scaled_tail, split_square
from backends.geometry import Array

ROOT_HALF, ROOT_PI = math.sqrt(0.5), 1 / math.sqrt(math.pi)
# √½ = HEAD + TAIL; the head has 24 bits, so that its product with a float32 is exact.
HEAD = 0.7071067690849304
TAIL = 1.210161710447897e-08


def bell(xp: Any, x: Array, half: bool = False) -> Array:
    """exp(-x²), or exp(-x²/2)."""
    dtype, x = double(xp, x)
    scale = -0.5 if half else -1.0
    if dtype.itemsize < 8:
        return xp.exp(scale * x * x).astype(dtype)
    return exp_square(xp, xp.clip(x, -40.0, 40.0), scale)


def erfcx(xp: Any, x: Array) -> Array:
    """exp(x²)·erfc(x), which falls like 1 / x where erfc itself has long become 0."""
    dtype, x = double(xp, x)
    near = xp.clip(x, -27.0, 1.25)
    near = exp_square(xp, near, 1.0) * erfc(xp, near)
    return xp.where(x < 1.25, near, scaled_tail(xp, x)).astype(dtype, copy=False)


def exp_square(xp: Any, x: Array, scale: float) -> Array:
    """exp(scale·x²) for a power of two, or minus one."""
    square, rest = split_square(xp, x)
    head = xp.exp(scale * square)
    return head + head * xp.expm1(scale * rest)


def ndtr(xp: Any, x: Array) -> Array:
    """The normal distribution function, the integral of its density up to x."""
    dtype, x = double(xp, x)
    x = xp.clip(x, -40.0, 40.0)
    t = x * -ROOT_HALF
    if dtype.itemsize < 8:
        return (0.5 * erfc(xp, t)).astype(dtype)
    z = x.astype(xp.float32).astype(xp.float64)
    lost = (z * -HEAD - t) - (x - z) * HEAD - x * TAIL  # what the rounding of t took away
    return 0.5 * erfc(xp, t) - exp_square(xp, t, -1.0) * (lost * ROOT_PI)


def log_ndtr(xp: Any, x: Array) -> Array:
    """log(ndtr(x)), also where ndtr(x) is 0 or 1."""
    dtype, x = double(xp, x)
    low = xp.minimum(x, -1.0)
    tail = xp.log(0.5 * erfcx(xp, low * -ROOT_HALF)) - 0.5 * low * low
    middle = xp.log(ndtr(xp, xp.clip(x, -1.0, 0.0)))
    above = xp.log1p(-ndtr(xp, -xp.maximum(x, 0.0)))
    return xp.where(x < -1.0, tail, xp.where(x < 0.0, middle, above)).astype(dtype, copy=False)
