"""Matrix products of batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autograd_core.batching import loops
from autograd_core.batching.arrays import pointwise
from autograd_core.batching.levels import aligned, differs, held_by, level_of


def _matmul(cls: Any, function: Callable[..., Any], a: Any, b: Any) -> Any:
    level = level_of((a, b), depth=cls.depth)
    if level is None or not a.ndim or not b.ndim:
        return loops.each(cls, function, a, b)
    if differs(cls, a) and not differs(cls, b) and b.ndim == 2:
        return cls(_rows(cls, a.held, held_by(cls, b)), level)
    if a.ndim == 2 and b.ndim == 1 and not differs(cls, a):
        return cls(_rows(cls, b.held, held_by(cls, a).T), level)
    n = max(a.ndim, b.ndim, 2)
    left = aligned(cls, a, n) if a.ndim > 1 else _vector(cls, a, n, -2)
    right = aligned(cls, b, n) if b.ndim > 1 else _vector(cls, b, n, -1)
    y = cls.inner.matmul(left, right)
    if a.ndim == 1:
        y = y[..., 0, :]
    if b.ndim == 1:
        y = y[..., 0]
    return cls(y, level)


def _rows(cls: Any, held: Any, matrix: Any) -> Any:
    """A single product for all samples that share the matrix."""
    rows = held.reshape((math.prod(held.shape[:-1]), held.shape[-1]))
    return cls.inner.matmul(rows, matrix).reshape((*held.shape[:-1], matrix.shape[-1]))


def _vector(cls: Any, x: Any, n: int, axis: int) -> Any:
    """A vector as a row (-2) or a column (-1) next to matrices with `n` axes."""
    held = held_by(cls, x)
    held = held[..., None, :] if axis == -2 else held[..., None]
    if differs(cls, x) and n > 2:
        held = held.reshape(held.shape[:1] + (1,) * (n - 2) + held.shape[1:])
    return held


def _dot(cls: Any, function: Callable[..., Any], a: Any, b: Any) -> Any:
    if not a.ndim or not b.ndim:
        return pointwise(cls, cls.inner.multiply, a, b)
    if a.ndim > 2 or b.ndim > 2:
        return loops.each(cls, function, a, b)
    return _matmul(cls, cls.inner.matmul, a, b)


def _einsum(cls: Any, function: Callable[..., Any], equation: Any, *operands: Any, **kwargs: Any) -> Any:
    level = level_of(operands, depth=cls.depth)
    if level is None or not isinstance(equation, str) or "->" not in equation:
        return loops.each(cls, function, equation, *operands, **kwargs)
    left, _, output = equation.replace(" ", "").partition("->")
    letter = next(c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in equation)
    terms = [letter + t if differs(cls, x) else t for t, x in zip(left.split(","), operands, strict=True)]
    return cls(function(f"{','.join(terms)}->{letter}{output}", *[held_by(cls, x) for x in operands], **kwargs), level)


FUNCTIONS: dict[str, Callable[..., Any]] = {"matmul": _matmul, "dot": _dot, "einsum": _einsum}
