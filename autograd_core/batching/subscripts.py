"""Indexing of all samples at once: reading, writing, and accumulating."""

from __future__ import annotations

from typing import Any

from autograd_core.batching import loops
from autograd_core.batching.levels import aligned, held_by, level_of
from autograd_core.engine.libraries import depth_of


def read(x: Any, index: Any) -> Any:
    """x[index] of every sample."""
    parts = index if index.__class__ is tuple else (index,)
    if all(map(_is_basic, parts)):
        return x.part(x.held[index if x.level is None else (slice(None), *parts)])
    found = for_all(x.ndim, parts, x.level is not None, type(x))
    if found is None:
        return loops.each(type(x), lambda a, i: a[i], x, index)
    level = level_of((x, *parts), depth=x.depth)
    y = x.held[found[0]]
    if level is not None:
        order = found[1](y.ndim)
        return type(x)(y if order == tuple(range(y.ndim)) else y.transpose(order), level)  # a view is not written
    return type(x)(y if getattr(y, "base", None) is None else y.copy())  # a base says that writes reach another array


def write(x: Any, index: Any, value: Any) -> None:
    """x[index] = value in every sample."""
    parts = index if index.__class__ is tuple else (index,)
    level = level_of(parts, value, depth=x.depth)
    if level is not None:
        x.diverge(level)
    if x.level is None:
        x.held[tuple([held_by(type(x), p) for p in parts])] = held_by(type(x), value)
    elif all(map(_is_basic, parts)):
        kept = x.ndim - sum(p.__class__ is int for p in parts) + parts.count(None)  # x[index].ndim, without a view
        x.held[(slice(None), *parts)] = aligned(type(x), value, kept)
    else:
        _diverge_within(x, (*parts, value))
        for i in range(x.level.size):
            x.sample(i)[loops.sampled(index, i, x.depth)] = loops.sampled(value, i, x.depth)


def _diverge_within(x: Any, values: Any) -> None:
    """Let samples of outer calls of vmap diverge before they are written, because they will be views."""
    while depth := depth_of(x.held):
        values, x = [held_by(type(x), v) for v in values], x.held
        level = level_of(values, depth=depth)
        if level is not None:
            x.diverge(level)


def for_all(ndim: int, parts: tuple[Any, ...], mapped: bool, cls: Any) -> Any:
    """An index expression for the held array, and a function from the result's number of axes to their order; or None.

    ndim: of a sample; mapped: whether the indexed samples differ. None means that NumPy would mix up the axes.
    """
    parts = _plain(ndim, parts, cls)
    at = [k for k, p in enumerate(parts) if p.__class__ is not slice]
    level = level_of(parts, depth=cls.depth)
    if any(p is None or p.__class__ is bool or (level is not None and _is_mask(p)) for p in parts):
        return None
    if at != list(range(at[0], at[0] + len(at))):
        return None
    before, after, chosen = at[0], parts[at[-1] + 1 :], [parts[k] for k in at]
    n = max([getattr(p, "ndim", 0) for p in chosen])
    inner = [aligned(cls, p, n) for p in chosen]
    if level is None:
        return ((slice(None),) * mapped + (*parts[:before], *inner, *after)), lambda count: tuple(range(count))
    if not mapped:
        return (*parts[:before], *inner, *after), lambda count: (before, *range(before), *range(before + 1, count))
    samples = cls.inner.arange(level.size).reshape((-1,) + (1,) * n)
    # Separated from other index arrays, the sample positions move all index axes to the front.
    last = 1 + n + before
    order = lambda count: (0, *range(1 + n, last), *range(1, 1 + n), *range(last, count))  # noqa: E731
    return (samples, *parts[:before], *inner, *after), order


def add_at(cls: Any, shape: tuple[int, ...], dtype: Any, index: Any, values: Any) -> Any:
    """The kernel `add_at` for all samples: zeros of `shape` to which `values` are added at `index`."""
    kernel = cls.inner.kernels.add_at
    parts = index if index.__class__ is tuple else (index,)
    level = level_of(values, parts, depth=cls.depth)
    if level is None:
        return loops.each(cls, kernel, shape, dtype, index, values)
    plain = _plain(len(shape), parts, cls)
    if all(map(_is_basic, parts)):
        found = (slice(None), *parts), range
        n = len(shape) - sum([p.__class__ is int for p in parts]) + sum([p is None for p in parts])
    else:
        found = for_all(len(shape), parts, True, cls)
        n = len(shape) - sum(map(_axes, plain)) + sum([p.__class__ is slice for p in plain])
        n += max([getattr(p, "ndim", 0) for p in plain]) - sum([_is_mask(p) for p in plain])
    if found is None or values.ndim != n:
        return loops.each(cls, kernel, shape, dtype, index, values)
    added = aligned(cls, values, n)
    order = found[1](added.ndim)  # of what reading there gives
    added = added.transpose(sorted(range(n + 1), key=order.__getitem__))
    return cls(kernel((level.size, *shape), dtype, found[0], added), level)


def _is_basic(part: Any) -> bool:
    return part.__class__ is int or part.__class__ is slice or part is None or part is Ellipsis


def _is_mask(part: Any) -> bool:
    return getattr(part, "dtype", None) is not None and part.dtype.kind == "b"


def _plain(ndim: int, parts: tuple[Any, ...], cls: Any) -> tuple[Any, ...]:
    """An index with slices in place of an ellipsis, and arrays in place of lists."""
    missing = ndim - sum([_axes(p) for p in parts if p is not None and p is not Ellipsis])
    out: list[Any] = []
    for p in parts:
        out += [slice(None)] * missing if p is Ellipsis else [cls.inner.asarray(p) if p.__class__ is list else p]
    return tuple(out)


def _axes(part: Any) -> int:
    return part.ndim if _is_mask(part) else 1
