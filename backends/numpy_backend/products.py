"""Matrix products, cut to what BLAS computes fastest."""

from typing import Any

import numpy as np

from backends.geometry import Array

# OpenBLAS multiplies matrices with up to this many products without first copying both, which narrow ones do not repay.
SMALL = 10**6
ROWS = 64  # fewer rows at a time cost more calls than they save


def tall(a: Array, b: Array, *, out: Any) -> None:
    """a @ b into `out`, for `a` with many rows: so many at a time that OpenBLAS copies none of them."""
    rows = SMALL // max(b.size, 1) // 8 * 8
    whole = a.shape[0] // rows * rows if rows >= ROWS else 0
    if whole:
        pieces = a[:whole].reshape(whole // rows, rows, a.shape[1])
        np.matmul(pieces, b, out=out[:whole].reshape(whole // rows, rows, b.shape[1]))
    if whole < a.shape[0]:
        np.matmul(a[whole:], b, out=out[whole:])
