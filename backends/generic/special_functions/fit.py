"""The polynomials of `tables.py`: python -m backends.generic.special_functions.fit > tables.py

Each interpolates a smooth function in Chebyshev points, computed by mpmath with 60 digits, in a variable t from -1 to
1. Half lines [low, ∞) are mapped by t = (x - middle) / (x + middle - 2·low).
"""

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp

Number = Any  # mpmath's


@dataclass(frozen=True)
class Fit:
    """A function of x, the map from t in [-1, 1] to x, and the degree of the polynomial in t.

    exact: a series of Chebyshev polynomials instead of powers; coefficients of at least 1e-17 of the largest have a
    second part, and all second parts form a second tuple.
    """

    comment: str
    function: Callable[[Number], Number]
    x: Callable[[Number], Number]
    degree: int
    exact: bool = False

    def at(self, t: Number) -> Number:
        return self.function(self.x(t))


def half_line(low: float, middle: float) -> Callable[[Number], Number]:
    return lambda t: (middle + t * (middle - 2 * mp.mpf(low))) / (1 - t)


def interval(low: float, high: float) -> Callable[[Number], Number]:
    return lambda t: ((high - mp.mpf(low)) * t + high + low) / 2


def bounded(low: float, high: float, shift: float) -> Callable[[Number], Number]:
    """[low, high], by t = stretch·(x - low) / (x + shift) - 1."""
    stretch = 2 * (mp.mpf(high) + shift) / (mp.mpf(high) - low)
    return lambda t: (stretch * low + (t + 1) * shift) / (stretch - (t + 1))


def erfcx(x: Number) -> Number:
    if x > 100:
        return sum((-1) ** k * mp.fac2(2 * k - 1) / (2 * x * x) ** k for k in range(25)) / (x * mp.sqrt(mp.pi))
    return mp.exp(x * x) * mp.erfc(x)


def erfcx_slope(x: Number) -> Number:
    """-erfcx′, whose two terms cancel."""
    if x > 100:
        return -2 / mp.sqrt(mp.pi) * sum((-1) ** k * mp.fac2(2 * k - 1) / (2 * x * x) ** k for k in range(1, 25))
    return 2 / mp.sqrt(mp.pi) - 2 * x * erfcx(x)


def mills(x: Number) -> Number:
    return erfcx(x / mp.sqrt(2)) / 2


def tail_inverse(scale: Number, r: Number) -> Number:
    """Where scale·erfc(x·√scale) is exp(-r²), by Newton's method; scale ½: of the normal distribution, 1: of erfc."""
    width = mp.sqrt(1 / scale)
    x = mp.mpf(r)
    for _ in range(12):
        z = x / width
        x += (mp.log(scale * mp.erfc(z)) + r * r) * erfcx(z) * width * mp.sqrt(mp.pi) / 2
    return x


def asymptotic(order: int, sign: int, x: Number) -> Number:
    """√(2x/π) exp(x) K(x) with the sign 1, √(2πx) exp(-x) I(x) with -1, of large x (DLMF 10.40)."""
    terms = [mp.mpf(1)]
    for k in range(1, 40):
        terms.append(terms[-1] * sign * (4 * order**2 - (2 * k - 1) ** 2) / (8 * k * x))
    return mp.fsum(terms)


def bessel_i(order: int, x: Number) -> Number:
    """exp(-x)·I(x)"""
    return mp.besseli(order, x) * mp.exp(-x) if x < 400 else asymptotic(order, -1, x) / mp.sqrt(2 * mp.pi * x)


def bessel_k(order: int, x: Number) -> Number:
    """exp(x)·K(x)"""
    return mp.besselk(order, x) * mp.exp(x) if x < 400 else asymptotic(order, 1, x) * mp.sqrt(mp.pi / (2 * x))


def slope_i(order: int, x: Number) -> Number:
    """The derivative of exp(-x)·I(x)."""
    slope = bessel_i(0, x) - bessel_i(1, x)
    return slope - (bessel_i(1, x) / x if x else 0.5) if order else -slope


