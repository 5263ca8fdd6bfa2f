"""Elementwise kernels that would otherwise take several passes, or read 16-bit floats one by one."""

from typing import Any

from backends.cupy_backend.copying import copied
from backends.cupy_backend.launch import Gpu, threads_for
from backends.cupy_backend.layouts import alike, empty_like, is_dense, is_float, laid_out, name_of
from backends.geometry import Array

CONVERTED, AT_ONCE = ("float16", "bfloat16", "float32"), 4  # elements that a thread converts: 16 bytes of float32


def relu(gpu: Gpu, x: Array) -> Array | None:
    """See `backends.generic.selection.relu`."""
    return _mapped(gpu, "Relu", x, x)


def rectify(gpu: Gpu, y: Array) -> Array | None:
    """See `backends.generic.selection.rectify`; in place."""
    return _mapped(gpu, "Relu", y, y, y)


def add(gpu: Gpu, a: Array, b: Array) -> Array | None:
    """See `backends.generic.selection.add`."""
    return _mapped(gpu, "Add", a, b)


def add_relu(gpu: Gpu, a: Array, b: Array) -> Array | None:
    """See `backends.generic.selection.add_relu`."""
    return _mapped(gpu, "AddRelu", a, b)


def converted(gpu: Gpu, x: Array, dtype: Any) -> Array | None:
    """See `backends.generic.conversion.converted`; between floats of up to 32 bits, and within any dtype."""
    if not (x.size and is_dense(x)):
        return None
    return copied(gpu, x) if x.dtype == dtype else cast(gpu, x, dtype)


def cast(gpu: Gpu, x: Array, dtype: Any) -> Array | None:
    """A copy of floats of up to 32 bits in another such dtype."""
    dtype = gpu.xp.dtype(dtype)
    fit = x.dtype != dtype and name_of(x.dtype) in CONVERTED and name_of(dtype) in CONVERTED
    if not (fit and x.size and is_dense(x)):
        return None
    y = empty_like(gpu.xp, x, dtype)
    v = AT_ONCE if gpu.vector(dtype, arrays=(x, y)) > 1 else 1
    threads = threads_for(x.size // v + x.size % v)
    gpu.launch("elementwise.convert", (x.dtype, dtype, v), *threads, x, y, x.size)
    return y


def drop(gpu: Gpu, x: Array, keep: Array, scale: float) -> Array | None:
    """See `backends.generic.selection.drop`."""
    if not (is_float(x) and x.size and keep.shape == x.shape and is_dense(x)):
        return None
    keep, y = laid_out(gpu.xp, keep, x), empty_like(gpu.xp, x)
    v = gpu.vector(x.dtype, x.size, arrays=(x, keep, y))
    gpu.launch("elementwise.drop", (x.dtype, v), *threads_for(x.size // v), x, keep, y, float(scale), x.size // v)
    return y


def gate(gpu: Gpu, g: Array, x: Array) -> Array | None:
    """See `backends.generic.selection.gate`."""
    if is_float(g, x) and g.shape == x.shape and not is_dense(g):  # such as the gradient of a mean
        g = laid_out(gpu.xp, g, x)
    return _mapped(gpu, "Gate", g, x)


def _mapped(gpu: Gpu, function: str, a: Array, b: Array, out: Array | None = None) -> Array | None:
    if not (is_float(a, b) and a.size and alike(a, b)):
        return None
    y = empty_like(gpu.xp, a) if out is None else out
    v = gpu.vector(a.dtype, arrays=(a, b, y))
    threads = a.size // v + a.size % v
    gpu.launch("elementwise.map", (function, a.dtype, v), *threads_for(threads), a, b, y, a.size)
    return y
