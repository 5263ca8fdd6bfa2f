"""Recurrent layers: all steps of a batch of sequences in one operation.

What the input contributes to every step, `share`, is computed before, by one product. The rules compute everything that
does not depend on later steps for the whole sequence at once; what remains for each step is a few small operations.
"""

import numpy as np

from autograd_core.kinds import MATMUL
from autograd_core.registry import Interval, op, sample

REAL = Interval(-2, 2)


def _sigmoid(xp, x):
    y = xp.exp(-x)
    y += 1
    return 1 / y


def _before(xp, first, states):
    """The states (T, N, H) one step earlier."""
    return xp.cat([first[None], states[:-1]], dim=0)


def _parts(x, count):
    """`count` equal parts of the last axis."""
    width = x.shape[-1] // count
    return [x[..., i * width : (i + 1) * width] for i in range(count)]


def _weight_gradient(xp, d, before):
    """Σ over steps of dᵀ h, as one product."""
    rows = d.shape[0] * d.shape[1]
    return xp.matmul(xp.reshape(d, shape=(rows, d.shape[-1])).T, xp.reshape(before, shape=(rows, before.shape[-1])))


def _stacked(xp, backwards, like):
    """What was collected from the last step to the first, in order; zeros like the share for no steps."""
    return xp.stack(backwards[::-1], dim=0) if backwards else xp.zeros_like(like)


def _rnn_rule(xp, g, share, state, weight, y, nonlinearity):
    slope = 1 - y * y if nonlinearity == "tanh" else xp.sign(y)
    d_state, collected = xp.zeros_like(state), []
    for t in range(len(y) - 1, -1, -1):
        d = (g[t] + d_state) * slope[t]
        d_state = xp.matmul(d, weight)
        collected.append(d)
    d_share = _stacked(xp, collected, share)
    return d_share, d_state, _weight_gradient(xp, d_share, _before(xp, state, y))


def _rnn_loop(share, state, weight, nonlinearity="tanh"):
    ys = []
    for x in share:
        state = x + state @ weight.T
        state = np.tanh(state) if nonlinearity == "tanh" else state * (state > 0)
        ys.append(state)
    return np.array(ys).reshape(len(share), *state.shape)


@op(MATMUL, symbol="RNN", domain=REAL, method=False, broadcasts=False, wide=True, real_only=True, reference=_rnn_loop,
    samples=(sample((3, 2, 4), (2, 4), (4, 4)), sample((2, 1, 3), (1, 3), (3, 3), nonlinearity="relu"),
             sample((2, 0, 3), (0, 3), (3, 3))),
    joint=_rnn_rule)  # fmt: skip
def rnn_scan(xp, share, state, weight, *, nonlinearity="tanh"):
    """h[t] = tanh(share[t] + weight h[t - 1]), or ReLU: (T, N, H), from the state (N, H), with weight (H, H)."""
    transposed, y = xp.ascontiguousarray(weight.T), xp.empty((len(share), *state.shape), dtype=share.dtype)
    for t in range(len(share)):
        z = xp.matmul(state, transposed)
        z += share[t]
        y[t] = state = xp.tanh(z) if nonlinearity == "tanh" else xp.maximum(z, 0)
    return y


def _lstm_rule(xp, g, share, state, cell_state, weight, output, cell, gates):
    """gates: i, f, o after the logistic function and g after tanh, in the order i, f, g, o.

    Step by step, because whatever is computed for the whole sequence at once leaves the cache.
    """
    g_output, g_cell = g
    before, width = _before(xp, cell_state, cell), state.shape[-1]
    d_state, d_cell, d_share = xp.zeros_like(state), xp.zeros_like(cell_state), xp.empty(share.shape, dtype=share.dtype)
    for t in range(len(share) - 1, -1, -1):
        i, f, candidate, o = _parts(gates[t], 4)
        bent = xp.tanh(cell[t])
        if g_output is not None:
            d_state = g_output[t] + d_state
        inward = bent * bent
        inward = (1 - inward) * o
        inward *= d_state
        d_cell = d_cell + inward if g_cell is None else d_cell + inward + g_cell[t]
        slope = 1 - gates[t]
        slope *= gates[t]
        slope[:, 2 * width : 3 * width] = 1 - candidate * candidate
        for k, (of_gate, other) in enumerate(((d_cell, candidate), (d_cell, before[t]), (d_cell, i), (d_state, bent))):
            slope[:, k * width : (k + 1) * width] *= of_gate * other
        d_share[t] = slope
        d_state, d_cell = xp.matmul(slope, weight), d_cell * f
    return d_share, d_state, d_cell, _weight_gradient(xp, d_share, _before(xp, state, output))


