"""Cyclic schedules: the learning rate rises and falls, and momentum the other way round."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from optim.optimizer import Optimizer
from optim.schedules import LRScheduler, attributes_of, for_groups


class _Cycle(LRScheduler):
    """Base of schedules that also set the momentum (or the first of the betas)."""

    cycle_momentum: bool

    def _prepare(self, base_momentum: float | Sequence[float], max_momentum: float | Sequence[float]) -> None:
        defaults = self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        lows = for_groups("base_momentum", self.optimizer, base_momentum)
        highs = for_groups("max_momentum", self.optimizer, max_momentum)
        for group, low, high in zip(self.optimizer.param_groups, lows, highs, strict=True):
            group["base_momentum"], group["max_momentum"] = low, high

    def _set_momenta(self, momenta: list[float]) -> None:
        for group, momentum in zip(self.optimizer.param_groups, momenta, strict=True):
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum

    def momenta_at(self, epoch: float) -> list[float]:
        """The momentum of every group."""
        raise NotImplementedError

    def _go_to(self, epoch: float | None) -> None:
        super()._go_to(epoch)
        if self.cycle_momentum:
            self._set_momenta(self.momenta_at(self.last_epoch))


class CyclicLR(_Cycle):
    """Linear cycles from `base_lr` to `max_lr` and back (Smith 2017).

    mode: "triangular"; "triangular2", which halves the height every cycle; "exp_range", which multiplies it by
    gamma^step. scale_fn: the height as a function of the cycle, from 1, or of the step, as scale_mode ("cycle",
    "iterations") selects.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError(f"mode {mode!r} is invalid and scale_fn is None")
        self.optimizer, self.cycle_momentum, self.mode, self.gamma = optimizer, cycle_momentum, mode, gamma
        self.max_lrs, self.scale_fn, self.scale_mode = for_groups("max_lr", optimizer, max_lr), scale_fn, scale_mode
        self.total_size = step_size_up + (step_size_up if step_size_down is None else step_size_down)
        self.step_ratio = step_size_up / self.total_size
        lrs = for_groups("base_lr", optimizer, base_lr)
        if cycle_momentum:
            self._prepare(base_momentum, max_momentum)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, lrs, strict=True):
                group["lr"] = group["initial_lr"] = lr
        super().__init__(optimizer, last_epoch)

    def _height(self, epoch: float) -> float:
        cycle = math.floor(1 + epoch / self.total_size)
        x = 1 + epoch / self.total_size - cycle
        share = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        if self.scale_fn is not None:
            return share * self.scale_fn(cycle if self.scale_mode == "cycle" else epoch)
        if self.mode == "exp_range":
            return float(share * self.gamma**epoch)
        return share * (0.5 ** (cycle - 1) if self.mode == "triangular2" else 1.0)

    def lrs_at(self, epoch: float) -> list[float]:
        height = self._height(epoch)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def momenta_at(self, epoch: float) -> list[float]:
        height, groups = self._height(epoch), self.optimizer.param_groups
        return [g["max_momentum"] - (g["max_momentum"] - g["base_momentum"]) * height for g in groups]

    def state_dict(self) -> dict[str, Any]:
        """The state, with the attributes of a `scale_fn` that is a callable object, under PyTorch's name."""
        state = super().state_dict()
        state.pop("scale_fn", None)
        return state | {"_scale_fn_custom": attributes_of(self.scale_fn)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a saved state, keeping the function."""
        state = dict(state_dict)
        if held := state.pop("_scale_fn_custom", None):
            vars(self.scale_fn).update(held)
        super().load_state_dict(state)


class OneCycleLR(_Cycle):
    """Up from max_lr / div_factor to max_lr in the fraction `pct_start` of all steps, then down (Smith and Topin 2017).

    The final rate is the initial one divided by final_div_factor. three_phase: down as long as up, then to the final
    rate. total_steps, or epochs · steps_per_epoch: the number of calls of `step`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
            total_steps = epochs * steps_per_epoch
        if total_steps <= 0:
            raise ValueError(f"Expected positive integer total_steps, but got {total_steps}")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self.optimizer, self.total_steps, self.cycle_momentum = optimizer, total_steps, cycle_momentum
        self.anneal_strategy = anneal_strategy
        self.ends = [pct_start * total_steps - 1, *[2 * pct_start * total_steps - 2] * three_phase, total_steps - 1]
        lrs = for_groups("max_lr", optimizer, max_lr)
        if cycle_momentum:
            self._prepare(base_momentum, max_momentum)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, lrs, strict=True):
                group.update(initial_lr=lr / div_factor, max_lr=lr, min_lr=lr / div_factor / final_div_factor)
        super().__init__(optimizer, last_epoch)

    def _between(self, epoch: float, names: list[str]) -> list[float]:
        """Interpolate between named options, one phase after another."""
        if epoch > self.total_steps:
            raise ValueError(f"Tried to step {epoch} times. The specified number of total steps is {self.total_steps}")
        phase = next((i for i, end in enumerate(self.ends) if epoch <= end), len(self.ends) - 1)
        begin = self.ends[phase - 1] if phase else 0.0
        share = (epoch - begin) / (self.ends[phase] - begin)
        if self.anneal_strategy == "cos":
            share = (1 - math.cos(math.pi * share)) / 2
        groups = self.optimizer.param_groups
        return [g[names[phase]] + (g[names[phase + 1]] - g[names[phase]]) * share for g in groups]

    def lrs_at(self, epoch: float) -> list[float]:
        middle = ["initial_lr"] if len(self.ends) == 3 else []
        return self._between(epoch, ["initial_lr", "max_lr", *middle, "min_lr"])

    def momenta_at(self, epoch: float) -> list[float]:
        return self._between(epoch, ["max_momentum", "base_momentum", "max_momentum", "max_momentum"])
