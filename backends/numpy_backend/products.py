"""Matrix products, cut to what BLAS computes fastest, and those that oneDNN takes."""

from typing import Any

import numpy as np

from backends import onednn
from backends.generic.products import LARGE
from backends.geometry import Array

# OpenBLAS multiplies matrices with up to this many products without first copying both, which narrow ones do not repay.
SMALL = 10**6
ROWS = 64  # fewer rows at a time cost more calls than they save

_product = onednn.deferred("products", "product")


def tall(a: Array, b: Array, *, out: Any) -> None:
    """a @ b into `out`, for `a` with many rows: so many at a time that OpenBLAS copies none of them."""
    rows = SMALL // max(b.size, 1) // 8 * 8
    whole = a.shape[0] // rows * rows if rows >= ROWS else 0
    if whole:
        pieces = a[:whole].reshape(whole // rows, rows, a.shape[1])
        np.matmul(pieces, b, out=out[:whole].reshape(whole // rows, rows, b.shape[1]))
    if whole < a.shape[0]:
        np.matmul(a[whole:], b, out=out[whole:])


def product(a: Array, b: Array) -> Array:
    """`np.matmul` of large matrices, or stacks of matrices."""
    y = _product(a, b)
    if y is not None:
        return y
    return a.dot(b) if a.ndim == 2 == b.ndim else np.matmul(a, b)


def matmul(a: Array, b: Array, **how: Any) -> Array:
    """`np.matmul`, for which it is slow on small matrices and takes threads of its own for large ones."""
    if a.ndim == 2 == b.ndim and not how:
        return a.dot(b) if a.size + b.size < LARGE else product(a, b)
    return np.matmul(a, b, **how) if how or a.ndim != b.ndim or a.ndim < 3 else product(a, b)
