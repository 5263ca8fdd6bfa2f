"""Matrix products, cut to what BLAS computes fastest, and those that oneDNN takes."""

from typing import Any

import numpy as np

from backends import onednn
from backends.generic.products import LARGE
from backends.geometry import Array

# OpenBLAS multiplies matrices with up to this many products without first copying both, which narrow ones do not repay.
SMALL = 10**6
FEW, MANY = 64, 128  # rows: fewer at a time cost more calls than they save, more are no faster to sum over

_product = onednn.deferred("products", "product")


def tall(a: Array, b: Array, *, out: Any) -> None:
    """a @ b into `out`, for `a` with many rows."""
    pieces = _pieces(len(a), SMALL // max(b.size, 1))
    np.matmul(_cut(a, pieces), b, out=_cut(out, pieces))


def contract(a: Array, b: Array) -> Array:
    """aᵀ @ b, for matrices with many rows."""
    pieces = _pieces(len(a), min(MANY, SMALL // max(a.shape[1] * b.shape[1], 1)))
    return np.add.reduce(np.matmul(_cut(a, pieces).swapaxes(1, 2), _cut(b, pieces)))


def _pieces(rows: int, most: int) -> int:
    """Into how many pieces of one length, about `most`, to cut so many rows; 1 if that gives slivers or does not go."""
    if most < FEW:
        return 1
    least = -(-rows // most)
    return next((pieces for pieces in range(least, 2 * least + 1) if pieces and rows % pieces == 0), 1)


def _cut(a: Array, pieces: int) -> Array:
    return a.reshape(pieces, len(a) // pieces, a.shape[1])


def product(a: Array, b: Array) -> Array:
    """`np.matmul` of large matrices, or stacks of matrices."""
    y = _product(a, b)
    if y is not None:
        return y
    return a.dot(b) if a.ndim == 2 == b.ndim else np.matmul(a, b)


def matmul(a: Array, b: Array, **how: Any) -> Array:
    """`np.matmul`, for which it is slow on small matrices and takes threads of its own for large ones."""
    if a.ndim == 2 == b.ndim and not how:
        y = None if a.size + b.size < LARGE else _product(a, b)
        return a.dot(b) if y is None else y
    if b.ndim == 2 < a.ndim and not how and a.flags.c_contiguous and a.size and a.dtype.kind == "f":
        # One product; NumPy would multiply matrix by matrix.
        return matmul(a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[1])
    return np.matmul(a, b, **how) if how or a.ndim != b.ndim or a.ndim < 3 else product(a, b)
