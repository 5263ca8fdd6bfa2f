"""Cross-entropy and the negative log-likelihood of classes."""

import math

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.libraries import assured, lie_below, passes
from autograd_core.errors import OperandError
from autograd_core.kinds import LOSS
from autograd_core.ops.domains import REAL, UNIT
from autograd_core.ops.losses.loss import REDUCTIONS, np_reduced, reduced, reduction_of
from autograd_core.registry import Values, composition, integers, op, sample


def _nll_rule(xp, g, input, target, shift, total, ignore_index, reduction):
    return xp.kernels.softmax_nll_gradient(g, input, target, shift, total, ignore_index, reduction)


def _recorded_rule(xp, g, input, target, ignore_index, reduction):
    """(softmax - one-hot) of each sample, times the weight of its loss, in terms of the input."""
    share, chosen = _counted(xp, g, target, input.dtype, ignore_index, reduction)
    return xp.softmax(input, dim=1) * share - xp.spread(share, chosen, dim=1, shape=input.shape), None


def _counted(xp, g, target, dtype, ignore_index, reduction):
    """The weight of each sample's loss, and its class, with an axis for the classes."""
    valid = target != (-1 if ignore_index is None else ignore_index)  # -1 is no class
    if reduction == "mean":
        g = g / xp.astype(xp.sum(valid), dtype=dtype)
    return _column(xp, xp.where(valid, g, 0)), _column(xp, xp.where(valid, target, 0))


def _column(xp, x):
    return xp.reshape(x, shape=(x.shape[0], 1, *x.shape[1:]))


def _slow_weighted(x, target, weight, ignore_index=None, reduction="mean", smoothing=0.0):
    losses, valid = np.zeros(target.shape), target != ignore_index
    for at in zip(*np.nonzero(valid), strict=True):
        row = x[(at[0], slice(None), *at[1:])]
        below = math.log(math.fsum(map(math.exp, row))) - row
        losses[at] = (1 - smoothing) * weight[target[at]] * below[target[at]] + smoothing * (weight * below).mean()
    if reduction == "mean":
        return losses.sum() / weight[target[valid]].sum()
    return np_reduced(losses, reduction)


def _slow_nll(x, target, **statics):
    return _slow_weighted(x, target, np.ones(x.shape[1]), **statics)


@op(LOSS, symbol="cross entropy", domain=REAL, residuals=("shift", "total"), vjp=(_nll_rule, None),
    composite=_recorded_rule, reference=_slow_nll,
    samples=(sample((4, 3), integers((4,), 0, 3)),
             sample((4, 3), integers((4,), 0, 3), reduction="none"),
             sample((2, 3, 2), integers((2, 2), 0, 3), reduction="sum"),
             sample((5, 3), integers((5,), 0, 3), ignore_index=1),
             sample((0, 3), integers((0,), 0, 3), reduction="sum"),
             sample((2, 3, 0), integers((2, 0), 0, 3), reduction="none")))
def softmax_nll(xp, input, target, *, ignore_index=None, reduction="mean"):
    """-log softmax(input)[target] along axis 1, in one pass; targets equal to `ignore_index` do not count."""
    return xp.kernels.softmax_nll(input, target, ignore_index, reduction)


def _smoothed_rule(xp, g, input, target, shift, total, ignore_index, reduction, smoothing):
    return xp.kernels.smoothed_nll_gradient(g, input, target, shift, total, ignore_index, reduction, smoothing)


def _recorded_smoothed_rule(xp, g, input, target, ignore_index, reduction, smoothing):
    share, chosen = _counted(xp, g, target, input.dtype, ignore_index, reduction)
    less = xp.spread(share * (1 - smoothing), chosen, dim=1, shape=input.shape)
    return xp.softmax(input, dim=1) * share - less - share * (smoothing / input.shape[1]), None


@op(LOSS, symbol="smoothed", domain=REAL, residuals=("shift", "total"), vjp=(_smoothed_rule, None),
    composite=_recorded_smoothed_rule, reference=_slow_nll,
    samples=(sample((4, 3), integers((4,), 0, 3), smoothing=0.1),
             sample((2, 3, 2), integers((2, 2), 0, 3), reduction="none", smoothing=0.5),
             sample((5, 3), integers((5,), 0, 3), ignore_index=1, reduction="sum", smoothing=1.0),
             sample((0, 3), integers((0,), 0, 3), reduction="sum", smoothing=0.1)))
def smoothed_nll(xp, input, target, *, ignore_index=None, reduction="mean", smoothing):
    """`softmax_nll` of targets of which the share `smoothing` is spread evenly over the classes."""
    return xp.kernels.smoothed_nll(input, target, ignore_index, reduction, smoothing)


