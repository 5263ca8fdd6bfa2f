"""GoogLeNet: inception blocks and two auxiliary classifiers (Szegedy et al. 2014); named as in torchvision."""

from __future__ import annotations

from typing import Any, NamedTuple

from autograd_core import Tensor
from autograd_core import functional as core
from nn import functional as F
from nn import init
from nn.blocks.inception import ConvBlock, Inception
from nn.chains import RELU, chain
from nn.layers.adaptive_pooling import AdaptiveAvgPool2d
from nn.layers.convolution import Conv2d
from nn.layers.dropout import Dropout
from nn.layers.linear import Linear
from nn.layers.pooling import MaxPool2d
from nn.module import Module

# Name -> channels of `Inception`; pools come in between.
BLOCKS = {
    "inception3a": (192, 64, 96, 128, 16, 32, 32),
    "inception3b": (256, 128, 128, 192, 32, 96, 64),
    "inception4a": (480, 192, 96, 208, 16, 48, 64),
    "inception4b": (512, 160, 112, 224, 24, 64, 64),
    "inception4c": (512, 128, 128, 256, 24, 64, 64),
    "inception4d": (512, 112, 144, 288, 32, 64, 64),
    "inception4e": (528, 256, 160, 320, 32, 128, 128),
    "inception5a": (832, 256, 160, 320, 32, 128, 128),
    "inception5b": (832, 384, 192, 384, 48, 128, 128),
}
POOLS = {"inception3b": ("maxpool3", 3), "inception4e": ("maxpool4", 2)}
AUXILIARY = {"inception4a": "aux1", "inception4d": "aux2"}


class GoogLeNetOutputs(NamedTuple):
    """Scores of a GoogLeNet in training, whose auxiliary losses count 0.3 each."""

    logits: Tensor
    aux_logits2: Tensor
    aux_logits1: Tensor


class InceptionAux(Module):
    """An auxiliary classifier in the middle of the network."""

    def __init__(self, in_channels: int, num_classes: int, dropout: float = 0.7) -> None:
        super().__init__()
        self.conv = ConvBlock(in_channels, 128, 1)
        self.fc1 = Linear(2048, 1024)
        self.fc2 = Linear(1024, num_classes)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = core.flatten(self.conv(F.adaptive_avg_pool2d(x, (4, 4))), 1)
        return self.fc2(self.dropout(chain(x, self.fc1, RELU)))


class GoogLeNet(Module):
    """Images (N, 3, 224, 224) to scores (N, num_classes) or, in training with `aux_logits`, `GoogLeNetOutputs`."""

    def __init__(self, num_classes: int = 1000, aux_logits: bool = True, dropout: float = 0.2) -> None:
        super().__init__()
        self.aux_logits = aux_logits
        self.conv1 = ConvBlock(3, 64, 7, stride=2, padding=3)
        self.maxpool1 = MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = ConvBlock(64, 64, 1)
        self.conv3 = ConvBlock(64, 192, 3, padding=1)
        self.maxpool2 = MaxPool2d(3, 2, ceil_mode=True)
        for name, channels in BLOCKS.items():
            setattr(self, name, Inception(*channels))
            if name in POOLS:
                pool, kernel = POOLS[name]
                setattr(self, pool, MaxPool2d(kernel, 2, ceil_mode=True))
        if aux_logits:
            self.aux1 = InceptionAux(512, num_classes)
            self.aux2 = InceptionAux(528, num_classes)
        self.avgpool = AdaptiveAvgPool2d((1, 1))
        self.dropout = Dropout(dropout)
        self.fc = Linear(1024, num_classes)
        for module in self.modules():
            if isinstance(module, (Conv2d, Linear)):
                init.trunc_normal_(module.weight, 0.0, 0.01)

    def forward(self, x: Tensor) -> Any:
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        auxiliary = []
        for name in BLOCKS:
            x = getattr(self, name)(x)
            if name in POOLS:
                x = getattr(self, POOLS[name][0])(x)
            if name in AUXILIARY and self.aux_logits and self.training:
                auxiliary.append(getattr(self, AUXILIARY[name])(x))
        scores = self.fc(self.dropout(core.flatten(self.avgpool(x), 1)))
        return GoogLeNetOutputs(scores, *reversed(auxiliary)) if auxiliary else scores


def googlenet(num_classes: int = 1000, aux_logits: bool = True, dropout: float = 0.2) -> GoogLeNet:
    """GoogLeNet; 6,624,904 parameters for 1000 classes without the auxiliary classifiers."""
    return GoogLeNet(num_classes, aux_logits, dropout)
