"""Discrete Fourier transforms under the names of `torch.fft`. The registry fills it."""

from functools import partial

from autograd_core.absent import refuse

__getattr__ = partial(refuse, "fft")
__all__: list[str] = []
