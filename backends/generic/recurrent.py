"""Recurrent layers: all steps of a batch of sequences, and the gradients of all operands, for every array library.

Inputs are (T, N, I), states (N, H), outputs (T, N, H); w_ih is (gates·H, I), w_hh (gates·H, H). The share of the inputs
is one product for the whole sequence; for each step remain a product and what `recurrent_steps` does. `reused` says
whether sequences of this shape will occur again, so that a library may prepare for them.
"""

from typing import Any

from backends.generic.recurrent_steps import parts
from backends.geometry import Array


def rnn(
    xp: Any, kernels: Any, x: Array, state: Array, w_ih: Array, w_hh: Array, bias: Array, reused: bool,
    nonlinearity: str,
) -> tuple[Array, Any]:  # fmt: skip
    """h ← tanh(w_ih x + w_hh h + bias), or ReLU instead of tanh; nothing else is kept."""
    y, transposed = _share(xp, x, w_ih, bias), xp.ascontiguousarray(w_hh.T)
    for t in range(len(y)):
        kernels.rnn_state(y[t], xp.matmul(state, transposed), nonlinearity)
        state = y[t]
    return y, None


def rnn_gradients(
    xp: Any, kernels: Any, g: Array, x: Array, state: Array, w_ih: Array, w_hh: Array, bias: Array, y: Array,
    kept: Any, nonlinearity: str,
) -> tuple[Array, ...]:  # fmt: skip
    """The gradients of x, state, w_ih, w_hh and bias."""
    g, d, d_state = xp.ascontiguousarray(g), xp.empty(y.shape, dtype=y.dtype), xp.zeros_like(state)
    for t in reversed(range(len(y))):
        kernels.rnn_slopes(d[t], g[t], d_state, y[t], nonlinearity)
        d_state = xp.matmul(d[t], w_hh)
    dx, dw_ih, d_bias = _of_share(xp, d, x, w_ih)
    return dx, d_state, dw_ih, _contract(xp, d, _before(xp, state, y)), d_bias


def lstm(
    xp: Any, kernels: Any, x: Array, state: Array, cell: Array, w_ih: Array, w_hh: Array, bias: Array, reused: bool
) -> tuple[Array, Array, Array, Array]:
    """The outputs and the last cell; keeps the gates i, f, g, o of all steps, (T, N, 4·H), and the cells."""
    # For few rows, twice as fast as the transposed view.
    gates, transposed = _share(xp, x, w_ih, bias), xp.ascontiguousarray(w_hh.T)
    outputs, cells = (xp.empty((len(x), *state.shape), dtype=x.dtype) for _ in range(2))
    for t in range(len(x)):
        kernels.lstm_state(cells[t], outputs[t], gates[t], xp.matmul(state, transposed), cell)
        state, cell = outputs[t], cells[t]
    return outputs, cell.copy(), gates, cells


def lstm_gradients(
    xp: Any, kernels: Any, g: Array, g_cell: Array, x: Array, state: Array, cell: Array, w_ih: Array, w_hh: Array,
    bias: Array, y: Array, last: Array, gates: Array, cells: Array,
) -> tuple[Array, ...]:  # fmt: skip
    """The gradients of x, state, cell, w_ih, w_hh and bias.

    Computed step by step, because arrays for the whole sequence do not fit the cache.
    """
    before, g = _before(xp, cell, cells), xp.ascontiguousarray(g)
    d, d_state, d_cell = xp.empty(gates.shape, dtype=gates.dtype), xp.zeros_like(state), g_cell
    for t in reversed(range(len(x))):
        d_cell = kernels.lstm_slopes(d[t], g[t], d_state, d_cell, gates[t], cells[t], before[t])
        d_state = xp.matmul(d[t], w_hh)
    dx, dw_ih, d_bias = _of_share(xp, d, x, w_ih)
    return dx, d_state, d_cell, dw_ih, _contract(xp, d, _before(xp, state, y)), d_bias


def gru(
    xp: Any, kernels: Any, x: Array, state: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array, reused: bool
) -> tuple[Array, Array]:
    """The outputs; keeps the gates r, z, n of all steps, (T, N, 3·H)."""
    gates, transposed = _share(xp, x, w_ih, b_ih), xp.ascontiguousarray(w_hh.T)
    y = xp.empty((len(x), *state.shape), dtype=x.dtype)
    for t in range(len(x)):
        kernels.gru_state(y[t], gates[t], xp.matmul(state, transposed), b_hh, state)
        state = y[t]
    return y, gates


def gru_gradients(
    xp: Any, kernels: Any, g: Array, x: Array, state: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array,
    y: Array, gates: Array,
) -> tuple[Array, ...]:  # fmt: skip
    """The gradients of x, state, w_ih, w_hh, b_ih and b_hh."""
    r, z, n = parts(gates, 3)
    before, g, width = _before(xp, state, y), xp.ascontiguousarray(g), state.shape[-1]
    turned = xp.matmul(before, w_hh[2 * width :].T) + b_hh[2 * width :]
    to_new = (1 - z) * (1 - n * n)
    d = xp.concatenate([to_new * turned * r * (1 - r), (before - n) * z * (1 - z), to_new * r], axis=-1)
    d_new = xp.empty(y.shape, dtype=y.dtype)
    d_state = passed = xp.zeros_like(state)
    for t in reversed(range(len(y))):
        passed = kernels.gru_slopes(d[t], d_new[t], g[t], d_state, passed, gates[t])
        d_state = xp.matmul(d[t], w_hh)
    dw_hh, d_b_hh = _contract(xp, d, before), xp.sum(d, axis=(0, 1))
    d[..., 2 * width :] = d_new * to_new
    dx, dw_ih, d_b_ih = _of_share(xp, d, x, w_ih)
    return dx, d_state + passed, dw_ih, dw_hh, d_b_ih, d_b_hh


def _share(xp: Any, x: Array, w: Array, bias: Array) -> Array:
    """The contribution of the input to all steps."""
    y = xp.matmul(_rows(x), w.T)
    y += bias
    return y.reshape(*x.shape[:2], len(w))


def _of_share(xp: Any, d: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    """The gradients of the input, weight and bias of `_share`."""
    return xp.matmul(_rows(d), w).reshape(x.shape), _contract(xp, d, x), xp.sum(d, axis=(0, 1))


def _contract(xp: Any, d: Array, x: Array) -> Array:
    """Σ dᵀ x over steps, as one product."""
    return xp.matmul(_rows(d).T, _rows(x))


def _rows(x: Array) -> Array:
    return x.reshape(x.shape[0] * x.shape[1], x.shape[2])


def _before(xp: Any, first: Array, states: Array) -> Array:
    """The states (T, N, H) one step earlier."""
    return xp.concatenate([first[None], states[:-1]])
