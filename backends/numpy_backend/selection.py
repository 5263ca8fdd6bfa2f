"""Choosing elements by a condition, without a branch per element."""

from typing import Any

import numpy as np

from backends.geometry import Array

_BITS: dict[Any, Any] = {np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64)}
# Arrays of no axes: a Python number or a NumPy scalar would be converted again by every call, at half its cost.
_ZERO = {dtype: np.zeros((), dtype) for dtype in _BITS}
SMALL = 1 << 9  # below it the calls cost more than the branches


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, _ZERO.get(x.dtype, 0))


def rectify(y: Array) -> Array:
    """max(y, 0), written into `y`, which nobody else has."""
    return np.maximum(y, _ZERO.get(y.dtype, 0), out=y if y.__class__ is np.ndarray else None)


def gate(g: Array, x: Array) -> Array:
    """g where x > 0, else 0; both of one shape.

    np.where and boolean assignment mispredict a branch for every other element of a random mask; clearing bits is nine
    times faster on 2M elements and, unlike a product with the mask, turns an infinite or NaN g into 0 too.
    """
    if g.size < SMALL:
        if g.__class__ is np.ndarray:
            zero = _ZERO.get(g.dtype, 0)
            return np.where(x > zero, g, zero)
        return g if x > 0 else g.dtype.type(0)
    bits = _BITS.get(g.dtype)
    if bits is None or g.shape != x.shape:
        return np.where(x > 0, g, g.dtype.type(0))
    mask = np.negative((x > 0).view(np.int8), dtype=bits)
    np.bitwise_and(mask, g.view(bits), out=mask)
    return mask.view(g.dtype)
