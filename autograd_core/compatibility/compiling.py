"""PyTorch's settings of its compiler, which programs make at their start. They are stored and have no effect."""

from types import SimpleNamespace

triton = SimpleNamespace()
