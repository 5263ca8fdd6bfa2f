"""The error function and its complement, for every array library.

float64 follows the rational approximations of `s_erf.c` in FDLIBM (Sun Microsystems, 1993;
https://netlib.org/fdlibm/s_erf.c): erf within 1 unit in the last place, erfc within 4. Narrower floats are computed
in float64, since their own arithmetic would cost them the last digits and erfc its whole tail; for erf one rational
function then serves the whole range, five times faster.
"""

from typing import Any

from backends.geometry import Array

ERX = 8.45062911510467529297e-01
EFX = 1.28379167095512586316e-01

# Numerators and denominators by rising power. Near zero: of x squared.
PP = (
    1.28379167095512558561e-01,
    -3.25042107247001499370e-01,
    -2.84817495755985104766e-02,
    -5.77027029648944159157e-03,
    -2.37630166566501626084e-05,
)
QQ = (
    1.0,
    3.97917223959155352819e-01,
    6.50222499887672944485e-02,
    5.08130628187576562776e-03,
    1.32494738004321644526e-04,
    -3.96022827877536812320e-06,
)
# Around one: of |x| - 1, on [0.84375, 1.25).
PA = (
    -2.36211856075265944077e-03,
    4.14856118683748331666e-01,
    -3.72207876035701323847e-01,
    3.18346619901161753674e-01,
    -1.10894694282396677476e-01,
    3.54783043256182359371e-02,
    -2.16637559486879084300e-03,
)
QA = (
    1.0,
    1.06420880400844228286e-01,
    5.40397917702171048937e-01,
    7.18286544141962662868e-02,
    1.26171219808761642112e-01,
    1.36370839120290507362e-02,
    1.19844998467991074170e-02,
)
# The tail: of 1 / x squared, on [1.25, 1 / 0.35) and beyond.
RA = (
    -9.86494403484714822705e-03,
    -6.93858572707181764372e-01,
    -1.05586262253232909814e01,
    -6.23753324503260060396e01,
    -1.62396669462573470355e02,
    -1.84605092906711035994e02,
    -8.12874355063065934246e01,
    -9.81432934416914548592e00,
)
SA = (
    1.0,
    1.96512716674392571292e01,
    1.37657754143519042600e02,
    4.34565877475229228821e02,
    6.45387271733267880336e02,
    4.29008140027567833386e02,
    1.08635005541779435134e02,
    6.57024977031928170135e00,
    -6.04244152148580987438e-02,
)
RB = (
    -9.86494292470009928597e-03,
    -7.99283237680523006574e-01,
    -1.77579549177547519889e01,
    -1.60636384855821916062e02,
    -6.37566443368389627722e02,
    -1.02509513161107724954e03,
    -4.83519191608651397019e02,
)
SB = (
    1.0,
    3.03380607434824582924e01,
    3.25792512996573918826e02,
    1.53672958608443695994e03,
    3.19985821950859553908e03,
    2.55305040643316442583e03,
    4.74528541206955367215e02,
    -2.24409524465858183362e01,
)
# Narrow floats: of x squared, erf(x) / x on |x| <= 4 with relative error 2.6e-9 (own fit, Lawson's iteration).
PN = (
    1.1283791699455037,
    0.19287963030462058,
    0.05574954576571055,
    0.004226511209158936,
    0.00041127344977340356,
    6.791156089682186e-06,
)
QN = (
    1.0,
    0.5042685553154771,
    0.11749561932108533,
    0.016295166523628137,
    0.0014212058431840805,
    7.256239762424306e-05,
    2.604746339942415e-07,
)


def erf(xp: Any, x: Array) -> Array:
    """2 / sqrt(pi) times the integral of exp(-t * t) from 0 to x, element by element."""
    dtype, x = double(xp, x)
    if dtype.itemsize < 8:
        # Beyond 4 every narrow float's erf is one.
        small = xp.clip(x, -4.0, 4.0)
        return (small * ratio(small * small, PN, QN)).astype(dtype)
    size = xp.abs(x)
    small = xp.clip(x, -1.0, 1.0)
    near = small + small * ratio(small * small, PP, QQ)
    # Below 2**-28 the sum above would lose subnormals' last bit; FDLIBM scales instead.
    near = xp.where(size < 2.0**-28, 0.125 * (8.0 * small + 8.0 * EFX * small), near)
    far = xp.where(size < 1.25, ERX + _around_one(xp, size), 1.0 - _tail(xp, size))
    far = xp.where(size < 6.0, far, 1.0)
    result = xp.where(size < 0.84375, near, xp.copysign(far, x))
    return xp.where(xp.isnan(x), x, result).astype(dtype, copy=False)


def erfc(xp: Any, x: Array) -> Array:
    """1 - erf(x), element by element, to full relative accuracy where it is tiny."""
    dtype, x = double(xp, x)
    size = xp.abs(x)
    small = xp.clip(x, -1.0, 1.0)
    slope = ratio(small * small, PP, QQ)
    near = xp.where(x < 0.25, 1.0 - (small + small * slope), 0.5 - (small - 0.5 + small * slope))
    middle = _around_one(xp, size)
    middle = xp.where(x < 0.0, 1.0 + (ERX + middle), 1.0 - ERX - middle)
    tail = _tail(xp, size)
    tail = xp.where(x < 0.0, 2.0 - tail, tail)
    result = xp.where(size < 0.84375, near, xp.where(size < 1.25, middle, tail))
    return xp.where(xp.isnan(x), x, result).astype(dtype, copy=False)


def double(xp: Any, x: Array) -> tuple[Any, Array]:
    """The type to answer in (float32 for what is no float, as PyTorch) and x in float64."""
    x = xp.asarray(x)
    dtype = xp.dtype(xp.float32) if x.dtype.kind in "iub" else x.dtype
    return dtype, x.astype(xp.float64, copy=False)


def polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    result = coefficients[-1] * x + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        result *= x
        result += coefficient
    return result


def ratio(x: Array, numerator: tuple[float, ...], denominator: tuple[float, ...]) -> Array:
    return polynomial(numerator, x) / polynomial(denominator, x)


def _around_one(xp: Any, size: Array) -> Array:
    return ratio(xp.clip(size, 0.84375, 1.25) - 1.0, PA, QA)


def _tail(xp: Any, size: Array) -> Array:
    """erfc of `size` >= 1.25, zero from 28 on."""
    s = xp.clip(size, 1.25, 28.0)
    square, rest = split_square(xp, s)
    scaled = _scaled_exponent(xp, s) - rest
    exponent = scaled - square
    lost = (-square - exponent) + scaled
    tail = xp.exp(exponent)
    return (tail + tail * lost) / s


def scaled_tail(xp: Any, size: Array) -> Array:
    """exp(s²)·erfc(s) of s = `size` >= 1.25."""
    s = xp.maximum(size, 1.25)
    return xp.exp(_scaled_exponent(xp, s)) / s


def _scaled_exponent(xp: Any, s: Array) -> Array:
    """log(s·exp(s²)·erfc(s))."""
    inverse = 1.0 / (s * s)
    return xp.where(s < 1 / 0.35, ratio(inverse, RA, SA), ratio(inverse, RB, SB)) - 0.5625


def split_square(xp: Any, x: Array) -> tuple[Array, Array]:
    """x² as the exact square of x cut to float32, and the rest: x² itself would lose as many digits as exp(x²) has."""
    z = x.astype(xp.float32).astype(xp.float64)
    return z * z, (x - z) * (x + z)
