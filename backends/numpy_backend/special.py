"""Elementwise kernels of many passes, in blocks that fit the cache; for some of float32, one exact pass by SciPy."""

from collections.abc import Callable
from typing import Any

import numpy as np

from backends.buffers import FLOAT32
from backends.generic.activations import SILU_BOUNDS
from backends.generic.im2col import InBlocks, serially
from backends.geometry import Array, blocks
from backends.strides import outermost_first
from backends.threads import in_blocks

# Several float64 temporaries of a block fit the level-2 cache; the calls of smaller blocks cost more than they save.
# Threads over the blocks gain nothing, or are half as fast: they wait for the interpreter after every pass of 10 µs.
BLOCK = 1 << 15
# Our kernels by SciPy's names. SciPy in float64 loses digits in tails and near zeros, but none that float32 can show.
OF_SCIPY = {
    "digamma": "psi", "erfc": "erfc", "erfcx": "erfcx", "erfinv": "erfinv", "lgamma": "gammaln", "log_ndtr": "log_ndtr",
    "ndtr": "ndtr", "ndtri": "ndtri",
}  # fmt: skip


def in_double(library: Any, name: str, plain: Callable[[Array], Array], x: Array) -> Array:
    """`plain(x)`; for float32 by a function of SciPy, in float64."""
    if getattr(x, "dtype", None) != FLOAT32:
        return plain(x)
    function = getattr(library, name)
    if name == "gammaln":
        x = np.where(x == -np.inf, np.inf, x)  # the result is ∞, as in C; SciPy's is -∞

    def rounded(part: Array) -> Array:
        with np.errstate(all="ignore"):  # not inherited by threads
            return np.asarray(function(part, dtype=float)).astype(FLOAT32)

    y = blockwise(rounded, x, each=in_blocks)
    return np.copysign(y, x) if name == "erfinv" else y  # SciPy's is 0.0 at -0.0


def silu(plain: Callable[[Array], Array], x: Array) -> Array:
    """See `backends.generic.activations.silu`, here `plain`, whose second exponential is 1 above its bound."""
    if not x.ndim or x.dtype.char not in "fd" or not x.min(initial=0.0) >= SILU_BOUNDS[x.dtype.char == "d"]:
        return plain(x)
    e: Array = np.exp(-x)
    e += 1.0
    return np.divide(x, e, out=e)


def blockwise(function: Callable[..., Array], x: Array, *rest: Any, each: InBlocks = serially) -> Array:
    """`function` of corresponding elements, block by block; the result keeps the memory order of axes.

    rest: numbers, and arrays of the shape of x (otherwise there is only one block).
    """
    x = np.asarray(x)
    if x.size <= BLOCK or any(v.shape != x.shape for v in rest if np.ndim(v)):
        return function(x, *rest)
    axes, back = outermost_first(x)
    operands = [v.transpose(axes).reshape(-1) if np.ndim(v) else v for v in (x, *rest)]

    def part(at: slice) -> Array:
        return function(*[v[at] if np.ndim(v) else v for v in operands])

    def write(at: slice) -> None:
        y[at] = part(at)

    y = np.empty(x.size, dtype=part(slice(0)).dtype)
    each(write, list(blocks(x.size, BLOCK)))
    return y.reshape([x.shape[axis] for axis in axes]).transpose(back)
