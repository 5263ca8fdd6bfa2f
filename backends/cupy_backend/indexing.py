"""Elements and rows at indices that may repeat: reading them, and adding to them."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from backends import determinism
from backends.cupy_backend.launch import Gpu, Struct, threads_for
from backends.cupy_backend.layouts import is_float, name_of
from backends.geometry import Array, Sizes, wide_dtype

# As in `kernels/indexing.cu`.
MOST = 6
AXIS = np.dtype([("numbers", np.int64), ("reach", np.int64), ("step", np.int64), ("steps", np.int64, MOST)])
POSITIONS = np.dtype([("count", np.int64), ("sizes", np.int64, MOST), ("values", np.int64, MOST), ("axes", AXIS, MOST)])
UNITS = {1: "unsigned char", 2: "Half", 4: "float", 8: "double"}  # of bytes that are only moved


class Positions(NamedTuple):
    """What an index expression selects: the result's shape, how to find its elements, arrays that must stay alive."""

    shape: Sizes
    table: Any
    arrays: list[Array]


def take_at(gpu: Gpu, x: Array, index: Any) -> Array | None:
    """See `backends.generic.indexing.take_at`; for arrays of integers, with slices from 0 before and after them."""
    unit = UNITS.get(x.dtype.itemsize)
    found = None if unit is None else _positions(gpu, x.shape, x.strides, x.dtype.itemsize, index)
    if found is None:
        return None
    y = gpu.xp.empty(found.shape, dtype=x.dtype)
    gpu.launch("indexing.take_points", (unit,), *threads_for(y.size), x, y, _argument(found.table))
    return y


