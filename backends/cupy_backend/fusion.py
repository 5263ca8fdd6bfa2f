"""Elementwise functions, compiled to one kernel each (`symbols.py`) that reads 16 bytes at once.

Those that cannot be recorded run unchanged. 16-bit elements are computed in float32.
"""

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from backends.cupy_backend.launch import Gpu, Struct, Unusable, threads_for
from backends.cupy_backend.layouts import empty_like, is_dense, is_float, laid_out, memory_order
from backends.cupy_backend.symbols import BOOL, MOST, NUMBER, written
from backends.cupy_backend.table import POINTWISE
from backends.geometry import Array, Sizes, spreads, wide_dtype

logger = logging.getLogger(__name__)

VARIANTS = 32  # of a function, by dtype and static parameters: one with ever-changing parameters is not compiled again
STATIC = (bool, int, float, str, tuple, type(None))


class Place(NamedTuple):
    """How an operand is repeated: element i of the result reads i / each % rows * width + i % width."""

    each: int
    rows: int
    width: int


ONE = Place(1, 1, 1)  # for all elements the same


class Kernel(NamedTuple):
    """A function as a kernel, and whether its results are booleans."""

    source: str
    is_test: bool


_known: dict[Any, dict[Any, Kernel | None]] = {}  # by function and variant: the kernel, or None


def _kernel(function: Callable[..., Any], dtypes: tuple[Any, ...], statics: dict[str, Any]) -> Kernel | None:
    variants, key = _known.setdefault(function, {}), (dtypes, repr(statics))
    if key not in variants and len(variants) < VARIANTS:
        try:
            text, dtype = written("Fused", function, dtypes, statics)
            variants[key] = Kernel(f"fused\n{text}.fused", dtype == BOOL)
        except Exception as error:  # any error of a function that expects an array
            logger.debug("%s is not one kernel: it %s", function, error)
            variants[key] = None
    return variants.get(key)


def fused(
    gpu: Gpu, function: Callable[..., Any], /, *operands: Any, out: Array | None = None, **statics: Any
) -> Array | None:
    """function(xp, *operands, **statics), if elementwise, in one pass; an operand must have the result's shape.

    operands: floats of one dtype, and masks. out: where to write the result; it may be an operand.
    """
    if not (0 < len(operands) <= MOST and all(isinstance(v, gpu.xp.ndarray) for v in operands)):
        return None
    floats = [v for v in operands if v.dtype != BOOL]
    if not is_float(*floats):
        return None
    first = operands[0] if len(operands) == 1 else max(operands, key=_extent)
    shape = first.shape
    fit = first.size and all(v.shape == shape or spreads(v.shape, shape) for v in operands)
    if not (fit and all(isinstance(v, STATIC) for v in statics.values())):
        return None
    fixed = statics | {NUMBER: None} if NUMBER in statics else statics
    wide = np.dtype(wide_dtype(gpu.xp, floats[0].dtype))
    kernel = _kernel(function, tuple([BOOL if v.dtype == BOOL else wide for v in operands]), fixed)
    number = float(statics.get(NUMBER, 0.0))
    try:
        return None if kernel is None else _computed(gpu, kernel, first, floats[0].dtype, operands, out, number)
    except Unusable as error:
        logger.warning("%s is not one kernel: %s", function, error)
        _known[function] = dict.fromkeys(_known[function])
        return None


