"""Discrete Fourier transforms under PyTorch's names: lengths, axes and normalizations around `fourier`."""

from functools import partial
from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import MATMUL, SHAPE
from autograd_core.ops import axes
from autograd_core.ops.signals.fourier import (
    OTHER,
    analysis,
    complex_values,
    slow_each,
    slow_half,
    slow_real,
    synthesis,
    transform,
)
from autograd_core.registry import composition, publish, sample

LAST_TWO = (-2, -1)


def _plan(name, input, s, dim):
    """The axes to transform, and their lengths."""
    if isinstance(s, int) and s < 1:
        raise OperandError(f"{name}(): cannot transform {s} points")
    lengths = (s,) if isinstance(s, int) else s
    if dim is None:
        count = input.ndim if lengths is None else len(lengths)
        if count > input.ndim:
            raise OperandError(f"{name}(): s={s} has more lengths than the input of shape {input.shape} has axes")
        dim = tuple(range(input.ndim - count, input.ndim))
    elif not input.ndim:
        raise IndexError(f"{name}() takes a tensor with axes, not one of shape ()")
    dims = axes.several(dim, input.ndim)
    lengths = [-1] * len(dims) if lengths is None else list(lengths)
    if len(lengths) != len(dims):
        raise OperandError(f"{name}(): s={s} and dim={dim} must have the same length")
    return dims, lengths


def _resized(name, input, dims, lengths):
    """Cropped, or padded with zeros, to given lengths."""
    widths = [(0, 0)] * input.ndim
    for dim, n in zip(dims, lengths, strict=True):
        n = input.shape[dim] if n == -1 else n
        if n < 1:
            raise OperandError(f"{name}(): cannot transform {n} points along axis {dim}")
        if n < input.shape[dim]:
            input = functional.narrow(input, dim, 0, n)
        widths[dim] = (0, n - input.shape[dim])
    return functional.pad_constant(input, widths=tuple(widths)) if any(after for _, after in widths) else input


def _as_complex(input):
    kind = input.dtype.kind
    if kind == "c":
        return input
    real = input.dtype if kind == "f" else dtypes.get_default_dtype()
    return functional.astype(input, dtypes.promote_types(real, dtypes.complex64))


def _normalization(name, norm):
    if norm not in OTHER:
        raise OperandError(f"{name}(): norm must be 'backward', 'ortho' or 'forward', not {norm!r}")
    return norm or "backward"


def _whole(name, input, s, dim, norm, inverse):
    """Complex to complex."""
    norm = _normalization(name, norm)
    dims, lengths = _plan(name, input, s, dim)
    ready = _resized(name, _as_complex(input), dims, lengths)
    return transform(ready, dims=dims, inverse=inverse, norm=norm) if dims else ready.clone()


def _some(name, dims):
    if not dims:
        raise OperandError(f"{name}() needs at least one axis to transform")


def _half(name, input, s, dim, norm, inverse):
    """Real to half of a symmetric spectrum; `inverse` for `ihfft`."""
    if input.dtype.kind == "c":
        raise DtypeError(f"{name}() takes real numbers, not {input.dtype}")
    norm = _normalization(name, norm)
    dims, lengths = _plan(name, input, s, dim)
    _some(name, dims)
    y = analysis(_resized(name, input, dims, lengths), dim=dims[-1], norm=OTHER[norm] if inverse else norm)
    y = functional.conj(y) if inverse else y
    return transform(y, dims=dims[:-1], inverse=inverse, norm=norm) if len(dims) > 1 else y


