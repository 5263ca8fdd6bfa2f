"""The inception block: convolutions of several sizes side by side (Szegedy et al. 2014)."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from nn.chains import RELU, chain
from nn.containers import Sequential
from nn.layers.convolution import Conv2d
from nn.layers.normalization import BatchNorm2d
from nn.layers.pooling import MaxPool2d
from nn.module import Module


class ConvBlock(Module):
    """Convolution without bias, batch normalisation, ReLU; arguments are those of `Conv2d`."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, **options: Any) -> None:
        super().__init__()
        self.conv = Conv2d(in_channels, out_channels, kernel_size, bias=False, **options)
        self.bn = BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return chain(x, self.conv, self.bn, RELU)


class Inception(Module):
    """1×1, reduced 3×3, reduced "5×5", and pooled 1×1 convolutions of one input, their channels joined.

    wide_kernel: 5 as published; torchvision's weights have 3 by mistake.
    """

    def __init__(
        self,
        in_channels: int,
        ch1x1: int,
        ch3x3red: int,
        ch3x3: int,
        ch5x5red: int,
        ch5x5: int,
        pool_proj: int,
        wide_kernel: int = 3,
    ) -> None:
        super().__init__()
        self.branch1 = ConvBlock(in_channels, ch1x1, 1)
        self.branch2 = Sequential(ConvBlock(in_channels, ch3x3red, 1), ConvBlock(ch3x3red, ch3x3, 3, padding=1))
        wide = ConvBlock(ch5x5red, ch5x5, wide_kernel, padding=wide_kernel // 2)
        self.branch3 = Sequential(ConvBlock(in_channels, ch5x5red, 1), wide)
        self.branch4 = Sequential(MaxPool2d(3, 1, 1, ceil_mode=True), ConvBlock(in_channels, pool_proj, 1))

    def forward(self, x: Tensor) -> Tensor:
        return core.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)
