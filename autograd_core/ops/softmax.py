"""Log-sum-exp and its relatives, without overflow."""

import numpy as np

from autograd_core.kinds import REDUCTION
from autograd_core.ops import axes
from autograd_core.ops.reduction import axis_of, in_dtype
from autograd_core.registry import Interval, op, sample

REAL = Interval(-3, 3)
ALONG = (
    sample((4,), dim=0),
    sample((2, 3, 4), dim=1),
    sample((3, 2), dim=-1),
    sample((0, 3), dim=1),
    sample((2, 0), dim=1),
)
CAST_FIRST = (*ALONG, sample((2, 3), dim=0, dtype="float64"))


def _shift(xp, x, dim):
    """The maximum over `dim`, and 0 where it is infinite or there is nothing."""
    if 0 in x.shape:
        return xp.zeros(axes.kept(x.shape, dim), x.dtype)
    m = xp.max(x, axis=dim, keepdims=True)
    return xp.where(xp.isfinite(m), m, 0)


def _wide(x):
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _reference_lse(x, dim, keepdim=False):
    return np.log(np.sum(np.exp(x), axis=dim, keepdims=keepdim))


@op(REDUCTION, symbol="lse", domain=REAL, floating=True, reference=_reference_lse,
    samples=(*ALONG, sample((2, 3), dim=(0, 1)), sample((2, 3), dim=1, keepdim=True), sample((2, 3), dim=None)),
    vjp=lambda xp, g, x, dim, keepdim: axes.spread(xp, g, x.shape, dim, keepdim) * xp.softmax(x, dim=dim))  # fmt: skip
def logsumexp(xp, x, *, dim, keepdim=False):
    """log(Σ exp(x)) over `dim`; of nothing it is -inf."""
    wide, dim = _wide(x), axis_of(x, dim)
    m = _shift(xp, wide, dim)
    y = xp.log(xp.sum(xp.exp(wide - m), axis=dim, keepdims=True)) + m
    return (y if keepdim else y.squeeze(dim)).astype(x.dtype)


def _softmax_rule(xp, g, y, x_dtype, dim):
    p = g * y
    return in_dtype(xp, p - y * xp.sum(p, dim=dim, keepdim=True), x_dtype)


def _log_softmax_rule(xp, g, y, x_dtype, dim):
    return in_dtype(xp, g - xp.exp(y) * xp.sum(g, dim=dim, keepdim=True), x_dtype)


def _nothing(x, dim):
    axes.normalized(dim, x.ndim)
    return x.copy()


def _softmax(xp, x, dim):
    dim = axis_of(x, dim)
    if not x.size:
        return _nothing(x, dim)
    e = xp.exp(x - xp.max(x, axis=dim, keepdims=True))
    e /= xp.sum(e, axis=dim, keepdims=True)
    return e


@op(REDUCTION, symbol="softmax", domain=REAL, samples=CAST_FIRST, floating=True, vjp=_softmax_rule,
    reference=lambda x, dim, dtype=None: np.exp(x) / np.exp(x).sum(dim, keepdims=True))  # fmt: skip
def softmax(xp, x, *, dim, dtype=None):
    """exp(x) / Σ exp(x) along `dim`: positive, and adding up to 1.

    >>> from autograd_core import tensor
    >>> tensor([0.0, 0.0]).softmax(dim=0)
    tensor([0.5000, 0.5000])
    """
    x = x if dtype is None else x.astype(dtype)
    return _softmax(xp, _wide(x), dim).astype(x.dtype, copy=False)


@op(
    REDUCTION,
    symbol="log softmax",
    domain=REAL,
    samples=CAST_FIRST,
    floating=True,
    reference=lambda x, dim, dtype=None: x - np.log(np.exp(x).sum(dim, keepdims=True)),
    vjp=_log_softmax_rule,
)
def log_softmax(xp, x, *, dim, dtype=None):
    """log(softmax(x)) along `dim`, exact where the softmax underflows."""
    x = x if dtype is None else x.astype(dtype)
    wide, dim = _wide(x), axis_of(x, dim)
    if not x.size:
        return _nothing(x, dim)
    d = wide - xp.max(wide, axis=dim, keepdims=True)
    d = d - xp.log(xp.sum(xp.exp(d), axis=dim, keepdims=True))
    return d.astype(x.dtype, copy=False)
