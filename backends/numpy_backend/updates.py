"""Optimizer steps of many passes, in blocks that stay in the level-2 cache."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backends.geometry import Array
from backends.strides import outermost_first

# Five arrays of a block fit a level-2 cache of 1 MiB; the calls of smaller blocks cost more than they save.
BLOCK_BYTES = 128 << 10


def in_blocks(update: Callable[..., None], p: Array, g: Array, *state: Array, **options: Any) -> None:
    """`update` block by block if the arrays have the same dense layout, else of the whole arrays at once."""
    if p.nbytes > BLOCK_BYTES:
        if g.strides != p.strides:
            arranged = np.empty_like(p)
            arranged[...] = g
            g = arranged
        order, _ = outermost_first(p)
        rows = [a.transpose(order) for a in (p, g, *state)]
        if all(a.flags.c_contiguous for a in rows):
            rows, length = [a.reshape(-1) for a in rows], BLOCK_BYTES // p.itemsize
            for start in range(0, p.size, length):
                update(*[a[start : start + length] for a in rows], **options)
            return
    update(p, g, *state, **options)


def rescale(plain: Callable[..., None], arrays: Sequence[Array], factor: Array, found: Array | None = None) -> None:
    """See `backends.generic.optimizers.rescale`, here `plain`, which is not needed where nothing would change."""
    if found is not None or factor != 1:
        plain(arrays, factor, found)
