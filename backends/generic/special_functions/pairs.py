"""Numbers in two or three parts, which keep rounding errors beside the rounded number, for every array library."""

from typing import Any

from backends.geometry import Array

Pair = tuple[Array, Any]  # a number in two parts

SPLITTER = 2.0**27 + 1
PI = 3.141592653589793, 1.2246467991473532e-16
LOG_2 = 0.6931471805592082, 7.371002565167799e-13  # the first part has 40 bits, so that its multiples are exact


def has_lost(x: Array) -> bool:
    """Whether `lost` is one instruction, as in kernels that are compiled.

    There float64 may be many times slower, and pairs of float32 take its place.
    """
    return getattr(x, "lost", None) is not None


def lost(a: Array, b: Array, product: Array) -> Array:
    """a·b - product, the rounding error of a product of float64, by splitting both factors in halves (Dekker 1971)."""
    if has_lost(a):
        return a.lost(b, product)
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    rest = a_high * b_high
    rest -= product
    rest += a_high * b_low
    a_high = a_low * b_high
    rest += a_high
    a_low *= b_low
    rest += a_low
    return rest


def _halves(a: Array) -> Pair:
    scaled = SPLITTER * a
    high = a - scaled
    high += scaled
    return high, a - high


def two_sum(a: Array, b: Any) -> Pair:
    """a + b in two parts (Knuth 1969)."""
    total = a + b
    second = total - a
    return total, (a - (total - second)) + (b - second)


def product(a: Array, b: Any) -> Pair:
    """a·b of float64 in two parts."""
    p = a * b
    return p, lost(a, b, p)


def times(a: Pair, b: Pair) -> Pair:
    """The product of two numbers in two parts."""
    head, rest = product(a[0], b[0])
    return head, rest + (a[0] * b[1] + a[1] * b[0])


def plus(a: Pair, b: Pair) -> Pair:
    """The sum of two numbers in two parts."""
    head, rest = two_sum(a[0], b[0])
    rest = rest + (a[1] + b[1])
    total = head + rest
    return total, rest - (total - head)


def over(a: Pair, b: Pair) -> Pair:
    """The quotient of two numbers of float64 in two parts."""
    q = a[0] / b[0]
    p = q * b[0]
    error = a[0] - p
    error -= lost(q, b[0], p)
    error += a[1] - q * b[1]
    return q, error / b[0]


def root(xp: Any, x: Array) -> Pair:
    """√x in two parts."""
    total = xp.sqrt(x)
    square = total * total
    return total, ((x - square) - lost(total, total, square)) / (2.0 * total)


def quotient(head: Array, rest: Any, divisor: Array, lacking: Any = 0.0) -> Array:
    """(head + rest) / (divisor + lacking) of float64, with small second terms, as if rounded once."""
    return sum(over((head, rest), (divisor, lacking)))


def log(xp: Any, x: Array) -> Pair:
    """log x of a positive normal float64 in two parts, by the series of artanh (m - 1) / (m + 1) = ½ log m."""
    m, exponent = xp.frexp(x)
    low = m < 0.7071
    m, exponent = xp.where(low, 2.0 * m, m), exponent - low
    divisor, lacking = two_sum(m, 1.0)
    f = (m - 1.0) / divisor
    p, p_rest = product(f, divisor)
    rest = (((m - 1.0) - p) - p_rest - f * lacking) / divisor
    square = f * f
    series = 2 / 23
    for k in range(21, 1, -2):
        series = 2 / k + square * series
    head, head_rest = two_sum(exponent * LOG_2[0], 2.0 * f)
    return head, head_rest + (exponent * LOG_2[1] + (2.0 * rest + f * square * series))


def distance(zero: tuple[float, float, float], x: Array) -> Array:
    """zero - x with full accuracy, for a zero in three parts; the first has 24 bits, to be exact in float32 too."""
    return ((zero[0] - x) + zero[1]) + zero[2]
