"""Sharpness-aware minimization."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autograd_core import Tensor, enable_grad, no_grad
from optim.optimizer import Optimizer, Params


class SAM(Optimizer):
    """SAM: steps by the gradients at the worst point within a distance `rho` (Foret et al. 2021).

    base_optimizer: the class of the optimizer that makes the steps, with its options as further arguments:
    SAM(params, SGD, lr=0.1, momentum=0.9). It shares groups and state. adaptive: distances relative to the size of each
    element (Kwon et al. 2021). Every step needs the gradients twice: `step(closure)` calls the closure, which computes
    them, two times; or by hand: backward, `first_step`, backward, `second_step`.
    """

    def __init__(
        self,
        params: Params,
        base_optimizer: Callable[..., Optimizer],
        rho: float = 0.05,
        adaptive: bool = False,
        **kwargs: Any,
    ) -> None:
        if not callable(base_optimizer):
            raise TypeError(f"base_optimizer is a class, such as optim.SGD, not a {type(base_optimizer).__name__}")
        if not rho >= 0.0:
            raise ValueError(f"Invalid rho, should be non-negative: {rho}")
        super().__init__(params, {"rho": rho, "adaptive": adaptive, **kwargs})
        self.base_optimizer = base_optimizer(self.param_groups, **kwargs)
        self.defaults = {**self.base_optimizer.defaults, **self.defaults}
        self.param_groups, self.state = self.base_optimizer.param_groups, self.base_optimizer.state
        self._before: list[tuple[Tensor, Tensor]] = []

    @no_grad()
    def first_step(self, zero_grad: bool = False) -> None:
        """Climb to the worst point: p ← p + rho·g / ‖g‖, over all parameters."""
        if self._before:
            raise RuntimeError("SAM is already at the worst point; call second_step() before the next first_step()")
        pairs = [(p, group) for group in self.param_groups for p in self.base_optimizer.ready(group)]
        if not pairs:
            raise RuntimeError("SAM found no gradients: the closure, or the code before first_step(), calls backward()")
        scales = [abs(p) if group["adaptive"] else 1.0 for p, group in pairs]
        norm = sum((scale * p._grad).square().sum().item() for (p, _), scale in zip(pairs, scales, strict=True)) ** 0.5
        self._before = [(p, p.detach().clone()) for p, _ in pairs]
        for (p, group), scale in zip(pairs, scales, strict=True):
            p.add_(scale * scale * p._grad, alpha=group["rho"] / (norm + 1e-12))
        if zero_grad:
            self.zero_grad()

    @no_grad()
    def second_step(self, zero_grad: bool = False) -> None:
        """Go back, and step by the gradients of the worst point."""
        if not self._before:
            raise RuntimeError("SAM needs the gradients at the worst point: call first_step() and backward() before")
        self._return()
        self.base_optimizer.step()
        if zero_grad:
            self.zero_grad()

    @no_grad()
    def _return(self) -> None:
        for p, before in self._before:
            p.copy_(before)
        self._before = []

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take both steps, or none if the closure raises; returns the loss at the original parameters."""
        if closure is None:
            raise TypeError("SAM computes the gradients twice: call step(closure), or first_step() and second_step()")
        with enable_grad():
            loss = closure()
            self.first_step(zero_grad=True)
            try:
                closure()
            except BaseException:
                self._return()
                raise
        self.second_step()
        return loss

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore a saved state, also that of the base optimizer alone."""
        self.base_optimizer.load_state_dict(state_dict)
        self.state = self.base_optimizer.state