def _real(name, input, s, dim, norm, inverse):
    """Half of a symmetric spectrum to real; not `inverse` for `hfft`."""
    norm = _normalization(name, norm)
    dims, (*lengths, n) = _plan(name, input, s, dim) if input.ndim or dim is not None else ([], [1])
    _some(name, dims)
    n = 2 * (input.shape[dims[-1]] - 1) if n == -1 else n
    if n < 1:
        raise OperandError(f"{name}(): cannot transform {n} points along axis {dims[-1]}")
    x = _resized(name, _as_complex(input), dims, [*lengths, n // 2 + 1])
    if len(dims) > 1:
        x = transform(x, dims=dims[:-1], inverse=inverse, norm=norm)
    return synthesis(x if inverse else functional.conj(x), n=n, dim=dims[-1], norm=norm if inverse else OTHER[norm])


def _slow_plan(x, s, dim, last=0):
    """The axes and their lengths; `last`: points per sample of half a spectrum, 0 for a whole one."""
    dims = tuple(range(x.ndim))[-len(s) if s else 0 :] if dim is None else dim
    sizes = [x.shape[d] for d in dims]
    return dims, s or [*sizes[:-1], last * (sizes[-1] - 1) if last else sizes[-1]]


def _slow_whole(inverse, x, s=None, dim=None, norm=None):
    dims, sizes = _slow_plan(x, s, dim)
    return slow_each(x, sizes, dims, norm, inverse)


def _slow_half(inverse, x, s=None, dim=None, norm=None):
    dims, sizes = _slow_plan(x, s, dim)
    y = slow_half(x, sizes[-1], dims[-1], OTHER[norm] if inverse else norm)
    return slow_each(y.conj() if inverse else y, sizes[:-1], dims[:-1], norm, inverse)


def _slow_real(inverse, x, s=None, dim=None, norm=None):
    dims, sizes = _slow_plan(x, s, dim, last=2)
    y = slow_each(x, sizes[:-1], dims[:-1], norm, inverse)
    return slow_real(y if inverse else y.conj(), sizes[-1], dims[-1], norm if inverse else OTHER[norm])


LINE: tuple[Any, ...] = (
    ((4,), {}),
    ((3, 2), {"dim": 0, "norm": "ortho"}),
    ((2, 3), {"n": 5, "norm": "forward"}),
    ((2, 4), {"n": 3}),
    ((0, 3), {}),
)
PLANE: tuple[Any, ...] = (
    ((2, 3), {}),
    ((2, 3, 2), {"dim": (0, 1), "norm": "ortho"}),
    ((2, 3), {"s": (3, 2), "norm": "forward"}),
    ((0, 2, 3), {}),
)
SPACE: tuple[Any, ...] = (
    *PLANE[1:3], ((0, 2, 3), {"dim": (1, 2)}), ((2, 2, 3), {}), ((2, 3), {"s": (5,)}), ((3, 2), {"dim": (0,)}),
)


def _transforms(line, compute, slow, inverse, line_doc, space_doc, of=lambda *shape: shape):
    """Register a transform along one axis, `line`, along two, and along any; `of`: values of samples, by shape."""
    plane, space = f"{line}2", f"{line}n"
    reference = partial(slow, inverse)

    def along_one(input, n=None, dim=-1, norm=None):
        return compute(line, input, n, dim, norm, inverse)

    def along_two(input, s=None, dim=LAST_TWO, norm=None):
        return compute(plane, input, s, dim, norm, inverse)

    def along_any(input, s=None, dim=None, norm=None):
        return compute(space, input, s, dim, norm, inverse)

    def registered(name, function, doc, rows, reference):
        function.__name__, function.__qualname__, function.__doc__ = name, name, doc
        samples = tuple(sample(of(*shape), **statics) for shape, statics in rows)
        return composition(MATMUL, module="fft", method=False, samples=samples, reference=reference)(function)

    plane_doc = f"`{space}` along two axes, the last ones by default."
    return (
        registered(line, along_one, line_doc, LINE,
                   lambda x, n=None, dim=-1, norm=None: reference(x, n and (n,), (dim,), norm)),
        registered(plane, along_two, plane_doc, PLANE,
                   lambda x, s=None, dim=LAST_TWO, norm=None: reference(x, s, dim, norm)),
        registered(space, along_any, space_doc, SPACE, reference),
    )  # fmt: skip


fft, fft2, fftn = _transforms(
    "fft", _whole, _slow_whole, False,
    """Discrete Fourier transform along `dim`: Σ x[j]·exp(-2πi·jk/n), of x cropped or zero-padded to `n`.

    norm: "backward" scales the inverse by 1/n, "forward" the transform itself, "ortho" each by 1/√n.
    """,
    "`fft` along several axes, all by default, cropped or zero-padded to the lengths `s`.",
)  # fmt: skip
ifft, ifft2, ifftn = _transforms(
    "ifft", _whole, _slow_whole, True, "Inverse of `fft` along `dim`.", "Inverse of `fftn`."
)
rfft, rfft2, rfftn = _transforms(
    "rfft", _half, _slow_half, False, "`fft` of real numbers along `dim`: the n // 2 + 1 non-redundant frequencies.",
    "`rfft` along the last of several axes, `fft` along the others.",
)  # fmt: skip
ihfft, ihfft2, ihfftn = _transforms(
    "ihfft", _half, _slow_half, True, "Inverse of `hfft` along `dim`, of real numbers.", "Inverse of `hfftn`."
)
irfft, irfft2, irfftn = _transforms(
    "irfft", _real, _slow_real, True, "Inverse of `rfft` along `dim`: `n` real numbers, by default an even number.",
    "Inverse of `rfftn`; `s` are the lengths of the result.", complex_values,
)  # fmt: skip
hfft, hfft2, hfftn = _transforms(
    "hfft", _real, _slow_real, False, "`fft` along `dim` of half a Hermitian-symmetric signal: `n` real frequencies.",
    "`hfft` along the last of several axes, `fft` along the others.", complex_values,
)  # fmt: skip


def _moved(input, dim, by):
    dims = tuple(range(input.ndim)) if dim is None else axes.several(dim, input.ndim)
    return functional.roll(input, tuple(by(input.shape[d]) for d in dims), dims) if dims else input


SHIFTED = (sample((5,)), sample((3, 4)), sample((3, 4), dim=1), sample((2, 3), dim=(0, -1)), sample((0, 3)))


@composition(SHAPE, module="fft", method=False, samples=SHIFTED, reference=lambda x, dim=None: np.fft.fftshift(x, dim))
def fftshift(input, dim=None):
    """Frequency 0 moved to the middle of the axes, by default of all."""
    return _moved(input, dim, lambda n: n // 2)


@composition(SHAPE, module="fft", method=False, samples=SHIFTED, reference=lambda x, dim=None: np.fft.ifftshift(x, dim))
def ifftshift(input, dim=None):
    """Inverse of `fftshift`."""
    return _moved(input, dim, lambda n: -(n // 2))


def fftfreq(n, d=1.0, *, dtype=None, device=None, requires_grad=False):
    """The frequencies of `fft` of `n` points a distance `d` apart: 0, 1, ..., -2, -1, divided by n·d."""
    k = functional.arange(n, device=device)
    k = functional.where(k < (n + 1) // 2, k, k - n)
    return _frequencies(k, n * d, dtype, requires_grad)


def rfftfreq(n, d=1.0, *, dtype=None, device=None, requires_grad=False):
    """The frequencies of `rfft` of `n` points a distance `d` apart: 0, 1, ..., n // 2, divided by n·d."""
    return _frequencies(functional.arange(n // 2 + 1, device=device), n * d, dtype, requires_grad)


def _frequencies(k, length, dtype, requires_grad):
    f = k.to(dtype=dtype or dtypes.get_default_dtype()) * (1.0 / length)
    return f.requires_grad_(requires_grad)


for _function in (fftfreq, rfftfreq):
    publish(_function, module="fft")
