"""Max unpooling layers, the inverse of max pooling: values back in their places, zeros elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from autograd_core import Tensor
from autograd_core.ops.images.planes import each
from nn import functional as F
from nn.layers.convolution import Size
from nn.module import Module


class _MaxUnpool(Module):
    rank: int
    _function: str  # see _Activation
    _shown = ("kernel_size", "stride", "padding")

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__()
        self.kernel_size = each(kernel_size, self.rank, "kernel_size")
        self.stride = self.kernel_size if stride is None else each(stride, self.rank, "stride")
        self.padding = each(padding, self.rank, "padding")

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return getattr(F, self._function)(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_MaxUnpool):
    """Places the values of `MaxPool1d` at the indices it returned, among zeros: (N, C, L)."""

    rank = 1
    _function = "max_unpool1d"


class MaxUnpool2d(_MaxUnpool):
    """Places the values of `MaxPool2d` at the indices it returned, among zeros: (N, C, H, W)."""

    rank = 2
    _function = "max_unpool2d"


class MaxUnpool3d(_MaxUnpool):
    """Places the values of `MaxPool3d` at the indices it returned, among zeros: (N, C, D, H, W)."""

    rank = 3
    _function = "max_unpool3d"
