"""Adam and its relatives: steps by the mean of past gradients."""

from collections.abc import Mapping
from dataclasses import KW_ONLY
from math import sqrt
from typing import Any

from autograd_core import Tensor
from optim.elementwise import ElementwiseOptimizer
from optim.optimizer import Params


class Adam(ElementwiseOptimizer):
    """Adam: the mean of past gradients divided by the root of their mean square (Kingma and Ba 2014).

    m ← β₁m + (1 - β₁)g, v ← β₂v + (1 - β₂)g², p ← p - lr·m̂ / (√v̂ + eps), where m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ).
    weight_decay: adds weight_decay·p to g or, with decoupled_weight_decay, shrinks p by lr·weight_decay.
    amsgrad: v̂ from the largest v so far (Reddi et al. 2018).
    """

    kernel = "adam_step"
    accepts = ("foreach", "capturable", "differentiable", "fused")

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0
    amsgrad: bool = False
    _: KW_ONLY
    maximize: bool = False
    decoupled_weight_decay: bool = False

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def advance(self, state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        return {**_options(group), "lr": group["lr"], "step": _counted(state)}


class AdamW(Adam):
    """Adam with decoupled weight decay, which shrinks parameters by lr·weight_decay (Loshchilov and Hutter 2017)."""

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 1e-2
    amsgrad: bool = False
    _: KW_ONLY
    maximize: bool = False

    def _construct(self, params: Params, options: dict[str, Any], **hints: bool | None) -> None:
        super()._construct(params, {**options, "decoupled_weight_decay": True}, **hints)


class SparseAdam(ElementwiseOptimizer):
    """Adam for sparse gradients: it updates the rows that a gradient has, and what is remembered of them.

    Steps are counted for all rows. eps is added to √v, before the correction of its bias.
    """

    kernel, by_rows = "adam_step", True
    remembers = ("exp_avg", "exp_avg_sq")
    accepts = ()

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    maximize: bool = False

    def check_options(self, group: Mapping[str, Any]) -> None:
        super().check_options(group)
        for name in ("lr", "eps"):
            if not group[name] > 0:
                raise ValueError(f"Invalid {name}: {group[name]}; it must be positive")
        if positions := [i for i, p in enumerate(group["params"]) if p.layout != "strided"]:
            raise ValueError(f"Sparse params at indices {positions}: SparseAdam requires dense parameter tensors")

    def advance(self, state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        (beta1, beta2), t = group["betas"], _counted(state)
        options = {"beta1": beta1, "beta2": beta2, "maximize": group["maximize"], "lr": group["lr"], "step": t}
        return {**options, "eps": group["eps"] / sqrt(1 - beta2**t)}

    def ready(self, group: dict[str, Any]) -> list[Tensor]:
        ready = super().ready(group)
        if any(p._grad.layout == "strided" for p in ready):
            raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
        return ready


class NAdam(ElementwiseOptimizer):
    """Adam with Nesterov momentum (Dozat 2016).

    μₜ = β₁(1 - 0.96^(t·momentum_decay) / 2); p ← p - lr·((1 - μₜ)g / (1 - ∏μ) + μₜ₊₁m / (1 - ∏μ·μₜ₊₁)) / (√v̂ + eps).
    """

    kernel = "nadam_step"
    remembers = ("exp_avg", "exp_avg_sq")

    lr: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0
    momentum_decay: float = 4e-3
    decoupled_weight_decay: bool = False
    _: KW_ONLY
    maximize: bool = False

    def advance(self, state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        t, lr = _counted(state), group["lr"]
        mu, following = [
            group["betas"][0] * (1 - 0.5 * 0.96 ** (step * group["momentum_decay"])) for step in (t, t + 1)
        ]
        product = state["mu_product"] = state.get("mu_product", 1.0) * mu
        rates = {
            "gradient_rate": lr * (1 - mu) / (1 - product),
            "mean_rate": lr * following / (1 - product * following),
        }
        return {**_options(group), **rates, "lr": lr, "step": t}


class RAdam(ElementwiseOptimizer):
    """Adam that uses only the mean gradient until the variance estimate is reliable (Liu et al. 2019)."""

    kernel = "radam_step"
    remembers = ("exp_avg", "exp_avg_sq")

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0
    decoupled_weight_decay: bool = False
    _: KW_ONLY
    maximize: bool = False

    def advance(self, state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        t, (beta1, beta2) = _counted(state), group["betas"]
        unbiased = 1 - beta2**t
        # ρ is the effective number of past gradients in the moving average of squares.
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * t * beta2**t / unbiased
        rate, rectified = group["lr"] / (1 - beta1**t), rho > 5
        if rectified:
            variance = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
            rate *= sqrt(unbiased * variance)
        return {**_options(group), "lr": group["lr"], "rate": rate, "rectified": rectified}


class Adamax(ElementwiseOptimizer):
    """Adam with the infinity norm in place of the mean square: u ← max(β₂u, |g| + eps) (Kingma and Ba 2014)."""

    kernel = "adamax_step"
    remembers = ("exp_avg", "exp_inf")

    lr: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0
    _: KW_ONLY
    maximize: bool = False

    def advance(self, state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        t = _counted(state)
        return {**_options(group), "rate": group["lr"] / (1 - group["betas"][0] ** t)}


class Lion(ElementwiseOptimizer):
    """Lion: steps of constant size by the sign of the mean gradient (Chen et al. 2023).

    p ← (1 - lr·weight_decay)p - lr·sign(β₁m + (1 - β₁)g), then m ← β₂m + (1 - β₂)g.
    """

    kernel = "lion_step"
    remembers = ("exp_avg",)

    lr: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    _: KW_ONLY
    maximize: bool = False

    def advance(self, state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        return {**_options(group), "lr": group["lr"]}


def _counted(state: dict[str, Any]) -> int:
    """The number of this step, from 1."""
    state["step"] = step = state.get("step", 0) + 1
    return int(step)


def _options(group: dict[str, Any]) -> dict[str, Any]:
    """The options that all kernels of this family take."""
    beta1, beta2 = group["betas"]
    options: dict[str, Any] = {name: group[name] for name in ("eps", "weight_decay", "maximize") if name in group}
    if "decoupled_weight_decay" in group:
        options["decoupled"] = group["decoupled_weight_decay"]
    return {**options, "beta1": beta1, "beta2": beta2}
