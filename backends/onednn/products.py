"""Products of matrices.

OpenBLAS and oneDNN have separate threads, which wait actively and compete for the cores: a step that uses both takes
many times as long. OpenBLAS uses threads above a number of multiplications that is fixed when it is compiled; above
it, oneDNN computes the products, which is also faster for large ones where it has AVX-512 (see `left_to_blas`).
"""

from math import prod
from typing import Any

import numpy as np

from backends.buffers import FLOAT32, empty, maker
from backends.geometry import Array, Sizes
from backends.onednn import Unsupported
from backends.onednn.choice import active, left_to_blas, multiplies
from backends.onednn.layouts import as_float32, can_be_described, canonical
from backends.onednn.plans import LINEAR, RELU, Plan, Workshop, planned
from backends.precision import get_float32_matmul_precision
from backends.settled import Function, Prepared, prepared
from backends.strides import dense

LARGE, LARGE_VECTOR = 1 << 18, 9216  # multiplications up to which OpenBLAS uses one thread
FUSED = 1 << 16  # sums with a bias, from which a pass of their own costs more than BLAS gains
SUMMED, SHORT = 1 << 16, 12  # elements from which sums of rows are products; the most numbers in such a sum
SUM = (("sum", 1.0, 0, 0),)


class _Product(Plan):
    """A product; `make` makes a result in C order."""

    make: Function

    def product(self, a: Array, b: Array, *bias: Array) -> Array:
        """The product of two arrays."""
        y: Array = self.make()
        self.run(a, b, y, *bias)
        return y


@prepared
def linear(x: Array, w: Array, bias: Array, relu: bool = False) -> Prepared:
    """See `backends.generic.products.linear`."""
    turned = w.T
    if bias.dtype != x.dtype or not _suits(x, turned):
        return None
    if len(x) * len(w) < FUSED and left_to_blas(x, turned):
        return None
    call, (x, b, bias) = _product_of(x, turned, bias, relu)
    return call, (x, w if b is turned else b, bias)  # in the same memory


@prepared
def linear_relu(x: Array, w: Array, bias: Array) -> Prepared:
    """See `backends.generic.products.linear_relu`."""
    return linear.prepare(x, w, bias, True)


@prepared
def product(a: Array, b: Array) -> Prepared:
    """See `generic.products.product`; for matrices, or stacks of equal length."""
    if not _suits(a, b) or left_to_blas(a, b):
        return None
    if b.shape[-1] == 1 and a.ndim == 2 and a.strides[0] < a.strides[1]:  # a third of the time as a row
        call, operands = _product_of(b.T, a.T)
        return lambda *operands: call(*operands).T, operands
    return _product_of(a, b)


def _product_of(a: Array, b: Array, bias: Array | None = None, relu: bool = False) -> tuple[Function, tuple[Any, ...]]:
    """The function of the product, to whose rows a bias may be added, and the operands as it reads them."""
    plan, a, b = _readable(a, b, bias is not None, relu)
    return plan.product, (a, b) if bias is None else (a, b, np.ascontiguousarray(bias))


def _suits(a: Array, b: Array) -> bool:
    """Whether oneDNN should compute a product."""
    columns = b.shape[-1]
    return a.size * columns > (LARGE if min(*a.shape[-2:], columns) > 1 else LARGE_VECTOR) and multiplies(a, b)


def product_into(y: Array, a: Array, b: Array, scale: float = 1.0, added: bool = False) -> None:
    """Write `scale` times a b into y, or optionally add it to y."""
    if not added and left_to_blas(a, b):
        first = scale != 1 and a.size < y.size
        np.matmul(a * FLOAT32.type(scale) if first else a, b, out=y)
        if scale != 1 and not first:
            y *= FLOAT32.type(scale)
        return
    plan, a, b = _readable(a, b, False, False, y.strides, scale, added)
    plan.run(a, b, y)


def _readable(a: Array, b: Array, *rest: Any) -> tuple[_Product, Array, Array]:
    """The plan of a product, and its operands, of which copies are made if their strides are too much for it."""
    try:
        return _product(a.dtype, a.shape, as_float32(a), b.shape, as_float32(b), *rest), a, b
    except Unsupported:
        # Neighbours in a row, or in a column, have to be neighbours in memory.
        fits = [v.itemsize in v.strides[-2:] and can_be_described(v.shape, as_float32(v)) for v in (a, b)]
        a, b = (v if fit else v.copy() for v, fit in zip((a, b), fits, strict=True))
        return _product(a.dtype, a.shape, as_float32(a), b.shape, as_float32(b), *rest), a, b


@prepared
def total(x: Array, axes: Sizes, keepdims: bool, dtype: Any = None) -> Prepared:
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
    if count > SHORT or not x.transpose(*kept, *axes).flags.c_contiguous:
        return None
    shape = [1 if axis in axes else n for axis, n in enumerate(x.shape) if keepdims or axis in kept]

    def call(x: Array) -> Array:
        found = empty((columns, 1))
        product_into(found, x.transpose(*kept, *axes).reshape(columns, count), np.ones((count, 1), FLOAT32))
        return found.reshape(shape)

    return call, (x,)


@planned
def _product(
    workshop: Workshop,
    dtype: Any,
    a_shape: Sizes,
    a_strides: Sizes,
    b_shape: Sizes,
    b_strides: Sizes,
    biased: bool,
    relu: bool,
    y_strides: Sizes | None = None,
    scale: float = 1.0,
    added: bool = False,
) -> Plan:
    if a_shape[-1] != b_shape[-2] or a_shape[:-2] != b_shape[:-2]:
        raise Unsupported("operands that do not fit together, or of which one is used many times")
    if not (can_be_described(a_shape, a_strides) and can_be_described(b_shape, b_strides)):
        raise Unsupported("strides")
    a = workshop.memory(a_shape, canonical(a_shape, a_strides), dtype)
    b = workshop.memory(b_shape, canonical(b_shape, b_strides), dtype)
    shape = (*a_shape[:-1], b_shape[-1])
    y = workshop.memory(shape, canonical(shape, y_strides or dense(shape)), dtype)
    row = (*(1,) * (len(shape) - 1), shape[-1])
    bias = workshop.memory(row, dense(row), dtype) if biased else None
    steps = *[("eltwise", LINEAR, scale, 0.0)] * (scale != 1.0), *RELU * relu, *SUM * added
    desc = workshop.primitive("matmul", a, b, bias, y, attributes=workshop.attributes(*steps))
    plan = _Product(workshop, desc, src=a, weights=b, dst=y, bias=bias)
    plan.make = maker(shape, None, dtype)
    return plan
