"""Scans: running sums, products and extremes along an axis. Their rules are scans too and take linear time."""

import numpy as np

from autograd_core import dtypes
from autograd_core.kinds import REDUCTION
from autograd_core.ops import axes
from autograd_core.ops.reductions.reduction import accumulator, in_dtype
from autograd_core.registry import op, sample

ALONG = (
    sample((5,), dim=0),
    sample((2, 3, 4), dim=1),
    sample((3, 2), dim=-1),
    sample((), dim=0),
    sample((0, 3), dim=0),
)
CAST_FIRST = (*ALONG, sample((2, 3), dim=0, dtype="float64"))
# Rounding errors of a running sum grow with its length; these, and 16 bits, accumulate in a wider dtype, as in PyTorch.
WIDER = {dtypes.float32: dtypes.float64, dtypes.complex64: dtypes.complex128}


def _accumulated(xp, name, x, dim, dtype, back=False):
    """A running sum or product, in the given dtype, or in int64 for integers; `back`: from the end."""
    at = axes.one(dim, x.ndim)
    dtype = dtypes.as_dtype(dtype) or (dtypes.int64 if x.dtype.kind in dtypes.EXACT else x.dtype)
    x = x.astype(dtype, copy=not x.ndim)
    return xp.kernels.running(name, x, at, WIDER.get(dtype) or accumulator(x), back) if x.ndim else x


@op(REDUCTION, symbol="Σ…", samples=CAST_FIRST, wide=True, holomorphic=True,
    vjp=lambda xp, g, x_dtype, dim: xp.cumsum_back(in_dtype(xp, g, x_dtype), dim=dim),
    reference=lambda x, dim, dtype=None: np.cumsum(x, dim) if x.ndim else x)
def cumsum(xp, x, *, dim, dtype=None):
    """Running sum along `dim`; integers and booleans are summed in int64.

    >>> from autograd_core import tensor
    >>> tensor([1.0, 2.0, 3.0]).cumsum(dim=0)
    tensor([1., 3., 6.])
    """
    return _accumulated(xp, "add", x, dim, dtype)


@op(REDUCTION, symbol="…Σ", samples=ALONG, wide=True, holomorphic=True, method=False,
    vjp=lambda xp, g, x_dtype, dim: xp.cumsum(in_dtype(xp, g, x_dtype), dim=dim),
    reference=lambda x, dim: np.flip(np.cumsum(np.flip(x, dim), dim), dim) if x.ndim else x)
def cumsum_back(xp, x, *, dim):
    """Running sum along `dim` from the end: the transpose of `cumsum`."""
    return _accumulated(xp, "add", x, dim, None, back=True)


def _slice(x, dim, part):
    return x[(slice(None),) * axes.one(dim, len(x.shape)) + (part,)]


def _delayed(xp, x, dim, first):
    """The elements shifted by one place along `dim`, with the number `first` in front."""
    start = xp.zeros_like(_slice(x, dim, slice(1)))
    return xp.cat([start + first, _slice(x, dim, slice(-1))], dim=dim)


def _loop(a, b, dim):
    """The recurrence by its definition."""
    y, a = np.moveaxis(b.copy(), dim, 0), np.moveaxis(a, dim, 0)
    for i in range(1, len(y)):
        y[i] += a[i] * y[i - 1]
    return np.moveaxis(y, 0, dim)


PAIRS = tuple(sample(s, s, dim=dim) for s, dim in (((5,), 0), ((2, 3), -1), ((3, 2), 0), ((0, 3), 0)))


def _recurrence_rule(xp, g, a, y, dim, needs):
    """The same recurrence, run backwards."""
    b = xp.recurrence_back(a, g, dim=dim)
    return b * _delayed(xp, y, dim, 0) if needs[0] else None, b


@op(REDUCTION, symbol="ay+b", samples=PAIRS, reference=_loop, holomorphic=True, method=False,
    wide=True, joint=_recurrence_rule)
def recurrence(xp, a, b, *, dim=-1):
    """The linear recurrence y[i] = a[i]·y[i-1] + b[i] along `dim`, with y[0] = b[0]."""
    return xp.kernels.recurrence(a, b, axes.one(dim, b.ndim))


def _recurrence_back_rule(xp, g, a, y, dim, needs):
    b = xp.recurrence(a, g, dim=dim)
    return y * _delayed(xp, b, dim, 0) if needs[0] else None, b


@op(REDUCTION, symbol="b+ay", samples=PAIRS, holomorphic=True, method=False, wide=True,
    reference=lambda a, b, dim: np.flip(_loop(np.roll(np.flip(a, dim), 1, dim), np.flip(b, dim), dim), dim),
    joint=_recurrence_back_rule)
def recurrence_back(xp, a, b, *, dim=-1):
    """y[i] = b[i] + a[i+1]·y[i+1] along `dim`, from the end: the transpose of `recurrence` in b."""
    at = axes.one(dim, b.ndim)
    y = xp.kernels.recurrence(xp.roll(xp.flip(a, at), 1, at), xp.flip(b, at), at)
    return xp.flip(y, at).copy()


