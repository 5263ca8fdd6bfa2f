"""Optimizers whose step depends on a whole parameter: on its norm, rows and columns, or singular values."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY
from math import sqrt
from typing import Any, ClassVar

from autograd_core import Tensor, finfo
from autograd_core.engine.libraries import LIBRARY
from autograd_core.tensor import wrap
from backends.geometry import wide_dtype
from optim.optimizer import Optimizer


class LayerwiseOptimizer(Optimizer):
    """Base of optimizers that update one parameter at a time; subclasses define `change`."""

    accepts: ClassVar[tuple[str, ...]] = ("foreach",)

    def ready(self, group: dict[str, Any]) -> list[Tensor]:
        ready = super().ready(group)
        if any(p.is_complex() for p in ready):
            raise RuntimeError(f"{type(self).__name__} does not support complex parameters; use Adam")
        return ready

    def update(self, params: list[Tensor], group: dict[str, Any]) -> None:
        for p in params:
            xp, g = LIBRARY[p.array.__class__], p.grad.array  # type: ignore[union-attr]  # all have one
            state = self.state.setdefault(p, {})
            self.change(xp, p.array, -g if group.get("maximize") else g, state, group)

    @abstractmethod
    def change(self, xp: Any, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Update the array p in place by the gradient g, which is not changed."""


