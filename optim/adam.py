"""Adam and its relatives."""

from collections.abc import Mapping
from typing import Any

from optim.elementwise import ElementwiseOptimizer
from optim.optimizer import Params


class Adam(ElementwiseOptimizer):
    """Steps by the mean of past gradients over the root of their mean square (Kingma and Ba 2014).

    m ← β₁m + (1 - β₁)g, v ← β₂v + (1 - β₂)g², p ← p - lr·m̂ / (√v̂ + eps), where m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ).
    weight_decay: adds weight_decay·p to g. amsgrad: v̂ from the largest v so far (Reddi et al. 2018).
    """

    kernel = "adam_step"
    decoupled = False

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "amsgrad": amsgrad, "maximize": maximize})

    def check_options(self, group: Mapping[str, Any]) -> None:
        super().check_options(group)
        if not all(0.0 <= beta < 1.0 for beta in group["betas"]):
            raise ValueError(f"Invalid betas: {group['betas']}; each must lie in [0, 1)")

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def advance(self, state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        state["step"] = state.get("step", 0) + 1
        beta1, beta2 = group["betas"]
        options = {k: group[k] for k in ("lr", "eps", "weight_decay", "maximize")}
        return {**options, "beta1": beta1, "beta2": beta2, "step": state["step"], "decoupled": self.decoupled}


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameter itself, by lr·weight_decay (Loshchilov and Hutter 2017)."""

    decoupled = True

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
