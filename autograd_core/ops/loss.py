"""Losses: how far an output is from its target."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import ELEMENTWISE, LOSS
from autograd_core.registry import Interval, Values, composition, integers, op, sample

REAL = Interval(-3, 3)
UNIT = Interval(0.1, 0.9)
NEAR, FAR = Interval(-0.4, 0.4), Interval(5, 8)
# The losses that bend where operands differ by 1 are sampled well on either side of it.
NEAR_AND_FAR = (
    sample(Values((2, 3), NEAR), Values((2, 3), NEAR)),
    sample((2, 3), Values((2, 3), FAR), reduction="sum"),
    sample((0, 3), (0, 3)),
)
REDUCTIONS = ("mean", "sum", "none")


def reduced(loss, reduction, weight=None):
    """The mean, the sum, or the losses themselves; with a weight for each element, the weighted mean."""
    if weight is not None:
        total = reduced(loss * weight, "sum" if reduction == "mean" else reduction)
        return total / weight.sum() if reduction == "mean" else total
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def _np_reduced(loss, reduction):
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def _same_shape(input, target, name):
    if input.shape != target.shape:
        raise OperandError(f"{name}(): input has shape {input.shape} but target {target.shape}; they must be equal")


def _mse_rule(xp, g, input, target, reduction):
    return (input - target) * (g * (2 / max(math.prod(input.shape), 1)) if reduction == "mean" else 2 * g)


@op(
    LOSS,
    symbol="mse",
    domain=REAL,
    samples=(sample((2, 3), (2, 3)), sample((4,), (4,), reduction="sum"), sample((0, 3), (0, 3), reduction="sum")),
    method=False,
    reference=lambda a, b, reduction="mean": _np_reduced((a - b) ** 2, reduction),
    vjp=(
        _mse_rule,
        lambda xp, g, input, target, reduction: _mse_rule(xp, g, target, input, reduction),
    ),
)
def squared_error(xp, input, target, *, reduction="mean"):
    """Mean or sum of the squared differences, in one pass."""
    d = input - target
    total = xp.vdot(d, d)
    return total / d.size if reduction == "mean" else total


@composition(
    LOSS,
    domain=REAL,
    method=False,
    samples=(
        sample((2, 3), (2, 3)),
        sample((4,), (4,), reduction="none"),
        sample((4,), (4,), reduction="sum"),
        sample((0, 3), (0, 3)),
    ),
    reference=lambda a, b, reduction="mean": _np_reduced((a - b) ** 2, reduction),
)
def mse_loss(input, target, reduction="mean", weight=None):
    """Mean squared error, Σ (input - target)² / n; `weight` is of each element.

    >>> from autograd_core import tensor
    >>> mse_loss(tensor([1.0, 2.0]), tensor([1.0, 4.0]))
    tensor(2.)
    """
    a = input.array
    if weight is None and reduction in ("mean", "sum") and a.shape == target.shape and a.dtype.char in "fd" and a.size:
        return squared_error(input, target, reduction=reduction)
    return reduced(functional.square(input - target), reduction, weight)


@composition(
    LOSS,
    domain=REAL,
    method=False,
    samples=(sample((2, 3), (2, 3)), sample((4,), (4,), reduction="none"), sample((0, 3), (0, 3))),
    reference=lambda a, b, reduction="mean": _np_reduced(abs(a - b), reduction),
)
def l1_loss(input, target, reduction="mean", weight=None):
    """Mean absolute error; `weight` is of each element."""
    return reduced(functional.abs(input - target), reduction, weight)


@composition(
    LOSS,
    domain=REAL,
    method=False,
    samples=(*NEAR_AND_FAR, sample((4,), Values((4,), FAR), delta=0.5, reduction="none")),
    reference=lambda a, b, reduction="mean", delta=1.0: _np_reduced(
        np.where(abs(a - b) < delta, 0.5 * (a - b) ** 2, delta * (abs(a - b) - delta / 2)), reduction
    ),
)
def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Squared error within `delta`, linear beyond: ½d² or δ(|d| - ½δ) (Huber 1964); `weight` is of each element."""
    if delta <= 0:
        raise OperandError(f"huber_loss(): delta must be positive, but is {delta}")
    d = functional.abs(input - target)
    losses = functional.where(d < delta, 0.5 * d * d, delta * (d - 0.5 * delta))
    return reduced(losses if weight is None else losses * weight, reduction)


