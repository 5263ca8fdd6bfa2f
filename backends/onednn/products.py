"""Products of matrices.

OpenBLAS and oneDNN have threads of their own, which wait actively for the cores that the other's have taken: a step
that uses both takes many times as long. OpenBLAS uses its threads above a number of multiplications that is fixed when
it is compiled; from there on oneDNN computes, which is also quicker where it matters.
"""

from math import prod

import numpy as np

from backends.buffers import FLOAT32, dense, empty
from backends.geometry import Array, Sizes
from backends.onednn.choice import active
from backends.onednn.layouts import can_be_described, canonical
from backends.onednn.plans import BIAS, DST, LINEAR, RELU, SRC, WEIGHTS, Plan, Unsupported, Workshop, planned
from backends.precision import get_float32_matmul_precision

LARGE, LARGE_VECTOR = 1 << 18, 9216  # multiplications up to which OpenBLAS uses one thread
# Elements from which sums are products, and how many numbers such a sum may have, of columns and of rows.
SUMMED, ROWS, SHORT = 1 << 17, 1 << 14, 1 << 8


def linear(x: Array, w: Array, bias: Array) -> Array | None:
    """See `backends.generic.products.linear`."""
    return product(x, w.T, bias)


def linear_relu(x: Array, w: Array, bias: Array) -> Array | None:
    """See `backends.generic.products.linear_relu`."""
    return product(x, w.T, bias, True)


def product(a: Array, b: Array, bias: Array | None = None, relu: bool = False) -> Array | None:
    """See `generic.products.product`; of matrices, or of two stacks of as many. `bias` is added to every row."""
    columns = b.shape[-1]
    if (
        a.size * columns <= (LARGE if min(*a.shape[-2:], columns) > 1 else LARGE_VECTOR)
        or a.dtype != FLOAT32
        or b.dtype != FLOAT32
        or not active()
    ):
        return None
    y = empty((*a.shape[:-1], columns))
    return y if product_into(y, a, b, 1.0, bias, relu) else None


def product_into(
    y: Array, a: Array, b: Array, scale: float = 1.0, bias: Array | None = None, relu: bool = False
) -> bool:
    """Put `scale` times (a b + bias), or the ReLU of it, into y; False if oneDNN cannot."""
    plan = _product(a.shape, a.strides, b.shape, b.strides, y.strides, scale, bias is not None, relu)
    if plan is None:
        a, b = (v if can_be_described(v.shape, v.strides) else v.copy() for v in (a, b))
        plan = _product(a.shape, a.strides, b.shape, b.strides, y.strides, scale, bias is not None, relu)
        if plan is None:
            return False
    if bias is None:
        plan.run(a, b, y)
    else:
        plan.run(a, b, y, bias if bias.flags.c_contiguous else bias.copy())
    return True


def total(x: Array, axes: Sizes, keepdims: bool) -> Array | None:
    """See `generic.reduction.total`; over the first axes, or short last ones, as a product with ones.

    NumPy uses one thread and, for each short row, 40 to 80 ns; the pairs by which it adds up long ones are more exact.
    """
    split = len(axes)
    if axes == tuple(range(split)):
        kept, added, most = x.shape[split:], x.shape[:split], ROWS
    elif axes == tuple(range(x.ndim - split, x.ndim)):
        kept, added, most = x.shape[:-split], x.shape[-split:], SHORT
    else:
        return None
    count, columns = prod(added), prod(kept)
    if (
        x.size < SUMMED
        or count > most
        or x.dtype != FLOAT32
        or not x.flags.c_contiguous
        or get_float32_matmul_precision() == "medium"
        or not active()
    ):
        return None
    y, ones = empty((columns,)), np.ones(count, FLOAT32)
    if axes[0]:
        done = product_into(y[:, None], x.reshape(columns, count), ones[:, None])
    else:
        done = product_into(y[None], ones[None], x.reshape(count, columns))
    if not done:
        return None
    return y.reshape([1 if axis in axes else n for axis, n in enumerate(x.shape)] if keepdims else kept)


@planned
def _product(
    workshop: Workshop,
    a_shape: Sizes,
    a_strides: Sizes,
    b_shape: Sizes,
    b_strides: Sizes,
    y_strides: Sizes,
    scale: float,
    biased: bool,
    relu: bool,
) -> Plan:
    if a_shape[-1] != b_shape[-2] or a_shape[:-2] != b_shape[:-2]:
        raise Unsupported("operands that do not fit together, or of which one is used many times")
    if not (can_be_described(a_shape, a_strides) and can_be_described(b_shape, b_strides)):
        raise Unsupported("strides")
    a = workshop.memory(a_shape, canonical(a_shape, a_strides))
    b = workshop.memory(b_shape, canonical(b_shape, b_strides))
    shape = (*a_shape[:-1], b_shape[-1])
    y = workshop.memory(shape, canonical(shape, y_strides))
    row = (*(1,) * (len(shape) - 1), shape[-1])
    bias = [workshop.memory(row, dense(row))] if biased else []
    steps = *[("eltwise", LINEAR, scale, 0.0)] * (scale != 1.0), *RELU * relu
    desc = workshop.primitive("matmul", a, b, bias[0] if biased else None, y, attributes=workshop.attributes(*steps))
    return Plan(workshop, desc, (SRC, a), (WEIGHTS, b), (DST, y), *[(BIAS, v) for v in bias])
