"""Negative log-likelihoods of counts, Gaussian values and label sequences; a linear layer with its cross-entropy."""

from __future__ import annotations

import math
from typing import Any

from autograd_core import Tensor
from nn import functional as F
from nn.layers.linear import Linear
from nn.losses.loss import Loss, WeightedLoss


class PoissonNLLLoss(Loss):
    """Negative log-likelihood of counts under a Poisson distribution with rate `input`, or exp(input) with `log_input`.

    full: include Stirling's approximation of log(target!).
    """

    log_input: bool = True
    full: bool = False
    size_average: bool | None = None
    eps: float = 1e-8
    reduce: bool | None = None
    reduction: str = "mean"

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(log_input, target, **self._arguments())


class GaussianNLLLoss(Loss):
    """Negative log-likelihood of values under a normal distribution with mean `input` and variance `var`.

    ½(log var + (input - target)² / var), with var at least `eps`; full: plus the constant ½ log 2π.
    """

    _passed = ("full", "eps", "reduction")

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, **self._arguments())


class CTCLoss(Loss):
    """Connectionist temporal classification: label sequences without known positions (Graves et al. 2006)."""

    blank: int = 0
    reduction: str = "mean"
    zero_infinity: bool = False

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, **self._arguments())


class LinearCrossEntropyLoss(WeightedLoss):
    """A linear layer to classes, and the cross-entropy of its scores: (N, in) and targets to a loss.

    out_features: further axes of the scores (N, num_classes, *out_features).
    """

    _passed = ("weight", "reduction", "ignore_index", "label_smoothing", "options")

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: Any = None,
    ) -> None:
        if weight is not None and weight.shape != (num_classes,):
            raise RuntimeError(f"weight must have shape {(num_classes,)}, not {weight.shape}")
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(f"label_smoothing must be between 0 and 1, not {label_smoothing}")
        super().__init__(weight, reduction=reduction)
        self.num_classes, self.out_features, self.options = num_classes, out_features, options
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        self.linear = Linear(in_features, math.prod(out_features, start=num_classes), bias, device, dtype)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        scores = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape(*scores, self.linear.in_features),
            target,
            linear_bias=None if bias is None else bias.reshape(scores),
            **self._arguments(),
        )

    def extra_repr(self) -> str:
        options = [f"{name}={value}" for name, value in self._arguments().items() if name != "weight"]
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, {', '.join(options)}"
        )
