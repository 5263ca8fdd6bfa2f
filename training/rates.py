"""The learning-rate range test."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from typing import Any, NamedTuple

import nn
from autograd_core import no_grad
from nn.functional import cross_entropy
from nn.modes import in_mode
from training.trainer import EMPTY, Batches, Loss, pairs


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
        raise ValueError(EMPTY)
    wanted = [lowest * (highest / lowest) ** (step / (steps - 1)) for step in range(steps)]
    rates: list[float] = []
    losses: list[float] = []
    mean = 0.0
    with _restored(model, optimizer), in_mode(model, training=True):
        for rate, value in zip(wanted, _steps(model, loader, optimizer, loss, wanted), strict=True):
            mean = smoothing * mean + (1 - smoothing) * value
            smooth = mean / (1 - smoothing ** (len(rates) + 1))
            if not math.isfinite(smooth) or (losses and smooth > 4 * min(losses)):
                break
            rates.append(rate)
            losses.append(smooth)
    width = max(min(steps // 10, len(rates) // 3), 1)
    skipped = width if len(rates) > 2 * width else 0  # means of few losses
    return RateRange(rates, losses, _steepest(rates[skipped:], losses[skipped:], width))


@contextmanager
def _restored(model: nn.Module, optimizer: Any) -> Iterator[None]:
    """A block after which model and optimizer are what they were before it."""
    saved, state = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
    try:
        yield
    finally:
        with no_grad():
            model.load_state_dict(saved)
        optimizer.load_state_dict(state)
        optimizer.zero_grad()


def _steps(model: nn.Module, loader: Batches, optimizer: Any, loss: Loss, rates: list[float]) -> Iterator[float]:
    """Train a step with each of the rates; yields the loss before the step."""
    batches = chain.from_iterable(pairs(loader, model) for _ in repeat(None))
    for rate, (inputs, target) in zip(rates, batches, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        value = loss(model(inputs), target)
        yield value.item()
        value.backward()
        optimizer.step()


def _steepest(rates: list[float], losses: list[float], width: int) -> float:
    """The rate in the middle of the `width` steps in which the loss falls most; single steps would show noise."""
    falls = list(zip([a - b for a, b in zip(losses[width:], losses, strict=False)], rates[width // 2 :], strict=False))
    return min(falls)[1] if falls else math.nan
