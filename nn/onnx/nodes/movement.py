"""Nodes that move elements: shapes, indices, joining."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ag
import nn.functional as F
from autograd_core import Tensor
from nn.onnx.nodes.table import NODES, ints, number, reads

NODES.update(
    Shape=lambda x, *, start=0, end=None: ag.tensor(list(x.shape)[start:end], dtype=ag.int64),
    Size=lambda x: ag.tensor(x.numel()),
    Transpose=lambda x, *, perm=None: ag.permute(x, list(reversed(range(x.ndim))) if perm is None else ints(perm)),
    Expand=lambda x, shape: ag.broadcast_to(x, ag.broadcast_shapes(x.shape, tuple(ints(shape)))),
    Tile=lambda x, repeats: ag.tile(x, ints(repeats)),
    Concat=lambda *xs, axis=1: ag.cat(xs, axis),
    Gather=lambda x, index, *, axis=0: x[(*(slice(None),) * (axis % x.ndim), index.long())],
    GatherElements=lambda x, index, *, axis=0: ag.gather(x, axis, _positive(index, x.shape[axis])),
    Range=lambda start, limit, delta: ag.arange(number(start), number(limit), number(delta), dtype=start.dtype),
    Einsum=lambda *xs, equation: ag.einsum(equation, *xs),
)


@reads("Reshape")
def _reshape(x: Tensor, shape: Any, *, allowzero: int = 0) -> Tensor:
    wanted = ints(shape)
    if not allowzero:
        wanted = [x.shape[i] if n == 0 else n for i, n in enumerate(wanted)]
    return ag.reshape(x, wanted)


@reads("Flatten")
def _flatten(x: Tensor, *, axis: int = 1) -> Tensor:
    at = axis + x.ndim if axis < 0 else axis
    return ag.reshape(x, (math.prod(x.shape[:at]), math.prod(x.shape[at:])))


@reads("Squeeze")
def _squeeze(x: Tensor, axes: Any = None) -> Tensor:
    return ag.squeeze(x) if axes is None else ag.squeeze(x, tuple(ints(axes)))


@reads("Unsqueeze")
def _unsqueeze(x: Tensor, axes: Any) -> Tensor:
    given = ints(axes)
    for d in sorted([d % (x.ndim + len(given)) for d in given]):
        x = ag.unsqueeze(x, d)
    return x


@reads("Split")
def _split(x: Tensor, split: Any = None, *, axis: int = 0, num_outputs: int = 0, outputs: int) -> tuple[Tensor, ...]:
    part = -(-x.shape[axis] // outputs)
    return tuple(ag.split(x, part if split is None else ints(split), axis))


@reads("Slice")
def _slice(x: Tensor, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Tensor:
    first, last = ints(starts), ints(ends)
    parts = [slice(None)] * x.ndim
    along = range(len(first)) if axes is None else ints(axes)
    for d, i, j, k in zip(along, first, last, [1] * len(first) if steps is None else ints(steps), strict=True):
        n = x.shape[d]
        stop: int | None = j
        if k < 0 and j < -n:
            stop = None  # before the first element
        parts[d] = slice(i if k > 0 or i >= -n else -n - 1, stop, k)
    return x[tuple(parts)]


@reads("Pad")
def _pad(x: Tensor, pads: Any, value: Any = None, axes: Any = None, *, mode: str = "constant") -> Tensor:
    given = ints(pads)
    half = len(given) // 2
    along = range(x.ndim) if axes is None else [d % x.ndim for d in ints(axes)]
    both = {d: (given[i], given[half + i]) for i, d in enumerate(along)}
    if mode == "constant":
        flat = [n for d in reversed(range(x.ndim)) for n in both.get(d, (0, 0))]
        return F.pad(x, flat, value=0.0 if value is None else number(value))
    for d, (low, high) in both.items():
        n = x.shape[d]
        at = ag.arange(-low, n + high, device=x.device)
        if mode == "edge":
            at = ag.clamp(at, 0, n - 1)
        elif mode == "wrap":
            at = at % n
        else:
            period = max(2 * (n - 1), 1)
            at = at % period
            at = ag.minimum(at, period - at)
        x = ag.index_select(x, d, at)
    return x


def _positive(index: Tensor, n: int) -> Tensor:
    index = index.long()
    return ag.where(index < 0, index + n, index)


@reads("GatherND")
def _gather_nd(x: Tensor, index: Tensor, *, batch_dims: int = 0) -> Tensor:
    lead = [ag.arange(n).reshape([-1] + [1] * (index.ndim - 2 - i)) for i, n in enumerate(index.shape[:batch_dims])]
    return x[(*lead, *ag.unbind(index.long(), -1))]


REDUCED = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


@reads("ScatterElements", "Scatter")
def _scatter(x: Tensor, index: Tensor, updates: Tensor, *, axis: int = 0, reduction: str = "none") -> Tensor:
    index = _positive(index, x.shape[axis])
    if reduction == "none":
        return ag.scatter(x, axis, index, updates)
    return ag.scatter_reduce(x, axis, index, updates, REDUCED[reduction])


@reads("ScatterND")
def _scatter_nd(x: Tensor, index: Tensor, updates: Tensor, *, reduction: str = "none") -> Tensor:
    k = index.shape[-1]
    rest = math.prod(x.shape[k:])
    flat = ag.zeros(index.shape[:-1], dtype=ag.int64)
    for i, part in enumerate(ag.unbind(index.long(), -1)):
        flat = flat * x.shape[i] + _positive(part, x.shape[i])
    rows, values = x.reshape(-1, rest), updates.reshape(-1, rest)
    places = ag.broadcast_to(flat.reshape(-1, 1), values.shape)
    return _scatter(rows, places, values, reduction=reduction).reshape(x.shape)


@reads("OneHot")
def _one_hot(index: Tensor, depth: Any, values: Tensor, *, axis: int = -1) -> Tensor:
    n = int(number(depth))
    at = axis % (index.ndim + 1)
    hot = index.long().remainder(n).unsqueeze(at) == ag.arange(n).reshape([-1] + [1] * (index.ndim - at))
    inside = ((index >= -n) & (index < n)).unsqueeze(at)
    return ag.where(hot & inside, values[1], values[0])


@reads("Trilu")
def _trilu(x: Tensor, k: Any = None, *, upper: int = 1) -> Tensor:
    diagonal = 0 if k is None else int(number(k))
    return ag.triu(x, diagonal) if upper else ag.tril(x, diagonal)


@reads("EyeLike")
def _eye_like(x: Tensor, *, dtype: Any = None, k: int = 0) -> Tensor:
    rows, columns = (ag.arange(n) for n in x.shape)
    return (columns == rows[:, None] + k).to(x.dtype if dtype is None else dtype)


@reads("ConstantOfShape")
def _constant_of_shape(shape: Any, *, value: Tensor | None = None) -> Tensor:
    if value is None:
        return ag.zeros(ints(shape))
    return ag.full(ints(shape), value.item(), dtype=value.dtype)


@reads("Constant")
def _constant(
    *,
    value: Tensor | None = None,
    value_float: float | None = None,
    value_floats: Any = None,
    value_int: int | None = None,
    value_ints: Any = None,
) -> Tensor:
    if value is not None:
        return value
    floats = value_float if value_floats is None else value_floats
    integers = value_int if value_ints is None else value_ints
    if floats is None and integers is None:
        raise NotImplementedError("Constant: a value that is no array and no number cannot be read")
    return ag.tensor(integers, dtype=ag.int64) if floats is None else ag.tensor(floats, dtype=ag.float32)


@reads("Compress")
def _compress(x: Tensor, condition: Tensor, *, axis: int | None = None) -> Tensor:
    x, at = (x.flatten(), 0) if axis is None else (x, axis)
    return ag.index_select(x, at, ag.nonzero(condition)[:, 0])


@reads("ReverseSequence")
def _reverse_sequence(x: Tensor, lengths: Tensor, *, batch_axis: int = 1, time_axis: int = 0) -> Tensor:
    t, n = x.shape[time_axis], lengths.long().reshape(-1, 1)
    steps = ag.arange(t).expand(n.shape[0], t)
    places = ag.where(steps < n, n - 1 - steps, steps)
    rows = ag.movedim(x, (batch_axis, time_axis), (0, 1))
    return ag.movedim(rows[ag.arange(n.shape[0])[:, None], places], (0, 1), (batch_axis, time_axis))


@reads("DepthToSpace")
def _depth_to_space(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    if mode == "CRD":
        return F.pixel_shuffle(x, blocksize)
    n, c, h, w = x.shape
    parts = x.reshape(n, blocksize, blocksize, c // blocksize**2, h, w)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(n, c // blocksize**2, h * blocksize, w * blocksize)


@reads("SpaceToDepth")
def _space_to_depth(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    n, c, h, w = x.shape
    parts = x.reshape(n, c, h // blocksize, blocksize, w // blocksize, blocksize)
    order = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    return parts.permute(order).reshape(n, c * blocksize**2, h // blocksize, w // blocksize)
