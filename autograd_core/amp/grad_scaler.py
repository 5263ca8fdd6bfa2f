"""Loss scaling: keeps float16 gradients from underflowing, and reduces the scale when they overflow."""

from __future__ import annotations

import functools
from enum import Enum
from typing import Any

import backends
from autograd_core import functional
from autograd_core.dtypes import float16, float32
from autograd_core.engine.libraries import LIBRARY, checks_values
from autograd_core.engine.versions import record_writes
from autograd_core.errors import warn
from autograd_core.grad_mode import no_grad
from autograd_core.tensor import Tensor, own_scalar
from backends.live import deferred, live


class OptState(Enum):
    """What a scaler has done for an optimizer in a step, by PyTorch's names. Nothing here is of this type."""

    READY, UNSCALED, STEPPED = range(3)


class GradScaler:
    """Scales a loss, and unscales gradients before a step; skips steps with infinite or NaN gradients.

    The scale is multiplied by `backoff_factor` at each such step, and by `growth_factor` after `growth_interval`
    consecutive steps without one. On a GPU Python reads none of this: the device skips steps with non-finite gradients.
    Adam does not count skipped steps; optimizers that compute rates from step counts in Python do.

    For the device "cuda", it warns and scales nothing where there is no such GPU, so that a program runs anywhere.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled and not growth_factor > 1.0:
            raise ValueError(f"the growth factor must be greater than 1, not {growth_factor}")
        if enabled and not backoff_factor < 1.0:
            raise ValueError(f"the backoff factor must be less than 1, not {backoff_factor}")
        if enabled and str(device).startswith("cuda") and "cuda" not in backends.available():
            warn("GradScaler: there is no CUDA GPU here, so losses are not scaled")
            enabled = False
        self._device, self._enabled, self._start = device, enabled, init_scale
        self._growth, self._backoff, self._interval = growth_factor, backoff_factor, growth_interval
        self._scale: Tensor | None = None
        self._steady: Tensor | None = None  # consecutive steps with finite gradients
        self._first = 0  # its initial value
        self._found: dict[int, Tensor] = {}  # id of an optimizer -> 1 if a gradient is not finite
        self._stepped: set[int] = set()

    def scale(self, outputs: Any) -> Any:
        """The loss, or each of several, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._scale_on(outputs.device)
        return type(outputs)([self.scale(v) for v in outputs])

    @no_grad()
    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, to inspect or clip them."""
        if not self._enabled:
            return
        self._require_scaling("unscale_")
        live(dict, (), vars(self))  # a recording that fails brings back what was noted here
        if id(optimizer) in self._found:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update()")
        if id(optimizer) in self._stepped:
            raise RuntimeError("unscale_() is being called after step()")
        gradients = [p.grad for p in _parameters(optimizer) if p.grad is not None]
        if any(g.array.dtype == float16 for g in gradients):
            raise ValueError("gradients in float16 cannot be unscaled; keep the parameters in float32")
        alike: dict[Any, list[Any]] = {}  # arrays by type
        for g in gradients:
            own_scalar(g)
            alike.setdefault((str(g.device), g.array.dtype, g.array.__class__), []).append(g.array)
        met = []
        for (device, _, kind), arrays in alike.items():
            scale = self._scale_on(device)
            inverse, found = 1 / scale, functional.zeros_like(scale)
            for number in (inverse, found):
                own_scalar(number)
            LIBRARY[kind].kernels.rescale(arrays, inverse.array, found.array)
            met.append(found.to(self._device))
        record_writes([g.array for g in gradients])
        self._found = {**self._found}
        self._found[id(optimizer)] = functools.reduce(functional.maximum, met or [self._scale_on(self._device) * 0])

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Call optimizer.step() if the gradients are finite, after unscaling them unless that was done already."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        self._require_scaling("step")
        if id(optimizer) in self._stepped:
            raise RuntimeError("step() has already been called since the last update()")
        if all(p.grad is None for p in _parameters(optimizer)):
            raise RuntimeError("step() without gradients: call scale(loss).backward() first")
        if id(optimizer) not in self._found:
            self.unscale_(optimizer)
        self._stepped = {*self._stepped, id(optimizer)}
        return self._step_unless(self._found[id(optimizer)], optimizer, *args, **kwargs)

    @deferred
    def _step_unless(self, found: Tensor, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Call optimizer.step() unless a number is 1: one of a GPU is not read."""
        if any(map(checks_values, (found, *_parameters(optimizer)))):
            optimizer.stepped = True
            return None if found.item() else optimizer.step(*args, **kwargs)
        optimizer.found_inf = found
        try:
            return optimizer.step(*args, **kwargs)
        finally:
            optimizer.found_inf = None

    @no_grad()
    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Adjust the scale after the steps since the last update, or set it to a given one."""
        if not self._enabled:
            return
        self._require_scaling("update")
        scale = self._scale_on(self._device)
        if new_scale is not None:
            scale.copy_(scale * 0 + new_scale)
        else:
            if not self._found:
                raise RuntimeError("update() needs at least one step() or unscale_() before")
            assert self._steady is not None
            found = functools.reduce(functional.maximum, self._found.values()).array
            # In place, so that a captured step continues from the previous one.
            kernels, state = LIBRARY[found.__class__].kernels, (scale.array, self._steady.array)
            kernels.adjust_scale(*state, found, **live(self._factors, ()))
            record_writes(state)
        self._found, self._stepped = {}, set()

    def _factors(self) -> dict[str, Any]:
        return {"growth": self._growth, "backoff": self._backoff, "interval": self._interval}

    def get_scale(self) -> float:
        """The scale as a number, which waits for the GPU."""
        if not self._enabled:
            return 1.0
        return self._start if self._scale is None else float(self._scale)

    def get_growth_factor(self) -> float:
        """The factor by which the scale grows."""
        return self._growth

    def set_growth_factor(self, new_factor: float) -> None:
        """Set the factor by which the scale grows."""
        self._growth = new_factor

    def get_backoff_factor(self) -> float:
        """The factor by which the scale shrinks."""
        return self._backoff

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set the factor by which the scale shrinks."""
        self._backoff = new_factor

    def get_growth_interval(self) -> int:
        """How many steps in a row need finite gradients before the scale grows."""
        return self._interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set how many steps in a row need finite gradients before the scale grows."""
        self._interval = new_interval

    def is_enabled(self) -> bool:
        """Whether losses are scaled at all."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The state for `load_state_dict`."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth,
            "backoff_factor": self._backoff,
            "growth_interval": self._interval,
            "_growth_tracker": self._get_growth_tracker(),
        }

    def _get_growth_tracker(self) -> int:
        return self._first if self._steady is None else int(self._steady)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a state."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("the state is empty: it was saved by a scaler that was not enabled")
        self._start, self._growth = state_dict["scale"], state_dict["growth_factor"]
        self._backoff, self._interval = state_dict["backoff_factor"], state_dict["growth_interval"]
        self._first = state_dict["_growth_tracker"]
        if self._scale is not None and self._steady is not None:
            for number, value in ((self._scale, self._start), (self._steady, self._first)):
                number.copy_(functional.full_like(number, value))  # where a captured step finds it

    def _require_scaling(self, method: str) -> None:
        if self._scale is None:
            raise RuntimeError(f"{method}() before scale(): the gradients are not those of a scaled loss")

    def _scale_on(self, device: str) -> Tensor:
        if self._scale is None:
            self._scale = functional.tensor(self._start, dtype=float32, device=self._device)
            self._steady = functional.tensor(self._first, dtype=float32, device=self._device)
            own_scalar(self._scale)
            own_scalar(self._steady)
        return self._scale.to(device)


def _parameters(optimizer: Any) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]
