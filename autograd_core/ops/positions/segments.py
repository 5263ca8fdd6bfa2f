"""Segment reductions: sums, means, extremes and products of runs along an axis."""

import math
from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.errors import OperandError
from autograd_core.kinds import INDEXING
from autograd_core.ops import axes
from autograd_core.registry import composition, sample

# Name -> the name in `scatter_reduce`, and the result for an empty segment.
REDUCTIONS = {
    "sum": ("sum", 0.0), "mean": ("sum", 0.0), "max": ("amax", -math.inf), "min": ("amin", math.inf),
    "prod": ("prod", 1.0),
}


def _slow_reduce(data, reduce, lengths, initial=None):
    functions: dict[str, Any] = {"sum": np.sum, "mean": np.sum, "max": np.max, "min": np.min, "prod": np.prod}
    start = REDUCTIONS[reduce][1] if initial is None else initial
    parts = np.split(data, np.cumsum(lengths)[:-1])
    found = [functions[reduce](np.concatenate([part, np.full((1, *data.shape[1:]), start)]), 0) for part in parts]
    return np.stack([f / len(part) if reduce == "mean" else f for f, part in zip(found, parts, strict=True)])


LENGTHS = {"lengths": [2, 1, 3]}


@composition(INDEXING, method=False,
             samples=(sample((6, 2), reduce="sum", **LENGTHS),
                      sample((6, 2), reduce="mean", initial=1.5, **LENGTHS),
                      sample((6,), reduce="max", **LENGTHS),
                      sample((6,), reduce="min", initial=0.5, **LENGTHS),
                      sample((6,), reduce="prod", **LENGTHS),
                      sample((0, 2), reduce="sum", lengths=[0, 0])),
             reference=_slow_reduce)
def segment_reduce(data, reduce, *, lengths=None, indices=None, offsets=None, axis=0, unsafe=False, initial=None):
    """Reduce segments along an axis by "sum", "mean", "max", "min" or "prod".

    lengths: of the segments, which must add up to the axis, for every position along the axes before it; or offsets:
    the start of each, and the end of the last. initial: a value that is included in every segment, and the result for
    an empty one; without it an empty mean is NaN, an empty maximum -∞. unsafe: do not check the lengths.
    """
    if reduce not in REDUCTIONS:
        raise OperandError(f"segment_reduce(): reduce must be one of {', '.join(REDUCTIONS)}, not {reduce!r}")
    at, lengths = axes.one(axis, data.ndim), _lengths(lengths, offsets, data.device)
    size, count = data.shape[at], lengths.shape[-1]
    if lengths.shape[:-1] != data.shape[:at]:
        raise OperandError(f"segment_reduce(): lengths of shape {lengths.shape} for axis {at} of {data.shape}")
    if not unsafe and bool((lengths < 0).any() | (lengths.sum(-1) != size).any()):
        raise OperandError(f"segment_reduce(): the lengths {lengths.tolist()} do not add up to an axis of {size}")
    steps = functional.arange(size, device=data.device).expand((*data.shape[:at], size)).contiguous()
    along = (*lengths.shape, *(1,) * (data.ndim - at - 1))
    index = functional.searchsorted(lengths.cumsum(-1), steps, right=True).clamp(max=count)
    index = index.reshape((*steps.shape, *along[at + 1 :])).expand(data.shape)
    name, start = REDUCTIONS[reduce]
    whole = data.new_full((*data.shape[:at], count + 1, *data.shape[at + 1 :]), start if initial is None else initial)
    if name in ("amax", "amin"):
        found = functional.scatter_extremum(whole, index, data, dim=at, largest=name == "amax", to_nan=True)
    else:
        found = whole.scatter_reduce(at, index, data, name)
    found = found.narrow(at, 0, count)
    if reduce != "mean":
        return found
    empty = math.nan if initial is None else found
    return functional.where(lengths.reshape(along) == 0, empty, found / lengths.reshape(along).clamp(min=1))


def _lengths(lengths, offsets, device):
    if (lengths is None) == (offsets is None):
        raise OperandError("segment_reduce() takes the lengths of the segments, or their offsets")
    given = lengths if offsets is None else offsets
    given = functional.as_tensor(given, device=device)
    return given if offsets is None else given.diff(dim=-1)
