"""Medians, quantiles and modes."""

from collections import Counter, namedtuple

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.engine.deriving import in_lines
from autograd_core.engine.libraries import holds
from autograd_core.errors import DtypeError, OperandError
from autograd_core.kinds import REDUCTION
from autograd_core.ops import axes
from autograd_core.ops.domains import UNIT
from autograd_core.ops.reductions.extremes import check_some, tied_rule
from autograd_core.ops.reductions.sorting import pick_one, sort
from autograd_core.registry import NO_GRADIENT, Values, composition, op, sample
from autograd_core.tensor import Tensor

Median = namedtuple("Median", "values indices")
in_lines(Median, "median")
NanMedian = in_lines(namedtuple("NanMedian", "values indices"), "nanmedian")
Mode = namedtuple("Mode", "values indices")
PLACES = (sample((5,), dim=0), sample((2, 3, 4), dim=1), sample((0, 3), dim=1))
ALONG_ONE = (*PLACES, sample((3, 4), dim=-1, keepdim=True))


def _np_place(x, dim, ignore_nan=False):
    return np.take(np.argsort(x, dim), [(x.shape[dim] - 1) // 2], dim)


def _along(place):
    def reference(x, dim=-1, keepdim=False):
        found = place(x, dim)
        both = np.take_along_axis(x, found, dim), found
        return both if keepdim else tuple(v.squeeze(dim) for v in both)

    return reference


def _np_median(x, dim=None, keepdim=False):
    return np.sort(x, None)[(x.size - 1) // 2] if dim is None else _along(_np_place)(x, dim, keepdim)


def _place(xp, x, dim, ignore_nan):
    at = axes.one(dim, x.ndim)
    if not x.ndim:
        return xp.zeros((), np.int64)
    n, nan = x.shape[at], x != x
    if ignore_nan and x.dtype.kind == "f":  # for integers it is the same element as the median
        known = n - xp.sum(nan, axis=at, keepdims=True)
        order = xp.argsort(x, axis=at, kind="stable")
        return xp.take_along_axis(order, xp.maximum(known - 1, 0) // 2, axis=at)
    middle = xp.argpartition(x, (n - 1) // 2, axis=at)[(slice(None),) * at + (slice((n - 1) // 2, (n + 1) // 2),)]
    return xp.where(xp.any(nan, axis=at, keepdims=True), xp.argmax(nan, axis=at, keepdims=True), middle)


@op(REDUCTION, symbol="median", samples=(*PLACES, sample((3, 4), dim=0, ignore_nan=True)),
    reference=_np_place, vjp=NO_GRADIENT, wide=True, method=False)
def median_position(xp, x, *, dim, ignore_nan=False):
    """The position of the lower median along `dim`, kept as an axis of length 1; or of the first NaN."""
    return _place(xp, x, dim, ignore_nan)


@op(REDUCTION, symbol="median", samples=(*PLACES, sample((3, 4), dim=0, ignore_nan=True)), wide=True,
    method=False, reference=lambda x, dim, ignore_nan=False: _along(_np_place)(x, dim)[0],
    vjp=lambda xp, g, x, y, x_dtype, dim: tied_rule(xp, g, x, y, x_dtype, dim, False))
def shared_median(xp, x, *, dim, ignore_nan=False):
    """The lower medians along `dim`. Ties share the gradient equally."""
    return xp.take_along_axis(x, _place(xp, x, dim, ignore_nan), axis=dim).squeeze(dim)


def _median(input, dim, keepdim, ignore_nan):
    if dim is None and 0 in input.shape and input.is_floating_point():
        return functional.mean(input)
    check_some(input, dim if dim is None else axes.one(dim, input.ndim), "median")
    if dim is None:
        return shared_median(functional.ravel(input), dim=0, ignore_nan=ignore_nan)
    results = NanMedian if ignore_nan else Median
    return results(*pick_one(input, median_position(input, dim=dim, ignore_nan=ignore_nan), dim, keepdim))


@composition(REDUCTION, samples=(sample((2, 4)), *ALONG_ONE), reference=_np_median)
def median(input, dim=None, keepdim=False):
    """The median of all elements, or (values, indices) along `dim`; the lower one of an even number of elements.

    NaN if an element is NaN, or if there are none; of no integers an error. Over all elements ties share the gradient
    equally.
    """
    return _median(input, dim, keepdim, False)


@composition(REDUCTION, samples=(sample((2, 4)), *ALONG_ONE), reference=_np_median)
def nanmedian(input, dim=None, keepdim=False):
    """The median of all elements that are not NaN, or (values, indices) along `dim`."""
    return _median(input, dim, keepdim, True)


def _np_mode_place(x, dim):
    def last_of_most_frequent(row):
        counts = Counter(row.tolist())
        value = min(counts, key=lambda v: (-counts[v], v))
        return np.flatnonzero(row == value)[-1:]

    return np.apply_along_axis(last_of_most_frequent, dim, x) if x.size else np.zeros((0, 1), np.int64)


@op(REDUCTION, symbol="mode", samples=PLACES, reference=_np_mode_place, vjp=NO_GRADIENT, wide=True, method=False)
def mode_position(xp, x, *, dim):
    """The last position of the most frequent element along `dim`, kept as an axis of length 1."""
    at = axes.one(dim, x.ndim)
    if not x.ndim:
        return xp.zeros((), np.int64)
    order = xp.argsort(x, axis=at, kind="stable")
    ranked = xp.take_along_axis(x, order, axis=at)
    place = xp.arange(x.shape[at]).reshape([-1 if i == at else 1 for i in range(x.ndim)])
    first = (ranked != xp.roll(ranked, 1, at)) | (place == 0)
    since = place - xp.kernels.running("maximum", xp.where(first, place, 0), at)
    return xp.take_along_axis(order, xp.argmax(since, axis=at, keepdims=True), axis=at)


@composition(REDUCTION, samples=ALONG_ONE, reference=_along(_np_mode_place))
def mode(input, dim=-1, keepdim=False) -> Mode:
    """The most frequent elements along `dim` (the smallest of equally frequent ones), and their last positions."""
    check_some(input, axes.one(dim, input.ndim), "mode")
    return Mode(*pick_one(input, mode_position(input, dim=dim), dim, keepdim))


def _check_quantile(input, q, name):
    if input.dtype.kind not in dtypes.FLOATS:
        raise DtypeError(f"{name}() needs floating point elements, not {input.dtype}; convert them first: x.float()")
    if 0 in input.shape:
        raise OperandError(f"{name}() of no elements is undefined; the tensor has shape {input.shape}")
    if q.ndim > 1 or q.dtype != input.dtype:
        raise OperandError(f"{name}(): q must be a number or a vector of {input.dtype}, not {q.dtype} {q.shape}")
    if not holds((q.array >= 0) & (q.array <= 1)):
        raise OperandError(f"{name}(): q must lie between 0 and 1")


def _between(low, high, weight):
    """low + weight·(high - low); equal infinities have distance 0."""
    rise = functional.where(functional.isinf(low) & (low == high), 0, high - low)
    return low + weight * rise


def _ranks(x, q, ignore_nan):
    """The fractional positions of quantiles in sorted rows; a row with NaN, which sorts last, gives NaN."""
    n, nan = x.shape[-1], functional.isnan(x)
    if ignore_nan:
        return q * functional.clamp(n - 1 - functional.sum(nan, dim=-1, keepdim=True), min=0)
    return functional.where(functional.any(nan, dim=-1, keepdim=True), n - 1, q * (n - 1))


def _element(values, rank):
    return functional.take_along_dim(values, rank.long(), dim=-1)


def _linear(values, ranks, weight=None):
    low, high = functional.floor(ranks), functional.ceil(ranks)
    return _between(_element(values, low), _element(values, high), ranks - low if weight is None else weight)


INTERPOLATIONS = {
    "linear": _linear,
    "lower": lambda values, ranks: _element(values, functional.floor(ranks)),
    "higher": lambda values, ranks: _element(values, functional.ceil(ranks)),
    "midpoint": lambda values, ranks: _linear(values, ranks, 0.5),
    "nearest": lambda values, ranks: _element(values, functional.round(ranks)),
}


def _quantile(input, q, dim, keepdim, interpolation, ignore_nan):
    name = "nanquantile" if ignore_nan else "quantile"
    if interpolation not in INTERPOLATIONS:
        raise OperandError(f"{name}(): interpolation must be one of {', '.join(INTERPOLATIONS)}, not {interpolation!r}")
    q = q if isinstance(q, Tensor) else functional.as_tensor(q, dtype=input.dtype, device=input.device)
    _check_quantile(input, q, name)
    at = 0 if dim is None else axes.one(dim, input.ndim)
    x = functional.ravel(input) if dim is None or not input.ndim else functional.movedim(input, at, -1)
    y = INTERPOLATIONS[interpolation](sort(x, dim=-1).values, _ranks(x, functional.ravel(q), ignore_nan))
    if keepdim:
        y = functional.reshape(y, (*axes.kept(input.shape, dim if dim is None else at), -1))
    return functional.movedim(y, -1, 0) if q.ndim else functional.squeeze(y, -1)


def _np_quantile(x, q, dim=None, keepdim=False, interpolation="linear"):
    return np.quantile(x, q, axis=dim, keepdims=keepdim, method=interpolation)


QUANTILES = (
    sample((5,), Values((), UNIT)),
    sample((2, 3), Values((2,), UNIT), dim=1),
    sample((3,), (0,), dim=0),
    sample((2, 1), 0.3, dim=0, keepdim=True),
    *[sample((4,), 0.45, interpolation=name) for name in ("lower", "higher", "midpoint", "nearest")],
)


@composition(REDUCTION, samples=QUANTILES, reference=_np_quantile)
def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """Quantiles along `dim` (of all elements by default) at `q`, a number, or a vector, whose axis then comes first.

    interpolation: between two elements, "linear", "lower", "higher", "midpoint" or "nearest". NaN if an element is NaN.
    """
    return _quantile(input, q, dim, keepdim, interpolation, False)


@composition(REDUCTION, samples=QUANTILES[:3], reference=_np_quantile)
def nanquantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """Quantiles, as in `quantile`, of the elements that are not NaN."""
    return _quantile(input, q, dim, keepdim, interpolation, True)
