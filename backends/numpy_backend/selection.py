"""Selection by a condition, without a branch per element."""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numpy as np

from backends import onednn
from backends.buffers import FLOAT32, empty, empty_like
from backends.geometry import Array
from backends.numpy_backend.arithmetic import add
from backends.numpy_backend.passes import is_quick, one_pass
from backends.settled import Function, for_layout
from backends.threads import get_num_threads

# Integers of the same size, by the characters of dtypes; E is bfloat16.
_WORDS: dict[str, Any] = {"f": np.dtype(np.int32), "d": np.dtype(np.int64), np.dtype(np.int64).char: np.dtype(np.int64)}
_BITS: dict[str, Any] = {"f": _WORDS["f"], "d": _WORDS["d"], "e": np.dtype(np.int16), "E": np.dtype(np.int16)}
# The bits of negative infinity in 16 bits, beyond which lie negative NaN. NumPy compares these numbers one at a time,
# but integers all at once.
_INFINITY = {"e": 0xFC00, "E": 0xFF80}
# 0-d arrays: every call would convert a Python number or a NumPy scalar again, at half its cost.
_ZERO = {kind: np.zeros((), kind) for kind in "fd"}
SMALL = 1 << 9  # below this the calls cost more than the branches
FEW = 1 << 12  # below this selecting by bits costs more
BLOCK = 1 << 14  # fits the cache; smaller ones are no faster
LARGE = 1 << 16  # from here two threads pay, and fresh memory costs more than the pass
CLIPPED = 1 << 21  # the same for limits, which are one short pass
# Elements of float32 from which one limit becomes two: without AVX-512, NumPy takes three times as long for extremes of
# an array and a number as for limits on both sides.
LIMITED = 1 << 13
_fast: dict[str, Any] = {
    name: onednn.deferred("elementwise", name) for name in ("relu", "rectify", "gate", "add_relu", "drop")
}


def add_relu(a: Array, b: Array, out: Array | None = None) -> Array:
    """max(a + b, 0); in `out`, which may be a, if given."""
    if out is not None:
        return out if _fast["add_relu"](a, b, out) is not None else rectify(np.add(a, b, out=out))
    y = _large("add_relu", _add_relu, a, b) if a.dtype.itemsize > 2 else None
    return rectify(add(a, b)) if y is None else y


def relu(x: Array) -> Array:
    """max(x, 0)."""
    if isinstance(x, np.floating):  # a scalar, for which np.maximum takes a microsecond
        return _zero(x.__class__) if x <= 0 else x  # type: ignore[arg-type]  # a class is hashable
    y = None if x.size < LARGE or is_quick(x) else _large("relu", _relu, x)
    return _maximum(x) if y is None else y


def settle_relu(general: Function, x: Array) -> Function | None:
    """`relu` of such operands."""
    return _fast["relu"].settle(general, x) if x.size >= LARGE and not is_quick(x) else None


def rectify(y: Array) -> Array:
    """max(y, 0), in place; `y` must not be shared."""
    large = y.size >= LARGE and not is_quick(y)
    if large and (_fast["rectify"](y) is not None or _passed(_relu, y, out=y) is not None):
        return y
    return _maximum(y, out=y if y.__class__ is np.ndarray else None)


def drop(plain: Callable[..., Array], x: Array, keep: Array, scale: float) -> Array:
    """See `backends.generic.selection.drop`, here `plain`."""
    y = _fast["drop"](x, keep, scale) if x.size >= LARGE else None
    return plain(x, keep, scale) if y is None else y


