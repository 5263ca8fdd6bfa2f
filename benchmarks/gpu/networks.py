"""The networks of these benchmarks, written once in PyTorch's names: `nn` is torch.nn or this project's."""

from itertools import pairwise
from typing import Any


def resnet50(nn: Any) -> Any:
    """He et al. 2015, with the stride in the 3×3 convolutions: 25,557,032 parameters."""
    block, blocks, inputs = _bottleneck(nn), [], 64
    for stage, count in enumerate((3, 4, 6, 3)):
        planes = 64 * 2**stage
        for i in range(count):
            blocks.append(block(inputs, planes, 2 if stage and not i else 1))
            inputs = 4 * planes
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def _bottleneck(nn: Any) -> Any:
    F = nn.functional

    class Bottleneck(nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        """1×1, 3×3 and 1×1 convolutions, and a shortcut, projected where its shape changes."""

        def __init__(self, inputs: int, planes: int, stride: int) -> None:
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(inputs, planes, 1, bias=False), nn.BatchNorm2d(planes)
            self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(planes)
            self.conv3, self.bn3 = nn.Conv2d(planes, 4 * planes, 1, bias=False), nn.BatchNorm2d(4 * planes)
            self.shortcut = nn.Sequential()
            if stride > 1 or inputs != 4 * planes:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(inputs, 4 * planes, 1, stride, bias=False), nn.BatchNorm2d(4 * planes)
                )

        def forward(self, x: Any) -> Any:
            y = F.relu(self.bn1(self.conv1(x)))
            y = F.relu(self.bn2(self.conv2(y)))
            return F.relu(self.bn3(self.conv3(y)) + self.shortcut(x))

    return Bottleneck


def airbench(nn: Any) -> Any:
    """After Jordan 2024, "94 % on CIFAR-10 in 3.29 seconds on a single GPU": the shape of its network."""
    layers = [nn.Conv2d(3, 24, 2), nn.GELU()]
    for inputs, outputs in pairwise((24, 64, 256, 256)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.MaxPool2d(2)]
        layers += [nn.BatchNorm2d(outputs), nn.GELU()]
        layers += [nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.GELU()]
    return nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten(), nn.Linear(256, 10, bias=False))
