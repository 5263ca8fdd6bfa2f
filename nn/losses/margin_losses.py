"""Margin losses: of classes, of pairs, of triplets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import Tensor
from nn import functional as F
from nn.layers.distance import PairwiseDistance
from nn.losses.loss import Loss, PlainLoss, PlainWeightedLoss, TargetLoss, WeightedLoss


class SoftMarginLoss(PlainLoss):
    """log(1 + exp(-target·input)), of targets ±1."""


class MultiLabelMarginLoss(PlainLoss):
    """Hinge loss between the scores of a sample's classes, a list terminated by -1, and all others."""


class MultiLabelSoftMarginLoss(PlainWeightedLoss):
    """Cross-entropy of every class against its target 0 or 1, averaged over the classes."""


class MultiMarginLoss(WeightedLoss):
    """Hinge loss, to the power `p`, between the score of the right class and all others."""

    p: int = 1
    margin: float = 1.0
    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    def _made(self) -> None:
        super()._made()
        if self.p not in (1, 2):
            raise ValueError(f"MultiMarginLoss takes p 1 or 2, not {self.p}")
        if self.weight is not None and self.weight.ndim != 1:
            raise ValueError(f"MultiMarginLoss: weight must be a vector, not of shape {self.weight.shape}")


class _PairLoss(Loss):
    margin: float = 0.0
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class HingeEmbeddingLoss(TargetLoss):
    """The distance of pairs with target 1; how far it falls short of `margin` (1) for pairs with -1."""

    margin: float = 1.0
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class CosineEmbeddingLoss(_PairLoss):
    """1 - cosine of pairs with target 1; how far the cosine exceeds `margin` (0) for pairs with -1."""

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, **self._arguments())


class MarginRankingLoss(_PairLoss):
    """How far input1 falls short of exceeding (target 1) or undercutting (-1) input2 by `margin` (0)."""

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, **self._arguments())


def _check_margin(loss: Any) -> None:
    if loss.margin <= 0:
        raise ValueError(f"{type(loss).__name__}: expected margin to be greater than 0, got {loss.margin} instead")


class TripletMarginLoss(Loss):
    """How far the anchor is from being closer to the positive than to the negative by `margin`.

    swap: use the smaller of the negative's distances from anchor and positive (Balntas et al. 2016).
    """

    margin: float = 1.0
    p: float = 2.0
    eps: float = 1e-6
    swap: bool = False
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    def _made(self) -> None:
        super()._made()
        _check_margin(self)

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(anchor, positive, negative, **self._arguments())


class TripletMarginWithDistanceLoss(Loss):
    """`TripletMarginLoss` with a custom distance function, by default Euclidean."""

    _passed = ("distance_function", "margin", "swap", "reduction")

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.margin, self.swap = margin, swap
        _check_margin(self)
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_with_distance_loss(anchor, positive, negative, **self._arguments())
