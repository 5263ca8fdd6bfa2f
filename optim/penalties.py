"""Norm penalties to add to a loss."""

from collections.abc import Iterable
from typing import Any

from autograd_core import Tensor
from autograd_core.clipping import listed


def l1_penalty(parameters: Iterable[Tensor], strength: float = 1.0) -> Any:
    """strength·Σ|w| over all parameters, which makes them sparse; the gradient at 0 is 0."""
    return strength * sum(p.abs().sum() for p in listed(parameters))


def l2_penalty(parameters: Iterable[Tensor], strength: float = 1.0) -> Any:
    """strength/2·Σw² over all parameters: a step of gradient descent shrinks them by lr·strength."""
    return 0.5 * strength * sum(p.square().sum() for p in listed(parameters))


def elastic_penalty(parameters: Iterable[Tensor], l1: float = 1.0, l2: float = 1.0) -> Any:
    """l1·Σ|w| + l2/2·Σw² over all parameters (Zou and Hastie 2005)."""
    parameters = listed(parameters)
    return l1_penalty(parameters, l1) + l2_penalty(parameters, l2)
