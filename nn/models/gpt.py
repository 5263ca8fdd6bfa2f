"""A small GPT: a transformer decoder that predicts the next token (Radford et al. 2018, 2019)."""

from __future__ import annotations

import math

from autograd_core import Tensor, no_grad
from autograd_core import functional as core
from nn import init
from nn.containers import ModuleDict, ModuleList, Sequential
from nn.layers.activation import GELU
from nn.layers.attention import CausalSelfAttention
from nn.layers.dropout import Dropout
from nn.layers.embedding import Embedding
from nn.layers.layer_norm import LayerNorm
from nn.layers.linear import Linear
from nn.models.char_model import sample
from nn.module import Module


class GPTBlock(Module):
    """x + attention(norm(x)), then x + mlp(norm(x)): (N, L, width) to (N, L, width)."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.ln_1 = LayerNorm(width)
        self.attn = CausalSelfAttention(width, heads, dropout)
        self.ln_2 = LayerNorm(width)
        self.mlp = Sequential(
            Linear(width, 4 * width), GELU(approximate="tanh"), Linear(4 * width, width), Dropout(dropout)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(Module):
    """Tokens (N, L), with L up to `context`, to scores of each next token (N, L, vocabulary).

    The last layer shares its weight with the embedding.
    """

    def __init__(
        self,
        vocabulary: int,
        context: int = 128,
        layers: int = 4,
        heads: int = 4,
        width: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.context = context
        self.transformer = ModuleDict(
            {
                "wte": Embedding(vocabulary, width),
                "wpe": Embedding(context, width),
                "drop": Dropout(dropout),
                "h": ModuleList([GPTBlock(width, heads, dropout) for _ in range(layers)]),
                "ln_f": LayerNorm(width),
            }
        )
        self.lm_head = Linear(width, vocabulary, bias=False)
        self.lm_head.weight = self.transformer["wte"].weight
        for name, p in self.named_parameters():
            if name.endswith("bias"):
                init.zeros_(p)
            elif p.ndim > 1:
                # Residual branches add up, so the layers that write to them are initialised smaller.
                writes = name.endswith(("c_proj.weight", "mlp.2.weight"))
                init.normal_(p, std=0.02 / math.sqrt(2 * layers) if writes else 0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        if length > self.context:
            raise RuntimeError(f"GPT takes up to {self.context} tokens, but {length} were given")
        parts = self.transformer
        x = parts["wte"](tokens) + parts["wpe"](core.arange(length, device=tokens.device))
        x = parts["drop"](x)
        for block in parts["h"]:
            x = block(x)
        return self.lm_head(parts["ln_f"](x))

    @no_grad()
    def generate(self, start: Tensor, count: int, temperature: float = 1.0) -> Tensor:
        """Continue tokens (N, L) by `count` more: (N, L + count); temperature 0 always takes the best."""
        tokens = start
        for _ in range(count):
            tokens = core.cat([tokens, sample(self(tokens[:, -self.context :])[:, -1], temperature)], dim=1)
        return tokens


def gpt(vocabulary: int, context: int = 128, layers: int = 4, heads: int = 4, width: int = 128) -> GPT:
    """A GPT of a size that trains on a CPU."""
    return GPT(vocabulary, context, layers, heads, width)
