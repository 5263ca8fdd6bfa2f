"""Softmax, its logarithm and cross-entropy, with their gradients, for every array library."""

from typing import Any

from backends.generic.indexing import grid
from backends.geometry import Array, wide_dtype

KERNELS = (
    "softmax",
    "log_softmax",
    "softmax_gradient",
    "log_softmax_gradient",
    "softmax_nll",
    "softmax_nll_gradient",
)


def softmax(xp: Any, x: Array, axis: int) -> Array:
    """exp(x) / Σ exp(x) along an axis."""
    e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    e /= xp.sum(e, axis=axis, keepdims=True)
    return e


def log_softmax(xp: Any, x: Array, axis: int) -> Array:
    """log(softmax(x)) along an axis, exact where the softmax underflows."""
    d = x - xp.max(x, axis=axis, keepdims=True)
    return d - xp.log(xp.sum(xp.exp(d), axis=axis, keepdims=True))


def softmax_gradient(xp: Any, g: Array, y: Array, axis: int) -> Array:
    """The gradient of `softmax` in x, from its result y."""
    p = g * y
    return p - y * xp.sum(p, axis=axis, keepdims=True)


def log_softmax_gradient(xp: Any, g: Array, y: Array, axis: int) -> Array:
    """The gradient of `log_softmax` in x, from its result y."""
    return g - xp.exp(y) * xp.sum(g, axis=axis, keepdims=True)


def softmax_nll(
    xp: Any, x: Array, target: Array, ignore_index: int | None, reduction: str
) -> tuple[Array, Array, Array]:
    """-log softmax(x)[target] along axis 1, and the sum or mean over the targets that are not `ignore_index`.

    Returns beside that, for each sample, the maximum and Σ exp(x - maximum), with axis 1 kept.
    """
    valid, chosen = _counted(xp, target, ignore_index)
    shift = x.max(axis=1, keepdims=True) if x.shape[1] else x.sum(axis=1, keepdims=True)
    shift = shift.astype(wide_dtype(xp, x.dtype), copy=False)
    d = x - shift
    total = xp.exp(d).sum(axis=1, keepdims=True)
    losses = (xp.log(total) - d[grid(xp, chosen, 1)])[:, 0]
    if valid is not None:
        losses = xp.where(valid, losses, 0)
    if reduction != "none":
        losses = losses.sum()
    if reduction == "mean":
        losses = losses / _count(valid, target, losses.dtype)
    return losses.astype(x.dtype, copy=False), shift, total


def softmax_nll_gradient(
    xp: Any,
    g: Array,
    x: Array,
    target: Array,
    shift: Array,
    total: Array,
    ignore_index: int | None,
    reduction: str,
) -> Array:
    """(softmax - one-hot) of each sample, weighted by what its loss counts for: the gradient of `softmax_nll` in x."""
    valid, chosen = _counted(xp, target, ignore_index)
    if reduction == "mean":
        g = g / _count(valid, target, total.dtype)
    if valid is not None:
        g = xp.where(valid, g, 0)
    g = g[:, None] if g.ndim else g
    p = xp.exp(x - shift)
    p *= g / total
    p[grid(xp, chosen, 1)] -= g
    return p


def _counted(xp: Any, target: Array, ignore_index: int | None) -> tuple[Array | None, Array]:
    """Which targets count, None if all do; the classes, with an axis for them, another one where none counts."""
    if ignore_index is None:
        return None, target[:, None]
    valid = target != ignore_index
    return valid, xp.where(valid, target, 0)[:, None]


def _count(valid: Array | None, target: Array, dtype: Any) -> Any:
    """How many targets count."""
    return target.size if valid is None else valid.sum().astype(dtype)
