"""Nodes of recurrent layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import autograd_core as ag
from autograd_core import Tensor
from autograd_core import functional as core
from nn.onnx.nodes.table import ints, reads

USUAL = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
ORDER = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 2, 3, 1)}  # our gates among those of the file


def _layer(
    kind: str,
    scan: Callable[..., Any],
    operands: Sequence[Any],
    states: Sequence[Tensor | None],
    lengths: Any,
    *,
    activations: Any = None,
    direction: str = "forward",
    hidden_size: int = 0,
    layout: int = 0,
    **unread: Any,
) -> tuple[Tensor, ...]:
    """Run every direction; returns the outputs (T, D, N, H) and last states (D, N, H), with `layout` by batch.

    unread: what changes the result in ways that are not computed, if it is given.
    """
    x, w, r, b = operands
    usual = USUAL[kind] * w.shape[0]
    if activations is not None and list(activations) != usual:
        raise NotImplementedError(f"{kind}: activations {activations} cannot be read, only {usual}")
    if named := [name for name, value in unread.items() if value is not None]:
        raise NotImplementedError(f"{kind}: {' and '.join(named)} cannot be read")
    x = x.transpose(0, 1) if layout else x
    states = [s if s is None or not layout else s.transpose(0, 1) for s in states]
    if lengths is not None and any(n != x.shape[0] for n in ints(lengths)):
        raise NotImplementedError(f"{kind}: sequences of different lengths cannot be read")
    hidden, outputs, last = r.shape[-1], [], []
    for d in range(w.shape[0]):
        backward = direction == "reverse" or d == 1
        gates = [_reordered(v[d], ORDER[kind]) for v in (w, r)]
        biases = [_reordered(v, ORDER[kind]) for v in b[d].chunk(2)] if b is not None else None
        starts = [ag.zeros(x.shape[1], hidden, dtype=x.dtype) if s is None else s[d] for s in states]
        hs, *cells = scan(x.flip(0) if backward else x, *starts, *gates, biases)
        outputs.append(hs.flip(0) if backward else hs)
        last.append([hs[-1], *cells])
    y = ag.stack(outputs, 1)
    ends = [ag.stack(parts) for parts in zip(*last, strict=True)]
    return (y.permute(2, 0, 1, 3), *[e.transpose(0, 1) for e in ends]) if layout else (y, *ends)


def _reordered(v: Tensor, order: tuple[int, ...]) -> Tensor:
    parts = v.chunk(len(order))
    return ag.cat([parts[i] for i in order])


@reads("RNN")
def _rnn(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    lengths: Any = None,
    state: Tensor | None = None,
    *,
    activations: Any = None,
    **attributes: Any,
) -> tuple[Tensor, ...]:
    relu = activations is not None and set(activations) == {"Relu"}

    def scan(x: Tensor, h: Tensor, w: Tensor, r: Tensor, biases: Any) -> tuple[Tensor]:
        bias = sum(biases) if biases else ag.zeros(w.shape[0], dtype=w.dtype)
        return (core.rnn_scan(x, h, w, r, bias, nonlinearity="relu" if relu else "tanh"),)

    attributes["activations"] = None if relu else activations
    return _layer("RNN", scan, (x, w, r, b), [state], lengths, **attributes)


@reads("GRU")
def _gru(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    lengths: Any = None,
    state: Tensor | None = None,
    *,
    linear_before_reset: int = 0,
    **attributes: Any,
) -> tuple[Tensor, ...]:
    def scan(x: Tensor, h: Tensor, w: Tensor, r: Tensor, biases: Any) -> tuple[Tensor]:
        b_ih, b_hh = biases or [ag.zeros(w.shape[0], dtype=w.dtype)] * 2
        if linear_before_reset:
            return (core.gru_scan(x, h, w, r, b_ih, b_hh),)
        (r_r, r_z, r_n), (b_r, b_z, b_n), outputs = r.chunk(3), b_hh.chunk(3), []
        for step in x @ w.T + b_ih:
            x_r, x_z, x_n = step.chunk(3, -1)
            reset, update = ag.sigmoid(x_r + h @ r_r.T + b_r), ag.sigmoid(x_z + h @ r_z.T + b_z)
            new = ag.tanh(x_n + (reset * h) @ r_n.T + b_n)  # the gate acts before the product
            h = (1 - update) * new + update * h
            outputs.append(h)
        return (ag.stack(outputs),)

    return _layer("GRU", scan, (x, w, r, b), [state], lengths, **attributes)


@reads("LSTM")
def _lstm(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    lengths: Any = None,
    state: Tensor | None = None,
    cell: Tensor | None = None,
    peepholes: Tensor | None = None,
    *,
    input_forget: int = 0,
    **attributes: Any,
) -> tuple[Tensor, ...]:
    def scan(x: Tensor, h: Tensor, c: Tensor, w: Tensor, r: Tensor, biases: Any) -> Any:
        bias = sum(biases) if biases else ag.zeros(w.shape[0], dtype=w.dtype)
        return core.lstm_scan(x, h, c, w, r, bias)

    unread: dict[str, Any] = {"peepholes": peepholes, "input_forget": input_forget or None}
    return _layer("LSTM", scan, (x, w, r, b), [state, cell], lengths, **unread, **attributes)
