"""Sums over several axes, for every array library."""

from functools import reduce
from math import prod
from typing import Any

from backends.geometry import Array, Sizes, wide_dtype


def total(xp: Any, x: Array, axes: Sizes, keepdims: bool, dtype: Any = None) -> Array:
    """The sum of a large array over several axes; of 16-bit floats in float32, which may be rounded to a dtype."""
    y = xp.add.reduce(x, axis=axes, dtype=wide_dtype(xp, x.dtype), keepdims=keepdims)
    return y if dtype is None else y.astype(dtype, copy=False)


def sum_of_squares(xp: Any, x: Array, axis: Any, keepdims: bool) -> Array:
    """Σ|x|² of float32 or complex64 over one axis, several or all (None); in float64, which their squares fit, unless
    float32 sums them without loss.
    """
    wide = x.astype(xp.complex128 if x.dtype.kind == "c" else xp.float64)
    return xp.add.reduce(squares(wide), axis=axis, keepdims=keepdims)


def squared_deviations(xp: Any, x: Array, axes: Sizes, keepdims: bool) -> Array:
    """Σ|x - mean|² over some axes, also of numbers that are nearly equal; possibly in a wider dtype.

    The sum of the deviations themselves, which is 0 but for the rounding error of the mean, corrects it.
    """
    n = max(prod(x.shape[a] for a in axes), 1)
    d = x - xp.add.reduce(x, axis=axes, keepdims=True) / n
    off = xp.add.reduce(d, axis=axes, keepdims=keepdims)
    correction = xp.minimum(squares(off) / n, float(xp.finfo(off.dtype).max))  # finite: an infinite sum stays as it is
    return xp.add.reduce(squares(d), axis=axes, keepdims=keepdims) - correction


def euclidean(xp: Any, x: Array, axis: Any, keepdims: bool) -> Array:
    """√Σ|x|² of float64 or complex128 over one axis, several or all (None); not empty, and scaled, so that squares
    neither overflow nor underflow.
    """
    factor = power_of_two(xp, x, axis)
    scaled = [part * factor for part in _parts(x)]  # of infinite complex numbers, a product has NaN
    y = xp.sqrt(xp.add.reduce(reduce(xp.add, [part * part for part in scaled]), axis=axis, keepdims=True)) / factor
    return y if keepdims else y.squeeze(axis)


def power_of_two(xp: Any, x: Array, axis: Any) -> Array:
    """The factor for x with which squares neither overflow nor underflow, for each slice over `axis`."""
    if not x.size:
        return xp.ones((1,) * x.ndim, x.dtype)
    extremes = [abs(f(part, axis=axis, keepdims=True)) for part in _parts(x) for f in (xp.max, xp.min)]
    return exact_factor(xp, reduce(xp.maximum, extremes))


def exact_factor(xp: Any, largest: Array) -> Array:
    """The power of two that brings the largest element near 1: products with it are exact."""
    exponent = xp.frexp(xp.where(xp.isfinite(largest), largest, 1))[1]
    return xp.ldexp(xp.ones_like(largest), xp.clip(-exponent, -1000, 1000))


def squares(x: Array) -> Array:
    """|x|²."""
    return x.real * x.real + x.imag * x.imag if x.dtype.kind == "c" else x * x


def _parts(x: Array) -> tuple[Array, ...]:
    return (x.real, x.imag) if x.dtype.kind == "c" else (x,)
