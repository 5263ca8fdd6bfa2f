"""Max unpooling layers, the inverse of max pooling: values back in their places, zeros elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from autograd_core import Tensor
from autograd_core.ops.images.planes import each
from nn import functional as F
from nn.declared import Declared, Named
from nn.layers.convolution import Size


class _MaxUnpool(Named, Declared):
    rank: ClassVar[int]
    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0

    def _made(self) -> None:
        self.stride = self.kernel_size if self.stride is None else self.stride
        for name in self._shown:
            setattr(self, name, each(getattr(self, name), self.rank, name))

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return getattr(F, self._function)(input, indices, **self._arguments(), output_size=output_size)


class MaxUnpool1d(_MaxUnpool):
    """Places the values of `MaxPool1d` at the indices it returned, among zeros: (N, C, L)."""

    rank = 1


class MaxUnpool2d(_MaxUnpool):
    """Places the values of `MaxPool2d` at the indices it returned, among zeros: (N, C, H, W)."""

    rank = 2


class MaxUnpool3d(_MaxUnpool):
    """Places the values of `MaxPool3d` at the indices it returned, among zeros: (N, C, D, H, W)."""

    rank = 3
