"""Single steps of recurrent layers, in one pass each."""

from typing import Any

from backends.cupy_backend.launch import Gpu, threads_for
from backends.cupy_backend.layouts import is_float
from backends.geometry import Array


def rnn_state(gpu: Gpu, y: Array, z: Array, nonlinearity: str) -> bool | None:
    """See `backends.generic.recurrent_steps`; True if it was done."""
    return _step(gpu, "rnn_state", (y,), (z,), y.shape, nonlinearity == "relu")


def rnn_slopes(gpu: Gpu, d: Array, g: Array, d_state: Array, y: Array, nonlinearity: str) -> bool | None:
    """See `backends.generic.recurrent_steps`; True if it was done."""
    return _step(gpu, "rnn_slopes", (d,), (g, d_state, y), y.shape, nonlinearity == "relu")


def lstm_state(gpu: Gpu, to_cell: Array, to_state: Array, gates: Array, z: Array, cell: Array) -> bool | None:
    """See `backends.generic.recurrent_steps`; True if it was done."""
    return _step(gpu, "lstm_state", (to_cell, to_state, gates), (z, cell), cell.shape)


def lstm_slopes(
    gpu: Gpu, d: Array, g: Array, d_state: Array, d_cell: Array, gates: Array, cell: Array, before: Array
) -> Array | None:
    """See `backends.generic.recurrent_steps`."""
    back = gpu.xp.empty(cell.shape, dtype=cell.dtype)
    done = _step(gpu, "lstm_slopes", (d, back), (g, d_state, d_cell, gates, cell, before), cell.shape)
    return back if done else None


def gru_state(gpu: Gpu, y: Array, gates: Array, u: Array, bias: Array, before: Array) -> bool | None:
    """See `backends.generic.recurrent_steps`; True if it was done."""
    return _step(gpu, "gru_state", (y, gates), (u, before, bias), before.shape)


def gru_slopes(gpu: Gpu, d: Array, d_new: Array, g: Array, d_state: Array, passed: Array, gates: Array) -> Array | None:
    """See `backends.generic.recurrent_steps`."""
    back = gpu.xp.empty(g.shape, dtype=g.dtype)
    return back if _step(gpu, "gru_slopes", (d, d_new, back), (g, d_state, passed, gates), g.shape) else None


def _step(
    gpu: Gpu, name: str, results: tuple[Array, ...], operands: tuple[Array, ...], shape: Any, *flags: bool
) -> bool | None:
    """Start a kernel on arrays of one dtype for states of a shape (N, H); results must be contiguous."""
    if not (is_float(*results, *operands) and all(v.flags.c_contiguous for v in results)):
        return None
    arrays = (*results, *[v if v.flags.c_contiguous else gpu.xp.ascontiguousarray(v) for v in operands])
    v = gpu.vector(arrays[0].dtype, shape[1], arrays=arrays)
    threads = threads_for(shape[0] * (shape[1] // v))
    gpu.launch(f"recurrent.{name}", (arrays[0].dtype, v, *flags), *threads, *arrays, *shape)
    return True
