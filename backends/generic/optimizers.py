"""Optimizer steps as kernels: each function updates the parameter `p` and its state in place, given the gradient `g`.

All are elementwise, so a backend may run them on flat arrays of many parameters, or block by block.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from backends.geometry import Array


def descent(xp: Any, g: Array, p: Array, weight_decay: float, maximize: bool, out: Array) -> Array:
    """The gradient to descend, with the term of `weight_decay`; g itself, or written to `out`."""
    if maximize:
        g = xp.negative(g, out=out)
    if not weight_decay:
        return g
    pull = weight_decay * p if maximize else xp.multiply(p, weight_decay, out=out)
    return xp.add(g, pull, out=out)


def descending(step: Callable[..., None]) -> Callable[..., None]:
    """A step for the gradient to descend, as `descent` gives it; with `decoupled`, weights decay themselves."""

    @wraps(step)
    def call(
        xp: Any,
        p: Array,
        g: Array,
        *state: Array,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        maximize: bool = False,
        **options: Any,
    ) -> None:
        if decoupled:
            p *= 1 - options["lr"] * weight_decay
            weight_decay = 0.0
        if weight_decay or maximize:
            g = descent(xp, g, p, weight_decay, maximize, out=xp.empty_like(p))
        step(xp, p, g, *state, **options)

    return call


def average(xp: Any, mean: Array, x: Array, beta: float, scratch: Array) -> None:
    """mean ← β·mean + (1 - β)x."""
    mean *= beta
    mean += xp.multiply(x, 1 - beta, out=scratch)


def average_square(xp: Any, mean: Array, x: Array, beta: float, scratch: Array) -> None:
    """mean ← β·mean + (1 - β)x²."""
    mean *= beta
    xp.multiply(x, x, out=scratch)
    scratch *= 1 - beta
    mean += scratch


def rescale(xp: Any, arrays: Sequence[Array], factor: Array, found: Array | None = None) -> None:
    """a ← a·factor for all arrays, of one dtype; found ← 1 if a resulting element is not finite.

    factor, found: 0-d arrays, the second float32.
    """
    for a in arrays:
        a *= factor.astype(a.dtype)
        if found is not None:
            xp.maximum(found, ~xp.isfinite(a).all(), out=found)


def norm(xp: Any, arrays: Sequence[Array]) -> Array:
    """The Euclidean norm of all elements of all arrays, which have one dtype."""
    flat = [a.reshape(-1) for a in arrays]
    return xp.sqrt(xp.stack([xp.dot(a, a) for a in flat]).sum())


def counted(xp: Any, step: Any, skipped: Array, missed: Array) -> Any:
    """Count in `missed` a step that is not taken, where `skipped` is 1, not 0; the number of the step without all of
    these, at least 1, or None for None.
    """
    missed += skipped
    return None if step is None else xp.maximum(step - missed, 1)


def adjust_scale(
    xp: Any, scale: Array, steady: Array, found: Array, growth: float, backoff: float, interval: int
) -> None:
    """Change, in place, the scale of a loss after a step in which `found` is 1 if a gradient was not finite, and the
    number of steps without since it last changed.
    """
    grown, counted = scale * growth, steady + 1
    grown = xp.where((counted == interval) & xp.isfinite(grown), grown, scale)
    scale[...] = xp.where(found > 0, scale * backoff, grown)
    steady[...] = xp.where((found > 0) | (counted == interval), 0.0, counted)


def steps(
    kernels: Any,
    kernel: str,
    rows: Sequence[Sequence[Array]],
    gradients: Sequence[Array],
    options: dict[str, Any],
    kept: dict[str, Any],
) -> None:
    """One step of a kernel for each row, which consists of a parameter and its state, with its gradient.

    All have one dtype. kept: the caller's, empty for new rows; a backend caches there what it derived from the rows.
    """
    for (p, *remembered), g in zip(rows, gradients, strict=True):
        getattr(kernels, kernel)(p, g, *remembered, **options)


def unless(
    xp: Any, step: Callable[..., Any], /, p: Array, *others: Array, skipped: Array | None = None, **options: Any
) -> None:
    """step(p, *others, **options), undone if the number `skipped` is more than 0, without reading that number."""
    before = [] if skipped is None else [(a, a.copy(), skipped > 0) for a in (p, *others[1:])]
    step(p, *others, **options)
    for array, value, stays in before:
        xp.copyto(array, value, where=stays)


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


@descending
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
) -> None:
    """m ← β₁m + (1 - β₁)g, v ← β₂v + (1 - β₂)g²; p ← p - lr·m̂ / (√v̂ + eps).

    m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ) at step t; `largest` is the largest v so far and replaces v.
    """
    # One scratch array for all products: fresh memory for each takes five times as long.
    d = xp.empty_like(p)
    average(xp, m, g, beta1, d)
    average_square(xp, v, g, beta2, d)
    if largest is not None:
        v = xp.maximum(largest, v, out=largest)
    # m̂ / (√v̂ + eps), with √(1 - β₂ᵗ) moved out of the denominator, which saves a pass.
    root = (1 - beta2**step) ** 0.5  # not sqrt(): in a captured step the number is an array
    xp.sqrt(v, out=d)
    d += eps * root
    xp.divide(m, d, out=d)
    d *= lr * root / (1 - beta1**step)
    p -= d


@descending
def nadam_step(
    xp: Any,
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    step: int,
    gradient_rate: float,
    mean_rate: float,
) -> None:
    """m and v as in `adam_step`, lr decays only; p ← p - (gradient_rate·g + mean_rate·m) / (√v̂ + eps)."""
    d = xp.empty_like(p)
    average(xp, m, g, beta1, d)
    average_square(xp, v, g, beta2, d)
    xp.divide(v, 1 - beta2**step, out=d)
    xp.sqrt(d, out=d)
    d += eps
    pull = mean_rate * m
    pull += gradient_rate * g
    p -= xp.divide(pull, d, out=d)


@descending
def radam_step(
    xp: Any,
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    rate: float,
    rectified: bool,
) -> None:
    """m, v, lr as in `nadam_step`; p ← p - rate·m / (√v + eps), or p - rate·m before the variance is `rectified`."""
    d = xp.empty_like(p)
    average(xp, m, g, beta1, d)
    average_square(xp, v, g, beta2, d)
    pull = rate * m
    if rectified:
        xp.sqrt(v, out=d)
        d += eps
        pull /= d
    p -= pull


@descending
def adamax_step(
    xp: Any, p: Array, g: Array, m: Array, u: Array, *, beta1: float, beta2: float, eps: float, rate: float
) -> None:
    """m as in `adam_step`, u ← max(β₂u, |g| + eps); p ← p - rate·m / u."""
    d = xp.empty_like(p)
    average(xp, m, g, beta1, d)
    u *= beta2
    xp.abs(g, out=d)
    d += eps
    xp.maximum(u, d, out=u)
    xp.divide(m, u, out=d)
    d *= rate
    p -= d


def lion_step(
    xp: Any,
    p: Array,
    g: Array,
    m: Array,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    weight_decay: float = 0.0,
    maximize: bool = False,
) -> None:
    """p ← (1 - lr·weight_decay)p - lr·sign(β₁m + (1 - β₁)g); m ← β₂m + (1 - β₂)g."""
    p *= 1 - lr * weight_decay
    g = -g if maximize else g
    d = xp.multiply(m, beta1, out=xp.empty_like(p))
    d += (1 - beta1) * g
    xp.sign(d, out=d)
    d *= lr
    p -= d
    average(xp, m, g, beta2, d)
