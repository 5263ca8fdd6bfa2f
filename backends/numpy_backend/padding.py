"""Padding that keeps the order in which axes lie in memory."""

from typing import Any

import numpy as np

from backends.geometry import Array


def pad(x: Array, widths: Any, mode: str = "constant", **how: Any) -> Array:
    """`np.pad`; with a constant, channels-last images stay so, where NumPy's own would make them channels-first."""
    if mode != "constant" or not isinstance(x, np.ndarray) or not {*how} <= {"constant_values"}:
        return np.pad(x, widths, mode, **how)  # type: ignore[call-overload]  # mode is one of those it knows
    pairs = np.broadcast_to(np.asarray(widths), (x.ndim, 2)).tolist()
    shape = tuple(k + lo + hi for k, (lo, hi) in zip(x.shape, pairs, strict=True))
    out = np.full_like(x, how.get("constant_values", 0), shape=shape)
    out[tuple(slice(lo, lo + k) for k, (lo, _) in zip(x.shape, pairs, strict=True))] = x
    return out
