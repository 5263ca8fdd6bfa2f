"""Dropout layers."""

from nn.declared import FunctionLayer
from nn.functions.noise import probability


class _Dropout(FunctionLayer):
    _passed = ("p", "training", "inplace")
    p: float = 0.5
    inplace: bool = False

    def _made(self) -> None:
        probability(self.p)


class Dropout(_Dropout):
    """Sets elements to zero with probability p, in training only (Srivastava et al. 2014)."""


class Dropout1d(_Dropout):
    """Sets whole channels of (N, C, L) or (C, L) to zero with probability p, in training only."""


class Dropout2d(_Dropout):
    """Sets whole channels of (N, C, H, W) or (C, H, W) to zero with probability p, in training only."""


class Dropout3d(_Dropout):
    """Sets whole channels of (N, C, D, H, W) or (C, D, H, W) to zero with probability p, in training only."""


class AlphaDropout(_Dropout):
    """Dropout that preserves zero mean and unit variance, for SELU networks (Klambauer et al. 2017)."""


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels of (N, C, ...)."""
