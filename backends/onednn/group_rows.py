"""Normalisation of groups of channels as rows of a matrix, for images in C order, or copied to it.

A row is normalised as in layer normalisation; channels are then scaled and shifted in one more pass.
"""

from math import prod
from typing import Any

import numpy as np

from backends.buffers import FLOAT32, empty
from backends.generic.normalization import of_groups
from backends.geometry import Array, Sizes
from backends.numpy_backend.copies import contiguous
from backends.numpy_backend.reduction import dots, total
from backends.onednn import layer_norm
from backends.onednn.choice import active
from backends.onednn.layouts import to_channels_last
from backends.onednn.normalization import parameter
from backends.onednn.passes import ADD, MUL, REPEATED, SUB, chained
from backends.onednn.plans import Plan
from backends.strides import is_channels_last

SMALL, SMALL_GRADIENT = 1 << 13, 1 << 15  # elements: below this the calls cost more than they save
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
        plan = _by_channels(MUL, (ADD,), planes)
        plan.run(y, parameter(weight, 1, channels), y, parameter(bias, 0, channels))
    return _like(x, y.reshape(x.shape)), mean, scale


def group_gradients(
    g: Array, x: Array, weight: Array | None, mean: Array, scale: Array, groups: int, needs: tuple[bool, ...]
) -> Three | None:
    """See `backends.generic.normalization.group_gradients`."""
    planes = _planes(x)
    if planes is None or g.dtype != FLOAT32 or x.size < SMALL_GRADIENT:
        return None
    (n, channels, size), gs, xs = planes, contiguous(g), contiguous(x)
    scaling, centering = _by_channels(MUL, (), planes), _by_channels(SUB, (MUL,), (1, n * channels, size))
    dx = of_weight = None
    if needs[1]:
        normal, (means, scales) = empty(planes), (np.repeat(v, channels // groups) for v in (mean, scale))
        centering.run(xs, means, normal, scales)
        products = dots(*[v.reshape(n * channels, size) for v in (gs, normal)])
        of_weight = products.reshape(n, channels).sum(axis=0)
    if needs[0]:
        weighted = gs
        if weight is not None:
            weighted = empty(gs.shape)
            scaling.run(gs, parameter(weight, 1, channels), weighted)
        rows = of_groups(x.shape, groups)
        found = layer_norm.row_gradients(
            weighted.reshape(rows), xs.reshape(rows), None, mean, scale, (True, False, False)
        )
        if found is None:
            return None
        dx = _like(x, found[0].reshape(x.shape))
    return dx, of_weight, total(gs.reshape(planes), (0, 2), False) if needs[2] else None


def _planes(x: Array) -> Sizes | None:
    """The shape (N, C, P) of float32 images in a suitable order."""
    if x.ndim < 3 or x.size < SMALL or x.dtype != FLOAT32 or not active():
        return None
    if not (x.flags.c_contiguous or is_channels_last(x.shape, x.strides)):
        return None
    return *x.shape[:2], prod(x.shape[2:])


def _like(x: Array, y: Array) -> Array:
    return y if x.flags.c_contiguous else to_channels_last(y)


def _by_channels(kind: int, chain: tuple[int, ...], planes: Sizes) -> Plan:
    """Operations with a number for each channel; operands: x, the first numbers, the result, the others."""
    return chained(planes, kind, tuple([(step, REPEATED) for step in chain]), (1, planes[1], 1))
