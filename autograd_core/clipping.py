"""Clipping and clearing of gradients."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_core import Tensor, no_grad
from autograd_core import functional as core
from autograd_core.engine.libraries import ELSEWHERE, LAYERS, LIBRARY, MUTABLE
from autograd_core.engine.precision import together
from autograd_core.engine.versions import record_writes
from autograd_core.tensor import own_scalar, wrap
from backends.strides import may_overlap


def listed(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """One tensor or several as a list; TypeError for a model, whose parameters are meant."""
    if isinstance(tensors, Tensor):
        return [tensors]
    if not isinstance(tensors, Iterable):
        raise TypeError(f"expected tensors, not {type(tensors).__name__}; of a model, write model.parameters()")
    found = list(tensors)
    for t in found:
        if not isinstance(t, Tensor):
            raise TypeError(
                f"expected tensors, but one of them is {type(t).__name__}; of a model, write model.parameters()"
            )
    return found


def _check_limit(name: str, limit: Any) -> None:
    """Raise ValueError before anything changes; a NaN would become every gradient."""
    if isinstance(limit, str) or limit is None:
        raise TypeError(f"{name} must be a number, not {limit!r:.40}")
    if not limit >= 0:
        raise ValueError(f"{name} must not be negative, but is {limit}")


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [p.grad for p in listed(parameters) if p.grad is not None]


def clear_gradients(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    """Set the gradients to None, or to zero, in place where they can be written and no graph leads to them."""
    for p in parameters:
        g = p._grad  # the slot: a property takes longer
        if set_to_none or g is None:
            p._grad = None
        elif g.node is None and not may_overlap(g.shape, getattr(g.array, "strides", ())):
            g.zero_()
        else:
            p._grad = core.zeros_like(g.detach())


@no_grad()
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The p-norm of all elements of all tensors together, for p = `norm_type`, possibly infinite or "inf".

    error_if_nonfinite: raise if it is not finite. foreach: no effect.
    """
    tensors, norm_type = listed(tensors), float(norm_type)
    if not tensors:
        return core.tensor(0.0)
    if norm_type == 2 and (kernels := _kernels_of(tensors)) is not None:
        with np.errstate(all="ignore"):
            total = wrap(kernels.norm([t.array for t in tensors]))
    else:
        total = _norm(core.stack([_norm(t, norm_type).to(tensors[0].device) for t in tensors]), norm_type)
    if error_if_nonfinite and not core.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is {total.item()}, so it cannot be "
            "clipped. To scale the gradients by it anyway, set `error_if_nonfinite=False`"
        )
    return total


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients by min(1, max_norm / (total_norm + 1e-6))."""
    _check_limit("max_norm", max_norm)
    gradients, norm = _gradients(parameters), total_norm.array
    with np.errstate(all="ignore"):
        factor = wrap(_factor(LIBRARY[norm.__class__], norm, number=max_norm))
    kernels = _kernels_of(gradients) if gradients and factor.device == gradients[0].device else None
    if kernels is not None and factor.dtype == gradients[0].dtype:
        arrays = [g.array for g in gradients]
        kernels.rescale(arrays, factor.array)
        record_writes(arrays)
        return
    for g in gradients:
        g.mul_(factor.to(g.device))


@together
def _factor(xp: Any, norm: Any, number: float) -> Any:
    return xp.minimum(number / (norm + 1e-6), 1.0)


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients by one factor so that their total norm is at most `max_norm` (Pascanu et al. 2013).

    norm_type: p of the p-norm, possibly infinite or "inf". Returns the previous norm. error_if_nonfinite: raise, before
    anything changes, if that is not finite.
    """
    parameters = listed(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def _kernels_of(tensors: list[Tensor]) -> Any:
    """Kernels for all of these arrays at once, if they are on one device and float32 or float64; else None."""
    for t in tensors:
        own_scalar(t)
    kind, dtype = tensors[0].array.__class__, tensors[0].array.dtype
    alike = all(t.array.__class__ is kind and t.array.dtype == dtype for t in tensors)
    arrays = kind in MUTABLE and kind not in LAYERS and kind not in ELSEWHERE
    return LIBRARY[kind].kernels if alike and dtype.char in "fd" and arrays else None


def _norm(x: Tensor, p: float) -> Tensor:
    if p == 2 and x.dtype.char in "fd":  # one pass; 16-bit squares would overflow
        flat = core.reshape(x, -1)
        return core.dot(flat, flat) ** 0.5
    return core.norm(x, p)


@no_grad()
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Limit every element of every gradient to [-clip_value, clip_value]."""
    _check_limit("clip_value", clip_value)
    gradients = _gradients(parameters)
    if gradients and _kernels_of(gradients) is not None:
        arrays = [g.array for g in gradients]
        for a in arrays:
            a.clip(-clip_value, clip_value, a)
        record_writes(arrays)
        return
    for g in gradients:
        g.clamp_(-clip_value, clip_value)


@no_grad()
def clip_grad_adaptive_(parameters: Tensor | Iterable[Tensor], clipping: float = 0.01, eps: float = 1e-3) -> None:
    """Limit the gradient of every unit to `clipping` times the norm of its weights (Brock et al. 2021).

    g ← clipping·max(‖w‖, eps) / ‖g‖·g if it is longer. A unit is a slice along a weight's first axis: a row of a
    matrix, a filter; a vector or a number is a single unit.
    """
    _check_limit("clipping", clipping)
    for p in listed(parameters):
        if p.grad is not None:
            limit = clipping * core.clamp(_unit_norms(p.detach()), min=eps)
            p.grad.mul_(core.clamp(limit / core.clamp(_unit_norms(p.grad), min=1e-6), max=1.0))


def _unit_norms(x: Tensor) -> Tensor:
    axes = tuple(range(1, x.ndim)) if x.ndim > 1 else tuple(range(x.ndim))
    return core.sum(x * x, axes, keepdim=True) ** 0.5
