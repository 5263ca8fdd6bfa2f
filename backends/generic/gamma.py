"""The logarithm of the gamma function, with all its digits around its zeros at 1 and 2."""

import math
from typing import Any

from backends.generic.special import double, polynomial
from backends.geometry import Array

# 1 - γ, then (-1)^k (ζ(k) - 1) / k for k = 2, 3, ...: the Taylor series of log Γ(2 + z) / z (Abramowitz and Stegun
# 6.1.33). From k = 12 on, ζ is a short sum.
TWO = (
    0.42278433509846713,
    0.3224670334241132,
    -0.0673523010531981,
    0.020580808427784546,
    -0.007385551028673986,
    0.0028905103307415234,
    -0.001192753911703261,
    0.0005096695247430425,
    -0.00022315475845357939,
    9.945751278180853e-05,
    -4.492623673813314e-05,
    *((-1) ** k * math.fsum(float(n) ** -k for n in range(40, 1, -1)) / k for k in range(12, 39)),
)
# The same of log Γ(1 + z) / z, which differs by that of log(1 + z).
ONE = (-0.5772156649015329, *(c + (-1) ** k / k for k, c in enumerate(TWO[1:], 2)))


def lgamma(xp: Any, special: Any, x: Array) -> Array:
    """log |Γ(x)|. `special` is the library of special functions: exact enough beyond 2.5, but not around 1 and 2."""
    dtype, x = double(xp, x)
    s = xp.clip(x, 1e-300, 2.5)
    small, middle = s < 0.5, s < 1.375
    z = xp.where(small, s, xp.where(middle, s - 1.0, s - 2.0))
    around_one = z * polynomial(ONE, xp.clip(z, -0.375, 0.375))
    around_two = z * polynomial(TWO, z)
    # Γ(x + 1) = x Γ(x) leads from one to the other where neither logarithm cancels.
    shifted = around_two - xp.where(small, xp.log(s) + xp.log1p(s), xp.log(xp.where(middle, s, 1.0)))
    near = xp.where((s > 0.75) & middle, around_one, shifted) + 0.0  # 0 at 1, not -0
    return xp.where(s == x, near, special.gammaln(xp.where(xp.isinf(x), xp.inf, x))).astype(dtype, copy=False)
