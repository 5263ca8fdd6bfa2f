"""Schedules made of schedules, and `ReduceLROnPlateau`."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from autograd_core.errors import warn
from optim.optimizer import Optimizer
from optim.schedules import EPOCH_DEPRECATION_WARNING, LRScheduler, for_groups


class SequentialLR(LRScheduler):
    """Schedules in sequence: at each of the milestones the next one starts at its epoch 0."""

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        self._schedulers, self.optimizer = _parts("SequentialLR", schedulers, optimizer)
        self._milestones, self.last_epoch = list(milestones), last_epoch + 1
        if len(milestones) != (needed := len(schedulers) - 1):
            raise ValueError(f"{len(schedulers)} schedulers need {needed} milestones, but got {len(milestones)}")
        # Each schedule multiplied the rate by its first factor.
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        _undo(self._schedulers)
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first.step()
        self._last_lr = first.get_last_lr()

    def _go_to(self, epoch: float | None) -> None:
        if epoch is not None:
            raise TypeError("SequentialLR cannot go to a given epoch; call step() without one")
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        begins = i and self._milestones[i - 1] == self.last_epoch
        schedule = self._schedulers[i]
        schedule._go_to(0) if begins else schedule.step()
        self._last_lr = schedule.get_last_lr()


def _parts(
    name: str, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None
) -> tuple[list[LRScheduler], Optimizer]:
    """Schedules that can be combined, and the optimizer of all of them."""
    if not schedulers:
        raise ValueError(f"{name} expects at least one scheduler, but got none")
    if any(isinstance(s, ReduceLROnPlateau) for s in schedulers):
        raise ValueError(f"{name} does not support `ReduceLROnPlateau`, whose step() needs a metric")
    optimizer = optimizer or schedulers[0].optimizer
    if any(s.optimizer is not optimizer for s in schedulers):
        raise ValueError(f"{name} expects all schedulers to belong to the same optimizer")
    return list(schedulers), optimizer


def _undo(schedulers: Sequence[LRScheduler]) -> None:
    """Undo the first step of every schedule."""
    for schedule in schedulers:
        if isinstance(schedule, SequentialLR | ChainedScheduler):
            _undo(schedule._schedulers)
        if not isinstance(schedule, ChainedScheduler):
            schedule.last_epoch -= 1
            schedule._step_count -= 1


class ChainedScheduler(LRScheduler):
    """Several schedules at once, driven by one `step`."""

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self._schedulers, self.optimizer = _parts("ChainedScheduler", schedulers, optimizer)
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _go_to(self, epoch: float | None) -> None:
        for schedule in self._schedulers:
            schedule.step() if epoch is None else schedule._go_to(epoch)
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rate by `factor` when a metric, passed to `step`, did not improve for more than `patience` epochs.

    mode: "min" or "max", whichever is better. Improvements must exceed `threshold`, relative ("rel") to the best value
    or absolute ("abs"). cooldown: epochs to wait after a reduction. Reductions of at most eps are skipped.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown, self.eps = threshold, threshold_mode, cooldown, eps
        self.min_lrs = for_groups("min_lr", optimizer, min_lr)
        self.default_min_lr = None if isinstance(min_lr, Sequence) else min_lr
        self.last_epoch, self.best = 0, math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    def step(self, metrics: Any, epoch: int | None = None) -> None:
        """Advance by one epoch with this metric."""
        if epoch is not None:
            warn(EPOCH_DEPRECATION_WARNING)
        current = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown_counter - 1, 0
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
            for group, least in zip(self.optimizer.param_groups, self._least(), strict=True):
                lr = max(group["lr"] * self.factor, least)
                if group["lr"] - lr > self.eps:
                    group["lr"] = lr
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _least(self) -> list[float]:
        """The smallest rate of every group; also of those that were added later."""
        added = len(self.optimizer.param_groups) - len(self.min_lrs)
        if added and self.default_min_lr is None:
            raise RuntimeError(
                f"{added} groups were added, for which there is no min_lr; give one number for all groups"
            )
        self.min_lrs += [self.default_min_lr or 0.0] * added
        return self.min_lrs

    def _is_better(self, current: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        margin = (
            self.best * (1 + sign * self.threshold)
            if self.threshold_mode == "rel"
            else (self.best + sign * self.threshold)
        )
        return sign * current > sign * margin
