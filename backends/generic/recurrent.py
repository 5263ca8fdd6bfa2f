"""Recurrent layers: all steps of a batch of sequences, and the gradients of all operands, for every array library.

Inputs are (T, N, I), states (N, H), outputs (T, N, H); w_ih is (gates·H, I), w_hh (gates·H, H). The share of the inputs
is one product for the whole sequence; only a few small operations remain for each step. `reused` says whether
sequences of this shape will occur again, so that a library may prepare for them.
"""

from typing import Any

from backends.geometry import Array


def rnn(
    xp: Any, x: Array, state: Array, w_ih: Array, w_hh: Array, bias: Array, reused: bool, nonlinearity: str
) -> tuple[Array, Any]:
    """h ← tanh(w_ih x + w_hh h + bias), or ReLU instead of tanh; nothing else is kept."""
    y, transposed = _share(xp, x, w_ih, bias), xp.ascontiguousarray(w_hh.T)
    for t in range(len(y)):
        z = y[t] + xp.matmul(state, transposed)
        y[t] = state = xp.tanh(z) if nonlinearity == "tanh" else xp.maximum(z, 0)
    return y, None


def rnn_gradients(
    xp: Any, g: Array, x: Array, state: Array, w_ih: Array, w_hh: Array, bias: Array, y: Array, kept: Any,
    nonlinearity: str,
) -> tuple[Array, ...]:  # fmt: skip
    """The gradients of x, state, w_ih, w_hh and bias."""
    d = 1 - y * y if nonlinearity == "tanh" else xp.sign(y)
    d_state = xp.zeros_like(state)
    for t in reversed(range(len(y))):
        d[t] *= g[t] + d_state
        d_state = xp.matmul(d[t], w_hh)
    dx, dw_ih, d_bias = _of_share(xp, d, x, w_ih)
    return dx, d_state, dw_ih, _contract(xp, d, _before(xp, state, y)), d_bias


def lstm(
    xp: Any, x: Array, state: Array, cell: Array, w_ih: Array, w_hh: Array, bias: Array, reused: bool
) -> tuple[Array, Array, Array, Array]:
    """The outputs and the last cell; keeps the gates i, f, g, o of all steps, (T, N, 4·H), and the cells."""
    # For few rows, twice as fast as the transposed view.
    gates, transposed, width = _share(xp, x, w_ih, bias), xp.ascontiguousarray(w_hh.T), state.shape[-1]
    outputs, cells = (xp.empty((len(x), *state.shape), dtype=x.dtype) for _ in range(2))
    for t in range(len(x)):
        z = gates[t] + xp.matmul(state, transposed)
        candidate = xp.tanh(z[:, 2 * width : 3 * width])
        gates[t] = logistic = _sigmoid(xp, z)
        gates[t, :, 2 * width : 3 * width] = candidate
        candidate *= logistic[:, :width]
        cells[t] = cell = logistic[:, width : 2 * width] * cell + candidate
        outputs[t] = state = logistic[:, 3 * width :] * xp.tanh(cell)
    return outputs, cell.copy(), gates, cells


def lstm_gradients(
    xp: Any, g: Array, g_cell: Array, x: Array, state: Array, cell: Array, w_ih: Array, w_hh: Array, bias: Array,
    y: Array, last: Array, gates: Array, cells: Array,
) -> tuple[Array, ...]:  # fmt: skip
    """The gradients of x, state, cell, w_ih, w_hh and bias.

    Computed step by step, because arrays for the whole sequence do not fit the cache.
    """
    before, width = _before(xp, cell, cells), state.shape[-1]
    d, d_state, d_cell = xp.empty(gates.shape, dtype=gates.dtype), xp.zeros_like(state), g_cell
    for t in reversed(range(len(x))):
        i, f, candidate, o = _parts(gates[t], 4)
        bent = xp.tanh(cells[t])
        d_state = g[t] + d_state
        d_cell = d_cell + d_state * o * (1 - bent * bent)
        slope = 1 - gates[t]
        slope *= gates[t]
        slope[:, 2 * width : 3 * width] = 1 - candidate * candidate
        for k, (of_gate, other) in enumerate(((d_cell, candidate), (d_cell, before[t]), (d_cell, i), (d_state, bent))):
            slope[:, k * width : (k + 1) * width] *= of_gate * other
        d[t] = slope
        d_state, d_cell = xp.matmul(slope, w_hh), d_cell * f
    dx, dw_ih, d_bias = _of_share(xp, d, x, w_ih)
    return dx, d_state, d_cell, dw_ih, _contract(xp, d, _before(xp, state, y)), d_bias


def gru(
    xp: Any, x: Array, state: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array, reused: bool
) -> tuple[Array, Array]:
    """The outputs; keeps the gates r, z, n of all steps, (T, N, 3·H)."""
    gates, transposed, width = _share(xp, x, w_ih, b_ih), xp.ascontiguousarray(w_hh.T), state.shape[-1]
    y = xp.empty((len(x), *state.shape), dtype=x.dtype)
    for t in range(len(x)):
        share, u = gates[t], xp.matmul(state, transposed)
        u += b_hh
        logistic = _sigmoid(xp, share[:, : 2 * width] + u[:, : 2 * width])
        n = xp.tanh(share[:, 2 * width :] + logistic[:, :width] * u[:, 2 * width :])
        gates[t, :, : 2 * width], gates[t, :, 2 * width :] = logistic, n
        y[t] = state = n + logistic[:, width:] * (state - n)
    return y, gates


def gru_gradients(
    xp: Any, g: Array, x: Array, state: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array, y: Array,
    gates: Array,
) -> tuple[Array, ...]:  # fmt: skip
    """The gradients of x, state, w_ih, w_hh, b_ih and b_hh."""
    r, z, n = _parts(gates, 3)
    before, width = _before(xp, state, y), state.shape[-1]
    turned = xp.matmul(before, w_hh[2 * width :].T) + b_hh[2 * width :]
    to_new = (1 - z) * (1 - n * n)
    d = xp.concatenate([to_new * turned * r * (1 - r), (before - n) * z * (1 - z), to_new * r], axis=-1)
    d_new, d_state = xp.empty(y.shape, dtype=y.dtype), xp.zeros_like(state)
    for t in reversed(range(len(x))):
        d_new[t] = d_state = g[t] + d_state
        d[t] *= xp.concatenate([d_state, d_state, d_state], axis=-1)
        d_state = xp.matmul(d[t], w_hh) + d_state * z[t]
    dw_hh, d_b_hh = _contract(xp, d, before), xp.sum(d, axis=(0, 1))
    d[..., 2 * width :] = d_new * to_new
    dx, dw_ih, d_b_ih = _of_share(xp, d, x, w_ih)
    return dx, d_state, dw_ih, dw_hh, d_b_ih, d_b_hh


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


def _parts(x: Array, count: int) -> list[Array]:
    """`count` equal parts of the last axis."""
    width = x.shape[-1] // count
    return [x[..., i * width : (i + 1) * width] for i in range(count)]


def _sigmoid(xp: Any, x: Array) -> Array:
    y = xp.exp(-x)
    y += 1
    return 1 / y
