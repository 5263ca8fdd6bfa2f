"""Pooling layers."""

from typing import Any

from autograd_core.ops.images.planes import each
from nn.declared import FunctionLayer
from nn.layers.convolution import Size

WINDOW = "kernel_size", "stride", "padding"


class _Pool(FunctionLayer):
    """Base of pooling over windows, whose stride is by default their size."""

    kernel_size: Any
    stride: Any

    def _made(self) -> None:
        if self.stride is None:
            self.stride = self.kernel_size


class _MaxPool(_Pool):
    _shown = (*WINDOW, "dilation", "ceil_mode")
    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0
    dilation: Size = 1
    return_indices: bool = False
    ceil_mode: bool = False


class MaxPool1d(_MaxPool):
    """Largest element of every window of (N, C, L)."""


class MaxPool2d(_MaxPool):
    """Largest element of every window of (N, C, H, W); `stride` defaults to the kernel size."""


class MaxPool3d(_MaxPool):
    """Largest element of every window of (N, C, D, H, W)."""


class AvgPool1d(_Pool):
    """Mean of every window of (N, C, L)."""

    _shown = WINDOW
    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    def _made(self) -> None:
        super()._made()
        for name in WINDOW:
            setattr(self, name, each(getattr(self, name), 1, name))


class _AvgPool(_Pool):
    _shown = WINDOW
    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None


class AvgPool2d(_AvgPool):
    """Mean of every window of (N, C, H, W); `stride` defaults to the kernel size."""


class AvgPool3d(_AvgPool):
    """Mean of every window of (N, C, D, H, W)."""
