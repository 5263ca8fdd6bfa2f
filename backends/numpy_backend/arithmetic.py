"""Arithmetic on large arrays, by oneDNN or shared among threads."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from backends import onednn
from backends.buffers import FLOAT32
from backends.geometry import Array
from backends.numpy_backend import copies
from backends.numpy_backend.passes import is_quick, one_pass
from backends.numpy_backend.special import blockwise
from backends.strides import innermost_first

BFLOAT16 = "E"  # the character of the dtype
NARROW = "e"  # float16, whose results are rounded alike if computed in float32
MANY = 1 << 17  # elements of bfloat16, up to which this also costs less than oneDNN's and a search for its zeros
REPEATED = 1 << 17  # elements: up to here NumPy is faster if the other operand repeats
FEW = 16  # one in so many numbers is worth looking at
LARGE = 1 << 16  # elements: from here two threads pay, and fresh memory costs more than the pass
_fast = {name: onednn.deferred("elementwise", name) for name in ("arithmetic", "increase")}
_multiplies = onednn.deferred("choice", "multiplies")


def _computed(ufunc: np.ufunc, a: Array, b: Array | float) -> Array:
    y = None
    if a.size < LARGE or is_quick(a, b if getattr(b, "ndim", 0) else a):
        return ufunc(a, b)
    if a.size < REPEATED and a.dtype.char in "fd" and getattr(b, "shape", ()) != a.shape:
        return ufunc(a, b)
    short = a.dtype.char in (NARROW, BFLOAT16) and getattr(b, "dtype", a.dtype) == a.dtype
    if short and not _multiplies(a, a):  # the processor, or without oneDNN NumPy, computes one number at a time
        return blockwise(partial(_in_float32, ufunc), a, np.asarray(b, a.dtype))
    narrow = a.dtype.char in NARROW or (a.dtype.char == BFLOAT16 and a.size < MANY)
    if narrow and a.dtype == getattr(b, "dtype", None):
        combine = ufunc if a.size < MANY else partial(_computed, ufunc)
        return copies.converted(combine(*[copies.converted(v, FLOAT32) for v in (a, b)]), a.dtype)
    if a.dtype.kind == "f" or a.dtype.char == BFLOAT16:
        other = b if isinstance(b, np.ndarray) else np.asarray(b, a.dtype)
        y = _fast["arithmetic"](ufunc, a, other)
        if y is not None and y.dtype.itemsize == 2:
            y = _with_subnormals(ufunc, a, other, y)
        if y is None:
            y = one_pass(ufunc, a, other)
    return ufunc(a, b) if y is None else y


def _in_float32(ufunc: np.ufunc, a: Array, b: Array) -> Array:
    y: Array = ufunc(a.astype(FLOAT32), b.astype(FLOAT32)).astype(a.dtype)
    return y


def _with_subnormals(ufunc: np.ufunc, a: Array, b: Array, y: Array) -> Array | None:
    """oneDNN's bfloat16 result, in which subnormal numbers are 0, with those instead; None if it has many zeros."""
    bits = y.ravel(order="K").view(np.int16)
    zeros = bits == 0
    if bits.min() == copies.NEGATIVE_ZERO:
        zeros |= bits == copies.NEGATIVE_ZERO
    count = np.count_nonzero(zeros)
    if not count or count * FEW > y.size:
        return None if count else y
    order = innermost_first(a)[::-1]
    a, b, y_in_order = (v.transpose(order) for v in (a, np.broadcast_to(b, a.shape), y))
    at = np.unravel_index(np.flatnonzero(zeros), a.shape)
    y_in_order[at] = ufunc(a[at], b[at])
    return y


def add(a: Array, b: Array | float) -> Array:
    """a + b."""
    return _computed(np.add, a, b)


def subtract(a: Array, b: Array | float) -> Array:
    """a - b."""
    return _computed(np.subtract, a, b)


def multiply(a: Array, b: Array | float) -> Array:
    """a b, element by element."""
    return _computed(np.multiply, a, b)


def divide(a: Array, b: Array | float) -> Array:
    """a / b, element by element."""
    return _computed(np.divide, a, b)


def increase(a: Array, b: Array, factor: float = 1.0) -> Array:
    """Add b times a factor to a in place; returns a."""
    large = a.size >= LARGE and not is_quick(a, b)
    if large and _fast["increase"](a, b, factor) is not None:
        return a
    b = b if factor == 1 else b * factor
    if not large or one_pass(np.add, a, b, out=a) is None:
        a += b
    return a


def in_place(function: Callable[..., Any], a: Array, *others: Array) -> Array:
    """Replace a by an elementwise function of it and of arrays of its shape, which takes `out`; returns a."""
    if a.size < LARGE or one_pass(function, a, *others, out=a) is None:
        function(a, *others, out=a)
    return a
