"""Padding and zeros that keep the memory order of axes."""

from typing import Any

import numpy as np

from backends.buffers import empty_like
from backends.geometry import Array, Sizes
from backends.numpy_backend.copies import copyto

LARGE = 1 << 16  # elements from which a border of its own costs less than filling all, unless it consists of ...
LONG = 1 << 7  # ... the ends of rows shorter than this
SHARED = 1 << 17  # elements from which threads pay for the copy


def pad(x: Array, widths: Any, mode: str = "constant", **how: Any) -> Array:
    """`np.pad`, but with a constant, channels-last images stay channels-last, unlike in NumPy."""
    if mode != "constant" or not isinstance(x, np.ndarray) or not {*how} <= {"constant_values"}:
        return np.pad(x, widths, mode, **how)  # type: ignore[call-overload]  # mode is a valid one
    if not isinstance(widths, tuple) or len(widths) != x.ndim or not isinstance(widths[0], tuple):
        widths = np.broadcast_to(np.asarray(widths), (x.ndim, 2)).tolist()
    out = empty_like(x, tuple([k + lo + hi for k, (lo, hi) in zip(x.shape, widths, strict=True)]))
    value = how.get("constant_values", 0)
    if x.size < LARGE or _ends_short_rows(x, out, widths):
        out.fill(value)
    else:
        _surround(x, out, widths, value)
    inner = out[(*(slice(lo, lo + k) for k, (lo, _) in zip(x.shape, widths, strict=True)), ...)]
    (np.copyto if x.size < SHARED else copyto)(inner, x)
    return out


def _ends_short_rows(x: Array, out: Array, widths: Any) -> bool:
    """Whether the axis that is innermost in memory is short and padded."""
    return any(
        step == x.itemsize and k < LONG and any(pair)
        for step, k, pair in zip(out.strides, x.shape, widths, strict=True)
    )


def _surround(x: Array, out: Array, widths: Any, value: Any) -> None:
    """Write a value to the elements of `out` around those for x."""
    for axis, (k, (lo, _)) in enumerate(zip(x.shape, widths, strict=True)):
        along = out.swapaxes(0, axis)
        along[:lo] = along[lo + k :] = value
        out = along[lo : lo + k].swapaxes(0, axis)


def zeros_like(x: Array, dtype: Any = None, *, shape: Sizes | None = None) -> Array:
    """`np.zeros_like` of another shape, in reused memory."""
    if shape is None:
        return np.zeros_like(x, dtype)
    out = empty_like(x, shape, None if dtype is None else np.dtype(dtype))
    out.fill(0)
    return out
