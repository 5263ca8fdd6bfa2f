"""Steps of optimizers in few passes."""

import math
from typing import Any

import numpy as np

from backends.geometry import Array
from backends.onednn.buffers import FLOAT32
from backends.onednn.choice import active
from backends.onednn.elementwise import is_dense
from backends.onednn.plans import DST, INFERENCE, SRC, SRC1, Plan, Workshop, planned, state

SQRT, LINEAR, ADD, MUL, DIV = 0x25, 0x26, 0x1FFF0, 0x1FFF1, 0x1FFF4
LARGE = 1 << 14  # elements
LANES = 16  # kernels with a scalar operand and a sum are only found for matrices
FIRST_STEP = 32768  # where the operands of post-operations begin


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
    **options: Any,
) -> bool | None:
    """See `backends.generic.optimizers.adam_step`; in five passes. True if it was done: only in its plain form."""
    if p.size < LARGE or largest or any(options.values()):
        return None
    same = all(a.dtype == FLOAT32 and a.shape == p.shape and a.strides == p.strides for a in (p, g, m, v))
    if not (same and p.size % LANES == 0 and is_dense(p.shape, p.strides) and active()):
        return None
    rows, root = p.size // LANES, math.sqrt(1 - beta2**step)
    scratch = state.scratch(4 * p.size, "root")
    gain, shift, rate = np.array([1 - beta1, eps * root, -lr * root / (1 - beta1**step)], FLOAT32).reshape(3, 1)
    _blend(rows, beta1).run(g, gain, m)
    _blend_squares(rows, beta2).run(g, g, v)
    _root(rows).run(v, scratch)
    _shift(rows).run(scratch, shift, scratch)
    _update(rows).run(m, scratch, p, rate)
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
def _root(workshop: Workshop, rows: int) -> Plan:
    x, _ = _matrices(workshop, rows)
    desc = workshop.primitive("eltwise_forward", INFERENCE, SQRT, x, x, 0.0, 0.0)
    return Plan(workshop, desc, (SRC, x), (DST, x))


@planned
def _shift(workshop: Workshop, rows: int) -> Plan:
    x, scalar = _matrices(workshop, rows)
    desc = workshop.primitive("binary", ADD, x, scalar, x)
    return Plan(workshop, desc, (SRC, x), (SRC1, scalar), (DST, x))


@planned
def _update(workshop: Workshop, rows: int) -> Plan:
    x, scalar = _matrices(workshop, rows)
    steps = workshop.attributes(("binary", MUL, scalar), ("sum", 1.0, 0, 0))
    desc = workshop.primitive("binary", DIV, x, x, x, attributes=steps)
    factor = FIRST_STEP | SRC1
    return Plan(workshop, desc, (SRC, x), (SRC1, x), (DST, x), (factor, scalar))