def slope_k(order: int, x: Number) -> Number:
    """The derivative of exp(x)·K(x)."""
    slope = bessel_k(0, x) - bessel_k(1, x)
    return -slope - bessel_k(1, x) / x if order else slope


@functools.cache
def slope_zero() -> Number:
    """Where the derivative of exp(-x)·I₁(x) is 0."""
    return mp.findroot(lambda x: slope_i(1, x), 1.5)


def airy_series(zeta: Number, derivative: int) -> Number:
    """The asymptotic series of Airy's functions of ζ (DLMF 9.7.2)."""
    total, term = mp.mpf(0), mp.mpf(1)
    for k in range(40):
        total += term * (mp.mpf(6 * k + 1) / (1 - 6 * k) if derivative else 1)
        term *= mp.mpf((6 * k + 1) * (6 * k + 3) * (6 * k + 5)) / (216 * (k + 1) * (2 * k + 1) * zeta)
    return total


def airy_decay(zeta: Number, derivative: int) -> Number:
    """exp(ζ)·x^¼·Ai(x), or exp(ζ)·x^-¼·Ai′(x), of ζ = ⅔x^(3/2)."""
    if zeta > 100:
        return (-1) ** derivative * airy_series(-zeta, derivative) / (2 * mp.sqrt(mp.pi))
    x = mp.cbrt(1.5 * zeta) ** 2
    return mp.airyai(x, derivative=derivative) * mp.exp(zeta) * mp.root(x, 4) ** (1 - 2 * derivative)


def airy_wave(zeta: Number, derivative: int) -> Number:
    """x^¼·(Bi + i·Ai)(-x), or x^-¼·(i·Bi′ - Ai′)(-x), over exp i(ζ + ¼π): amplitude and phase."""
    if zeta > 100:
        return airy_series(1j * zeta, derivative) / mp.sqrt(mp.pi)
    x = mp.cbrt(1.5 * zeta) ** 2
    a, b = mp.airyai(-x, derivative=derivative), mp.airybi(-x, derivative=derivative)
    return (
        (1j * b - a if derivative else b + 1j * a) * mp.root(x, 4) ** (1 - 2 * derivative) / mp.expj(zeta + mp.pi / 4)
    )


def bessel_wave(order: int, x: Number) -> Number:
    """√x·(J + i·Y) over exp i(x - ¼π - ½π·order): amplitude and phase."""
    if x > 100:
        return asymptotic(order, 1, x / 1j) * mp.sqrt(2 / mp.pi)
    return (mp.besselj(order, x) + 1j * mp.bessely(order, x)) * mp.sqrt(x) / mp.expj(x - mp.pi / 4 - order * mp.pi / 2)


def bessel_slope_wave(x: Number) -> Number:
    """√x·(J₁′ + i·Y₁′) over exp i(x - ¼π): amplitude and phase."""
    return bessel_wave(0, x) + 1j * bessel_wave(1, x) / x


def without_log(order: int, x: Number) -> Number:
    """Y - 2/π log(x)·J without its pole, an even function, or an odd one over x."""
    rest = mp.bessely(order, x) - 2 / mp.pi * mp.log(x) * mp.besselj(order, x)
    return (rest + 2 / (mp.pi * x)) / x if order else rest


@functools.cache
def gelu_zero() -> Number:
    """Where the slope of GELU is 0, with the other sign."""
    return mp.findroot(lambda x: mills(x) - x / mp.sqrt(2 * mp.pi), 0.75)


