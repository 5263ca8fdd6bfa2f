"""Single steps of recurrent layers, for every array library.

Arrays are (N, H), or (N, gates·H) with the gates beside each other. What is named first is written.
"""

from typing import Any

from backends.geometry import Array


def rnn_state(xp: Any, y: Array, z: Array, nonlinearity: str) -> None:
    """`y` holds what the input contributes, and becomes the state; z is what the state before contributes."""
    z += y
    y[...] = xp.tanh(z) if nonlinearity == "tanh" else xp.maximum(z, 0)


def rnn_slopes(xp: Any, d: Array, g: Array, d_state: Array, y: Array, nonlinearity: str) -> None:
    """The gradient of what `rnn_state` adds up; g and `d_state` are the parts of that of the state y."""
    d[...] = (1 - y * y if nonlinearity == "tanh" else xp.sign(y)) * (g + d_state)


def lstm_state(xp: Any, to_cell: Array, to_state: Array, gates: Array, z: Array, cell: Array) -> None:
    """One step: `gates` holds what the input contributes, and becomes the gates; z is what the state contributes."""
    width = cell.shape[-1]
    z += gates
    candidate = xp.tanh(z[:, 2 * width : 3 * width])
    gates[...] = logistic = _sigmoid(xp, z)
    gates[:, 2 * width : 3 * width] = candidate
    candidate *= logistic[:, :width]
    to_cell[...] = logistic[:, width : 2 * width] * cell + candidate
    to_state[...] = logistic[:, 3 * width :] * xp.tanh(to_cell)


def lstm_slopes(
    xp: Any, d: Array, g: Array, d_state: Array, d_cell: Array, gates: Array, cell: Array, before: Array
) -> Array:
    """The gradient of the cell before one step; writes that of what the step adds up to d.

    g and `d_state` are two parts of the gradient of the state, `d_cell` is that of the cell.
    """
    (i, f, candidate, o), width, bent = parts(gates, 4), cell.shape[-1], xp.tanh(cell)
    d_state = g + d_state
    d_cell = d_cell + d_state * o * (1 - bent * bent)
    slope = 1 - gates
    slope *= gates
    slope[:, 2 * width : 3 * width] = 1 - candidate * candidate
    for k, (of_gate, other) in enumerate(((d_cell, candidate), (d_cell, before), (d_cell, i), (d_state, bent))):
        slope[:, k * width : (k + 1) * width] *= of_gate * other
    d[...] = slope
    return d_cell * f


def gru_state(xp: Any, y: Array, gates: Array, u: Array, bias: Array, before: Array) -> None:
    """One step: `gates` holds what the input contributes, and becomes the gates; u + bias is the state's part."""
    width = before.shape[-1]
    u += bias
    logistic = _sigmoid(xp, gates[:, : 2 * width] + u[:, : 2 * width])
    n = xp.tanh(gates[:, 2 * width :] + logistic[:, :width] * u[:, 2 * width :])
    gates[:, : 2 * width], gates[:, 2 * width :] = logistic, n
    y[...] = n + logistic[:, width:] * (before - n)


def gru_slopes(xp: Any, d: Array, d_new: Array, g: Array, d_state: Array, passed: Array, gates: Array) -> Array:
    """What of the gradient of the state passes one step directly.

    g, `d_state` and `passed` are three parts of the gradient of the state, which `d_new` receives; `d` holds the slopes
    of what the state contributes, and is multiplied by it.
    """
    width = g.shape[-1]
    d_state = g + d_state
    d_state += passed
    d_new[...] = d_state
    d *= xp.concatenate([d_state, d_state, d_state], axis=-1)
    d_state *= gates[:, width : 2 * width]
    return d_state


def parts(x: Array, count: int) -> list[Array]:
    """`count` equal parts of the last axis."""
    width = x.shape[-1] // count
    return [x[..., i * width : (i + 1) * width] for i in range(count)]


def _sigmoid(xp: Any, x: Array) -> Array:
    y = xp.exp(-x)
    y += 1
    return 1 / y
