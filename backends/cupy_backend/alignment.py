"""The recurrences of connectionist temporal classification over all times, with a block of threads for each sample."""

from backends.cupy_backend.launch import Gpu
from backends.cupy_backend.layouts import is_float, name_of
from backends.geometry import Array

THREADS = 256


def ctc_arrivals(gpu: Gpu, emissions: Array, skips: Array) -> Array | None:
    """See `backends.generic.alignment.ctc_arrivals`."""
    if not (is_float(emissions, skips) and emissions.dtype.itemsize > 2 and emissions.size):
        return None
    xp, (frames, n, states) = gpu.xp, emissions.shape
    alpha = xp.empty((frames + 1, n, states), dtype=emissions.dtype)
    alpha[0] = -xp.inf
    alpha[0, :, 0] = 0
    emissions, skips = xp.ascontiguousarray(emissions), xp.ascontiguousarray(skips)
    operands = emissions, skips, alpha, frames, n, states
    gpu.launch("alignment.arrive", (alpha.dtype,), (n,), _block(states), *operands)
    return alpha


def ctc_occupations(
    gpu: Gpu, alpha: Array, emissions: Array, skips: Array, start: Array, lengths: Array
) -> Array | None:
    """See `backends.generic.alignment.ctc_occupations`."""
    if not (is_float(alpha, emissions, skips, start) and emissions.size and name_of(lengths.dtype) == "int64"):
        return None
    xp, (frames, n, states) = gpu.xp, emissions.shape
    operands = [xp.ascontiguousarray(a) for a in (alpha, emissions, skips, start, lengths)]
    y = xp.empty(emissions.shape, dtype=emissions.dtype)
    gpu.launch("alignment.occupy", (y.dtype,), (n,), _block(states), *operands, y, frames, n, states)
    return y


def _block(states: int) -> tuple[int]:
    return (min(THREADS, -(-states // 32) * 32),)
