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
# SciPy's functions by our kernels and their further arguments. In float64 they lose digits in tails and near zeros, but
# none that float32 can show, except in oscillating functions.
OF_SCIPY: dict[str, dict[tuple[Any, ...], str]] = {
    **{name: {(): name} for name in ("erfc", "erfcx", "erfinv", "log_ndtr", "ndtr", "ndtri")},
    "bessel_j": {(0,): "j0", (1,): "j1"},
    "bessel_y": {(0,): "y0", (1,): "y1"},
    "digamma": {(): "psi"},
    "lgamma": {(): "gammaln"},
    "modified_bessel_i": {(0, False): "i0", (1, False): "i1", (0, True): "i0e", (1, True): "i1e"},
    "modified_bessel_k": {(0, False): "k0", (1, False): "k1", (0, True): "k0e", (1, True): "k1e"},
}
OSCILLATING = {"j0", "j1", "y0", "y1"}
NEAR_ZERO = 2.0**-22  # times √x: an oscillating function below it is computed anew


def in_double(
    library: Any, names: dict[tuple[Any, ...], str], plain: Callable[..., Array], x: Array, *which: Any
) -> Array:
    """`plain(x, *which)`; for float32 by a function of SciPy, in float64, where that is exact."""
    name = names.get(which)
    if name is None or getattr(x, "dtype", None) != FLOAT32:
        return plain(x, *which)
    function = getattr(library, name)
    if name == "gammaln":
        x = np.where(x == -np.inf, np.inf, x)  # the result is ∞, as in C; SciPy's is -∞

    def rounded(part: Array) -> Array:
        with np.errstate(all="ignore"):  # not inherited by threads
            y = np.asarray(function(part, dtype=float))
            if which:
                exact = np.abs(y) >= (NEAR_ZERO * np.sqrt(np.abs(part)) if name in OSCILLATING else 0)
                if not exact.all():  # also for NaN, which SciPy returns at some infinities
                    y[~exact] = plain(part[~exact], *which)
        return y.astype(FLOAT32)

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