FITS = {
    "ERFC": Fit("log(x·erfcx(x)) + 9/16 on [27/32, ∞)", lambda x: mp.log(x * erfcx(x)) + mp.mpf(9) / 16,
                half_line(0.84375, 3), 27),
    "ERFCX": Fit("(7/8 + x)·erfcx(x) - 3/4 on [0, ∞)", lambda x: (x + 0.875) * erfcx(x) - 0.75, half_line(0, 3.75), 25),
    "ERFCX_SLOPE": Fit("-(9/8 + x)²·erfcx′(x) - 1 on [0, ∞)", lambda x: (x + 1.125) ** 2 * erfcx_slope(x) - 1,
                       half_line(0, 3.75), 27),
    "NDTR": Fit("log((9/8 + x)·½erfcx(√½x)) + 11/16 on [0, ∞)",
                lambda x: mp.log((x + 1.125) * mills(x)) + 0.6875, half_line(0, 3), 28),
    "NDTR_NEAR": Fit("Φ(x) - ½ over x, of x², on [0, 9/16]",
                     lambda s: mp.erf(mp.sqrt(s / 2)) / (2 * mp.sqrt(s)), interval(0, 0.5625**2), 10),
    "GELU_SLOPE": Fit("(½erfcx(√½x) - x / √(2π)) / (z - x) on [0, ∞), where z is its zero",
                      lambda x: (mills(x) - x / mp.sqrt(2 * mp.pi)) / (gelu_zero() - x), half_line(0, 3.75), 26),
    "ERFINV_NEAR": Fit("erfinv(y) / y - 1, of y², on [0, 13/16]",
                       lambda s: mp.erfinv(mp.sqrt(s)) / mp.sqrt(s) - 1, interval(0, 0.8125**2), 28),
    "ERFINV_FAR": Fit("erfinv(1 - exp(-r²)) / r - 13/16 on [1.25, 6.25]",
                      lambda r: tail_inverse(mp.mpf(1), r) / r - 0.8125, bounded(1.25, 6.25, 2), 23),
    "NDTRI_NEAR": Fit("Φ⁻¹(½ + d) / d - 11/4, of d², on [0, 13/32]",
                      lambda s: mp.erfinv(2 * mp.sqrt(s)) * mp.sqrt(2 / s) - 2.75, interval(0, 0.40625**2), 28),
    "NDTRI_FAR": Fit("-Φ⁻¹(exp(-r²)) / r - 9/8 on [1.5, 27.375]",
                     lambda r: tail_inverse(mp.mpf(0.5), r) / r - 1.125, bounded(1.5, 27.375, 3), 31),
    "LGAMMA": Fit("x·(log Γ(x) - (x - ½)(log x - 1) - log √(2π) + ½) on [5/2, ∞)",
                  lambda x: x * (mp.loggamma(x) - (x - 0.5) * (mp.log(x) - 1) - mp.log(2 * mp.pi) / 2 + 0.5),
                  half_line(2.5, 6), 14),
    "LGAMMA_LOW": Fit("log Γ(x) + 1/8 on [5/4, 7/4]", lambda x: mp.loggamma(x) + 0.125, interval(1.25, 1.75), 18),
    "DIGAMMA_NEAR": Fit("ψ(x) / (x - z) on [1, 5/2], where z is its zero",
                        lambda x: mp.digamma(x) / (x - mp.findroot(mp.digamma, 1.5)), interval(1, 2.5), 27),
    "DIGAMMA": Fit("x·(log x - ψ(x)) - ½ on [5/2, ∞)", lambda x: x * (mp.log(x) - mp.digamma(x)) - 0.5,
                   half_line(2.5, 6), 16),
    "TRIGAMMA": Fit("x·ψ′(x) - 5/4 on [1, ∞)", lambda x: x * mp.psi(1, x) - 1.25, half_line(1, 2.5), 21),
    "I0_NEAR": Fit("(1 + x)·exp(-x)·I₀(x) - 9/8 on [0, 8]", lambda x: (1 + x) * bessel_i(0, x) - 1.125,
                   interval(0, 8), 29),
    "I0_FAR": Fit("√x·exp(-x)·I₀(x) - 13/32 on [8, ∞)", lambda x: mp.sqrt(x) * bessel_i(0, x) - mp.mpf(13) / 32,
                  half_line(8, 16), 23),
    "I0_SLOPE_NEAR": Fit("(1 + x)²·d/dx exp(-x)·I₀(x) on [0, 8]", lambda x: (1 + x) ** 2 * slope_i(0, x),
                         interval(0, 8), 30),
    "I0_SLOPE_FAR": Fit("x√x·d/dx exp(-x)·I₀(x) on [8, ∞)", lambda x: x * mp.sqrt(x) * slope_i(0, x),
                        half_line(8, 16), 26),
    "I1_NEAR": Fit("(1 + x)(1 + x/8)/x·exp(-x)·I₁(x) - 3/8 on [0, 8]",
                   lambda x: (1 + x) * (1 + x / 8) / x * bessel_i(1, x) - 0.375, interval(0, 8), 29),
    "I1_FAR": Fit("√x·exp(-x)·I₁(x) - 25/64 on [8, ∞)", lambda x: mp.sqrt(x) * bessel_i(1, x) - mp.mpf(25) / 64,
                  half_line(8, 16), 23),
    "I1_SLOPE_NEAR": Fit("(1 + x)² / (x - z)·d/dx exp(-x)·I₁(x) on [0, 8], where z is its zero",
                         lambda x: (1 + x) ** 2 * slope_i(1, x) / (x - slope_zero()), interval(0, 8), 30),
    "I1_SLOPE_FAR": Fit("x√x·d/dx exp(-x)·I₁(x) on [8, ∞)", lambda x: x * mp.sqrt(x) * slope_i(1, x),
                        half_line(8, 16), 26),
    "K0_NEAR": Fit("K₀(x) + log(x)·I₀(x), of x², on [0, 3/4]",
                   lambda s: mp.besselk(0, mp.sqrt(s)) + mp.log(s) / 2 * mp.besseli(0, mp.sqrt(s)),
                   interval(0, 0.5625), 9),
    "K0_LOG": Fit("(I₀(x) - 1) / x², of x², on [0, 3/4]", lambda s: (mp.besseli(0, mp.sqrt(s)) - 1) / s,
                  interval(0, 0.5625), 8),
    "K0_FAR": Fit("√x·exp(x)·K₀(x) - 19/16 on [3/4, ∞)", lambda x: mp.sqrt(x) * bessel_k(0, x) - mp.mpf(19) / 16,
                  half_line(0.75, 2.5), 24),
    "K0_SLOPE_FAR": Fit("x√x·d/dx exp(x)·K₀(x) on [3/4, ∞)", lambda x: x * mp.sqrt(x) * slope_k(0, x),
                        half_line(0.75, 2.5), 26),
    "K1_NEAR": Fit("(K₁(x) - 1/x - log(x)·I₁(x)) / x, of x², on [0, 3/4]",
                   lambda s: (mp.besselk(1, mp.sqrt(s)) - 1 / mp.sqrt(s)) / mp.sqrt(s)
                   - mp.log(s) / 2 * mp.besseli(1, mp.sqrt(s)) / mp.sqrt(s), interval(0, 0.5625), 9),
    "K1_LOG": Fit("I₁(x) / x, of x², on [0, 3/4]", lambda s: mp.besseli(1, mp.sqrt(s)) / mp.sqrt(s),
                  interval(0, 0.5625), 8),
    "K1_FAR": Fit("√x·exp(x)·K₁(x) - 3/2 on [3/4, ∞)", lambda x: mp.sqrt(x) * bessel_k(1, x) - mp.mpf(1.5),
                  half_line(0.75, 2.5), 24),
    "K1_SLOPE_FAR": Fit("x√x·d/dx exp(x)·K₁(x) on [3/4, ∞)", lambda x: x * mp.sqrt(x) * slope_k(1, x),
                        half_line(0.75, 2.5), 26),
    "J0_NEAR": Fit("J₀(x) - 15/16, of x², on [0, 3/4]", lambda s: mp.besselj(0, mp.sqrt(s)) - 0.9375,
                   interval(0, 0.5625), 7),
    "J1_NEAR": Fit("J₁(x) / x - 31/64, of x², on [0, 3/4]",
                   lambda s: mp.besselj(1, mp.sqrt(s)) / mp.sqrt(s) - mp.mpf(31) / 64, interval(0, 0.5625), 7),
    "Y0_NEAR": Fit("Y₀(x) - 2/π·log(x)·J₀(x), of x², on [0, 3/4]", lambda s: without_log(0, mp.sqrt(s)),
                   interval(0, 0.5625), 8),
    "Y1_NEAR": Fit("(Y₁(x) + 2/(πx) - 2/π·log(x)·J₁(x)) / x, of x², on [0, 3/4]",
                   lambda s: without_log(1, mp.sqrt(s)), interval(0, 0.5625), 8),
    "BESSEL0_AMPLITUDE": Fit("√x·√(J₀² + Y₀²) - 51/64 on [3/4, ∞)",
                             lambda x: abs(bessel_wave(0, x)) - mp.mpf(51) / 64, half_line(0.75, 3), 26),
    "BESSEL0_PHASE": Fit("x·(arctan Y₀/J₀ - x + ¼π) + 1/8 on [3/4, ∞)",
                         lambda x: x * mp.arg(bessel_wave(0, x)) + 0.125, half_line(0.75, 3), 27),
    "BESSEL0_EXACT": Fit("the same, - 1/8, from 7/8 on", lambda x: x * mp.arg(bessel_wave(0, x)),
                         half_line(0.875, 4), 61, exact=True),
    "BESSEL1_AMPLITUDE": Fit("√x·√(J₁² + Y₁²) - 13/16 on [3/4, ∞)",
                             lambda x: abs(bessel_wave(1, x)) - 0.8125, half_line(0.75, 3), 27),
    "BESSEL1_PHASE": Fit("x·(arctan Y₁/J₁ - x + ¾π) - 3/8 on [3/4, ∞)",
                         lambda x: x * mp.arg(bessel_wave(1, x)) - 0.375, half_line(0.75, 3), 27),
    "BESSEL1_EXACT": Fit("the same, + 3/8, from 2 on", lambda x: x * mp.arg(bessel_wave(1, x)), half_line(2, 8), 46,
                         exact=True),
    "BESSEL1_SLOPE_AMPLITUDE": Fit("√x·√(J₁′² + Y₁′²) - 7/8 on [3/4, ∞)",
                                   lambda x: abs(bessel_slope_wave(x)) - 0.875, half_line(0.75, 2.25), 35),
    "BESSEL1_SLOPE_PHASE": Fit("x·(arctan Y₁′/J₁′ - x + ¼π) - 7/8 on [3/4, ∞)",
                               lambda x: x * mp.arg(bessel_slope_wave(x)) - 0.875, half_line(0.75, 2.25), 37),
    "BESSEL1_SLOPE_EXACT": Fit("the same, + 7/8, from 7/4 on", lambda x: x * mp.arg(bessel_slope_wave(x)),
                               half_line(1.75, 6), 55, exact=True),
    "AIRY_NEAR": Fit("Ai(x) - 5/16 on [-27/32, 1]", lambda x: mp.airyai(x) - 0.3125, interval(-0.84375, 1), 17),
    "AIRY_SLOPE_NEAR": Fit("Ai′(x) + 3/16 on [-27/32, 1]", lambda x: mp.airyai(x, derivative=1) + 0.1875,
                           interval(-0.84375, 1), 17),
    "AIRY_DECAY": Fit("exp(ζ)·x^¼·Ai(x) - 9/32, of ζ on [2/3, ∞)", lambda z: airy_decay(z, 0) - mp.mpf(9) / 32,
                      half_line(2 / 3, 2.5), 24),
    "AIRY_SLOPE_DECAY": Fit("exp(ζ)·x^-¼·Ai′(x) + 19/64, of ζ on [2/3, ∞)",
                            lambda z: airy_decay(z, 1) + mp.mpf(19) / 64, half_line(2 / 3, 2.5), 24),
    "AIRY_AMPLITUDE": Fit("x^¼·√(Ai² + Bi²)(-x) - 9/16, of ζ on [½, ∞)",
                          lambda z: abs(airy_wave(z, 0)) - 0.5625, half_line(0.5, 2.25), 30),
    "AIRY_PHASE": Fit("ζ·(arctan Ai/Bi(-x) - ζ - ¼π) + 9/128, of ζ on [½, ∞)",
                      lambda z: z * mp.arg(airy_wave(z, 0)) + mp.mpf(9) / 128, half_line(0.5, 2.25), 30),
    "AIRY_EXACT": Fit("the same, - 9/128, from 9/4 on", lambda z: z * mp.arg(airy_wave(z, 0)), half_line(2.25, 8), 46,
                      exact=True),
    "AIRY_SLOPE_AMPLITUDE": Fit("x^-¼·√(Ai′² + Bi′²)(-x) - 37/64, of ζ on [½, ∞)",
                                lambda z: abs(airy_wave(z, 1)) - mp.mpf(37) / 64, half_line(0.5, 2.25), 30),
    "AIRY_SLOPE_PHASE": Fit("ζ·(-arctan Bi′/Ai′(-x) - ζ - ¼π) - 3/32, of ζ on [½, ∞)",
                            lambda z: z * mp.arg(airy_wave(z, 1)) - mp.mpf(3) / 32, half_line(0.5, 2.25), 30),
    "AIRY_SLOPE_EXACT": Fit("the same, + 3/32, from 5/8 on", lambda z: z * mp.arg(airy_wave(z, 1)),
                            half_line(0.625, 3.5), 64, exact=True),
}  # fmt: skip


