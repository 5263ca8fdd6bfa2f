"""Weight averaging: equal weights (Izmailov et al. 2018) or exponentially decaying ones."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autograd_core import Tensor, no_grad, tensor
from autograd_core.engine.libraries import LIBRARY, MUTABLE
from autograd_core.engine.versions import record_writes
from optim.optimizer import Optimizer
from optim.schedules import LRScheduler, for_groups

Average = Callable[[Tensor, Tensor, int], Tensor]
Averages = Callable[[list[Tensor], list[Tensor], int], None]


def get_swa_avg_fn() -> Average:
    """The mean of all models so far."""
    return lambda averaged, new, count: averaged + (new - averaged) / (count + 1)


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """decay·average + (1 - decay)·new."""
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")
    return lambda averaged, new, count: decay * averaged + (1 - decay) * new


def _in_place(average: Average) -> Averages:
    @no_grad()
    def update(averaged: list[Tensor], new: list[Tensor], count: int) -> None:
        for a, b in zip(averaged, new, strict=True):
            a.copy_(average(a, b, count))

    return update


def get_swa_multi_avg_fn() -> Averages:
    """The mean of all models so far, of lists of tensors, in place."""
    return lambda averaged, new, count: _approach(averaged, new, 1 / (count + 1))


def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """decay·average + (1 - decay)·new, of lists of tensors, in place."""
    get_ema_avg_fn(decay)  # checks it
    return lambda averaged, new, count: _approach(averaged, new, 1 - decay)


@no_grad()
def _approach(averaged: list[Tensor], new: list[Tensor], share: float) -> None:
    """Move averages by a share of the way to the new values; all that a kernel can move together at once."""
    alike: dict[Any, list[tuple[Any, Any]]] = {}
    for a, b in zip(averaged, new, strict=True):
        kind = a.array.__class__
        if a.dtype.char in "fd" and b.dtype == a.dtype and b.array.__class__ is kind and kind in MUTABLE:
            alike.setdefault((kind, a.dtype), []).append((a.array, b.array))
        else:
            a.copy_(a + share * (b - a))
    for (kind, _), pairs in alike.items():
        averages, values = zip(*pairs, strict=True)
        # p - lr·(p - g)
        options = {"lr": share, "weight_decay": 1.0, "maximize": True}
        LIBRARY[kind].kernels.steps("sgd_step", [(p,) for p in averages], values, options, {})
        record_writes(averages)


class AveragedModel:
    """A copy of a model with the average of the parameters passed to `update_parameters`.

    model: anything with `parameters()` and `buffers()`. avg_fn(average, new, count): the next average, by default the
    mean. multi_avg_fn: the same in place, for lists of averages and new values. use_buffers: average buffers instead of
    copying them. `module` is the copy, `n_averaged` the count; other attributes are those of the copy.
    """

    def __init__(
        self,
        model: Any,
        device: str | None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ) -> None:
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model) if device is None else copy.deepcopy(model).to(device)
        self.avg_fn, self.multi_avg_fn = avg_fn, multi_avg_fn
        self.use_buffers, self.n_averaged = use_buffers, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "module" or name.startswith("__"):  # while it is being copied or unpickled
            raise AttributeError(name)
        return getattr(self.module, name)

    def __repr__(self) -> str:
        inner = repr(self.module).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  (module): {inner}\n)"

    @no_grad()
    def update_parameters(self, model: Any) -> None:
        """Include the parameters of this model in the average; the first ones are copied."""
        copied = list(zip(self.module.buffers(), model.buffers(), strict=True))
        averaged = list(zip(self.module.parameters(), model.parameters(), strict=True))
        if self.use_buffers:
            averaged, copied = averaged + copied, []
        if not self.n_averaged:
            averaged, copied = [], averaged + copied
        for own, new in copied:
            own.copy_(new.detach().to(own.device))
        if averaged:
            news = [new.detach().to(own.device) for own, new in averaged]
            average = self.multi_avg_fn or (_in_place(self.avg_fn) if self.avg_fn else get_swa_multi_avg_fn())
            average([own.detach() for own, _ in averaged], news, self.n_averaged)
        self.n_averaged += 1

    def state_dict(self) -> dict[str, Any]:
        """The state of the copy, under "module.", and the count."""
        return {
            "n_averaged": tensor(self.n_averaged),
            **{f"module.{k}": v for k, v in self.module.state_dict().items()},
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a saved state."""
        state = dict(state_dict)
        count = int(state.pop("n_averaged"))
        self.module.load_state_dict({k.removeprefix("module."): v for k, v in state.items()})
        self.n_averaged = count


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

    def get_lr(self) -> list[float]:
        return self.lrs_at(self.last_epoch)