def _cumprod_rule(xp, g, x, y, x_dtype, dim):
    """Σ g[j] Π x[k] over j ≥ i, k ≤ j, k ≠ i: the product before i, times a recurrence, without division."""
    g, y = in_dtype(xp, g, x_dtype), in_dtype(xp, y, x_dtype)
    return xp.recurrence_back(x, g, dim=dim) * _delayed(xp, y, dim, 1) if x.ndim else g


@op(REDUCTION, symbol="Π…", samples=CAST_FIRST, wide=True, holomorphic=True, vjp=_cumprod_rule,
    reference=lambda x, dim, dtype=None: np.cumprod(x, dim) if x.ndim else x)
def cumprod(xp, x, *, dim, dtype=None):
    """Running product along `dim`. Its gradient is exact where elements are 0."""
    return _accumulated(xp, "multiply", x, dim, dtype)


def _decay(xp, y, dim):
    """exp(y[i-1] - y[i]), at most 1, for a running maximum y; 1 also where both are infinite."""
    before = _delayed(xp, y, dim, 0)
    return xp.where(before == y, 1, xp.exp(before - y))


def _logcumsumexp_rule(xp, g, x, y, dim):
    if wide := accumulator(x):  # differences between neighbours of y need more digits
        x = xp.astype(x, dtype=wide)
        y = xp.logcumsumexp(x, dim=dim)
    return xp.recurrence_back(_decay(xp, y, dim), g, dim=dim) * xp.exp(x - y) if x.ndim else g * xp.exp(x - y)


def _running(xp, x, dim, name):
    """A running extreme and the last index at which it was attained, as in PyTorch; every NaN attains it."""
    at = axes.one(dim, x.ndim)
    if not x.ndim:
        return x.copy(), xp.zeros((), dtypes.int64)
    y = xp.kernels.running(name, x, at)
    place = xp.arange(x.shape[at]).reshape([-1 if i == at else 1 for i in range(x.ndim)])
    return y, xp.kernels.running("maximum", xp.where((x == y) | (x != x), place, 0), at)


def _peaks(xp, x, at):
    """Running maximum; for complex numbers the element with the largest real part, so a single one is kept as it is."""
    if x.dtype.kind != "c":
        return xp.kernels.running("maximum", x, at)
    return xp.take_along_axis(x, _running(xp, x.real, at, "maximum")[1], axis=at)


@op(REDUCTION, symbol="lse…", samples=ALONG, wide=True, floating=True, holomorphic=True,
    vjp=_logcumsumexp_rule, reference=lambda x, dim: np.log(np.cumsum(np.exp(x), dim)) if x.ndim else x)
def logcumsumexp(xp, x, *, dim):
    """Running log(Σ exp(x)) along `dim`, without overflow: a recurrence of sums relative to the running maximum."""
    at = axes.one(dim, x.ndim)
    if not x.ndim:
        return x.copy()
    wide = x.astype(WIDER.get(x.dtype, x.dtype), copy=False)
    if wide.dtype.kind == "c":
        wide = xp.where(wide.real == -np.inf, -np.inf, wide)  # logarithms of 0, whatever their angle
    m = _peaks(xp, wide, at)
    before = xp.roll(m, 1, at)  # the first element has no predecessor, and is not used
    decay = xp.where(before == m, 1, xp.exp(before - m)).astype(wide.dtype, copy=False)
    sums = xp.kernels.recurrence(decay, xp.where(wide == m, 1, xp.exp(wide - m)), at)
    return (xp.log(sums) + m).astype(x.dtype, copy=False)


def _indices(argument, x, dim):
    """The indices of the running extreme of distinct elements."""
    if not x.ndim:
        return np.zeros((), np.int64)
    parts = [argument(np.take(x, range(i + 1), dim), dim) for i in range(x.shape[dim])]
    return np.stack(parts, dim) if parts else np.zeros(x.shape, np.int64)


def _scanned(ufunc, argument):
    return lambda x, dim: (ufunc.accumulate(x, dim) if x.ndim else x, _indices(argument, x, dim))


def _running_rule(xp, g, x_shape, indices, dim):
    return xp.spread(g[0], indices, dim=dim, shape=x_shape)


@op(REDUCTION, symbol="max…", samples=ALONG, outputs=("values", "indices"), vjp=_running_rule,
    reference=_scanned(np.maximum, np.argmax))
def cummax(xp, x, *, dim):
    """Running maximum along `dim` and its index (the last of ties); NaN from the first NaN on."""
    return _running(xp, x, dim, "maximum")


@op(REDUCTION, symbol="min…", samples=ALONG, outputs=("values", "indices"), vjp=_running_rule,
    reference=_scanned(np.minimum, np.argmin))
def cummin(xp, x, *, dim):
    """Running minimum along `dim` and its index (the last of ties); NaN from the first NaN on."""
    return _running(xp, x, dim, "minimum")
