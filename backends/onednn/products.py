"""Products of matrices.

OpenBLAS and oneDNN have separate threads, which wait actively and compete for the cores: a step that uses both takes
many times as long. OpenBLAS uses threads above a number of multiplications that is fixed when it is compiled; above
it, oneDNN computes the products, which is also faster for large ones.
"""

from math import prod
from typing import Any

import numpy as np

from backends.buffers import FLOAT32, empty, maker
from backends.geometry import Array, Sizes
from backends.onednn import Unsupported
from backends.onednn.choice import active
from backends.onednn.layouts import can_be_described, canonical
from backends.onednn.plans import BIAS, DST, LINEAR, RELU, SRC, WEIGHTS, Plan, Workshop, planned
from backends.precision import get_float32_matmul_precision
from backends.settled import Function, for_layout
from backends.strides import dense

LARGE, LARGE_VECTOR = 1 << 18, 9216  # multiplications up to which OpenBLAS uses one thread
SUMMED, SHORT = 1 << 16, 12  # elements from which sums of rows are products; the most numbers in such a sum
SUM = (("sum", 1.0, 0, 0),)


def linear(x: Array, w: Array, bias: Array) -> Array | None:
    """See `backends.generic.products.linear`."""
    return product(x, w.T, bias)


def linear_relu(x: Array, w: Array, bias: Array) -> Array | None:
    """See `backends.generic.products.linear_relu`."""
    return product(x, w.T, bias, True)


def product(a: Array, b: Array, bias: Array | None = None, relu: bool = False) -> Array | None:
    """See `generic.products.product`; for matrices, or stacks of equal length. `bias` is added to every row."""
    if not _suits(a, b):
        return None
    columns = b.shape[-1]
    if columns == 1 and a.ndim == 2 and bias is None and a.strides[0] < a.strides[1]:  # a third of the time as a row
        y = product(b.T, a.T, None, relu)
        return y if y is None else y.T
    y = empty((*a.shape[:-1], columns))
    product_into(y, a, b, 1.0, bias, relu)
    return y


def _suits(a: Array, b: Array) -> bool:
    """Whether oneDNN should compute a product."""
    columns = b.shape[-1]
    return (
        a.size * columns > (LARGE if min(*a.shape[-2:], columns) > 1 else LARGE_VECTOR)
        and a.dtype == FLOAT32
        and b.dtype == FLOAT32
        and active()
    )


def settle_product(general: Function, a: Array, b: Array) -> Function | None:
    """`product` of such operands; None if NumPy computes it. general: computes it for all."""
    return _settled(general, a, b, b)


def settle_linear(general: Function, x: Array, w: Array, bias: Array, relu: bool = False) -> Function | None:
    """`linear` of such operands."""
    return _settled(general, x, w.T, w, bias, relu=relu)


def settle_linear_relu(general: Function, x: Array, w: Array, bias: Array) -> Function | None:
    """`linear_relu` of such operands."""
    return settle_linear(general, x, w, bias, True)


def _settled(general: Function, a: Array, b: Array, given: Array, *bias: Array, relu: bool = False) -> Function | None:
    """The function of a, of what is given in place of b and has the same memory, and of the bias."""
    if not _suits(a, b):
        return None
    shape = (*a.shape[:-1], b.shape[-1])
    if shape[-1] == 1 or not (_is_readable(a) and _is_readable(b) and all(v.flags.c_contiguous for v in bias)):
        return general
    plan = _product(a.shape, a.strides, b.shape, b.strides, dense(shape), 1.0, bool(bias), relu, False)
    make, run = maker(shape), plan.run

    def call(*operands: Array) -> Array:
        y = make()
        run(*operands[:2], y, *operands[2:])
        return y

    return for_layout(general, call, a, given, *bias)


def product_into(
    y: Array, a: Array, b: Array, scale: float = 1.0, bias: Array | None = None, relu: bool = False, added: bool = False
) -> None:
    """Write `scale` times (a b + bias), or its ReLU, into y, or optionally add it to y."""
    rest = y.strides, scale, bias is not None, relu, added
    try:
        plan = _product(a.shape, a.strides, b.shape, b.strides, *rest)
    except Unsupported:
        a, b = (v if _is_readable(v) else v.copy() for v in (a, b))
        plan = _product(a.shape, a.strides, b.shape, b.strides, *rest)
    if bias is None:
        plan.run(a, b, y)
    else:
        plan.run(a, b, y, bias if bias.flags.c_contiguous else bias.copy())


def _is_readable(v: Array) -> bool:
    """Whether neighbours in a row, or in a column, are neighbours in memory, as kernels of products need it."""
    return FLOAT32.itemsize in v.strides[-2:] and can_be_described(v.shape, v.strides)


def total(x: Array, axes: Sizes, keepdims: bool, dtype: Any = None) -> Array | None:
    """See `generic.reduction.total`; sums over a few elements, last in memory, are products with ones.

    NumPy needs 10 ns for each of them; longer rows it sums as fast, and more exactly.
    """
    if (
        x.size < SUMMED
        or x.dtype != FLOAT32
        or dtype is not None
        or get_float32_matmul_precision() == "medium"
        or not active()
    ):
        return None
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    count, columns = prod([x.shape[axis] for axis in axes]), prod([x.shape[axis] for axis in kept])
    if count > SHORT or not (rows := x.transpose(*kept, *axes)).flags.c_contiguous:
        return None
    found = empty((columns, 1))
    product_into(found, rows.reshape(columns, count), np.ones((count, 1), FLOAT32))
    shape = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
    return found.reshape(shape if keepdims else [x.shape[axis] for axis in kept])


def settle_total(general: Function, x: Array, axes: Sizes, keepdims: bool, dtype: Any = None) -> Function | None:
    """`total` of such operands."""
    return None if x.size < SUMMED else general


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
    added: bool,
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
    steps = *[("eltwise", LINEAR, scale, 0.0)] * (scale != 1.0), *RELU * relu, *SUM * added
    desc = workshop.primitive("matmul", a, b, bias[0] if biased else None, y, attributes=workshop.attributes(*steps))
    return Plan(workshop, desc, (SRC, a), (WEIGHTS, b), (DST, y), *[(BIAS, v) for v in bias])
