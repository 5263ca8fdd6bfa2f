"""Attention layers: PyTorch's multi-head attention, causal self-attention, positional encodings."""

from __future__ import annotations

import math
from typing import Any

from autograd_core import Tensor
from autograd_core import functional as core
from nn import functional as F
from nn import init
from nn.layers.dropout import Dropout
from nn.layers.linear import Linear
from nn.module import Module
from nn.parameter import Parameter


class MultiheadAttention(Module):
    """Multi-head attention (Vaswani et al. 2017): query (L, N, E), key (S, N, kdim), value (S, N, vdim).

    batch_first: (N, L, E) and so on. Returns the output and, with need_weights, the weights (N, L, S); see
    `functional.multi_head_attention_forward`.
    """

    in_proj_weight: Tensor | None
    q_proj_weight: Tensor | None
    k_proj_weight: Tensor | None
    v_proj_weight: Tensor | None
    in_proj_bias: Tensor | None
    bias_k: Tensor | None
    bias_v: Tensor | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        given: tuple[Any, ...] = embed_dim, num_heads
        if any(isinstance(n, str) for n in given):
            raise TypeError(f"embed_dim and num_heads are integers, not {embed_dim!r:.40} and {num_heads!r:.40}")
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads}"
            )
        if embed_dim % num_heads:
            raise AssertionError(f"embed_dim must be divisible by num_heads; {embed_dim} is not by {num_heads}")
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim

        def weight(wanted: bool, *shape: int) -> Tensor | None:
            return Parameter(core.empty(*shape, device=device, dtype=dtype)) if wanted else None

        packed = self._qkv_same_embed_dim
        self.register_parameter("q_proj_weight", weight(not packed, embed_dim, embed_dim))
        self.register_parameter("k_proj_weight", weight(not packed, embed_dim, self.kdim))
        self.register_parameter("v_proj_weight", weight(not packed, embed_dim, self.vdim))
        self.register_parameter("in_proj_weight", weight(packed, 3 * embed_dim, embed_dim))
        self.register_parameter("in_proj_bias", weight(bias, 3 * embed_dim))
        self.out_proj = Linear(embed_dim, embed_dim, bias, device, dtype)
        self.register_parameter("bias_k", weight(add_bias_kv, 1, 1, embed_dim))
        self.register_parameter("bias_v", weight(add_bias_kv, 1, 1, embed_dim))
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for p in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if p is not None:
                init.xavier_uniform_(p)
        for p in (self.in_proj_bias, self.out_proj.bias):
            if p is not None:
                init.zeros_(p)
        for p in (self.bias_k, self.bias_v):
            if p is not None:
                init.xavier_normal_(p)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Masks are True at positions to ignore, or numbers to add: key_padding_mask (N, S), attn_mask (L, S)."""
        turned = self.batch_first and query.ndim == 3
        if turned:
            query, key, value = _turned(query, key, value)
        out, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return core.transpose(out, 0, 1) if turned else out, weights


def _turned(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Batch and sequence axes swapped; identical inputs stay identical, so that one product can project them."""
    turned = {id(x): core.transpose(x, 0, 1) for x in (query, key, value)}
    return turned[id(query)], turned[id(key)], turned[id(value)]


class CausalSelfAttention(Module):
    """Causal multi-head self-attention: (N, L, E) to (N, L, E). Positions attend to themselves and earlier ones."""

    def __init__(self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True) -> None:
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim must be divisible by num_heads; {embed_dim} is not by {num_heads}")
        self.num_heads, self.dropout = num_heads, dropout
        self.c_attn = Linear(embed_dim, 3 * embed_dim, bias)
        self.c_proj = Linear(embed_dim, embed_dim, bias)
        self.resid_dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        heads = self.c_attn(x).reshape(n, length, 3, self.num_heads, width // self.num_heads)
        q, k, v = core.unbind(heads.permute(2, 0, 3, 1, 4))
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0, is_causal=True)
        return self.resid_dropout(self.c_proj(y.transpose(1, 2).reshape(n, length, width)))


class SinusoidalEncoding(Module):
    """Adds sines and cosines of the position, of wavelengths 2π to 2π·10,000 (Vaswani et al. 2017): (N, L, E).

    max_len: the length of the longest sequence. batch_first=False: (L, N, E).
    """

    encoding: Tensor

    def __init__(self, embed_dim: int, max_len: int = 5000, dropout: float = 0.0, batch_first: bool = True) -> None:
        super().__init__()
        self.batch_first, self.dropout = batch_first, Dropout(dropout)
        position = core.arange(max_len, dtype="float64").unsqueeze(1)
        rate = core.exp(core.arange(0, embed_dim, 2, dtype="float64") * (-math.log(10_000.0) / embed_dim))
        waves = core.stack([core.sin(position * rate), core.cos(position * rate)], dim=2)
        table = waves.reshape(max_len, -1)[:, :embed_dim]
        self.register_buffer("encoding", table.float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(x + _of_positions(self, x, self.encoding).to(x.dtype))


class LearnedEncoding(Module):
    """Adds a learned vector for each position up to `max_len`: (N, L, E), or (L, N, E) without `batch_first`."""

    weight: Tensor

    def __init__(self, embed_dim: int, max_len: int, batch_first: bool = True) -> None:
        super().__init__()
        self.batch_first = batch_first
        self.weight = Parameter(core.empty(max_len, embed_dim))
        init.normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        return x + _of_positions(self, x, self.weight)


def _of_positions(layer: SinusoidalEncoding | LearnedEncoding, x: Tensor, table: Tensor) -> Tensor:
    """The rows of a table (max_len, E) for the positions of x, to be added to it."""
    name, (limit, width) = type(layer).__name__, table.shape
    if x.ndim != 3 or x.shape[2] != width:
        order = "N, L" if layer.batch_first else "L, N"
        raise RuntimeError(f"{name} takes ({order}, {width}), not shape {x.shape}")
    length = x.shape[1 if layer.batch_first else 0]
    if length > limit:
        raise RuntimeError(f"{name} has max_len={limit} positions, but the sequence has {length}; make it longer")
    return table[:length] if layer.batch_first else table[:length].unsqueeze(1)
