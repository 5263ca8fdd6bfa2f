"""Residual and plain networks for images of 32×32 (He et al. 2015, section 4.2; pre-activation: 2016)."""

from __future__ import annotations

from collections.abc import Callable

from autograd_core import Tensor
from autograd_core import functional as core
from nn import functional as F
from nn import init
from nn.blocks.residual import PreActBlock, projection
from nn.chains import RELU, chain
from nn.containers import Sequential
from nn.layers.convolution import Conv2d
from nn.layers.linear import Linear
from nn.layers.normalization import BatchNorm2d
from nn.module import Module


class Subsample(Module):
    """Shortcut A, without parameters: every `stride`-th pixel, with zero channels added before and after."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.before = (out_channels - in_channels) // 2
        self.after = out_channels - in_channels - self.before

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.after))

    def extra_repr(self) -> str:
        return f"stride={self.stride}, padding=({self.before}, {self.after})"


class CifarBlock(Module):
    """relu(x + f(x)), with f two 3×3 convolutions, each batch-normalised.

    Where the shape changes, `option` "A" subsamples and pads x, "B" projects it by a 1×1 convolution. "plain": without
    the shortcut, relu(f(x)).
    """

    shortcut: Module | None

    def __init__(self, in_planes: int, planes: int, stride: int = 1, option: str = "A") -> None:
        super().__init__()
        if option not in ("A", "B", "plain"):
            raise ValueError(f'option must be "A", "B" or "plain", not {option!r}')
        self.conv1 = Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = BatchNorm2d(planes)
        self.conv2 = Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(planes)
        changes = stride != 1 or in_planes != planes
        if option == "plain":
            self.shortcut = None
        elif changes and option == "B":
            self.shortcut = projection(in_planes, planes, stride)
        else:
            self.shortcut = Subsample(in_planes, planes, stride) if changes else Sequential()

    def forward(self, x: Tensor) -> Tensor:
        out = chain(x, self.conv1, self.bn1, RELU, self.conv2, self.bn2)
        return F.relu(out) if self.shortcut is None else core.add_relu(out, self.shortcut(x))


class CifarResNet(Module):
    """A 3×3 convolution, three stages of blocks with 16, 32 and 64 channels, the mean of each channel, a linear layer.

    Images (N, 3, 32, 32) to scores (N, num_classes); 6·blocks + 2 layers with weights.
    """

    def __init__(self, blocks: int, num_classes: int = 10, option: str = "A") -> None:
        super().__init__()
        self.conv1 = Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks, 1, option)
        self.layer2 = _stage(16, 32, blocks, 2, option)
        self.layer3 = _stage(32, 64, blocks, 2, option)
        self.linear = Linear(64, num_classes)
        for module in self.modules():
            if isinstance(module, (Conv2d, Linear)):
                init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = chain(x, self.conv1, self.bn1, RELU, self.layer1, self.layer2, self.layer3)
        return self.linear(x.mean(dim=(2, 3)))


def _stage(in_planes: int, planes: int, blocks: int, stride: int, option: str) -> Sequential:
    rest = [CifarBlock(planes, planes, option=option) for _ in range(blocks - 1)]
    return Sequential(CifarBlock(in_planes, planes, stride, option), *rest)


class PreActCifarResNet(Module):
    """`CifarResNet` of pre-activation blocks, with a final normalisation and activation."""

    def __init__(self, blocks: int, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = Conv2d(3, 16, 3, padding=1, bias=False)
        planes = 16
        for i in range(3):
            wide, stride = 16 * 2**i, 2 if i else 1
            rest = [PreActBlock(wide, wide) for _ in range(blocks - 1)]
            setattr(self, f"layer{i + 1}", Sequential(PreActBlock(planes, wide, stride), *rest))
            planes = wide
        self.bn1 = BatchNorm2d(planes)
        self.linear = Linear(planes, num_classes)
        for module in self.modules():
            if isinstance(module, (Conv2d, Linear)):
                init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        for name in ("layer1", "layer2", "layer3"):
            x = getattr(self, name)(x)
        return self.linear(chain(x, self.bn1, RELU).mean(dim=(2, 3)))


def _maker(blocks: int, count: str, option: str = "A") -> Callable[..., CifarResNet]:
    def make(num_classes: int = 10) -> CifarResNet:
        return CifarResNet(blocks, num_classes, option)

    make.__doc__ = f"{6 * blocks + 2} layers{', no shortcuts' if option == 'plain' else ''}, {count} parameters."
    return make


resnet20 = _maker(3, "269,722")
resnet32 = _maker(5, "464,154")
resnet44 = _maker(7, "658,586")
resnet56 = _maker(9, "853,018")
resnet110 = _maker(18, "1,727,962")
plain20 = _maker(3, "269,722", "plain")
plain56 = _maker(9, "853,018", "plain")


def preact_resnet20(num_classes: int = 10) -> PreActCifarResNet:
    """20 layers of pre-activation blocks."""
    return PreActCifarResNet(3, num_classes)


def preact_resnet56(num_classes: int = 10) -> PreActCifarResNet:
    """56 layers of pre-activation blocks."""
    return PreActCifarResNet(9, num_classes)
