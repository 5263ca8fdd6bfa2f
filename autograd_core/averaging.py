"""Averages of parameters over time: equal weights (Izmailov et al. 2018) or exponentially decaying ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import Tensor, no_grad
from autograd_core.engine.libraries import LIBRARY, MUTABLE
from autograd_core.engine.versions import record_writes

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


def in_place(average: Average) -> Averages:
    """The function of lists of tensors that averages each of them in place."""

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
        kind, dtype = a.array.__class__, a.array.dtype
        if dtype.char in "fd" and b.array.dtype == dtype and b.array.__class__ is kind and kind in MUTABLE:
            alike.setdefault((kind, dtype), []).append((a.array, b.array))
        else:
            a.copy_(a + share * (b - a))
    for (kind, _), pairs in alike.items():
        averages, values = zip(*pairs, strict=True)
        # p - lr·(p - g)
        options = {"lr": share, "weight_decay": 1.0, "maximize": True}
        LIBRARY[kind].kernels.steps("sgd_step", [(p,) for p in averages], values, options, {})
        record_writes(averages)
