"""Operations that move elements: shapes, views, indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.libraries import LIBRARY
from autograd_core.errors import TracingError
from autograd_core.kinds import INDEXING, SHAPE
from autograd_core.tracing import Call
from nn.onnx.writer import OPERATIONS, Ref, Writer, writes

OPERATIONS.update(
    permute=lambda g, x, *, dims: g("Transpose", x, perm=[d % x.ndim for d in dims]) if x.ndim else g("Identity", x),
    tril=lambda g, x, *, diagonal: g("Trilu", x, np.array(diagonal, np.int64), upper=0),
    triu=lambda g, x, *, diagonal: g("Trilu", x, np.array(diagonal, np.int64), upper=1),
    gather=lambda g, x, index, *, dim: g("GatherElements", x, index, axis=dim),
    take_rows=lambda g, x, index, share=None: g("Gather", x, index, axis=0),
)


@writes("reshape")
def _reshape(g: Writer, x: Ref, *, shape: Any) -> Ref:
    """With dynamic axes, the first lengths that are the operand's are taken from it, and the next is inferred."""
    target = list(g.results[0].held.shape)
    if g.dynamic and 0 not in target:
        same = next(
            (i for i, (n, k) in enumerate(zip(target, x.shape, strict=False)) if n != k), min(len(target), x.ndim)
        )
        rest = [-1 if n != 1 and all(k == 1 for k in target[same:i]) else n for i, n in enumerate(target)][same:]
        target = [0] * same + rest
    return g("Reshape", x, target, allowzero=None if g.dynamic else 1)


@writes("swapped")
def _swapped(g: Writer, x: Ref) -> Ref:
    *first, a, b = range(x.ndim)
    return g("Transpose", x, perm=[*first, b, a])


@writes("place_ones")
def _place_ones(g: Writer, index: Ref, *, count: int) -> Ref:
    rows = index if index.ndim else g("Unsqueeze", index, [0])  # ONNX takes no 0-d index
    y = g("OneHot", rows, np.array(count), np.array([0, 1]), axis=-1)
    return y if index.ndim else g("Squeeze", y, [0])


@writes("expand")
def _expand(g: Writer, x: Ref, *, shape: Any) -> Ref:
    target = g.results[0].held.shape
    own = (1,) * (len(target) - x.ndim) + x.shape
    if g.dynamic and target[:1] != own[:1]:
        g.fixed("an expansion of the first axis")
    return g("Expand", x, [1 if n == k else n for n, k in zip(target, own, strict=True)])


@writes("sum_to")
def _sum_to(g: Writer, x: Ref, *, shape: Any) -> Ref:
    lead = x.ndim - len(shape)
    summed = [i for i in range(x.ndim) if i < lead or (shape[i - lead] == 1 and x.shape[i] != 1)]
    y = g("ReduceSum", x, summed, keepdims=1, noop_with_empty_axes=1)
    return g("Squeeze", y, list(range(lead))) if lead else y


@writes("cat")
def _cat(g: Writer, *xs: Ref, dim: int) -> Ref:
    computed = [x for x in xs if x not in g.stored]
    if g.dynamic and dim % xs[0].ndim and computed:  # equal rows, as of a class token, for as many as there are
        rows = g("Slice", g("Shape", computed[0]), [0], [1])
        xs = tuple([x if x in computed else _rows(g, x, rows) for x in xs])
    return g("Concat", *xs, axis=dim)


def _rows(g: Writer, x: Ref, rows: Ref) -> Ref:
    return g("Expand", g.one_row(x), g("Concat", rows, [1] * (x.ndim - 1), axis=0))


@writes("stack")
def _stack(g: Writer, *xs: Ref, dim: int) -> Ref:
    at = [dim % (xs[0].ndim + 1)]
    return g("Concat", *[g("Unsqueeze", x, at) for x in xs], axis=at[0])


@writes("split_sizes")
def _split(g: Writer, x: Ref, *, sizes: Any, dim: int) -> tuple[Ref, ...]:
    found = g("Split", x, list(sizes), outputs=len(sizes), axis=dim)
    return (found,) if len(sizes) == 1 else found


@writes("unbind")
def _unbind(g: Writer, x: Ref, *, dim: int) -> tuple[Ref, ...]:
    return tuple([g("Gather", x, np.array(i, np.int64), axis=dim) for i in range(len(g.results))])


@writes("flip")
def _flip(g: Writer, x: Ref, *, dims: Any) -> Ref:
    axes = [d % x.ndim for d in ([dims] if isinstance(dims, int) else dims)]
    if not axes:
        return g("Identity", x)
    ends = [np.iinfo(np.int64).min] * len(axes)
    return g("Slice", x, [-1] * len(axes), ends, axes, [-1] * len(axes))


