"""Shared by operations on matrices: checks, the adjoint, and test matrices. No operations here."""

import functools

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.libraries import required
from autograd_core.errors import DtypeError, LinAlgError, OperandError
from autograd_core.registry import Interval, Values

NEAR = Interval(-0.5, 0.5, kinks=(0,))


def require(name, *matrices, square=False):
    """Raise unless all are (stacks of) matrices of floating point elements, square if required."""
    for a in matrices:
        if a.dtype.kind not in dtypes.INEXACT:
            raise DtypeError(f"{name}() needs floating point elements, not {a.dtype}; convert them first: x.float()")
        if a.ndim < 2:
            raise OperandError(f"{name}() takes matrices, in the last two axes, not a tensor of shape {tuple(a.shape)}")
        if square and a.shape[-1] != a.shape[-2]:
            raise OperandError(f"{name}() takes square matrices, not a tensor of shape {tuple(a.shape)}")


def refuse_failed(info, reason):
    """Raise LinAlgError for the first matrix whose `info` is not 0, with '(Batch element 2): ' and the reason."""
    required(_succeeded, info, reason)


def _succeeded(info, reason):
    if not info.any().item():
        return True
    at = next(at for at in np.ndindex(info.shape) if info[at].item())
    where = f"(Batch element {', '.join(map(str, at))}): " if at else ""
    raise LinAlgError(where + reason.format(int(info[at].item())))


def adjoint(xp, a):
    """The conjugate transpose."""
    return xp.swapped(xp.conj(a))


def product(xp, *factors):
    """The product of matrices. An operator would leave that of arrays to NumPy, whose threads compete with oneDNN's."""
    return functools.reduce(xp.matmul, factors)


def precision(dtype):
    """The machine epsilon, and the real dtype of the same precision."""
    if dtype.kind == "V":
        import ml_dtypes

        return float(ml_dtypes.finfo(dtype).eps), dtype
    info = np.finfo(dtype)
    return float(info.eps), info.dtype


def each(g):
    """One number per matrix, shaped to multiply the matrices."""
    return g[..., None, None]


def identity(xp, a):
    """Ones on the diagonal of matrices of the shape of `a`."""
    return xp.tril(xp.triu(xp.zeros_like(a) + 1))


def regular(*shape):
    """A sample's input: well-conditioned matrices with distinct singular values."""
    return Values(shape, NEAR, made=_regular)


def positive(*shape):
    """A sample's input: symmetric positive definite matrices with distinct eigenvalues."""
    return Values(shape, NEAR, made=_positive)


def triangular(*shape):
    """A sample's input: well-conditioned lower triangular matrices."""
    return Values(shape, NEAR, made=lambda a: functional.tril(_regular(a)))


def singular(*shape):
    """A sample's input: square matrices of rank n - 1."""
    return Values(shape, NEAR, made=_singular)


def _regular(a):
    m, n = a.shape[-2:]
    far = np.eye(m, n) * (2 + 3 * np.arange(n))
    return a + functional.tensor(far, dtype=a.dtype, device=a.device)


def _positive(a):
    return _regular((a + adjoint(functional, a)) / 2)


def _singular(a):
    """The last row is the sum of the others."""
    above = _regular(a)[..., :-1, :]
    return functional.cat((above, functional.sum(above, dim=-2, keepdim=True)), dim=-2)


def by_matrix(function):
    """A reference for stacks of matrices, from one for single matrices that may return several arrays."""

    def reference(*stacks, **statics):
        batch = stacks[0].shape[:-2]
        found = [function(*[a[i] for a in stacks], **statics) for i in np.ndindex(batch)]
        if isinstance(found[0], tuple):
            return tuple(np.reshape(parts, (*batch, *np.shape(parts[0]))) for parts in zip(*found, strict=True))
        return np.reshape(found, (*batch, *np.shape(found[0])))

    return reference
