"""The Kullback-Leibler divergence, and Poisson and Gaussian negative log-likelihoods."""

import math

import numpy as np

from autograd_core import functional
from autograd_core.engine.libraries import holds
from autograd_core.errors import OperandError
from autograd_core.grad_mode import no_grad
from autograd_core.kinds import LOSS
from autograd_core.ops.domains import POSITIVE, REAL, UNIT
from autograd_core.ops.losses.loss import np_reduced, reduced, reduction_of
from autograd_core.registry import Interval, Values, composition, sample
from autograd_core.tensor import Tensor

COUNTS = Interval(0.5, 6, kinks=(1,))
HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)


def _slow_divergence(x, t, reduction="mean", log_target=False):
    losses = np.exp(t) * (t - x) if log_target else t * (np.log(t) - x)
    return losses.sum() / x.shape[0] if reduction == "batchmean" else np_reduced(losses, reduction)


@composition(LOSS, domain=UNIT, reference=_slow_divergence,
             samples=(sample((2, 3), (2, 3)),
                      sample((2, 3), (2, 3), reduction="batchmean"),
                      sample((4,), (4,), reduction="none", log_target=True),
                      sample((0, 3), (0, 3))))
def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """Kullback-Leibler divergence Σ t·(log t - input), from log-probabilities and target probabilities.

    log_target: the targets are log-probabilities too. reduction="batchmean" divides by the batch size, which gives the
    mean divergence.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if log_target:
        losses = functional.exp(target) * (target - input)
    else:
        nothing = target == 0  # adds 0, the limit of t·log t
        safe = functional.where(nothing, 1, target)
        losses = functional.where(nothing, 0, target * functional.log(safe)) - target * input
    return losses.sum() / math.prod(input.shape[:1]) if reduction == "batchmean" else reduced(losses, reduction)


def _slow_poisson(x, t, log_input=True, full=False, eps=1e-8, reduction="mean"):
    losses = np.exp(x) - t * x if log_input else x - t * np.log(x + eps)
    if full:
        losses = losses + np.where(t > 1, t * np.log(t) - t + 0.5 * np.log(2 * np.pi * t), 0)
    return np_reduced(losses, reduction)


@composition(LOSS, domain=REAL, reference=_slow_poisson,
             samples=(sample((2, 3), Values((2, 3), COUNTS)),
                      sample(Values((4,), POSITIVE), Values((4,), COUNTS), log_input=False, eps=1e-2, reduction="sum"),
                      sample((4,), Values((4,), COUNTS), full=True, reduction="none"),
                      sample((0, 3), (0, 3))))
def poisson_nll_loss(
    input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction="mean"
):
    """Negative log-likelihood of counts under a Poisson distribution: exp(input) - target·input.

    input: the logarithm of the expected count, or with log_input=False the expected count itself, with the loss
    input - target·log(input + eps). full: add Stirling's approximation of log(target!), for targets above 1.
    """
    losses = functional.exp(input) - target * input if log_input else input - target * functional.log(input + eps)
    if full:
        many = target > 1
        t = functional.where(many, target, 1)  # avoids the pole of the gradient at 0
        log = functional.log(t)
        losses = losses + functional.where(many, t * log - t + 0.5 * log + HALF_LOG_2_PI, 0)
    return reduced(losses, reduction_of(reduction, size_average, reduce))


def _slow_gaussian(x, t, var, full=False, eps=1e-6, reduction="mean"):
    var = np.maximum(var[..., None] if np.ndim(var) == x.ndim - 1 else var, eps)
    return np_reduced(0.5 * (np.log(var) + (x - t) ** 2 / var) + full * HALF_LOG_2_PI, reduction)


@composition(LOSS, domain=REAL, reference=_slow_gaussian,
             samples=(sample((2, 3), (2, 3), Values((2, 3), POSITIVE)),
                      sample((2, 3), (2, 3), Values((2,), POSITIVE), full=True, reduction="none"),
                      sample((2, 3), (2, 3), Values((2, 1), POSITIVE), reduction="sum"),
                      sample((2, 3), (2, 3), 0.1, eps=0.5),
                      sample((0, 3), (0, 3), Values((0, 3), POSITIVE))))
def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """Negative log-likelihood under normal distributions of mean `input` and variance `var`.

    ½(log var + (input - target)² / var), with `var` at least `eps` (its gradient is that at the bound). var: a number,
    or a tensor of the shape of the input, except that the last axis may be missing or have length 1. full: add
    ½ log 2π (Nix and Weigend 1994).
    """
    var = _variance(var, input, eps)
    losses = 0.5 * (functional.log(var) + functional.square(input - target) / var)
    return reduced(losses + HALF_LOG_2_PI if full else losses, reduction)


def _variance(var, input, eps):
    """The variances, checked, in a shape that broadcasts against the input, and at least `eps`."""
    if not isinstance(var, Tensor):
        var = functional.full_like(input.detach(), var)
    if not holds(~(var < 0)):
        raise OperandError("gaussian_nll_loss(): var has negative elements")
    if var.shape == input.shape[:-1] and input.ndim:
        var = var.unsqueeze(-1)
    unequal = [n for m, n in zip(input.shape, var.shape, strict=False) if m != n]
    if var.ndim != input.ndim or unequal not in ([], [1]):
        raise OperandError(f"gaussian_nll_loss(): var of shape {var.shape} does not fit an input of {input.shape}")
    var = var.clone()
    with no_grad():  # as in PyTorch, the gradient passes the bound
        return var.clamp_(min=eps)
