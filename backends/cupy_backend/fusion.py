"""Elementwise functions, compiled to one kernel each (`symbols.py`) that reads 16 bytes at once.

Those that cannot be recorded run unchanged. 16-bit elements are computed in float32.
"""

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from backends.cupy_backend.launch import Gpu, Struct, Unusable, threads_for
from backends.cupy_backend.layouts import FLOATS, empty_like, is_dense, laid_out, lies_like, memory_order, name_of
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
    """A function as a kernel, whether its results are booleans, and which operands are, a bit for each."""

    source: str
    is_test: bool
    masks: int


_known: dict[Any, dict[Any, Kernel | None]] = {}  # by function and variant: the kernel, or None


def _kernel(xp: Any, function: Callable[..., Any], dtypes: tuple[Any, ...], statics: dict[str, Any]) -> Kernel | None:
    variants, key = _known.setdefault(function, {}), (dtypes, repr(statics))
    if key not in variants and len(variants) < VARIANTS:
        masks = [d == BOOL for d in dtypes]
        read = [BOOL if m else np.dtype(wide_dtype(xp, d)) for d, m in zip(dtypes, masks, strict=True)]
        try:
            text, result = written("Fused", function, read, statics)
            variants[key] = Kernel(f"fused\n{text}.fused", result == BOOL, sum(m << i for i, m in enumerate(masks)))
        except Exception as error:  # any error of a function that expects an array
            logger.debug("%s is not one kernel: it %s", function, error)
            variants[key] = None
    return variants.get(key)


def fused(
    gpu: Gpu,
    function: Callable[..., Any],
    /,
    *operands: Any,
    out: Array | None = None,
    copies: bool = True,
    **statics: Any,
) -> Array | None:
    """function(xp, *operands, **statics), if elementwise, in one pass; an operand must have the result's shape.

    operands: floats of one dtype, and masks. out: where to write the result; it may be an operand. copies: whether
    operands may be copied first, if they do not lie alike.
    """
    if not (0 < len(operands) <= MOST and all(isinstance(v, gpu.xp.ndarray) for v in operands)):
        return None
    dtypes = tuple([v.dtype for v in operands])
    floats = {d for d in dtypes if d != BOOL}
    first = operands[0] if len(operands) == 1 else max(operands, key=_extent)
    shape = first.shape
    fit = first.size and all(v.shape == shape or spreads(v.shape, shape) for v in operands)
    fit = fit and len(floats) == 1 and all(isinstance(v, STATIC) for v in statics.values())
    if not fit or name_of(dtype := floats.pop()) not in FLOATS:
        return None
    kernel = _kernel(gpu.xp, function, dtypes, statics | {NUMBER: None} if NUMBER in statics else statics)
    number = float(statics.get(NUMBER, 0.0))
    try:
        return None if kernel is None else _computed(gpu, kernel, first, dtype, operands, out, copies, number)
    except Unusable as error:
        logger.warning("%s is not one kernel: %s", function, error)
        _known[function] = dict.fromkeys(_known[function])
        return None


def _computed(
    gpu: Gpu,
    kernel: Kernel,
    first: Array,
    dtype: Any,
    operands: Sequence[Array],
    out: Array | None,
    copies: bool,
    number: float,
) -> Array | None:
    """The result, of the shape of the first array; None if one, or `out`, does not lie as it must."""
    shape, size, result = first.shape, first.size, BOOL if kernel.is_test else dtype
    in_order = all(v.shape == shape and v.flags.c_contiguous for v in operands)
    if out is not None:
        if out.shape != shape or out.dtype != result or not is_dense(out):
            return None
        y, in_order = out, in_order and out.flags.c_contiguous
    elif in_order:
        y = gpu.xp.empty(shape, dtype=result)
    else:
        y = empty_like(gpu.xp, next((v for v in operands if v.shape == shape and is_dense(v)), first), result)
    places: tuple[Place | None, ...] = (None,) * len(operands)
    in_line, widths, single, repeated = operands, list[int](), 0, 0
    if not in_order:
        places = tuple([_place(v, y) for v in operands])
        whole = [v for v, place in zip(operands, places, strict=True) if place is None]
        if any(v.shape != shape or not (copies or lies_like(v, y)) for v in whole):
            return None
        operands = [laid_out(gpu.xp, v, y) if p is None else v for v, p in zip(operands, places, strict=True)]
        in_line = [x for x, p in zip(operands, places, strict=True) if p is None or p.width > 1]
        widths = [n for p in places if p for n in (p.each, p.width) if n > 1]
        single = sum([1 << i for i, p in enumerate(places) if p == ONE])
        repeated = sum([1 << i for i, p in enumerate(places) if p]) - single
    if out is not None and not all(_can_be_written(gpu, out, v, p) for v, p in zip(operands, places, strict=True)):
        return None
    v = gpu.vector(dtype, *widths, arrays=(*in_line, y))
    more = (kernel.masks, repeated) if repeated else (kernel.masks,) if kernel.masks else ()
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
