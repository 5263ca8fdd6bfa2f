"""AlexNet and ZFNet, the winners of ImageNet 2012 and 2013."""

from __future__ import annotations

from collections.abc import Iterable

from autograd_core import Tensor
from autograd_core import functional as core
from nn.containers import Sequential
from nn.layers.activation import ReLU
from nn.layers.adaptive_pooling import AdaptiveAvgPool2d
from nn.layers.convolution import Conv2d
from nn.layers.dropout import Dropout
from nn.layers.layer_norm import LocalResponseNorm
from nn.layers.linear import Linear
from nn.layers.pooling import MaxPool2d
from nn.module import Module


class AlexNet(Module):
    """Convolutions, pooling to 6×6, three linear layers (Krizhevsky et al. 2012): images (N, 3, 224, 224) to scores."""

    def __init__(self, features: Iterable[Module], num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = Sequential(*features)
        self.avgpool = AdaptiveAvgPool2d((6, 6))
        self.classifier = Sequential(
            Dropout(dropout),
            Linear(256 * 6 * 6, 4096),
            ReLU(),
            Dropout(dropout),
            Linear(4096, 4096),
            ReLU(),
            Linear(4096, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(core.flatten(self.avgpool(self.features(x)), 1))


def alexnet(num_classes: int = 1000, dropout: float = 0.5, local_response_norm: bool = False) -> AlexNet:
    """AlexNet in one column (Krizhevsky 2014), named as in torchvision; 61,100,840 parameters for 1000 classes.

    local_response_norm: with the normalisations of 2012, which torchvision's weights were trained without.
    """

    def norm() -> list[Module]:
        return [LocalResponseNorm(5, 1e-4, 0.75, 2.0)] if local_response_norm else []

    features = [
        Conv2d(3, 64, 11, 4, 2), ReLU(), *norm(), MaxPool2d(3, 2),
        Conv2d(64, 192, 5, padding=2), ReLU(), *norm(), MaxPool2d(3, 2),
        Conv2d(192, 384, 3, padding=1), ReLU(),
        Conv2d(384, 256, 3, padding=1), ReLU(),
        Conv2d(256, 256, 3, padding=1), ReLU(), MaxPool2d(3, 2),
    ]  # fmt: skip
    return AlexNet(features, num_classes, dropout)


def zfnet(num_classes: int = 1000, dropout: float = 0.5) -> AlexNet:
    """Zeiler and Fergus 2013: a smaller first filter and stride, wider middle layers; 62,357,608 parameters."""
    features = [
        Conv2d(3, 96, 7, 2, 1), ReLU(), MaxPool2d(3, 2, 1), LocalResponseNorm(5, 1e-4, 0.75, 2.0),
        Conv2d(96, 256, 5, 2), ReLU(), MaxPool2d(3, 2, 1), LocalResponseNorm(5, 1e-4, 0.75, 2.0),
        Conv2d(256, 384, 3, padding=1), ReLU(),
        Conv2d(384, 384, 3, padding=1), ReLU(),
        Conv2d(384, 256, 3, padding=1), ReLU(), MaxPool2d(3, 2),
    ]  # fmt: skip
    return AlexNet(features, num_classes, dropout)
