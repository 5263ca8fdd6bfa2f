"""Normalisation by the statistics of a row."""

from typing import Any

import numpy as np

from backends.buffers import FLOAT32, empty
from backends.geometry import Array, Sizes
from backends.onednn.choice import active
from backends.onednn.normalization import GLOBAL_STATISTICS, USE_SCALE, USE_SHIFT, parameter
from backends.onednn.passes import MUL, chained, kept
from backends.onednn.plans import BACKWARD, TRAINING, Plan, Workshop, planned

SMALL = 1 << 10  # elements: below this NumPy is as fast


def normalize_rows(
    x: Array, weight: Array | None, bias: Array | None, eps: float, centered: bool
) -> tuple[Array, Array | None, Array] | None:
    """See `generic.normalization.normalize_rows`; uncentred rows are normalised with a mean of 0."""
    if x.dtype != FLOAT32 or x.size < SMALL or not active():
        return None
    plan = _forward(x.shape, eps, centered)
    x, n = np.ascontiguousarray(x), x.shape[1]
    y, mean = empty(x.shape), np.zeros((len(x), 1), FLOAT32)
    var = np.empty_like(mean) if centered else np.einsum("ri,ri->r", x, x)[:, None] / FLOAT32.type(n)
    plan.run(x, y, mean, var, parameter(weight, 1, n), parameter(bias, 0, n))
    return y, mean if centered else None, 1 / np.sqrt(var + FLOAT32.type(eps))


def row_gradients(
    g: Array, x: Array, weight: Array | None, mean: Array | None, scale: Array, needs: tuple[bool, ...]
) -> tuple[Array, Array, Array] | None:
    """See `generic.normalization.row_gradients`."""
    if not (x.dtype == g.dtype == FLOAT32) or x.size < SMALL or not active():
        return None
    plan = _backward(x.shape, mean is not None)
    g, x, n = np.ascontiguousarray(g), np.ascontiguousarray(x), x.shape[1]
    dx, (g_weight, g_bias) = empty(x.shape), np.empty((2, n), FLOAT32)
    means = np.zeros(x.shape[:1], FLOAT32) if mean is None else np.ascontiguousarray(mean)
    weight, bias = parameter(weight, 1, n), np.zeros(n, FLOAT32)
    plan.run(x, g, dx, means, 1 / (scale * scale), weight, bias, g_weight, g_bias)
    if mean is None:  # subtract the term of the mean square from the gradients of the rows
        column = np.einsum("ri,ri->r", dx, x)[:, None] * (scale * scale / -n)
        chained(x.shape, MUL, (kept(1.0),), column.shape).run(x, column, dx)
    return dx, g_weight, g_bias


def _described(workshop: Workshop, shape: Sizes, eps: float, centered: bool) -> tuple[Any, ...]:
    """Descriptors of the rows, of a number per row and per column, of the forward primitive, and its flags."""
    x = workshop.memory(shape, (4 * shape[1], 4))
    each, parameters = workshop.memory(shape[:1], (4,)), workshop.memory(shape[1:], (4,))
    flags = USE_SCALE | USE_SHIFT | GLOBAL_STATISTICS * (not centered)
    forward = workshop.primitive("layer_normalization_forward", TRAINING, x, x, each, eps, flags)
    return x, each, parameters, forward, flags


@planned
def _forward(workshop: Workshop, shape: Sizes, eps: float, centered: bool) -> Plan:
    x, each, parameters, desc, _ = _described(workshop, shape, eps, centered)
    return Plan(workshop, desc, src=x, dst=x, mean=each, variance=each, scale=parameters, shift=parameters)


@planned
def _backward(workshop: Workshop, shape: Sizes, centered: bool) -> Plan:
    x, each, parameters, forward, flags = _described(workshop, shape, 0.0, centered)
    desc = workshop.primitive("layer_normalization_backward", BACKWARD, x, x, x, each, 0.0, flags, forward)
    of_columns = dict.fromkeys(("scale", "shift", "diff_scale", "diff_shift"), parameters)
    return Plan(workshop, desc, src=x, diff_dst=x, diff_src=x, mean=each, variance=each, **of_columns)
