"""Recurrent layers: one call for all steps of a batch of sequences, and one for all gradients.

For the library a state is (1, 1, N, H) and weights are (1, 1, inputs, gates, H): in this memory order, with padded
rows, in the forward pass and for gradients, in PyTorch's order in the backward pass. `kept` is its workspace.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from backends.buffers import FLOAT32, empty
from backends.geometry import Array
from backends.numpy_backend.copies import contiguous
from backends.onednn.choice import active
from backends.onednn.layouts import copied_into
from backends.onednn.plans import ARGUMENTS, BACKWARD, OF_WORKSPACE, TRAINING, Plan, Workshop, planned
from backends.strides import dense

SMALL = 1 << 10  # elements of the output: below this NumPy is as fast as making plans
FORTH, TANH = 1, 0x21
SRC, DST, WEIGHTS, BIAS, WORKSPACE = (ARGUMENTS[name] for name in ("src", "dst", "weights", "bias", "workspace"))
GRADIENT = 128  # the offset from the number of an argument to that of its gradient


class Kind(NamedTuple):
    """One kind of recurrence.

    name: in the library. gates: PyTorch's positions of the library's gates, in the library's order. biases: their
    number, of H elements each. states: h, or h and the cell. first, last: further arguments.
    """

    name: str
    gates: tuple[int, ...]
    biases: int
    states: int = 1
    first: tuple[int, ...] = ()
    last: tuple[float, ...] = ()


RNN = Kind("vanilla_rnn", (0,), 1, first=(TANH,), last=(0.0, 0.0))
LSTM = Kind("lstm", (0, 1, 2, 3), 4, states=2)
GRU = Kind("lbr_gru", (1, 0, 2), 4)  # the fourth bias is added to the product that the reset gate multiplies


def rnn(x: Array, state: Array, w_ih: Array, w_hh: Array, bias: Array, reused: bool, nonlinearity: str) -> Any:
    """See `generic.recurrent.rnn`; the library's ReLU turns NaN into 0."""
    return _forward(RNN, x, (state,), w_ih, w_hh, bias, reused and nonlinearity == "tanh")


def rnn_gradients(
    g: Array, x: Array, state: Array, w_ih: Array, w_hh: Array, bias: Array, y: Array, kept: Any, nonlinearity: str
) -> Any:
    """See `generic.recurrent.rnn_gradients`."""
    return None if kept is None else _backward(RNN, (g,), x, (state,), w_ih, w_hh, bias, (y,), kept)


def lstm(x: Array, state: Array, cell: Array, w_ih: Array, w_hh: Array, bias: Array, reused: bool) -> Any:
    """See `generic.recurrent.lstm`; the cells are part of the kept workspace."""
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
    """The outputs, the last states after h, and the workspace; None if the generic kernel should compute."""
    steps, rows, inputs = x.shape
    width = states[0].shape[1]
    shapes = [
        x.shape,
        *[(rows, width)] * kind.states,
        *((len(kind.gates) * width, n) for n in (inputs, width)),
        (kind.biases * width,),
    ]
    operands = (x, *states, w_ih, w_hh, bias)
    if not wanted or steps * rows * width < SMALL or not inputs or not active():
        return None
    if any(v.dtype != FLOAT32 or v.shape != shape for v, shape in zip(operands, shapes, strict=True)):
        return None
    plan = _forward_plan(kind, steps, rows, inputs, width)
    y, lasts, kept = empty((steps, rows, width)), [empty(states[0].shape) for _ in states], empty((plan.kept,))
    weights = (_turned(kind, w) for w in (w_ih, w_hh))
    plan.run(*map(contiguous, (x, *states)), *weights, contiguous(bias), y, *lasts, kept)
    return y, *lasts[1:], kept


def _backward(
    kind: Kind, g: tuple[Array, ...], x: Array, states: tuple[Array, ...], w_ih: Array, w_hh: Array, bias: Array,
    ends: tuple[Array, ...], kept: Array,
) -> tuple[Array, ...]:  # fmt: skip
    """The gradients of all operands; g, ends: the outputs' gradients, and the outputs, of all steps and of the cell."""
    y, *cells = map(contiguous, ends)
    weights = (_gates(kind, w) for w in (w_ih, w_hh))
    operands = (*map(contiguous, (x, *states)), *weights, contiguous(bias), y, y[-1], *cells)
    sums = [_padded(np.zeros, w) for w in (w_ih, w_hh)]  # the library adds to them
    found = (empty(x.shape), *(empty(s.shape) for s in states), *sums, np.zeros_like(bias))
    g_y, *rest = (contiguous(v, FLOAT32) for v in (*g, kept))
    _backward_plan(kind, *x.shape, y.shape[2]).run(*operands, *found, g_y, np.zeros_like(y[-1]), *rest)
    dx, *d_states, dw_ih, dw_hh, d_bias = found
    return dx, *d_states, *(_gates(kind, copied_into(empty(w.T.shape), w.T)) for w in (dw_ih, dw_hh)), d_bias


