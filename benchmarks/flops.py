"""Multiply-adds per sample of a network's convolutions and matrix products, in forward order."""

from itertools import pairwise


def mlp(*sizes: int) -> tuple[int, ...]:
    return tuple(inputs * outputs for inputs, outputs in pairwise(sizes))


def lenet5() -> tuple[int, ...]:
    return (convolution(1, 6, 28, kernel=5), convolution(6, 16, 10, kernel=5), *mlp(400, 120, 84, 10))


def resnet20() -> tuple[int, ...]:
    layers = [convolution(3, 16, 32)] + 6 * [convolution(16, 16, 32)]
    for channels, size in (32, 16), (64, 8):
        layers += [convolution(channels // 2, channels, size)] + 5 * [convolution(channels, channels, size)]
    return (*layers, *mlp(64, 10))


def vgg() -> tuple[int, ...]:
    stages = (_double(channels, out, size) for channels, out, size in [(3, 64, 32), (64, 128, 16), (128, 256, 8)])
    return (*(layer for stage in stages for layer in stage), *mlp(256 * 4 * 4, 10))


def unet() -> tuple[int, ...]:
    down = [(3, 16, 128), (16, 32, 64), (32, 64, 32), (64, 128, 16)]
    layers = [layer for stage in down for layer in _double(*stage)]
    for _, channels, size in down[:0:-1]:  # a transposed convolution moves its kernel over the smaller image
        layers += [convolution(channels, channels // 2, size, kernel=2), *_double(channels, channels // 2, 2 * size)]
    return (*layers, convolution(16, 1, 128, kernel=1))


def convolution(channels: int, out_channels: int, size: int, kernel: int = 3) -> int:
    """A `kernel` × `kernel` window at each of `size` × `size` positions."""
    return channels * out_channels * kernel**2 * size**2


def _double(channels: int, out_channels: int, size: int) -> tuple[int, int]:
    return convolution(channels, out_channels, size), convolution(out_channels, out_channels, size)
