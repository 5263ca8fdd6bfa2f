"""Weighted sums of pixels at points of a plane, for every array library.

Three kernels, each other's adjoints, on x (N, C, *S), weights and flat indices into the plane *S (N, P, K), and sums
(N, C, P). An index of -1 reads zero.
"""

from math import prod
from typing import Any

from backends.generic.indexing import add_flat
from backends.geometry import Array, Sizes, channels_first, channels_last, wide_dtype


def read_points(xp: Any, x: Array, weights: Array, index: Array) -> Array:
    """The weighted sum of the K pixels of each of P points."""
    pixels, rows = _pixels(xp, x), _rows(xp, index, x.shape)
    y = xp.zeros((*index.shape[:2], x.shape[1]), dtype=pixels.dtype)
    for k in range(index.shape[2]):
        y += pixels[rows[:, :, k]] * weights[:, :, k, None]
    return channels_first(y).astype(x.dtype, copy=False)


def add_points(xp: Any, g: Array, weights: Array, index: Array, x_shape: Sizes) -> Array:
    """Adjoint of `read_points` in x: adds every sum to its pixels."""
    n, c, *sizes = x_shape
    total = xp.zeros((n * prod(sizes) + 1) * c, dtype=wide_dtype(xp, g.dtype))
    rows, gs = _rows(xp, index, x_shape), channels_last(g).astype(total.dtype, copy=False)
    for k in range(index.shape[2]):
        places = rows[:, :, k, None] * c + xp.arange(c)
        add_flat(xp, total, places, gs * weights[:, :, k, None])
    x = total[: n * prod(sizes) * c].reshape(n, *sizes, c)
    return channels_first(x).astype(g.dtype, copy=False)


def match_points(xp: Any, g: Array, x: Array, index: Array) -> Array:
    """Adjoint of `read_points` in the weights: products of every sum with its pixels, summed over channels."""
    pixels, rows = _pixels(xp, x), _rows(xp, index, x.shape)
    gs = channels_last(g).astype(pixels.dtype, copy=False)
    parts = [(pixels[rows[:, :, k]] * gs).sum(axis=-1) for k in range(index.shape[2])]
    return xp.stack(parts, axis=-1).astype(g.dtype, copy=False)


def _pixels(xp: Any, x: Array) -> Array:
    """The pixels of x (N, C, *S) as rows, plus a last row of zeros."""
    rows = xp.zeros((x.shape[0] * prod(x.shape[2:]) + 1, x.shape[1]), dtype=wide_dtype(xp, x.dtype))
    rows[:-1].reshape(x.shape[0], *x.shape[2:], x.shape[1])[...] = channels_last(x)
    return rows


def _rows(xp: Any, index: Array, x_shape: Sizes) -> Array:
    """The row of each pixel; the last one for -1."""
    n, size = x_shape[0], prod(x_shape[2:])
    return xp.where(index < 0, n * size, index + xp.arange(n).reshape(n, 1, 1) * size)
