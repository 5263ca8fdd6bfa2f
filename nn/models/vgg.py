"""VGG: deep networks of 3×3 convolutions (Simonyan and Zisserman 2014); named as in torchvision."""

from __future__ import annotations

from collections.abc import Callable

from autograd_core import Tensor
from autograd_core import functional as core
from nn import init
from nn.containers import Sequential
from nn.layers.activation import ReLU
from nn.layers.adaptive_pooling import AdaptiveAvgPool2d
from nn.layers.convolution import Conv2d
from nn.layers.dropout import Dropout
from nn.layers.linear import Linear
from nn.layers.normalization import BatchNorm2d
from nn.layers.pooling import MaxPool2d
from nn.module import Module

# Depth -> convolutions of each of the five stages.
STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)


class VGG(Module):
    """Images (N, 3, 224, 224) to scores (N, num_classes); depth: 11, 13, 16 or 19 layers with weights."""

    def __init__(self, depth: int, num_classes: int = 1000, batch_norm: bool = False, dropout: float = 0.5) -> None:
        super().__init__()
        layers: list[Module] = []
        channels = 3
        for count, out in zip(STAGES[depth], CHANNELS, strict=True):
            for _ in range(count):
                norm = [BatchNorm2d(out)] if batch_norm else []
                layers += [Conv2d(channels, out, 3, padding=1), *norm, ReLU()]
                channels = out
            layers.append(MaxPool2d(2, 2))
        self.features = Sequential(*layers)
        self.avgpool = AdaptiveAvgPool2d((7, 7))
        self.classifier = Sequential(
            Linear(512 * 7 * 7, 4096),
            ReLU(),
            Dropout(dropout),
            Linear(4096, 4096),
            ReLU(),
            Dropout(dropout),
            Linear(4096, num_classes),
        )
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Linear):
                init.normal_(module.weight, 0.0, 0.01)
            if isinstance(module, (Conv2d, Linear)) and module.bias is not None:
                init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(core.flatten(self.avgpool(self.features(x)), 1))


def _maker(depth: int, batch_norm: bool, count: str) -> Callable[..., VGG]:
    def make(num_classes: int = 1000, dropout: float = 0.5) -> VGG:
        return VGG(depth, num_classes, batch_norm, dropout)

    tail = " and batch normalisation" if batch_norm else ""
    make.__doc__ = f"VGG with {depth} layers{tail}; {count} parameters for 1000 classes."
    return make


vgg11 = _maker(11, False, "132,863,336")
vgg13 = _maker(13, False, "133,047,848")
vgg16 = _maker(16, False, "138,357,544")
vgg19 = _maker(19, False, "143,667,240")
vgg11_bn = _maker(11, True, "132,868,840")
vgg13_bn = _maker(13, True, "133,053,736")
vgg16_bn = _maker(16, True, "138,365,992")
vgg19_bn = _maker(19, True, "143,678,248")
