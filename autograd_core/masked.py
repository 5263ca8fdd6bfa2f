"""Reductions, normalizations and scans of the elements that a mask selects, under the names of `torch.masked`.

The mask is boolean and broadcasts to the input; without one, all elements count. Elements outside it count as the
identity of the operation: 0 in a sum, -∞ in a maximum. In scans and normalizations their own results mean nothing.

>>> from autograd_core import tensor
>>> amax(tensor([[1, 5], [7, 2]]), dim=1, mask=tensor([[True, False], [True, True]]))
tensor([1, 7])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core import dtypes, functional, linalg
from autograd_core.ops import axes
from autograd_core.tensor import Tensor

Dims = int | Sequence[int] | None


def _over(name: str, identity: float) -> Callable[..., Tensor]:
    """A reduction over some or all axes."""

    def reduce(
        input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
    ) -> Tensor:
        x = _filled(input, mask, identity, dtype)
        return getattr(functional, name)(x, axes.normalized(dim, input.ndim), keepdim)

    return _named(reduce, name, "over some or all axes")


def _along(name: str, identity: float) -> Callable[..., Tensor]:
    """A function along an axis; the position of an extreme also in the flat input, and with `keepdim`."""

    def apply(input: Tensor, dim: int | None = None, *, dtype: Any = None, mask: Any = None, **options: bool) -> Tensor:
        return getattr(functional, name)(_filled(input, mask, identity, dtype), dim, **options)

    return _named(apply, name, "along an axis")


def _named(function: Callable[..., Tensor], name: str, where: str) -> Callable[..., Tensor]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{name}` {where} of the elements that the mask selects."
    return function


sum, logsumexp = _over("sum", 0), _over("logsumexp", -math.inf)  # noqa: A001  PyTorch's name
amax, argmax = _over("amax", -math.inf), _along("argmax", -math.inf)
amin, argmin = _over("amin", math.inf), _along("argmin", math.inf)
softmax, log_softmax = _along("softmax", -math.inf), _along("log_softmax", -math.inf)
softmin, cumsum, cumprod = _along("softmin", math.inf), _along("cumsum", 0), _along("cumprod", 1)


def prod(input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Tensor:
    """Products over some or all axes."""
    found = _filled(input, mask, 1, dtype)
    for axis in sorted(axes.normalized(dim, input.ndim), reverse=True):
        found = functional.prod(found, axis, keepdim)
    return found


def mean(input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Tensor:
    """Means over some or all axes; NaN where the mask selects nothing."""
    return sum(input, dim, keepdim=keepdim, dtype=dtype, mask=mask) / _count(input, dim, keepdim, mask)


def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool = True,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Any = None,
) -> Tensor:
    """Squared deviations from the mean over some or all axes, their sum divided by the count less `correction`."""
    deviations = _filled(input, None, 0, dtype) - mean(input, dim, keepdim=True, dtype=dtype, mask=mask)
    count = _count(input, dim, keepdim, mask).double() - (int(unbiased) if correction is None else correction)
    total = sum((deviations * deviations.conj()).real, dim, keepdim=keepdim, mask=mask)
    return (total / count.clamp(min=0)).to(total.dtype)


def std(input: Tensor, dim: Dims = None, unbiased: bool = True, **options: Any) -> Tensor:
    """Standard deviations over some or all axes, with the options of `var`."""
    return var(input, dim, unbiased, **options).sqrt()


def median(input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Tensor:
    """Medians along an axis, of an even number of elements the lower one."""
    x = input.to(dtypes.float64) if input.dtype.kind in dtypes.EXACT else input
    found: Tensor = functional.nanmedian(_filled(x, mask, math.nan), dim, keepdim)[0]
    if x is not input and found.isnan().any():
        raise ValueError("masked median() of integers where the mask selects none of them")
    return found.to(input.dtype if dtype is None else dtype)


def norm(
    input: Tensor, ord: Any = 2.0, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> Tensor:
    """Norms of vectors along some or all axes."""
    found = _filled(input, mask, math.inf if ord < 0 else 0, dtype)
    return linalg.vector_norm(found, ord, axes.normalized(dim, input.ndim), keepdim)


def normalize(
    input: Tensor, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None, mask: Any = None
) -> Tensor:
    """The input divided by its norms along an axis, which count as at least `eps`."""
    length = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return _filled(input, mask, 0, dtype) / length.clamp(min=eps)


def logaddexp(
    input: Tensor, other: Tensor, *, dtype: Any = None, input_mask: Any = None, other_mask: Any = None
) -> Tensor:
    """log(exp(input) + exp(other)), each with its own mask."""
    pairs = ((input, input_mask), (other, other_mask))
    return functional.logaddexp(*[_filled(x, mask, -math.inf, dtype) for x, mask in pairs])


def _filled(input: Tensor, mask: Tensor | None, identity: float, dtype: Any = None) -> Tensor:
    """The input, in a dtype, with an identity outside the mask; for integers, ±∞ are the ends of their range."""
    x = input if dtype is None else input.to(dtype)
    if mask is None:
        return x
    if math.isinf(identity) and x.dtype.kind in dtypes.EXACT:
        identity = getattr(np.iinfo(x.dtype), "max" if identity > 0 else "min")
    return functional.where(functional.expand(mask.to(dtypes.bool_), x.shape), x, identity)


def _count(input: Tensor, dim: Dims, keepdim: bool, mask: Tensor | None) -> Tensor:
    return sum(functional.ones_like(input, dtype=dtypes.int64), dim, keepdim=keepdim, mask=mask)
