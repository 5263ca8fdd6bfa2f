"""Learning rates that change from epoch to epoch, or from step to step."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from autograd_core import Tensor
from autograd_core.errors import warn
from backends.live import deferred
from optim.optimizer import Optimizer

EPOCH_DEPRECATION_WARNING = "step(epoch) is deprecated; call step() after every epoch, without an argument"


def _changed(schedule: Any) -> list[dict[str, Any]]:
    """What a step of a schedule changes."""
    return [vars(schedule), *schedule.optimizer.param_groups, *map(vars, getattr(schedule, "_schedulers", ()))]


class LRScheduler:
    """Base of schedules: subclasses define `lrs_at`, the learning rates of an epoch.

    User-defined schedules can define `get_lr` instead, the rates at `last_epoch`. last_epoch: where to resume, -1 to
    begin.
    """

    _step_count = 0

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not hasattr(optimizer, "param_groups"):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer, whose learning rates a schedule changes")
        self.optimizer, self.last_epoch = optimizer, last_epoch
        before = [dict(group) for group in optimizer.param_groups]
        try:
            self._begin()
        except BaseException:  # the optimizer is as if there had been no schedule
            for group, options in zip(optimizer.param_groups, before, strict=True):
                group.clear()
                group.update(options)
            raise

    def _begin(self) -> None:
        for i, group in enumerate(self.optimizer.param_groups):
            if self.last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(f"param 'initial_lr' is not specified in param_groups[{i}] when resuming an optimizer")
        self.base_lrs: list[float] = [group["initial_lr"] for group in self.optimizer.param_groups]
        if self.last_epoch == -1 or not self._known_at_any_epoch:
            self.step()
        else:
            self._go_to(self.last_epoch + 1)

    @property
    def _known_at_any_epoch(self) -> bool:
        return type(self).lrs_at is not LRScheduler.lrs_at

    def lrs_at(self, epoch: float) -> list[float]:
        """The learning rate of every group at an epoch, if this were the only schedule."""
        raise NotImplementedError(f"{type(self).__name__} must define lrs_at() or get_lr()")

    def get_lr(self) -> list[float]:
        """The learning rates to set on arrival at `last_epoch`."""
        return self.lrs_at(self.last_epoch)

    def get_last_lr(self) -> list[float]:
        """The learning rates set by the last step."""
        return self._last_lr

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in vars(cls):
            cls.step = deferred(cls.step, _changed)  # type: ignore[method-assign]

    @partial(deferred, states=_changed)
    def step(self, epoch: float | None = None) -> None:
        """Advance by one epoch, or, with a warning, go to a given one, which sets the rates absolutely."""
        if epoch is not None:
            warn(EPOCH_DEPRECATION_WARNING)
        self._go_to(epoch)

    def _go_to(self, epoch: float | None) -> None:
        """Go to an epoch; None is the next one."""
        self._step_count += 1
        if self._step_count == 2 and type(self.optimizer).step is Optimizer.step and not self.optimizer.stepped:
            warn(
                "lr_scheduler.step() was called before optimizer.step(), so that the first learning rate is never "
                "used; call optimizer.step() first"
            )
        self.last_epoch = self.last_epoch + 1 if epoch is None else math.floor(epoch)
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:  # added since
            self.base_lrs.append(group.setdefault("initial_lr", group["lr"]))
        lrs = self.lrs_at(epoch) if epoch is not None and self._known_at_any_epoch else self.get_lr()
        for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
            group["lr"] = lr
        self._last_lr = lrs

    def state_dict(self) -> dict[str, Any]:
        """The state: everything except the optimizer and functions."""
        state = {k: v for k, v in self.__dict__.items() if k != "optimizer" and not callable(v)}
        if "_schedulers" in state:
            state["_schedulers"] = [schedule.state_dict() for schedule in state["_schedulers"]]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a saved state; also load that of the optimizer, which holds the rates."""
        state = dict(state_dict)
        for schedule, saved in zip(getattr(self, "_schedulers", ()), state.pop("_schedulers", ()), strict=True):
            schedule.load_state_dict(saved)
        self.__dict__.update(state)


def attributes_of(function: Any) -> dict[str, Any] | None:
    """What a state holds of a function: the attributes of a callable object, None for other functions."""
    return dict(getattr(function, "__dict__", {})) or None


