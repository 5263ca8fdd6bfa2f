"""sin(πx) / (πx), for every array library."""

import math
from typing import Any

from backends.generic.pairs import PI, quotient, times
from backends.geometry import Array


def sinc(xp: Any, x: Array) -> Array:
    """sin(πx) / (πx), and 1 at 0; of float64 with both products in two parts."""
    safe = xp.where(x == 0, 1, x)
    if x.dtype.kind == "c":
        wave = xp.sin(math.pi * safe)
        return xp.where(x == 0, 1, wave / (math.pi * safe)).astype(x.dtype, copy=False)
    safe = xp.clip(safe, -1e18, 1e18)  # beyond are integers
    whole = xp.round(safe)
    sign = 1 - 2 * abs(xp.fmod(whole, 2))
    if x.dtype.itemsize < 8:
        wave = xp.sin(math.pi * (safe - whole)) * sign / (math.pi * safe)
    else:
        (turned, rest), (divisor, lacking) = times(PI, (safe - whole, 0.0)), times(PI, (safe, 0.0))
        wave = quotient(xp.sin(turned) * sign, rest * xp.cos(turned) * sign, divisor, lacking)
    return xp.where(x == 0, 1, wave).astype(x.dtype, copy=False)
