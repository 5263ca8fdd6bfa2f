"""Samples of gamma and Dirichlet distributions, differentiable in the shape parameters."""

from __future__ import annotations

from typing import Any

from autograd_core import dtypes, functional
from autograd_core.kinds import BINARY
from autograd_core.random import stream_of
from autograd_core.registry import private
from autograd_core.tensor import Tensor, wrap


def standard_gamma(concentration: Tensor, shape: tuple[int, ...] | None = None, generator: Any = None) -> Tensor:
    """Samples of gamma distributions with rate 1, by default one of each."""
    shapes = concentration if shape is None else concentration.expand(shape)
    return _moved_gamma(shapes, _drawn_gamma(shapes.detach(), generator))


def _standard_gamma(self: Tensor, generator: Any = None) -> Tensor:
    return standard_gamma(self, generator=generator)


def _sample_dirichlet(self: Tensor, generator: Any = None) -> Tensor:
    return shares(self, self.shape, generator)


def shares(concentration: Tensor, shape: tuple[int, ...], generator: Any = None) -> Tensor:
    """Gamma-distributed numbers divided by their sum along the last axis, none of them exactly 0 or 1.

    Small shapes underflow, but their logarithms do not: a sample of shape a is one of shape a + 1 times a uniform
    number to the power 1 / a (Marsaglia and Tsang 2000).
    """
    shapes = concentration.expand(shape)
    fixed = shapes.detach()
    u = 1 - functional.rand(shape, generator=generator, dtype=fixed.dtype, device=fixed.device)
    draws = functional.softmax(_drawn_gamma(fixed + 1, generator).log() + u.log() / fixed, -1)
    limits = dtypes.finfo(draws.dtype)
    draws = draws.clamp(limits.tiny, 1 - limits.eps / 2)
    return _moved_shares(shapes, draws)


def _drawn_gamma(shapes: Tensor, generator: Any = None) -> Tensor:
    draws = stream_of(shapes.device, generator).gamma(shapes.array)
    return wrap(draws.astype(shapes.array.dtype)).clamp(min=dtypes.finfo(shapes.dtype).tiny)


def _shares_gradient(xp: Any, g: Any, shapes: Any, draws: Any) -> Any:
    """The gradient of each share as a beta-distributed number; the others compensate in proportion."""
    rest = shapes.sum(-1, keepdims=True) - shapes
    return xp.beta_path(shapes, rest, draws) / (1 - draws) * (g - (g * draws).sum(-1, keepdims=True))


def _gamma(xp: Any, shapes: Any, draws: Any) -> Any:
    return draws


def _dirichlet(xp: Any, shapes: Any, draws: Any) -> Any:
    return draws


# Draws as functions of their shape parameters.
_moved_gamma = private(
    _gamma, BINARY, "gamma", lambda xp, g, shapes, draws: g * xp.gamma_path(shapes, draws), None
).call
_moved_shares = private(_dirichlet, BINARY, "Dirichlet", _shares_gradient, None).call