def _weighted_rule(xp, g, input, target, weight, shift, total, ignore_index, reduction, smoothing):
    return xp.kernels.weighted_nll_gradient(g, input, target, weight, shift, total, ignore_index, reduction, smoothing)


def _recorded_weighted_rule(xp, g, input, target, weight, ignore_index, reduction, smoothing):
    share, own, chosen = _weighed(xp, g, target, weight, ignore_index, reduction)
    each, even = share * own * (1 - smoothing), share * (smoothing / input.shape[1])
    dx = xp.softmax(input, dim=1) * (each + even * xp.sum(weight))
    dx = dx - xp.spread(each, chosen, dim=1, shape=input.shape) - even * _scales(xp, weight, input)
    return dx, None, _weight_rule(xp, g, input, target, weight, ignore_index, reduction, smoothing)


def _weight_rule(xp, g, input, target, weight, ignore_index, reduction, smoothing):
    """The gradient in the weights, which a mean is divided by, too."""
    share, own, chosen = _weighed(xp, g, target, weight, ignore_index, reduction)
    below = -xp.log_softmax(input, dim=1)
    each = share * (1 - smoothing) * xp.gather(below, index=chosen, dim=1)
    even = share * (smoothing / input.shape[1]) * below
    if reduction == "mean":
        loss = xp.sum(each * own) + xp.sum(even * _scales(xp, weight, input))
        valid = target != (-1 if ignore_index is None else ignore_index)
        each = each - _column(xp, xp.where(valid, loss / xp.sum(own), 0))
    return xp.sum(xp.spread(each, chosen, dim=1, shape=input.shape) + even, dim=(0, *range(2, input.ndim)))


def _weighed(xp, g, target, weight, ignore_index, reduction):
    """What each loss counts for, what its target weighs, and its class, with an axis for the classes."""
    valid = target != (-1 if ignore_index is None else ignore_index)
    chosen = xp.where(valid, target, 0)
    own = xp.where(valid, weight[chosen], 0)
    share = xp.where(valid, g / xp.sum(own) if reduction == "mean" else g, 0)
    return _column(xp, share), _column(xp, own), _column(xp, chosen)


def _scales(xp, weight, input):
    return xp.reshape(weight, shape=(1, input.shape[1], *(1,) * (input.ndim - 2)))


WEIGHTS = Values((3,), UNIT)


@op(LOSS, symbol="weighted", domain=REAL, residuals=("shift", "total"),
    vjp=(_weighted_rule, None, _weight_rule), composite=_recorded_weighted_rule, reference=_slow_weighted,
    samples=(sample((4, 3), integers((4,), 0, 3), WEIGHTS),
             sample((2, 3, 2), integers((2, 2), 0, 3), WEIGHTS, reduction="none", smoothing=0.5),
             sample((5, 3), integers((5,), 0, 3), WEIGHTS, ignore_index=1, smoothing=0.1),
             sample((5, 3), integers((5,), 0, 3), WEIGHTS, ignore_index=1, reduction="sum"),
             sample((0, 3), integers((0,), 0, 3), WEIGHTS, reduction="sum", smoothing=0.1)))
def weighted_nll(xp, input, target, weight, *, ignore_index=None, reduction="mean", smoothing=0.0):
    """`softmax_nll`, or `smoothed_nll`, of classes with weights."""
    return xp.kernels.weighted_nll(input, target, weight, ignore_index, reduction, smoothing)


def _classes(input, target, weight, ignore_index, name):
    """The target as int64, after checks, and `ignore_index`, or None if no target equals it."""
    kind, shape = target.dtype, tuple(input.shape)
    if kind.kind not in dtypes.INTEGERS:
        raise OperandError(f"{name}(): class indices must be integers, not {kind}")
    if not shape or target.shape != (shape[0], *shape[2:]):
        expected = (input.shape[0], *input.shape[2:]) if input.ndim else "(N,)"
        raise OperandError(
            f"{name}(): input has shape {input.shape}, so target must hold class indices in shape {expected}, "
            f"not {target.shape}" + ("; probabilities are floats: target.float()" if target.shape == shape else "")
            + ("; remove the last axis: target.squeeze(-1)" if target.shape == (*expected, 1) else "")
        )
    classes = shape[1]
    if weight is not None and weight.shape != (classes,):
        raise OperandError(f"{name}(): weight must have shape {(classes,)}, one number per class, not {weight.shape}")
    if kind != dtypes.int64:
        target = target.long()
    if assured(lie_below, target, classes):
        return target, ignore_index if 0 <= ignore_index < classes else None
    t = target.array
    if not passes(_are_classes, target, classes, ignore_index):
        raise IndexError(
            f"{name}(): targets must lie between 0 and {classes - 1}; found {t.min().item()} to {t.max().item()}"
        )
    return target, ignore_index


