"""All-convolutional networks, with strides in place of pooling."""

from __future__ import annotations

from nn.containers import Sequential
from nn.layers.activation import ReLU
from nn.layers.adaptive_pooling import AdaptiveAvgPool2d
from nn.layers.convolution import Conv2d
from nn.layers.dropout import Dropout
from nn.layers.lazy import LazyLinear
from nn.layers.linear import Flatten, Linear
from nn.module import Module

# The layers before the last three: (channels, kernel, stride), with dropout after every strided one.
VARIANTS = {
    "A": ((96, 5, 1), (96, 3, 2), (192, 5, 1), (192, 3, 2)),
    "B": ((96, 5, 1), (96, 1, 1), (96, 3, 2), (192, 5, 1), (192, 1, 1), (192, 3, 2)),
    "C": ((96, 3, 1), (96, 3, 1), (96, 3, 2), (192, 3, 1), (192, 3, 1), (192, 3, 2)),
}


def all_conv(variant: str = "C", num_classes: int = 10) -> Sequential:
    """All-CNN-A, -B or -C (Springenberg et al. 2014): images (N, 3, 32, 32) to scores; C has 1,369,738 parameters."""
    if variant not in VARIANTS:
        raise ValueError(f"all_conv() comes in the variants {', '.join(VARIANTS)}, not {variant!r}")
    layers: list[Module] = [Dropout(0.2)]
    channels = 3
    for out, kernel, stride in (*VARIANTS[variant], (192, 3, 1), (192, 1, 1), (num_classes, 1, 1)):
        layers += [Conv2d(channels, out, kernel, stride, kernel // 2), ReLU()]
        if stride == 2:
            layers.append(Dropout(0.5))
        channels = out
    return Sequential(*layers, AdaptiveAvgPool2d(1), Flatten())


def strided_cnn(num_classes: int = 10, in_channels: int = 1) -> Sequential:
    """Three convolutions with stride 2, dropout, two dense layers: images of at least 21×21 to scores.

    The number of features in between is inferred from the first image. There is no final softmax, which is part of
    `CrossEntropyLoss`.
    """
    return Sequential(
        Conv2d(in_channels, 16, 5, stride=2),
        ReLU(),
        Conv2d(16, 32, 5, stride=2),
        ReLU(),
        Conv2d(32, 32, 3, stride=2),
        ReLU(),
        Flatten(),
        Dropout(0.5),
        LazyLinear(32),
        ReLU(),
        Dropout(0.5),
        Linear(32, num_classes),
    )
