"""PyTorch's `torch.nn.attention.flex_attention`: attention whose scores a function of the positions changes or masks.

All scores are computed, and no block of a mask is skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

import autograd_core as ag
from autograd_core import Tensor

_DEFAULT_SPARSE_BLOCK_SIZE = 128


class AuxRequest(NamedTuple):
    """What `flex_attention` is to return beside its result."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What was requested: the logarithm of each query's sum of exponentials, and its largest score."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


class BlockMask:
    """Which keys each query may see, as `create_block_mask` makes it."""

    def __init__(self, mask: Tensor, mask_mod: Callable[..., Any], block_size: tuple[int, int]) -> None:
        self.mask, self.mask_mod, self.BLOCK_SIZE = mask, mask_mod, block_size
        self.shape, self.seq_lengths = tuple(mask.shape), tuple(mask.shape[2:])

    def numel(self) -> int:
        """The number of pairs of a query and a key."""
        return self.mask.numel()

    def to_dense(self) -> Tensor:
        """1 for every block in which a query sees a key."""
        over = [-n % size for n, size in zip(self.seq_lengths, self.BLOCK_SIZE, strict=True)]
        padded = ag.nn.functional.pad(self.mask.to(ag.int32), [0, over[1], 0, over[0]])
        rows = padded.unflatten(2, (-1, self.BLOCK_SIZE[0])).unflatten(4, (-1, self.BLOCK_SIZE[1]))
        return rows.amax((3, 5))

    def sparsity(self) -> float:
        """How much of the pairs lies in blocks of which nothing is seen, in per cent."""
        seen = int(self.to_dense().sum()) * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1]
        return 100 * (1 - seen / self.numel())

    def to(self, device: Any) -> BlockMask:
        """The same mask on a device."""
        return BlockMask(self.mask.to(device), self.mask_mod, self.BLOCK_SIZE)

    def __repr__(self) -> str:
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%)"


def create_mask(
    mod_fn: Callable[..., Any], B: int | None, H: int | None, Q_LEN: int, KV_LEN: int, device: Any = None
) -> Tensor:
    """What `mod_fn(batch, head, query, key)` gives for all pairs, as booleans of shape (B, H, Q_LEN, KV_LEN)."""
    return _each(mod_fn, (B or 1, H or 1, Q_LEN, KV_LEN), device)


def create_block_mask(
    mask_mod: Callable[..., Any],
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Any = None,
    BLOCK_SIZE: int | tuple[int, int] = _DEFAULT_SPARSE_BLOCK_SIZE,
    **options: Any,
) -> BlockMask:
    """A mask from `mask_mod(batch, head, query, key)`, which says for one pair whether the query sees the key."""
    size = BLOCK_SIZE if isinstance(BLOCK_SIZE, tuple) else (BLOCK_SIZE, BLOCK_SIZE)
    return BlockMask(create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device), mask_mod, size)


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: Callable[..., Any] | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: Any = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    """Attention with scores `score_mod(score, batch, head, query, key)`, of shape (batch, heads, queries, features).

    Queries that see no key get zeros. enable_gqa: heads of keys and values are shared by groups of query heads.
    return_lse: return the logarithm of each query's sum of exponentials as well.

    >>> from autograd_core import rand
    >>> x = rand(1, 2, 4, 8)
    >>> causal = create_block_mask(lambda b, h, q, k: q >= k, None, None, 4, 4)
    >>> flex_attention(x, x, x, lambda score, b, h, q, k: score - (q - k), causal).shape
    (1, 2, 4, 8)
    """
    if enable_gqa:
        key, value = (t.repeat_interleave(query.shape[1] // t.shape[1], 1) for t in (key, value))
    wide = query.dtype if query.dtype.itemsize > 2 else ag.float32  # scores have at least 24 bits
    q, k, v = (t.to(wide) for t in (query, key, value))
    scores = q @ k.mT * (q.shape[-1] ** -0.5 if scale is None else scale)
    if score_mod is not None:
        scores = _each(score_mod, scores.shape, query.device, scores)
    if block_mask is not None:
        if scores.shape[2:] != block_mask.seq_lengths:
            raise ValueError(f"block_mask is for lengths {block_mask.seq_lengths}, not {tuple(scores.shape[2:])}")
        scores = scores.masked_fill(~block_mask.mask, float("-inf"))
    lse = scores.logsumexp(-1)
    weights = (scores - lse.masked_fill(lse == float("-inf"), 0).unsqueeze(-1)).exp()
    result = (weights @ v).to(value.dtype)
    if return_aux is not None:
        lengths, largest = lse if return_aux.lse else None, scores.amax(-1) if return_aux.max_scores else None
        return result, AuxOutput(lengths, largest)
    return (result, lse) if return_lse else result


def and_masks(*mask_mods: Callable[..., Any]) -> Callable[..., Any]:
    """What all of these functions let a query see."""
    return lambda *at: reduce(lambda a, b: a & b, [mod(*at) for mod in mask_mods])


def or_masks(*mask_mods: Callable[..., Any]) -> Callable[..., Any]:
    """What any of these functions lets a query see."""
    return lambda *at: reduce(lambda a, b: a | b, [mod(*at) for mod in mask_mods])


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """Every query sees every key."""
    return batch.new_ones(size=(), dtype=ag.bool)


def _each(mod: Callable[..., Any], sizes: Any, device: Any, *scores: Tensor) -> Tensor:
    """The function of a score, if any, and its four indices for all of them."""
    indices = ag.meshgrid(*[ag.arange(n, device=device) for n in sizes], indexing="ij")
    values: Tensor = ag.vmap(mod)(*[t.reshape(-1) for t in (*scores, *indices)])
    return values.reshape(sizes)
