"""Weight averaging: equal weights (Izmailov et al. 2018) or exponentially decaying ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from autograd_core import no_grad
from autograd_core.averaging import get_ema_avg_fn as get_ema_avg_fn
from autograd_core.averaging import get_ema_multi_avg_fn as get_ema_multi_avg_fn
from autograd_core.averaging import get_swa_avg_fn as get_swa_avg_fn
from autograd_core.averaging import get_swa_multi_avg_fn as get_swa_multi_avg_fn
from autograd_core.compatibility import above
from optim.optimizer import Optimizer
from optim.schedules import LRScheduler, for_groups

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """`AveragedModel`, which is a module."""
    if name == "AveragedModel":
        return above.find("optim.swa_utils.AveragedModel")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)


@no_grad()
def update_bn(loader: Iterable[Any], model: Any, device: str | None = None) -> None:
    """Recompute the running statistics of batch normalisation from all batches, because averaged weights have none.

    loader: yields inputs, or lists or tuples that begin with them. Modes of modules are restored.
    """
    root = getattr(model, "module", model)
    norms = [m for m in root.modules() if getattr(m, "averages_batches", False) and m.running_mean is not None]
    if not norms:
        return
    modes, momenta = [(m, m.training) for m in root.modules()], [m.momentum for m in norms]
    for m in norms:
        m.reset_running_stats()
        m.momentum = None
    root.train()
    try:
        for batch in loader:
            inputs = batch[0] if isinstance(batch, list | tuple) else batch
            model(inputs if device is None else inputs.to(device))
    finally:
        for m, momentum in zip(norms, momenta, strict=True):
            m.momentum = momentum
        for m, training in modes:
            m.training = training


class SWALR(LRScheduler):
    """From the current rate to `swa_lr` in anneal_epochs, by half a cosine ("cos") or a straight line ("linear")."""

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be a non-negative integer, not {anneal_epochs}")
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        for group, lr in zip(optimizer.param_groups, for_groups("swa_lr", optimizer, swa_lr), strict=True):
            group["swa_lr"] = lr
        super().__init__(optimizer, last_epoch)

    def _share(self, epoch: float) -> float:
        t = min(1.0, max(0.0, epoch / max(1, self.anneal_epochs)))
        return t if self.anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def lrs_at(self, epoch: float) -> list[float]:
        """On arrival from the rates there are now."""
        epoch = max(1, epoch) if self.anneal_epochs == 0 else epoch
        before, now = self._share(epoch - 1), self._share(epoch)
        lrs = []
        for group in self.optimizer.param_groups:
            goal = group["swa_lr"]
            start = goal if before == 1 else (group["lr"] - before * goal) / (1 - before)
            lrs.append(goal * now + start * (1 - now))
        return lrs
