"""Recurrent layers: all steps of a batch of sequences in one call, and one for all gradients.

To the library a state is (1, 1, N, H) and weights are (1, 1, inputs, gates, H): in this order in memory, in padded
rows, on the way forward and as gradients, in that of PyTorch on the way back. `kept` is its workspace.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from backends.buffers import FLOAT32, dense, empty
from backends.geometry import Array
from backends.onednn.choice import active
from backends.onednn.layouts import copied_into
from backends.onednn.plans import (
    BACKWARD,
    BIAS,
    DST,
    OF_WORKSPACE,
    SRC,
    TRAINING,
    WEIGHTS,
    WORKSPACE,
    Plan,
    Workshop,
    planned,
)

SMALL = 1 << 10  # numbers in the output below which NumPy's calls are as quick as the making of plans
FORTH, TANH = 1, 0x21
GRADIENT = 128  # between an argument and its gradient


class Kind(NamedTuple):
    """One kind of recurrence.

    name: the library's. gates: where PyTorch has those of the library, in its order. biases: of H numbers each.
    states: h, or h and the cell. first, last: further arguments.
    """

    name: str
    gates: tuple[int, ...]
    biases: int
    states: int = 1
    first: tuple[int, ...] = ()
    last: tuple[float, ...] = ()


RNN = Kind("vanilla_rnn", (0,), 1, first=(TANH,), last=(0.0, 0.0))
LSTM = Kind("lstm", (0, 1, 2, 3), 4, states=2)
GRU = Kind("lbr_gru", (1, 0, 2), 4)  # the fourth bias is that of the product before it meets the reset gate


def rnn(x: Array, state: Array, w_ih: Array, w_hh: Array, bias: Array, reused: bool, nonlinearity: str) -> Any:
    """See `generic.recurrent.rnn`; the library's ReLU makes 0 of NaN."""
    return _forward(RNN, x, (state,), w_ih, w_hh, bias, reused and nonlinearity == "tanh")


def rnn_gradients(
    g: Array, x: Array, state: Array, w_ih: Array, w_hh: Array, bias: Array, y: Array, kept: Any, nonlinearity: str
) -> Any:
    """See `generic.recurrent.rnn_gradients`."""
    return None if kept is None else _backward(RNN, (g,), x, (state,), w_ih, w_hh, bias, (y,), kept)


def lstm(x: Array, state: Array, cell: Array, w_ih: Array, w_hh: Array, bias: Array, reused: bool) -> Any:
    """See `generic.recurrent.lstm`; there are no cells beside what is kept."""
    found = _forward(LSTM, x, (state, cell), w_ih, w_hh, bias, reused)
    return found and (*found, None)


def lstm_gradients(
    g: Array, g_cell: Array, x: Array, state: Array, cell: Array, w_ih: Array, w_hh: Array, bias: Array,
    y: Array, last: Array, kept: Array, cells: Any,
) -> Any:  # fmt: skip
    """See `generic.recurrent.lstm_gradients`."""
    if cells is not None:
        return None
    return _backward(LSTM, (g, g_cell), x, (state, cell), w_ih, w_hh, bias, (y, last), kept)


def gru(x: Array, state: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array, reused: bool) -> Any:
    """See `generic.recurrent.gru`."""
    return _forward(GRU, x, (state,), w_ih, w_hh, _gru_bias(b_ih, b_hh), reused)


def gru_gradients(
    g: Array, x: Array, state: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array, y: Array, kept: Array
) -> Any:
    """See `generic.recurrent.gru_gradients`."""
    if kept.ndim > 1:
        return None
    *found, bias = _backward(GRU, (g,), x, (state,), w_ih, w_hh, _gru_bias(b_ih, b_hh), (y,), kept)
    z, r, n, turned = bias.reshape(4, -1)
    return (*found, np.concatenate([r, z, n]), np.concatenate([r, z, turned]))


def _gru_bias(b_ih: Array, b_hh: Array) -> Array:
    (r, z, n), (u_r, u_z, turned) = b_ih.reshape(3, -1), b_hh.reshape(3, -1)
    return np.concatenate([z + u_z, r + u_r, n, turned])


def _forward(
    kind: Kind, x: Array, states: tuple[Array, ...], w_ih: Array, w_hh: Array, bias: Array, wanted: bool
) -> Any:
    """The outputs, the last states behind h, and what is kept; None if the library had better not."""
    operands, shape = (x, *states, w_ih, w_hh, bias), (len(x), *states[0].shape)
    if any(v.dtype != FLOAT32 or not v.size for v in operands):
        return None
    if not wanted or len(x) * states[0].size < SMALL or not active():
        return None
    plan = _forward_plan(kind, *x.shape, shape[2])
    if plan is None:
        return None
    y, lasts, kept = empty(shape), [np.empty(shape[1:], FLOAT32) for _ in states], empty((plan.kept,))
    weights = (_turned(kind, w) for w in (w_ih, w_hh))
    plan.run(*map(np.ascontiguousarray, (x, *states)), *weights, np.ascontiguousarray(bias), y, *lasts, kept)
    return y, *lasts[1:], kept


