"""Residual blocks for images: two or three convolutions with a shortcut around them (He et al. 2015, 2016)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from autograd_core import Tensor
from autograd_core import functional as core
from nn.chains import RELU, chain
from nn.containers import Sequential
from nn.layers.convolution import Conv2d
from nn.layers.normalization import BatchNorm2d
from nn.module import Module

Gate = Callable[[int], Module]


def projection(inplanes: int, outplanes: int, stride: int) -> Sequential | None:
    """A 1×1 convolution with normalisation if the block changes the shape, otherwise None."""
    if stride == 1 and inplanes == outplanes:
        return None
    return Sequential(Conv2d(inplanes, outplanes, 1, stride, bias=False), BatchNorm2d(outplanes))


class _Residual(Module):
    """Base of residual blocks.

    relu(f(x) + shortcut(x)), of planes·expansion channels (He et al. 2015). gate: makes a module that scales the
    channels of f(x), such as `SqueezeExcite`.
    """

    expansion: ClassVar[int]
    downsample: Module | None
    se: Module | None

    def __init__(self, inplanes: int, planes: int, stride: int = 1, gate: Gate | None = None) -> None:
        super().__init__()
        self._build(inplanes, planes, stride)
        outplanes = planes * self.expansion
        if gate is not None:
            self.se = gate(outplanes)
        self.downsample = projection(inplanes, outplanes, stride)

    def _build(self, inplanes: int, planes: int, stride: int) -> None:
        raise NotImplementedError

    def _branch(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        y = self._branch(x)
        if "se" in self._modules:
            y = self.se(y)  # type: ignore[misc]  # a module, as it was made one
        shortcut = x if self.downsample is None else self.downsample(x)
        return core.add_relu(y, shortcut)


class BasicBlock(_Residual):
    """Two 3×3 convolutions of `planes` channels."""

    expansion = 1

    def _build(self, inplanes: int, planes: int, stride: int) -> None:
        self.conv1 = Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = BatchNorm2d(planes)
        self.conv2 = Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(planes)

    def _branch(self, x: Tensor) -> Tensor:
        return chain(x, self.conv1, self.bn1, RELU, self.conv2, self.bn2)


class Bottleneck(_Residual):
    """1×1, 3×3 and 1×1 convolutions, of `planes`, `planes` and 4·planes channels; the 3×3 one takes the stride."""

    expansion = 4

    def _build(self, inplanes: int, planes: int, stride: int) -> None:
        self.conv1 = Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = BatchNorm2d(planes)
        self.conv2 = Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = BatchNorm2d(planes)
        self.conv3 = Conv2d(planes, planes * 4, 1, bias=False)
        self.bn3 = BatchNorm2d(planes * 4)

    def _branch(self, x: Tensor) -> Tensor:
        first = self.conv1, self.bn1, RELU
        return chain(x, *first, self.conv2, self.bn2, RELU, self.conv3, self.bn3)


class PreActBlock(Module):
    """x + f(x) with normalisation and activation before each of two 3×3 convolutions, so that x passes untouched.

    Where the shape changes, the shortcut is a 1×1 convolution of the activated input.
    """

    expansion: ClassVar[int] = 1
    shortcut: Module | None

    def __init__(self, inplanes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.bn1 = BatchNorm2d(inplanes)
        self.conv1 = Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn2 = BatchNorm2d(planes)
        self.conv2 = Conv2d(planes, planes, 3, padding=1, bias=False)
        same = stride == 1 and inplanes == planes
        self.shortcut = None if same else Conv2d(inplanes, planes, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        a = chain(x, self.bn1, RELU)
        shortcut = x if self.shortcut is None else self.shortcut(a)
        return shortcut + chain(a, self.conv1, self.bn2, RELU, self.conv2)


class PreActBottleneck(Module):
    """`PreActBlock` with 1×1, 3×3 and 1×1 convolutions, of `planes`, `planes` and 4·planes channels."""

    expansion: ClassVar[int] = 4
    shortcut: Module | None

    def __init__(self, inplanes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.bn1 = BatchNorm2d(inplanes)
        self.conv1 = Conv2d(inplanes, planes, 1, bias=False)
        self.bn2 = BatchNorm2d(planes)
        self.conv2 = Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn3 = BatchNorm2d(planes)
        self.conv3 = Conv2d(planes, planes * 4, 1, bias=False)
        same = stride == 1 and inplanes == planes * 4
        self.shortcut = None if same else Conv2d(inplanes, planes * 4, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        a = chain(x, self.bn1, RELU)
        shortcut = x if self.shortcut is None else self.shortcut(a)
        y = chain(a, self.conv1, self.bn2, RELU, self.conv2, self.bn3, RELU, self.conv3)
        return shortcut + y
