"""Autoencoders, and encoder-decoders with skip connections."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from autograd_core import Tensor
from autograd_core import functional as core
from nn.containers import ModuleList, Sequential
from nn.layers.activation import ReLU, Sigmoid
from nn.layers.convolution import Conv2d
from nn.layers.linear import Linear
from nn.layers.noise import GaussianNoise
from nn.layers.transposed_convolution import ConvTranspose2d
from nn.module import Module


class Autoencoder(Module):
    """decoder(encoder(x + noise)), trained to reproduce x. noise: its standard deviation, in training only.

    `encode` returns the compressed representation, by which inputs can be compared and searched.
    """

    def __init__(self, encoder: Module, decoder: Module, noise: float = 0.0) -> None:
        super().__init__()
        self.noise, self.encoder, self.decoder = GaussianNoise(noise), encoder, decoder

    def encode(self, x: Tensor) -> Tensor:
        """The representation of an input."""
        return self.encoder(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(self.noise(x)))


def autoencoder(*sizes: int, noise: float = 0.0) -> Autoencoder:
    """A fully connected autoencoder from `sizes[0]` features to `sizes[-1]` and back: autoencoder(784, 128, 32)."""

    def layers(sizes: Sequence[int]) -> list[Module]:
        return [layer for i, o in pairwise(sizes) for layer in (Linear(i, o), ReLU())]

    return Autoencoder(Sequential(*layers(sizes)[:-1]), Sequential(*layers(sizes[::-1])[:-1], Sigmoid()), noise)


def _down(inputs: int, outputs: int) -> Sequential:
    return Sequential(Conv2d(inputs, outputs, 3, stride=2, padding=1), ReLU())


def conv_autoencoder(channels: int = 1, widths: Sequence[int] = (16, 32, 64), noise: float = 0.0) -> Autoencoder:
    """Convolutions with stride 2, then transposed ones: images (N, channels, H, W) with elements in [0, 1].

    widths: channels after each halving; H and W must be multiples of 2^len(widths). noise: see `Autoencoder`.
    """
    encoder = Sequential(*(_down(i, o) for i, o in pairwise((channels, *widths))))
    ups: list[Module] = []
    for inputs, outputs in pairwise((*reversed(widths), channels)):
        ups += [ConvTranspose2d(inputs, outputs, 2, stride=2), ReLU()]
    return Autoencoder(encoder, Sequential(*ups[:-1], Sigmoid()), noise)


def denoising_autoencoder(channels: int = 1, widths: Sequence[int] = (16, 32, 64), noise: float = 0.3) -> Autoencoder:
    """`conv_autoencoder` with noise on its input in training (Vincent et al. 2008)."""
    return conv_autoencoder(channels, widths, noise)


class EncoderDecoder(Module):
    """Images (N, in_channels, H, W) to images (N, out_channels, H, W), pixel to pixel.

    widths: channels after each halving. skips: the decoder also reads the encoder's features of the same size.
    """

    def __init__(
        self, in_channels: int = 1, out_channels: int = 1, widths: Sequence[int] = (16, 32, 64), skips: bool = True
    ) -> None:
        super().__init__()
        self.skips = skips
        self.down = ModuleList([_down(i, o) for i, o in pairwise((in_channels, *widths))])
        wide = [in_channels, *widths]
        self.enlarge, self.up = ModuleList(), ModuleList()
        for level in reversed(range(len(widths))):
            inputs, across = wide[level + 1], wide[level] if skips else 0
            outputs = wide[level] if level else widths[0]
            self.enlarge.append(ConvTranspose2d(inputs, outputs, 2, stride=2))
            self.up.append(Sequential(Conv2d(outputs + across, outputs, 3, padding=1), ReLU()))
        self.head = Conv2d(widths[0], out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        multiple = 2 ** len(self.down)
        if any(n % multiple for n in x.shape[2:]):
            raise RuntimeError(f"EncoderDecoder takes images whose sizes are multiples of {multiple}, not {x.shape}")
        across = []
        for down in self.down:
            across.append(x)
            x = down(x)
        for enlarge, up in zip(self.enlarge, self.up, strict=True):
            x, same = enlarge(x), across.pop()
            x = up(core.cat([same, x], dim=1) if self.skips else x)
        return self.head(x)


def encoder_decoder(
    in_channels: int = 1, out_channels: int = 1, widths: Sequence[int] = (16, 32, 64), skips: bool = True
) -> EncoderDecoder:
    """A convolutional encoder-decoder, with or without skip connections."""
    return EncoderDecoder(in_channels, out_channels, widths, skips)
