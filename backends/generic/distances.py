"""Euclidean distances between all pairs of rows, from their differences, for every array library."""

from math import prod
from typing import Any

import numpy as np

from backends.generic.reduction import power_of_two
from backends.geometry import Array

BLOCK = 1 << 16  # numbers at a time


def distances(xp: Any, a: Array, b: Array) -> Array:
    """Distances (..., P, R) between the rows of a (..., P, M) and b (..., R, M); squares do not overflow."""
    dtype = xp.result_type(a.dtype, xp.float64)
    x, y = a.astype(dtype, copy=False), b.astype(dtype, copy=False)
    factor, squares = 1, []
    if dtype == a.dtype:
        factor = xp.minimum(power_of_two(xp, x, None), power_of_two(xp, y, None)).reshape(())
        x, y = x * factor, y * factor
    for block in row_blocks(x, y, x.shape[-1]):
        d = _differences(x, y, block)
        squares.append(xp.einsum("...m,...m->...", d, d))
    return (xp.sqrt(xp.concatenate(squares, axis=-2)) / factor).astype(a.dtype, copy=False)


def pull(xp: Any, w: Array, a: Array, b: Array) -> Array:
    """Σⱼ wᵢⱼ (aᵢ - bⱼ) for weights (..., P, R) and the rows of a (..., P, M) and b (..., R, M)."""
    blocks = row_blocks(a, b, a.shape[-1])
    return xp.concatenate([xp.matmul(w[..., at, None, :], _differences(a, b, at))[..., 0, :] for at in blocks], axis=-2)


def row_blocks(a: Array, b: Array, width: int) -> list[slice]:
    """Slices of the rows of a, for `width` numbers for each pair of rows."""
    each = prod(np.broadcast_shapes(a.shape[:-2], b.shape[:-2])) * b.shape[-2] * width
    rows = max(BLOCK // max(each, 1), 1)
    return [slice(start, start + rows) for start in range(0, max(a.shape[-2], 1), rows)]


def _differences(a: Array, b: Array, block: slice) -> Array:
    return a[..., block, None, :] - b[..., None, :, :]
