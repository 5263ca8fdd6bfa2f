"""Limits on gradients."""

from collections.abc import Iterable

from autograd_core import Tensor, no_grad
from autograd_core import functional as core


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in parameters if p.grad is not None]


@no_grad()
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients by one factor, so that together they have at most the norm `max_norm` (Pascanu et al. 2013).

    norm_type: p of the p-norm, possibly infinite. Returns the norm before. error_if_nonfinite: raise if that is not
    finite, before anything changes.
    """
    gradients = _gradients(parameters)
    if not gradients:
        return core.tensor(0.0)
    total = _norm(core.stack([_norm(g, norm_type).to(gradients[0].device) for g in gradients]), norm_type)
    if error_if_nonfinite and not core.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is {total.item()}, so it cannot be "
            "clipped. To scale the gradients by it anyway, set `error_if_nonfinite=False`"
        )
    factor = core.clamp(max_norm / (total + 1e-6), max=1.0)
    for g in gradients:
        g.mul_(factor.to(g.device))
    return total


def _norm(x: Tensor, p: float) -> Tensor:
    if p == 2 and x.dtype.char in "fd":  # one pass; 16-bit squares would overflow
        flat = core.reshape(x, -1)
        return core.dot(flat, flat) ** 0.5
    if p == float("inf"):
        return core.amax(core.abs(x))
    return (core.abs(x) ** p).sum() ** (1.0 / p)


@no_grad()
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit every element of every gradient to [-clip_value, clip_value]."""
    for g in _gradients(parameters):
        g.clamp_(-clip_value, clip_value)


@no_grad()
def clip_grad_adaptive_(parameters: Tensor | Iterable[Tensor], clipping: float = 0.01, eps: float = 1e-3) -> None:
    """Limit the gradient of every unit to `clipping` times the norm of its weights (Brock et al. 2021).

    g ← clipping·max(‖w‖, eps) / ‖g‖·g wherever it is longer. A unit is what a weight's first axis counts: a row of a
    matrix, a filter; a vector or a number is one unit as a whole.
    """
    for p in [parameters] if isinstance(parameters, Tensor) else parameters:
        if p.grad is not None:
            limit = clipping * core.clamp(_unit_norms(p.detach()), min=eps)
            p.grad.mul_(core.clamp(limit / core.clamp(_unit_norms(p.grad), min=1e-6), max=1.0))


def _unit_norms(x: Tensor) -> Tensor:
    axes = tuple(range(1, x.ndim)) if x.ndim > 1 else tuple(range(x.ndim))
    return core.sum(x * x, axes, keepdim=True) ** 0.5
