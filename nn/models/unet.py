"""U-Net: an encoder-decoder with skip connections (Ronneberger et al. 2015)."""

from __future__ import annotations

from autograd_core import Tensor
from autograd_core import functional as core
from nn.containers import ModuleList, Sequential
from nn.layers.activation import ReLU
from nn.layers.convolution import Conv2d
from nn.layers.normalization import BatchNorm2d
from nn.layers.pooling import MaxPool2d
from nn.layers.transposed_convolution import ConvTranspose2d
from nn.module import Module


class UNet(Module):
    """Images (N, in_channels, H, W) to scores of every pixel (N, out_channels, H', W').

    padding: "valid", as published: the output is smaller (572 to 388 with depth 4), and skip connections are cropped;
    "same": the output has the size of the image, which must be divisible by 2^depth. width: channels of the first
    level, doubled at each of the `depth` deeper ones. batch_norm: after every convolution.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 2,
        width: int = 64,
        depth: int = 4,
        padding: str = "valid",
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        if padding not in ("valid", "same"):
            raise ValueError(f'UNet() takes the padding "valid" or "same", not {padding!r}')
        self.padding, self.depth = padding, depth
        widths = [width * 2**i for i in range(depth + 1)]

        def pair(inputs: int, outputs: int) -> Sequential:
            layers: list[Module] = []
            for channels in (inputs, outputs):
                layers.append(Conv2d(channels, outputs, 3, padding=padding, bias=not batch_norm))
                layers += [BatchNorm2d(outputs), ReLU()] if batch_norm else [ReLU()]
            return Sequential(*layers)

        self.down = ModuleList([pair(i, o) for i, o in zip([in_channels, *widths], widths, strict=False)])
        self.pool = MaxPool2d(2)
        self.enlarge = ModuleList([ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths[:-1])])
        self.up = ModuleList([pair(2 * w, w) for w in reversed(widths[:-1])])
        self.head = Conv2d(width, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        self._check(x)
        across = []
        for i, pair in enumerate(self.down):
            x = pair(self.pool(x) if i else x)
            across.append(x)
        across.pop()
        for enlarge, pair in zip(self.enlarge, self.up, strict=True):
            x = enlarge(x)
            x = pair(core.cat([_cropped(across.pop(), x), x], dim=1))
        return self.head(x)

    def _check(self, x: Tensor) -> None:
        """Raise if a size would be odd before a pooling, which upsampling could not undo."""
        for n in x.shape[2:]:
            size = n
            for _ in range(self.depth):
                size -= 4 if self.padding == "valid" else 0
                if size % 2 or size <= 0:
                    fit = f"use a multiple of {2**self.depth}" if self.padding == "same" else "572 and 188 fit"
                    raise RuntimeError(f"UNet cannot halve an image of size {n} {self.depth} times; {fit}")
                size //= 2


def _cropped(x: Tensor, like: Tensor) -> Tensor:
    """The centre of x, cropped to the size of another image."""
    height, width = like.shape[2:]
    if x.shape[2:] == like.shape[2:]:
        return x
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]


def unet(
    in_channels: int = 1, out_channels: int = 2, padding: str = "valid", width: int = 64, batch_norm: bool = False
) -> UNet:
    """U-Net with four levels; 31,030,658 parameters by default."""
    return UNet(in_channels, out_channels, width, 4, padding, batch_norm)
