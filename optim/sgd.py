"""Stochastic gradient descent."""

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any

from autograd_core import Tensor
from autograd_core.engine.libraries import LIBRARY
from backends.live import live
from optim.elementwise import LIVE, ElementwiseOptimizer

LARGE = 1 << 16  # size from which a kernel is as fast as two calls or, in oneDNN's single pass, faster


class SGD(ElementwiseOptimizer):
    """Gradient descent, with momentum, Nesterov's momentum (Sutskever et al. 2013) and weight decay.

    b ← momentum·b + (1 - dampening)·(g + weight_decay·p); p ← p - lr·b. The first step takes b from the gradient alone.
    """

    kernel, by_rows = "sgd_step", True
    accepts = ("foreach", "differentiable", "fused")

    lr: float = 1e-3
    momentum: float = 0
    dampening: float = 0
    weight_decay: float = 0
    nesterov: bool = False
    _: KW_ONLY
    maximize: bool = False

    def check_options(self, group: Mapping[str, Any]) -> None:
        super().check_options(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def advance(self, state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
        options = {k: group[k] for k in ("lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize")}
        return options if state else options | {"dampening": 0.0}

    def check_sparse(self, group: dict[str, Any]) -> None:
        if not group["momentum"]:
            super().check_sparse(group)

    def update_rows(self, p: Tensor, group: dict[str, Any]) -> None:
        if not group["momentum"]:
            super().update_rows(p, group)
            return
        sparse = p._grad
        try:
            p._grad = sparse.to_dense()
            self.update([p], group)  # all rows move on
        finally:
            p._grad = sparse

    def update(self, params: list[Tensor], group: dict[str, Any]) -> None:
        together = bool(params) and getattr(LIBRARY[params[0].array.__class__], "asynchronous", False)
        if group["momentum"] or self.found_inf is not None or together:
            super().update(params, group)
            return
        # Without momentum, two passes over small parameters are cheaper than gathering them.
        lr = live(lambda: {"lr": group["lr"]}, LIVE)["lr"]
        rate, weight_decay = -lr if group["maximize"] else lr, group["weight_decay"]
        shrink = 1 - lr * weight_decay
        dtype: Any = None
        for p in params:
            a, g = p.array, p._grad.array
            if weight_decay:
                a *= shrink
            if a.size > LARGE and a.dtype.kind == "f":
                LIBRARY[a.__class__].kernels.sgd_step(a, g, lr=rate)
                continue
            if a.dtype is not dtype:  # a Python number would be converted for every parameter
                dtype = a.dtype
                factor = LIBRARY[a.__class__].asarray(rate, dtype)
            a -= factor * g
