"""Sharpness-aware minimization."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autograd_core import Tensor, enable_grad, no_grad
from optim.optimizer import Optimizer


class SAM:
    """SAM: wraps an optimizer, which steps by the gradients at the worst point within `rho` (Foret et al. 2021).

    optimizer: makes the steps, and owns groups and state. adaptive: distances relative to the size of each element
    (Kwon et al. 2021). Every step needs the gradients twice: `step(closure)` calls the closure, which computes them,
    two times; or by hand: backward, `first_step`, backward, `second_step`.
    """

    def __init__(self, optimizer: Optimizer, rho: float = 0.05, adaptive: bool = False) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"SAM wraps an optimizer, such as SAM(SGD(parameters, lr=0.1)), not {type(optimizer).__name__}"
            )
        if not rho >= 0.0:
            raise ValueError(f"Invalid rho, should be non-negative: {rho}")
        self.optimizer, self.rho, self.adaptive = optimizer, rho, adaptive
        self._before: list[tuple[Tensor, Tensor]] = []

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of the wrapped optimizer."""
        return self.optimizer.param_groups

    @property
    def state(self) -> dict[Tensor, dict[str, Any]]:
        """The state of the wrapped optimizer."""
        return self.optimizer.state

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set the gradients to None, or to zero."""
        self.optimizer.zero_grad(set_to_none)

    @no_grad()
    def first_step(self, zero_grad: bool = False) -> None:
        """Climb to the worst point: p ← p + rho·g / ‖g‖, over all parameters."""
        if self._before:
            raise RuntimeError("SAM is already at the worst point; call second_step() before the next first_step()")
        params = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        scales = [abs(p) if self.adaptive else 1.0 for p in params]
        norm = sum((scale * p.grad).square().sum().item() for p, scale in zip(params, scales, strict=True)) ** 0.5
        self._before = [(p, p.detach().clone()) for p in params]
        for p, scale in zip(params, scales, strict=True):
            p.add_(scale * scale * p.grad, alpha=self.rho / (norm + 1e-12))
        if zero_grad:
            self.zero_grad()

    @no_grad()
    def second_step(self, zero_grad: bool = False) -> None:
        """Go back, and step by the gradients of the worst point."""
        if not self._before:
            raise RuntimeError("SAM needs the gradients at the worst point: call first_step() and backward() before")
        for p, before in self._before:
            p.copy_(before)
        self._before = []
        self.optimizer.step()
        if zero_grad:
            self.zero_grad()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take both steps; returns the loss at the original parameters."""
        if closure is None:
            raise TypeError("SAM computes the gradients twice: call step(closure), or first_step() and second_step()")
        with enable_grad():
            loss = closure()
            self.first_step()
            closure()
        self.second_step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The state of the wrapped optimizer."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore a saved state of the optimizer."""
        self.optimizer.load_state_dict(state_dict)
