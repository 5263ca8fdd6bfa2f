"""Losses as modules. What each computes is documented at the function that it calls.

Each takes `reduction`: "mean", "sum" or "none". The deprecated arguments `size_average` and `reduce` are accepted where
PyTorch has them, and override it.
"""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor
from autograd_core.ops.losses.loss import reduction_of
from nn import functional as F
from nn.declared import Declared, Named

DEPRECATED = "size_average", "reduce"


class Loss(Declared):
    """Base of losses."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._passed = tuple([name for name in cls._passed if name not in DEPRECATED])

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        vars(self).update(size_average=size_average, reduce=reduce, reduction=reduction)
        self._made()

    def _made(self) -> None:
        own = vars(self)
        deprecated = [own.pop(name, None) for name in DEPRECATED]
        own["reduction"] = reduction_of(own["reduction"], *deprecated)  # type: ignore[no-untyped-call]
        for name in ("weight", "pos_weight"):
            if name in own:
                self.register_buffer(name, own.pop(name))

    def extra_repr(self) -> str:
        return ""


class TargetLoss(Named, Loss):
    """Base of losses that are a function of an input and a target."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return getattr(F, self._function)(input, target, **self._arguments())


class PlainLoss(TargetLoss):
    """Base of losses without further parameters."""

    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class MSELoss(PlainLoss):
    """Mean squared error."""


class L1Loss(PlainLoss):
    """Mean absolute error."""


class HuberLoss(TargetLoss):
    """Squared error within `delta`, linear beyond (Huber 1964)."""

    reduction: str = "mean"
    delta: float = 1.0

    def _made(self) -> None:
        super()._made()
        if not isinstance(self.delta, (int, float)):
            raise TypeError(f"HuberLoss: delta must be a number, not {type(self.delta).__name__}")


class SmoothL1Loss(TargetLoss):
    """Squared error within `beta`, absolute beyond (Girshick 2015)."""

    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"
    beta: float = 1.0


class KLDivLoss(TargetLoss):
    """Kullback-Leibler divergence Σ t·(log t - input) of probabilities t from log-probabilities `input`.

    log_target: the targets are log-probabilities too. reduction="batchmean" divides by the batch size, which gives the
    mean divergence; "mean" divides by the number of elements.
    """

    _function = "kl_div"
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"
    log_target: bool = False


class WeightedLoss(TargetLoss):
    """Base of losses with a weight for each class or element."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class PlainWeightedLoss(WeightedLoss):
    """Base of losses with no parameters besides weights."""

    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class CrossEntropyLoss(WeightedLoss):
    """Cross-entropy of scores (N, C, ...) against class indices (N, ...) or probabilities (N, C, ...).

    weight: for each class. ignore_index: targets that do not count. label_smoothing: the share of each target that is
    spread evenly over the classes.
    """

    _function = "cross_entropy"
    weight: Tensor | None = None
    size_average: bool | None = None
    ignore_index: int = -100
    reduce: bool | None = None
    reduction: str = "mean"
    label_smoothing: float = 0.0


class NLLLoss(WeightedLoss):
    """Negative log-likelihood, from log-probabilities (N, C, ...) and class indices (N, ...)."""

    weight: Tensor | None = None
    size_average: bool | None = None
    ignore_index: int = -100
    reduce: bool | None = None
    reduction: str = "mean"


class NLLLoss2d(NLLLoss):
    """`NLLLoss` of images, under an older name."""


class BCELoss(PlainWeightedLoss):
    """Cross-entropy of targets in [0, 1] against probabilities."""

    _function = "binary_cross_entropy"


class BCEWithLogitsLoss(WeightedLoss):
    """Cross-entropy of targets in [0, 1] against sigmoid(input), without overflow; `pos_weight` of the positive."""

    _function = "binary_cross_entropy_with_logits"
    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"
    pos_weight: Tensor | None = None