def _are_classes(t, classes, ignore_index):
    return bool(((t == ignore_index) | ((t >= 0) & (t < classes))).all().item())


def _picked_rule(xp, g, target, input_shape, input_dtype, ignore_index, reduction):
    return xp.kernels.nll_gradient(g, target, input_shape, input_dtype, ignore_index, reduction)


def _recorded_picked_rule(xp, g, target, input_shape, input_dtype, ignore_index, reduction):
    share, chosen = _counted(xp, g, target, input_dtype, ignore_index, reduction)
    return xp.spread(-share, chosen, dim=1, shape=input_shape), None


def _slow_picked(x, target, ignore_index=None, reduction="mean"):
    losses, valid = np.zeros(target.shape), target != ignore_index
    for at in zip(*np.nonzero(valid), strict=True):
        losses[at] = -x[(at[0], target[at], *at[1:])]
    return losses.sum() / valid.sum() if reduction == "mean" else np_reduced(losses, reduction)


@op(LOSS, symbol="nll", domain=REAL, wide=True, vjp=(_picked_rule, None), composite=_recorded_picked_rule,
    reference=_slow_picked,
    samples=(sample((4, 3), integers((4,), 0, 3)),
             sample((2, 3, 2), integers((2, 2), 0, 3), reduction="sum"),
             sample((5, 3), integers((5,), 0, 3), ignore_index=1),
             sample((0, 3), integers((0,), 0, 3), reduction="none")))
def picked_nll(xp, input, target, *, ignore_index=None, reduction="mean"):
    """-input[target] along axis 1, in one pass; targets equal to `ignore_index` do not count."""
    return xp.kernels.picked_nll(input, target, ignore_index, reduction)


@composition(LOSS, domain=REAL,
             samples=(sample((4, 3), integers((4,), 0, 3)),
                      sample((4, 3), integers((4,), 0, 3), reduction="none"),
                      sample((0, 3), integers((0,), 0, 3), reduction="none")),
             reference=lambda x, t, reduction="mean": np_reduced(
                 -np.take_along_axis(x, t[:, None], 1)[:, 0], reduction))
def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """Negative log-likelihood: -input[target], from log-probabilities (N, C, ...) and class indices (N, ...)."""
    reduction = reduction_of(reduction, size_average, reduce)
    if input.ndim == 1:
        input, target = input.unsqueeze(0), target.reshape((1,))
        loss = nll_loss(input, target, weight, ignore_index=ignore_index, reduction=reduction)
        return loss.squeeze(0) if reduction == "none" else loss
    if reduction not in REDUCTIONS:
        return reduced(input, reduction)
    target, ignored = _classes(input, target, weight, ignore_index, "nll_loss")
    if weight is None:
        return picked_nll(input, target, ignore_index=ignored, reduction=reduction)
    return _weighted(input, target, weight, ignored, reduction)


def _weighted(input, target, weight, ignored, reduction):
    """The losses of `picked_nll`, reduced with the weights of their classes."""
    losses = picked_nll(input, target, ignore_index=ignored, reduction="none")
    if ignored is None:
        return reduced(losses, reduction, weight[target])
    valid = target != ignored
    weights = weight[functional.where(valid, target, 0)]
    # Selected last: if nothing counts, the mean is 0 / 0, but every gradient is 0.
    losses = functional.where(valid, losses * weights, 0)
    if reduction != "mean":
        return reduced(losses, reduction)
    return losses.sum() / functional.astype(functional.where(valid, weights, 0).sum(), losses.dtype)


def _slow_cross_entropy(x, t, reduction="mean", label_smoothing=0.0):
    logp = x - np.log(np.exp(x).sum(1, keepdims=True))
    n = x.shape[1]
    onehot = np.moveaxis(np.eye(n)[t], -1, 1) if t.dtype.kind in dtypes.INTEGERS else t
    onehot = onehot * (1 - label_smoothing) + label_smoothing / n
    losses = -(onehot * logp).sum(1)
    return np_reduced(losses, reduction)


@composition(LOSS, domain=REAL, reference=_slow_cross_entropy,
             samples=(sample((4, 3), integers((4,), 0, 3)),
                      sample((4, 3), Values((4, 3), UNIT)),
                      sample((2, 3, 2), integers((2, 2), 0, 3), label_smoothing=0.1),
                      sample((4, 3), integers((4,), 0, 3), reduction="none"),
                      sample((0, 3), integers((0,), 0, 3), reduction="sum"),
                      sample((0, 3), (0, 3), reduction="sum")))