@composition(
    LOSS,
    domain=REAL,
    method=False,
    samples=(*NEAR_AND_FAR, sample((4,), Values((4,), FAR), beta=0.5, reduction="none")),
    reference=lambda a, b, reduction="mean", beta=1.0: _np_reduced(
        np.where(abs(a - b) < beta, 0.5 * (a - b) ** 2 / beta, abs(a - b) - beta / 2), reduction
    ),
)
def smooth_l1_loss(input, target, reduction="mean", beta=1.0):
    """Squared error within `beta`, absolute beyond: the Huber loss divided by β (Girshick 2015)."""
    if beta < 0:
        raise OperandError(f"smooth_l1_loss(): beta must not be negative, but is {beta}")
    return l1_loss(input, target, reduction) if beta == 0 else huber_loss(input, target, reduction, beta) / beta


@op(
    ELEMENTWISE,
    symbol="bce",
    domain=REAL,
    method=False,
    floating=True,
    samples=(sample((2, 3), Values((2, 3), UNIT)),),
    reference=lambda x, t: math.log1p(math.exp(x)) - t * x,
    vjp=(lambda xp, g, input, target: g * (xp.sigmoid(input) - target), lambda xp, g, input: -g * input),
)
def logistic_loss(xp, input, target):
    """-t·log σ(x) - (1 - t)·log(1 - σ(x)), without overflow."""
    return xp.maximum(input, 0) - input * target + xp.log1p(xp.exp(-abs(input)))


@composition(
    LOSS,
    domain=REAL,
    method=False,
    reference=lambda x, t, reduction="mean", pos_weight=None: _np_reduced(
        np.logaddexp(0, -x) * t * (1 if pos_weight is None else pos_weight) + np.logaddexp(0, x) * (1 - t), reduction
    ),
    samples=(
        sample((2, 3), Values((2, 3), UNIT)),
        sample((4,), Values((4,), UNIT), reduction="none"),
        sample((0, 3), (0, 3)),
    ),
)
def binary_cross_entropy_with_logits(input, target, weight=None, reduction="mean", pos_weight=None):
    """Cross-entropy of Bernoulli targets in [0, 1] against sigmoid(input), without overflow.

    weight: of each element; pos_weight: of the positive targets. Both broadcast.
    """
    _same_shape(input, target, "binary_cross_entropy_with_logits")
    if pos_weight is None:
        loss = logistic_loss(input, target)
    else:
        loss = (1 - target) * input - (1 + (pos_weight - 1) * target) * functional.logsigmoid(input)
    return reduced(loss if weight is None else loss * weight, reduction)


@op(ELEMENTWISE, symbol="bce", domain=UNIT, method=False, floating=True, samples=(sample((2, 3), (2, 3)),),
    reference=lambda p, t: -t * math.log(p) - (1 - t) * math.log1p(-p),
    vjp=(lambda xp, g, input, target: g * ((input - target) / xp.maximum(input * (1 - input), 1e-12)),
         lambda xp, g, input: g * (_clamped(xp, xp.log1p(-input)) - _clamped(xp, xp.log(input)))))  # fmt: skip
def bernoulli_loss(xp, input, target):
    """-t·log p - (1 - t)·log(1 - p), with each logarithm at least -100."""
    return -target * xp.maximum(xp.log(input), -100) - (1 - target) * xp.maximum(xp.log1p(-input), -100)


def _clamped(xp, log):
    return xp.maximum(log, -100)


@composition(
    LOSS,
    domain=UNIT,
    method=False,
    samples=(sample((2, 3), (2, 3)), sample((4,), (4,), reduction="none"), sample((0, 3), (0, 3))),
    reference=lambda p, t, reduction="mean": _np_reduced(-t * np.log(p) - (1 - t) * np.log1p(-p), reduction),
)
def binary_cross_entropy(input, target, weight=None, reduction="mean"):
    """Cross-entropy of Bernoulli targets against probabilities; each logarithm is taken as at least -100."""
    _same_shape(input, target, "binary_cross_entropy")
    for name, x in (("input", input), ("target", target)):
        if not bool(((x >= 0) & (x <= 1)).all()):
            raise OperandError(f"binary_cross_entropy(): {name} must lie in [0, 1]; for raw scores use "
                               "binary_cross_entropy_with_logits")  # fmt: skip
    loss = bernoulli_loss(input, target)
    return reduced(loss if weight is None else loss * weight, reduction)


def _nll_rule(xp, g, input, input_dtype, target, ignore_index, reduction):
    """(softmax - one-hot) of each sample, weighted by what its loss counts for."""
    valid = target != ignore_index
    if reduction == "mean":
        g = g / xp.astype(xp.sum(valid), dtype=input_dtype)
    share = _column(xp, xp.where(valid, g, 0))
    chosen = _column(xp, xp.where(valid, target, 0))
    return xp.softmax(input, dim=1) * share - xp.spread(share, chosen, dim=1, shape=input.shape)


def _column(xp, x):
    return xp.reshape(x, shape=(x.shape[0], 1, *x.shape[1:]))


