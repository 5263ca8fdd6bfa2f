"""Functions that move elements, for batches: axes count within a sample, so the axis of samples stays first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.batching import loops
from autograd_core.batching.levels import aligned, differs, held_by, level_of


def shifted(axis: Any, ndim: int) -> Any:
    """Axes of a sample with `ndim` axes, as axes of the held array."""
    if isinstance(axis, tuple | list):
        return tuple([shifted(a, ndim) for a in axis])
    axis = int(axis)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim + 1


def spread(cls: Any, x: Any, level: Any) -> Any:
    """The held array, with an axis of samples even if all share one array."""
    held = held_by(cls, x)
    if differs(cls, x):
        return held
    return cls.inner.broadcast_to(held, (level.size, *held.shape))


def _reshape(cls: Any, function: Callable[..., Any], x: Any, shape: Any, **kwargs: Any) -> Any:
    if not differs(cls, x):
        return _one(cls, function, x, shape, **kwargs)
    shape = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    if -1 in shape:  # for an empty batch the length could not be inferred
        known = -int(np.prod(shape, dtype=np.int64))
        shape = tuple([(x.size // known if known else 0) if k == -1 else k for k in shape])
    return x.part(x.held.reshape((x.held.shape[0], *shape), **kwargs))


def _one(cls: Any, function: Callable[..., Any], x: Any, *args: Any, **kwargs: Any) -> Any:
    """A function of an array that all samples share."""
    if x.__class__ is cls:
        return x.part(function(x.held, *args, **kwargs))
    return cls(function(x, *args, **kwargs))


def _transpose(cls: Any, function: Callable[..., Any], x: Any, axes: Any = None) -> Any:
    if not differs(cls, x):
        return _one(cls, function, x, axes)
    order = tuple(range(x.ndim, 0, -1)) if axes is None else shifted(axes, x.ndim)
    if len(order) != x.ndim:
        raise ValueError("axes do not match the array")
    return x.part(x.held.transpose((0, *order)))


def _axes(count: int) -> Callable[..., Any]:
    """A function with this many axis arguments, all of them given."""

    def call(cls: Any, function: Callable[..., Any], x: Any, *axes: Any) -> Any:
        if not differs(cls, x):
            return _one(cls, function, x, *axes)
        return x.part(function(x.held, *[shifted(a, x.ndim) for a in axes[:count]]))

    return call


def _squeeze(cls: Any, function: Callable[..., Any], x: Any, axis: Any = None) -> Any:
    if not differs(cls, x):
        return _one(cls, function, x, axis)
    dims = tuple([i for i, k in enumerate(x.shape) if k == 1]) if axis is None else axis
    return x.part(function(x.held, shifted(dims, x.ndim)))


def _broadcast_to(cls: Any, function: Callable[..., Any], x: Any, shape: Any) -> Any:
    if not differs(cls, x):
        return _one(cls, function, x, shape)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if len(shape) < x.ndim:
        raise ValueError(f"shape {x.shape} does not broadcast to {shape}")
    return x.part(function(aligned(cls, x, len(shape)), (x.held.shape[0], *shape)))


def strided(cls: Any, function: Callable[..., Any], x: Any, shape: Any, strides: Any) -> Any:
    """The view with another shape and other strides of a sample."""
    if not differs(cls, x):
        return _one(cls, function, x, shape, strides)
    return x.part(function(x.held, (x.held.shape[0], *shape), (x.held.strides[0], *strides)))


def _pad(cls: Any, function: Callable[..., Any], x: Any, widths: Any, *args: Any, **kwargs: Any) -> Any:
    pairs = not isinstance(widths, int) and len(widths) == x.ndim and all(hasattr(w, "__len__") for w in widths)
    if not differs(cls, x) or not pairs:
        return loops.each(cls, function, x, widths, *args, **kwargs)
    return cls(function(x.held, ((0, 0), *[tuple(w) for w in widths]), *args, **kwargs), x.level)


def _concatenate(cls: Any, function: Callable[..., Any], parts: Any, axis: Any = 0, **kwargs: Any) -> Any:
    level = level_of(parts, depth=cls.depth)
    if level is None or axis is None:
        return loops.each(cls, function, parts, axis, **kwargs)
    return cls(cls.inner.concatenate([spread(cls, p, level) for p in parts], shifted(axis, parts[0].ndim)), level)


def stack(cls: Any, function: Any, parts: Any, axis: int = 0, **kwargs: Any) -> Any:
    """Arrays of the same shape joined along a new axis."""
    level = level_of(parts, depth=cls.depth)
    if level is None:
        return loops.each(cls, cls.inner.stack, parts, axis, **kwargs)
    return cls(cls.inner.stack([spread(cls, p, level) for p in parts], shifted(axis, parts[0].ndim + 1)), level)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "reshape": _reshape, "transpose": _transpose, "permute_dims": _transpose, "swapaxes": _axes(2),
    "moveaxis": _axes(2), "squeeze": _squeeze, "broadcast_to": _broadcast_to,
    "pad": _pad, "concatenate": _concatenate, "concat": _concatenate, "stack": stack,
    "ravel": lambda cls, function, x: _reshape(cls, cls.inner.reshape, x, (-1,)),
}  # fmt: skip