@writes("pad_constant")
def _pad(g: Writer, x: Ref, *, widths: Any, value: float) -> Ref:
    before, after = zip(*widths, strict=True)
    return g("Pad", x, [*before, *after], np.asarray(value, x.dtype), mode="constant")


@writes("unfold")
def _unfold(g: Writer, x: Ref, *, dimension: int, size: int, step: int) -> Ref:
    at = dimension % x.ndim
    if at == 0:
        g.fixed("windows along the first axis")
    starts = np.arange(0, x.shape[at] - size + 1, step)
    y = g("Gather", x, starts[:, None] + np.arange(size), axis=at)
    return g("Transpose", y, perm=[i for i in range(x.ndim + 1) if i != at + 1] + [at + 1])


@writes("roll")
def _roll(g: Writer, x: Ref, *, shifts: Any, dims: Any) -> Ref:
    if dims is None or dims == ():
        g.fixed("a roll of all elements")
        flat = g("Reshape", x, [-1])
        order = np.roll(np.arange(int(np.prod(x.shape))), shifts)
        return g("Reshape", g("Gather", flat, order, axis=0), x.shape)
    pairs = zip(*[[v] if isinstance(v, int) else v for v in (shifts, dims)], strict=True)
    for shift, dim in pairs:
        if dim % x.ndim == 0:
            g.fixed("a roll of the first axis")
        x = g("Gather", x, np.roll(np.arange(x.shape[dim]), shift), axis=dim, shape=x.shape)
    return x


@writes("getitem")
def _getitem(g: Writer, x: Ref, *, index: Any) -> Ref:
    """Integers and slices are nodes of their own; a single array of positions is a Gather; the rest is looked up."""
    parts = list(index if isinstance(index, tuple) else (index,))
    if any(p is ... for p in parts):
        at = next(i for i, p in enumerate(parts) if p is ...)
        parts[at : at + 1] = [slice(None)] * (x.ndim - sum(p is not None for p in parts) + 1)
    parts += [slice(None)] * (x.ndim - sum(p is not None for p in parts))
    arrays = [p for p in parts if isinstance(p, np.ndarray)]
    if any(a.dtype.kind == "b" for a in arrays) or len(arrays) > 1 or (arrays and any(type(p) is int for p in parts)):
        return moved(g, x, lambda xp, a: xp.kernels.take_at(a, index))
    return _by_axis(g, x, parts)


def _by_axis(g: Writer, x: Ref, parts: list[Any]) -> Ref:
    far = np.iinfo(np.int64).max
    slices: list[tuple[int, int, int, int]] = []  # start, end, axis, step
    dropped, added, positions = [], [], None
    axis = kept = 0
    for part in parts:
        if part is None:
            added.append(kept)
        elif isinstance(part, slice):
            if part != slice(None):
                start, stop, step = part.indices(x.shape[axis])
                stop = far if part.stop is None and step > 0 else stop if stop >= 0 else -far
                slices.append((start, stop, axis, step))
        elif isinstance(part, np.ndarray):
            positions = axis, np.where(part < 0, part + x.shape[axis], part).astype(np.int64)
        else:
            slices.append((int(part), int(part) + 1 or far, axis, 1))
            dropped.append(axis)
        kept += part.ndim if isinstance(part, np.ndarray) else part is None or isinstance(part, slice)
        axis += part is not None
    y = g("Slice", x, *map(list, zip(*slices, strict=True))) if slices else x
    if positions is not None:
        y = g("Gather", y, positions[1], axis=positions[0])
    if dropped:
        y = g("Squeeze", y, dropped)
    if added:
        y = g("Unsqueeze", y, added)
    return y if y is not x else g("Identity", x)


def moved(g: Writer, x: Ref, move: Any) -> Ref:
    """What a function that only moves elements, and fills with zeros, does to them, as a look-up of positions."""
    g.fixed("a look-up of positions")
    places = np.arange(1, int(np.prod(x.shape)) + 1).reshape(x.shape)
    found = np.asarray(move(LIBRARY[np.ndarray], places)).astype(np.int64)
    flat = g("Reshape", x, [-1])
    if (found == 0).any():
        flat, found = g("Concat", np.zeros(1, x.dtype), flat, axis=0), found + 1
    return g("Gather", flat, found - 1, axis=0)


@writes("")
def _other(g: Writer, call: Call, *operands: Any) -> Ref:
    """Operations without a rule here: those on one tensor that move elements can be looked up."""
    o = call.op
    if o.kind in (SHAPE, INDEXING) and len(operands) == 1 and not o.outputs and o.name not in ("place", "overwrite"):
        return moved(g, operands[0], lambda xp, a: o.forward(xp, a, **call.statics))
    raise TracingError(f"{o.name}: this operation has no counterpart among ONNX's, or none that is written yet")