class LARS(LayerwiseOptimizer):
    """LARS: momentum with a rate proportional to the norm of each parameter (You et al. 2017).

    d = g + weight_decay·p, b ← momentum·b + lr·trust_coefficient·‖p‖ / (‖g‖ + weight_decay·‖p‖ + eps)·d, p ← p - b;
    the ratio is 1 where either norm is 0.
    """

    lr: float
    momentum: float = 0.9
    weight_decay: float = 0.0
    trust_coefficient: float = 1e-3
    eps: float = 1e-8
    _: KW_ONLY
    maximize: bool = False

    def change(self, xp: Any, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        decay, size, slope = group["weight_decay"], _norm(xp, p), _norm(xp, g)
        ratio = _ratio(xp, group["trust_coefficient"] * size, slope, slope + decay * size + group["eps"])
        b = _remembered(xp, state, "momentum_buffer", p)
        b *= group["momentum"]
        b += group["lr"] * ratio * (g + decay * p)
        p -= b


class LAMB(LayerwiseOptimizer):
    """LAMB: Adam with steps proportional to the norm of each parameter (You et al. 2019).

    d = m̂ / (√v̂ + eps) + weight_decay·p; p ← p - lr·‖p‖ / ‖d‖·d, where the ratio is 1 if either norm is 0.
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-6
    weight_decay: float = 1e-2
    _: KW_ONLY
    maximize: bool = False

    def change(self, xp: Any, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        state["step"] = t = state.get("step", 0) + 1
        m, v = (_remembered(xp, state, name, p) for name in ("exp_avg", "exp_avg_sq"))
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g * g - v)
        d = m / (1 - beta1**t) / (xp.sqrt(v / (1 - beta2**t)) + group["eps"]) + group["weight_decay"] * p
        size, length = _norm(xp, p), _norm(xp, d)
        p -= group["lr"] * _ratio(xp, size, length, length) * d


class Adafactor(LayerwiseOptimizer):
    """Adafactor: root mean squares of the gradient, factored into rows and columns (Shazeer and Stern 2018).

    A matrix of squares is estimated from its row and column means, β₂ = 1 - t^beta2_decay. The step is as long as
    min(lr, 1/√t)·max(eps[1], rms(p)) and limited to an rms of d. eps[0]: None is the precision of the parameter.
    """

    lr: float = 1e-2
    beta2_decay: float = -0.8
    eps: tuple[float | None, float] = (None, 1e-3)
    d: float = 1.0
    weight_decay: float = 0.0
    _: KW_ONLY
    maximize: bool = False

    def check_options(self, group: Mapping[str, Any]) -> None:
        (eps1, eps2), d = group["eps"], group["d"]
        super().check_options({**group, "eps": 0.0})
        if group["beta2_decay"] > 0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {group['beta2_decay']}")
        if eps1 is not None and not eps1 >= 0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps1}")
        if not eps2 >= 0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps2}")
        if not d >= 1:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")

    def state_shape(self, key: str, p: Tensor) -> tuple[int, ...]:
        return {"row_var": (*p.shape[:-1], 1), "col_var": (*p.shape[:-2], 1, *p.shape[-1:])}.get(key, p.shape)

    def change(self, xp: Any, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        eps1, eps2 = group["eps"]
        eps1 = finfo(p.dtype).eps if eps1 is None else eps1
        state["step"] = t = state.get("step", 0) + 1
        rate = xp.maximum(_norm(xp, p) / sqrt(p.size), eps2) * min(group["lr"], 1 / sqrt(t))
        p *= 1 - group["lr"] * group["weight_decay"]
        squares, share = g * g, t ** group["beta2_decay"]
        if p.ndim > 1:
            row, column = _mean(xp, squares, -1), _mean(xp, squares, -2)
            rows, columns = _remembered(xp, state, "row_var", row), _remembered(xp, state, "col_var", column)
            rows += share * (row - rows)
            columns += share * (column - columns)
            estimate = rows * columns / xp.maximum(_mean(xp, rows, -2), eps1)
        else:
            estimate = _remembered(xp, state, "variance", p)
            estimate += share * (squares - estimate)
        d = g / xp.sqrt(xp.maximum(estimate, eps1 * eps1))
        p -= rate / xp.maximum(_norm(xp, d) / (sqrt(p.size) * group["d"]), 1.0) * d


class Muon(LayerwiseOptimizer):
    """Muon: momentum orthogonalised by Newton-Schulz iterations, for matrices of hidden layers (Jordan 2024).

    b ← momentum·b + (1 - momentum)g; nesterov: follows (1 - momentum)g + momentum·b instead of b. Every iteration is
    X ← (a + bA + cA²)X, where A = XXᵀ, with a, b, c = ns_coefficients. adjust_lr_fn: "original" (None) multiplies the
    rate by √max(1, rows / columns), "match_rms_adamw" by 0.2·√max(rows, columns). It
    computes in the precision of the parameter.
    """

    accepts = ()

    lr: float = 1e-3
    weight_decay: float = 0.1
    momentum: float = 0.95
    nesterov: bool = True
    ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315)
    eps: float = 1e-7
    ns_steps: int = 5
    adjust_lr_fn: str | None = None

    def check_options(self, group: Mapping[str, Any]) -> None:
        super().check_options(group)
        if group["adjust_lr_fn"] not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {group['adjust_lr_fn']} is not supported")
        if group["ns_steps"] >= 100:
            raise ValueError("Number of steps must be less than 100 for computational efficiency")
        if len(group["ns_coefficients"]) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")
        names = group.get("param_names", range(len(group["params"])))
        for name, p in zip(names, group["params"], strict=True):
            if p.ndim != 2:
                raise ValueError(
                    f"Muon only supports 2D parameters whereas we found a parameter with size: {p.shape}, '{name}'; "
                    "give it to another optimizer"
                )

    def change(self, xp: Any, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        beta = group["momentum"]
        b = _remembered(xp, state, "momentum_buffer", p)
        b += (1 - beta) * (g - b)
        x = (1 - beta) * g + beta * b if group["nesterov"] else b
        rows, columns = p.shape
        scale = 0.2 * sqrt(max(p.shape)) if group["adjust_lr_fn"] == "match_rms_adamw" else sqrt(max(1, rows / columns))
        p *= 1 - group["lr"] * group["weight_decay"]
        step = _orthogonal(xp, x, group["ns_coefficients"], group["ns_steps"], group["eps"])
        step *= group["lr"] * scale
        p -= step


def _orthogonal(xp: Any, x: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """A matrix with the singular vectors of x and singular values near 1."""
    a, b, c = coefficients
    wide = x if x.shape[0] <= x.shape[1] else x.T
    wide = wide / xp.maximum(_norm(xp, wide), eps)
    diagonal = xp.arange(len(wide))
    for _ in range(steps):
        gram = xp.matmul(wide, wide.T)
        polynomial = xp.matmul(gram, gram.T)
        polynomial *= c
        gram *= b
        polynomial += gram
        polynomial[diagonal, diagonal] += a
        wide = xp.matmul(polynomial, wide)
    return wide if x.shape[0] <= x.shape[1] else wide.T


def _remembered(xp: Any, state: dict[str, Any], name: str, like: Any) -> Any:
    """A state array, initially 0."""
    if name not in state:
        state[name] = wrap(xp.zeros_like(like))
    return state[name].array


def _mean(xp: Any, a: Any, axis: int) -> Any:
    """The mean along an axis, which stays; sums of 16-bit numbers are computed in 32 bits."""
    return a.mean(axis, keepdims=True, dtype=wide_dtype(xp, a.dtype)).astype(a.dtype, copy=False)


def _norm(xp: Any, a: Any) -> Any:
    """The Euclidean norm, which no Python number reads, because that would wait for a GPU; of 16-bit numbers, whose
    squares may overflow, it is computed in 32 bits.
    """
    flat = a.reshape(-1)
    flat = flat.astype(xp.float32) if flat.dtype.itemsize < 4 else flat
    return xp.sqrt(xp.vdot(flat, flat).real).astype(a.real.dtype)


def _ratio(xp: Any, size: Any, slope: Any, below: Any) -> Any:
    """size / below, and 1 where size or slope is 0."""
    both = (size > 0) & (slope > 0)
    return xp.where(both, size, 1) / xp.where(both, below, 1)
