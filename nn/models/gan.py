"""The generator and the discriminator of a GAN (Goodfellow et al. 2014)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from nn.containers import Sequential
from nn.layers.activation import LeakyReLU, ReLU, Tanh
from nn.layers.convolution import Conv2d
from nn.layers.linear import Flatten, Linear, Unflatten
from nn.layers.normalization import BatchNorm2d
from nn.layers.transposed_convolution import ConvTranspose2d


class GAN(NamedTuple):
    """generator: noise (N, latent) to images in [-1, 1]; discriminator: images to scores (N, 1), positive for real."""

    generator: Sequential
    discriminator: Sequential


def gan(latent: int = 64, image: Sequence[int] = (1, 28, 28), hidden: int = 256) -> GAN:
    """A pair of fully connected networks: noise (N, latent) to images (N, *image), and images to scores."""
    size = math.prod(image)
    generator = Sequential(
        Linear(latent, hidden),
        ReLU(),
        Linear(hidden, hidden),
        ReLU(),
        Linear(hidden, size),
        Tanh(),
        Unflatten(1, image),
    )
    discriminator = Sequential(
        Flatten(), Linear(size, hidden), LeakyReLU(0.2), Linear(hidden, hidden), LeakyReLU(0.2), Linear(hidden, 1)
    )
    return GAN(generator, discriminator)


def dcgan(latent: int = 64, channels: int = 1, width: int = 32) -> GAN:
    """A pair of convolutional networks for images (N, channels, 28, 28) (Radford et al. 2015)."""
    generator = Sequential(
        Linear(latent, 2 * width * 7 * 7),
        Unflatten(1, (2 * width, 7, 7)),
        BatchNorm2d(2 * width),
        ReLU(),
        ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
        BatchNorm2d(width),
        ReLU(),
        ConvTranspose2d(width, channels, 4, stride=2, padding=1),
        Tanh(),
    )
    discriminator = Sequential(
        Conv2d(channels, width, 4, stride=2, padding=1),
        LeakyReLU(0.2),
        Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
        BatchNorm2d(2 * width),
        LeakyReLU(0.2),
        Flatten(),
        Linear(2 * width * 7 * 7, 1),
    )
    return GAN(generator, discriminator)
