"""Pooling to a given output size: cell i of n elements in m cells covers ⌊i·n / m⌋ to ⌈(i + 1)·n / m⌉."""

import math
from collections.abc import Iterable

import numpy as np

from autograd_core import functional
from autograd_core.engine.arguments import in_float32
from autograd_core.errors import OperandError
from autograd_core.kinds import POOLING
from autograd_core.ops.images.planes import check_filled, with_batch
from autograd_core.ops.images.pooling import avg_pool, max_pooled
from autograd_core.ops.images.resampling import resample
from autograd_core.ops.images.taps import cells, mean_of_cells
from autograd_core.registry import composition, op, sample
from backends.geometry import Window


def _cell(at, shape, size):
    """The elements of a plane that a cell covers, tested one by one."""
    return np.ix_(*[
        [j for j in range(n) if i * n // m <= j < -(-(i + 1) * n // m)] for i, n, m in zip(at, shape, size, strict=True)
    ])


def _sizes(x, size):
    rank = x.ndim - 2
    size = (size,) * rank if size is None or isinstance(size, int) else size
    return [n if m is None else m for n, m in zip(x.shape[2:], size, strict=True)]


def _slow_mean(x, output_size):
    size = _sizes(x, output_size)
    y = np.zeros((*x.shape[:2], *size))
    for at in np.ndindex(*y.shape):
        y[at] = x[at[:2]][_cell(at[2:], x.shape[2:], size)].mean()
    return y


def _slow_max(x, output_size):
    size, plane = _sizes(x, output_size), np.arange(math.prod(x.shape[2:])).reshape(x.shape[2:])
    y, indices = np.zeros((*x.shape[:2], *size)), np.zeros((*x.shape[:2], *size), int)
    for at in np.ndindex(*y.shape):
        cell = _cell(at[2:], x.shape[2:], size)
        values = x[at[:2]][cell]
        y[at], indices[at] = values.max(), plane[cell].ravel()[values.argmax()]
    return y, indices


def _slow_max_pool(x, output_size, return_indices=False):
    y, indices = _slow_max(x, output_size)
    return (y, indices) if return_indices else y


@op(POOLING, symbol="max pool", outputs=("values", "indices"), reference=_slow_max,
    samples=(sample((1, 2, 5), output_size=(3,)),
             sample((2, 1, 4, 3), output_size=(3, 2)),
             sample((1, 1, 2, 3), output_size=(3, 5)),
             sample((0, 1, 5), output_size=(3,))),
    vjp=lambda xp, g, x_shape, indices: xp.unpool(g[0], indices, shape=x_shape))
def max_pool_cells(xp, x, *, output_size):
    """Largest element of every cell of an uneven grid (the first of ties), and its index into the plane."""
    windows = [
        list(zip(*(bounds.tolist() for bounds in cells(n, m)), strict=True))
        for n, m in zip(x.shape[2:], output_size, strict=True)
    ]
    return xp.kernels.max_of_cells(x, windows)


def _prepared(input, output_size, rank, name):
    """(batched input, whether it had no batch, lengths), after checks."""
    x, single = with_batch(input, rank, name)
    given = tuple(output_size) if isinstance(output_size, Iterable) else (output_size,) * rank
    given = given * rank if len(given) == 1 else given
    if len(given) != rank or any(m is not None and m < 0 for m in given):
        raise OperandError(f"{name}(): output_size={output_size} does not give {rank} lengths")
    check_filled(input, rank, name)
    return x, single, tuple(n if m is None else m for n, m in zip(x.shape[2:], given, strict=True))


def _even(shape, sizes):
    """The window sizes that pool axes evenly into these sizes, or None."""
    if all(m and n % m == 0 for n, m in zip(shape, sizes, strict=True)):
        return tuple(n // m for n, m in zip(shape, sizes, strict=True))
    return None


def adaptive_avg_pool(input, output_size):
    """Means of the cells of a grid over (N, C, ...)."""
    rank = input.ndim - 2
    if all(m == 1 for m in output_size):
        return functional.mean(input, dim=tuple(range(2, input.ndim)), keepdim=True)
    size = _even(input.shape[2:], output_size)
    if size:
        return avg_pool(input, window=Window(size, size, (0,) * rank, (1,) * rank))
    return _uneven(input, output_size)


@in_float32
def _uneven(input, output_size):
    for dim, (n, m) in enumerate(zip(input.shape[2:], output_size, strict=True), 2):
        if n != m:
            input = resample(input, dim=dim, taps=mean_of_cells(n, m))
    return input


def _avg(input, output_size, rank):
    x, single, sizes = _prepared(input, output_size, rank, f"adaptive_avg_pool{rank}d")
    y = adaptive_avg_pool(x, sizes)
    return y.squeeze(0) if single else y


def _max(input, output_size, return_indices, rank):
    x, single, sizes = _prepared(input, output_size, rank, f"adaptive_max_pool{rank}d")
    window = _even(x.shape[2:], sizes)
    if window:
        return max_pooled(input, window, None, 0, 1, False, return_indices, rank)
    pooled = max_pool_cells(x, output_size=sizes)
    values, indices = (v.squeeze(0) for v in pooled) if single else pooled
    return (values, indices) if return_indices else values


@composition(POOLING, reference=_slow_mean,
             samples=(sample((1, 2, 6), 3), sample((1, 2, 5), 2), sample((1, 1, 3), 1), sample((0, 2, 5), 3)))
def adaptive_avg_pool1d(input, output_size):
    """Means of (N, C, L) over `output_size` cells; see `adaptive_avg_pool2d`."""
    return _avg(input, output_size, 1)


@composition(POOLING, reference=_slow_mean,
             samples=(sample((1, 2, 4, 5), output_size=(2, 3)),
                      sample((1, 1, 3, 4), (None, 3)),
                      sample((0, 1, 3, 4), 2)))
def adaptive_avg_pool2d(input, output_size):
    """Means of images (N, C, H, W) over a grid of `output_size` cells; None keeps the length of an axis.

    Cell i of n elements in m cells goes from ⌊i·n / m⌋ to ⌈(i + 1)·n / m⌉.
    """
    return _avg(input, output_size, 2)


@composition(POOLING, reference=_slow_mean,
             samples=(sample((1, 1, 2, 3, 4), output_size=(2, 2, 3)), sample((0, 1, 2, 2, 3), 2)))
def adaptive_avg_pool3d(input, output_size):
    """Means of volumes (N, C, D, H, W) over a grid of `output_size` cells; see `adaptive_avg_pool2d`."""
    return _avg(input, output_size, 3)


@composition(POOLING, reference=_slow_max_pool,
             samples=(sample((1, 2, 6), 3, True), sample((1, 2, 5), 2), sample((0, 2, 5), 3)))
def adaptive_max_pool1d(input, output_size, return_indices=False):
    """Largest elements of (N, C, L) in `output_size` cells; see `adaptive_max_pool2d`."""
    return _max(input, output_size, return_indices, 1)


@composition(POOLING, reference=_slow_max_pool,
             samples=(sample((1, 2, 4, 5), output_size=(2, 3), return_indices=True),
                      sample((1, 1, 3, 4), (None, 3)),
                      sample((0, 1, 3, 4), 2)))
def adaptive_max_pool2d(input, output_size, return_indices=False):
    """Largest elements of images (N, C, H, W) in a grid of `output_size` cells; None keeps the length of an axis.

    The cells are those of `adaptive_avg_pool2d`. The first of ties gets the gradient. return_indices: also return its
    index into the flattened plane.
    """
    return _max(input, output_size, return_indices, 2)


@composition(POOLING, reference=_slow_max_pool,
             samples=(sample((1, 1, 2, 3, 4), output_size=(2, 2, 3)), sample((0, 1, 2, 2, 3), 2)))
def adaptive_max_pool3d(input, output_size, return_indices=False):
    """Largest elements of volumes (N, C, D, H, W) in a grid of `output_size` cells; see `adaptive_max_pool2d`."""
    return _max(input, output_size, return_indices, 3)
