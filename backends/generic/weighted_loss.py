"""Cross-entropy with a weight for each class, for every array library."""

from typing import Any

from backends.generic.softmax import counted, less_targets
from backends.geometry import Array, wide_dtype


def weighted_nll(
    xp: Any, kernels: Any, x: Array, target: Array, weight: Array, ignore_index: int | None, reduction: str,
    smoothing: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """`softmax_nll` of classes with weights, of targets of which the share `smoothing` is spread evenly over all.

    A mean is divided by the weights of the targets that count. All is added in float32 where the scores have 16 bits.
    """
    weight = weight.astype(wide_dtype(xp, weight.dtype), copy=False)
    losses, shift, total = kernels.softmax_nll(x, target, ignore_index, "none")
    own = _own(xp, weight, target, ignore_index)
    losses = losses * own
    if smoothing and x.shape[1]:
        scales, valid = _for_classes(weight, x), counted(xp, target, ignore_index)[0]
        even = (weight.sum() * xp.log(total) - (scales * (x - shift)).sum(axis=1, keepdims=True))[:, 0] / x.shape[1]
        losses = (1 - smoothing) * losses + smoothing * (even if valid is None else xp.where(valid, even, 0))
    if reduction != "none":
        losses = losses.sum()
    return (losses / own.sum() if reduction == "mean" else losses).astype(x.dtype, copy=False), shift, total


def weighted_nll_gradient(
    xp: Any, kernels: Any, g: Array, x: Array, target: Array, weight: Array, shift: Array, total: Array,
    ignore_index: int | None, reduction: str, smoothing: float,
) -> Array:  # fmt: skip
    """The gradient of `weighted_nll` in x."""
    weight = weight.astype(wide_dtype(xp, weight.dtype), copy=False)
    own, valid = _own(xp, weight, target, ignore_index), counted(xp, target, ignore_index)[0]
    share = xp.broadcast_to(g / own.sum() if reduction == "mean" else g, target.shape)
    share = share if valid is None else xp.where(valid, share, 0)  # if nothing counts, it is 0 and not NaN
    if not (smoothing and x.shape[1]):
        each = (share * own).astype(x.dtype, copy=False)
        return kernels.softmax_nll_gradient(each, x, target, shift, total, ignore_index, "none")
    share, own = share[:, None], own[:, None]
    even = share * (smoothing / x.shape[1])
    p = xp.exp(x - shift)
    p *= (share * own * (1 - smoothing) + even * weight.sum()) / total
    p -= even * _for_classes(weight, x)
    less_targets(xp, p, target, share * own * (1 - smoothing), ignore_index)
    return p


def _own(xp: Any, weight: Array, target: Array, ignore_index: int | None) -> Array:
    """What each target weighs: 0 if it does not count."""
    valid, chosen = counted(xp, target, ignore_index)
    own = weight[chosen[:, 0]]
    return own if valid is None else xp.where(valid, own, 0)


def _for_classes(weight: Array, x: Array) -> Array:
    return weight.reshape((1, -1, *(1,) * (x.ndim - 2)))
