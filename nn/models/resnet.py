"""Residual networks for ImageNet (He et al. 2015), also with squeeze and excitation (Hu et al. 2017).

Parameters are named as in torchvision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograd_core import Tensor
from autograd_core import functional as core
from nn import init
from nn.blocks.residual import BasicBlock, Bottleneck, Gate
from nn.blocks.squeeze_excite import SqueezeExcite
from nn.chains import RELU, chain
from nn.containers import Sequential
from nn.layers.adaptive_pooling import AdaptiveAvgPool2d
from nn.layers.convolution import Conv2d
from nn.layers.linear import Linear
from nn.layers.normalization import BatchNorm2d
from nn.layers.pooling import MaxPool2d
from nn.module import Module

Block = type[BasicBlock] | type[Bottleneck]


class ResNet(Module):
    """Images (N, 3, 224, 224) to scores (N, num_classes): four stages of residual blocks.

    layers: the number of blocks of each stage. gate: makes a module for the channels of every
    block, such as `SqueezeExcite`.
    """

    def __init__(self, block: Block, layers: Sequence[int], num_classes: int = 1000, gate: Gate | None = None) -> None:
        super().__init__()
        self.conv1 = Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = BatchNorm2d(64)
        self.maxpool = MaxPool2d(3, 2, 1)
        inplanes = 64
        for i, count in enumerate(layers):
            planes = 64 * 2**i
            stage = Sequential()
            for j in range(count):
                stage.append(block(inplanes, planes, 2 if i and not j else 1, gate))
                inplanes = planes * block.expansion
            setattr(self, f"layer{i + 1}", stage)
        self.avgpool = AdaptiveAvgPool2d((1, 1))
        self.fc = Linear(inplanes, num_classes)
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = chain(x, self.conv1, self.bn1, RELU, self.maxpool)
        for name in ("layer1", "layer2", "layer3", "layer4"):
            x = getattr(self, name)(x)
        return self.fc(core.flatten(self.avgpool(x), 1))


def _maker(block: Block, layers: Sequence[int], count: str, gate: Gate | None = None) -> Callable[..., ResNet]:
    def make(num_classes: int = 1000) -> ResNet:
        return ResNet(block, layers, num_classes, gate)

    make.__doc__ = f"{'Squeeze-and-excitation' if gate else 'Residual'} network; {count} parameters for 1000 classes."
    return make


resnet18 = _maker(BasicBlock, (2, 2, 2, 2), "11,689,512")
resnet34 = _maker(BasicBlock, (3, 4, 6, 3), "21,797,672")
resnet50 = _maker(Bottleneck, (3, 4, 6, 3), "25,557,032")
resnet101 = _maker(Bottleneck, (3, 4, 23, 3), "44,549,160")
resnet152 = _maker(Bottleneck, (3, 8, 36, 3), "60,192,808")
se_resnet18 = _maker(BasicBlock, (2, 2, 2, 2), "11,778,592", SqueezeExcite)
se_resnet50 = _maker(Bottleneck, (3, 4, 6, 3), "28,088,024", SqueezeExcite)
