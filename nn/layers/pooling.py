"""Pooling layers."""

from typing import Any

from autograd_core import Tensor
from autograd_core.ops.images.planes import each
from nn import functional as F
from nn.layers.convolution import Size
from nn.module import Module


class _MaxPool(Module):
    _function: str  # see _Activation
    _shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        window = self.kernel_size, self.stride, self.padding, self.dilation
        return getattr(F, self._function)(input, *window, self.ceil_mode, self.return_indices)


class MaxPool1d(_MaxPool):
    """Largest element of every window of (N, C, L)."""

    _function = "max_pool1d"


class MaxPool2d(_MaxPool):
    """Largest element of every window of (N, C, H, W); `stride` defaults to the kernel size."""

    _function = "max_pool2d"


class MaxPool3d(_MaxPool):
    """Largest element of every window of (N, C, D, H, W)."""

    _function = "max_pool3d"


class _AvgPool(Module):
    _function: str  # see _Activation
    _shown = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding
        self.ceil_mode, self.count_include_pad, self.divisor_override = ceil_mode, count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, self._function)(input, *self._arguments())

    def _arguments(self) -> tuple[Any, ...]:
        window = self.kernel_size, self.stride, self.padding
        return *window, self.ceil_mode, self.count_include_pad, self.divisor_override


class AvgPool1d(_AvgPool):
    """Mean of every window of (N, C, L)."""

    _function = "avg_pool1d"

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        kernel = each(kernel_size, 1, "kernel_size")
        stride = kernel if stride is None else each(stride, 1, "stride")
        super().__init__(kernel, stride, each(padding, 1, "padding"), ceil_mode, count_include_pad)

    def _arguments(self) -> tuple[Any, ...]:
        return super()._arguments()[:-1]  # no divisor


class AvgPool2d(_AvgPool):
    """Mean of every window of (N, C, H, W); `stride` defaults to the kernel size."""

    _function = "avg_pool2d"


class AvgPool3d(_AvgPool):
    """Mean of every window of (N, C, D, H, W)."""

    _function = "avg_pool3d"