def gate(g: Array, x: Array) -> Array:
    """0 where x <= 0, else g (also where x is NaN), of one shape; a large result has the memory layout of the image x.

    np.where and boolean assignment mispredict a branch for every other element of a random mask; clearing bits is nine
    times faster on 2M elements and, unlike a product with the mask, turns an infinite or NaN g into 0 too.
    """
    if g.size < SMALL:
        if g.__class__ is not np.ndarray:
            return _zero(g.__class__) if x <= 0 else g
        if g.shape == x.shape:
            zero = _ZERO.get(g.dtype.char, 0)
            result = g.copy()
            np.putmask(result, x <= zero, zero)  # np.where takes a third more time
            return result
    if g.dtype.char not in _BITS or g.shape != x.shape:
        return np.where(x <= 0, g.dtype.type(0), g)
    y = None if g.size < LARGE or is_quick(g, x) else _large("gate", cleared, g, x)
    if y is None:
        y = np.empty_like(x)
        if g.strides != y.strides:  # copying first is faster if one of three operands has another memory order
            np.copyto(y, g)
            g = y
        cleared(g, x, y)
    return y


def settle_gate(general: Function, g: Array, x: Array) -> Function | None:
    """`gate` of such operands."""
    if g.size >= LARGE and not is_quick(g, x):
        return _fast["gate"].settle(general, g, x)
    bits, alike = _BITS.get(g.dtype.char), (g.shape, g.strides, g.dtype) == (x.shape, x.strides, x.dtype)
    if bits is None or not alike or g.size < SMALL:
        return None
    return for_layout(general, lambda g, x: cleared(g, x, np.empty_like(x)), g, x)


@cache
def _zero(kind: type) -> Any:
    """0 as a NumPy scalar, cached because making one takes 0.3 µs."""
    return kind(0)


def cleared(g: Array, x: Array, out: Array) -> Array:
    """g, of floats, with its bits multiplied by 0 where x <= 0 and by 1 elsewhere, in `out`."""
    bits = _BITS[g.dtype.char]
    kept = x.view(np.int16) > 0 if _is_short(x) else np.logical_not(x <= _ZERO.get(x.dtype.char, 0))
    np.multiply(g.view(bits), kept, out=out.view(bits))
    return out


def _is_short(x: Array) -> bool:
    """Whether these are 16-bit floats of which those above 0 are those that are so as integers: no NaN is negative."""
    infinity = _INFINITY.get(x.dtype.char)
    return infinity is not None and bool(x.view(np.uint16).max(initial=0) <= infinity)


def _large(name: str, function: Callable[..., Any], *operands: Array) -> Array | None:
    """By oneDNN, or `function(*operands, out=...)` in blocks divided among threads; None if neither pays."""
    if operands[0].size < LARGE or operands[0].dtype.char not in _BITS:
        return None
    y = _fast[name](*operands)
    return _passed(function, *operands) if y is None else y


def _passed(function: Callable[..., Any], *operands: Array, out: Array | None = None) -> Array | None:
    """`one_pass`; on the integers behind 16-bit floats calls are so short that threads would wait for each other."""
    return one_pass(function, *operands, out=out, shared=operands[0].dtype.itemsize > 2)


def _maximum(x: Array, out: Array | None = None) -> Array:
    """max(x, 0)."""
    if x.size < FEW or not _is_short(x):
        zero = _ZERO.get(x.dtype.char, 0)
        y: Array = x.clip(zero, np.inf, out=out) if _is_limited(x) else np.maximum(x, zero, out=out)
        return y
    return cleared(x, x, np.empty_like(x) if out is None else out)


def _is_limited(x: Array) -> bool:
    """Whether limits on both sides are faster than one."""
    return x.dtype == FLOAT32 and x.size >= LIMITED


def _relu(x: Array, out: Array) -> None:
    _maximum(x, out)


def _add_relu(a: Array, b: Array, out: Array) -> None:
    _maximum(np.add(a, b, out=out), out)


def clip(x: Array, low: Any = None, high: Any = None, **how: Any) -> Any:
    """np.clip; by threads for very large arrays between numbers."""
    if x.__class__ is np.ndarray and (x.size < CLIPPED or get_num_threads() < 2) and not how:
        if _is_limited(x) and not (np.ndim(low) or np.ndim(high)):
            low, high = -np.inf if low is None else low, np.inf if high is None else high
        return x.clip(low, high)  # np.clip dispatches
    if how or getattr(x, "size", 0) < CLIPPED or x.dtype.char not in _ZERO or np.ndim(low) or np.ndim(high):
        return np.clip(x, low, high, **how)
    y = one_pass(lambda part, out: np.clip(part, low, high, out=out), x)
    return np.clip(x, low, high) if y is None else y


