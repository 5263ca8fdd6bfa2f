"""Regression losses and binary cross-entropy; shapes and reductions of every loss."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.engine.libraries import passes
from autograd_core.errors import OperandError, warn
from autograd_core.kinds import ELEMENTWISE, LOSS
from autograd_core.ops.domains import REAL, UNIT
from autograd_core.registry import Interval, Values, composition, op, sample
from autograd_core.tensor import Tensor

NEAR, FAR = Interval(-0.4, 0.4), Interval(5, 8)
# Losses with a kink where operands differ by 1 are sampled well on both sides of it.
NEAR_AND_FAR = (
    sample(Values((2, 3), NEAR), Values((2, 3), NEAR)),
    sample((2, 3), Values((2, 3), FAR), reduction="sum"),
    sample((0, 3), (0, 3)),
)
REDUCTIONS = ("mean", "sum", "none")


def reduction_of(reduction, size_average=None, reduce=None):
    """The reduction, which PyTorch's two deprecated arguments override."""
    if size_average is None and reduce is None:
        return reduction
    if isinstance(size_average, Tensor):
        raise TypeError("the losses of nn are made first and called then, as in nn.MSELoss()(input, target); the "
                        "functions of nn.functional take tensors at once")
    if any(v is not None and not isinstance(v, bool) for v in (size_average, reduce)):
        raise TypeError(f"size_average and reduce are booleans, not {size_average!r} and {reduce!r}; pass the later "
                        "parameters by name, such as reduction='sum'")
    reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    warn(f"size_average and reduce are deprecated; write reduction='{reduction}'")
    return reduction


def reduced(loss, reduction, weight=None):
    """The mean, the sum, or the losses themselves; with weights, the weighted mean."""
    if weight is not None:
        total = reduced(loss * weight, "sum" if reduction == "mean" else reduction)
        return total / weight.sum() if reduction == "mean" else total
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def np_reduced(loss, reduction):
    """`reduced`, of arrays."""
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def same_shape(input, target, name):
    """Raise unless input and target have the same shape."""
    if input.shape != target.shape:
        raise OperandError(f"{name}(): input has shape {input.shape} but target {target.shape}; they must be equal")


def _difference(input, target, weight, name):
    """input - target; warns if the shapes differ, and raises if the weight has another shape."""
    if weight is not None and weight.shape != input.shape:
        raise OperandError(f"{name}(): weight has shape {weight.shape}, but must have that of input, {input.shape}")
    difference = _as_numbers(input, target) - _as_numbers(target, input)
    if input.shape != target.shape:
        warn(f"{name}(): input has shape {input.shape} but target {target.shape}; they are broadcast, which is rarely "
             "what a loss is meant to do")
    return difference


def _as_numbers(x, other):
    """Booleans beside numbers as 0 and 1."""
    return functional.astype(x, other.dtype) if x.dtype.kind == "b" != other.dtype.kind else x


def _mse_rule(xp, g, input, target, reduction):
    return (input - target) * (g * (2 / max(math.prod(input.shape), 1)) if reduction == "mean" else 2 * g)


@op(LOSS, symbol="mse", domain=REAL, wide=True,
    samples=(sample((2, 3), (2, 3)), sample((4,), (4,), reduction="sum"), sample((0, 3), (0, 3), reduction="sum")),
    reference=lambda a, b, reduction="mean": np_reduced((a - b) ** 2, reduction),
    vjp=(_mse_rule, lambda xp, g, input, target, reduction: _mse_rule(xp, g, target, input, reduction)))
def squared_error(xp, input, target, *, reduction="mean"):
    """Mean or sum of the squared differences, in one pass."""
    d = input - target
    total = xp.vdot(d, d)
    return total / d.size if reduction == "mean" else total


@composition(LOSS, domain=REAL,
             samples=(sample((2, 3), (2, 3)),
                      sample((4,), (4,), reduction="none"),
                      sample((4,), (4,), reduction="sum"),
                      sample((0, 3), (0, 3))),
             reference=lambda a, b, reduction="mean": np_reduced((a - b) ** 2, reduction))
def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """Mean squared error, Σ (input - target)² / n; `weight` per element.

    >>> from autograd_core import tensor
    >>> mse_loss(tensor([1.0, 2.0]), tensor([1.0, 4.0]))
    tensor(2.)
    """
    if size_average is not None or reduce is not None:
        reduction = reduction_of(reduction, size_average, reduce)
    a, plain = input.array, weight is None and reduction in ("mean", "sum")
    if plain and a.shape == target.shape and a.dtype.char in "fdeE" and a.size:
        return squared_error(input, target, reduction=reduction)
    return reduced(functional.square(_difference(input, target, weight, "mse_loss")), reduction, weight)


@composition(LOSS, domain=REAL,
             samples=(sample((2, 3), (2, 3)), sample((4,), (4,), reduction="none"), sample((0, 3), (0, 3))),
             reference=lambda a, b, reduction="mean": np_reduced(abs(a - b), reduction))
def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """Mean absolute error; `weight` per element."""
    reduction = reduction_of(reduction, size_average, reduce)
    return reduced(functional.abs(_difference(input, target, weight, "l1_loss")), reduction, weight)


