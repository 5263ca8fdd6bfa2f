"""The linear maps behind all Fourier transforms.

The conjugate transpose of the complex transform is its inverse, scaled; the transforms from real numbers to half of
their symmetric spectrum, and back, are each other's.
"""

import numpy as np

from autograd_core.kinds import MATMUL
from autograd_core.registry import Values, op, sample

# The scale of a transform belongs to the other one in its transpose.
OTHER = {"backward": "forward", "ortho": "ortho", "forward": "backward", None: "forward"}
DIRECT, INVERSE = -1, 1  # signs of the exponent


def complex_values(*shape):
    return Values(shape, dtype="complex128")


def _slow(x, n, dim, norm, sign):
    """The definition: the product with a matrix of roots of unity."""
    rows = np.moveaxis(np.asarray(x, np.complex128), dim, -1)[..., :n]
    rows = np.concatenate([rows, np.zeros((*rows.shape[:-1], n - rows.shape[-1]))], -1)
    roots = np.exp(sign * 2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)
    whole = {"ortho": n**-0.5, "forward": 1 / n if sign == DIRECT else 1}
    return np.moveaxis(rows @ roots, -1, dim) * whole.get(norm, 1 if sign == DIRECT else 1 / n)


def slow_half(x, n=None, dim=-1, norm=None, sign=DIRECT):
    n = n or x.shape[dim]
    return np.take(_slow(x, n, dim, norm, sign), range(n // 2 + 1), dim)


def slow_real(x, n=None, dim=-1, norm=None, sign=INVERSE):
    n = n or 2 * (x.shape[dim] - 1)
    half = np.moveaxis(x, dim, -1)[..., : n // 2 + 1]
    half = np.concatenate([half, np.zeros((*half.shape[:-1], n // 2 + 1 - half.shape[-1]))], -1)
    mirrored = half[..., 1 : (n + 1) // 2][..., ::-1].conj()
    edges = half.copy()
    edges[..., [0, n // 2] if n % 2 == 0 else [0]] = edges[..., [0, n // 2] if n % 2 == 0 else [0]].real
    return np.moveaxis(_slow(np.concatenate([edges, mirrored], -1), n, -1, norm, sign).real, -1, dim)


@op(MATMUL, symbol="DFT", module="fft", method=False, holomorphic=False, broadcasts=False,
    samples=(sample(complex_values(4), dims=(0,)),
             sample(complex_values(2, 3), dims=(1, 0), norm="ortho"),
             sample(complex_values(2, 3), dims=(-1,), inverse=True, norm="forward"),
             sample(complex_values(3), dims=(0,), inverse=True),
             sample(complex_values(0, 3), dims=(1,))),
    reference=lambda x, dims, inverse=False, norm="backward": slow_each(x, None, dims, norm, inverse),
    vjp=lambda xp, g, dims, inverse, norm: xp.transform(g, dims=dims, inverse=not inverse, norm=OTHER[norm]))
def transform(xp, x, *, dims, inverse=False, norm="backward"):
    """Discrete Fourier transform of complex numbers along `dims`."""
    return (xp.fft.ifftn if inverse else xp.fft.fftn)(x, axes=dims, norm=norm)


def slow_each(x, s, dims, norm, inverse):
    for i, dim in enumerate(dims):
        x = _slow(x, x.shape[dim] if s is None else s[i], dim, norm, INVERSE if inverse else DIRECT)
    return x


def _weighted(xp, x, dim, n, weight):
    """With the frequencies that also represent their mirror image multiplied by `weight`."""
    dim %= x.ndim
    x = x.copy()
    x[(*(slice(None),) * dim, slice(1, (n + 1) // 2))] *= weight
    return x


@op(MATMUL, symbol="rDFT", module="fft", method=False, real_only=True, broadcasts=False, floating=True,
    samples=(sample((4,), dim=0),
             sample((2, 5), dim=-1, norm="ortho"),
             sample((4, 2), dim=0, norm="forward", doubled=True),
             sample((5,), dim=0, doubled=True),
             sample((0, 3), dim=1)),
    reference=lambda x, dim, norm="backward", doubled=False: _slow_doubled(
        slow_half(x, None, dim, norm), x, dim, doubled),
    vjp=lambda xp, g, x_shape, dim, norm, doubled: xp.synthesis(
        g, n=x_shape[dim], dim=dim, norm=OTHER[norm], halved=not doubled))
def analysis(xp, x, *, dim, norm="backward", doubled=False):
    """The non-redundant half of the spectrum of real numbers; `doubled`: those with a mirror image count twice."""
    x = x.astype(np.float32) if x.dtype.itemsize == 2 else x  # NumPy takes bfloat16 for float64
    y = xp.fft.rfft(x, axis=dim, norm=norm)
    return _weighted(xp, y, dim, x.shape[dim], 2) if doubled else y


def _slow_doubled(y, x, dim, doubled):
    twice = np.moveaxis(y, dim, -1)
    twice[..., 1 : (x.shape[dim] + 1) // 2] *= 1 + doubled
    return np.moveaxis(twice, -1, dim)


@op(MATMUL, symbol="irDFT", module="fft", method=False, holomorphic=False, broadcasts=False,
    samples=(sample(complex_values(3), n=4, dim=0),
             sample(complex_values(2, 3), n=5, dim=-1, norm="ortho"),
             sample(complex_values(3, 2), n=4, dim=0, norm="forward", halved=True),
             sample(complex_values(3), n=5, dim=0, halved=True),
             sample(complex_values(0, 3), n=5, dim=1)),
    reference=lambda x, n, dim, norm="backward", halved=False: slow_real(
        x * (1 - 0.5 * halved * ((np.indices(x.shape)[dim] > 0) & (np.indices(x.shape)[dim] < n / 2))), n, dim, norm),
    vjp=lambda xp, g, dim, norm, halved: xp.analysis(g, dim=dim, norm=OTHER[norm], doubled=not halved))
def synthesis(xp, x, *, n, dim, norm="backward", halved=False):
    """`n` real numbers from half of their spectrum; `halved`: frequencies with a mirror image count once."""
    return xp.fft.irfft(_weighted(xp, x, dim, n, 0.5) if halved else x, n, axis=dim, norm=norm)
