"""How optimizers change arrays: every function writes `p`, given the gradient `g`, and what it remembers, in place.

All work element by element, so that a backend may run them on flat arrays of many parameters, or block by block.
"""

from math import sqrt
from typing import Any

from backends.geometry import Array


def descent(xp: Any, g: Array, p: Array, weight_decay: float, maximize: bool, out: Array) -> Array:
    """The gradient to follow downwards, with the pull of `weight_decay` towards 0; g itself, or in `out`."""
    if maximize:
        g = xp.negative(g, out=out)
    if not weight_decay:
        return g
    pull = weight_decay * p if maximize else xp.multiply(p, weight_decay, out=out)
    return xp.add(g, pull, out=out)


def sgd_step(
    xp: Any,
    p: Array,
    g: Array,
    b: Array | None = None,
    *,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
) -> None:
    """b ← momentum·b + (1 - dampening)·g; p ← p - lr·b."""
    scratch = xp.empty_like(p)
    d = descent(xp, g, p, weight_decay, maximize, out=scratch)
    if b is not None:
        b *= momentum
        b += (1 - dampening) * d if dampening else d
        d = d + momentum * b if nesterov else b
    p -= xp.multiply(d, lr, out=scratch)


def adam_step(
    xp: Any,
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    largest: Array | None = None,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    step: int,
    weight_decay: float = 0.0,
    decoupled: bool = False,
    maximize: bool = False,
) -> None:
    """m ← β₁m + (1 - β₁)g, v ← β₂v + (1 - β₂)g²; p ← p - lr·m̂ / (√v̂ + eps).

    m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ) at step t; `largest` is the largest v so far, taken in its place. decoupled:
    the weights decay by themselves, not through the gradient.
    """
    if decoupled:
        p *= 1 - lr * weight_decay
    g = descent(xp, g, p, 0.0 if decoupled else weight_decay, maximize, out=xp.empty_like(p))
    # One scratch array for everything: fresh memory for every product takes five times as long.
    d = xp.empty_like(p)
    m *= beta1
    m += xp.multiply(g, 1 - beta1, out=d)
    v *= beta2
    xp.multiply(g, g, out=d)
    d *= 1 - beta2
    v += d
    if largest is not None:
        v = xp.maximum(largest, v, out=largest)
    # m̂ / (√v̂ + eps), with √(1 - β₂ᵗ) moved out of the denominator: one pass less.
    root = sqrt(1 - beta2**step)
    xp.sqrt(v, out=d)
    d += eps * root
    xp.divide(m, d, out=d)
    d *= lr * root / (1 - beta1**step)
    p -= d