def chebyshev(f: Callable[[Number], Number], degree: int) -> list[Number]:
    n = degree + 1
    angles = [mp.pi * (2 * j + 1) / (2 * n) for j in range(n)]
    values = [f(mp.cos(a)) for a in angles]
    sums = [mp.fsum(v * mp.cos(k * a) for v, a in zip(values, angles, strict=True)) for k in range(n)]
    return [s * (2 if k else 1) / n for k, s in enumerate(sums)]


def powers(coefficients: list[Number]) -> list[Number]:
    """A sum of Chebyshev polynomials by rising powers."""
    total = [mp.mpf(0)] * len(coefficients)
    before, last = [mp.mpf(0)], [mp.mpf(1)]
    for k, c in enumerate(coefficients):
        for i, v in enumerate(last):
            total[i] += c * v
        after = [mp.mpf(0), *((2 if k else 1) * v for v in last)]
        for i, v in enumerate(before):
            after[i] -= v if k else 0
        before, last = last, after
    return total


def error(fit: Fit, table: list[Number]) -> float:
    """The largest distance from the function, over its largest value."""
    points = [mp.cos(mp.pi * (j + 0.3) / 101) for j in range(101)]
    values = [fit.at(t) for t in points]
    found = [_value(table, t) for t in points]
    return float(max(abs(v - f) for v, f in zip(values, found, strict=True)) / max(map(abs, values)))


