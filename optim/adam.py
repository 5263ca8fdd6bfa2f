"""Adam and its relatives."""

import math
from collections.abc import Mapping
from typing import Any

from autograd_core import Tensor
from autograd_core.registry import LIBRARY
from autograd_core.tensor import wrap
from optim.optimizer import Optimizer, Params


class Adam(Optimizer):
    """Steps by the mean of past gradients over the root of their mean square (Kingma and Ba 2014).

    m ← β₁m + (1 - β₁)g, v ← β₂v + (1 - β₂)g², p ← p - lr·m̂ / (√v̂ + eps), where m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ).
    weight_decay: adds weight_decay·p to g. amsgrad: v̂ from the largest v so far (Reddi et al. 2018).
    """

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

    def update(self, params: list[Tensor], group: dict[str, Any]) -> None:
        decay, shrink = group["weight_decay"], 1 - group["lr"] * group["weight_decay"]
        for p in params:
            a, g = p.array, p.grad.array  # type: ignore[union-attr]  # whoever has none is not asked
            if group["maximize"]:
                g = -g
            if decay and self.decoupled:
                a *= shrink
            elif decay:
                g = g + decay * a
            state = self.state.get(p) or self._begin(p, group)
            state["step"] += 1
            _step(a, g, state, group)

    def _begin(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        xp = LIBRARY[p.array.__class__]
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")
        self.state[p] = {"step": 0, **{name: wrap(xp.zeros_like(p.array)) for name in names}}
        return self.state[p]


def _step(a: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
    (beta1, beta2), t = group["betas"], state["step"]
    xp, m, v = LIBRARY[a.__class__], state["exp_avg"].array, state["exp_avg_sq"].array
    # One scratch array for everything: fresh memory for every product takes five times as long.
    d = xp.empty_like(a)
    m *= beta1
    m += xp.multiply(g, 1 - beta1, out=d)
    v *= beta2
    xp.multiply(g, g, out=d)
    d *= 1 - beta2
    v += d
    if group["amsgrad"]:
        largest = state["max_exp_avg_sq"].array
        v = xp.maximum(largest, v, out=largest)
    # m̂ / (√v̂ + eps), with √(1 - β₂ᵗ) moved out of the denominator: one pass less.
    root = math.sqrt(1 - beta2**t)
    xp.sqrt(v, out=d)
    d += group["eps"] * root
    xp.divide(m, d, out=d)
    d *= group["lr"] * root / (1 - beta1**t)
    a -= d


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