@composition(LOSS, domain=REAL, wide=True,
             samples=(*NEAR_AND_FAR, sample((4,), Values((4,), FAR), delta=0.5, reduction="none")),
             reference=lambda a, b, reduction="mean", delta=1.0: np_reduced(
                 np.where(abs(a - b) < delta, 0.5 * (a - b) ** 2, delta * (abs(a - b) - delta / 2)), reduction))
def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Squared error within `delta`, linear beyond: ½d² or δ(|d| - ½δ) (Huber 1964); `weight` per element."""
    if delta <= 0:
        raise OperandError(f"huber_loss(): delta must be positive, but is {delta}")
    losses = huber(_difference(input, target, weight, "huber_loss"), delta=delta)
    return reduced(losses if weight is None else losses * weight, reduction)


@op(ELEMENTWISE, symbol="huber", domain=REAL, method=False, floating=True, wide=True,
    samples=(sample((2, 3), delta=5.0), sample((4,), delta=0.01)),
    reference=lambda d, delta: 0.5 * d * d if abs(d) < delta else delta * (abs(d) - delta / 2),
    vjp=lambda xp, g, d, delta: g * xp.clamp_number(d, min=-delta, max=delta))
def huber(xp, d, *, delta):
    """½d² or δ(|d| - ½δ) in one formula."""
    return xp.kernels.huber(d, delta)


@composition(LOSS, domain=REAL, wide=True,
             samples=(*NEAR_AND_FAR, sample((4,), Values((4,), FAR), beta=0.5, reduction="none")),
             reference=lambda a, b, reduction="mean", beta=1.0: np_reduced(
                 np.where(abs(a - b) < beta, 0.5 * (a - b) ** 2 / beta, abs(a - b) - beta / 2), reduction))
def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """Squared error within `beta`, absolute beyond: the Huber loss divided by β (Girshick 2015)."""
    if beta < 0:
        raise OperandError(f"smooth_l1_loss(): beta must not be negative, but is {beta}")
    d = _difference(input, target, None, "smooth_l1_loss")
    reduction = reduction_of(reduction, size_average, reduce)
    return reduced(huber(d, delta=beta), reduction) / beta if beta else reduced(functional.abs(d), reduction)


@op(ELEMENTWISE, symbol="bce", domain=REAL, method=False, floating=True, wide=True,
    samples=(sample((2, 3), Values((2, 3), UNIT)),), reference=lambda x, t: math.log1p(math.exp(x)) - t * x,
    vjp=(lambda xp, g, input, target: g * (xp.sigmoid(input) - target), lambda xp, g, input: -g * input))
def logistic_loss(xp, input, target):
    """-t·log σ(x) - (1 - t)·log(1 - σ(x)), without overflow."""
    return ((input > 0) - target) * input + xp.log1p(xp.exp(-abs(input)))


@composition(LOSS, domain=REAL,
             samples=(sample((2, 3), Values((2, 3), UNIT)),
                      sample((4,), Values((4,), UNIT), reduction="none"),
                      sample((0, 3), (0, 3))),
             reference=lambda x, t, reduction="mean": np_reduced(
                 np.logaddexp(0, -x) * t + np.logaddexp(0, x) * (1 - t), reduction))
def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """Cross-entropy of Bernoulli targets in [0, 1] against sigmoid(input), without overflow.

    weight: per element; pos_weight: for positive targets. Both broadcast.
    """
    same_shape(input, target, "binary_cross_entropy_with_logits")
    if pos_weight is None:
        loss = logistic_loss(input, target)
    else:
        loss = (1 - target) * input - (1 + (pos_weight - 1) * target) * functional.logsigmoid(input)
    return reduced(loss if weight is None else loss * weight, reduction_of(reduction, size_average, reduce))


@op(ELEMENTWISE, symbol="bce", domain=UNIT, method=False, floating=True, wide=True, samples=(sample((2, 3), (2, 3)),),
    reference=lambda p, t: -t * math.log(p) - (1 - t) * math.log1p(-p),
    vjp=(lambda xp, g, input, target: g * ((input - target) / xp.maximum(input * (1 - input), 1e-12)),
         lambda xp, g, input: g * (_clamped(xp, xp.log1p(-input)) - _clamped(xp, xp.log(input)))))
def bernoulli_loss(xp, input, target):
    """-t·log p - (1 - t)·log(1 - p), with each logarithm at least -100."""
    return -target * xp.maximum(xp.log(input), -100) - (1 - target) * xp.maximum(xp.log1p(-input), -100)


def _probabilities(x):
    return bool(((x >= 0) & (x <= 1)).all().item())


def _clamped(xp, log):
    return xp.maximum(log, -100)


@composition(LOSS, domain=UNIT,
             samples=(sample((2, 3), (2, 3)), sample((4,), (4,), reduction="none"), sample((0, 3), (0, 3))),
             reference=lambda p, t, reduction="mean": np_reduced(-t * np.log(p) - (1 - t) * np.log1p(-p), reduction))
def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """Cross-entropy of Bernoulli targets against probabilities; each logarithm is taken as at least -100."""
    same_shape(input, target, "binary_cross_entropy")
    for name, x in (("input", input), ("target", target)):
        if not passes(_probabilities, x):
            raise OperandError(f"binary_cross_entropy(): {name} must lie in [0, 1]; for raw scores use "
                               "binary_cross_entropy_with_logits")
    loss = bernoulli_loss(input, target)
    return reduced(loss if weight is None else loss * weight, reduction_of(reduction, size_average, reduce))
