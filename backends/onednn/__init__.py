"""Kernels of the oneDNN library for float32 arrays of NumPy, each in front of the one that it falls back to."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any

# By module, imported together with its first kernel: `import autograd_core` does not pay for them.
KERNELS = {"convolution": ("convolve", "convolve_input", "convolve_weight")}


def overlay(kernels: SimpleNamespace) -> None:
    """Put oneDNN's kernels in front of NumPy's."""
    for module, names in KERNELS.items():
        for name in names:
            setattr(kernels, name, _deferred(kernels, module, name))


def _deferred(kernels: SimpleNamespace, module: str, name: str) -> Callable[..., Any]:
    plain = getattr(kernels, name)

    def first(*args: Any, **named: Any) -> Any:
        kernel = partial(getattr(import_module(f"backends.onednn.{module}"), name), plain)
        setattr(kernels, name, kernel)
        return kernel(*args, **named)

    return first
