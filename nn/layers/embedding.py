"""Embeddings: tables of vectors looked up by index."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from autograd_core import Tensor, dtypes, no_grad
from autograd_core import functional as core
from nn import functional as F
from nn import init
from nn.module import Module
from nn.parameter import Parameter


class _Table(Module):
    """Base of tables of vectors.

    weight (num_embeddings, embedding_dim), initially standard normal; row `padding_idx` is 0 and not trained.
    """

    _unnamed: tuple[str, ...] = ("num_embeddings", "embedding_dim")
    _shown_unless: ClassVar = {
        "padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False, "sparse": False
    }  # fmt: skip
    weight: Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        max_norm: float | None,
        norm_type: float,
        scale_grad_by_freq: bool,
        sparse: bool,
        weight: Tensor | None,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(f"padding_idx must be within num_embeddings={num_embeddings}, not {padding_idx}")
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        shape = (num_embeddings, embedding_dim)
        if weight is None:
            self.weight = Parameter(core.empty(shape, device=device, dtype=dtype))
            self.reset_parameters()
        elif weight.shape != shape:
            raise AssertionError(f"weight must have shape {shape}, not {weight.shape}")
        else:
            self.weight = Parameter(weight, requires_grad=weight.dtype.kind not in dtypes.EXACT)

    def reset_parameters(self) -> None:
        """Reinitialise the table."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, **options: Any) -> Self:
        """A layer with a given table (rows, columns), which is trained only if `freeze` is False."""
        if embeddings.ndim != 2:
            raise AssertionError(f"embeddings must have two axes, but have shape {embeddings.shape}")
        layer: Self = cls(*embeddings.shape, _weight=embeddings, **options)  # type: ignore[call-arg]
        layer.weight.requires_grad_(not freeze)
        return layer


class Embedding(_Table):
    """The vector of each index: (...) to (..., embedding_dim).

    padding_idx: a row without gradient. max_norm: rows that are looked up are rescaled to this norm, in place.
    scale_grad_by_freq: gradients are divided by the row's number of look-ups. sparse: the gradient is a sparse
    tensor, which SGD, Adagrad and SparseAdam take.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight)
        super().__init__(num_embeddings, embedding_dim, *options, device, dtype)
        if _freeze:
            self.weight.requires_grad_(False)

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )


class EmbeddingBag(_Table):
    """The "sum", "mean" or "max" of the vectors of each bag of indices, without materialising the vectors.

    A row of `input` (N, L) is a bag; or `input` (L) is split at `offsets`. per_sample_weights: with "sum" only.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight)
        super().__init__(num_embeddings, embedding_dim, *options, device, dtype)
        self.mode, self.include_last_offset = mode, include_last_offset

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        options = (self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, self.sparse)
        ends = (per_sample_weights, self.include_last_offset, self.padding_idx)
        return F.embedding_bag(input, self.weight, offsets, *options, *ends)

    def extra_repr(self) -> str:
        base = super().extra_repr().replace(f", padding_idx={self.padding_idx}", "")
        return f"{base}, mode={self.mode!r}" + ("" if self.padding_idx is None else f", padding_idx={self.padding_idx}")
