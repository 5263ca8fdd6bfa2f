"""Recurrent layers over whole sequences: Elman RNN, LSTM and GRU, with PyTorch's weights."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, ClassVar

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.errors import warn
from autograd_core.ops.layers.recurrent import State, lstm_step, run
from nn import functional as F
from nn import init
from nn.layers.recurrences import KINDS, Run, is_full, packed_backwards, packed_forwards, packed_together
from nn.module import Module
from nn.parameter import allocate
from nn.utils.rnn import PackedSequence


class RNNBase(Module):
    """Base of recurrent networks: `num_layers` layers, each over the outputs of the one before.

    Input (L, N, input_size), (N, L, input_size) with batch_first, (L, input_size), or a `PackedSequence`. Returns the
    last layer's outputs and the final state (layers·directions, N, hidden_size) of every layer.
    """

    _unnamed = "input_size", "hidden_size"
    _shown_unless: ClassVar = {
        "proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False
    }  # fmt: skip

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_sizes(mode, input_size, hidden_size, num_layers, dropout, proj_size)
        for name, value in (("bias", bias), ("batch_first", batch_first)):
            if not isinstance(value, bool):
                raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}; pass others by name")
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._suffixes = [
            f"_l{layer}{direction}"
            for layer in range(num_layers)
            for direction in (("", "_reverse") if bidirectional else ("",))
        ]
        gates, out = KINDS[mode].gates * hidden_size, proj_size or hidden_size
        for suffix in self._suffixes:
            width = input_size if suffix.startswith("_l0") else out * (1 + bidirectional)
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, width), "weight_hh": (gates, out)}
            shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)} if bias else {}
            shapes |= {"weight_hr": (proj_size, hidden_size)} if proj_size else {}
            allocate(self, device, dtype, **{name + suffix: shape for name, shape in shapes.items()})
        self._flat_weights_names = list(self._parameters)  # used by PyTorch programs
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Reinitialise all weights, uniform within ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def flatten_parameters(self) -> None:
        """No effect: PyTorch programs call it for cuDNN."""

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of every layer and direction."""
        named = [(name.partition("_l")[2], p) for name, p in self._parameters.items() if p is not None]
        return [[p for place, p in named if "_l" + place == suffix] for suffix in self._suffixes]

    def forward(self, input: Any, hx: Any = None) -> Any:
        packed = isinstance(input, PackedSequence)
        x = input.data if packed else input
        single = not packed and x.ndim == 2
        self._check_input(x, packed)
        if single:
            x = x.unsqueeze(0 if self.batch_first else 1)
        if self.batch_first and not packed:
            x = core.transpose(x, 0, 1)
        sizes = input.batch_sizes.tolist() if packed else None
        state = self._state(hx, x, sizes[0] if sizes else x.shape[1], single)
        if packed and input.sorted_indices is not None:
            state = tuple(s[:, input.sorted_indices] for s in state)
        out, state = self._layers(x, state, sizes)
        if packed:
            if input.unsorted_indices is not None:
                state = tuple(s[:, input.unsorted_indices] for s in state)
            packed_out = PackedSequence(out, input.batch_sizes, input.sorted_indices, input.unsorted_indices)
            return packed_out, state if len(state) > 1 else state[0]
        if self.batch_first:
            out = core.transpose(out, 0, 1)
        if single:
            out, state = out.squeeze(0 if self.batch_first else 1), tuple(s.squeeze(1) for s in state)
        return out, state if len(state) > 1 else state[0]

    def _check_input(self, x: Tensor, packed: bool) -> None:
        own = getattr(self, "weight_ih" + self._suffixes[0])  # no Parameter if a program computes it
        if own is not None and x.dtype != own.dtype:
            raise ValueError(
                f"RNN input dtype ({x.dtype}) does not match weight dtype ({own.dtype}). Convert input: "
                f"input.to({own.dtype.name!r}), or convert model: model.to({x.dtype.name!r})"
            )
        if not packed and x.ndim not in (2, 3):
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {x.ndim}D instead")
        if not x.shape[0 if packed or not self.batch_first or x.ndim == 2 else 1]:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {x.shape[-1]}"
            )

    def _state(self, hx: Any, x: Tensor, n: int, single: bool) -> State:
        names = KINDS[self.mode].state
        widths = (self.proj_size or self.hidden_size, self.hidden_size)[: len(names)]
        shapes = [(len(self._suffixes), n, width) for width in widths]
        if hx is None:
            return tuple(core.zeros(shape, dtype=x.dtype, device=x.device) for shape in shapes)
        state = tuple(hx) if isinstance(hx, tuple | list) else (hx,)
        if len(state) != len(names):
            raise RuntimeError(f"{type(self).__name__} has a state of {len(names)} tensors, not {len(state)}")
        if any(s.ndim != (2 if single else 3) for s in state):
            what, axes = ("unbatched 2-D", "2-D") if single else ("batched 3-D", "3-D")
            raise RuntimeError(f"For {what} input, hx should also be {axes}, but shapes are {[s.shape for s in state]}")
        state = tuple(s.unsqueeze(1) for s in state) if single else state
        for name, s, shape in zip(names, state, shapes, strict=True):
            if s.shape != shape:
                raise RuntimeError(f"Expected {name} size {shape}, got {list(s.shape)}")
        return state

    def _layers(self, x: Tensor, state: State, sizes: list[int] | None) -> tuple[Tensor, State]:
        directions = 1 + self.bidirectional
        finals: list[State] = []
        for layer in range(self.num_layers):
            outs = []
            for direction in range(directions):
                i = layer * directions + direction
                out, final = self._direction(x, tuple(s[i] for s in state), sizes, self._suffixes[i], direction == 1)
                outs.append(out)
                finals.append(final)
            x = outs[0] if directions == 1 else core.cat(outs, dim=-1)
            if self.dropout and self.training and layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout)
        return x, tuple(core.stack(parts) for parts in zip(*finals, strict=True))

    def _direction(
        self, x: Tensor, state: State, sizes: list[int] | None, suffix: str, backwards: bool
    ) -> tuple[Tensor, State]:
        """One layer in one direction."""
        w_ih: Any = getattr(self, "weight_ih" + suffix)
        w_hh, b_ih, b_hh, w_hr = (
            getattr(self, name + suffix, None) for name in ("weight_hh", "bias_ih", "bias_hh", "weight_hr")
        )
        kind = KINDS[self.mode]
        if b_ih is None or b_hh is None:
            b_ih = b_hh = core.zeros(kind.gates * self.hidden_size, dtype=x.dtype, device=x.device)
        biases = (b_ih + b_hh,) if kind.one_bias else (b_ih, b_hh)
        together = sizes is not None and is_full(sizes)
        # Otherwise, sequences of many lengths are split into blocks whose shapes rarely recur.
        steps = partial(kind.scan, reused=sizes is None or together or sizes[0] == sizes[-1])
        if w_hr is not None:
            steps = partial(run, partial(lstm_step, projection=w_hr))

        def scan(x: Tensor, state: State, w_ih: Tensor = w_ih) -> Run:
            return steps(x, state, w_ih, w_hh, *biases)

        if sizes is None:
            y, state = scan(core.flip(x, (0,)) if backwards else x, state)
            return core.flip(y, (0,)) if backwards else y, state
        if together:
            return packed_together(scan, x, sizes, state, w_ih, kind.hold, backwards)
        return (packed_backwards if backwards else packed_forwards)(scan, x, sizes, state)


