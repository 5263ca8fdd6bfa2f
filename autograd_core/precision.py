"""16-bit floating point: operations that compute in float32 and round their result once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np


def widened(forward: Callable[..., Any]) -> Callable[..., Any]:
    """The forward, on float32 copies of float16 and bfloat16 operands; float32 results take their dtype again.

    Where a backend makes one kernel of it, which does as much, that is taken.
    """

    @functools.wraps(forward)
    def wide(xp: Any, *arrays: Any, **statics: Any) -> Any:
        fused = xp.kernels.fused
        if fused is not None and (y := fused(forward, *arrays, **statics)) is not None:
            return y
        for a in arrays:
            if a is not None and a.dtype.itemsize == 2 and a.dtype.kind in "fV":
                y = forward(xp, *map(_float32, arrays), **statics)
                return narrowed(y, statics.get("dtype") or a.dtype)
        return forward(xp, *arrays, **statics)

    return wide


def _float32(a: Any) -> Any:
    return a.astype(np.float32) if a is not None and a.dtype.itemsize == 2 and a.dtype.kind in "fV" else a


def narrowed(y: Any, dtype: Any) -> Any:
    """Results, or a structure of them, with what is float32 in another dtype."""
    if isinstance(y, tuple | list):
        return tuple([narrowed(v, dtype) for v in y])
    return y.astype(dtype) if getattr(y, "dtype", None) == np.float32 else y
