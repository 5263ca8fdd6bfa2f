"""The kernels every backend offers, bound to its array library."""

from functools import partial
from types import SimpleNamespace
from typing import Any

from backends import im2col, indexing, pooling, special

NAMES = (
    "convolve",
    "convolve_input",
    "convolve_weight",
    "max_pool",
    "avg_pool",
    "avg_pool_input",
    "take_plane",
    "add_plane",
    "add_at",
    "erf",
    "erfc",
)


def bind(xp: Any, column_bytes: int) -> SimpleNamespace:
    """The generic kernels over the namespace `xp`; convolutions make columns of about `column_bytes` at a time."""
    kernels = SimpleNamespace(
        convolve=partial(im2col.convolve, xp, column_bytes=column_bytes),
        convolve_input=partial(im2col.convolve_input, xp, column_bytes=column_bytes),
        convolve_weight=partial(im2col.convolve_weight, xp, column_bytes=column_bytes),
    )
    for module in (pooling, indexing, special):
        for name in NAMES:
            if hasattr(module, name):
                setattr(kernels, name, partial(getattr(module, name), xp))
    return kernels


def namespace_of(library: Any, kernels: SimpleNamespace) -> SimpleNamespace:
    """Every public name of an array library, with `kernels` beside them."""
    public = {name: getattr(library, name) for name in dir(library) if not name.startswith("_")}
    return SimpleNamespace(**public | {"kernels": kernels})
