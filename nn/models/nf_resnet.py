"""Residual networks without normalisation: standardised weights and known variances (Brock et al. 2021)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autograd_core import Tensor
from autograd_core import functional as core
from nn.blocks.standardized import WSConv2d
from nn.containers import Sequential
from nn.layers.convolution import Conv2d
from nn.layers.linear import Linear
from nn.module import Module
from nn.parameter import Parameter

# relu(x) of a standard normal x has variance (1 - 1/π) / 2; the gain makes it 1 again.
RELU_GAIN = math.sqrt(2 / (1 - 1 / math.pi))


class NFBlock(Module):
    """x + alpha·f(x / beta), f two standardised 3×3 convolutions with ReLU before each.

    beta: the standard deviation of x, known analytically; alpha: that of the branch. The branch starts with a factor
    `skip_gain` of 0, so the block is initially the identity.
    """

    def __init__(self, inplanes: int, planes: int, stride: int, alpha: float, beta: float) -> None:
        super().__init__()
        self.alpha, self.beta = alpha, beta
        self.conv1 = WSConv2d(inplanes, planes, 3, stride, 1)
        self.conv2 = WSConv2d(planes, planes, 3, padding=1)
        changes = stride != 1 or inplanes != planes
        self.shortcut = WSConv2d(inplanes, planes, 1, stride) if changes else None
        self.skip_gain = Parameter(core.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        a = core.relu(x) * (RELU_GAIN / self.beta)
        shortcut = x if self.shortcut is None else self.shortcut(a)
        y = self.conv2(core.relu(self.conv1(a)) * RELU_GAIN)
        return shortcut + y * (self.skip_gain * self.alpha)


class NFResNet(Module):
    """Images (N, 3, H, W) to scores (N, num_classes); one stage per element of `layers`, each of doubled width.

    Every block adds alpha² to the variance, and every stage resets it to 1. Train it with adaptive gradient clipping.
    """

    def __init__(
        self, layers: Sequence[int], width: int = 64, num_classes: int = 10, alpha: float = 0.2, large: bool = False
    ) -> None:
        super().__init__()
        self.stem: Conv2d = WSConv2d(3, width, 7, 2, 3) if large else WSConv2d(3, width, 3, padding=1)
        inplanes, variance = width, 1.0
        stages = []
        for i, count in enumerate(layers):
            planes = width * 2**i
            for j in range(count):
                stages.append(NFBlock(inplanes, planes, 2 if i and not j else 1, alpha, math.sqrt(variance)))
                variance = (1.0 if i and not j else variance) + alpha**2
                inplanes = planes
        self.blocks = Sequential(*stages)
        self.head = Linear(inplanes, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = core.relu(self.blocks(self.stem(x))) * RELU_GAIN
        return self.head(x.mean(dim=(2, 3)))


def nf_resnet20(num_classes: int = 10) -> NFResNet:
    """For images of 32×32: three stages of three blocks, as `resnet20`."""
    return NFResNet((3, 3, 3), 16, num_classes)


def nf_resnet18(num_classes: int = 1000) -> NFResNet:
    """For images of 224×224: four stages of two blocks, as `resnet18`."""
    return NFResNet((2, 2, 2, 2), 64, num_classes, large=True)
