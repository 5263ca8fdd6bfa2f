"""Margin losses: 0 once scores differ by the margin."""

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.libraries import holds
from autograd_core.errors import OperandError
from autograd_core.kinds import LOSS
from autograd_core.ops.domains import UNIT
from autograd_core.ops.losses.loss import logistic_loss, np_reduced, reduced, reduction_of
from autograd_core.registry import Interval, Values, composition, integers, sample


@composition(LOSS,
             reference=lambda a, b, t, margin=0.0, reduction="mean": np_reduced(
                 np.where(t * (a - b) < margin, margin - t * (a - b), 0), reduction),
             samples=(sample((5,), (5,), integers((5,), -1, 2), margin=0.3),
                      sample((2, 3), (2, 3), integers((2, 1), -1, 2), margin=0.5, reduction="none"),
                      sample((0, 3), (0, 3), integers((0, 3), -1, 2), reduction="sum")))
def margin_ranking_loss(input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"):
    """max(0, margin - target·(input1 - input2)), with target 1 if input1 should be larger, else -1."""
    if not input1.ndim == input2.ndim == target.ndim:
        raise OperandError(
            "margin_ranking_loss() takes tensors with the same number of axes, not shapes "
            f"{input1.shape}, {input2.shape} and {target.shape}"
        )
    losses = functional.clamp(margin - target * (input1 - input2), min=0)
    return reduced(losses, reduction_of(reduction, size_average, reduce))


@composition(LOSS,
             reference=lambda x, t, margin=1.0, reduction="mean": np_reduced(
                 np.where(t == 1, x, np.where(x < margin, margin - x, 0)), reduction),
             samples=(sample((2, 3), Values((2, 3), Interval(1, 2), "int64")),
                      sample((2, 3), Values((2, 3), Interval(-1, 0), "int64"), margin=0.5, reduction="none"),
                      sample((0, 3), integers((0, 3), -1, 2), reduction="sum")))
def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """The distance for similar pairs (target 1), max(0, margin - distance) for dissimilar ones (-1)."""
    apart = functional.where(target == 1, 0, functional.clamp(margin - input, min=0))
    losses = apart + functional.where(target == -1, 0, input)
    return reduced(losses, reduction_of(reduction, size_average, reduce))


@composition(LOSS, reference=lambda x, t, reduction="mean": np_reduced(np.logaddexp(0, -t * x), reduction),
             samples=(sample((2, 3), integers((2, 3), -1, 2)),
                      sample((4,), (4,), reduction="none"),
                      sample((0, 3), (0, 3), reduction="sum")))
def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """log(1 + exp(-target·input)) for targets of 1 and -1, without overflow."""
    return reduced(functional.softplus(-(target * input)), reduction_of(reduction, size_average, reduce))


def _slow_multi_margin(x, t, p=1, margin=1.0, weight=None, reduction="mean"):
    rows, classes = np.atleast_2d(x), np.atleast_1d(t)
    losses = np.zeros(len(rows))
    for i, (row, c) in enumerate(zip(rows, classes, strict=True)):
        terms = [max(0, margin - row[c] + v) ** p for j, v in enumerate(row) if j != c]
        losses[i] = sum(terms) * (1 if weight is None else weight[c]) / len(row)
    return np_reduced(losses if x.ndim == 2 else losses[0], reduction)


@composition(LOSS, reference=_slow_multi_margin,
             samples=(sample((3, 4), integers((3,), 0, 4)),
                      sample((4,), integers((), 0, 4), p=2, margin=0.5),
                      sample((3, 4), integers((3,), 0, 4), 1, 1.0, (4,), reduction="none"),
                      sample((0, 4), integers((0,), 0, 4), reduction="sum")))
def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
    """Σ max(0, margin - input[target] + input[i])^p / C over the other classes i (p is 1 or 2).

    Scores (N, C) or (C), class indices (N) or (); `weight` per class.
    """
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss(): p must be 1 or 2, not {p}")
    reduction = reduction_of(reduction, size_average, reduce)
    input = _scores(input, "multi_margin_loss")
    classes = input.shape[-1]
    if target.shape not in ((input.shape[:-1], (1,)) if input.ndim == 1 else (input.shape[:-1],)):
        raise OperandError(f"multi_margin_loss(): input of shape {input.shape} takes class indices of shape "
                           f"{input.shape[:-1]}, not {target.shape}")
    if weight is not None and weight.shape != (classes,):
        raise OperandError(f"multi_margin_loss(): weight must have shape {(classes,)}, not {weight.shape}")
    _check_range(target, 0, classes, "multi_margin_loss")
    chosen = functional.reshape(target, (*input.shape[:-1], 1))
    gaps = functional.relu(margin - functional.gather(input, -1, chosen) + input)
    if p == 2:
        gaps = gaps * gaps
    if weight is not None:
        gaps = gaps * weight[chosen]
    others = functional.arange(classes, device=input.device) != chosen
    losses = functional.where(others, gaps, 0).sum(dim=-1) / classes
    return reduced(functional.reshape(losses, target.shape), reduction)


def _scores(input, name):
    """The input as (N, C) or (C)."""
    if input.ndim > 2 or (input.ndim and not input.shape[-1]):
        raise OperandError(f"{name}() takes scores of shape (N, C) or (C), not {input.shape}")
    return input if input.ndim else functional.reshape(input, (1,))


def _check_range(target, low, high, name):
    if target.dtype.kind not in dtypes.INTEGERS:
        raise OperandError(f"{name}(): class indices must be integers, not {target.dtype}")
    if not holds((target >= low) & (target < high)):
        raise OperandError(f"{name}(): targets must lie between {low} and {high - 1}")


def _slow_multilabel_margin(x, t, reduction="mean"):
    losses = []
    for row, labels in zip(np.atleast_2d(x), np.atleast_2d(t), strict=True):
        count = next((k for k, c in enumerate(labels) if c < 0), len(labels))
        wanted, n = labels[:count], len(row)
        others = [i for i in range(n) if i not in wanted]
        losses.append(sum(max(0.0, 1 - row[c] + row[i]) for c in wanted for i in others) / n)
    return np_reduced(np.array(losses) if x.ndim == 2 else np.array(losses)[0], reduction)


@composition(LOSS, reference=_slow_multilabel_margin,
             samples=(sample((3, 4), integers((3, 4), -1, 4)),
                      sample((4,), integers((4,), 0, 2)),
                      sample((2, 3), integers((2, 3), -1, 3), reduction="none"),
                      sample((0, 4), integers((0, 4), 0, 4), reduction="sum")))
def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """Σ max(0, 1 - input[j] + input[i]) / C over the classes j that apply and the classes i that do not.

    Scores (N, C) or (C); the target holds, in the same shape, the indices that apply, up to the first -1.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    input, target = _scores(input, "multilabel_margin_loss"), target if target.ndim else target.reshape((1,))
    classes = input.shape[-1]
    if target.shape != input.shape:
        raise OperandError(f"multilabel_margin_loss(): target must have the shape of input, {input.shape}, "
                           f"not {target.shape}")
    _check_range(target, -1, classes, "multilabel_margin_loss")
    listed = functional.cumsum((target < 0).long(), dim=-1) == 0
    chosen = functional.where(listed, target, 0)
    applies = functional.spread(listed.long(), chosen, dim=-1, shape=input.shape) > 0
    gaps = functional.relu(1 - functional.gather(input, -1, chosen).unsqueeze(-1) + input.unsqueeze(-2))
    counted = listed.unsqueeze(-1) & ~applies.unsqueeze(-2)
    return reduced(functional.where(counted, gaps, 0).sum(dim=(-1, -2)) / classes, reduction)


def _slow_multilabel_soft(x, t, weight=None, reduction="mean"):
    losses = t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x)
    return np_reduced((losses * (1 if weight is None else weight)).mean(-1), reduction)


@composition(LOSS, reference=_slow_multilabel_soft,
             samples=(sample((2, 3), Values((2, 3), UNIT)),
                      sample((4,), Values((4,), UNIT)),
                      sample((2, 3), Values((2, 3), UNIT), (3,), reduction="none"),
                      sample((0, 3), (0, 3), reduction="sum")))
def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """Cross-entropy of Bernoulli targets against sigmoid(input), averaged over the classes, the last axis."""
    losses = logistic_loss(input, target)
    losses = (losses if weight is None else losses * weight).sum(dim=-1) / input.shape[-1]
    return reduced(losses, reduction_of(reduction, size_average, reduce))
