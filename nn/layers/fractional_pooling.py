"""Max pooling over windows of random steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_core import Tensor
from autograd_core.ops.images.planes import each
from nn import functional as F
from nn.declared import Named
from nn.layers.convolution import Size


class _FractionalMaxPool(Named):
    """Base of fractional max pooling.

    (Graham 2014.) Takes output_size, or output_ratio, the ratio of output size to input size.
    """

    rank: int
    _random_samples: Tensor | None

    def __init__(
        self,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise ValueError(f"{type(self).__name__} takes either output_size or output_ratio")
        self.kernel_size = each(kernel_size, self.rank, "kernel_size")
        self.output_size = None if output_size is None else each(output_size, self.rank, "output_size")
        single = isinstance(output_ratio, (int, float))
        self.output_ratio: Any = (output_ratio,) * self.rank if single else output_ratio
        ratios: Any = self.output_ratio or ()
        if not all(0 < r < 1 for r in ratios):
            raise ValueError(f"{type(self).__name__}: output_ratio must lie between 0 and 1, but is {output_ratio}")
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self._function)(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """Largest elements of windows of random steps over (N, C, H, W)."""

    rank = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """Largest elements of windows of random steps over (N, C, D, H, W)."""

    rank = 3
