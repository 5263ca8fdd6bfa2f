"""Character-level language models: over a fixed window, and recurrent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import Tensor, no_grad
from autograd_core import functional as core
from nn.containers import Sequential
from nn.layers.activation import ReLU
from nn.layers.embedding import Embedding
from nn.layers.linear import Flatten, Linear
from nn.layers.recurrent import GRU, LSTM, RNN
from nn.module import Module

CELLS: dict[str, Callable[..., Module]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}


def char_window(vocabulary: int, window: int = 8, embedding: int = 16, hidden: int = 128) -> Sequential:
    """A network from the last `window` characters (N, window) to scores of the next one (N, vocabulary)."""
    return Sequential(
        Embedding(vocabulary, embedding),
        Flatten(),
        Linear(window * embedding, hidden),
        ReLU(),
        Linear(hidden, vocabulary),
    )


class CharRNN(Module):
    """Characters (N, L) and a state to scores of each next character (N, L, vocabulary) and the final state.

    cell: "rnn", "lstm" or "gru".
    """

    def __init__(
        self,
        vocabulary: int,
        hidden: int = 128,
        embedding: int = 32,
        cell: str = "lstm",
        num_layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"CharRNN() has the cells {', '.join(CELLS)}, not {cell!r}")
        self.embedding = Embedding(vocabulary, embedding)
        self.rnn = CELLS[cell](embedding, hidden, num_layers, batch_first=True, dropout=dropout)
        self.head = Linear(hidden, vocabulary)

    def forward(self, characters: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        hidden, state = self.rnn(self.embedding(characters), state)
        return self.head(hidden), state

    @no_grad()
    def generate(self, start: Tensor, count: int, temperature: float = 1.0) -> Tensor:
        """Continue characters (N, L) by `count` more: (N, L + count); see `sample`."""
        scores, state = self(start)
        characters = [start]
        for _ in range(count):
            characters.append(sample(scores[:, -1], temperature))
            scores, state = self(characters[-1], state)
        return core.cat(characters, dim=1)


def sample(scores: Tensor, temperature: float) -> Tensor:
    """A class (N, 1) per row of (N, classes): the best at temperature 0, else from softmax(scores / temperature)."""
    if temperature == 0:
        return core.argmax(scores, dim=-1, keepdim=True)
    return core.multinomial(core.softmax(scores / temperature, dim=-1), 1)


def char_rnn(vocabulary: int, hidden: int = 128, num_layers: int = 1) -> CharRNN:
    """A vanilla recurrent character model."""
    return CharRNN(vocabulary, hidden, cell="rnn", num_layers=num_layers)


def char_lstm(vocabulary: int, hidden: int = 128, num_layers: int = 1) -> CharRNN:
    """An LSTM character model."""
    return CharRNN(vocabulary, hidden, cell="lstm", num_layers=num_layers)
