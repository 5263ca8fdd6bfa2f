"""Max pooling over windows with random steps (Graham 2014)."""

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.creation.values import where_it_is
from autograd_core.errors import OperandError
from autograd_core.kinds import POOLING
from autograd_core.ops.images.planes import check_filled, each, with_batch
from autograd_core.ops.images.pooling import take_plane
from autograd_core.registry import composition, sample


def _sizes(input, output_size, output_ratio, rank, name):
    if (output_size is None) == (output_ratio is None):
        raise ValueError(f"{name}() takes either output_size or output_ratio")
    if output_size is not None:
        return each(output_size, rank, "output_size")
    ratios = tuple(output_ratio) if isinstance(output_ratio, Iterable) else (output_ratio,) * rank
    if len(ratios) != rank or not all(0 < ratio < 1 for ratio in ratios):
        raise ValueError(f"{name}(): output_ratio must be {rank} numbers between 0 and 1, not {output_ratio}")
    return tuple(int(n * ratio) for n, ratio in zip(input.shape[-rank:], ratios, strict=True))


def _starts(draws, n, count, window):
    """The starts of `count` windows along an axis of n, for every draw (N, C): randomly ⌊a⌋ or ⌈a⌉ apart."""
    step = (n - window) / (count - 1) if count > 1 else 0.0
    moved = draws[..., None] + functional.arange(count - 1, dtype=draws.dtype, device=draws.device)
    starts = functional.floor(moved * step) - functional.floor(draws * step)[..., None]
    end = functional.full((*draws.shape, 1), n - window, dtype=draws.dtype, device=draws.device)
    return functional.cat([starts, end], dim=-1).astype("int64")


def _windows(draws, shape, sizes, kernel):
    """Flat indices into the plane of every window's elements: (N, C, *sizes, elements)."""
    rank = len(sizes)
    flat: Any = 0
    for i, (n, m, k) in enumerate(zip(shape, sizes, kernel, strict=True)):
        # For images, unlike volumes, the first draw belongs to the last axis.
        start = _starts(draws[..., rank - 1 - i if rank == 2 else i], n, m, k)
        places = start[..., None] + functional.arange(k, device=draws.device)
        around = [m if j == i else 1 for j in range(rank)] + [k if j == i else 1 for j in range(rank)]
        flat = flat * n + places.reshape((*draws.shape[:2], *around))
    return flat.reshape((*flat.shape[: rank + 2], math.prod(kernel)))


def _pool(input, kernel_size, output_size, output_ratio, return_indices, draws, rank):
    name = f"fractional_max_pool{rank}d"
    x, single = with_batch(input, rank, name)
    check_filled(input, rank + 1, name)
    kernel, sizes = each(kernel_size, rank, "kernel_size"), _sizes(input, output_size, output_ratio, rank, name)
    if min(*kernel, *sizes) < 1 or any(m + k - 1 > n for n, m, k in zip(x.shape[2:], sizes, kernel, strict=True)):
        raise OperandError(f"{name}(): {sizes} windows of {kernel} do not fit into planes of {x.shape[2:]}")
    draws = (
        functional.rand(*x.shape[:2], rank, dtype=x.dtype, device=x.device)
        if draws is None
        else where_it_is(draws)
    )
    if draws.shape != (*x.shape[:2], rank):
        raise OperandError(f"{name}(): _random_samples must have shape {(*x.shape[:2], rank)}, not {draws.shape}")
    windows = _windows(draws.detach(), x.shape[2:], sizes, kernel)
    values, best = functional.max_along(take_plane(x, windows), dim=-1)
    indices = functional.gather(windows, -1, best[..., None])[..., 0]
    if single:
        values, indices = values.squeeze(0), indices.squeeze(0)
    return (values, indices) if return_indices else values


def _slow_pool(x, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
    rank = x.ndim - 2
    plane = x.shape[2:]
    kernel = np.broadcast_to(kernel_size, rank)
    size = np.broadcast_to(output_size, rank) if output_ratio is None else (np.array(plane) * output_ratio).astype(int)
    y, indices = np.zeros((*x.shape[:2], *size)), np.zeros((*x.shape[:2], *size), int)
    for n, c in np.ndindex(*x.shape[:2]):
        draws = _random_samples[n, c, ::-1] if rank == 2 else _random_samples[n, c]
        starts = [
            [int((i + u) * a) - int(u * a) for i in range(m - 1)] + [length - k]
            for u, length, m, k in zip(draws, plane, size, kernel, strict=True)
            for a in [(length - k) / max(m - 1, 1)]
        ]
        for at in np.ndindex(*size):
            corner = [s[i] for s, i in zip(starts, at, strict=True)]
            window = itertools.product(*[range(a, a + k) for a, k in zip(corner, kernel, strict=True)])
            best = max(window, key=lambda w: x[(n, c, *w)])
            y[(n, c, *at)], indices[(n, c, *at)] = x[(n, c, *best)], np.ravel_multi_index(best, plane)
    return (y, indices) if return_indices else y


@composition(POOLING, reference=_slow_pool,
             samples=(sample((1, 2, 5, 4), 2, output_size=(3, 2), _random_samples=np.array([[[0.3, 0.9], [0.6, 0.1]]])),
                      sample((1, 1, 6, 5), kernel_size=(3, 2), output_ratio=0.5, return_indices=True,
                             _random_samples=np.array([[[0.7, 0.2]]])),
                      sample((0, 1, 4, 4), 2, 2, _random_samples=np.zeros((0, 1, 2)))))
def fractional_max_pool2d(
    input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None
):
    """Largest elements of `output_size` windows at random steps over images (N, C, H, W).

    output_ratio: the ratio of output size to input size. _random_samples (N, C, 2): the numbers in [0, 1) to use.
    """
    return _pool(input, kernel_size, output_size, output_ratio, return_indices, _random_samples, 2)


@composition(POOLING, reference=_slow_pool,
             samples=(sample((1, 1, 3, 2, 4), kernel_size=(2, 1, 2), output_size=(2, 2, 2),
                             _random_samples=np.array([[[0.3, 0.9, 0.5]]])),
                      sample((0, 1, 4, 4, 4), 2, 2, _random_samples=np.zeros((0, 1, 3)))))
def fractional_max_pool3d(
    input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None
):
    """Largest elements of `output_size` windows at random steps over (N, C, D, H, W); see `fractional_max_pool2d`."""
    return _pool(input, kernel_size, output_size, output_ratio, return_indices, _random_samples, 3)
