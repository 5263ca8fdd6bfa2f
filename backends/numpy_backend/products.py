"""Matrix products, by oneDNN or split into the sizes that BLAS computes fastest."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache
from typing import Any

import numpy as np

from backends import onednn
from backends.generic.products import LARGE
from backends.geometry import Array
from backends.numpy_backend.arithmetic import multiply
from backends.numpy_backend.copies import converted
from backends.settled import Function
from backends.threads import one_blas_thread

# OpenBLAS copies both matrices if they have more products than this, which does not pay for narrow ones.
SMALL = 10**6
THREADED, HUGE = 1 << 18, 1 << 24  # multiplications from which BLAS starts threads, and for which they pay in a stack
VECTOR = 9216  # multiplications up to which BLAS uses one thread, if one of the operands is a vector
FEW, MANY = 64, 128  # rows: with fewer at a time, the calls cost more than they save; more are no faster to sum over

_product: Any = onednn.deferred("products", "product")


def tall(a: Array, b: Array, *, out: Any) -> None:
    """a @ b into `out`, for an `a` with many rows."""
    taps, columns = b.shape
    pieces, rows = _pieces(len(a), SMALL // max(taps * columns, 1))
    np.matmul(a.reshape(pieces, rows, taps), b, out=out.reshape(pieces, rows, columns))


def contract(a: Array, b: Array) -> Array:
    """aᵀ @ b, for matrices with many rows."""
    taps, columns = a.shape[1], b.shape[1]
    pieces, rows = _pieces(len(a), min(MANY, SMALL // max(taps * columns, 1)))
    return np.add.reduce(np.matmul(a.reshape(pieces, rows, taps).swapaxes(1, 2), b.reshape(pieces, rows, columns)))


@lru_cache(maxsize=1024)
def _pieces(rows: int, most: int) -> tuple[int, int]:
    """The number of pieces, and of rows in each: about `most`, or all if pieces would be too small or uneven."""
    if most < FEW:
        return 1, rows
    least = -(-rows // most)
    pieces = next((pieces for pieces in range(least, 2 * least + 1) if pieces and rows % pieces == 0), 1)
    return pieces, rows // pieces


def product(a: Array, b: Array) -> Array:
    """`np.matmul` of large matrices, or stacks of matrices."""
    y = _by_vectors(a, b) if a.ndim > 2 and 1 in (a.shape[-2], b.shape[-1]) else None
    y = _product(a, b) if y is None else y
    if y is not None:
        return y
    if _narrow(a, b):
        return converted(product(*_wide(a, b)), a.dtype)
    if _mixed(a, b):
        return product(*_wide(a, b))
    return a.dot(b) if a.ndim == 2 == b.ndim else _each(a, b)


def _by_vectors(a: Array, b: Array) -> Array | None:
    """A stack of products of vectors with matrices, vectors or numbers, up to six times as fast as oneDNN's."""
    if _narrow(a, b) or a.shape[-2] * a.shape[-1] * b.shape[-1] > VECTOR:
        return None
    if a.shape[-1] == 1:
        return multiply(*((a, b) if a.size >= b.size else (b, a)))
    return np.matmul(a, b)


def _each(a: Array, b: Array) -> Array:
    """`np.matmul` of stacks; BLAS's threads, started anew for every matrix, pay only for large ones."""
    with one_blas_thread() if THREADED <= a.shape[-1] * a.shape[-2] * b.shape[-1] < HUGE else nullcontext():
        return np.matmul(a, b)


def linear(plain: Callable[..., Array], x: Array, w: Array, bias: Array) -> Array:
    """`plain`, which adds a bias to x wᵀ; of 16-bit floats it is rounded once."""
    return converted(plain(*_wide(x, w, bias)), x.dtype) if _narrow(x, w) else plain(x, w, bias)


def matmul(a: Array, b: Array, **how: Any) -> Array:
    """`np.matmul`, which itself is slow on small matrices and uses its own threads for large ones."""
    if a.ndim == 2 == b.ndim and not how:
        if a.size + b.size < LARGE:
            return a.dot(b)
        return product(a, b)
    if b.ndim == 2 < a.ndim and not how and a.size and a.dtype.kind in "fV":
        # A single product; NumPy would multiply one matrix at a time.
        return matmul(a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[1])
    if not how and a.ndim and b.ndim and _narrow(a, b):
        return product(a, b) if a.ndim == b.ndim > 2 else converted(matmul(*_wide(a, b)), a.dtype)
    if how or a.ndim < 2 or b.ndim < 2:
        return np.matmul(a, b, **how) if how or a.size + b.size < THREADED else _by_vector(a, b)
    return product(a, b) if a.ndim == b.ndim else _each(a, b)


def settle_matmul(general: Function, a: Array, b: Array) -> Function | None:
    """`matmul` of two such matrices."""
    if not a.ndim == 2 == b.ndim or _narrow(a, b):
        return None
    if a.size + b.size >= LARGE:
        return None if _mixed(a, b) else _product.settle(general, a, b) or np.ndarray.dot
    return np.ndarray.dot


def settle_linear(_: Function, x: Array, w: Array, bias: Array) -> Function | None:
    """`linear` of such operands."""
    return None if _narrow(x, w) else _small_linear


def _small_linear(x: Array, w: Array, bias: Array) -> Array:
    y = x.dot(w.T)
    y += bias
    return y


def _by_vector(a: Array, b: Array) -> Array:
    """`np.matmul`, where an operand is a vector; BLAS's threads would compete with oneDNN's in what follows."""
    if a.ndim + b.ndim != 3 or max(a.size, b.size) < THREADED:
        return np.matmul(a, b)
    return product(a[None], b)[0] if a.ndim == 1 else product(a, b[:, None])[:, 0]


def _narrow(a: Array, b: Array) -> bool:
    """Whether operands are 16-bit floats, which NumPy multiplies element by element, hundreds of times as slowly."""
    return a.dtype.itemsize == 2 == b.dtype.itemsize and a.dtype == b.dtype and a.dtype.kind not in "iu"


def _mixed(a: Array, b: Array) -> bool:
    """Whether one operand is float32, such as a gradient that is not rounded yet, and the other has 16 bits."""
    return a.dtype != b.dtype and {a.dtype.char, b.dtype.char} in ({"f", "e"}, {"f", "E"})


def _wide(*arrays: Array) -> list[Array]:
    return [a if a.dtype == np.float32 else converted(a, np.float32) for a in arrays]
