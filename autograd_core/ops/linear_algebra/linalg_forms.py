"""Diagonals and Vandermonde matrices under `linalg`, which has other defaults."""

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import SHAPE
from autograd_core.ops.shapes.tiling import powers
from autograd_core.registry import composition, sample


@composition(SHAPE, module="linalg",
             samples=(sample((2, 3)), sample((2, 3, 4), offset=1), sample((2, 3, 4), dim1=0, dim2=1), sample((0, 3))),
             reference=lambda x, offset=0, dim1=-2, dim2=-1: np.diagonal(x, offset, dim1, dim2))
def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonals of matrices, by default those of the last two axes; a view."""
    return functional.diagonal(A, offset, dim1, dim2)


@composition(SHAPE, module="linalg", samples=(sample((3,)), sample((2, 2), N=3), sample((2, 0), N=2)),
             reference=lambda x, N=None: x[..., None] ** np.arange(x.shape[-1] if N is None else N))
def vander(x, *, N=None):
    """Vandermonde matrices: the powers of every element, from 0 up, along a new last axis."""
    x = x if x.ndim else functional.reshape(x, (1,))
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise OperandError(f"linalg.vander() needs at least 2 columns, not {count}")
    return powers(x, range(count))
