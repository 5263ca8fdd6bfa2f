"""The fallback that is right for every pure function: run it sample by sample and stack the results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.batching.levels import level_of
from autograd_core.engine.libraries import LAYERS, is_array
from autograd_core.errors import VmapError, VmapShapeError


def each(cls: Any, function: Callable[..., Any], *args: Any, apart: bool = False, **kwargs: Any) -> Any:
    """`function` of every sample, as a batch; results that are not arrays must agree between samples.

    apart: it gets copies, because it may use the storage, which all samples share.
    """
    level = level_of(args, kwargs, depth=cls.depth)
    if level is None:
        return _shared(cls, function(*sampled(args, 0, cls.depth), **sampled(kwargs, 0, cls.depth)))
    if kwargs.get("out") is not None:
        raise TypeError("a function that writes to out= cannot run sample by sample")
    if not level.size:
        raise VmapError(f"{_name(function)} cannot be computed for an empty batch: its shape is unknown")
    calls = [(sampled(args, i, cls.depth), sampled(kwargs, i, cls.depth)) for i in range(level.size)]
    if apart:
        calls = [([x.copy(order="K") if is_array(x) else x for x in a], k) for a, k in calls]
    results = [function(*a, **k) for a, k in calls]
    return _stacked(cls, results, level, _name(function), _shares(cls, results[0], calls[0]))


def sampled(values: Any, i: int, depth: int) -> Any:
    """The values with every batch replaced by one of its samples."""
    if LAYERS.get(values.__class__) == depth:
        return values.sample(i)
    if isinstance(values, tuple | list):
        parts = [sampled(v, i, depth) for v in values]
        return parts if isinstance(values, list) else getattr(values, "_make", tuple)(parts)
    if isinstance(values, dict):
        return {k: sampled(v, i, depth) for k, v in values.items()}
    return values


def _stacked(cls: Any, results: list[Any], level: Any, name: str, frozen: bool) -> Any:
    first = results[0]
    if is_array(first):
        shapes = {y.shape for y in results}
        if len(shapes) > 1:
            raise VmapShapeError(different_shapes(name, shapes))
        return cls(cls.inner.stack([_array(cls, y) for y in results]), level, frozen)
    if isinstance(first, tuple | list):
        if len({len(y) for y in results}) > 1:
            raise VmapShapeError(f"vmap: {name} returned different numbers of results for the samples")
        parts = [_stacked(cls, list(part), level, name, frozen) for part in zip(*results, strict=True)]
        return parts if isinstance(first, list) else tuple(parts)
    if any(y != first for y in results):
        raise VmapError(f"{name} returned different values for the samples, such as {first!r}, which are not arrays")
    return first


def _array(cls: Any, y: Any) -> Any:
    return y if hasattr(y, "__setitem__") else cls.inner.asarray(y)


def _shared(cls: Any, y: Any) -> Any:
    if isinstance(y, tuple | list):
        parts = [_shared(cls, v) for v in y]
        return parts if isinstance(y, list) else tuple(parts)
    return cls(y) if is_array(y) else y


def _shares(cls: Any, y: Any, sources: Any) -> bool:
    """Whether a result is a view of an operand, which a stack is not."""
    views = [v for v in _arrays(y) if getattr(v, "base", None) is not None]
    found = [x for x in _arrays(sources) if hasattr(x, "__setitem__")] if views else []
    return any(cls.inner.shares_memory(x, v) for x in found for v in views)


def _arrays(values: Any) -> list[Any]:
    if isinstance(values, dict):
        values = values.values()
    elif not isinstance(values, tuple | list):
        return [values] if is_array(values) else []
    return [x for v in values for x in _arrays(v)]


def _name(function: Any) -> str:
    return getattr(getattr(function, "func", function), "__name__", "a function")


def different_shapes(name: str, shapes: set[Any]) -> str:
    """The error message for results that cannot be stacked."""
    found = ", ".join(map(str, sorted(shapes)))
    return (
        f"vmap: {name} gives the samples results of different shapes, {found}; call it outside of vmap, or use an "
        "operation whose shape does not depend on values, such as where()"
    )