def for_groups(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One number per group of an optimizer, from a single value or a list; tensors may change later, numbers do not."""
    count = len(optimizer.param_groups)
    values = value if isinstance(value, Sequence) else [value] * count
    if len(values) != count:
        raise ValueError(f"{name} must have the same length as optimizer.param_groups: {len(values)} != {count}")
    return [v.item() if isinstance(v, Tensor) else v for v in values]


def _check_length(schedule: LRScheduler, name: str, epochs: Any) -> None:
    if isinstance(epochs, str):
        raise TypeError(f"{type(schedule).__name__}: {name} must be a number, not {epochs!r:.40}")
    if not epochs > 0:
        raise ValueError(f"{type(schedule).__name__}: {name} must be positive, not {epochs}")


def _share(epoch: float, total: int) -> float:
    """How much of `total` epochs is over; nothing ever of none, as in PyTorch."""
    return min(epoch / total, 1.0) if total > 0 else 0.0


class LambdaLR(LRScheduler):
    """The initial rate times a function of the epoch, or one function per group."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[float], float] | Sequence[Callable[[float], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = for_groups("lr_lambda", optimizer, lr_lambda)
        for f in self.lr_lambdas:
            if not callable(f):
                raise TypeError(f"lr_lambda should be a function of the epoch, but got {f!r}")
        super().__init__(optimizer, last_epoch)

    def lrs_at(self, epoch: float) -> list[float]:
        return [base * f(epoch) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """The state, with the attributes of callable objects, and None for functions."""
        return super().state_dict() | {"lr_lambdas": [attributes_of(f) for f in self.lr_lambdas]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a saved state, keeping the functions."""
        state = dict(state_dict)
        for f, held in zip(self.lr_lambdas, state.pop("lr_lambdas", ()), strict=False):
            if held:
                vars(f).update(held)
        super().load_state_dict(state)


class MultiplicativeLR(LambdaLR):
    """The rate of the previous epoch times a function of the epoch, or one function per group."""

    def lrs_at(self, epoch: float) -> list[float]:
        """On arrival from the rates there are now."""
        current = [group["lr"] for group in self.optimizer.param_groups]
        return [lr * f(epoch) for lr, f in zip(current, self.lr_lambdas, strict=True)]

    def get_lr(self) -> list[float]:
        if self.last_epoch > 0:
            return self.lrs_at(self.last_epoch)
        return [group["lr"] for group in self.optimizer.param_groups]


class _Factor(LRScheduler):
    """A schedule that multiplies all initial rates, above `eta_min`, by the same factor.

    Several of them on one optimizer multiply: each scales the current rate by the ratio of its own factors, so a rate
    set by hand between steps is respected. Other schedules, as in PyTorch, set their own rates.
    """

    eta_min = 0.0

    def factor_at(self, epoch: float) -> float:
        """The factor of the initial rates."""
        raise NotImplementedError

    def lrs_at(self, epoch: float) -> list[float]:
        low, factor = self.eta_min, self.factor_at(epoch)
        return [low + (base - low) * factor for base in self.base_lrs]

    def get_lr(self) -> list[float]:
        low, now = self.eta_min, self.factor_at(self.last_epoch)
        before = self.factor_at(self.last_epoch - 1) if self.last_epoch > 0 else 1.0
        current = [group["lr"] for group in self.optimizer.param_groups]
        if before:
            return [low + (lr - low) * (now / before) for lr in current]
        return [lr + (base - low) * now for lr, base in zip(current, self.base_lrs, strict=True)]


class StepLR(_Factor):
    """Multiplies the rate by `gamma` every `step_size` epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        _check_length(self, "step_size", step_size)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def factor_at(self, epoch: float) -> float:
        return float(self.gamma ** (epoch // self.step_size))


class MultiStepLR(_Factor):
    """Multiplies the rate by `gamma` at each of the milestones."""

    def __init__(
        self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if not isinstance(milestones, Iterable):
            raise TypeError(f"MultiStepLR: milestones are a list of epochs, such as [30, 80], not {milestones!r:.40}")
        self.milestones, self.gamma = Counter(milestones), gamma  # as in PyTorch, whose states are loaded too
        super().__init__(optimizer, last_epoch)

    def factor_at(self, epoch: float) -> float:
        return self.gamma ** sum(times for at, times in self.milestones.items() if at <= epoch)


class ExponentialLR(_Factor):
    """Multiplies the rate by `gamma` every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor_at(self, epoch: float) -> float:
        return float(self.gamma**epoch)


class ConstantLR(_Factor):
    """Multiplies the rate by `factor` until epoch `total_iters`."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0.0 <= factor <= 1.0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def factor_at(self, epoch: float) -> float:
        return self.factor if epoch < self.total_iters else 1.0


class LinearLR(_Factor):
    """Multiplies the rate by a factor that goes linearly from `start_factor` to `end_factor` at epoch `total_iters`."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0.0 < start_factor <= 1.0:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if not 0.0 <= end_factor <= 1.0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def factor_at(self, epoch: float) -> float:
        return self.start_factor + (self.end_factor - self.start_factor) * _share(epoch, self.total_iters)


class PolynomialLR(_Factor):
    """Multiplies the rate by (1 - epoch / total_iters)^power, which reaches 0 at epoch `total_iters`."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def factor_at(self, epoch: float) -> float:
        return float((1 - _share(epoch, self.total_iters)) ** self.power)


class CosineAnnealingLR(_Factor):
    """Half a cosine from the initial rate to `eta_min` at epoch `T_max`, then up again (Loshchilov and Hutter 2016)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        _check_length(self, "T_max", T_max)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def factor_at(self, epoch: float) -> float:
        return (1 + math.cos(math.pi * epoch / self.T_max)) / 2


class CosineAnnealingWarmRestarts(LRScheduler):
    """Repeated half cosines, each `T_mult` times as long as the previous one (Loshchilov and Hutter 2016).

    `step(epoch)` accepts fractions, for rates that change within an epoch.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if not (isinstance(T_0, int) and isinstance(T_mult, int)) or T_0 <= 0 or T_mult < 1:
            raise ValueError(f"Expected positive integer T_0 and T_mult >= 1, but got {T_0} and {T_mult}")
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer, last_epoch)

    def step(self, epoch: float | None = None) -> None:
        self._go_to(epoch)

    def _go_to(self, epoch: float | None) -> None:
        super()._go_to(epoch)
        self.T_cur, self.T_i = self._cycle_at(self.last_epoch if epoch is None else epoch)

    def _cycle_at(self, epoch: float) -> tuple[float, int]:
        """How far a cosine has come, and how long it is."""
        length = self.T_0
        if self.T_mult == 1:
            epoch %= length
        while epoch >= length:
            epoch, length = epoch - length, length * self.T_mult
        return epoch, length

    def lrs_at(self, epoch: float) -> list[float]:
        epoch, length = self._cycle_at(epoch)
        share = (1 + math.cos(math.pi * epoch / length)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]
