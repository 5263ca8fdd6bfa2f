"""Discrete Fourier transforms under the names of `torch.fft`. The registry fills it."""

from functools import partial

from autograd_core.families import attribute

__getattr__ = partial(attribute, "fft")
__all__: list[str] = []
