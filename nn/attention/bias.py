"""PyTorch's `torch.nn.attention.bias`: causal masks for queries and keys of different lengths."""

from __future__ import annotations

from enum import IntEnum

from autograd_core import Tensor
from autograd_core import functional as core


class CausalVariant(IntEnum):
    """Which corner of the scores the diagonal of a causal mask runs through."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


def CausalBias(variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> Tensor:
    """The causal mask of a variant, True at keys to attend to: a plain tensor of booleans."""
    shift = seq_len_kv - seq_len_q if variant == CausalVariant.LOWER_RIGHT else 0
    return core.tril(core.ones(seq_len_q, seq_len_kv, dtype=bool), shift)


def causal_upper_left(*size: int) -> Tensor:
    """The mask (queries, keys) with which a query attends to the keys up to its own position, as `is_causal` does.

    >>> causal_upper_left(2, 3)
    tensor([[ True, False, False],
            [ True,  True, False]])
    """
    return CausalBias(CausalVariant.UPPER_LEFT, *_checked(size))


def causal_lower_right(*size: int) -> Tensor:
    """The mask (queries, keys) with which the last query attends to all keys, as when a cache holds earlier ones.

    >>> causal_lower_right(2, 3)
    tensor([[ True,  True, False],
            [ True,  True,  True]])
    """
    return CausalBias(CausalVariant.LOWER_RIGHT, *_checked(size))


def _checked(size: tuple[int, ...]) -> tuple[int, ...]:
    if len(size) != 2:
        raise RuntimeError(f"a causal mask takes the numbers of queries and of keys, not {size}")
    return size
