"""Softmax, log-softmax and log-sum-exp, without overflow."""

import numpy as np

from autograd_core.dtypes import as_dtype
from autograd_core.engine.precision import together
from autograd_core.kinds import REDUCTION
from autograd_core.ops import axes
from autograd_core.ops.domains import REAL
from autograd_core.ops.reductions.reduction import accumulator, added, axis_of, in_dtype
from autograd_core.registry import NO_GRADIENT, composition, op, sample

ALONG = (
    sample((4,), dim=0),
    sample((2, 3, 4), dim=1),
    sample((3, 2), dim=-1),
    sample((0, 3), dim=1),
    sample((2, 0), dim=1),
)
CAST_FIRST = (*ALONG, sample((2, 3), dim=0, dtype="float64"))


@op(REDUCTION, symbol="shift", domain=REAL, holomorphic=False, method=False, samples=ALONG, vjp=NO_GRADIENT,
    reference=lambda x, dim: np.max(x.real, axis=dim, keepdims=True) if x.size else np.zeros(axes.kept(x.shape, dim)))
def exponent_shift(xp, x, *, dim):
    """The shift with which exp(x) does not overflow: the maximum over `dim`, or 0 if it is infinite. A constant."""
    return _shift(xp, x, dim)


def _shift(xp, x, dim):
    if 0 in x.shape:
        return xp.zeros(axes.kept(x.shape, dim), x.real.dtype)
    return _finite(xp, xp.max(x.real, axis=axis_of(x, dim), keepdims=True))


@together
def _finite(xp, m):
    return xp.where(xp.isfinite(m), m, 0)


def _lse_rule(xp, g, x, dim, keepdim):
    """exp(x) / Σ exp(x), in a form that is exact for equal elements and finite next to an infinite one."""
    e = _exponentials(xp, x, xp.exponent_shift(x, dim=dim))
    total = xp.sum(e, dim=dim, keepdim=True, dtype=accumulator(x))
    return _weighted(xp, axes.spread(xp, g, x.shape, dim, keepdim), e, total)


@together
def _exponentials(xp, x, shift):
    return xp.exp(x - shift)


@together
def _unshifted(xp, total, shift):
    return xp.log(total) + shift


@together
def _weighted(xp, g, e, total):
    return g * in_dtype(xp, e / total, e.dtype)


@op(REDUCTION, symbol="lse", domain=REAL, floating=True, wide=True, holomorphic=True,
    reference=lambda x, dim, keepdim=False: np.log(np.sum(np.exp(x), axis=dim, keepdims=keepdim)),
    samples=(*ALONG, sample((2, 3), dim=(0, 1)), sample((2, 3), dim=1, keepdim=True), sample((2, 3), dim=None)),
    aliases=("special.logsumexp",), vjp=_lse_rule)
def logsumexp(xp, x, *, dim, keepdim=False):
    """log(Σ exp(x)) over `dim`; -inf if empty."""
    m, dim = _shift(xp, x, dim), axis_of(x, dim)
    y = _unshifted(xp, added(xp, _exponentials(xp, x, m), dim, True), m)
    return y if keepdim else y.squeeze(dim)


def _recorded_softmax_rule(xp, g, y, x_dtype, dim):
    p = g * y
    return (in_dtype(xp, p - y * xp.sum(p, dim=dim, keepdim=True), x_dtype),)


def _nothing(x, dim):
    axes.normalized(dim, x.ndim)
    return x.copy()


@op(REDUCTION, symbol="softmax", domain=REAL, samples=CAST_FIRST, floating=True, wide=True,
    aliases=("special.softmax",), composite=_recorded_softmax_rule,
    vjp=lambda xp, g, y, x_dtype, dim: in_dtype(xp, xp.kernels.softmax_gradient(g, y, dim), x_dtype),
    reference=lambda x, dim, dtype=None: np.exp(x) / np.exp(x).sum(dim, keepdims=True))
def softmax(xp, x, *, dim, dtype=None):
    """exp(x) / Σ exp(x) along `dim`: positive, with sum 1.

    >>> from autograd_core import tensor
    >>> tensor([0.0, 0.0]).softmax(dim=0)
    tensor([0.5000, 0.5000])
    """
    x = x if dtype is None else x.astype(as_dtype(dtype))
    return xp.kernels.softmax(x, axis_of(x, dim)) if x.size else _nothing(x, dim)


@op(REDUCTION, symbol="log softmax", domain=REAL, floating=True, wide=True, aliases=("special.log_softmax",),
    samples=CAST_FIRST, reference=lambda x, dim, dtype=None: x - np.log(np.exp(x).sum(dim, keepdims=True)),
    vjp=lambda xp, g, y, x_dtype, dim: in_dtype(xp, xp.kernels.log_softmax_gradient(g, y, dim), x_dtype),
    composite=lambda xp, g, y, x_dtype, dim: (
        in_dtype(xp, g - xp.exp(y) * xp.sum(g, dim=dim, keepdim=True), x_dtype),))
def log_softmax(xp, x, *, dim, dtype=None):
    """log(softmax(x)) along `dim`, exact where the softmax underflows."""
    x = x if dtype is None else x.astype(as_dtype(dtype))
    return xp.kernels.log_softmax(x, axis_of(x, dim)) if x.size else _nothing(x, dim)


@composition(REDUCTION, domain=REAL, samples=CAST_FIRST, method=False,
             reference=lambda x, dim, dtype=None: np.exp(-x) / np.exp(-x).sum(dim, keepdims=True))
def softmin(input, dim, dtype=None):
    """exp(-x) / Σ exp(-x) along `dim`."""
    return softmax(-input, dim=dim, dtype=dtype)
