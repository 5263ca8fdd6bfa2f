"""Random tensors of further distributions: counts, and methods that fill a tensor in place."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autograd_core import dtypes, functional
from autograd_core.creation import check_tensor
from autograd_core.engine.libraries import LIBRARY, holds
from autograd_core.errors import OperandError
from autograd_core.random import Generator, stream_of
from autograd_core.registry import publish
from autograd_core.sampling import filling
from autograd_core.tensor import Tensor, wrap


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Samples of Poisson distributions with the rates in `input`, in its dtype."""
    check_tensor(input, "poisson")
    if not holds(input >= 0):
        raise OperandError("poisson() needs non-negative rates")
    draws = stream_of(input.device, generator).poisson(input.array)
    return wrap(draws.astype(input.array.dtype))


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers of successes in `count` trials with success probability `prob`, in the dtype of `count`."""
    check_tensor(count, "binomial")
    check_tensor(prob, "binomial")
    if not (holds(count >= 0) and holds((prob >= 0) & (prob <= 1))):
        raise OperandError("binomial() needs non-negative counts and probabilities between 0 and 1")
    draws = stream_of(count.device, generator).binomial(count.array.astype(dtypes.int64), prob.array)
    return wrap(draws.astype(count.array.dtype))


def _drawn(name: str, quantile: Callable[..., Any], check: Callable[..., str | None], doc: str) -> Any:
    """What fills a tensor with `quantile(xp, u, ...)` of uniform numbers u in [0, 1)."""
    code = quantile.__code__
    defaults = dict(zip(code.co_varnames[2 : code.co_argcount], quantile.__defaults__ or (), strict=True))

    def draw(self: Tensor, *args: Any, generator: Generator | None = None, **given: Any) -> Any:
        values = {**defaults, **dict(zip(defaults, args, strict=False)), **given}
        if unknown := values.keys() - defaults.keys():
            raise TypeError(f"{name}() got an unexpected keyword argument '{min(unknown)}'")
        if complaint := check(**values):
            raise OperandError(f"{name}() needs {complaint}, not {values}")
        wide = dtypes.float64 if self.array.dtype.kind in dtypes.INTEGERS else self.array.dtype
        u = stream_of(self.device, generator).probabilities(self.shape, wide)
        return quantile(LIBRARY[u.__class__], u, **values).astype(self.array.dtype)

    draw.__doc__ = doc
    return draw


def _random(self: Tensor, low: int | None = None, to: Any = ..., generator: Generator | None = None) -> Any:
    """Write random integers from `low` up to but not including `to`; returns the tensor.

    A single argument is the upper bound; without arguments, all integers that the dtype holds exactly are possible.
    """
    low, high = (0, low) if to is ... else (low or 0, to)
    dtype = self.array.dtype
    high = _largest(dtype) + 1 + (dtype.kind not in dtypes.EXACT) if high is None else high
    if low >= high:
        raise OperandError(f"random_() needs low < high, not {low} and {high}")
    if dtype.kind in dtypes.EXACT:
        most = _largest(dtype)
        if low < (-most - 1 if dtype.kind == "i" else 0) or high - 1 > most:
            raise OperandError(f"random_() needs integers that {dtype} holds, not {low} to {high - 1}")
    return stream_of(self.device, generator).integers(int(low), int(high), self.shape).astype(dtype)


def _largest(dtype: dtypes.DType) -> int:
    bits = {"b": 1, "u": 8 * dtype.itemsize, "i": 8 * dtype.itemsize - 1, "V": 8}.get(dtype.kind)
    return int(2 ** (bits or {2: 11, 4: 24, 8: 53}[dtype.itemsize])) - 1


LEAST = 2.0**-53  # uniform numbers above 0


def _positive(**values: float) -> str | None:
    return None if all(v > 0 for v in values.values()) else "positive parameters"


METHODS: dict[str, Any] = {
    "random_": _random,
    "exponential_": _drawn("exponential_", lambda xp, u, lambd=1.0: -xp.log1p(-u) / lambd, _positive,
                           "Write numbers with density lambd·exp(-lambd·x); returns the tensor."),
    "geometric_": _drawn("geometric_",
                         lambda xp, u, p=0.5: xp.ceil(xp.log(xp.maximum(u, LEAST)) / math.log1p(-p)).clip(1),
                         lambda p: None if 0 < p < 1 else "a probability in (0, 1)",
                         "Write the number of trials up to the first success of probability p; returns the tensor."),
    "cauchy_": _drawn("cauchy_", lambda xp, u, median=0.0, sigma=1.0: median + sigma * xp.tan(math.pi * (u - 0.5)),
                      lambda median, sigma: _positive(sigma=sigma),
                      "Write numbers of a Cauchy distribution; returns the tensor."),
}  # fmt: skip


def _log_normal(self: Tensor, mean: float = 1.0, std: float = 2.0, generator: Generator | None = None) -> Any:
    """Write log-normal numbers, from normal ones with this mean and standard deviation; returns the tensor."""
    if std <= 0:
        raise OperandError(f"log_normal_() needs a positive standard deviation, not {std}")
    draws = stream_of(self.device, generator).normal(self.shape, self.array.dtype)
    return LIBRARY[draws.__class__].exp(mean + std * draws)


def _by_python(count: int) -> Callable[..., Tensor]:
    """What writes the results of a Python function of the elements of this tensor and of `count` others."""

    def computed(self: Tensor, *args: Any) -> Tensor:
        *others, function = args
        if self.requires_grad or any(t.requires_grad for t in others):
            raise OperandError("a Python function of single elements is not recorded; use .detach(), or no_grad()")
        lists = [t.expand(self.shape).flatten().tolist() for t in (self, *others)]
        values = functional.tensor([function(*numbers) for numbers in zip(*lists, strict=True)], dtype=self.array.dtype)
        return self.copy_(values.reshape(self.shape))

    name = {0: "apply_", 1: "map_", 2: "map2_"}[count]
    computed.__name__ = name
    computed.__doc__ = f"Write the results of a Python function of {count + 1} numbers, element by element; slow."
    return computed


def install() -> None:
    """Publish these functions in the functional form, and the methods."""
    publish(poisson)
    publish(binomial)
    for name, draw in (METHODS | {"log_normal_": _log_normal}).items():
        draw.__name__ = name
        setattr(Tensor, name, filling(draw))
    for count in range(3):
        method = _by_python(count)
        setattr(Tensor, method.__name__, method)
