"""Counting of values. Only `bincount` has a gradient, with respect to its weights."""

import functools
import math
from collections import namedtuple

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.devices import device_of
from autograd_core.engine.libraries import LIBRARY, checks_values
from autograd_core.engine.precision import widened
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import INDEXING, REDUCTION
from autograd_core.ops import axes
from autograd_core.registry import Values, composition, integers, sample
from autograd_core.tensor import wrap

Histogram = namedtuple("Histogram", "hist bin_edges")
Histogramdd = namedtuple("Histogramdd", "hist bin_edges")
FEW = (
    sample(integers((6,), 0, 3)),
    sample(integers((2, 3), 0, 3), return_inverse=True, return_counts=True),
    sample(integers((4, 2), 0, 2), return_inverse=True, return_counts=True, dim=0),
    sample((0,), return_counts=True),
)


def _asked(values, inverse, counts, return_inverse, return_counts):
    """The unique values, with the further results that were requested."""
    parts = [wrap(values)]
    if return_inverse:
        parts.append(wrap(inverse))
    if return_counts:
        parts.append(wrap(counts))
    return tuple(parts) if len(parts) > 1 else parts[0]


def _check_unique(x, dim):
    if x.dtype.kind == "c":
        raise DtypeError(f"complex numbers such as {x.dtype} have no order; unique() takes view_as_real(x), with dim=")
    if dim is not None:
        at = axes.one(dim, x.ndim)
        if any(k == 0 for i, k in enumerate(x.shape) if i != at):
            raise OperandError(f"unique() along dim {dim} of shape {x.shape}: the slices to compare are empty")


def _np_unique(x, return_inverse=False, return_counts=False, dim=None):
    found = np.unique(x, return_inverse=True, return_counts=True, axis=dim)
    return tuple(v for v, wanted in zip(found, (True, return_inverse, return_counts), strict=True) if wanted)


@widened
def _unique(xp, x, *, dim, inverse, counts):
    """The values, and what else is wanted or could be had for nothing."""
    if not inverse:  # which would take a sort of positions
        found = xp.unique(x, return_counts=counts, axis=dim, equal_nan=False)
        return (found[0], None, found[1]) if counts else (found, None, None)
    return xp.unique(x, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)


def _of_few(xp, x, inverse):
    """The values, positions and counts of integers whose range is shorter than their number, without sorting."""
    if x.dtype.kind not in dtypes.INTEGERS or not x.size or not checks_values(x):
        return None
    low, high = x.min().item(), x.max().item()
    if high - low >= x.size or high >= 1 << 63:
        return None
    places = (x.astype(np.int64) - low).reshape(-1)
    counts = xp.bincount(places)
    found = counts.nonzero()[0]
    positions = (xp.cumsum(counts > 0) - 1)[places] if inverse else None
    return (found + low).astype(x.dtype), positions, counts[found]


