"""Dense blocks: every layer sees the outputs of all layers before it (Huang et al. 2016)."""

from __future__ import annotations

from autograd_core import Tensor
from autograd_core import functional as core
from nn import functional as F
from nn.chains import RELU, chain
from nn.containers import ModuleDict, Sequential
from nn.layers.activation import ReLU
from nn.layers.convolution import Conv2d
from nn.layers.normalization import BatchNorm2d
from nn.layers.pooling import AvgPool2d
from nn.module import Module


class DenseLayer(Module):
    """Normalisation, ReLU, 1×1 convolution to bn_size·growth_rate channels; the same with 3×3 to growth_rate."""

    def __init__(self, in_channels: int, growth_rate: int, bn_size: int = 4, drop_rate: float = 0.0) -> None:
        super().__init__()
        between = bn_size * growth_rate
        self.norm1 = BatchNorm2d(in_channels)
        self.conv1 = Conv2d(in_channels, between, 1, bias=False)
        self.norm2 = BatchNorm2d(between)
        self.conv2 = Conv2d(between, growth_rate, 3, padding=1, bias=False)
        self.drop_rate = drop_rate

    def forward(self, x: Tensor) -> Tensor:
        y = chain(x, self.norm1, RELU, self.conv1, self.norm2, RELU, self.conv2)
        return F.dropout(y, self.drop_rate, self.training)


class DenseBlock(ModuleDict):
    """`num_layers` dense layers (Huang et al. 2016); each adds its growth_rate output channels to its input."""

    def __init__(
        self, num_layers: int, in_channels: int, growth_rate: int, bn_size: int = 4, drop_rate: float = 0.0
    ) -> None:
        super().__init__(
            {
                f"denselayer{i + 1}": DenseLayer(in_channels + i * growth_rate, growth_rate, bn_size, drop_rate)
                for i in range(num_layers)
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.values():
            x = core.cat([x, layer(x)], dim=1)
        return x


class Transition(Sequential):
    """Between dense blocks: a 1×1 convolution reduces the channels, average pooling halves the size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = BatchNorm2d(in_channels)
        self.relu = ReLU()
        self.conv = Conv2d(in_channels, out_channels, 1, bias=False)
        self.pool = AvgPool2d(2, 2)
