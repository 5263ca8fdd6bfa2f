"""The elementwise part of one step of gated recurrent units: what follows the products with the weights."""

import numpy as np

from autograd_core.kinds import CHANNELWISE
from autograd_core.registry import op, sample
from backends.generic.recurrent_steps import parts


def _check(state, count, *gates):
    wanted = (*state.shape[:-1], count * state.shape[-1]) if state.ndim else None
    if any(v.shape != wanted for v in gates):
        found = ", ".join(str(v.shape) for v in gates)
        raise ValueError(f"a state of shape {state.shape} takes gates of shape {wanted}, not {found}")


def _logistic(x):
    return 1 / (1 + np.exp(-x))


def _slow_lstm(gates, cell):
    i, f, n, o = np.split(gates, 4, axis=-1)
    cell = _logistic(f) * cell + _logistic(i) * np.tanh(n)
    return _logistic(o) * np.tanh(cell), cell


def _lstm_rule(xp, g, gates, cell, next_cell, i, f, n, o, bent):
    g_state, g_next = g
    x_i, x_f, x_n, x_o = parts(gates, 4)
    g_cell = g_next + xp.tanh_gradient(g_state * o, next_cell)
    through = [
        xp.sigmoid_gradient(g_cell * n, x_i),
        xp.sigmoid_gradient(g_cell * cell, x_f),
        xp.tanh_gradient(g_cell * i, x_n),
        xp.sigmoid_gradient(g_state * bent, x_o),
    ]
    return xp.cat(through, dim=-1), g_cell * f


def _recorded_lstm_rule(xp, g, gates, cell, next_cell):
    """The fast rule with recomputed gates, so that they are differentiated too."""
    i, f, n, o = parts(gates, 4)
    opened = xp.sigmoid(i), xp.sigmoid(f), xp.tanh(n), xp.sigmoid(o), xp.tanh(next_cell)
    return _lstm_rule(xp, g, gates, cell, next_cell, *opened)


@op(CHANNELWISE, symbol="LSTM gates", method=False, real_only=True,
    outputs=("state", "next_cell"), residuals=("i", "f", "n", "o", "bent"), reference=_slow_lstm,
    samples=(sample((2, 8), (2, 2)), sample((4,), (1,)), sample((0, 8), (0, 2))),
    joint=_lstm_rule, composite=_recorded_lstm_rule)
def lstm_gates(xp, gates, cell):
    """The next state σ(o)·tanh(c) and cell c = σ(f)·cell + σ(i)·tanh(n), of gates i, f, n, o along the last axis."""
    _check(cell, 4, gates)
    i, f, n, o = parts(gates, 4)
    i, f, n, o = xp.kernels.sigmoid(i), xp.kernels.sigmoid(f), xp.kernels.tanh(n), xp.kernels.sigmoid(o)
    next_cell = f * cell + i * n
    bent = xp.kernels.tanh(next_cell)
    return (o * bent, next_cell), i, f, n, o, bent


def _slow_gru(share, turned, state):
    (r, z, n), (r_turned, z_turned, n_turned) = (np.split(v, 3, axis=-1) for v in (share, turned))
    z = _logistic(z + z_turned)
    return z * state + (1 - z) * np.tanh(n + _logistic(r + r_turned) * n_turned)


def _gru_rule(xp, g, share, turned, state, r, z, n):
    (x_r, x_z, x_n), (t_r, t_z, t_n) = parts(share, 3), parts(turned, 3)
    g_n = xp.tanh_gradient(g - g * z, x_n + r * t_n)
    g_r = xp.sigmoid_gradient(g_n * t_n, x_r + t_r)
    g_z = xp.sigmoid_gradient(g * (state - n), x_z + t_z)
    return xp.cat([g_r, g_z, g_n], dim=-1), xp.cat([g_r, g_z, g_n * r], dim=-1), g * z


def _recorded_gru_rule(xp, g, share, turned, state):
    """The fast rule with recomputed gates, so that they are differentiated too."""
    (x_r, x_z, x_n), (t_r, t_z, t_n) = parts(share, 3), parts(turned, 3)
    r = xp.sigmoid(x_r + t_r)
    return _gru_rule(xp, g, share, turned, state, r, xp.sigmoid(x_z + t_z), xp.tanh(x_n + r * t_n))


@op(CHANNELWISE, symbol="GRU gates", method=False, real_only=True,
    residuals=("r", "z", "n"), reference=_slow_gru,
    samples=(sample((2, 6), (2, 6), (2, 2)), sample((3,), (3,), (1,)), sample((0, 6), (0, 6), (0, 2))),
    joint=_gru_rule, composite=_recorded_gru_rule)
def gru_gates(xp, share, turned, state):
    """The next state n + z·(state - n), of gates r, z, n along the last axis: n = tanh(share + σ(r)·turned).

    share: of the input; turned: of the state.
    """
    _check(state, 3, share, turned)
    (x_r, x_z, x_n), (t_r, t_z, t_n) = parts(share, 3), parts(turned, 3)
    r, z = xp.kernels.sigmoid(x_r + t_r), xp.kernels.sigmoid(x_z + t_z)
    n = xp.kernels.tanh(x_n + r * t_n)
    return n + z * (state - n), r, z, n
