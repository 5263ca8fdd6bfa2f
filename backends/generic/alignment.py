"""The recurrences of connectionist temporal classification (Graves et al. 2006) over all times.

emissions: log-probabilities (T, N, S) of the states of every sample. skips (N, S): 0 where a path may come from two
states before, else -∞; it may always stay, or come from the state before.
"""

from typing import Any

import numpy as np

from backends.geometry import Array

CHUNK = 16  # times whose shares are computed together


def ctc_arrivals(xp: Any, emissions: Array, skips: Array) -> Array:
    """log α (T + 1, N, S), of all paths into a state after the first t emissions."""
    frames, n, count = emissions.shape
    alpha = xp.full((frames + 1, n, count), -xp.inf, dtype=emissions.dtype)
    alpha[0, :, 0] = 0
    sources, least = _no_sources(xp, alpha[0]), float(np.finfo(alpha.dtype).min)  # finite, so that -∞ less it is -∞
    for t in range(frames):  # NumPy's logaddexp takes ten times as long
        _set_sources(sources, alpha[t], skips)
        most = xp.maximum(xp.maximum(sources[0], sources[1]), sources[2])
        parts = xp.exp(sources - xp.maximum(most, least))
        total = xp.maximum(parts[0] + parts[1] + parts[2], 1)  # the largest is 1, unless no path leads to the state
        alpha[t + 1] = xp.log(total) + most + emissions[t]
    return alpha


def ctc_occupations(xp: Any, alpha: Array, emissions: Array, skips: Array, start: Array, lengths: Array) -> Array:
    """The posterior probabilities (T, N, S) of states; start: those at the last time of each sample."""
    out = xp.zeros(emissions.shape, emissions.dtype)
    now, at_end = xp.zeros(start.shape, start.dtype), (lengths == xp.arange(1, len(out) + 1)[:, None])[..., None]
    for first in reversed(range(0, len(out), CHUNK)):
        shares = _shares(xp, alpha, emissions, skips, slice(first, first + CHUNK))
        for t in reversed(range(first, first + shares.shape[1])):
            now = out[t] = xp.where(at_end[t], start, now)
            parts = now * shares[:, t - first]
            now = parts[0]
            now[:, :-1] += parts[1, :, 1:]
            now[:, :-2] += parts[2, :, 2:]
    return out


def _no_sources(xp: Any, a: Array) -> Array:
    return xp.full((3, *a.shape), -xp.inf, dtype=a.dtype)


def _set_sources(out: Array, a: Array, skips: Array) -> None:
    """Write the predecessors of each state (3, ..., S): itself, the one before, the one across a blank."""
    out[0] = a
    out[1, ..., 1:] = a[..., :-1]
    out[2, ..., 2:] = a[..., :-2] + skips[..., 2:]


def _shares(xp: Any, alpha: Array, emissions: Array, skips: Array, times: slice) -> Array:
    """The shares (3, k, N, S) of each state's predecessors in it, at k times."""
    before, after = alpha[:-1][times], alpha[1:][times]
    shares = _no_sources(xp, before)
    _set_sources(shares, before, skips)
    shares -= xp.where(after == -xp.inf, xp.inf, after - emissions[times])  # no path leads to unreachable states
    return xp.exp(shares)
