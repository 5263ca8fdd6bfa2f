"""Methods that fill a tensor with random numbers in place."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import dtypes
from autograd_core.creation.making import number_of
from autograd_core.creation.sampling import Memory, bernoulli, decided, drawn, normals
from autograd_core.engine import direct
from autograd_core.engine.inplace import unrecorded, write
from autograd_core.engine.libraries import LIBRARY
from autograd_core.engine.versions import record_write
from autograd_core.errors import DtypeError, OperandError
from autograd_core.random import Generator, stream_of
from autograd_core.tensor import Tensor, wrap

# Of the elements that are drawn; all of them for the others, or what the generator makes.
KINDS = {
    "bernoulli_": dtypes.EXACT + dtypes.FLOATS, "random_": dtypes.EXACT + dtypes.FLOATS,
    "geometric_": dtypes.INTEGERS + dtypes.FLOATS, "log_normal_": dtypes.FLOATS, "exponential_": dtypes.FLOATS,
    "cauchy_": dtypes.FLOATS,
}  # fmt: skip


def filling(draw: Callable[..., Any]) -> Callable[..., Tensor]:
    """The method that fills a tensor with the array that `draw` returns for its memory.

    Parameters may be tensors of one element.
    """

    @functools.wraps(draw)
    def filled(self: Tensor, *args: Any, **given: Any) -> Tensor:
        _check(draw.__name__, self.array.dtype)
        memory = Memory(self)
        draws = draw(memory, *map(number_of, args), **{name: number_of(value) for name, value in given.items()})
        if memory.in_order and draws.__class__ is self.array.__class__ is np.ndarray and unrecorded(self):
            direct.copy(self.array, draws)
            record_write(self.array, 2)
            return self
        return write(self, lambda _: memory.arranged(wrap(draws)))

    return filled


def _check(name: str, dtype: dtypes.DType) -> None:
    if dtype.kind not in KINDS.get(name, dtype.kind):
        raise DtypeError(f"{name}() cannot draw numbers of {dtype}; fill a floating-point tensor and convert it")


def _uniform(self: Memory, low: float = 0.0, to: float = 1.0, generator: Generator | None = None) -> Any:
    """Write uniform numbers in [low, to), into both parts of complex ones; returns the tensor."""
    if low > to:
        raise OperandError(f"uniform_() needs low <= to, not {low} and {to}")
    uniform = stream_of(self.device, generator).uniform
    return drawn(lambda *a: uniform(*a, low, to), self.shape, self.dtype)


def _normal(self: Memory, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Any:
    """Write normal numbers, into both parts of complex ones, each then with half the variance; returns the tensor."""
    if std < 0:
        raise OperandError(f"normal_() needs a non-negative standard deviation, not {std}")
    return normals(stream_of(self.device, generator), self.shape, self.dtype, mean, std, not self.in_order)


def _bernoulli(self: Tensor, p: float | Tensor = 0.5, generator: Generator | None = None) -> Tensor:
    """Write ones with probability `p`, of each element if it is a tensor, else zeros; returns the tensor."""
    _check("bernoulli_", self.array.dtype)
    if isinstance(p, Tensor):
        draws = bernoulli(p.detach().expand(self.shape), None, generator).to(self.array.dtype)
        return write(self, lambda _: draws)
    memory = Memory(self)
    draws = decided(stream_of(self.device, generator), p, memory.shape, self.array.dtype)
    return write(self, lambda _: memory.arranged(wrap(draws)))


def _random(self: Memory, low: int | None = None, to: Any = ..., generator: Generator | None = None) -> Any:
    """Write random integers from `low` up to but not including `to`; returns the tensor.

    A single argument is the upper bound; without arguments, all integers that the dtype holds exactly are possible.
    """
    low, high = (0, low) if to is ... else (low or 0, to)
    dtype = self.dtype
    high = _largest(dtype) + 1 + (dtype.kind not in dtypes.EXACT) if high is None else high
    if low >= high:
        raise OperandError(f"random_() needs low < high, not {low} and {high}")
    if dtype.kind in dtypes.EXACT:
        most = _largest(dtype)
        if low < (-most - 1 if dtype.kind == "i" else 0) or high - 1 > most:
            raise OperandError(f"random_() needs integers that {dtype} holds, not {low} to {high - 1}")
    elif max(abs(low), high - 1) > float(dtypes.finfo(dtype).max):
        raise OperandError(f"random_() needs numbers that {dtype} holds, not {low} to {high - 1}")
    return stream_of(self.device, generator).integers(int(low), int(high), self.shape).astype(dtype)


def _largest(dtype: dtypes.DType) -> int:
    bits = {"b": 1, "u": 8 * dtype.itemsize, "i": 8 * dtype.itemsize - 1, "V": 8}.get(dtype.kind)
    return int(2 ** (bits or {2: 11, 4: 24, 8: 53}[dtype.itemsize])) - 1


def _log_normal(self: Memory, mean: float = 1.0, std: float = 2.0, generator: Generator | None = None) -> Any:
    """Write log-normal numbers, from normal ones with this mean and standard deviation; returns the tensor."""
    if std <= 0:
        raise OperandError(f"log_normal_() needs a positive standard deviation, not {std}")
    draws = stream_of(self.device, generator).normal(self.shape, dtypes.float64, mean, std, True)
    return LIBRARY[draws.__class__].exp(draws).astype(self.dtype)


def _quantiles(quantile: Callable[..., Any], check: Callable[..., str | None], doc: str) -> Any:
    """What fills a tensor with `quantile(xp, u, ...)` of uniform numbers u in [0, 1)."""
    code = quantile.__code__
    defaults = dict(zip(code.co_varnames[2 : code.co_argcount], quantile.__defaults__ or (), strict=True))

    def draw(self: Memory, *args: Any, generator: Generator | None = None, **given: Any) -> Any:
        values = {**defaults, **dict(zip(defaults, args, strict=False)), **given}
        if unknown := values.keys() - defaults.keys():
            raise TypeError(f"{draw.__name__}() got an unexpected keyword argument '{min(unknown)}'")
        if complaint := check(**values):
            raise OperandError(f"{draw.__name__}() needs {complaint}, not {values}")
        wide = dtypes.float64 if self.dtype.kind in dtypes.INTEGERS else self.dtype
        u = stream_of(self.device, generator).probabilities(self.shape, wide)
        return quantile(LIBRARY[u.__class__], u, **values).astype(self.dtype)

    draw.__doc__ = doc
    return draw


LEAST = 2.0**-53  # uniform numbers above 0


def _positive(**values: float) -> str | None:
    return None if all(v > 0 for v in values.values()) else "positive parameters"


DRAWS: dict[str, Callable[..., Any]] = {
    "uniform_": _uniform,
    "normal_": _normal,
    "log_normal_": _log_normal,
    "random_": _random,
    "exponential_": _quantiles(
        lambda xp, u, lambd=1.0: -xp.log1p(-u) / lambd, _positive,
        "Write numbers with density lambd·exp(-lambd·x); returns the tensor."),
    "geometric_": _quantiles(
        lambda xp, u, p=0.5: xp.ceil(xp.log(xp.maximum(u, LEAST)) / math.log1p(-p)).clip(1),
        lambda p: None if 0 < p < 1 else "a probability in (0, 1)",
        "Write the number of trials up to the first success of probability p; returns the tensor."),
    "cauchy_": _quantiles(
        lambda xp, u, median=0.0, sigma=1.0: median + sigma * xp.tan(math.pi * (u - 0.5)),
        lambda median, sigma: _positive(sigma=sigma),
        "Write numbers of a Cauchy distribution; returns the tensor."),
}  # fmt: skip


def install() -> None:
    """Add the methods to Tensor."""
    _bernoulli.__name__ = "bernoulli_"
    for name, draw in DRAWS.items():
        draw.__name__ = name
    for method in (*map(filling, DRAWS.values()), _bernoulli):
        setattr(Tensor, method.__name__, method)
