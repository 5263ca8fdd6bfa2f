"""Distances and similarities of pairs of vectors."""

from __future__ import annotations

from autograd_core import Tensor
from nn import functional as F
from nn.declared import Declared
from nn.module import Module


class CosineSimilarity(Declared):
    """The cosine of the angle between vectors along `dim`."""

    _shown = ()
    dim: int = 1
    eps: float = 1e-8

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, **self._arguments())


class PairwiseDistance(Module):
    """The p-norm of x1 - x2 along the last axis, `eps` added to every difference."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
