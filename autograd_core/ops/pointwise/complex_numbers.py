"""Complex numbers: parts, absolute value, angle, conjugate, and conversion from and to pairs of real numbers.

A gradient is the conjugate Wirtinger derivative, as in PyTorch: dL/dRe + i dL/dIm.
"""

import builtins
import cmath
import math

import numpy as np

from autograd_core import functional
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import COMPARISON, ELEMENTWISE, JOIN, SHAPE
from autograd_core.ops.domains import OFF_ZERO
from autograd_core.registry import Values, composition, op, sample
from autograd_core.tensor import Tensor


def _complex(*shape):
    return Values(shape, dtype="complex128")


COMPLEX = (sample(_complex(2, 3)), sample(_complex()), sample(_complex(0, 3)))
EITHER = (*COMPLEX, sample((2, 3)))
PAIRS = (sample((2, 3), (2, 3)), sample((2, 1), (3,)), sample((), ()), sample((0,), (0,)))


def _of_complex(call):
    """Real tensors are returned as they are, as in PyTorch."""
    return lambda input: call(input) if input.dtype.kind == "c" else input


@op(SHAPE, symbol="Re", samples=EITHER, reference=np.real, holomorphic=False, view=True, method=False,
    form=_of_complex, vjp=lambda xp, g: xp.complex(g, xp.zeros_like(g)))
def real(xp, x):
    """The real parts, a view; a real tensor itself."""
    return x.real


@op(SHAPE, symbol="Im", samples=COMPLEX, reference=np.imag, holomorphic=False, view=True, method=False,
    vjp=lambda xp, g: xp.complex(xp.zeros_like(g), g))
def imag(xp, x):
    """The imaginary parts, a view; of complex tensors only."""
    if x.dtype.kind != "c":
        raise DtypeError(f"imag(): a tensor of {x.dtype} has no imaginary parts to view")
    return x.imag


@op(SHAPE, symbol="x̄", samples=EITHER, reference=np.conj, holomorphic=False, view=True, form=_of_complex,
    aliases=("conj_physical",), vjp=lambda xp, g: xp.conj(g))
def conj(xp, x):
    """The complex conjugates, computed eagerly; a real tensor itself."""
    return xp.conj(x) if x.dtype.kind == "c" else x


@composition(SHAPE, reference=lambda x: np.conj(np.swapaxes(x, -1, -2)),
             samples=(sample((2, 3)), sample(_complex(2, 3, 2)), sample(_complex(0, 3))))
def adjoint(input):
    """Conjugate transposes: the last two axes swapped, and conjugated."""
    if input.ndim < 2:
        raise OperandError(f"adjoint() takes matrices, not a tensor of shape {input.shape}")
    return conj(functional.swapped(input))


def _check_parts(name, a, b):
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)):
        raise TypeError(f"{name}() takes two tensors")
    if a.dtype.kind != "f" or a.dtype != b.dtype:
        raise DtypeError(f"{name}() takes two tensors of the same floating point dtype, not {a.dtype} and {b.dtype}")


def _of_one_dtype(call):
    def complex(real, imag):
        _check_parts("complex", real, imag)
        return call(real, imag)

    return complex


@op(JOIN, symbol="a+bi", samples=PAIRS, reference=lambda real, imag: real + 1j * imag, real_only=True,
    broadcasts=True, method=False, form=_of_one_dtype,
    vjp=(lambda xp, g: xp.real(g), lambda xp, g: xp.imag(g)))
def complex(xp, real, imag):
    """Complex numbers of given real and imaginary parts."""
    out = xp.empty(np.broadcast_shapes(real.shape, imag.shape), np.result_type(real.dtype, np.complex64))
    out.real[...] = real  # a product with 1j would be NaN where a part is infinite
    out.imag[...] = imag
    return out


@composition(JOIN, samples=PAIRS, method=False, reference=lambda abs, angle: abs * np.exp(1j * angle))
def polar(abs, angle):
    """Complex numbers from absolute value and angle in radians."""
    _check_parts("polar", abs, angle)
    return complex(abs * functional.cos(angle), abs * functional.sin(angle))


@op(SHAPE, symbol="re,im", samples=COMPLEX, holomorphic=False, view=True, method=False,
    reference=lambda x: np.stack([x.real, x.imag], -1),
    vjp=lambda xp, g: xp.complex(g[..., 0], g[..., 1]))
def view_as_real(xp, x):
    """Complex numbers as pairs of real ones along a last axis of length 2; a view."""
    if x.dtype.kind != "c":
        raise DtypeError(f"view_as_real() takes complex tensors, not {x.dtype}")
    return x[..., None].view(x.real.dtype)


@op(SHAPE, symbol="(a,b)", real_only=True, view=True, method=False,
    samples=(sample((3, 2)), sample((2,)), sample((0, 2))), reference=lambda x: x[..., 0] + 1j * x[..., 1],
    vjp=lambda xp, g: xp.view_as_real(g))
def view_as_complex(xp, x):
    """Pairs of real numbers along a last axis of length 2 as complex numbers; a view if they are adjacent in memory.

    >>> from autograd_core import tensor
    >>> view_as_complex(tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1.+2.j, 3.+4.j])
    """
    if x.dtype.kind != "f" or x.dtype.itemsize < 4:
        raise DtypeError(f"view_as_complex() takes float32 or float64, not {x.dtype}")
    if x.shape[-1:] != (2,):
        raise OperandError(f"view_as_complex(): the last axis must have length 2; the shape is {x.shape}")
    if x.strides[-1] != x.itemsize:
        x = xp.ascontiguousarray(x)
    return x.view(np.result_type(x.dtype, np.complex64))[..., 0]


def _angle_rule(xp, g, x):
    if x.dtype.kind != "c":
        return xp.zeros_like(g)
    square = xp.real(x * xp.conj(x))
    flat = square == 0
    return g * xp.where(flat, 0, 1j * x / xp.where(flat, 1, square))


@op(ELEMENTWISE, symbol="∠", domain=OFF_ZERO, floating=True, holomorphic=False, vjp=_angle_rule,
    reference=lambda x: math.nan if x != x else cmath.phase(x))
def angle(xp, x):
    """Angle of every complex number, in radians, in (-π, π]; of a real one 0, or π below 0. Its gradient at 0 is 0."""
    if x.dtype.kind == "c":
        return xp.arctan2(x.imag, x.real)
    return xp.where(xp.isnan(x), x, xp.where(x < 0, math.pi, 0.0).astype(x.dtype))


def _sgn_rule(xp, g, x, y):
    """The component of g tangential to the unit circle at y, divided by |x|."""
    if x.dtype.kind != "c":
        return xp.zeros_like(g)
    length = xp.absolute(x)
    flat = length == 0
    return xp.where(flat, 0, (g - xp.real(g * xp.conj(y)) * y) / xp.where(flat, 1, length))


@op(ELEMENTWISE, symbol="sgn", domain=OFF_ZERO, holomorphic=False, vjp=_sgn_rule,
    reference=lambda x: x / abs(x) if isinstance(x, builtins.complex) else math.copysign(1, x))
def sgn(xp, x):
    """x / |x|, and 0 at 0: the direction of a complex number, the sign of a real one."""
    if x.dtype.kind != "c":
        return x.copy() if x.dtype.kind == "b" else xp.sign(x)
    length = abs(x)
    return x / xp.where(length == 0, 1, length).astype(length.dtype)


@composition(COMPARISON, reference=lambda x: x.imag == 0)
def isreal(input):
    """Where the imaginary part is 0."""
    return imag(input) == 0 if input.dtype.kind == "c" else functional.ones_like(input, dtype="bool")