def where(condition: Array, *branches: Any) -> Any:
    """np.where; many elements are selected by their bits, block by block, in the memory order of the condition."""
    if getattr(condition, "ndim", 1) == 0 and len({(np.shape(v), getattr(v, "dtype", None)) for v in branches}) == 1:
        return np.copy(branches[0 if condition else -1])
    if len(branches) != 2 or getattr(condition, "size", 0) < FEW or condition.dtype != bool:
        return np.where(condition, *branches)
    shape, dtype = condition.shape, np.result_type(*branches)
    bits, shapes = _WORDS.get(dtype.char), [getattr(v, "shape", ()) for v in branches]
    others = [at for at in shapes if at not in ((), shape)]
    if bits is None or (others and np.broadcast_shapes(shape, *others) != shape):
        return np.where(condition, *branches)
    in_rows = condition.flags.c_contiguous or 0 in condition.strides
    y = empty(shape, None, bits) if in_rows else empty_like(condition, dtype=bits)
    flat, mask = _flat(y), _flat(_laid_out(condition, y, condition.dtype))
    a, b = [
        _flat(_laid_out(v, y, dtype)).view(bits) if at else dtype.type(v).view(bits)
        for v, at in zip(branches, shapes, strict=True)
    ]
    zeros = [not at and bool(v == 0 == np.signbit(v)) for v, at in zip(branches, shapes, strict=True)]
    if any(zeros) and (a.ndim or b.ndim):
        np.multiply(b if zeros[0] else a, ~mask if zeros[0] else mask, out=flat)
        return y.view(dtype)
    signs = np.negative(mask.view(np.int8))
    for start in range(0, y.size, BLOCK):
        block = slice(start, start + BLOCK)
        out, other = flat[block], b[block] if b.ndim else b
        out[:] = signs[block]  # negating into `out` would convert through a buffer
        out &= (a[block] if a.ndim else a) ^ other
        out ^= other
    return y.view(dtype)


def _laid_out(v: Array, y: Array, dtype: Any) -> Array:
    """An array in the shape of y, in the same memory order and of a dtype."""
    if v.dtype == dtype and v.shape == y.shape:
        if v.flags.c_contiguous and y.flags.c_contiguous:
            return v
        if v.strides == tuple([step // y.itemsize * dtype.itemsize for step in y.strides]):
            return v
    copy = np.empty_like(y, dtype=dtype)
    np.copyto(copy, v)
    return copy


def triangle(name: str, x: Array, k: int = 0) -> Array:
    """np.tril or np.triu."""
    if x.ndim < 2 or (x.ndim > 2 and x.size >= BLOCK) or x.dtype.char not in _ZERO:
        return getattr(np, name)(x, k)
    find = _few_below if x.size < BLOCK else _below
    rows, columns = x.shape[-2:]
    lower = find(rows, columns, k if name == "tril" else k - 1)
    zero = _ZERO[x.dtype.char]
    return where(lower, x, zero) if name == "tril" else where(lower, zero, x)


def _below(rows: int, columns: int, k: int) -> Array:
    """Where a matrix has elements on or below a diagonal."""
    return np.tri(rows, columns, k, bool)


_few_below = lru_cache(16)(_below)  # of at most 16 K elements each


def nan_to_num(x: Array, **values: Any) -> Array:
    """np.nan_to_num, which itself is slow even if there is nothing to replace."""
    return x.copy() if np.isfinite(x).all() else np.nan_to_num(x, **values)


def _flat(a: Array) -> Array:
    """Its elements in memory order, without a copy."""
    return a.ravel(order="K")
