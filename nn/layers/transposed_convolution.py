"""Transposed convolution layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_core import Tensor
from autograd_core.ops.images.planes import each
from nn import functional as F
from nn.layers.convolution import Size, _Conv


class _ConvTranspose(_Conv):
    """Base of transposed convolutions of every rank.

    weight (in, out / groups, *kernel) and bias (out) start uniform within ±1/√(out / groups · kernel size).
    An axis of length n becomes (n - 1)·stride - 2·padding + dilation·(kernel - 1) + output_padding + 1.
    """

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )
        self.output_padding = each(output_padding, self.rank, "output_padding")

    def _weight_shape(self) -> tuple[int, ...]:
        return self.in_channels, self.out_channels // self.groups, *self.kernel_size

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """output_size: one of the `stride` possible sizes of each spatial axis, instead of output_padding."""
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        return getattr(F, self._function)(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _extra(self, input: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        wanted = tuple(output_size)[-self.rank :]
        lengths = zip(
            input.shape[-self.rank :], self.stride, self._widths[::-2], self.dilation, self.kernel_size, strict=True
        )
        smallest = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in lengths]
        extra = tuple(w - m for w, m in zip(wanted, smallest, strict=True))
        if len(output_size) not in (self.rank, input.ndim) or any(
            not 0 <= e < s for e, s in zip(extra, self.stride, strict=True)
        ):
            largest = [m + s - 1 for m, s in zip(smallest, self.stride, strict=True)]
            raise ValueError(
                f"requested an output size of {wanted}, but valid sizes range from {smallest} to {largest} "
                f"(for an input of {input.shape[-self.rank :]})"
            )
        return extra


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of (N, C, L) to (N, out_channels, L'); see `functional.conv_transpose1d`."""

    rank = 1


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of (N, C, H, W) to (N, out_channels, H', W'); see `functional.conv_transpose2d`."""

    rank = 2


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of (N, C, D, H, W) to (N, out_channels, D', H', W')."""

    rank = 3
