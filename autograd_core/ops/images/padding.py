"""Padding and cropping."""

import operator
from functools import lru_cache
from typing import Any

import numpy as np

from autograd_core.errors import OperandError
from autograd_core.kinds import SHAPE
from autograd_core.ops.images import taps
from autograd_core.ops.images.resampling import resample
from autograd_core.registry import composition, op, sample


@op(SHAPE, symbol="pad", method=False,
    samples=(sample((2, 3), widths=((0, 0), (1, 2))),
             sample((2, 3), widths=((1, 0), (0, 1)), value=1.5),
             sample((0, 3), widths=((1, 0), (0, 0)))),
    reference=lambda x, widths, value=0.0: np.pad(x, widths, constant_values=value),
    vjp=lambda xp, g, x_shape, widths: g[tuple(slice(lo, lo + k) for (lo, _), k in zip(widths, x_shape, strict=True))])
def pad_constant(xp, x, *, widths, value=0.0):
    """The tensor padded with `value`, with widths (before, after) for every axis."""
    return xp.pad(x, widths, constant_values=value)


def _reflected(k, lo, hi):
    return k - 1 - abs(k - 1 - abs(np.arange(-lo, k + hi)))


def _repeated(k, lo, hi):
    """The elements that cropping leaves, repeated cyclically."""
    first, kept = max(-lo, 0), k + min(lo, 0) + min(hi, 0)
    return first + np.arange(-max(lo, 0), kept + max(hi, 0)) % kept


# Indices of elements from `lo` places before an axis of length k to `hi` after it.
MODES: dict[str, Any] = {
    "reflect": _reflected,
    "replicate": lambda k, lo, hi: np.clip(np.arange(-lo, k + hi), 0, k - 1),
    "circular": _repeated,
}


@lru_cache(maxsize=256)
def _continued(mode, k, lo, hi):
    return taps.picking(k, MODES[mode](k, lo, hi))


def _widths(input, pad):
    """(before, after) for every axis."""
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise OperandError(
            f"pad() takes (before, after) for at most {input.ndim} axes, last axis first, not {tuple(pad)}"
        )
    pad = [*map(operator.index, pad)]
    widths = ((0, 0),) * (input.ndim - len(pad) // 2)
    widths += tuple((pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2))
    if min(pad, default=0) < 0 and any(lo + k + hi < 0 for (lo, hi), k in zip(widths, input.shape, strict=True)):
        raise OperandError(f"pad(): {tuple(pad)} crops more than a tensor of shape {input.shape} has")
    return widths


def _pad_with_constant(input, widths, value):
    if min(map(min, widths), default=0) < 0:
        input = input[
            tuple(slice(max(-lo, 0), k - max(-hi, 0)) for (lo, hi), k in zip(widths, input.shape, strict=True))
        ]
        widths = tuple((max(lo, 0), max(hi, 0)) for lo, hi in widths)
    if not any(map(any, widths)):
        return input.clone()  # never a view
    return pad_constant(input, widths=widths, value=0.0 if value is None else value)


def _pad_with_own(input, widths, mode):
    """Padding with the tensor's own elements."""
    if not any(map(any, widths)):
        return input.clone()  # never a view
    for dim, (lo, hi) in enumerate(widths):
        if lo or hi:
            k = input.shape[dim]
            most = k - 1 if mode == "reflect" else k
            if not k or (mode != "replicate" and max(lo, hi) > most):
                raise OperandError(f"pad(): {mode} padding of {(lo, hi)} is too wide for an axis of length {k}")
            input = resample(input, dim=dim, taps=_continued(mode, k, lo, hi))
    return input


@composition(SHAPE, method=False,
             samples=(sample((2, 3), pad=(1, 2)),
                      sample((2, 4), pad=(1, 1, 0, 1), value=2.0),
                      sample((2, 4), pad=(-1, 1)),
                      sample((0, 3), pad=(1, 1)),
                      sample((1, 2, 4), pad=(1, 2), mode="reflect"),
                      sample((1, 2, 4), pad=(1, 2), mode="replicate"),
                      sample((1, 2, 4), pad=(2, 1), mode="circular"),
                      sample((1, 2, 4), pad=(-1, 1), mode="replicate")),
             reference=lambda x, pad, mode="constant", value=0.0: _slow_pad(x, pad, mode, value))
def pad(input, pad, mode="constant", value=None):
    """Padding, last axis first: pad = (left, right, top, bottom, ...); negative widths crop.

    mode: "constant" (`value`, 0 by default), "reflect", "replicate" or "circular".
    """
    widths = _widths(input, pad)
    if mode == "constant":
        return _pad_with_constant(input, widths, value)
    if mode not in MODES:
        raise NotImplementedError(f"pad(): mode {mode!r} is not one of 'constant', 'reflect', 'replicate', 'circular'")
    if value:
        raise OperandError(f"pad(): value={value} has no meaning in the mode {mode!r}; leave it out")
    return _pad_with_own(input, widths, mode)


def _slow_pad(x, pad, mode, value):
    widths = [(0, 0)] * (x.ndim - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    x = x[tuple(slice(-min(lo, 0), k + min(hi, 0)) for (lo, hi), k in zip(widths, x.shape, strict=True))]
    modes: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    how = {"constant_values": value} if mode == "constant" else {"mode": modes[mode]}
    return np.pad(x, [(max(lo, 0), max(hi, 0)) for lo, hi in widths], **how)


@composition(SHAPE, method=False,
             samples=(sample((2, 3), pad=(1, 2), value=1.5),
                      sample((2, 3), pad=(-1, 1, 0, 1)),
                      sample((0, 3), pad=(1, 0))),
             reference=lambda x, pad, value=0.0: _slow_pad(x, pad, "constant", value))
def constant_pad_nd(input, pad, value=0):
    """Padding with `value`, last axis first; negative widths crop. See `pad`."""
    return _pad_with_constant(input, _widths(input, pad), value)
