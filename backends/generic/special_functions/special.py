"""The error function and its complement, for every array library.

Near zero, float64 uses the rational approximation of `s_erf.c` in FDLIBM (Sun Microsystems, 1993;
https://netlib.org/fdlibm/s_erf.c). Narrower floats are computed in float64, since their own arithmetic would lose the
last digits, and the whole tail of erfc; for erf, one rational function then covers the whole range, five times faster.
"""

from collections.abc import Callable
from typing import Any

from backends.generic.special_functions.pairs import Pair, lost, quotient
from backends.generic.special_functions.polynomials import onto_unit, polynomial, ratio
from backends.generic.special_functions.tables import ERFC
from backends.geometry import Array

FAR = 1e20  # here functions that fall like 1 / x equal a multiple of it, and products do not overflow yet
EFX = 1.28379167095512586316e-01
NEAR = 0.84375  # up to here a rational function of x², beyond it uses exp(-x²)

# Numerators and denominators in ascending powers. Near zero: in x².
PP = (
    1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02, -5.77027029648944159157e-03,
    -2.37630166566501626084e-05,
)  # fmt: skip
QQ = (
    1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03, 1.32494738004321644526e-04,
    -3.96022827877536812320e-06,
)  # fmt: skip
# Narrow floats: erf(x) / x in x², for |x| <= 4, with relative error 2.6e-9 (own fit, Lawson's iteration).
PN = (
    1.1283791699455037, 0.19287963030462058, 0.05574954576571055, 0.004226511209158936, 0.00041127344977340356,
    6.791156089682186e-06,
)  # fmt: skip
QN = (
    1.0, 0.5042685553154771, 0.11749561932108533, 0.016295166523628137, 0.0014212058431840805, 7.256239762424306e-05,
    2.604746339942415e-07,
)  # fmt: skip


def erf(xp: Any, x: Array) -> Array:
    """2 / sqrt(pi) times the integral of exp(-t * t) from 0 to x, element by element."""
    dtype, x = double(xp, x)
    if dtype.itemsize < 8:
        # Beyond 4, erf is 1 in narrow floats.
        small = xp.clip(x, -4.0, 4.0)
        return (small * ratio(small * small, PN, QN)).astype(dtype)
    size = xp.abs(x)
    small = xp.clip(x, -1.0, 1.0)
    near = small + small * ratio(small * small, PP, QQ)
    # Below 2**-28 the sum above would lose the last bit of subnormals; FDLIBM scales instead.
    near = xp.where(size < 2.0**-28, 0.125 * (8.0 * small + 8.0 * EFX * small), near)
    far = xp.copysign(1.0 - _tail(xp, size), x)
    result = xp.where(size < NEAR, near, far)
    return xp.where(xp.isnan(x), x, result).astype(dtype, copy=False)


def erfc(xp: Any, x: Array) -> Array:
    """1 - erf(x), element by element, with full relative accuracy in the tail."""
    dtype, x = double(xp, x)
    size = xp.abs(x)
    small = xp.clip(x, -1.0, 1.0)
    slope = ratio(small * small, PP, QQ)
    near = xp.where(x < 0.5, 1.0 - (small + small * slope), (1.0 - small) - small * slope)
    tail = _tail(xp, size)
    tail = xp.where(x < 0.0, 2.0 - tail, tail)
    result = xp.where(size < NEAR, near, tail)
    return xp.where(xp.isnan(x), x, result).astype(dtype, copy=False)


def double(xp: Any, x: Array) -> tuple[Any, Array]:
    """The result type (float32 for integers and booleans, as in PyTorch), and x in float64."""
    x = xp.asarray(x)
    dtype = xp.dtype(xp.float32) if x.dtype.kind in "iub" else x.dtype
    return dtype, x.astype(xp.float64, copy=False)


def put(parts: Pair, where: Array, function: Callable[..., Pair], *operands: Array) -> Pair:
    """Replace a number in two parts, in place and where a mask holds, by a function of the operands there.

    Reading the mask waits for a GPU, but costs less than to compute every function everywhere.
    """
    if where.all().item():
        return function(*operands)
    if where.ndim and where.any().item():
        for part, made in zip(parts, function(*[operand[where] for operand in operands]), strict=True):
            part[where] = made
    return parts


def _tail(xp: Any, size: Array) -> Array:
    """erfc of `size` >= NEAR; zero from 28 on."""
    s = xp.clip(size, NEAR, 28.0)
    square, rest = split_square(xp, s)
    return quotient(*exp_of_sum(xp, -0.5625 - square, polynomial(ERFC, onto_unit(xp, s, NEAR, 3.0)) - rest), s)


def exp_of_sum(xp: Any, head: Array, rest: Array) -> tuple[Array, Array]:
    """exp(head + rest) of a larger and a smaller number, in two parts, without rounding the sum."""
    total = head + rest
    lost = rest - (total - head)
    result = xp.exp(total)
    lost *= result
    return result, lost


def split_square(xp: Any, x: Array) -> tuple[Array, Array]:
    """x² as the exact square of x truncated to float32, and the rest; a rounded x² would make exp(x²) inexact.

    Of a float32, for which `lost` must be one instruction, it is the rounded square and the rest.
    """
    if x.dtype.itemsize < 8:
        square = x * x
        return square, lost(x, x, square)
    z = x.astype(xp.float32).astype(xp.float64)
    return z * z, (x - z) * (x + z)
