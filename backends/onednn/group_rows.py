"""Normalisation of groups of channels as rows of a matrix, for images in C order, or copied to it.

A row is normalised as in layer normalisation; channels are then scaled and shifted in one more pass. In the gradient
a plane of each channel is a row, and what a group loses by its mean and its scale follows from the sums of its planes.
"""

from math import prod
from typing import Any

import numpy as np

from backends.buffers import FLOAT32, empty
from backends.generic.normalization import of_groups
from backends.geometry import Array, Sizes, blocks
from backends.numpy_backend.copies import contiguous
from backends.numpy_backend.reduction import dots, total
from backends.onednn import layer_norm
from backends.onednn.choice import active
from backends.onednn.layouts import to_channels_last
from backends.onednn.normalization import parameter
from backends.onednn.passes import ADD, MUL, REPEATED, SUB, chained
from backends.onednn.plans import Plan
from backends.strides import is_channels_last
from backends.threads import get_num_threads

SMALL, SMALL_GRADIENT = 1 << 13, 1 << 15  # elements: below this the calls cost more than they save
BLOCK = 1 << 18  # elements of a gradient at a time for each thread, which stay near the cores
Three = tuple[Array | None, Array | None, Array | None]


def normalize_groups(
    x: Array, weight: Array | None, bias: Array | None, groups: int, eps: float
) -> tuple[Array, Any, Array] | None:
    """See `backends.generic.normalization.normalize_groups`."""
    planes = _planes(x)
    if planes is None:
        return None
    found = layer_norm.normalize_rows(contiguous(x).reshape(of_groups(x.shape, groups)), None, None, eps, True)
    if found is None:
        return None
    (y, mean, scale), channels = found, x.shape[1]
    if weight is not None or bias is not None:
        plan = _by_channels(MUL, ((ADD, REPEATED),), planes)
        plan.run(y, parameter(weight, 1, channels), y, parameter(bias, 0, channels))
    return _like(x, y.reshape(x.shape)), mean, scale


def group_gradients(
    g: Array, x: Array, weight: Array | None, mean: Array, scale: Array, groups: int, needs: tuple[bool, ...]
) -> Three | None:
    """See `backends.generic.normalization.group_gradients`."""
    planes = _planes(x)
    if planes is None or g.dtype != FLOAT32 or x.size < SMALL_GRADIENT:
        return None
    (n, channels, size), each = planes, x.shape[1] // groups
    gs, xs = (contiguous(v).reshape(-1, size) for v in (g, x))
    means, scales = (np.repeat(v, each) for v in (mean, scale))
    weights = np.tile(parameter(weight, 1, channels), n)
    slopes, dx, (of_mean, of_normal) = weights * scales, empty(gs.shape), np.empty((2, n * channels), FLOAT32)
    step = max(1, BLOCK * get_num_threads() // (channels * size))
    for at in blocks(n * channels, step * channels):
        rows = 1, at.stop - at.start, size
        normal = empty(rows[1:])
        _by_channels(SUB, ((MUL, REPEATED),), rows).run(xs[at], means[at], normal, scales[at])
        of_mean[at], of_normal[at] = total(gs[at], (1,), False), dots(gs[at], normal)[:, 0]
        if needs[0]:
            lost = [
                np.repeat((v[at] * weights[at]).reshape(-1, each).sum(axis=1) / -(each * size), each) * scales[at]
                for v in (of_normal, of_mean)
            ]
            _by_channels(MUL, ((ADD, REPEATED),), rows).run(normal, lost[0], normal, lost[1])
            _by_channels(MUL, ((ADD,),), rows).run(gs[at], slopes[at], dx[at], normal)
    of_weight, of_bias = (
        total(v.reshape(n, channels), (0,), False) if needed else None
        for v, needed in zip((of_normal, of_mean), needs[1:], strict=True)
    )
    return _like(x, dx.reshape(x.shape)) if needs[0] else None, of_weight, of_bias


def _planes(x: Array) -> Sizes | None:
    """The shape (N, C, P) of float32 images in a suitable order."""
    if x.ndim < 3 or x.size < SMALL or x.dtype != FLOAT32 or not active():
        return None
    if not (x.flags.c_contiguous or is_channels_last(x.shape, x.strides)):
        return None
    return *x.shape[:2], prod(x.shape[2:])


def _like(x: Array, y: Array) -> Array:
    return y if x.flags.c_contiguous else to_channels_last(y)


def _by_channels(kind: int, steps: tuple[tuple[Any, ...], ...], planes: Sizes) -> Plan:
    """Operations with a number for each channel; operands: x, the first numbers, the result, those of the steps."""
    return chained(planes, kind, steps, (1, planes[1], 1))
