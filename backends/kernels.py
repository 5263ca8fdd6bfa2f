"""The kernels every backend offers, bound to its array library."""

from functools import partial
from types import SimpleNamespace
from typing import Any

from backends import im2col, indexing, pooling, selection, special

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
    "gate",
)


def bind(xp: Any, column_bytes: int) -> SimpleNamespace:
    """The generic kernels over the namespace `xp`; convolutions make columns of about `column_bytes` at a time."""
    kernels = SimpleNamespace(
        convolve=partial(im2col.convolve, xp, column_bytes=column_bytes),
        convolve_input=partial(im2col.convolve_input, xp, column_bytes=column_bytes),
        convolve_weight=partial(im2col.convolve_weight, xp, column_bytes=column_bytes),
    )
    for module in (pooling, indexing, selection, special):
        for name in NAMES:
            if hasattr(module, name):
                setattr(kernels, name, partial(getattr(module, name), xp))
    return kernels


class Namespace(SimpleNamespace):
    """The functions of an array library, with its kernels beside them.

    What the library itself loads on demand (NumPy: fft, random, testing, ...) is looked up on demand here too.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(self.library, name)


def namespace_of(library: Any, kernels: SimpleNamespace) -> Namespace:
    """Every public name that an array library has loaded, with `kernels` beside them."""
    public = {name: value for name, value in vars(library).items() if not name.startswith("_")}
    return Namespace(**public, library=library, kernels=kernels)
