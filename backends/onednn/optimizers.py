"""Optimizer steps in few passes that use all threads.

All but Adam's round at the same points as NumPy's passes, and so give the same numbers.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from backends.buffers import FLOAT32, empty_like
from backends.geometry import Array
from backends.onednn.choice import active
from backends.onednn.passes import ADD, DIV, INVERSE, MAX, MUL, REPEATED, ROOT, Step, chained, kept, linear
from backends.onednn.plans import Plan, situation
from backends.strides import is_dense

SCALAR = (1, 1)  # as a matrix, like parameters, because kernels with a sum do not support vectors
LARGE, LARGER = 1 << 14, 1 << 15  # elements; the latter for optimizers with fewer passes in NumPy than Adam


class _Rows:
    """What steps of some parameters, each with its state, need and is found once.

    layouts: their shapes and strides; None if NumPy computes.
    """

    def __init__(self, least: int, rows: Sequence[Sequence[Array]]) -> None:
        fit = any(row[0].size >= least for row in rows) and all(_suit(1, *row) for row in rows)
        self.situation = situation()  # a first large parameter asks for the library
        self.layouts = [(row[0].shape, row[0].strides) for row in rows] if fit else None
        self.passes: list[Any] = []
        self.constants: tuple[float, ...] = ()
        self.numbers = np.empty(3, FLOAT32)
        self.operands = tuple(self.numbers.reshape(3, 1))  # the same, as operands of passes


def steps(
    kernel: str,
    rows: Sequence[Sequence[Array]],
    gradients: Sequence[Array],
    options: dict[str, Any],
    kept: dict[str, Any],
) -> bool | None:
    """See `backends.generic.optimizers.steps`. True if they were done.

    Small parameters go along with large ones, because next to these NumPy's calls are out of the caches.
    """
    least, change = STEPS.get(kernel, (0, None))
    if change is None:
        return None
    known: _Rows | None = kept.get("rows")
    if known is None or known.situation is not situation():
        known = kept["rows"] = _Rows(least, rows)
    if known.layouts is None:
        return None
    for g, layout in zip(gradients, known.layouts, strict=True):
        if (g.shape, g.strides) != layout or g.dtype != FLOAT32:
            return None
    return change(rows, gradients, known, **options)


def _sgd(
    rows: Sequence[Sequence[Array]],
    gradients: Sequence[Array],
    known: _Rows,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
) -> bool | None:
    """See `backends.generic.optimizers.sgd_step`."""
    if maximize or dampening:
        return None
    known.passes = known.passes or [_scaled_sum(row[0].size) for row in rows]
    known.numbers[:] = weight_decay, momentum, -lr
    decay, persistence, rate = known.operands
    for (p, *buffer), g, add_scaled in zip(rows, gradients, known.passes, strict=True):
        if weight_decay:
            g, pulled = empty_like(p), g
            add_scaled.run(p, decay, g, pulled)
        for b in buffer:
            add_scaled.run(b, persistence, b, g)
            d = b
            if nesterov:
                d = empty_like(p)
                add_scaled.run(b, persistence, d, g)
            g = d
        add_scaled.run(g, rate, p, p)
    return True


def _adam(
    rows: Sequence[Sequence[Array]],
    gradients: Sequence[Array],
    known: _Rows,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    step: int,
    weight_decay: float = 0.0,
    decoupled: bool = False,
    maximize: bool = False,
) -> bool | None:
    """See `backends.generic.optimizers.adam_step`, here in three passes."""
    if len(rows[0]) > 3 or maximize or (weight_decay and not decoupled):
        return None
    constants = beta1, beta2, eps
    if known.constants != constants:
        known.constants, sizes = constants, [row[0].size for row in rows]
        known.passes = [(_blend(n, beta1), _squares(n, 1 - beta2, beta2), _descend(n, eps)) for n in sizes]
    known.numbers[:] = 1 - beta1, 1 / (1 - beta2**step), -lr / (1 - beta1**step)
    gain, unbias, rate = known.operands
    for (p, m, v), g, (blend, squares, descend) in zip(rows, gradients, known.passes, strict=True):
        if weight_decay:
            p *= 1 - lr * weight_decay
        blend.run(g, gain, m)
        squares.run(g, g, v)
        descend.run(v, unbias, p, m, rate)
    return True


# By kernel: the size of a parameter from which it pays, and the function.
STEPS: dict[str, tuple[int, Callable[..., bool | None]]] = {"sgd_step": (LARGER, _sgd), "adam_step": (LARGE, _adam)}


def _step(kernel: str, p: Array, g: Array, *remembered: Array, **options: Any) -> bool | None:
    """See `backends.generic.optimizers`. True if it was done."""
    return steps(kernel, [(p, *remembered)], [g], options, {})


sgd_step, adam_step = partial(_step, "sgd_step"), partial(_step, "adam_step")


def adagrad_step(
    p: Array, g: Array, total: Array, *, rate: float, eps: float, weight_decay: float = 0.0, maximize: bool = False
) -> bool | None:
    """See `backends.generic.adaptive_steps.adagrad_step`. True if it was done."""
    if maximize or not _suit(LARGER, p, g, total):
        return None
    d, squares, root, quotient = empty_like(p), _squares(p.size, 1.0, 1.0), _root(p.size, eps), _quotient(p.size, 1.0)
    if weight_decay:
        g = _pulled(p, g, weight_decay)
    squares.run(g, g, total)
    root.run(total, total, d)
    quotient.run(g, d, p, _scalar(-rate))
    return True


def rmsprop_step(
    p: Array,
    g: Array,
    v: Array,
    *others: Array,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
    maximize: bool = False,
) -> bool | None:
    """See `backends.generic.adaptive_steps.rmsprop_step`. True if it was done."""
    if maximize or centered or not _suit(LARGER, p, g, v, *others):
        return None
    size, d = p.size, empty_like(p)
    if weight_decay:
        g = _pulled(p, g, weight_decay)
    add_scaled, root, quotient = _scaled_sum(size), _root(size, eps), _quotient(size, 0.0 if momentum else 1.0)
    _squares(size, 1 - alpha, 0.0).run(g, g, d)
    add_scaled.run(v, _scalar(alpha), v, d)
    root.run(v, v, d)
    if momentum:
        (b,) = others
        quotient.run(g, d, d, _scalar(1.0))
        add_scaled.run(b, _scalar(momentum), b, d)
        add_scaled.run(b, _scalar(-lr), p, p)
    else:
        quotient.run(g, d, p, _scalar(-lr))
    return True


def _suit(least: int, p: Array, *others: Array) -> bool:
    """Whether a parameter has at least that many elements, and all arrays have the same dense layout."""
    if p.size < least or p.dtype != FLOAT32:
        return False
    shape, strides = p.shape, p.strides
    for a in others:
        if a.dtype != FLOAT32 or a.shape != shape or a.strides != strides:
            return False
    return is_dense(shape, strides) and active()


def _scalar(value: float) -> Array:
    return np.array([[value]], FLOAT32)


def _pulled(p: Array, g: Array, weight_decay: float) -> Array:
    """g + weight_decay·p."""
    d = empty_like(p)
    _scaled_sum(p.size).run(p, _scalar(weight_decay), d, g)
    return d


def _scaled_sum(size: int) -> Plan:
    """scalar·x + y; operands: x, the scalar, the result and y."""
    return chained((1, size), MUL, ((ADD,),), SCALAR)


def _root(size: int, eps: float) -> Plan:
    """√x + eps."""
    return chained((1, size), MAX, (ROOT, linear(1.0, eps)))


def _quotient(size: int, share: float) -> Plan:
    """scalar·x / y, plus a share of the previous value."""
    return chained((1, size), DIV, ((MUL, REPEATED), *_and(share)), None, FLOAT32, SCALAR)


def _blend(size: int, beta: float) -> Plan:
    """scalar·x, plus beta times the previous value."""
    return chained((1, size), MUL, (kept(beta),), SCALAR)


def _squares(size: int, factor: float, share: float) -> Plan:
    """factor·x², plus a share of the previous value."""
    return chained((1, size), MUL, (linear(factor, 0.0), *_and(share)))


def _descend(size: int, eps: float) -> Plan:
    """p + rate·m / (√(unbias·v) + eps)."""
    steps = ROOT, linear(1.0, eps), INVERSE, (MUL,), (MUL, REPEATED), kept(1.0)
    return chained((1, size), MUL, steps, SCALAR)


def _and(share: float) -> tuple[Step, ...]:
    return (kept(share),) if share else ()
