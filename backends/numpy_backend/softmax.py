"""Softmax and cross-entropy over the channels of images, and cross-entropy of few classes.

NumPy's reductions cost 40 to 80 ns per short row, so short rows are copied to columns, and images to C order.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from backends.buffers import FLOAT32
from backends.geometry import Array
from backends.numpy_backend.copies import contiguous, converted
from backends.numpy_backend.reduction import SHORT, extreme
from backends.settled import settled

Losses = tuple[Array, Array, Array]


def ordered(plain: Callable[..., Any], *operands: Any) -> Any:
    """A kernel of images, or of matrices, with images in C order and 16-bit floats as float32; losses have theirs."""
    dtype = getattr(operands[0], "dtype", None)
    if dtype is not None and dtype.char in "eE":
        y = ordered(plain, *[_in_float32(v) for v in operands])
        return (y[0].astype(dtype), *y[1:]) if y.__class__ is tuple else y
    if operands[0].ndim == 2:
        return plain(*operands)
    return plain(*[contiguous(v) if getattr(v, "ndim", 0) > 2 else v for v in operands])


def _in_float32(v: Any) -> Any:
    return converted(v, FLOAT32) if getattr(v, "dtype", FLOAT32).char in "eE" else v


def settle_ordered(plain: Callable[..., Any], _: Any, *operands: Any) -> Callable[..., Any] | None:
    """`ordered` of such operands."""
    changed = any(getattr(v, "ndim", 0) > 2 or _in_float32(v) is not v for v in operands)
    return None if changed else settled(plain, *operands)


def softmax_nll(
    plain: Callable[..., Losses], x: Array, target: Array, ignore_index: int | None, reduction: str
) -> Losses:
    """See `backends.generic.softmax.softmax_nll`, here `plain`."""
    if x.ndim != 2 or not x.shape[1] or x.dtype.char not in "fd" or _occurs(ignore_index, target):
        return plain(x, target, ignore_index, reduction)
    rows = np.arange(len(target))
    if x.shape[1] <= SHORT:
        d = contiguous(x.T)
        shift = np.maximum.reduce(d)
        d = d - shift
        chosen = d[target, rows]
        total = np.add.reduce(np.exp(d, out=d))
    else:
        shift = extreme(np.maximum, x, 1)
        d = x - shift[:, None]
        chosen = d[rows, target]
        total = np.add.reduce(np.exp(d, out=d), axis=1)
    losses = np.log(total)
    losses -= chosen
    return _reduced(losses, reduction), shift[:, None], total[:, None]


def picked_nll(plain: Callable[..., Array], x: Array, target: Array, ignore_index: int | None, reduction: str) -> Array:
    """See `backends.generic.softmax.picked_nll`, here `plain`."""
    if x.ndim != 2 or x.dtype.char not in "fd" or _occurs(ignore_index, target):
        return plain(x, target, ignore_index, reduction)
    return _reduced(0 - x[np.arange(len(target)), target], reduction)


def softmax_nll_gradient(
    plain: Callable[..., Array],
    g: Array,
    x: Array,
    target: Array,
    shift: Array,
    total: Array,
    ignore_index: int | None,
    reduction: str,
) -> Array:
    """See `backends.generic.softmax.softmax_nll_gradient`, here `plain`."""
    if x.ndim != 2 or x.dtype.char not in "fd" or reduction == "none" or _occurs(ignore_index, target):
        return plain(g, x, target, shift, total, ignore_index, reduction)
    weight = g / x.dtype.type(len(target)) if reduction == "mean" else g
    p = x - shift
    np.exp(p, out=p)
    p *= weight / total
    p[np.arange(len(target)), target] -= weight
    return p


def _reduced(losses: Array, reduction: str) -> Array:
    """The losses, or their sum or mean."""
    total = losses if reduction == "none" else np.add.reduce(losses)
    return total / total.dtype.type(len(losses)) if reduction == "mean" else total


def _occurs(ignore_index: int | None, target: Array) -> bool:
    """Whether a target is ignored; a captured step leaves it to the kernels to find that out."""
    return ignore_index is not None and bool((target == ignore_index).any())
