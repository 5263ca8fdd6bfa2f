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
    pixels, rows = pixel_rows(xp, x), places_of(xp, index, x.shape)
    y = xp.zeros((*index.shape[:2], x.shape[1]), dtype=pixels.dtype)
    for k in range(index.shape[2]):
        y += pixels[rows[:, :, k]] * weights[:, :, k, None]
    return channels_first(y).astype(x.dtype, copy=False)


def add_points(xp: Any, g: Array, weights: Array, index: Array, x_shape: Sizes) -> Array:
    """Adjoint of `read_points` in x: adds every sum to its pixels."""
    n, c, *sizes = x_shape
    total = xp.zeros(n * (prod(sizes) + 1) * c, dtype=wide_dtype(xp, g.dtype))
    rows, gs = places_of(xp, index, x_shape), channels_last(g).astype(total.dtype, copy=False)
    for k in range(index.shape[2]):
        places = rows[:, :, k, None] * c + xp.arange(c)
        add_flat(xp, total, places, gs * weights[:, :, k, None])
    return of_rows(total, x_shape).astype(g.dtype, copy=False)


def match_points(xp: Any, g: Array, x: Array, index: Array) -> Array:
    """Adjoint of `read_points` in the weights: products of every sum with its pixels, summed over channels."""
    pixels, rows = pixel_rows(xp, x), places_of(xp, index, x.shape)
    gs = channels_last(g).astype(pixels.dtype, copy=False)
    found = xp.einsum("npkc,npc->knp", xp.take(pixels, rows, axis=0), gs).astype(g.dtype, copy=False)
    return xp.moveaxis(found, 0, -1)  # as the weights of `grid_sample` lie in memory


def pixel_rows(xp: Any, x: Array) -> Array:
    """A row of zeros for each image of x (N, C, *S), and behind it its pixels as rows."""
    n, c, *sizes = x.shape
    rows = xp.zeros((n, prod(sizes) + 1, c), dtype=wide_dtype(xp, x.dtype))
    rows[:, 1:].reshape(n, *sizes, c)[...] = channels_last(x)
    return rows.reshape(n * (prod(sizes) + 1), c)


def of_rows(rows: Array, x_shape: Sizes) -> Array:
    """The images (N, C, *S) of which `pixel_rows` would make such rows."""
    n, c, *sizes = x_shape
    return channels_first(rows.reshape(n, prod(sizes) + 1, c)[:, 1:].reshape(n, *sizes, c))


def places_of(xp: Any, index: Array, x_shape: Sizes) -> Array:
    """The row of each pixel; that of zeros for -1."""
    n, size = x_shape[0], prod(x_shape[2:]) + 1
    return index + xp.arange(1, 1 + n * size, size).reshape(n, 1, 1)
