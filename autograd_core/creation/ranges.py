"""Creation of tensors of numbers in ranges, of positions in triangles, and of grids."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from numpy.typing import DTypeLike

from autograd_core import dtypes
from autograd_core.creation.making import floating, number_of, on_device, shape_of
from autograd_core.engine.options import with_options
from autograd_core.errors import DtypeError, OperandError
from autograd_core.registry import publish
from autograd_core.tensor import Tensor


def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from `start` (0 if only one is given) up to but not including `end`: int64 if all three are integers.

    With an integer `dtype` all three are converted to integers; int64 does so before their number is counted.

    >>> arange(1, 2, 0.25)
    tensor([1.0000, 1.2500, 1.5000, 1.7500])
    """
    if end is None:
        start, end = None, start
    if end is None:
        raise TypeError("arange() needs an end: arange(5) or arange(0, 5)")
    first, last, by = number_of(0 if start is None else start), number_of(end), number_of(step)
    kind = dtypes.as_dtype(dtype) or (floating(None) if isinstance(first + last + by, float) else dtypes.int64)
    if kind == dtypes.int64 and math.isfinite(first + last + by):
        first, last, by = int(first), int(last), int(by)
    if not by or not math.isfinite(last - first) or (last - first) / by < 0:
        raise OperandError(f"arange() from {first} to {last} by {by} never reaches the end")
    # Integers are counted exactly, beyond 2^53 too. The quotient of floats is rounded: 1.1 ends after 11 tenths.
    count = math.ceil((last - first) / by) if isinstance(first + last + by, float) else -((first - last) // by)
    if kind.kind in dtypes.INTEGERS:
        first, by = int(first), int(by)

    def made(xp: Any) -> Any:
        steps = xp.arange(count)
        return (steps if (first, by) == (0, 1) else first + by * steps).astype(kind, copy=False)

    return on_device(made, device, requires_grad)


def _range(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from `start` to `end`, which is included if a step ends there; floats by default.

    >>> from autograd_core import range
    >>> range(1, 2, 0.5)
    tensor([1.0000, 1.5000, 2.0000])
    """
    if end is None:
        raise TypeError("range() needs an end; arange(n) counts from 0")
    first, last, by = map(number_of, (start, end, step))
    if not by or not math.isfinite(last - first) or (last - first) / by < 0:
        raise RuntimeError(f"range() from {first} to {last} by {by} never reaches the end")
    count = int((last - first) / by) + 1
    return on_device(lambda xp: (first + by * xp.arange(count)).astype(floating(dtype)), device, requires_grad)


_range.__name__ = "range"


def linspace(
    start: Any,
    end: Any,
    steps: int,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` evenly spaced numbers from `start` to `end`, both included; an integer `dtype` first converts both.

    >>> linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    first, last = number_of(start), number_of(end)
    kind = _kind_between(first, last, dtype)
    return on_device(lambda xp: _spaced(xp, first, last, steps, kind).astype(kind), device, requires_grad)


def _kind_between(first: Any, last: Any, dtype: DTypeLike | None) -> dtypes.DType:
    """The dtype of numbers between two ends: complex if one of them is, the default float otherwise."""
    kind = dtypes.as_dtype(dtype)
    if not isinstance(first + last, complex):
        return kind or floating(None)
    if kind is not None and kind.kind != "c":
        raise DtypeError(f"numbers between {first} and {last} are complex, not {kind}")
    return kind or dtypes.default_complex()


def _spaced(xp: Any, start: Any, end: Any, steps: Any, kind: Any) -> Any:
    """Evenly spaced numbers, not rounded yet, between ends that a dtype can hold."""
    (count,) = shape_of((steps,))
    start, end = map(int, (start, end)) if kind.kind in dtypes.INTEGERS else (start, end)
    return xp.linspace(start, end, count)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` powers of `base`, with exponents evenly spaced from `start` to `end`; `dtype` as in `linspace`."""
    first, last = number_of(start), number_of(end)
    kind = _kind_between(first, last, dtype)
    return on_device(lambda xp: (base ** _spaced(xp, first, last, steps, kind)).astype(kind), device, requires_grad)


def _triangle(name: str, doc: str) -> Callable[..., Tensor]:
    def indices(
        row: int, col: int, offset: int = 0, *, dtype: DTypeLike = dtypes.int64, device: str | None = None
    ) -> Tensor:
        rows, columns = shape_of((row, col))
        return on_device(lambda xp: xp.stack(getattr(xp, name)(rows, offset, columns)).astype(dtype), device, False)

    indices.__name__ = indices.__qualname__ = name
    indices.__doc__ = doc
    return indices


tril_indices = _triangle(
    "tril_indices", "Rows and columns of the lower triangle of a matrix, up to and with a diagonal."
)
triu_indices = _triangle("triu_indices", "Rows and columns of the upper triangle of a matrix, from a diagonal on.")


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinate grids from vectors: one tensor per vector, each of the shape of the grid."""
    vectors = tuple(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"meshgrid(): indexing must be 'ij' or 'xy', not {indexing!r}")
    if not vectors or any(t.ndim > 1 for t in vectors):
        raise OperandError(f"meshgrid() takes vectors, not tensors of shapes {[t.shape for t in vectors]}")
    shape, n = tuple(t.numel() for t in vectors), len(vectors)
    grids = [t.reshape((-1,) + (1,) * (n - 1 - i)).expand(shape) for i, t in enumerate(vectors)]
    return tuple(g.transpose(0, 1) if indexing == "xy" and n > 1 else g for g in grids)


def install() -> None:
    """Publish the functions in the functional form."""
    for f in (arange, linspace, logspace, _range):
        publish(with_options(f, keeps_shape=True))
    for f in (tril_indices, triu_indices):
        publish(with_options(f))
    publish(meshgrid)
