"""Normalisation of groups of channels of channels-last images, sample by sample.

The statistics of groups follow from those of channels, which a normalisation by the batch computes, for a batch of one.
Its gradient with fixed statistics gives the sums that the gradient of a group needs; one more pass completes each. That
takes several pixels as one long line, up to four times as fast as pixel by pixel.
"""

from typing import Any

import numpy as np

from backends.buffers import FLOAT32, empty
from backends.geometry import Array
from backends.numpy_backend.groups import line_width
from backends.onednn import group_rows
from backends.onednn.choice import active
from backends.onednn.layouts import to_channels_last
from backends.onednn.normalization import backward, forward, parameter, scaling
from backends.onednn.passes import ADD, MUL, REPEATED, SUB, chained
from backends.strides import channels_last_strides, is_channels_last

SMALL = 1 << 15  # elements of a sample: below this the calls for each cost more than they save


def normalize_groups(
    x: Array, weight: Array | None, bias: Array | None, groups: int, eps: float
) -> tuple[Array, Any, Array] | None:
    """See `backends.generic.normalization.normalize_groups`."""
    if not _suits(x):
        return group_rows.normalize_groups(x, weight, bias, groups, eps)
    one, (n, channels) = (1, *x.shape[1:]), x.shape[:2]
    of_channels, of_groups = forward(one, eps, False), scaling(one)
    y, (mean, var) = empty(x.shape, channels_last_strides(x.shape)), np.empty((2, n, channels), FLOAT32)
    ones, bias = np.ones(channels, FLOAT32), parameter(bias, 0, channels)
    for i in range(n):
        of_channels.run(x[i], y[i], mean[i], var[i], ones, bias)
    means, squares = (v.reshape(n, groups, -1).astype(np.float64) for v in (mean, var))
    center = means.mean(axis=2)
    scale = 1 / np.sqrt(squares.mean(axis=2) + means.var(axis=2) + eps)
    centers, factors = (np.repeat(v.astype(FLOAT32), channels // groups, axis=1) for v in (center, scale))
    factors *= parameter(weight, 1, channels)
    for i in range(n):
        of_groups.run(x[i], y[i], centers[i], ones, factors[i], bias)
    return y, center.reshape(-1, 1).astype(FLOAT32), scale.reshape(-1, 1).astype(FLOAT32)


def group_gradients(
    g: Array, x: Array, weight: Array | None, mean: Array, scale: Array, groups: int, needs: tuple[bool, ...]
) -> group_rows.Three | None:
    """See `backends.generic.normalization.group_gradients`."""
    if g.dtype != FLOAT32 or not _suits(x):
        return group_rows.group_gradients(g, x, weight, mean, scale, groups, needs)
    (n, channels), width = x.shape[:2], line_width(x)
    plan = backward((1, *x.shape[1:]), 0.0, False, True)
    # (x - row)·row + row + dx; operands: x, the first row, the result, the others
    lines, steps = (x[0].size // (width * channels), width * channels), ((MUL, REPEATED), (ADD, REPEATED), (ADD,))
    rest = chained(lines, SUB, steps, (1, lines[1]))
    each, weight = channels // groups, parameter(weight, 1, channels)
    centers, scales = (np.repeat(v.reshape(n, groups), each, axis=1) for v in (mean, scale))
    g, dx, var = to_channels_last(g), empty(x.shape, channels_last_strides(x.shape)), 1 / (scales * scales)
    of_weight, of_bias = np.empty((2, n, channels), FLOAT32)
    for i in range(n):
        plan.run(x[i], g[i], dx[i], centers[i], var[i], weight, of_weight[i], of_bias[i])
    of_normal, of_mean = (
        np.repeat((v * weight).reshape(n, groups, each).sum(axis=2), each, axis=1) * (scales / -(x[0, 0].size * each))
        for v in (of_weight, of_bias)
    )
    of_normal *= scales
    centers, of_normal, of_mean = (np.tile(v, width) for v in (centers, of_normal, of_mean))
    for i in range(n):
        rest.run(x[i], centers[i], dx[i], of_normal[i], of_mean[i], dx[i])
    return dx, of_weight.sum(axis=0), of_bias.sum(axis=0)


def _suits(x: Array) -> bool:
    lies = x.ndim > 2 and x.size >= SMALL * len(x) > 0 and is_channels_last(x.shape, x.strides)
    return lies and x.dtype == FLOAT32 and not x.flags.c_contiguous and active()
