"""Helpers for user-defined distributions: broadcast parameters, probabilities and log-odds."""

from __future__ import annotations

from typing import Any

from numpy.typing import DTypeLike

from autograd_core import functional
from autograd_core.creation import ShapeLike
from autograd_core.distributions.distribution import derived, eps_of, sum_rightmost, together
from autograd_core.tensor import Tensor

lazy_property = derived
_sum_rightmost = sum_rightmost  # libraries import it by this name


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape."""
    return together(*values)


def _standard_normal(shape: ShapeLike, dtype: DTypeLike | None, device: str | None) -> Tensor:
    """Standard normal numbers; libraries that define distributions draw with it."""
    return functional.randn(shape, dtype=dtype, device=device)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities clamped away from 0 and 1."""
    eps = eps_of(probs)
    return probs.clamp(eps, 1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities from unnormalised log-probabilities, or from log-odds."""
    return logits.sigmoid() if is_binary else functional.softmax(logits, -1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The logarithms, or log-odds, of probabilities clamped away from 0 and 1."""
    probs = clamp_probs(probs)
    return functional.logit(probs) if is_binary else probs.log()
