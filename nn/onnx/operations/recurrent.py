"""Recurrent layers: one direction over a whole sequence is one node, with gates in ONNX's order."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.onnx.writer import Ref, Writer, writes


def _gates(g: Writer, v: Ref | None, order: tuple[int, ...], like: Ref) -> Any:
    """A stored weight or bias with its gates in another order; zeros in place of no bias."""
    if v is None:
        return np.zeros(like.shape[0], like.dtype)
    parts = np.split(g.array(v), len(order))
    return np.concatenate([parts[i] for i in order])


def _scan(g: Writer, kind: str, x: Ref, states: list[Ref], order: tuple[int, ...], *weights: Any, **given: Any) -> Any:
    """The node of a layer: `order` are the gates of ONNX among ours."""
    w_ih, w_hh, b_ih, b_hh = weights
    matrices = [_gates(g, w, order, w)[None] for w in (w_ih, w_hh)]
    bias = np.concatenate([_gates(g, b, order, w_ih) for b in (b_ih, b_hh)])[None]
    zero = all(s in g.stored and not g.stored[s].any() for s in states)  # as for any number of sequences
    starts = [] if zero else [g("Unsqueeze", s, [0]) for s in states]
    size = int(g.array(w_hh).shape[1])
    y = g(kind, x, *matrices, bias, None, *starts, outputs=3 if kind == "LSTM" else 2, hidden_size=size, **given)
    squeezed = g("Squeeze", y[0], [1])
    return (squeezed, g("Squeeze", y[2], [0])) if kind == "LSTM" else squeezed


@writes("lstm_scan")
def _lstm(g: Writer, x: Ref, state: Ref, cell: Ref, w_ih: Ref, w_hh: Ref, bias: Ref | None, *, reused: bool) -> Any:
    return _scan(g, "LSTM", x, [state, cell], (0, 3, 1, 2), w_ih, w_hh, bias, None)


@writes("gru_scan")
def _gru(
    g: Writer, x: Ref, state: Ref, w_ih: Ref, w_hh: Ref, b_ih: Ref | None, b_hh: Ref | None, *, reused: bool
) -> Ref:
    return _scan(g, "GRU", x, [state], (1, 0, 2), w_ih, w_hh, b_ih, b_hh, linear_before_reset=1)


@writes("rnn_scan")
def _rnn(
    g: Writer, x: Ref, state: Ref, w_ih: Ref, w_hh: Ref, bias: Ref | None, *, nonlinearity: str, reused: bool
) -> Ref:
    activation = {"tanh": "Tanh", "relu": "Relu"}[nonlinearity]
    return _scan(g, "RNN", x, [state], (0,), w_ih, w_hh, bias, None, activations=[activation])