def _lstm_composite(xp, g, share, state, cell_state, weight, output, cell):
    """The same in terms of the operands, for the whole sequence where no step needs a later one."""
    g_output, g_cell = g
    before = _before(xp, state, output)
    i, f, candidate, o = _parts(share + xp.matmul(before, weight.T), 4)
    i, f, candidate, o, bent = xp.sigmoid(i), xp.sigmoid(f), xp.tanh(candidate), xp.sigmoid(o), xp.tanh(cell)
    inward = o * (1 - bent * bent)
    slopes = [candidate * i * (1 - i), _before(xp, cell_state, cell) * f * (1 - f), i * (1 - candidate * candidate),
              bent * o * (1 - o)]  # fmt: skip
    slopes = xp.cat(slopes, dim=-1)
    d_state, d_cell, collected = xp.zeros_like(state), xp.zeros_like(cell_state), []
    for t in range(len(share) - 1, -1, -1):
        if g_output is not None:
            d_state = g_output[t] + d_state
        if g_cell is not None:
            d_cell = g_cell[t] + d_cell
        d_cell = d_cell + d_state * inward[t]
        d = xp.cat([d_cell, d_cell, d_cell, d_state], dim=-1) * slopes[t]
        d_state, d_cell = xp.matmul(d, weight), d_cell * f[t]
        collected.append(d)
    d_share = _stacked(xp, collected, share)
    return d_share, d_state, d_cell, _weight_gradient(xp, d_share, before)


def _lstm_loop(share, state, cell, weight):
    outputs, cells = [], []
    for x in share:
        i, f, g, o = np.split(x + state @ weight.T, 4, axis=-1)
        cell = cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        state = np.tanh(cell) / (1 + np.exp(-o))
        outputs.append(state)
        cells.append(cell)
    shape = (len(share), *state.shape)
    return np.array(outputs).reshape(shape), np.array(cells).reshape(shape)


@op(MATMUL, symbol="LSTM", domain=REAL, method=False, broadcasts=False, wide=True, real_only=True,
    outputs=("output", "cell"), partial=True, residuals=("gates",), reference=_lstm_loop,
    samples=(sample((3, 2, 8), (2, 2), (2, 2), (8, 2)), sample((2, 1, 4), (1, 1), (1, 1), (4, 1)),
             sample((2, 0, 4), (0, 1), (0, 1), (4, 1))),
    joint=_lstm_rule, composite=_lstm_composite)  # fmt: skip
def lstm_scan(xp, share, state, cell_state, weight):
    """Outputs and cells (T, N, H) of long short-term memory, from a state and a cell (N, H), with weight (4·H, H).

    Gates come in the order i, f, g, o: c ← σ(f)·c + σ(i)·tanh(g), h ← σ(o)·tanh(c), of share[t] + weight h.
    """
    # Twice as fast for few rows as the transposed view.
    transposed, width = xp.ascontiguousarray(weight.T), state.shape[-1]
    gates = xp.empty(share.shape, dtype=share.dtype)
    outputs, cells = (xp.empty((len(share), *state.shape), dtype=share.dtype) for _ in range(2))
    for t in range(len(share)):
        z = xp.matmul(state, transposed)
        z += share[t]
        candidate = xp.tanh(z[:, 2 * width : 3 * width])
        gates[t] = logistic = _sigmoid(xp, z)
        gates[t, :, 2 * width : 3 * width] = candidate
        candidate *= logistic[:, :width]
        cells[t] = cell_state = logistic[:, width : 2 * width] * cell_state + candidate
        outputs[t] = state = logistic[:, 3 * width :] * xp.tanh(cell_state)
    return (outputs, cells), gates


