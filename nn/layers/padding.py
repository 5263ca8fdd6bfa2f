"""Padding layers in 1-D to 3-D: zero, constant, replication, reflection, circular."""

from __future__ import annotations

from typing import ClassVar

from autograd_core import Tensor
from autograd_core.errors import OperandError
from autograd_core.ops.images.planes import each
from nn import functional as F
from nn.layers.convolution import Size
from nn.module import Module


class _Pad(Module):
    """Base of padding layers.

    padding: one width for all sides, or (before, after) for every axis, last axis first; negative widths crop.
    """

    _unnamed: tuple[str, ...] = ("padding",)
    rank: ClassVar[int]
    mode: ClassVar[str] = "constant"

    def __init__(self, padding: Size) -> None:
        super().__init__()
        self.padding = each(padding, 2 * self.rank, "padding")

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (self.rank + 1, self.rank + 2):
            raise OperandError(
                f"{type(self).__name__} takes {self.rank + 1} or {self.rank + 2} axes, not shape {input.shape}"
            )
        return F.pad(input, self.padding, self.mode)


class _ConstantPad(_Pad):
    _unnamed: tuple[str, ...] = ()
    _shown: tuple[str, ...] = ("padding", "value")

    def __init__(self, padding: Size, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)


class ConstantPad1d(_ConstantPad):
    """Pads the last axis with `value`."""

    rank = 1


class ConstantPad2d(_ConstantPad):
    """Pads the last two axes with `value`."""

    rank = 2


class ConstantPad3d(_ConstantPad):
    """Pads the last three axes with `value`."""

    rank = 3


class _ZeroPad(_ConstantPad):
    _unnamed, _shown = ("padding",), ()

    def __init__(self, padding: Size) -> None:
        super().__init__(padding, 0.0)


class ZeroPad1d(_ZeroPad):
    """Pads the last axis with zeros."""

    rank = 1


class ZeroPad2d(_ZeroPad):
    """Pads the last two axes with zeros."""

    rank = 2


class ZeroPad3d(_ZeroPad):
    """Pads the last three axes with zeros."""

    rank = 3


class ReflectionPad1d(_Pad):
    """Pads (N, C, L) by reflection at its ends."""

    rank, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Pads (N, C, H, W) by reflection at its edges."""

    rank, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Pads (N, C, D, H, W) by reflection at its faces."""

    rank, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Pads (N, C, L) by repeating its ends."""

    rank, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Pads (N, C, H, W) by repeating its edges."""

    rank, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Pads (N, C, D, H, W) by repeating its faces."""

    rank, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """Pads (N, C, L) periodically."""

    rank, mode = 1, "circular"


class CircularPad2d(_Pad):
    """Pads (N, C, H, W) periodically."""

    rank, mode = 2, "circular"


class CircularPad3d(_Pad):
    """Pads (N, C, D, H, W) periodically."""

    rank, mode = 3, "circular"
