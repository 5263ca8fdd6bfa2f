"""Convolutional layers."""

from collections.abc import Callable
from typing import Any

from autograd_core import Tensor
from autograd_core.ops.images.planes import each
from nn import functional as F
from nn.declared import Named
from nn.layers.linear import reset
from nn.parameter import allocate

Size = int | tuple[int, ...]
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Conv(Named):
    """Base of convolutions of every rank.

    weight (out, in / groups, *kernel) and bias (out) start uniform within ±1/√(in / groups · kernel size).
    """

    rank: int
    transposed = False
    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check(in_channels, out_channels, groups, padding_mode)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size: tuple[int, ...] = each(kernel_size, self.rank, "kernel_size")
        self.stride: tuple[int, ...] = each(stride, self.rank, "stride")
        self.dilation: tuple[int, ...] = each(dilation, self.rank, "dilation")
        self.padding = padding if isinstance(padding, str) else each(padding, self.rank, "padding")
        self.padding_mode, self._widths = padding_mode, self._padding_widths()
        self.output_padding: tuple[int, ...] = (0,) * self.rank
        allocate(self, device, dtype, weight=self._weight_shape(), bias=(out_channels,) if bias else None)
        self.reset_parameters()

    def _weight_shape(self) -> tuple[int, ...]:
        return self.out_channels, self.in_channels // self.groups, *self.kernel_size

    def _padding_widths(self) -> list[int]:
        """(before, after) for `F.pad`, last axis first."""
        if self.padding == "valid":
            return [0] * (2 * self.rank)
        if self.padding == "same":
            if self.stride != (1,) * self.rank:
                raise ValueError("padding='same' is not supported for strided convolutions")
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return [w for t in reversed(totals) for w in (t // 2, t - t // 2)]
        if isinstance(self.padding, str):
            raise ValueError(f"Invalid padding string {self.padding!r}, should be one of 'valid', 'same'")
        return [p for p in reversed(self.padding) for _ in range(2)]

    def reset_parameters(self) -> None:
        """Reinitialise weight and bias."""
        reset(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The convolution with other weights: a name of PyTorch that programs call, and override."""
        x, padding = self._padded(input)
        return getattr(F, self._function)(x, weight, bias, self.stride, padding, self.dilation, self.groups)

    def convolved(self, x: Tensor, by: Callable[..., Tensor]) -> Tensor:
        """`by`, a function with the signature of `functional.conv2d`, applied to x with this layer's arguments."""
        x, padding = self._padded(x)
        return by(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _padded(self, x: Tensor) -> tuple[Tensor, str | tuple[int, ...]]:
        """The input, and what is left to pad with zeros."""
        if self.padding_mode == "zeros":
            return x, self.padding
        return F.pad(x, self._widths, mode=self.padding_mode), (0,) * self.rank

    def extra_repr(self) -> str:
        ones = (1,) * self.rank
        parts = [
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}",
            f"padding={self.padding}" if self.padding != (0,) * self.rank else "",
            f"dilation={self.dilation}" if self.dilation != ones else "",
            f"output_padding={self.output_padding}" if any(self.output_padding) else "",
            f"groups={self.groups}" if self.groups != 1 else "",
            "bias=False" if self.bias is None else "",
            f"padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "",
        ]
        return ", ".join(filter(None, parts))


def _check(in_channels: int, out_channels: int, groups: int, padding_mode: str) -> None:
    given: dict[str, Any] = {"in_channels": in_channels, "out_channels": out_channels, "groups": groups}
    for name, value in given.items():
        if isinstance(value, str):
            raise TypeError(f"{name} must be an integer, not {value!r:.40}")
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    if in_channels % groups:
        raise ValueError(f"in_channels must be divisible by groups; {in_channels} is not by {groups}")
    if out_channels % groups:
        raise ValueError(f"out_channels must be divisible by groups; {out_channels} is not by {groups}")
    if padding_mode not in PADDING_MODES:
        raise ValueError(f"padding_mode must be one of {PADDING_MODES}, but got padding_mode={padding_mode!r}")


class Conv1d(_Conv):
    """Convolution of (N, C, L) to (N, out_channels, L'); see `functional.conv1d`."""

    rank = 1


class Conv2d(_Conv):
    """Convolution of (N, C, H, W) to (N, out_channels, H', W'); see `functional.conv2d`.

    padding: a number, one for each axis, "valid" or "same". padding_mode: "zeros", "reflect", "replicate", "circular".
    """

    rank = 2


class Conv3d(_Conv):
    """Convolution of (N, C, D, H, W) to (N, out_channels, D', H', W'); see `functional.conv3d`."""

    rank = 3
