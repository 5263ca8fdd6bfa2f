"""The kinds of recurrence, and scans over packed sequences."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.ops.layers.recurrent import State, elman_step, gru_step, lstm_step

Run = tuple[Tensor, State]


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
    """

    gates: int
    step: Callable[..., State]
    scan: Callable[..., Run]
    state: tuple[str, ...]
    one_bias: bool


KINDS = {
    "RNN_TANH": Kind(1, partial(elman_step, nonlinearity="tanh"), partial(_scan_elman, "tanh"), ("hidden",), True),
    "RNN_RELU": Kind(1, partial(elman_step, nonlinearity="relu"), partial(_scan_elman, "relu"), ("hidden",), True),
    "LSTM": Kind(4, lstm_step, _scan_lstm, ("hidden[0]", "hidden[1]"), True),
    "GRU": Kind(3, gru_step, _scan_gru, ("hidden",), False),
}


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
