"""Discrete Fourier transforms under the names of `torch.fft`. The registry fills it."""

__all__: list[str] = []
