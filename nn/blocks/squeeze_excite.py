"""Squeeze and excitation: channels weighted by global features of the image (Hu et al. 2017)."""

from __future__ import annotations

from autograd_core import Tensor
from autograd_core import functional as core
from nn.chains import RELU, chain
from nn.layers.linear import Linear
from nn.module import Module


class SqueezeExcite(Module):
    """x·sigmoid(W2 relu(W1 m)), with m the mean of each channel of (N, C, H, W).

    reduction: the hidden layer has C / reduction features.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        if channels < reduction:
            raise ValueError(f"SqueezeExcite() divides {channels} channels by {reduction}, which leaves none")
        self.fc1 = Linear(channels, channels // reduction)
        self.fc2 = Linear(channels // reduction, channels)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = x.mean(dim=(2, 3))
        factors = core.sigmoid(self.fc2(chain(squeezed, self.fc1, RELU)))
        return x * factors.reshape(*factors.shape, 1, 1)
