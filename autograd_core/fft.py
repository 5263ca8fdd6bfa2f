"""Discrete Fourier transforms under the names of `torch.fft`. The registry fills it."""

from functools import partial

from autograd_core.families import attribute
from autograd_core.families import names as _names

__getattr__, __dir__ = partial(attribute, "fft"), partial(_names, "fft")
__all__: list[str] = []
