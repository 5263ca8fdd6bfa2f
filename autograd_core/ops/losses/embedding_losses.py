"""Losses of embeddings: pull similar ones together, push dissimilar ones apart."""

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import LOSS
from autograd_core.ops.losses.loss import np_reduced, reduced, reduction_of
from autograd_core.registry import Interval, Values, composition, sample

FAR = Interval(3, 5)
TOGETHER, APART = (Values((3,), Interval(k, k + 1), "int64") for k in (1, -1))


def _slow_cosine(a, b, t, margin=0.0, reduction="mean"):
    cosine = (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    return np_reduced(np.where(t == 1, 1 - cosine, np.maximum(cosine - margin, 0)), reduction)


@composition(LOSS, tolerance=1e-10, reference=_slow_cosine,
             samples=(sample((3, 4), (3, 4), TOGETHER),
                      sample((3, 4), (3, 4), APART, margin=-0.9, reduction="none"),
                      sample((4,), (4,), Values((), Interval(1, 2), "int64"), reduction="sum"),
                      sample((0, 4), (0, 4), Values((0,), Interval(1, 2), "int64"), reduction="sum")))
def cosine_embedding_loss(input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"):
    """1 - cos for similar pairs (N, D), with target 1; max(0, cos - margin) for dissimilar ones, with target -1."""
    if target.ndim > 1 or input1.ndim != target.ndim + 1 or input2.ndim != target.ndim + 1:
        raise OperandError(
            "cosine_embedding_loss() takes two tensors (N, D) and targets (N), or (D), (D) and (), not the shapes "
            f"{input1.shape}, {input2.shape} and {target.shape}"
        )
    lengths = [functional.square(x).sum(dim=-1) + 1e-12 for x in (input1, input2)]  # PyTorch's guard against 0
    cosine = (input1 * input2).sum(dim=-1) / functional.sqrt(lengths[0] * lengths[1])
    near = functional.where(target == 1, 1 - cosine, 0)
    losses = near + functional.where(target == -1, functional.clamp(cosine - margin, min=0), 0)
    return reduced(losses, reduction_of(reduction, size_average, reduce))


def _slow_triplet(a, b, c, margin=1.0, p=2, eps=1e-6, swap=False, reduction="mean"):
    def distance(x, y):
        return (abs(x - y + eps) ** p).sum(-1) ** (1 / p)

    far = np.minimum(distance(a, c), distance(b, c)) if swap else distance(a, c)
    return np_reduced(np.maximum(margin + distance(a, b) - far, 0), reduction)


TRIPLET = (
    sample((2, 3), (2, 3), (2, 3), margin=3.0),
    sample((2, 3), (2, 3), (2, 3), margin=5.0, swap=True, reduction="none"),
    sample((4,), Values((4,), FAR), (4,), reduction="sum"),
    sample((0, 3), (0, 3), (0, 3), reduction="sum"),
)


@composition(LOSS, reference=_slow_triplet,
             samples=(*TRIPLET, sample((2, 3), (2, 3), (2, 3), margin=5.0, p=3, eps=0.1)))
def triplet_margin_loss(
    anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, size_average=None, reduce=None, reduction="mean"
):
    """max(0, margin + |anchor - positive| - |anchor - negative|), by the p-norm along the last axis.

    swap: measure the negative from the positive if that is nearer than the anchor (Balntas et al. 2016).
    """

    def distance(a, b):
        return functional.pairwise_distance(a, b, p, eps)

    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=distance,
        margin=margin,
        swap=swap,
        reduction=reduction_of(reduction, size_average, reduce),
    )


@composition(LOSS, reference=_slow_triplet, samples=TRIPLET)
def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0) with a distance function d of your own.

    By default it is the Euclidean distance along the last axis. swap: the smaller of the negative's distances to anchor
    and positive counts.
    """
    if margin <= 0:
        raise ValueError(f"the margin of a triplet loss must be positive, but is {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise OperandError(
            "a triplet loss takes tensors with the same number of axes, not shapes "
            f"{anchor.shape}, {positive.shape} and {negative.shape}"
        )
    distance = distance_function or functional.pairwise_distance
    far = distance(anchor, negative)
    if swap:
        far = functional.minimum(far, distance(positive, negative))
    return reduced(functional.clamp(margin + distance(anchor, positive) - far, min=0), reduction)
