"""Recurrent layers: all steps of a batch of sequences in one operation, and the single steps."""

from collections.abc import Callable
from functools import partial

import numpy as np

from autograd_core import functional
from autograd_core.autograd import grad
from autograd_core.engine.precision import single
from autograd_core.kinds import MATMUL
from autograd_core.registry import op, sample
from autograd_core.tensor import Tensor

State = tuple[Tensor, ...]


def elman_step(
    x: Tensor, state: State, weight: Tensor, bias: Tensor | None = None, nonlinearity: str = "tanh"
) -> State:
    """h' = tanh(x + W h + b), or ReLU, with x the projected input (Elman 1990)."""
    z = x + functional.linear(state[0], weight, bias)
    return (functional.tanh(z) if nonlinearity == "tanh" else functional.relu(z),)


def lstm_step(
    x: Tensor, state: State, weight: Tensor, bias: Tensor | None = None, projection: Tensor | None = None
) -> State:
    """Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; gates in the order i, f, g, o."""
    h, c = state
    h, c = functional.lstm_gates(x + functional.linear(h, weight, bias), c)
    return h if projection is None else functional.linear(h, projection), c


def gru_step(x: Tensor, state: State, weight: Tensor, bias: Tensor | None = None) -> State:
    """Cho et al. 2014, with the reset gate after the product; gates in the order r, z, n."""
    return (functional.gru_gates(x, functional.linear(state[0], weight, bias), state[0]),)


def run(
    step: Callable[..., State], input: Tensor, state: State, w_ih: Tensor, w_hh: Tensor, *biases: Tensor
) -> tuple[Tensor, State]:
    """The outputs (T, N, H) of single steps, and the state after them."""
    outputs, (b_ih, *b_hh) = [], biases
    for x in functional.unbind(functional.linear(input, w_ih, b_ih)):
        state = step(x, state, w_hh, *b_hh)
        outputs.append(state[0])
    return functional.stack(outputs), state


def _by_steps(step, g, input, state, *weights):
    """The rule for higher orders: the gradient of a loop of single steps."""
    x, *rest = operands = [functional.clone(x) for x in (input, *state, *weights)]
    output, (_, *cell) = run(step, x, tuple(rest[: len(state)]), *rest[len(state) :])
    reached = [(y, seed) for y, seed in zip((output, *cell), g, strict=True) if seed is not None]
    wanted = [x for x in operands if x.requires_grad]
    outputs, seeds = zip(*reached, strict=True)
    found = iter(grad(outputs, wanted, seeds, create_graph=True, materialize_grads=True))
    return [next(found) if x.requires_grad else None for x in operands]


def _share_of(x, w, b):
    return np.einsum("tni,gi->tng", x, w) + b


def _narrow(arrays, dtype):
    """Results in the operands' dtype; 16-bit floats are computed in float32, in which kernels keep their residuals."""
    return [a.astype(dtype, copy=False) for a in arrays]


def _rnn_rule(xp, g, input, state, w_ih, w_hh, bias, y, kept, nonlinearity):
    operands = map(single, (g, input, state, w_ih, w_hh, bias, y))
    return _narrow(xp.kernels.rnn_gradients(*operands, kept, nonlinearity), input.dtype)


def _rnn_loop(input, state, w_ih, w_hh, bias, nonlinearity="tanh", reused=True):
    ys = []
    for x in _share_of(input, w_ih, bias):
        state = x + state @ w_hh.T
        state = np.tanh(state) if nonlinearity == "tanh" else state * (state > 0)
        ys.append(state)
    return np.array(ys).reshape(len(input), *state.shape)


@op(MATMUL, symbol="RNN", method=False, broadcasts=False, real_only=True, residuals=("kept",),
    reference=_rnn_loop,
    samples=(sample((3, 2, 3), (2, 4), (4, 3), (4, 4), (4,)),
             sample((2, 1, 2), (1, 3), (3, 2), (3, 3), (3,), nonlinearity="relu", reused=False),
             sample((2, 0, 2), (0, 3), (3, 2), (3, 3), (3,))),
    joint=_rnn_rule,
    composite=lambda xp, g, input, state, w_ih, w_hh, bias, nonlinearity: _by_steps(
        partial(elman_step, nonlinearity=nonlinearity), (g,), input, (state,), w_ih, w_hh, bias))
def rnn_scan(xp, input, state, w_ih, w_hh, bias, *, nonlinearity="tanh", reused=True):
    """h[t] = tanh(w_ih input[t] + w_hh h[t - 1] + bias), or ReLU: (T, N, H), of (T, N, I), from the state (N, H).

    Weights are (H, I) and (H, H). reused: whether sequences of this shape recur, so that preparing kernels pays off.
    """
    y, kept = xp.kernels.rnn(*map(single, (input, state, w_ih, w_hh, bias)), reused, nonlinearity)
    return y.astype(input.dtype, copy=False), kept


