"""Padding and zeros that keep the memory order of axes."""

from typing import Any

import numpy as np

from backends.buffers import empty_like
from backends.geometry import Array, Sizes
from backends.numpy_backend.copies import copyto


def pad(x: Array, widths: Any, mode: str = "constant", **how: Any) -> Array:
    """`np.pad`, but with a constant, channels-last images stay channels-last, unlike in NumPy."""
    if mode != "constant" or not isinstance(x, np.ndarray) or not {*how} <= {"constant_values"}:
        return np.pad(x, widths, mode, **how)  # type: ignore[call-overload]  # mode is a valid one
    if not isinstance(widths, tuple) or len(widths) != x.ndim or not isinstance(widths[0], tuple):
        widths = np.broadcast_to(np.asarray(widths), (x.ndim, 2)).tolist()
    pairs = widths
    shape = tuple(k + lo + hi for k, (lo, hi) in zip(x.shape, pairs, strict=True))
    out = empty_like(x, shape)
    out.fill(how.get("constant_values", 0))
    copyto(out[(*(slice(lo, lo + k) for k, (lo, _) in zip(x.shape, pairs, strict=True)), ...)], x)
    return out


def zeros_like(x: Array, dtype: Any = None, *, shape: Sizes | None = None) -> Array:
    """`np.zeros_like` of another shape, in reused memory."""
    if shape is None:
        return np.zeros_like(x, dtype)
    out = empty_like(x, shape, None if dtype is None else np.dtype(dtype))
    out.fill(0)
    return out
