"""Spread around the mean: variance, standard deviation, covariance, correlation."""

import math

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.creation.values import where_it_is
from autograd_core.engine.precision import together
from autograd_core.errors import DtypeError, OperandError, warn
from autograd_core.kinds import REDUCTION
from autograd_core.ops import axes
from autograd_core.registry import composition, op, sample


@together
def _scaled_deviations(xp, g, x, mean, number):
    return g * ((x - mean) * number)


def _variance(xp, x, dim, correction, keepdim):
    """The variance, possibly in a wider dtype than that of x."""
    over = axes.normalized(dim, x.ndim)[: x.ndim]
    freedom = math.prod([x.shape[axis] for axis in over]) - correction
    return xp.kernels.squared_deviations(x, over, keepdim) / max(freedom, 0)


def _np_spread(function):
    return lambda x, dim=None, correction=1, keepdim=False: function(x, axis=dim, ddof=correction, keepdims=keepdim)


SPREAD = (
    sample((2, 3)),
    sample((2, 3, 4), dim=1),
    sample((4, 3), dim=(0, 1), correction=0),
    sample((3, 2), dim=-1, keepdim=True),
    sample((0, 3), dim=1),
)


@op(REDUCTION, symbol="var", samples=SPREAD, reference=_np_spread(np.var), method=False,
    holomorphic=False, wide=True,
    vjp=lambda xp, g, x, dim, correction, keepdim: _scaled_deviations(
        xp, axes.spread(xp, g, x.shape, dim, keepdim), x, xp.mean(x, dim=dim, keepdim=True),
        number=2 * _share(x, dim, correction)))
def variance(xp, x, *, dim=None, correction=1, keepdim=False):
    """Variance over `dim`, the sum of squared deviations divided by n - `correction`."""
    return _variance(xp, x, dim, correction, keepdim).astype(x.real.dtype, copy=False)


def _share(x, dim, correction):
    """1 over the degrees of freedom."""
    n = axes.count(x.shape, dim) - correction
    return 1 / n if n > 0 else math.inf


def _deviation_rule(xp, g, x, y, dim, correction, keepdim):
    """The rule of the deviation; where it is 0, the minimum-norm subgradient, 0."""
    y = axes.spread(xp, y, x.shape, dim, keepdim)
    g = axes.spread(xp, g, x.shape, dim, keepdim)
    return _slopes(xp, g, y, x, xp.mean(x, dim=dim, keepdim=True), number=_share(x, dim, correction))


@together
def _slopes(xp, g, y, x, mean, number):
    flat = y == 0
    return xp.where(flat, 0, g / xp.where(flat, 1, y) * number * (x - mean))


@op(REDUCTION, symbol="std", method=False, holomorphic=False, wide=True, samples=SPREAD, reference=_np_spread(np.std),
    vjp=_deviation_rule)
def deviation(xp, x, *, dim=None, correction=1, keepdim=False):
    """Standard deviation over `dim`, with n - `correction` degrees of freedom."""
    return xp.sqrt(_variance(xp, x, dim, correction, keepdim)).astype(x.real.dtype, copy=False)


def _warn_of_freedom(name, freedom):
    if freedom <= 0:
        warn(f"{name}: no degrees of freedom are left, so the result is NaN or infinite; give more elements "
             "or a smaller correction=")


