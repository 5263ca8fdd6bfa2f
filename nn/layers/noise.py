"""Noise as a regulariser of inputs, hidden units and weights. For targets see `CrossEntropyLoss(label_smoothing=)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from autograd_core import Tensor
from autograd_core import functional as core
from nn.module import Module
from nn.stateless import functional_call


def _deviation(layer: Module, std: float) -> float:
    if not std >= 0:
        raise ValueError(f"{type(layer).__name__}() needs a standard deviation of at least 0, not {std}")
    return std


class GaussianNoise(Module):
    """Adds Gaussian noise of standard deviation `std`, in training only.

    relative: noise proportional to each element, that is, multiplicative (Srivastava et al. 2014, section 10).
    """

    _shown = ("std",)
    _shown_unless: ClassVar = {"relative": False}

    def __init__(self, std: float = 0.1, relative: bool = False) -> None:
        super().__init__()
        self.std, self.relative = _deviation(self, std), relative

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.std == 0:
            return input
        noise = core.randn_like(input.detach()) * self.std
        return input + (input * noise if self.relative else noise)


class WeightNoise(Module):
    """Runs a module, in training, with Gaussian noise of standard deviation `std` on its parameters (Graves 2011).

    parameters: the paths of the perturbed ones, by default all. Gradients reach the unperturbed parameters.
    """

    _shown = ("std",)

    def __init__(self, module: Module, std: float = 0.05, parameters: Sequence[str] | None = None) -> None:
        super().__init__()
        self.module, self.std = module, _deviation(self, std)
        self.disturbed = tuple(parameters) if parameters is not None else None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        if not self.training or self.std == 0:
            return self.module(*args, **kwargs)
        own = dict(self.module.named_parameters())
        names = own if self.disturbed is None else self.disturbed
        noisy = {name: own[name] + core.randn_like(own[name].detach()) * self.std for name in names}
        return functional_call(self.module, noisy, args, kwargs)
