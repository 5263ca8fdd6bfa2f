"""Stochastic gradient descent."""

from collections.abc import Mapping
from typing import Any

from autograd_core import Tensor
from autograd_core.tensor import own_scalar, wrap
from optim.optimizer import Optimizer, Params


class SGD(Optimizer):
    """Gradient descent, with momentum, Nesterov's momentum (Sutskever et al. 2013) and weight decay.

    b ← momentum·b + (1 - dampening)·(g + weight_decay·p); p ← p - lr·b. The first step takes b from the gradient alone.
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "nesterov": nesterov, "maximize": maximize})

    def check_options(self, group: Mapping[str, Any]) -> None:
        super().check_options(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def update(self, params: list[Tensor], group: dict[str, Any]) -> None:
        rate = -group["lr"] if group["maximize"] else group["lr"]
        # Ascent along g is descent along -g: the sign of everything but the gradient changes.
        decay = -group["weight_decay"] if group["maximize"] else group["weight_decay"]
        momentum = group["momentum"]
        for p in params:
            d = p.grad.array  # type: ignore[union-attr]  # whoever has none is not asked
            if decay:
                d = d + decay * p.array
            if momentum:
                d = self._with_momentum(p, d, group)
            p.array -= rate * d

    def _with_momentum(self, p: Tensor, d: Any, group: dict[str, Any]) -> Any:
        state = self.state.get(p)
        if state is None:
            buffer = wrap(d.copy())
            own_scalar(buffer)
            self.state[p] = {"momentum_buffer": buffer}
            b = buffer.array
        else:
            b = state["momentum_buffer"].array
            b *= group["momentum"]
            b += d if not group["dampening"] else (1 - group["dampening"]) * d
        return d + group["momentum"] * b if group["nesterov"] else b
