"""Polynomials and rational functions in one variable, for every array library."""

from collections.abc import Iterable
from typing import Any

from backends.generic.special_functions.pairs import Pair, plus, product, times, two_sum
from backends.geometry import Array


def polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    result = coefficients[-1] * x + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        result *= x
        result += coefficient
    return result


def onto_unit(xp: Any, x: Array, low: float, middle: float) -> Array:
    """Map [low, ∞] to [-1, 1], with `middle` at 0; exact at `low`."""
    return stretched(xp.minimum(x, 1e300), low, middle - 2.0 * low, 2.0)


def stretched(x: Array, low: float, shift: float, stretch: float) -> Array:
    """stretch·(x - low) / (x + shift) - 1"""
    t = (x - low) * stretch
    t /= x + shift
    t -= 1.0
    return t


def ratio(x: Array, numerator: tuple[float, ...], denominator: tuple[float, ...]) -> Array:
    return polynomial(numerator, x) / polynomial(denominator, x)


def raised(middle: float, table: tuple[float, ...], t: Array) -> Pair:
    """middle + a smaller polynomial of t, in two parts; so is its last step."""
    head, rest = product(t, polynomial(table[1:], t))
    p, p_rest = two_sum(head, table[0])
    total = middle + p
    return total, (p - (total - middle)) + (p_rest + rest)


def exactly(numerator: int, denominator: int) -> tuple[float, float]:
    """A quotient of integers in two parts."""
    head = numerator / denominator
    n, d = head.as_integer_ratio()
    return head, (numerator * d - n * denominator) / (denominator * d)


def powers(coefficients: Iterable[tuple[float, float]], t: Pair) -> Pair:
    """A polynomial with coefficients in two parts, the highest first."""
    total = 0.0 * t[0], 0.0
    for coefficient in coefficients:
        total = plus(times(total, t), coefficient)
    return total


def series(heads: tuple[float, ...], rests: tuple[float, ...], t: Pair) -> Pair:
    """A series of Chebyshev polynomials of a number in two parts, by Clenshaw's recurrence.

    The first coefficients, which are the largest, and their sum are in two parts.
    """
    counted, twice = len(rests), (2.0 * t[0], 2.0 * t[1])
    last = before = 0.0 * t[0]
    for head in heads[: counted - 1 : -1]:
        last, before = twice[0] * last - before + head, last
    b, less = (last, 0.0), (before, 0.0)
    for coefficient in zip(heads[counted - 1 : 0 : -1], rests[:0:-1], strict=True):
        b, less = plus(plus(times(twice, b), coefficient), (-less[0], -less[1])), b
    return plus(plus(times(t, b), (heads[0], rests[0])), (-less[0], -less[1]))