def _slow_nll(x, target, ignore_index=-100, reduction="mean"):
    losses, valid = np.zeros(target.shape), target != ignore_index
    for at in zip(*np.nonzero(valid), strict=True):
        row = x[(at[0], slice(None), *at[1:])]
        losses[at] = math.log(math.fsum(map(math.exp, row))) - row[target[at]]
    return losses.sum() / valid.sum() if reduction == "mean" else _np_reduced(losses, reduction)


@op(
    LOSS,
    symbol="cross entropy",
    domain=REAL,
    method=False,
    vjp=(_nll_rule, None),
    reference=_slow_nll,
    samples=(
        sample((4, 3), integers((4,), 0, 3)),
        sample((4, 3), integers((4,), 0, 3), reduction="none"),
        sample((2, 3, 2), integers((2, 2), 0, 3), reduction="sum"),
        sample((5, 3), integers((5,), 0, 3), ignore_index=1),
        sample((0, 3), integers((0,), 0, 3), reduction="sum"),
        sample((2, 3, 0), integers((2, 0), 0, 3), reduction="none"),
    ),
)
def softmax_nll(xp, input, target, *, ignore_index=-100, reduction="mean"):
    """-log softmax(input)[target] along axis 1, in one pass."""
    valid = target != ignore_index
    chosen = xp.where(valid, target, 0)[:, None]
    d = input - (xp.max(input, axis=1, keepdims=True) if input.shape[1] else 0)
    losses = xp.log(xp.sum(xp.exp(d), axis=1)) - xp.take_along_axis(d, chosen, 1)[:, 0]
    losses = xp.where(valid, losses, 0)
    if reduction == "none":
        return losses
    total = xp.sum(losses)
    return total if reduction == "sum" else total / xp.sum(valid).astype(losses.dtype)


def _classes(input, target, weight, ignore_index, name):
    """The target as int64, checked together with what it must fit."""
    if target.dtype.kind not in "iu":
        raise OperandError(f"{name}(): class indices must be integers, not {target.dtype}")
    if input.ndim < 1 or target.shape != (input.shape[0], *input.shape[2:]):
        expected = (input.shape[0], *input.shape[2:]) if input.ndim else "(N,)"
        raise OperandError(
            f"{name}(): input has shape {input.shape}, so target must hold class indices in shape {expected}, "
            f"not {target.shape}"
        )
    classes = input.shape[1]
    if weight is not None and weight.shape != (classes,):
        raise OperandError(f"{name}(): weight must have shape {(classes,)}, one for each class, not {weight.shape}")
    target = target.long()
    t = target.array
    if t.size and (((t < 0) | (t >= classes)) & (t != ignore_index)).any().item():
        raise IndexError(
            f"{name}(): targets must lie between 0 and {classes - 1}; found {t.min().item()} to {t.max().item()}"
        )
    return target


@composition(
    LOSS,
    domain=REAL,
    method=False,
    reference=lambda x, t, reduction="mean": (
        -np.take_along_axis(x, t[:, None], 1)[:, 0].mean()
        if reduction == "mean"
        else (-np.take_along_axis(x, t[:, None], 1)[:, 0])
    ),
    samples=(
        sample((4, 3), integers((4,), 0, 3)),
        sample((4, 3), integers((4,), 0, 3), reduction="none"),
        sample((0, 3), integers((0,), 0, 3), reduction="none"),
    ),
)
def nll_loss(input, target, weight=None, ignore_index=-100, reduction="mean"):
    """Negative log-likelihood: -input[target], from log-probabilities (N, C, ...) and class indices (N, ...)."""
    if input.ndim == 1:
        input, target = input.unsqueeze(0), target.reshape((1,))
        loss = nll_loss(input, target, weight, ignore_index, reduction)
        return loss.squeeze(0) if reduction == "none" else loss
    target = _classes(input, target, weight, ignore_index, "nll_loss")
    valid = target != ignore_index
    chosen = functional.where(valid, target, 0)
    losses = -functional.gather(input, 1, chosen.unsqueeze(1)).squeeze(1)
    return _weighted(losses, valid, chosen, weight, reduction)


def _weighted(losses, valid, chosen, weight, reduction):
    """Losses reduced, each counting as much as the weight of its class."""
    weights = 1 if weight is None else weight[chosen]
    # Selected last: where nothing counts, the mean is 0 / 0, and yet every gradient 0.
    losses = functional.where(valid, losses if weight is None else losses * weights, 0)
    if reduction != "mean":
        return reduced(losses, reduction)
    return losses.sum() / functional.astype(functional.where(valid, weights, 0).sum(), losses.dtype)


