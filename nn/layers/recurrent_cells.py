"""Recurrent cells: single steps of recurrent networks."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.errors import OperandError
from autograd_core.ops.layers.recurrent import State
from nn import init
from nn.layers.recurrences import KINDS
from nn.module import Module
from nn.parameter import allocate


class RNNCellBase(Module):
    """Base of recurrent cells: one step, with input (N, input_size) or (input_size), from a state to the next."""

    _unnamed = "input_size", "hidden_size"
    _shown_unless: ClassVar = {"bias": True}
    _mode: str
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        allocate(self, device, dtype, weight_ih=(rows, input_size), weight_hh=(rows, hidden_size))
        allocate(self, device, dtype, **dict.fromkeys(("bias_ih", "bias_hh"), (rows,) if bias else None))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Reinitialise all weights, uniform within ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        name, kind = type(self).__name__, KINDS[self._mode]
        if input.ndim not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.ndim}D instead")
        if input.shape[-1] != self.input_size:
            raise OperandError(f"{name}: input has {input.shape[-1]} features, but input_size is {self.input_size}")
        shape = (*input.shape[:-1], self.hidden_size)
        if hx is None:
            zeros = core.zeros(shape, dtype=input.dtype, device=input.device)
            state: State = (zeros,) * len(kind.state)
        else:
            state = tuple(hx) if isinstance(hx, tuple | list) else (hx,)
        if len(state) != len(kind.state) or any(s.shape != shape for s in state):
            raise OperandError(
                f"{name}: the state is {len(kind.state)} of shape {shape}, not {[s.shape for s in state]}"
            )
        state = kind.step(core.linear(input, self.weight_ih, self.bias_ih), state, self.weight_hh, self.bias_hh)
        return state if len(state) > 1 else state[0]


class RNNCell(RNNCellBase):
    """tanh(W_ih x + b_ih + W_hh h + b_hh), or ReLU with `nonlinearity="relu"`: (N, input_size), (N, hidden_size)."""

    _shown_unless: ClassVar = {"bias": True, "nonlinearity": "tanh"}

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        if nonlinearity not in ("tanh", "relu"):
            raise OperandError(f"Unknown nonlinearity: {nonlinearity}; use 'tanh' or 'relu'")
        self.nonlinearity, self._mode = nonlinearity, f"RNN_{nonlinearity.upper()}"


class LSTMCell(RNNCellBase):
    """One step of long short-term memory, from (h, c) to the next (h, c)."""

    _mode = "LSTM"

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit."""

    _mode = "GRU"

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)