def _lstm_rule(xp, g, input, state, cell_state, w_ih, w_hh, bias, output, cell, kept, cells):
    g_output, g_cell = (xp.zeros_like(y) if g is None else g for g, y in zip(g, (output, cell), strict=True))
    operands = map(single, (g_output, g_cell, input, state, cell_state, w_ih, w_hh, bias, output, cell))
    return _narrow(xp.kernels.lstm_gradients(*operands, kept, cells), input.dtype)


def _lstm_loop(input, state, cell, w_ih, w_hh, bias, reused=True):
    outputs = []
    for x in _share_of(input, w_ih, bias):
        i, f, g, o = np.split(x + state @ w_hh.T, 4, axis=-1)
        cell = cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        state = np.tanh(cell) / (1 + np.exp(-o))
        outputs.append(state)
    return np.array(outputs).reshape(len(input), *state.shape), cell


@op(MATMUL, symbol="LSTM", method=False, broadcasts=False, real_only=True,
    outputs=("output", "cell"), partial=True, residuals=("kept", "cells"), reference=_lstm_loop,
    samples=(sample((3, 2, 3), (2, 2), (2, 2), (8, 3), (8, 2), (8,)),
             sample((2, 1, 2), (1, 1), (1, 1), (4, 2), (4, 1), (4,), reused=False),
             sample((2, 0, 2), (0, 1), (0, 1), (4, 2), (4, 1), (4,))),
    joint=_lstm_rule,
    composite=lambda xp, g, input, state, cell_state, w_ih, w_hh, bias: _by_steps(
        lstm_step, g, input, (state, cell_state), w_ih, w_hh, bias))
def lstm_scan(xp, input, state, cell_state, w_ih, w_hh, bias, *, reused=True):
    """Outputs (T, N, H) and last cell (N, H) of long short-term memory over (T, N, I), from a state and a cell (N, H).

    Weights are (4·H, I) and (4·H, H), with gates in the order i, f, g, o: c ← σ(f)·c + σ(i)·tanh(g), h ← σ(o)·tanh(c),
    of w_ih input[t] + w_hh h + bias. reused: see `rnn_scan`.
    """
    operands = map(single, (input, state, cell_state, w_ih, w_hh, bias))
    output, cell, kept, cells = xp.kernels.lstm(*operands, reused)
    return tuple(_narrow((output, cell), input.dtype)), kept, cells


def _gru_rule(xp, g, input, state, w_ih, w_hh, b_ih, b_hh, y, kept):
    operands = map(single, (g, input, state, w_ih, w_hh, b_ih, b_hh, y))
    return _narrow(xp.kernels.gru_gradients(*operands, kept), input.dtype)


def _gru_loop(input, state, w_ih, w_hh, b_ih, b_hh, reused=True):
    ys = []
    for x in _share_of(input, w_ih, b_ih):
        (x_r, x_z, x_n), (r, z, n) = np.split(x, 3, axis=-1), np.split(state @ w_hh.T + b_hh, 3, axis=-1)
        r, z = 1 / (1 + np.exp(-x_r - r)), 1 / (1 + np.exp(-x_z - z))
        state = (1 - z) * np.tanh(x_n + r * n) + z * state
        ys.append(state)
    return np.array(ys).reshape(len(input), *state.shape)


@op(MATMUL, symbol="GRU", method=False, broadcasts=False, real_only=True,
    residuals=("kept",), reference=_gru_loop,
    samples=(sample((3, 2, 3), (2, 2), (6, 3), (6, 2), (6,), (6,)),
             sample((2, 1, 2), (1, 1), (3, 2), (3, 1), (3,), (3,), reused=False),
             sample((2, 0, 2), (0, 1), (3, 2), (3, 1), (3,), (3,))),
    joint=_gru_rule,
    composite=lambda xp, g, input, state, w_ih, w_hh, b_ih, b_hh: _by_steps(
        gru_step, (g,), input, (state,), w_ih, w_hh, b_ih, b_hh))
def gru_scan(xp, input, state, w_ih, w_hh, b_ih, b_hh, *, reused=True):
    """Outputs (T, N, H) of gated recurrent units over (T, N, I), from a state (N, H), with (3·H, I) and (3·H, H).

    Gates come in the order r, z, n, and the reset gate acts after the product: with x = w_ih input[t] + b_ih and
    u = w_hh h + b_hh, h ← (1 - z)·tanh(x_n + r·u_n) + z·h for r = σ(x_r + u_r) and z = σ(x_z + u_z).
    reused: see `rnn_scan`.
    """
    y, kept = xp.kernels.gru(*map(single, (input, state, w_ih, w_hh, b_ih, b_hh)), reused)
    return y.astype(input.dtype, copy=False), kept
