"""The learning-rate range test."""

from __future__ import annotations

import copy
import math
from itertools import chain, repeat
from typing import Any, NamedTuple

import nn
from autograd_core import no_grad
from nn.functional import cross_entropy
from nn.modes import in_mode
from training.trainer import Batches, Loss, pairs


class RateRange(NamedTuple):
    """The learning rates tried, the smoothed loss at each, and the rate at which the loss fell fastest."""

    rates: list[float]
    losses: list[float]
    suggestion: float


def find_learning_rate(
    model: nn.Module,
    loader: Batches,
    optimizer: Any,
    loss: Loss = cross_entropy,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.9,
) -> RateRange:
    """Train with a learning rate that grows from step to step, until the loss explodes (Smith 2017).

    The rate grows by a constant factor from `lowest` to `highest` in `steps` steps; the test ends early when the
    exponentially averaged loss reaches four times its minimum. Model and optimizer are restored afterwards.
    """
    if not 0 < lowest < highest or steps < 2 or not 0 <= smoothing < 1:
        raise ValueError(
            "find_learning_rate() needs 0 < lowest < highest, steps ≥ 2 and 0 ≤ smoothing < 1, not "
            f"lowest={lowest}, highest={highest}, steps={steps}, smoothing={smoothing}"
        )
    if not len(loader):
        raise ValueError("the loader yields no batches; is the data set empty, or smaller than a batch with drop_last?")
    batches = chain.from_iterable(pairs(loader) for _ in repeat(None))
    saved, state = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
    rates: list[float] = []
    losses: list[float] = []
    mean = 0.0
    try:
        with in_mode(model, training=True):
            for step in range(steps):
                rate = lowest * (highest / lowest) ** (step / (steps - 1))
                for group in optimizer.param_groups:
                    group["lr"] = rate
                inputs, target = next(batches)
                optimizer.zero_grad()
                value = loss(model(inputs), target)
                mean = smoothing * mean + (1 - smoothing) * value.item()
                smooth = mean / (1 - smoothing ** (step + 1))
                if not math.isfinite(smooth) or (losses and smooth > 4 * min(losses)):
                    break
                rates.append(rate)
                losses.append(smooth)
                value.backward()
                optimizer.step()
    finally:
        with no_grad():
            model.load_state_dict(saved)
        optimizer.load_state_dict(state)
        optimizer.zero_grad()
    return RateRange(rates, losses, _steepest(rates, losses))


def _steepest(rates: list[float], losses: list[float]) -> float:
    """The rate at which the loss falls fastest per relative change of the rate."""
    falls = [(after - before, rate) for before, after, rate in zip(losses, losses[1:], rates, strict=False)]
    return min(falls)[1] if falls else math.nan
