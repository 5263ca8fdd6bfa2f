"""Softmax and its logarithm along an axis that is not the last, or of short rows turned into columns.

What is not finite is left to NumPy, because oneDNN's exponential turns NaN into infinity. Passes over blocks that fit
the cache are no faster.
"""

from collections.abc import Callable
from math import prod

import numpy as np

from backends.buffers import empty
from backends.generic import softmax as generic
from backends.geometry import Array, Sizes
from backends.numpy_backend import reduction
from backends.onednn.layouts import copied
from backends.onednn.passes import ADD, DIV, EXP, MAX, MUL, SUB, Step, chained
from backends.strides import dense

SMALL = 1 << 17  # elements: below this NumPy is as fast
NARROW = 16  # columns: fewer take longer than rows do
Operation = Callable[..., Array | None]


def softmax(x: Array, axis: int) -> Array | None:
    """See `generic.softmax.softmax`; for arrays of one shape in C order, as all functions here."""
    return _by_columns(_softmax, axis, x) if axis % x.ndim < x.ndim - 1 else _turned(_softmax, x)


def log_softmax(x: Array, axis: int) -> Array | None:
    """See `generic.softmax.log_softmax`."""
    return _by_columns(_log_softmax, axis, x) if axis % x.ndim < x.ndim - 1 else _turned(_log_softmax, x)


def softmax_gradient(g: Array, y: Array, axis: int) -> Array | None:
    """See `generic.softmax.softmax_gradient`."""

    def gradient(g: Array, y: Array) -> Array:
        p = _pass(MUL, g, y)
        return _pass(SUB, g, reduction.total(p, (1,), True), p, ((MUL,),), y)

    return _by_columns(gradient, axis, g, y)


def log_softmax_gradient(g: Array, y: Array, axis: int) -> Array | None:
    """See `generic.softmax.log_softmax_gradient`; y must be finite."""

    def gradient(g: Array, y: Array) -> Array:
        e = _pass(MAX, y, y, None, (EXP,))
        return _pass(MUL, e, -reduction.total(g, (1,), True), e, ((ADD,),), g)

    return _by_columns(gradient, axis, g, y)


def softmax_nll(x: Array, target: Array, ignore_index: int | None, reduction: str) -> tuple[Array, Array, Array] | None:
    """See `generic.softmax.softmax_nll`; for images (N, K, *S), as are all functions of losses here."""
    shape = _planes(x)
    if shape is None:
        return None
    _, shift, total = _exponentials(x.reshape(shape))
    if not np.isfinite(total).all():
        return None
    valid, places = _target_places(shape, target, ignore_index)
    losses = (np.log(total) - (x.reshape(-1).take(places)[:, None] - shift)).reshape(target.shape)
    shift, total = (v.reshape(x.shape[0], 1, *x.shape[2:]) for v in (shift, total))
    return generic.reduced(np, losses, valid, target, reduction), shift, total


def softmax_nll_of_rows(
    x: Array, target: Array, ignore_index: int | None, reduction: str
) -> tuple[Array, Array, Array] | None:
    """The same for a matrix, as an image with a pixel for each row."""
    if x.size < SMALL:
        return None
    turned = x.T
    image = copied(turned, dense(turned.shape))[None]
    found = softmax_nll(image, target[None], ignore_index, reduction)
    if found is None:
        return None
    losses, *rest = found
    shift, total = (v.reshape(-1, 1) for v in rest)
    return losses[0] if reduction == "none" else losses, shift, total


def softmax_nll_gradient(
    g: Array, x: Array, target: Array, shift: Array, total: Array, ignore_index: int | None, reduction: str
) -> Array | None:
    """See `generic.softmax.softmax_nll_gradient`."""
    shape = _planes(x)
    if shape is None or not np.isfinite(total).all():
        return None
    share, row = generic.share(np, g, target, total.dtype, ignore_index, reduction), (shape[0], 1, shape[2])
    p = _pass(SUB, x.reshape(shape), shift.reshape(row), None, (EXP,))
    p = _pass(MUL, p, np.asarray(share / total, np.float32).reshape(row), p)
    flat, (_, places) = p.reshape(-1), _target_places(shape, target, ignore_index)
    flat[places] = flat.take(places) - (share.reshape(places.shape) if share.ndim else share)
    return p.reshape(x.shape)


def _target_places(shape: Sizes, target: Array, ignore_index: int | None) -> tuple[Array | None, Array]:
    """Which targets count (None if all do), and the positions of their classes in images (N, K, P) of this shape."""
    n, k, p = shape
    valid, chosen = generic.counted(np, target, ignore_index)
    places = chosen.reshape(n, p) * p
    places += np.arange(p)
    places += np.arange(0, n * k * p, k * p)[:, None]
    return valid, places


def _planes(x: Array) -> Sizes | None:
    """The shape (N, K, P) of images that are large enough."""
    n, k = x.shape[:2]
    p = x.size // max(n * k, 1)
    return None if p < NARROW or x.size < SMALL else (n, k, p)


def _softmax(x: Array) -> Array | None:
    e, _, sums = _exponentials(x)
    return _pass(DIV, e, sums, e) if np.isfinite(sums).all() else None


def _log_softmax(x: Array) -> Array | None:
    y, shift, sums = _exponentials(x)
    if not np.isfinite(sums).all():
        return None
    return _pass(SUB, _pass(SUB, x, shift, y), np.log(sums), y)


def _exponentials(x: Array) -> tuple[Array, Array, Array]:
    """exp(x - shift), the shift, and the sums."""
    shift = np.maximum.reduce(x, axis=1, keepdims=True)
    e = _pass(SUB, x, shift, None, (EXP,))
    return e, shift, reduction.total(e, (1,), True)


def _by_columns(operation: Operation, axis: int, *arrays: Array) -> Array | None:
    """`operation` of arrays (N, K, P) along K, in the shape of the operands."""
    shape = arrays[0].shape
    axis %= len(shape)
    n, k, p = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
    if p < NARROW or n * k * p < SMALL:
        return None
    y = operation(*[v.reshape(n, k, p) for v in arrays])
    return y if y is None else y.reshape(shape)


def _turned(operation: Operation, x: Array) -> Array | None:
    """`operation` along the rows of x, which become columns."""
    columns = x.reshape(-1, x.shape[-1]).T
    y = operation(copied(columns, dense(columns.shape))[None])
    return y if y is None else copied(y[0].T, dense(columns.shape[::-1])).reshape(x.shape)


def _pass(
    kind: int, x: Array, other: Array, y: Array | None = None, chain: tuple[Step, ...] = (), *operands: Array
) -> Array:
    """The result, in y, of an operation on x and an array that repeats along axes of length 1, and of further steps."""
    y = empty(x.shape) if y is None else y
    chained(x.shape, kind, chain, other.shape).run(x, np.ascontiguousarray(other), y, *operands)
    return y