def _gates(kind: Kind, w: Array) -> Array:
    """A weight in C order, with gates in the library's order instead of PyTorch's, or the inverse."""
    if kind.gates == tuple(range(len(kind.gates))):
        return contiguous(w)
    return w.reshape(len(kind.gates), -1, w.shape[1])[list(kind.gates)].reshape(w.shape)


def _padded(make: Callable[..., Array], w: Array) -> Array:
    """Memory for the transpose of a weight."""
    return make((w.shape[1], _padding(len(w))), dtype=FLOAT32)[:, : len(w)]


def _padding(size: int) -> int:
    """A length of rows that avoids cache conflicts between their beginnings."""
    lines = -(-size // 16)
    return 16 * (lines + (lines % 16 == 0))


def _turned(kind: Kind, w: Array) -> Array:
    """A weight in the layout of the forward pass."""
    return copied_into(_padded(empty, w), _gates(kind, w).T)


class _Recurrence(Plan):
    """A plan, and the number of elements it keeps."""

    kept = 0


class _Description(NamedTuple):
    """The arguments, and descriptors of the operands of both passes, of the primitives and of the workspace.

    None stands for operands of the library that are not used.
    """

    arguments: list[int]
    there: list[Any]
    back: list[Any]
    forward: Any
    backward: Any
    kept: Any


def _described(workshop: Workshop, kind: Kind, steps: int, rows: int, inputs: int, width: int) -> _Description:
    gates = len(kind.gates)
    row = _padding(gates * width)

    def memory(*shape: int) -> Any:
        return workshop.memory(shape, dense(shape))

    def weight(size: int, *strides: int) -> Any:
        shape = size, gates, width
        whole = max(n * stride for n, stride in zip(shape, strides, strict=True))
        return workshop.memory((1, 1, *shape), tuple(4 * stride for stride in (whole, whole, *strides)))

    def operands(*weights: Any) -> list[Any]:
        bias = memory(1, 1, kind.biases, width)
        return [memory(steps, rows, inputs), *states, *weights, *gaps, bias, memory(steps, rows, width), *states]

    gaps = [None] * 2 * (kind.states - 1)  # an LSTM's peepholes and projection
    states = [memory(1, 1, rows, width)] * kind.states
    there = operands(*(weight(size, row, width, 1) for size in (inputs, width)))
    back = operands(*(weight(size, 1, width * size, size) for size in (inputs, width)))
    sources, targets = (range(first, first + 1 + kind.states) for first in (SRC, DST))
    arguments = [*sources, WEIGHTS, WEIGHTS + 1, *[0 for _ in gaps], BIAS, *targets]
    forward = _primitive(workshop, kind, "forward", TRAINING, there)
    backward = _primitive(workshop, kind, "backward", BACKWARD, back + there, forward)
    return _Description(arguments, there, back, forward, backward, workshop.asked(forward, OF_WORKSPACE))


def _primitive(workshop: Workshop, kind: Kind, way: str, purpose: int, memories: list[Any], *hint: Any) -> Any:
    """A primitive's descriptor. The library calls the just-in-time compiled ones reference implementations, too."""
    settings = (*kind.last, *hint, workshop.attributes())
    name = f"{kind.name}_{way}_primitive_desc_create"
    return workshop.make(name, workshop.library.engine, purpose, *kind.first, FORTH, *memories, 0, *settings)


def _given(arguments: list[int], memories: list[Any]) -> list[tuple[int, Any]]:
    return [(argument, memory) for argument, memory in zip(arguments, memories, strict=True) if memory]


@planned
def _forward_plan(workshop: Workshop, kind: Kind, *sizes: int) -> Plan:
    d = _described(workshop, kind, *sizes)
    plan = _Recurrence(workshop, d.forward, *_given(d.arguments, d.there), (WORKSPACE, d.kept))
    plan.kept = -(-workshop.size(d.kept) // 4)
    return plan


@planned
def _backward_plan(workshop: Workshop, kind: Kind, *sizes: int) -> Plan:
    d = _described(workshop, kind, *sizes)
    gradients = [argument + GRADIENT for argument in d.arguments]
    return Plan(workshop, d.backward, *_given(d.arguments, d.back), *_given(gradients, d.there), (WORKSPACE, d.kept))
