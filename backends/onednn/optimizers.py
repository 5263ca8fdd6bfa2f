"""Steps of optimizers in few passes."""

from typing import Any

import numpy as np

from backends.buffers import FLOAT32
from backends.geometry import Array
from backends.onednn.choice import active
from backends.onednn.elementwise import is_dense
from backends.onednn.plans import DST, LINEAR, SRC, SRC1, Plan, Workshop, planned

SQRT, POWER, MUL = 0x25, 0x30, 0x1FFF1
LARGE = 1 << 14  # elements
LANES = 16  # kernels with a scalar operand and a sum are only found for matrices
STEP = 32768  # this times the position of a post-operation, from 1, is where its operand is


def adam_step(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    *largest: Array,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    step: int,
    weight_decay: float = 0.0,
    decoupled: bool = False,
    maximize: bool = False,
) -> bool | None:
    """See `backends.generic.optimizers.adam_step`; in three passes. True if it was done: the gradient as it is."""
    if p.size < LARGE or largest or maximize or (weight_decay and not decoupled):
        return None
    same = all(a.dtype == FLOAT32 and a.shape == p.shape and a.strides == p.strides for a in (p, g, m, v))
    if not (same and p.size % LANES == 0 and is_dense(p.shape, p.strides) and active()):
        return None
    if weight_decay:
        p *= 1 - lr * weight_decay
    rows = p.size // LANES
    gain, unbias, rate = np.array([1 - beta1, 1 / (1 - beta2**step), -lr / (1 - beta1**step)], FLOAT32).reshape(3, 1)
    _blend(rows, beta1).run(g, gain, m)
    _blend_squares(rows, beta2).run(g, g, v)
    _descend(rows, eps).run(v, unbias, p, m, rate)
    return True


def _matrices(workshop: Workshop, rows: int) -> tuple[Any, Any]:
    """Descriptors of all elements, as a matrix, and of a scalar."""
    return workshop.memory((rows, LANES), (4 * LANES, 4)), workshop.memory((1, 1), (4, 4))


@planned
def _blend(workshop: Workshop, rows: int, beta: float) -> Plan:
    x, scalar = _matrices(workshop, rows)
    steps = workshop.attributes(("sum", beta, 0, 0))
    desc = workshop.primitive("binary", MUL, x, scalar, x, attributes=steps)
    return Plan(workshop, desc, (SRC, x), (SRC1, scalar), (DST, x))


@planned
def _blend_squares(workshop: Workshop, rows: int, beta: float) -> Plan:
    x, _ = _matrices(workshop, rows)
    steps = workshop.attributes(("eltwise", LINEAR, 1 - beta, 0.0), ("sum", beta, 0, 0))
    desc = workshop.primitive("binary", MUL, x, x, x, attributes=steps)
    return Plan(workshop, desc, (SRC, x), (SRC1, x), (DST, x))


@planned
def _descend(workshop: Workshop, rows: int, eps: float) -> Plan:
    """p + rate·m / (√(unbias·v) + eps)."""
    x, scalar = _matrices(workshop, rows)
    denominator = ("eltwise", SQRT, 0.0, 0.0), ("eltwise", LINEAR, 1.0, eps)
    quotient = ("eltwise", POWER, 1.0, -1.0), ("binary", MUL, x), ("binary", MUL, scalar)
    steps = workshop.attributes(*denominator, *quotient, ("sum", 1.0, 0, 0))
    desc = workshop.primitive("binary", MUL, x, scalar, x, attributes=steps)
    mean, rate = (STEP * i | SRC1 for i in (4, 5))
    return Plan(workshop, desc, (SRC, x), (SRC1, scalar), (DST, x), (mean, x), (rate, scalar))
