"""The kinds of recurrence, and scans over packed sequences.

Packed sequences are padded to a batch, in which a further input of the layer tells that a sequence has ended and makes
its gates keep the state. If most of that batch were padding, steps with the same number of sequences are scanned
together, block by block.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.ops.layers.recurrent import State, elman_step, gru_step, lstm_step

Run = tuple[Tensor, State]
FULL = 0.5  # the share of steps that are not padding; from here a padded batch is faster than blocks
HOLD = 1e4  # tanh and σ are exactly ±1, 0 or 1 beyond it; float16 has such numbers


def _scan_elman(
    nonlinearity: str, x: Tensor, state: State, w_ih: Tensor, w_hh: Tensor, bias: Tensor, reused: bool
) -> Run:
    y = core.rnn_scan(x, state[0], w_ih, w_hh, bias, nonlinearity=nonlinearity, reused=reused)
    return y, (y[-1],)


def _scan_lstm(x: Tensor, state: State, w_ih: Tensor, w_hh: Tensor, bias: Tensor, reused: bool) -> Run:
    y, cell = core.lstm_scan(x, state[0], state[1], w_ih, w_hh, bias, reused=reused)
    return y, (y[-1], cell)


def _scan_gru(x: Tensor, state: State, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor, reused: bool) -> Run:
    y = core.gru_scan(x, state[0], w_ih, w_hh, b_ih, b_hh, reused=reused)
    return y, (y[-1],)


class Kind(NamedTuple):
    """One kind of recurrence.

    gates: their number. step: from one state to the next, for cells. scan: from inputs (T, N, I), a state and weights
    to outputs (T, N, H) and the final state. state: the names of its parts. one_bias: whether b_ih and b_hh are added.
    hold: for every gate, the addend with which a step keeps the cell, and the state stays finite.
    """

    gates: int
    step: Callable[..., State]
    scan: Callable[..., Run]
    state: tuple[str, ...]
    one_bias: bool
    hold: tuple[float, ...]


def _elman(nonlinearity: str) -> Kind:
    step, scan = partial(elman_step, nonlinearity=nonlinearity), partial(_scan_elman, nonlinearity)
    return Kind(1, step, scan, ("hidden",), True, (-HOLD,))


KINDS = {
    "RNN_TANH": _elman("tanh"),
    "RNN_RELU": _elman("relu"),
    "LSTM": Kind(4, lstm_step, _scan_lstm, ("hidden[0]", "hidden[1]"), True, (-HOLD, HOLD, 0.0, 0.0)),
    "GRU": Kind(3, gru_step, _scan_gru, ("hidden",), False, (0.0, HOLD, 0.0)),
}


def is_full(sizes: list[int]) -> bool:
    """Whether sequences of different lengths, this many at each step, had better be padded."""
    return sizes[0] != sizes[-1] and sum(sizes) >= FULL * sizes[0] * len(sizes)


def packed_together(
    scan: Callable[..., Run], steps: Tensor, sizes: list[int], state: State, w_ih: Tensor, hold: tuple[float, ...],
    backwards: bool,
) -> Run:  # fmt: skip
    """A scan of packed steps as one padded batch, from either end; `scan` takes the weight of the inputs too."""
    ended, places, last = _padding(sizes, backwards)
    empty = np.pad(ended.reshape(-1, 1), ((0, 0), (steps.shape[1], 0)))
    weight = np.repeat(hold, w_ih.shape[0] // len(hold))[:, None]
    batch, column = (core.tensor(v, dtype=steps.dtype, device=steps.device) for v in (empty, weight))
    at, ends = (core.tensor(v, device=steps.device) for v in (places, last))
    x = core.index_copy(batch, 0, at, core.pad(steps, (0, 1))).reshape(*ended.shape, -1)
    y, (_, *cell) = scan(x, state, core.cat([w_ih, column], dim=1))
    y = y.flatten(0, 1)
    return core.index_select(y, 0, at), (core.index_select(y, 0, ends), *cell)


def _padding(sizes: list[int], backwards: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where sequences have ended (T, N); where packed steps, and the last of each sequence, are in a flat batch (T·N).

    T is rounded up, by an eighth at most, so that shapes recur and kernels need not be prepared for every batch.
    """
    count, n = len(sizes), sizes[0]
    unit = 1 << max(count.bit_length() - 4, 0)
    lengths = np.count_nonzero(np.arange(n)[:, None] < sizes, axis=1)
    step, sequence = np.nonzero(np.arange(count)[:, None] < lengths)
    if backwards:
        step = lengths[sequence] - 1 - step
    ended = np.arange(-(-count // unit) * unit)[:, None] >= lengths
    return ended, step * n + sequence, (lengths - 1) * n + np.arange(n)


def _blocks(x: Tensor, sizes: list[int]) -> list[Tensor]:
    """Packed steps (total rows, ...) as blocks (T, rows, ...) of steps with the same number of sequences."""
    runs = [(rows, len(list(run))) for rows, run in itertools.groupby(sizes)]
    parts = core.split(x, [rows * count for rows, count in runs])
    return [part.reshape(count, rows, -1) for part, (rows, count) in zip(parts, runs, strict=True)]


def packed_forwards(scan: Callable[..., Run], steps: Tensor, sizes: list[int], state: State) -> Run:
    """A scan of packed steps from first to last. The last sequences of the batch end first, with their final states."""
    outputs, ended = [], []
    for x in _blocks(steps, sizes):
        rows = x.shape[1]
        if rows < state[0].shape[0]:
            ended.append(tuple(s[rows:] for s in state))
            state = tuple(s[:rows] for s in state)
        y, state = scan(x, state)
        outputs.append(y.flatten(0, 1))
    if ended:
        state = tuple(core.cat(parts) for parts in zip(state, *reversed(ended), strict=True))
    return core.cat(outputs), state


def packed_backwards(scan: Callable[..., Run], steps: Tensor, sizes: list[int], state: State) -> Run:
    """A scan of packed steps from the end of each sequence to its beginning; shorter ones join later."""
    outputs, start = [], state
    state = tuple(s[:0] for s in start)
    for x in reversed(_blocks(steps, sizes)):
        running, rows = state[0].shape[0], x.shape[1]
        state = tuple(core.cat([s, s0[running:rows]]) for s, s0 in zip(state, start, strict=True))
        y, state = scan(core.flip(x, (0,)), state)
        outputs.append(core.flip(y, (0,)).flatten(0, 1))
    return core.cat(outputs[::-1]), state