def cross_entropy(
    input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0
):
    """Cross-entropy of scores (N, C, ...) against class indices (N, ...) or probabilities (N, C, ...).

    weight: for each class (C). ignore_index: targets that do not count. label_smoothing: the share of each target that
    is spread evenly over the classes.

    >>> from autograd_core import tensor
    >>> cross_entropy(tensor([[2.0, 2.0]]), tensor([1]))
    tensor(0.6931)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if reduction not in REDUCTIONS:
        return reduced(input, reduction)
    if not 0 <= label_smoothing <= 1:
        raise OperandError(f"cross_entropy(): label_smoothing must lie between 0 and 1, but is {label_smoothing}")
    if input.ndim == 1:
        loss = cross_entropy(input.unsqueeze(0), _only_target(input, target), weight, ignore_index=ignore_index,
                             reduction=reduction, label_smoothing=label_smoothing)
        return loss.squeeze(0) if reduction == "none" else loss
    if target.dtype.kind not in dtypes.INTEGERS:
        if ignore_index >= 0:
            raise OperandError(f"cross_entropy(): ignore_index={ignore_index} is for classes, not for probabilities")
        return _cross_entropy_of_probabilities(input, target, weight, reduction, label_smoothing)
    target, ignored = _classes(input, target, weight, ignore_index, "cross_entropy")
    if weight is not None:
        return weighted_nll(
            input, target, weight, ignore_index=ignored, reduction=reduction, smoothing=label_smoothing
        )
    if label_smoothing and input.shape[1]:
        return smoothed_nll(input, target, ignore_index=ignored, reduction=reduction, smoothing=label_smoothing)
    return softmax_nll(input, target, ignore_index=ignored, reduction=reduction)


def _only_target(input, target):
    """The target of scores (C) as that of a batch of one."""
    probabilities = target.shape == input.shape and target.dtype.kind not in dtypes.INTEGERS
    if target.numel() != 1 and not probabilities:
        raise OperandError(
            f"cross_entropy(): one input of shape {input.shape} takes one class, or probabilities of that shape, "
            f"not {target.shape}; the scores come first, the targets second"
        )
    return target.unsqueeze(0) if probabilities else target.reshape((1,))


def _cross_entropy_of_probabilities(input, target, weight, reduction, label_smoothing):
    if target.shape != input.shape:
        raise OperandError(
            f"cross_entropy(): target holds {target.dtype} and therefore probabilities, in the shape of input, "
            f"{input.shape}, not {target.shape}; class indices are integers: target.long()"
        )
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / input.shape[1]
    terms = target * functional.log_softmax(input, dim=1)
    if weight is not None:
        terms = terms * weight.reshape((1, input.shape[1], *(1,) * (input.ndim - 2)))
    losses = -terms.sum(dim=1)
    return reduced(losses, reduction)


def _slow_linear_cross_entropy(x, w, t, linear_bias=None, **statics):
    scores = np.tensordot(x, w, (-1, -1)) + (0 if linear_bias is None else linear_bias)
    return _slow_cross_entropy(scores, t, **statics)


@composition(LOSS, domain=REAL, reference=_slow_linear_cross_entropy,
             samples=(sample((4, 2), (3, 2), integers((4,), 0, 3)),
                      sample((4, 2), (3, 2), Values((4, 3), UNIT), label_smoothing=0.1),
                      sample((2, 2), (3, 2, 2), integers((2, 2), 0, 3), reduction="none"),
                      sample((0, 2), (3, 2), integers((0,), 0, 3), reduction="sum")))
def linear_cross_entropy(
    input, linear_weight, target, *, linear_bias=None, weight=None, reduction="mean", ignore_index=None,
    label_smoothing=0.0, options=None
):
    """Cross-entropy of the scores linear(input, linear_weight, linear_bias), from (N, in) or (in).

    linear_weight: (C, in), or (C, d1, ..., in) for targets (N, d1, ...). `options`, which in PyTorch select
    strategies to save memory, are accepted and have no effect.
    """
    spread = linear_weight.shape[1:-1]
    if input.ndim not in (1, 2) or linear_weight.ndim < 2 or (spread and input.ndim == 1):
        raise OperandError(f"linear_cross_entropy() takes (N, in) and a weight (C, ..., in), or (in) and (C, in), not "
                           f"{input.shape} and {linear_weight.shape}")
    head = linear_weight.shape[0]
    if linear_bias is not None and linear_bias.shape != (head, *spread):
        raise OperandError(f"linear_cross_entropy(): linear_bias must have shape {(head, *spread)}, "
                           f"not {linear_bias.shape}")
    shape = (*input.shape[:-1], head, *spread)
    if ignore_index is not None and target.shape == shape:
        raise OperandError("linear_cross_entropy(): ignore_index does not apply to target probabilities")
    flat = functional.reshape(linear_weight, (math.prod((head, *spread)), linear_weight.shape[-1]))
    scores = functional.linear(input, flat, None if linear_bias is None else functional.ravel(linear_bias))
    return cross_entropy(
        functional.reshape(scores, shape),
        target,
        weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )
