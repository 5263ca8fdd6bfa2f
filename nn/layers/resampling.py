"""Resizing layers without weights: upsampling, pixel shuffle, patches."""

from __future__ import annotations

from collections.abc import Sequence

from nn.declared import FunctionLayer
from nn.layers.convolution import Size


class Upsample(FunctionLayer):
    """Resamples (N, C, ...) to `size` or by `scale_factor`; see `functional.interpolate`."""

    _function = "interpolate"
    size: Size | None = None
    scale_factor: float | Sequence[float] | None = None
    mode: str = "nearest"
    align_corners: bool | None = None
    recompute_scale_factor: bool | None = None

    def _made(self) -> None:
        if isinstance(self.scale_factor, Sequence):
            self.scale_factor = tuple(map(float, self.scale_factor))
        elif self.scale_factor:
            self.scale_factor = float(self.scale_factor)

    def extra_repr(self) -> str:
        by = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{by}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Upsamples images (N, C, H, W) by repeating pixels."""

    def __init__(self, size: Size | None = None, scale_factor: float | Sequence[float] | None = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Upsamples images (N, C, H, W) bilinearly, with aligned corners."""

    def __init__(self, size: Size | None = None, scale_factor: float | Sequence[float] | None = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


class PixelShuffle(FunctionLayer):
    """(..., C·r², H, W) to (..., C, H·r, W·r), r = upscale_factor (Shi et al. 2016)."""

    upscale_factor: int


class PixelUnshuffle(FunctionLayer):
    """(..., C, H·r, W·r) to (..., C·r², H, W), r = downscale_factor."""

    downscale_factor: int


class ChannelShuffle(FunctionLayer):
    """The channels of (N, C, ...) reordered: the first of each group, the second of each, ... (Zhang et al. 2018)."""

    groups: int


class Unfold(FunctionLayer):
    """The windows of images (N, C, H, W) as columns (N, C·kernel, windows)."""

    kernel_size: Size
    dilation: Size = 1
    padding: Size = 0
    stride: Size = 1


class Fold(FunctionLayer):
    """Sums columns (N, C·kernel, windows) into images of `output_size`: the transpose of `Unfold`."""

    output_size: Size
    kernel_size: Size
    dilation: Size = 1
    padding: Size = 0
    stride: Size = 1