def _slow_cross_entropy(x, t, reduction="mean", label_smoothing=0.0):
    logp = x - np.log(np.exp(x).sum(1, keepdims=True))
    n = x.shape[1]
    onehot = np.moveaxis(np.eye(n)[t], -1, 1) if t.dtype.kind in "iu" else t
    onehot = onehot * (1 - label_smoothing) + label_smoothing / n
    losses = -(onehot * logp).sum(1)
    return _np_reduced(losses, reduction)


@composition(
    LOSS,
    domain=REAL,
    method=False,
    reference=_slow_cross_entropy,
    samples=(
        sample((4, 3), integers((4,), 0, 3)),
        sample((4, 3), Values((4, 3), UNIT)),
        sample((2, 3, 2), integers((2, 2), 0, 3), label_smoothing=0.1),
        sample((4, 3), integers((4,), 0, 3), reduction="none"),
        sample((0, 3), integers((0,), 0, 3), reduction="sum"),
        sample((0, 3), (0, 3), reduction="sum"),
    ),
)
def cross_entropy(input, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """Cross-entropy of scores (N, C, ...) against class indices (N, ...) or probabilities (N, C, ...).

    weight: of each class (C). ignore_index: targets that do not count. label_smoothing: how much of each target is
    spread evenly over the classes.

    >>> from autograd_core import tensor
    >>> cross_entropy(tensor([[2.0, 2.0]]), tensor([1]))
    tensor(0.6931)
    """
    if reduction not in REDUCTIONS:
        return reduced(input, reduction)
    if not 0 <= label_smoothing <= 1:
        raise OperandError(f"cross_entropy(): label_smoothing must lie between 0 and 1, but is {label_smoothing}")
    if input.ndim == 1:
        target = (
            target.unsqueeze(0)
            if target.shape == input.shape and target.dtype.kind not in "iu"
            else target.reshape((1,))
        )
        loss = cross_entropy(input.unsqueeze(0), target, weight, ignore_index, reduction, label_smoothing)
        return loss.squeeze(0) if reduction == "none" else loss
    if target.dtype.kind not in "iu":
        return _cross_entropy_of_probabilities(input, target, weight, reduction, label_smoothing)
    target = _classes(input, target, weight, ignore_index, "cross_entropy")
    if weight is None and not label_smoothing:
        return softmax_nll(input, target, ignore_index=ignore_index, reduction=reduction)
    logp = functional.log_softmax(input, dim=1)
    loss = nll_loss(logp, target, weight, ignore_index, reduction)
    if not label_smoothing:
        return loss
    return (1 - label_smoothing) * loss + label_smoothing * _smooth(logp, target, weight, ignore_index, reduction)


def _smooth(logp, target, weight, ignore_index, reduction):
    """The loss against equal probabilities of all classes."""
    valid = target != ignore_index
    n = logp.shape[1]
    logp = logp if weight is None else logp * weight.reshape((1, n, *(1,) * (logp.ndim - 2)))
    losses = functional.where(valid, -logp.sum(dim=1) / n, 0)
    if reduction != "mean":
        return reduced(losses, reduction)
    count = (
        valid.sum() if weight is None else functional.where(valid, weight[functional.where(valid, target, 0)], 0).sum()
    )
    return losses.sum() / count


def _cross_entropy_of_probabilities(input, target, weight, reduction, label_smoothing):
    _same_shape(input, target, "cross_entropy")
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / input.shape[1]
    terms = target * functional.log_softmax(input, dim=1)
    if weight is not None:
        terms = terms * weight.reshape((1, input.shape[1], *(1,) * (input.ndim - 2)))
    losses = -terms.sum(dim=1)
    return reduced(losses, reduction)


@composition(
    LOSS,
    domain=UNIT,
    method=False,
    reference=lambda x, t, reduction="mean": (
        (t * (np.log(t) - x)).sum() / x.shape[0]
        if reduction == "batchmean"
        else _np_reduced(t * (np.log(t) - x), reduction)
    ),
    samples=(sample((2, 3), (2, 3)), sample((2, 3), (2, 3), reduction="batchmean"), sample((0, 3), (0, 3))),
)
def kl_div(input, target, reduction="mean", log_target=False):
    """Kullback-Leibler divergence Σ t·(log t - input), from log-probabilities and target probabilities.

    log_target: the targets are logarithms of probabilities too.
    """
    if log_target:
        losses = functional.exp(target) * (target - input)
    else:
        nothing = target == 0  # adds 0, the limit of t·log t
        safe = functional.where(nothing, 1, target)
        losses = functional.where(nothing, 0, target * functional.log(safe)) - target * input
    return losses.sum() / math.prod(input.shape[:1]) if reduction == "batchmean" else reduced(losses, reduction)