def take_along_axis(gpu: Gpu, x: Array, indices: Array, axis: int = -1) -> Array | None:
    """NumPy's `take_along_axis`, for indices of the shape of x but for this axis."""
    unit, shape = UNITS.get(x.dtype.itemsize), indices.shape
    if unit is None or name_of(indices.dtype) != "int64" or not (0 < x.ndim == len(shape) <= MOST and indices.size):
        return None
    axis %= x.ndim
    if any(n != m for i, (n, m) in enumerate(zip(shape, x.shape, strict=True)) if i != axis):
        return None
    table = _table(shape)
    for i, (n, stride) in enumerate(zip(x.shape, x.strides, strict=True)):
        row = table["axes"][0, i]
        row["reach"], row["step"], row["steps"][MOST - x.ndim + i] = n, stride // x.dtype.itemsize, i != axis
    chosen = table["axes"][0, axis]
    chosen["numbers"], chosen["steps"][MOST - x.ndim :] = gpu.address(indices), [s // 8 for s in indices.strides]
    y = gpu.xp.empty(shape, dtype=x.dtype)
    gpu.launch("indexing.take_points", (unit,), *threads_for(y.size), x, y, _argument(table))
    return y


def _table(shape: Sizes) -> Any:
    """The description of a result of this shape, without how to find its elements."""
    table = np.zeros((1,), POSITIONS)
    table["count"], table["sizes"] = prod(shape), (*(1,) * (MOST - len(shape)), *shape)
    table["axes"]["reach"] = 1
    return table


def _argument(table: Any) -> Struct:
    return table.view((np.void, table.nbytes)).view(Struct)


def _added(gpu: Gpu, shape: Sizes, index: Any, values: Array) -> Array | None:
    steps, step = [0] * len(shape), 1
    for axis in reversed(range(len(shape))):
        steps[axis], step = step, step * shape[axis]
    found = _positions(gpu, shape, tuple(steps), 1, index)
    if found is None:
        return None
    values = gpu.xp.broadcast_to(values, found.shape)
    if determinism.wanted():
        places = take_at(gpu, gpu.xp.arange(step).reshape(shape), index)
        return None if places is None else _in_order(gpu, shape, values, places.reshape(-1), 1)
    found.table["values"][0, MOST - values.ndim :] = [s // values.dtype.itemsize for s in values.strides]
    y = gpu.xp.zeros(shape, dtype=wide_dtype(gpu.xp, values.dtype))
    gpu.launch("indexing.add_points", (values.dtype,), *threads_for(values.size), values, y, _argument(found.table))
    return y.astype(values.dtype, copy=False)


def _in_order(gpu: Gpu, shape: Sizes, values: Array, numbers: Array, width: int) -> Array:
    """Zeros of a shape to which rows of `width` values are added at numbers, those of one number in their order."""
    order, y = gpu.xp.argsort(numbers, kind="stable"), gpu.xp.zeros(shape, dtype=values.dtype)
    across = min(256, 1 << (width - 1).bit_length())
    threads = (-(-numbers.size * across // 256),), (across, 256 // across)
    operands = (gpu.xp.ascontiguousarray(values), numbers, order, y, numbers.size, width)
    gpu.launch("scatter.add_sorted_rows", (values.dtype, numbers.dtype), *threads, *operands)
    return y


def _positions(gpu: Gpu, shape: Sizes, strides: Sizes, size: int, index: Any) -> Positions | None:
    """None for other index expressions, and where nothing is selected. strides: in units of `size`."""
    parts = [*index] if isinstance(index, tuple) else [index]
    parts += [slice(None)] * (len(shape) - len(parts))
    named = [i for i, part in enumerate(parts) if hasattr(part, "dtype")]
    ints = all(name_of(parts[i].dtype) in ("int32", "int64") and parts[i].ndim for i in named)
    if not named or not ints or len(parts) != len(shape) or named != [*range(named[0], named[-1] + 1)]:
        return None
    arrays = [gpu.xp.asarray(parts[i]).astype(np.int64, copy=False) for i in named]
    common, widths = gpu.xp.broadcast_shapes(*[a.shape for a in arrays]), []
    for n, part in zip(shape, parts, strict=True):
        whole = isinstance(part, slice) and part.start in (None, 0) and part.step in (None, 1)
        if not hasattr(part, "dtype") and not (whole and (part.stop is None or 0 <= part.stop <= n)):
            return None
        widths.append(n if not whole or part.stop is None else part.stop)
    first, after = named[0], named[-1] + 1
    out = (*widths[:first], *common, *widths[after:])
    if len(out) > MOST or len(shape) > MOST or not prod(out):
        return None
    table, ahead = _table(out), MOST - len(out)
    for axis, (n, stride) in enumerate(zip(shape, strides, strict=True)):
        row = table["axes"][0, axis]
        row["reach"], row["step"] = n, stride // size
        if first <= axis < after:
            a = arrays[axis - first]
            row["numbers"], begin = gpu.address(a), ahead + first + len(common) - a.ndim
            row["steps"][begin : begin + a.ndim] = [
                0 if k == 1 else s // 8 for k, s in zip(a.shape, a.strides, strict=True)
            ]
        else:
            row["steps"][ahead + axis + (len(common) - len(named)) * (axis >= after)] = 1
    return Positions(out, table, arrays)


def add_at(gpu: Gpu, shape: Sizes, dtype: Any, index: Any, values: Array) -> Array | None:
    """See `backends.generic.indexing.add_at`; for arrays of integers, such as one of the numbers of rows."""
    xp = gpu.xp
    if not is_float(values) or values.dtype != dtype or not values.size:
        return None
    named = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    one = getattr(getattr(named, "dtype", None), "name", "") in ("int32", "int64") and named.ndim
    if not one or values.shape != (*named.shape, *shape[1:]):
        return _added(gpu, shape, index, values)
    rows, width = shape[0], prod(shape[1:])
    numbers, values = xp.ascontiguousarray(named).reshape(-1), xp.ascontiguousarray(values)
    if determinism.wanted():
        return _in_order(gpu, shape, values, numbers % rows if rows else numbers, width)
    y = xp.zeros(shape, dtype=wide_dtype(xp, values.dtype))
    types = (values.dtype, numbers.dtype)
    gpu.launch("scatter.add_rows", types, *threads_for(values.size), values, numbers, y, numbers.size, rows, width)
    return y.astype(dtype, copy=False)
