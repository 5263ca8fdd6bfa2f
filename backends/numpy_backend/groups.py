"""The gradients of group normalisation, for as many groups at a time as fit the cache."""

from collections.abc import Callable

import numpy as np

from backends.buffers import empty
from backends.generic.normalization import of_groups
from backends.geometry import Array, blocks
from backends.numpy_backend.reduction import dots, total
from backends.threads import in_blocks

LARGE = 1 << 14  # elements: from here the additional calls pay
BLOCK = 1 << 15  # elements at a time: several copies of a block fit the level-2 cache
Three = tuple[Array | None, Array | None, Array | None]


def group_gradients(
    plain: Callable[..., Three],
    g: Array,
    x: Array,
    weight: Array | None,
    mean: Array,
    scale: Array,
    groups: int,
    needs: tuple[bool, ...],
) -> Three:
    """See `backends.generic.normalization.group_gradients`, here `plain`, which is as fast without a scale."""
    if weight is None or x.size < LARGE or x.dtype.char not in "fd" or g.dtype != x.dtype:
        return plain(g, x, weight, mean, scale, groups, needs)
    rows, dx, each = x.reshape(of_groups(x.shape, groups)), empty(x.shape, None, x.dtype), x.shape[1] // groups
    gs, into = (v.reshape(x.shape[0] * x.shape[1], -1) for v in (g, dx))
    factors = np.tile(weight, len(x))[:, None]
    of_weight, of_bias = np.empty((2, len(gs), 1), x.dtype)

    def block(at: slice) -> None:
        own = slice(at.start * each, at.stop * each)  # the channels of these groups
        with np.errstate(all="ignore"):  # not inherited by threads
            d, scales = rows[at] - mean[at], np.repeat(scale[at], each, axis=0)
            of_bias[own] = total(gs[own], (1,), True)
            of_weight[own] = dots(gs[own], d.reshape(gs[own].shape)) * scales
            of_normal, of_mean = (
                (v[own] * factors[own]).reshape(len(d), each).sum(axis=1, keepdims=True) * (scale[at] / -rows.shape[1])
                for v in (of_weight, of_bias)
            )
            d *= of_normal * scale[at]
            d += of_mean
            np.multiply(gs[own], scales * factors[own], out=into[own])
            into[own] += d.reshape(into[own].shape)

    in_blocks(block, blocks(len(rows), max(1, BLOCK // rows.shape[1])))
    g_weight, g_bias = (v.reshape(x.shape[:2]).sum(axis=0) for v in (of_weight, of_bias))
    return dx, g_weight, g_bias
