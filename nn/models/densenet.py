"""Densely connected networks (Huang et al. 2016): for ImageNet, named as in torchvision, and for CIFAR."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from autograd_core import Tensor
from autograd_core import functional as core
from nn import init
from nn.blocks.dense import DenseBlock, Transition
from nn.containers import Sequential
from nn.layers.activation import ReLU
from nn.layers.convolution import Conv2d
from nn.layers.linear import Linear
from nn.layers.normalization import BatchNorm2d
from nn.layers.pooling import MaxPool2d
from nn.module import Module


class DenseNet(Module):
    """Images to scores (N, num_classes): a stem, dense blocks with transitions in between, global average pooling.

    stem: the first layers by name, with `channels` output channels. Transitions halve the channels.
    """

    def __init__(
        self,
        growth_rate: int,
        block_config: Sequence[int],
        stem: OrderedDict[str, Module],
        channels: int,
        bn_size: int = 4,
        drop_rate: float = 0.0,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        self.features = Sequential(stem)
        for i, count in enumerate(block_config):
            block = DenseBlock(count, channels, growth_rate, bn_size, drop_rate)
            self.features.add_module(f"denseblock{i + 1}", block)
            channels += count * growth_rate
            if i < len(block_config) - 1:
                self.features.add_module(f"transition{i + 1}", Transition(channels, channels // 2))
                channels //= 2
        self.features.add_module(f"norm{len(block_config) + 1}", BatchNorm2d(channels))
        self.classifier = Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight)
            elif isinstance(module, Linear) and module.bias is not None:
                init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = core.relu(self.features(x)).mean(dim=(2, 3))
        return self.classifier(x)


def _maker(layers: Sequence[int], growth: int, channels: int, count: str) -> Callable[..., DenseNet]:
    def make(num_classes: int = 1000, drop_rate: float = 0.0) -> DenseNet:
        stem = OrderedDict[str, Module](
            conv0=Conv2d(3, channels, 7, 2, 3, bias=False),
            norm0=BatchNorm2d(channels),
            relu0=ReLU(),
            pool0=MaxPool2d(3, 2, 1),
        )
        return DenseNet(growth, layers, stem, channels, drop_rate=drop_rate, num_classes=num_classes)

    make.__doc__ = f"Images (N, 3, 224, 224) to scores; {count} parameters for 1000 classes."
    return make


densenet121 = _maker((6, 12, 24, 16), 32, 64, "7,978,856")
densenet169 = _maker((6, 12, 32, 32), 32, 64, "14,149,480")
densenet201 = _maker((6, 12, 48, 32), 32, 64, "20,013,928")


def densenet_bc(depth: int = 100, growth_rate: int = 12, num_classes: int = 10, drop_rate: float = 0.0) -> DenseNet:
    """DenseNet-BC for images (N, 3, 32, 32): three blocks, `depth` = 6·n + 4; 769,162 parameters by default."""
    if (depth - 4) % 6:
        raise ValueError(f"densenet_bc() has a depth of 6·n + 4, such as 40, 100 or 190, not {depth}")
    channels = 2 * growth_rate
    stem = OrderedDict[str, Module](conv0=Conv2d(3, channels, 3, padding=1, bias=False))
    layers = ((depth - 4) // 6,) * 3
    return DenseNet(growth_rate, layers, stem, channels, drop_rate=drop_rate, num_classes=num_classes)