def _spread_arguments(input, dim, unbiased, correction):
    """Accepts PyTorch's older boolean `unbiased`, also in the position of `dim`."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if input.dtype.kind in dtypes.EXACT:
        raise DtypeError(
            f"var() and std() need floating point elements, not {input.dtype}; convert them first: x.float()"
        )
    if unbiased is not None:
        correction = int(unbiased)
    correction = 1 if correction is None else correction
    _warn_of_freedom("var() or std()", axes.count(input.shape, dim) - correction)
    return dim, correction


@composition(REDUCTION, samples=SPREAD, reference=_np_spread(np.var))
def var(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """Variance over `dim` (all axes by default), divided by n - `correction`.

    >>> from autograd_core import tensor
    >>> tensor([1.0, 2.0, 3.0]).var()
    tensor(1.)
    """
    dim, correction = _spread_arguments(input, dim, unbiased, correction)
    return variance(input, dim=dim, correction=correction, keepdim=keepdim)


@composition(REDUCTION, samples=SPREAD, reference=_np_spread(np.std))
def std(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """Standard deviation over `dim` (all axes by default), with n - `correction` degrees of freedom."""
    dim, correction = _spread_arguments(input, dim, unbiased, correction)
    return deviation(input, dim=dim, correction=correction, keepdim=keepdim)


def _with_mean(function):
    spread = _np_spread(function)
    return lambda x, dim=None, correction=1, keepdim=False: (
        spread(x, dim, correction, keepdim), np.mean(x, axis=dim, keepdims=keepdim))


@composition(REDUCTION, samples=SPREAD, reference=_with_mean(np.var), method=False)
def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """Variance and mean over `dim` (all axes by default)."""
    dim, correction = _spread_arguments(input, dim, unbiased, correction)
    spread = variance(input, dim=dim, correction=correction, keepdim=keepdim)
    return spread, functional.mean(input, dim=dim, keepdim=keepdim)


@composition(REDUCTION, samples=SPREAD, reference=_with_mean(np.std), method=False)
def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """Standard deviation and mean over `dim` (all axes by default)."""
    dim, correction = _spread_arguments(input, dim, unbiased, correction)
    spread = deviation(input, dim=dim, correction=correction, keepdim=keepdim)
    return spread, functional.mean(input, dim=dim, keepdim=keepdim)


def _weights(given, name, kinds, count):
    """Weights of observations as a tensor, or 1."""
    if given is None:
        return 1
    weights = where_it_is(given)
    if weights.shape not in ((), (count,)):
        raise OperandError(f"cov(): {name} must be a vector of {count} weights, not of shape {weights.shape}")
    if weights.dtype.kind not in kinds:
        raise OperandError(f"cov(): {name} must hold {'integers' if kinds == 'iu' else 'floats'}, not {weights.dtype}")
    if (weights < 0).any():
        raise OperandError(f"cov(): {name} must not be negative")
    return weights


OBSERVED = (sample((3, 5)), sample((6,), correction=0), sample((2, 4), fweights=np.array([1, 3, 0, 2])), sample((0, 3)))


@composition(REDUCTION, samples=OBSERVED,
             reference=lambda x, correction=1, fweights=None: np.cov(
                 x, ddof=correction, fweights=fweights) if x.size else np.zeros((0, 0)))
def cov(input, *, correction=1, fweights=None, aweights=None):
    """Covariance matrix of variables (rows) from observations (columns); for a single variable its variance.

    fweights: integer frequencies of the observations. aweights: their relative weights.
    """
    if input.ndim > 2:
        raise OperandError(f"cov() takes variables in rows, a tensor of at most 2 axes, not of shape {input.shape}")
    x = input if input.dtype.kind in dtypes.INEXACT else input.float()
    x = functional.reshape(x, (1, -1)) if x.ndim < 2 else x
    count = x.shape[1]
    if fweights is aweights is None:
        weighted = centred = x - functional.mean(x, dim=1, keepdim=True)
        freedom = count - correction
    else:
        fweights, aweights = _weights(fweights, "fweights", "iu", count), _weights(aweights, "aweights", "fV", count)
        weights = functional.expand(functional.as_tensor(fweights * aweights, device=x.device), (count,))
        total = functional.sum(weights)
        centred = x - functional.sum(x * weights, dim=1, keepdim=True) / total
        weighted = centred * weights
        freedom = total - correction * (functional.sum(weights * aweights) / total)
    _warn_of_freedom("cov()", float(freedom))
    products = functional.matmul(weighted, functional.conj(functional.swapped(centred)))
    return functional.squeeze(products / max(freedom, 0))


@composition(REDUCTION, samples=(sample((3, 5)), sample((2, 2)), sample((6,)), sample((0, 3))),
             reference=lambda x: np.corrcoef(x) if x.size else np.zeros((0, 0)))
def corrcoef(input):
    """Matrix of the correlation coefficients of variables (rows), between -1 and 1."""
    c = cov(input)
    if not c.ndim:
        return c / c
    each = np.arange(c.shape[0])
    deviations = functional.sqrt(functional.real(c[each, each]))
    c = c / functional.unsqueeze(deviations, 1) / deviations
    return c if c.dtype.kind == "c" else functional.clamp(c, -1, 1)