def _check_sizes(mode: str, input_size: int, hidden_size: int, num_layers: int, dropout: float, proj_size: int) -> None:
    if mode not in KINDS:
        raise ValueError(f"Unrecognized RNN mode: {mode}; known are {', '.join(KINDS)}")
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if not isinstance(value, int):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero, not {value}")
    if isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise ValueError(
            f"dropout should be a number in range [0, 1] representing the probability of an element being zeroed, "
            f"not {dropout}"
        )
    if dropout > 0 and num_layers == 1:
        warn(
            "dropout acts between recurrent layers, so that it needs num_layers greater than 1, "
            f"but got dropout={dropout} and num_layers=1"
        )
    if not 0 <= proj_size < hidden_size:
        raise ValueError(f"proj_size has to be smaller than hidden_size ({hidden_size}) and not negative: {proj_size}")


class RNN(RNNBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or ReLU with `nonlinearity="relu"` (Elman 1990); see `RNNBase`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        self.nonlinearity = nonlinearity
        mode, sizes = f"RNN_{nonlinearity.upper()}", (input_size, hidden_size, num_layers)
        super().__init__(mode, *sizes, bias, batch_first, dropout, bidirectional, 0, device, dtype)


class LSTM(RNNBase):
    """Long short-term memory; the state is (h, c), and h is projected to `proj_size` features if given.

    See `RNNBase` for shapes and `lstm_step` for the formula.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        sizes = (input_size, hidden_size, num_layers)
        super().__init__("LSTM", *sizes, bias, batch_first, dropout, bidirectional, proj_size, device, dtype)


class GRU(RNNBase):
    """Gated recurrent units; see `RNNBase` for shapes and `gru_step` for the formula."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        sizes = (input_size, hidden_size, num_layers)
        super().__init__("GRU", *sizes, bias, batch_first, dropout, bidirectional, 0, device, dtype)
