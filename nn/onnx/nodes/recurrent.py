"""Nodes of recurrent layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_core as ag
from autograd_core import Tensor
from autograd_core import functional as core
from nn.onnx.nodes.table import NODES, ints


def _rnn(x: Tensor, h: Tensor, w: Tensor, r: Tensor, biases: Any, *, nonlinearity: str = "tanh") -> tuple[Tensor]:
    return (core.rnn_scan(x, h, w, r, _sum(biases, w), nonlinearity=nonlinearity),)


def _gru(x: Tensor, h: Tensor, w: Tensor, r: Tensor, biases: Any, *, linear_before_reset: int = 0) -> tuple[Tensor]:
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


def _lstm(x: Tensor, h: Tensor, c: Tensor, w: Tensor, r: Tensor, biases: Any) -> Any:
    return core.lstm_scan(x, h, c, w, r, _sum(biases, w))


def _sum(biases: Any, w: Tensor) -> Tensor:
    return sum(biases) if biases else ag.zeros(w.shape[0], dtype=w.dtype)


def _layer(kind: str, scan: Callable[..., Any], states: int, usual: list[str], order: tuple[int, ...]) -> Any:
    """What computes a node. order: our gates among those of the file."""

    def layer(
        x: Tensor, w: Tensor, r: Tensor, b: Tensor | None = None, lengths: Any = None, *given: Tensor | None,
        activations: Any = None, direction: str = "forward", hidden_size: int = 0, layout: int = 0,
        input_forget: int = 0, **options: Any,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """Run every direction; returns the outputs (T, D, N, H) and last states (D, N, H), with `layout` by batch."""
        starts, further = [*given, None, None][:states], given[states:]
        named = {"peepholes": further[0] if further else None, "input_forget": input_forget or None, **options}
        if kind == "RNN" and activations is not None and set(activations) == {"Relu"}:
            named["nonlinearity"], activations = "relu", None
        if activations is not None and list(activations) != usual * w.shape[0]:
            raise NotImplementedError(f"{kind}: activations {activations} cannot be read, only {usual * w.shape[0]}")
        read = {name: named.pop(name) for name in scan.__kwdefaults__ or () if name in named}
        if unread := [name for name, value in named.items() if value is not None]:
            raise NotImplementedError(f"{kind}: {' and '.join(unread)} cannot be read")
        x = x.transpose(0, 1) if layout else x
        if lengths is not None and any(n != x.shape[0] for n in ints(lengths)):
            raise NotImplementedError(f"{kind}: sequences of different lengths cannot be read")
        starts = [s if s is None or not layout else s.transpose(0, 1) for s in starts]
        hidden, outputs, last = r.shape[-1], [], []
        for d in range(w.shape[0]):
            backward = direction == "reverse" or d == 1
            gates = [_reordered(v[d], order) for v in (w, r)]
            biases = [_reordered(v, order) for v in b[d].chunk(2)] if b is not None else None
            begin = [ag.zeros(x.shape[1], hidden, dtype=x.dtype) if s is None else s[d] for s in starts]
            hs, *cells = scan(x.flip(0) if backward else x, *begin, *gates, biases, **read)
            outputs.append(hs.flip(0) if backward else hs)
            last.append([hs[-1], *cells])
        y = ag.stack(outputs, 1)
        ends = [ag.stack(parts) for parts in zip(*last, strict=True)]
        return (y.permute(2, 0, 1, 3), *[e.transpose(0, 1) for e in ends]) if layout else (y, *ends)

    return layer


def _reordered(v: Tensor, order: tuple[int, ...]) -> Tensor:
    parts = v.chunk(len(order))
    return ag.cat([parts[i] for i in order])


NODES.update(
    RNN=_layer("RNN", _rnn, 1, ["Tanh"], (0,)),
    GRU=_layer("GRU", _gru, 1, ["Sigmoid", "Tanh"], (1, 0, 2)),
    LSTM=_layer("LSTM", _lstm, 2, ["Sigmoid", "Tanh", "Tanh"], (0, 2, 3, 1)),
)
