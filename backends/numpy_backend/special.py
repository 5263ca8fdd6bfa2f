"""Elementwise kernels of many passes, kept in the cache; those of float32 that SciPy computes as exactly in one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from backends.buffers import FLOAT32
from backends.generic.im2col import InBlocks, serially
from backends.geometry import Array, blocks
from backends.threads import in_blocks

# Several float64 temporaries of a block fit the level-2 cache; smaller blocks pay for more calls than they save.
# Threads over the blocks gain nothing, or lose a half: after every pass, of 10 µs, they wait for the interpreter.
BLOCK = 1 << 15
# Our kernels by SciPy's names for them. Its float64 loses digits in tails and next to zeros, but none that float32 has.
OF_SCIPY = {
    "digamma": "psi", "erfc": "erfc", "erfcx": "erfcx", "erfinv": "erfinv", "lgamma": "gammaln", "log_ndtr": "log_ndtr",
    "ndtr": "ndtr", "ndtri": "ndtri",
}  # fmt: skip


def in_double(library: Any, name: str, plain: Callable[[Array], Array], x: Array) -> Array:
    """`plain(x)`; of float32 by a function of SciPy, in float64."""
    if getattr(x, "dtype", None) != FLOAT32:
        return plain(x)
    function = getattr(library, name)
    if name == "gammaln":
        x = np.where(x == -np.inf, np.inf, x)  # there it is ∞, as in C, and SciPy's -∞

    def rounded(part: Array) -> Array:
        with np.errstate(all="ignore"):  # which threads do not inherit
            return np.asarray(function(part, dtype=float)).astype(FLOAT32)

    return blockwise(rounded, x, each=in_blocks)


def blockwise(function: Callable[..., Array], x: Array, *rest: Any, each: InBlocks = serially) -> Array:
    """`function` of corresponding elements, a block at a time; the result keeps the order of axes in memory.

    rest: arrays that lie in memory as x does (else there are no blocks), and numbers.
    """
    x = np.asarray(x)
    if x.size <= BLOCK or not all(v.shape == x.shape and v.strides == x.strides for v in rest if np.ndim(v)):
        return function(x, *rest)
    axes = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    operands = [v.transpose(axes).reshape(-1) if np.ndim(v) else v for v in (x, *rest)]

    def part(at: slice) -> Array:
        return function(*[v[at] if np.ndim(v) else v for v in operands])

    def write(at: slice) -> None:
        y[at] = part(at)

    y = np.empty(x.size, dtype=part(slice(0)).dtype)
    each(write, list(blocks(x.size, BLOCK)))
    return y.reshape([x.shape[axis] for axis in axes]).transpose(np.argsort(axes))