def _value(table: list[Number], t: Number) -> Number:
    """By Horner's rule; mpmath's own `polyval` changes the order of its coefficients."""
    y = mp.mpf(0)
    for c in reversed(table):
        y = y * t + c
    return y


def parts_of(fit: Fit) -> tuple[list[list[float]], list[Number]]:
    """What is printed of a fit, and the coefficients of the powers that this amounts to."""
    coefficients = chebyshev(fit.at, fit.degree)
    if not fit.exact:
        table = [float(c) for c in powers(coefficients)]
        return [table], table
    heads = [float(c) for c in coefficients]
    counted = max(k for k, c in enumerate(coefficients) if abs(c) > 1e-17 * abs(coefficients[0]))
    rests = [float(c - head) for c, head in zip(coefficients[: counted + 1], heads, strict=False)]
    return [heads, rests], powers([mp.mpf(h) + r for h, r in itertools.zip_longest(heads, rests, fillvalue=0.0)])


def main() -> None:
    mp.mp.dps = 60
    print('"""Coefficients of polynomials, computed by `fit.py`."""\n\n# fmt: off')
    for name, fit in FITS.items():
        parts, kept = parts_of(fit)
        print(f"# {fit.comment}; error {error(fit, kept):.0e}.\n{name} = (")
        for part in parts:
            lines = [", ".join(map(repr, part[row : row + 4])) for row in range(0, len(part), 4)]
            if fit.exact:
                lines = ["(", *[f"    {line}," for line in lines], "),"]
            print(*[f"    {line}" + "," * (not fit.exact) for line in lines], sep="\n")
        print(")")


if __name__ == "__main__":
    main()
