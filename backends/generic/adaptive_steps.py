"""Steps of adaptive optimizers beyond Adam's family; see `backends.generic.optimizers`."""

from typing import Any

from backends.generic.optimizers import average, average_square, descending
from backends.geometry import Array


@descending
def adagrad_step(xp: Any, p: Array, g: Array, total: Array, *, rate: float, eps: float) -> None:
    """total ← total + g²; p ← p - rate·g / (√total + eps)."""
    d = xp.empty_like(p)
    total += xp.multiply(g, g, out=d)
    xp.sqrt(total, out=d)
    d += eps
    xp.divide(g, d, out=d)
    d *= rate
    p -= d


@descending
def adadelta_step(xp: Any, p: Array, g: Array, v: Array, u: Array, *, lr: float, rho: float, eps: float) -> None:
    """v ← ρv + (1 - ρ)g², d = √((u + eps) / (v + eps))·g, u ← ρu + (1 - ρ)d²; p ← p - lr·d."""
    scratch = xp.empty_like(p)
    average_square(xp, v, g, rho, scratch)
    d = xp.add(u, eps, out=xp.empty_like(p))
    d /= xp.add(v, eps, out=scratch)
    xp.sqrt(d, out=d)
    d *= g
    average_square(xp, u, d, rho, scratch)
    d *= lr
    p -= d


@descending
def rmsprop_step(
    xp: Any,
    p: Array,
    g: Array,
    v: Array,
    *others: Array,
    lr: float,
    alpha: float,
    eps: float,
    momentum: float = 0.0,
    centered: bool = False,
) -> None:
    """v ← αv + (1 - α)g²; p ← p - lr·g / (√v + eps).

    centered: the last of `others` is the mean gradient, whose square is subtracted from v under the root. momentum: the
    first of `others` is b ← momentum·b + g / (√v + eps), and p ← p - lr·b.
    """
    d = xp.empty_like(p)
    average_square(xp, v, g, alpha, d)
    if centered:
        mean = others[-1]
        average(xp, mean, g, alpha, d)
        xp.multiply(mean, mean, out=d)
        xp.subtract(v, d, out=d)
        xp.sqrt(d, out=d)
    else:
        xp.sqrt(v, out=d)
    d += eps
    xp.divide(g, d, out=d)
    if momentum:
        b = others[0]
        b *= momentum
        b += d
        xp.multiply(b, lr, out=d)
    else:
        d *= lr
    p -= d


@descending
def rprop_step(
    xp: Any,
    p: Array,
    g: Array,
    before: Array,
    size: Array,
    *,
    etas: tuple[float, float],
    step_sizes: tuple[float, float],
) -> None:
    """size ← size·η⁺ where the gradient kept its sign, size·η⁻ where it turned; p ← p - size·sign(g) unless it turned.

    step_sizes: the smallest and the largest size.
    """
    d = xp.multiply(before, g, out=xp.empty_like(p))
    turned = d < 0
    size *= xp.where(turned, etas[0], xp.where(d > 0, etas[1], 1.0)).astype(p.dtype)
    xp.clip(size, *step_sizes, out=size)
    before[...] = g
    before[turned] = 0
    xp.sign(before, out=d)
    d *= size
    p -= d


@descending
def asgd_step(xp: Any, p: Array, g: Array, mean: Array, *, rate: float, lambd: float, share: float) -> None:
    """p ← (1 - lambd·rate)p - rate·g; mean ← mean + share·(p - mean)."""
    d = xp.empty_like(p)
    p *= 1 - lambd * rate
    p -= xp.multiply(g, rate, out=d)
    if share == 1:
        mean[...] = p
    else:
        xp.subtract(p, mean, out=d)
        d *= share
        mean += d
