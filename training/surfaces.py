"""The loss around the parameters of a model."""

from __future__ import annotations

import autograd_core as ag
import nn
from autograd_core import Tensor, no_grad
from nn.functional import cross_entropy
from training.trainer import Batches, Loss, evaluate


def loss_surface(
    model: nn.Module,
    loader: Batches,
    loss: Loss = cross_entropy,
    *,
    reach: float = 1.0,
    steps: int = 21,
    generator: ag.Generator | None = None,
) -> Tensor:
    """The loss on a plane through the parameters: at θ + a·d + b·e, for `steps` values of a and b in [-reach, reach].

    The directions d and e are random. Each of their filters (slices along the first axis) is as long as that of the
    parameter, so that surfaces of different networks compare (Li et al. 2018). Biases and other vectors stay. Returns
    (steps, steps), in evaluation mode; the parameters are restored afterwards.
    """
    if steps < 1 or not 0 < reach < float("inf"):
        raise ValueError(f"loss_surface() needs steps ≥ 1 and a positive reach, not steps={steps}, reach={reach}")
    weights = [p for p in model.parameters() if p.ndim > 1]
    start = [p.detach().clone() for p in weights]
    right, up = ([_direction(p, generator) for p in start] for _ in range(2))
    offsets = ag.linspace(-reach, reach, steps).tolist()

    def at(a: float, b: float) -> float:
        for p, middle, d, e in zip(weights, start, right, up, strict=True):
            p.copy_(middle + a * d + b * e)
        return evaluate(model, loader, loss).loss

    with no_grad():
        try:
            return ag.tensor([[at(a, b) for b in offsets] for a in offsets])
        finally:
            for p, middle in zip(weights, start, strict=True):
                p.copy_(middle)


def _direction(p: Tensor, generator: ag.Generator | None) -> Tensor:
    d = ag.randn(*p.shape, dtype=p.dtype, device=p.device, generator=generator)
    axes = tuple(range(1, p.ndim))
    return d * (ag.linalg.vector_norm(p, dim=axes, keepdim=True) / ag.linalg.vector_norm(d, dim=axes, keepdim=True))