def _backward(
    kind: Kind, g: tuple[Array, ...], x: Array, states: tuple[Array, ...], w_ih: Array, w_hh: Array, bias: Array,
    ends: tuple[Array, ...], kept: Array,
) -> tuple[Array, ...]:  # fmt: skip
    """The gradients of all operands; g, ends: the outputs' gradients, and the outputs, of all steps and of the cell."""
    y, *cells = ends
    weights = (_gates(kind, w) for w in (w_ih, w_hh))
    operands = (*map(np.ascontiguousarray, (x, *states)), *weights, np.ascontiguousarray(bias), y, y[-1], *cells)
    sums = [_padded(np.zeros, w) for w in (w_ih, w_hh)]  # the library adds to them
    found = (empty(x.shape), *(np.empty_like(s) for s in states), *sums, np.zeros_like(bias))
    g_y, *g_cells = map(np.ascontiguousarray, g)
    _backward_plan(kind, *x.shape, y.shape[2]).run(*operands, *found, g_y, np.zeros_like(y[-1]), *g_cells, kept)
    dx, *d_states, dw_ih, dw_hh, d_bias = found
    return dx, *d_states, *(_gates(kind, copied_into(empty(w.T.shape), w.T)) for w in (dw_ih, dw_hh)), d_bias


def _gates(kind: Kind, w: Array) -> Array:
    """A weight, in C order, with the library's gates for PyTorch's, or the other way round."""
    if kind.gates == tuple(range(len(kind.gates))):
        return np.ascontiguousarray(w)
    return w.reshape(len(kind.gates), -1, w.shape[1])[list(kind.gates)].reshape(w.shape)


def _padded(make: Callable[..., Array], w: Array) -> Array:
    """Room for the transpose of a weight."""
    return make((w.shape[1], _padding(len(w))), dtype=FLOAT32)[:, : len(w)]


def _padding(size: int) -> int:
    """The length of rows whose beginnings do not all compete for the same lines of the cache."""
    lines = -(-size // 16)
    return 16 * (lines + (lines % 16 == 0))


def _turned(kind: Kind, w: Array) -> Array:
    """A weight as the way forward reads it."""
    return copied_into(_padded(empty, w), _gates(kind, w).T)


class _Recurrence(Plan):
    """A plan, and how many numbers it keeps."""

    kept = 0


def _described(workshop: Workshop, kind: Kind, steps: int, rows: int, inputs: int, width: int) -> tuple[Any, ...]:
    """The arguments, their descriptors, both with None for what the library could take besides, and the way forward."""

    def memory(*shape: int) -> Any:
        return workshop.memory(shape, dense(shape))

    gaps = [None] * 2 * (kind.states - 1)  # an LSTM's peepholes and projection
    states = [memory(1, 1, rows, width)] * kind.states
    gates = len(kind.gates)
    row = 4 * _padding(gates * width)
    weights = [
        workshop.memory((1, 1, size, gates, width), (row * size, row * size, row, 4 * width, 4))
        for size in (inputs, width)
    ]
    memories = [memory(steps, rows, inputs), *states, *weights, *gaps, memory(1, 1, kind.biases, width),
                memory(steps, rows, width), *states]  # fmt: skip
    sources, targets = (range(first, first + 1 + kind.states) for first in (SRC, DST))
    arguments = [*sources, WEIGHTS, WEIGHTS + 1, *gaps, BIAS, *targets]
    forward = _primitive(workshop, kind, "forward", TRAINING, memories)
    return arguments, memories, forward, workshop.asked(forward, OF_WORKSPACE)


def _primitive(workshop: Workshop, kind: Kind, way: str, purpose: int, memories: list[Any], *hint: Any) -> Any:
    """A primitive's descriptor. The library calls the just-in-time compiled ones reference implementations, too."""
    settings = (*kind.last, *hint, workshop.attributes())
    name = f"{kind.name}_{way}_primitive_desc_create"
    return workshop.make(name, workshop.library.engine, purpose, *kind.first, FORTH, *memories, 0, *settings)


def _present(arguments: list[Any], memories: list[Any]) -> list[tuple[int, Any]]:
    return [(k, memory) for k, memory in zip(arguments, memories, strict=True) if memory]


@planned
def _forward_plan(workshop: Workshop, kind: Kind, *sizes: int) -> Plan:
    arguments, memories, forward, kept = _described(workshop, kind, *sizes)
    plan = _Recurrence(workshop, forward, *_present(arguments, memories), (WORKSPACE, kept))
    plan.kept = -(-workshop.size(kept) // 4)
    return plan


@planned
def _backward_plan(workshop: Workshop, kind: Kind, *sizes: int) -> Plan:
    arguments, memories, forward, kept = _described(workshop, kind, *sizes)
    operands, gates, width = memories.copy(), len(kind.gates), sizes[3]
    for at, size in zip((SRC + kind.states, SRC + kind.states + 1), (sizes[2], width), strict=True):
        steps = (4 * gates * width * size,) * 2 + (4, 4 * width * size, 4 * size)
        operands[at] = workshop.memory((1, 1, size, gates, width), steps)
    desc = _primitive(workshop, kind, "backward", BACKWARD, operands + memories, forward)
    gradients = [k and k + GRADIENT for k in arguments]
    return Plan(workshop, desc, *_present(arguments, operands), *_present(gradients, memories), (WORKSPACE, kept))
