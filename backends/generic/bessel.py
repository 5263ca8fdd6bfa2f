"""Bessel functions J and Y of orders 0 and 1, with the phase that SciPy's ones lose.

From 5 on Cephes computes amplitude times cosine and sine of t = x - (2n + 1)π/4, rounded: an error of half a unit in
the last place of x. What is missing turns the pair (J, Y) by that angle.
"""

import math
from typing import Any

from backends.geometry import Array

# π/4 and 3π/4, and what rounding took from each.
PHASES = (math.pi / 4, 3.061616997868383e-17), (2.356194490192345, 9.184850993605148e-17)


def bessel_j(xp: Any, special: Any, x: Array, order: int) -> Array:
    """J of order 0 or 1."""
    plain = (special.j0, special.j1)[order](x)
    if x.dtype.itemsize < 8:
        return plain
    far = abs(x)
    turned = plain - _lost_phase(xp, far, order) * (special.y0, special.y1)[order](far) * (xp.sign(x) if order else 1.0)
    return xp.where((far > 5.0) & xp.isfinite(x), turned, plain)


def bessel_y(xp: Any, special: Any, x: Array, order: int) -> Array:
    """Y of order 0 or 1; -inf at 0, NaN below."""
    plain = (special.y0, special.y1)[order](x)
    if x.dtype.itemsize < 8:
        return plain
    turned = plain + _lost_phase(xp, x, order) * (special.j0, special.j1)[order](x)
    return xp.where((x > 5.0) & xp.isfinite(x), turned, plain)


def _lost_phase(xp: Any, x: Array, order: int) -> Array:
    phase, rest = PHASES[order]
    t = x - phase
    return ((x - t) - phase) - rest