def _gru_rule(xp, g, share, state, weight, bias, y, gates):
    """gates: r, z after the logistic function and n after tanh, (T, N, 3·H)."""
    r, z, n = _parts(gates, 3)
    before, width = _before(xp, state, y), n.shape[-1]
    turned = xp.matmul(before, weight[2 * width :].T) + bias[2 * width :]
    to_new = (1 - z) * (1 - n * n)
    slopes = xp.cat([to_new * turned * r * (1 - r), (before - n) * z * (1 - z), to_new * r], dim=-1)
    d_state, collected, states = xp.zeros_like(state), [], []
    for t in range(len(share) - 1, -1, -1):
        d_state = g[t] + d_state
        states.append(d_state)
        d = xp.cat([d_state, d_state, d_state], dim=-1) * slopes[t]
        d_state = xp.matmul(d, weight) + d_state * z[t]
        collected.append(d)
    d = _stacked(xp, collected, share)
    d_new = _stacked(xp, states, y) * to_new
    d_share = xp.cat([d[..., : 2 * width], d_new], dim=-1)
    return d_share, d_state, _weight_gradient(xp, d, before), xp.sum(d, dim=(0, 1))


def _gru_composite(xp, g, share, state, weight, bias, y):
    z = xp.matmul(_before(xp, state, y), weight.T) + bias
    (r, u, turned), (x_r, x_u, x_n) = _parts(z, 3), _parts(share, 3)
    r, u = xp.sigmoid(x_r + r), xp.sigmoid(x_u + u)
    return _gru_rule(xp, g, share, state, weight, bias, y, xp.cat([r, u, xp.tanh(x_n + r * turned)], dim=-1))


def _gru_loop(share, state, weight, bias):
    ys = []
    for x in share:
        (x_r, x_z, x_n), (r, z, n) = np.split(x, 3, axis=-1), np.split(state @ weight.T + bias, 3, axis=-1)
        r, z = 1 / (1 + np.exp(-x_r - r)), 1 / (1 + np.exp(-x_z - z))
        state = (1 - z) * np.tanh(x_n + r * n) + z * state
        ys.append(state)
    return np.array(ys).reshape(len(share), *state.shape)


@op(MATMUL, symbol="GRU", domain=REAL, method=False, broadcasts=False, wide=True, real_only=True,
    residuals=("gates",), reference=_gru_loop,
    samples=(sample((3, 2, 6), (2, 2), (6, 2), (6,)), sample((2, 1, 3), (1, 1), (3, 1), (3,)),
             sample((2, 0, 3), (0, 1), (3, 1), (3,))),
    joint=_gru_rule, composite=_gru_composite)  # fmt: skip
def gru_scan(xp, share, state, weight, bias):
    """Outputs (T, N, H) of gated recurrent units, from a state (N, H), with weight (3·H, H) and bias (3·H).

    Gates come in the order r, z, n, and the reset gate acts after the product: with u = weight h + bias,
    h ← (1 - z)·tanh(share_n + r·u_n) + z·h for r = σ(share_r + u_r) and z = σ(share_z + u_z).
    """
    transposed, width = xp.ascontiguousarray(weight.T), state.shape[-1]
    gates, y = xp.empty(share.shape, dtype=share.dtype), xp.empty((len(share), *state.shape), dtype=share.dtype)
    for t in range(len(share)):
        x, u = share[t], xp.matmul(state, transposed)
        u += bias
        logistic = _sigmoid(xp, x[:, : 2 * width] + u[:, : 2 * width])
        n = xp.tanh(x[:, 2 * width :] + logistic[:, :width] * u[:, 2 * width :])
        gates[t, :, : 2 * width], gates[t, :, 2 * width :] = logistic, n
        y[t] = state = n + logistic[:, width:] * (state - n)
    return y, gates
