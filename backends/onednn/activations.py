"""Activations of large float32 arrays and their gradients, in few passes over blocks that fit the cache.

Elements that a formula gets wrong are found by the smallest and largest of a block, and computed by NumPy.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from backends import threads
from backends.buffers import FLOAT32, empty
from backends.geometry import Array, blocks
from backends.numpy_backend.special import blockwise
from backends.onednn.choice import active
from backends.onednn.elementwise import has_lost, least, where_not_from
from backends.onednn.formulas import FORMULAS, formula
from backends.onednn.layouts import copied
from backends.onednn.passes import Formula, routine
from backends.strides import dense, in_memory, is_dense

# Elements at a time for each thread: operands and intermediate results stay near the cores, and calls cost little.
BLOCK = 1 << 17
RARE = -10.0  # a block seldom holds elements below a bound that lies lower
VALUE, GRADIENT = ("x", "y"), ("g", "x", "y")


def _kernel(name: str) -> Callable[..., Array | None]:
    def value(x: Array, *parameters: float) -> Array | None:
        if not _suits(x):
            return None
        x = _dense(x)
        return _compute(formula(name, *parameters), VALUE, (x,), parameters)

    def gradient(g: Array, x: Array, *parameters: float) -> Array | None:
        if g.dtype != x.dtype or g.shape != x.shape or not _suits(x):
            return None
        x = _dense(x)
        g = g if g.strides == x.strides else copied(g, x.strides)
        return _compute(formula(name, *parameters), GRADIENT, (g, x), parameters)

    return gradient if name in GRADIENTS else value


def _compute(
    found: Formula | None, names: tuple[str, ...], operands: tuple[Array, ...], parameters: tuple[float, ...]
) -> Array | None:
    if found is None:
        return None
    x = operands[-1]
    y = empty(x.shape, x.strides)
    arrays, plain, wrong = (*operands, y), found.plain, []
    block = BLOCK * threads.get_num_threads()
    whole = y.size <= block or (len(found.passes) == 1 and plain is None)
    parts = [(0, arrays)] if whole else _in_blocks(block, arrays)
    for start, part, steps in [(start, part, routine(names, found, part[-1].size)) for start, part in parts]:
        steps.run(*part)
        if plain is not None:
            wrong += [start + few for few in _wrong(found, *part[-2:])]
    if plain is not None and wrong:
        few, flat = np.concatenate(wrong), [in_memory(v) for v in arrays]
        flat[-1][few] = blockwise(partial(plain, np), *[v[few] for v in flat[:-1]], *parameters)
    return y


def _in_blocks(block: int, arrays: tuple[Array, ...]) -> Iterator[tuple[int, list[Array]]]:
    flat = [in_memory(v) for v in arrays]
    for at in blocks(flat[0].size, block):
        yield at.start, [v[at] for v in flat]


def _wrong(found: Formula, x: Array, y: Array) -> list[Array]:
    """The positions in memory of elements that the passes got wrong; some may occur twice."""
    few = []
    if found.low is not None and (found.low > RARE or _reaches_below(found.low, x)):
        few.append(where_not_from(found.low, in_memory(x)))
    if found.high < math.inf and not np.maximum.reduce(x, axis=None) <= found.high:
        few.append(np.flatnonzero(~(in_memory(x) <= found.high)))
    if found.lost and has_lost(y):
        few.append(np.flatnonzero(~(in_memory(y) < np.inf)))
    return few


def _reaches_below(low: float, x: Array) -> bool:
    """Whether there may be an element below a bound, or NaN."""
    return has_lost(x) if low == -math.inf else not least(x) >= low


def _suits(x: Array) -> bool:
    return bool(x.dtype == FLOAT32 and x.size and active())


def _dense(x: Array) -> Array:
    """The array itself, or a copy in C order if it has gaps in memory."""
    return x if is_dense(x.shape, x.strides) else copied(x, dense(x.shape))


GRADIENTS = {"leaky_gate", "within", *[name for name in FORMULAS if name.endswith("_gradient")]}
globals().update({name: _kernel(name) for name in FORMULAS})