@composition(INDEXING, samples=FEW, order=0, reference=_np_unique)
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The distinct elements in ascending order (`sorted` or not), or the distinct slices along `dim`.

    return_inverse: also the index of every element among them; return_counts: also the number of occurrences. NaNs are
    never equal.
    """
    _check_unique(input, dim)
    x = input.array
    xp, shape = LIBRARY[x.__class__], (-1,) if dim is not None else input.shape
    found = _of_few(xp, x, return_inverse) if dim is None else None
    values, inverse, counts = found or _unique(xp, x, dim=dim, inverse=return_inverse, counts=return_counts)
    inverse = inverse.reshape(shape) if return_inverse else None
    return _asked(values, inverse, counts, return_inverse, return_counts)


def _np_runs(x, return_inverse=False, return_counts=False, dim=None):
    rows = [x.ravel()[i] for i in range(x.size)] if dim is None else list(np.moveaxis(x, dim, 0))
    first = [i for i in range(len(rows)) if i == 0 or np.any(rows[i] != rows[i - 1])]
    inverse = np.array([sum(f <= i for f in first) - 1 for i in range(len(rows))], np.int64)
    values = np.take(x, first, dim) if first else x
    counts = np.diff([*first, len(rows)]) if first else np.zeros(0, np.int64)
    found = values, inverse.reshape(x.shape if dim is None else -1), counts
    return tuple(v for v, wanted in zip(found, (True, return_inverse, return_counts), strict=True) if wanted)


@composition(INDEXING, samples=FEW, order=0, reference=_np_runs)
def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """The elements, or the slices along `dim`, without those equal to their predecessor.

    return_inverse: also the index of every element's run; return_counts: also the lengths of the runs.
    """
    x = input.array.reshape(-1) if dim is None else input.array
    xp, at = LIBRARY[x.__class__], axes.one(dim or 0, x.ndim)
    rows = xp.moveaxis(x, at, 0)
    differs = xp.any(rows[1:] != rows[:-1], axis=tuple(range(1, rows.ndim)))
    begins = xp.concatenate([xp.ones(min(len(rows), 1), bool), differs])
    first = begins.nonzero()[0]
    counts = xp.diff(xp.concatenate([first, xp.full(1, len(rows))]))
    inverse = (xp.cumsum(begins) - 1).reshape((-1,) if dim is not None else input.shape)
    return _asked(xp.take(x, first, axis=at), inverse, counts, return_inverse, return_counts)


@composition(REDUCTION, order=0, reference=np.bincount,
             samples=(sample(integers((5,), 0, 4)), sample(integers((4,), 0, 3), minlength=6),
                      sample(integers((0,), 0, 3), minlength=2)))
def bincount(input, weights=None, minlength=0):
    """The number of occurrences of each of 0, 1, 2, ... in a vector, or the sum of their `weights`, with a gradient.

    The result covers the numbers up to the largest, and has at least length `minlength`.
    """
    if input.ndim != 1 or input.dtype.kind not in dtypes.INTEGERS:
        raise OperandError(f"bincount() takes a vector of integers, not {input.dtype} of shape {input.shape}")
    if minlength < 0:
        raise OperandError(f"bincount(): minlength must not be negative, but is {minlength}")
    x = input.array
    if x.size and x.min().item() < 0:
        raise OperandError("bincount() takes non-negative integers")
    if weights is None or not x.size:
        return wrap(LIBRARY[x.__class__].bincount(x, minlength=minlength))
    if weights.shape != input.shape:
        raise OperandError(f"bincount(): {weights.shape} weights do not fit {input.shape} integers")
    weights = weights if weights.dtype in (dtypes.float32, dtypes.float64) else weights.double()
    length = max(minlength, x.max().item() + 1 if x.size else 0)
    return functional.place(weights, index=x, shape=(length,))


def _limits(name, x, given, margin):
    """The range of a histogram, as given or from the smallest to the largest element, widened if the ends are equal."""
    low, high = given or ((x.min().item(), x.max().item()) if x.size else (0, 1))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise OperandError(f"{name}(): the range from {low} to {high} is not finite; give one")
    if low > high:
        raise OperandError(f"{name}(): the range from {low} to {high} is empty")
    return (low - margin, high + margin) if low == high else (low, high)


def _check_histogram(name, x, bins):
    if x.dtype.kind not in dtypes.FLOATS:
        raise DtypeError(f"{name}() needs floating point elements, not {x.dtype}; convert them first: x.float()")
    if isinstance(bins, int) and bins <= 0:
        raise OperandError(f"{name}(): bins must be positive, not {bins}")


def _single(*shape):
    """A float32 input of a sample; float16 rounding could move an element to another bin."""
    return Values(shape, dtype="float32")


def _np_histc(x, bins=100, min=0, max=0):
    limits = (min, max) if min < max else None if x.size else (0, 1)
    return np.histogram(x, bins, limits)[0].astype(float)


@composition(REDUCTION, order=0, reference=_np_histc,
             samples=(sample(_single(8), 4), sample(_single(6), bins=3, min=-1, max=1.5), sample((0,), 5)))
def histc(input, bins=100, min=0, max=0):
    """The number of elements in each of `bins` equal parts of [min, max]; others do not count.

    If min equals max, the range is that of the elements.
    """
    x = input.array
    _check_histogram("histc", x, bins)
    low, high = _limits("histc", x, None if min == max else (float(min), float(max)), 1)
    counts, _ = LIBRARY[x.__class__].histogram(x.astype(dtypes.float64), bins, range=(low, high))
    return wrap(counts.astype(x.dtype))


@composition(REDUCTION, order=0, tolerance=1e-6,
             samples=(sample(_single(8), 4),
                      sample(_single(2, 3), 3, range=(-1.0, 1.5), density=True),
                      sample((0,), 5)),
             reference=lambda x, bins, range=None, density=False: np.histogram(x, bins, range, density))
def histogram(input, bins=100, *, range=None, weight=None, density=False) -> Histogram:
    """(hist, bin_edges): the number of elements, or their total `weight`, between neighbouring edges.

    bins: the ascending edges, or the number of equal parts of `range` (by default that of the elements). density:
    normalise the integral to 1.
    """
    x = input.array
    edges = _edges("histogram", x, bins, range)
    weights = None if weight is None else weight.array.reshape(-1)
    hist, _ = LIBRARY[x.__class__].histogram(x.reshape(-1), edges, weights=weights, density=density)
    return Histogram(wrap(hist.astype(x.dtype)), wrap(edges))


def _edges(name, x, bins, limits):
    """The edges of the bins of these elements: as given, or evenly spaced."""
    _check_histogram(name, x, bins)
    if not isinstance(bins, int):
        return functional.as_tensor(bins, device=device_of(x)).array
    return LIBRARY[x.__class__].linspace(*_limits(name, x, limits, 0.5), bins + 1).astype(x.dtype)


@composition(REDUCTION, order=0, tolerance=1e-6,
             samples=(sample(_single(8, 2), [3, 4]),
                      sample(_single(2, 3, 1), 3, range=(-1.0, 1.5), density=True),
                      sample((0, 2), [2, 3])),
             reference=lambda x, bins, range=None, density=False: np.histogramdd(
                 x.reshape(-1, x.shape[-1]), bins, range and [range], density))
def histogramdd(input, bins, *, range=None, weight=None, density=False) -> Histogramdd:
    """(hist, bin_edges): `histogram` of points with coordinates along the last axis, and edges for each coordinate.

    bins: for each coordinate the edges or the number of equal parts; or one number for all. range: the ends of all
    ranges, concatenated.
    """
    if input.ndim < 2:
        raise OperandError(f"histogramdd() takes points (..., N), not a tensor of shape {input.shape}")
    x = input.array.reshape(math.prod(input.shape[:-1]), input.shape[-1])
    parts = [bins] * x.shape[1] if isinstance(bins, int) else bins
    ends = [None] * x.shape[1] if range is None else list(zip(range[::2], range[1::2], strict=True))
    if not len(parts) == len(ends) == x.shape[1]:
        raise OperandError(f"histogramdd(): {len(parts)} bins and {len(ends)} ranges for {x.shape[1]} coordinates")
    columns = [x[:, i] for i, _ in enumerate(parts)]
    edges = [_edges("histogramdd", *each) for each in zip(columns, parts, ends, strict=True)]
    xp = LIBRARY[x.__class__]
    number, inside = xp.zeros(len(x), dtypes.int64), xp.full(len(x), bool(parts))  # without coordinates, none
    for column, rising in zip(columns, edges, strict=True):
        n = len(rising) - 1
        at = xp.where(column == rising[-1:], n - 1, xp.searchsorted(rising, column, side="right") - 1)
        number, inside = number * n + at, inside & (at >= 0) & (at < n)
    sizes = [len(rising) - 1 for rising in edges]
    weights = None if weight is None else weight.array.reshape(-1)[inside]
    hist = xp.bincount(number[inside], weights, math.prod(sizes)).reshape(sizes).astype(x.dtype)
    if density:
        volumes = functools.reduce(lambda v, rising: v[..., None] * xp.diff(rising), edges, xp.ones((), x.dtype))
        hist = hist / (volumes * hist.sum())
    return Histogramdd(wrap(hist), tuple(map(wrap, edges)))
