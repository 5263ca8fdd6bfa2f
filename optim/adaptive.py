"""Adaptive optimizers beyond Adam's family."""

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any

from autograd_core import full_like
from optim.elementwise import ElementwiseOptimizer
from optim.optimizer import Params


class Adagrad(ElementwiseOptimizer):
    """Adagrad: the gradient divided by the root of the sum of all squares so far (Duchi et al. 2011).

    s ← s + g², which starts at initial_accumulator_value; p ← p - lr / (1 + (t - 1)lr_decay)·g / (√s + eps).
    """

    kernel, by_rows = "adagrad_step", True
    passes = ("eps", "weight_decay", "maximize")
    remembers = ("sum",)
    accepts = ("foreach", "differentiable", "fused")

    lr: float = 1e-2
    lr_decay: float = 0
    weight_decay: float = 0
    initial_accumulator_value: float = 0
    eps: float = 1e-10
    _: KW_ONLY
    maximize: bool = False

    def _construct(self, params: Params, options: dict[str, Any], **hints: bool | None) -> None:
        super()._construct(params, options, **hints)
        for group in self.param_groups:
            for p in group["params"]:
                if p.numel():  # else it may be a lazy layer's
                    value = group["initial_accumulator_value"] * (1 + 1j if p.is_complex() else 1)
                    self.state[p] = {"step": 0, "sum": full_like(p.detach(), value)}

    def start(self, group: dict[str, Any]) -> dict[str, float]:
        return {"sum": group["initial_accumulator_value"]}

    def advance(self, state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        options = super().advance(state, group)
        return {**options, "rate": group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])}


class Adadelta(ElementwiseOptimizer):
    """Adadelta: step sizes from moving averages of past steps and gradients (Zeiler 2012).

    v ← ρv + (1 - ρ)g², d = √((u + eps) / (v + eps))·g, p ← p - lr·d, u ← ρu + (1 - ρ)d².
    """

    kernel = "adadelta_step"
    passes = ("lr", "rho", "eps", "weight_decay", "maximize")
    remembers = ("square_avg", "acc_delta")

    lr: float = 1.0
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0
    _: KW_ONLY
    maximize: bool = False

    def check_options(self, group: Mapping[str, Any]) -> None:
        super().check_options(group)
        if not 0.0 <= group["rho"] <= 1.0:
            raise ValueError(f"Invalid rho value: {group['rho']}; it must lie in [0, 1]")


class RMSprop(ElementwiseOptimizer):
    """RMSprop: the gradient divided by the root of its mean square (Tieleman and Hinton 2012).

    v ← αv + (1 - α)g²; p ← p - lr·g / (√v + eps). centered: the variance instead of the mean square (Graves 2013).
    momentum: b ← momentum·b + g / (√v + eps); p ← p - lr·b.
    """

    kernel = "rmsprop_step"
    passes = ("lr", "alpha", "eps", "weight_decay", "momentum", "centered", "maximize")

    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0
    momentum: float = 0
    centered: bool = False
    _: KW_ONLY
    maximize: bool = False

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        optional = {"momentum_buffer": group["momentum"], "grad_avg": group["centered"]}
        return ("square_avg", *[name for name, wanted in optional.items() if wanted])


class Rprop(ElementwiseOptimizer):
    """Rprop: steps by the sign of the gradient, with a separate step size per element (Riedmiller and Braun 1993).

    Step sizes start at lr and stay within `step_sizes`; they are multiplied by the first of the `etas` where the sign
    changed, in which case the element skips a step, and by the second where it did not. Meant for full batches.
    """

    kernel = "rprop_step"
    passes = ("etas", "step_sizes", "maximize")
    remembers = ("prev", "step_size")

    lr: float = 1e-2
    etas: tuple[float, float] = (0.5, 1.2)
    step_sizes: tuple[float, float] = (1e-6, 50)
    _: KW_ONLY
    maximize: bool = False

    def check_options(self, group: Mapping[str, Any]) -> None:
        super().check_options(group)
        down, up = group["etas"]
        if not 0.0 < down < 1.0 < up:
            raise ValueError(f"Invalid eta values: {down}, {up}; the first must lie in (0, 1), the second above 1")
        smallest, largest = group["step_sizes"]
        if not 0.0 <= smallest <= largest:
            raise ValueError(f"Invalid step_sizes: {smallest}, {largest}; they must be at least 0, and in order")

    def start(self, group: dict[str, Any]) -> dict[str, float]:
        return {"step_size": group["lr"]}


class ASGD(ElementwiseOptimizer):
    """Averaged SGD: gradient descent with the mean of the parameters in state["ax"] (Polyak and Juditsky 1992).

    p ← (1 - lambd·η)p - η·g; η = lr / (1 + lambd·lr·t)^alpha. The mean is that of the steps after t0, p before.
    """

    kernel = "asgd_step"
    passes = ("lambd", "weight_decay", "maximize")
    remembers = ("ax",)

    lr: float = 1e-2
    lambd: float = 1e-4
    alpha: float = 0.75
    t0: float = 1e6
    weight_decay: float = 0
    _: KW_ONLY
    maximize: bool = False

    def advance(self, state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        lr, lambd = group["lr"], group["lambd"]
        rate, share = state.get("eta", lr), state.get("mu", 1.0)
        options, t = super().advance(state, group), state["step"]
        state["eta"], state["mu"] = lr / (1 + lambd * lr * t) ** group["alpha"], 1 / max(1, t - group["t0"])
        return {**options, "rate": rate, "share": share}
