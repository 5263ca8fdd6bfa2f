"""Softmax, its logarithm and cross-entropy, with their gradients, for every array library."""

from typing import Any

from backends.generic.indexing import grid
from backends.geometry import Array, Sizes, wide_dtype


def softmax(xp: Any, x: Array, axis: int) -> Array:
    """exp(x) / Σ exp(x) along an axis."""
    e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    e /= xp.add.reduce(e, axis=axis, keepdims=True)
    return e


def log_softmax(xp: Any, x: Array, axis: int) -> Array:
    """log(softmax(x)) along an axis, accurate even if the softmax underflows."""
    d = x - xp.max(x, axis=axis, keepdims=True)
    return d - xp.log(xp.add.reduce(xp.exp(d), axis=axis, keepdims=True))


def softmax_gradient(xp: Any, g: Array, y: Array, axis: int) -> Array:
    """The gradient of `softmax` in x, from its result y; float32 for 16-bit floats."""
    p = g.astype(wide_dtype(xp, g.dtype), copy=False) * y
    return p - y * xp.add.reduce(p, axis=axis, keepdims=True)


def log_softmax_gradient(xp: Any, g: Array, y: Array, axis: int) -> Array:
    """The gradient of `log_softmax` in x, from its result y; float32 for 16-bit floats."""
    g, y = (v.astype(wide_dtype(xp, v.dtype), copy=False) for v in (g, y))
    return g - xp.exp(y) * xp.add.reduce(g, axis=axis, keepdims=True)


def softmax_nll(
    xp: Any, x: Array, target: Array, ignore_index: int | None, reduction: str
) -> tuple[Array, Array, Array]:
    """-log softmax(x)[target] along axis 1, and the sum or mean over the targets that are not `ignore_index`.

    Also returns, for each sample, the maximum and Σ exp(x - maximum), with axis 1 kept.
    """
    shift = xp.max(x, axis=1, keepdims=True) if x.shape[1] else x.sum(axis=1, keepdims=True)
    shift = shift.astype(wide_dtype(xp, x.dtype), copy=False)
    d = x - shift
    total = xp.exp(d).sum(axis=1, keepdims=True)
    return nll(xp, d, target, xp.log(total), ignore_index, reduction).astype(x.dtype, copy=False), shift, total


def smoothed_nll(
    xp: Any, x: Array, target: Array, ignore_index: int | None, reduction: str, smoothing: float
) -> tuple[Array, Array, Array]:
    """`softmax_nll` of targets of which a share is spread evenly over the classes."""
    shift = xp.max(x, axis=1, keepdims=True).astype(wide_dtype(xp, x.dtype), copy=False)
    d = x - shift
    total = xp.exp(d).sum(axis=1, keepdims=True)
    mean = d.sum(axis=1, keepdims=True) / d.shape[1]
    return smoothed(xp, x, target, total, shift, mean, ignore_index, reduction, smoothing).astype(x.dtype), shift, total


def smoothed(
    xp: Any, x: Array, target: Array, total: Array, shift: Array, mean: Array, ignore_index: int | None,
    reduction: str, smoothing: float,
) -> Array:  # fmt: skip
    """The losses, or their sum or mean, from Σ exp(x - shift) and the mean of x - shift of each sample."""
    valid, chosen = counted(xp, target, ignore_index)
    found = xp.log(total) - (1 - smoothing) * (x[grid(xp, chosen, 1)] - shift) - smoothing * mean
    return reduced(xp, found[:, 0], valid, target, reduction)


def reduced(xp: Any, losses: Array, valid: Array | None, target: Array, reduction: str) -> Array:
    """The losses of valid targets, or their sum or mean."""
    if valid is not None:
        losses = xp.where(valid, losses, 0)
    if reduction != "none":
        losses = losses.sum()
    return losses / _count(valid, target, losses.dtype) if reduction == "mean" else losses


def nll(
    xp: Any, x: Array, target: Array, log_total: Any, ignore_index: int | None, reduction: str, shift: Any = None
) -> Array:
    """-log softmax(x)[target] from log Σ exp(x - shift), or the sum or mean of these."""
    valid, chosen = counted(xp, target, ignore_index)
    found = x[grid(xp, chosen, 1)]
    found = found if shift is None else found - shift
    return reduced(xp, (log_total - found)[:, 0], valid, target, reduction)


def picked_nll(xp: Any, x: Array, target: Array, ignore_index: int | None, reduction: str) -> Array:
    """-x[target] along axis 1, and the sum or mean over the targets that are not `ignore_index`."""
    return nll(xp, x, target, 0, ignore_index, reduction)


def softmax_nll_gradient(
    xp: Any, g: Array, x: Array, target: Array, shift: Array, total: Array, ignore_index: int | None, reduction: str
) -> Array:
    """The gradient of `softmax_nll` in x: (softmax - one-hot) of each sample times the weight of its loss."""
    weight = share(xp, g, target, total.dtype, ignore_index, reduction)
    p = xp.exp(x - shift)
    p *= weight / total
    less_targets(xp, p, target, weight, ignore_index)
    return p


def smoothed_nll_gradient(
    xp: Any, g: Array, x: Array, target: Array, shift: Array, total: Array, ignore_index: int | None, reduction: str,
    smoothing: float,
) -> Array:  # fmt: skip
    """The gradient of `smoothed_nll` in x."""
    weight = share(xp, g, target, total.dtype, ignore_index, reduction)
    p = xp.exp(x - shift)
    p *= weight / total
    p -= weight * (smoothing / x.shape[1])
    less_targets(xp, p, target, weight * (1 - smoothing), ignore_index)
    return p


def nll_gradient(
    xp: Any, g: Array, target: Array, shape: Sizes, dtype: Any, ignore_index: int | None, reduction: str
) -> Array:
    """The gradient of `nll`: minus the weight of each loss, at its target class."""
    p: Array = xp.zeros(shape, dtype)
    less_targets(xp, p, target, share(xp, g, target, dtype, ignore_index, reduction), ignore_index)
    return p


def share(xp: Any, g: Array, target: Array, dtype: Any, ignore_index: int | None, reduction: str) -> Array:
    """The weight of each sample's loss, with an axis for the classes, or one number for all."""
    valid, _ = counted(xp, target, ignore_index)
    if reduction == "mean":
        g = g / _count(valid, target, dtype)
    if valid is not None:
        g = xp.where(valid, g, 0)
    return g[:, None] if g.ndim else g


def less_targets(xp: Any, p: Array, target: Array, weight: Array, ignore_index: int | None) -> None:
    """Subtract the weights at the target classes of p, in place."""
    p[grid(xp, counted(xp, target, ignore_index)[1], 1)] -= weight


def counted(xp: Any, target: Array, ignore_index: int | None) -> tuple[Array | None, Array]:
    """Which targets count (None if all do), and the target classes with an axis for classes, valid ones throughout."""
    if ignore_index is None:
        return None, target[:, None]
    valid = target != ignore_index
    return valid, xp.where(valid, target, 0)[:, None]


def _count(valid: Array | None, target: Array, dtype: Any) -> Any:
    """The number of targets that count."""
    return target.size if valid is None else valid.sum().astype(dtype)