def _computed(
    gpu: Gpu, kernel: Kernel, first: Array, dtype: Any, operands: Sequence[Array], out: Array | None, number: float
) -> Array | None:
    """The result, of the shape of the first array; None if one that is repeated, or `out`, does not lie as it must."""
    shape, size = first.shape, first.size
    result = BOOL if kernel.is_test else dtype
    places: tuple[Place | None, ...] = (None,) * len(operands)
    if out is not None:
        if out.shape != shape or out.dtype != result or not is_dense(out):
            return None
        y = out
    elif all(v.shape == shape and v.flags.c_contiguous for v in operands):
        y = gpu.xp.empty(shape, dtype=result)
    else:
        y = empty_like(gpu.xp, next((v for v in operands if v.shape == shape and is_dense(v)), first), result)
    in_line = operands
    if not (y.flags.c_contiguous and all(v.shape == shape and v.flags.c_contiguous for v in operands)):
        places = tuple([_place(v, y) for v in operands])
        if any(place is None and v.shape != shape for v, place in zip(operands, places, strict=True)):
            return None
        operands = [laid_out(gpu.xp, v, y) if p is None else v for v, p in zip(operands, places, strict=True)]
        in_line = [x for x, p in zip(operands, places, strict=True) if p is None or p.width > 1]
    if out is not None and not all(_can_be_written(gpu, out, v, p) for v, p in zip(operands, places, strict=True)):
        return None
    v = gpu.vector(dtype, *[n for p in places if p for n in (p.each, p.width) if n > 1], arrays=(*in_line, y))
    single = sum([1 << i for i, p in enumerate(places) if p == ONE])
    repeated = sum([1 << i for i, p in enumerate(places) if p]) - single
    masks = sum([1 << i for i, x in enumerate(operands) if x.dtype == BOOL])
    more = (masks, repeated) if repeated else (masks,) if masks else ()
    types = ("Fused", dtype, result, v, len(operands), single, *more)
    read, threads = (*operands, None, None, None)[:MOST], threads_for(size // v + size % v)
    gpu.launch(kernel.source, types, *threads, *read, y, size, number, _places(*places) if repeated else 0)
    return y


def _can_be_written(gpu: Gpu, y: Array, x: Array, place: Place | None) -> bool:
    """Whether y can be written while x is read: it lies elsewhere, or every element is where it is read."""
    to, begin = gpu.address(y), gpu.address(x)
    alike = to == begin and place is None and x.dtype == y.dtype
    return alike or begin + x.nbytes <= to or to + y.nbytes <= begin


def _extent(x: Array) -> tuple[int, int]:
    return x.size, x.ndim


def _place(x: Array, y: Array) -> Place | None:
    """Where x, which broadcasts to the dense y, is read; None if it has all elements of y, or lies in another way."""
    if x.shape == y.shape and 0 not in x.strides:
        return None
    ahead = (0,) * (y.ndim - x.ndim)
    steps = ahead + tuple([0 if n == 1 else step for n, step in zip(x.shape, x.strides, strict=True)])
    return _described(y.shape, tuple(memory_order(y)), steps, x.dtype.itemsize)


@lru_cache(1 << 12)
def _described(shape: Sizes, order: Sizes, steps: Sizes, size: int) -> Place | None:
    """Where an array with these steps is read; axes from the innermost are kept and repeated in turns."""
    groups, reach = [(1, False)], size  # sizes of neighbouring axes, and whether they are repeated
    for axis in reversed(order):
        n, repeated = shape[axis], steps[axis] == 0
        if n == 1:
            continue
        if not repeated:
            if steps[axis] != reach:
                return None
            reach *= n
        if groups[-1][1] == repeated:
            groups[-1] = groups[-1][0] * n, repeated
        else:
            groups.append((n, repeated))
    if reach == size:
        return ONE
    if not 1 < len(groups) <= 4:
        return None
    width, each, rows, *_ = [n for n, _ in groups] + [1, 1]
    return Place(width * each, rows, width)


@lru_cache(1 << 10)
def _places(*places: Place | None) -> Struct:
    """As in `kernels/fused.cu`."""
    numbers = np.array([place or ONE for place in (*places, None, None, None)[:MOST]], np.int64).T.copy()
    return numbers.reshape(-1).view((np.void, numbers.nbytes)).view(Struct)


def _generic(name: str) -> Callable[..., Any]:
    """The generic kernel of this name, as one kernel."""

    def function(xp: Any, *operands: Any) -> Any:
        return getattr(xp.kernels, name)(*operands)

    return lambda gpu, *operands: fused(gpu, function, *operands)


globals().update({name: _generic(name) for name in POINTWISE})
