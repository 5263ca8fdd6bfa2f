"""PyTorch's `torch._higher_order_ops.associative_scan`: running results of an associative function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import functional
from autograd_core.tensor import Tensor
from autograd_core.utils._pytree import tree_flatten, tree_leaves, tree_unflatten


def associative_scan(
    combine_fn: Callable[..., Any], xs: Any, dim: int, reverse: bool = False, combine_mode: str = "pointwise"
) -> Any:
    """What `combine_fn(left, right)` makes of the first element along `dim`, of the first two, and so on.

    xs: a tensor, or nested tensors of one length along `dim`. combine_fn takes and returns as many, nested like `xs`,
    of any length. The number of its calls grows with the logarithm of the length.
    """
    leaves, spec = tree_flatten(xs)
    dim = range(leaves[0].ndim)[dim]

    def combine(left: list[Tensor], right: list[Tensor]) -> list[Tensor]:
        return tree_leaves(combine_fn(tree_unflatten(left, spec), tree_unflatten(right, spec)))

    if reverse:
        leaves = [x.flip(dim) for x in leaves]
    results = _scan(combine, leaves, dim)
    return tree_unflatten([y.flip(dim) for y in results] if reverse else results, spec)


def _scan(combine: Callable[..., list[Tensor]], xs: list[Tensor], dim: int) -> list[Tensor]:
    length = xs[0].shape[dim]
    if length < 2:
        return xs

    def every_second(xs: list[Tensor], start: int, stop: int) -> list[Tensor]:
        return [x[(slice(None),) * dim + (slice(start, stop, 2),)] for x in xs]

    odd = _scan(combine, combine(every_second(xs, 0, length - 1), every_second(xs, 1, length)), dim)
    even = every_second(xs, 0, 1)
    if length > 2:
        before = [y.narrow(dim, 0, (length - 1) // 2) for y in odd]
        later = combine(before, every_second(xs, 2, length))
        even = [functional.cat([first, rest], dim) for first, rest in zip(even, later, strict=True)]
    return [_alternating(a, b, dim) for a, b in zip(even, odd, strict=True)]


def _alternating(even: Tensor, odd: Tensor, dim: int) -> Tensor:
    """The elements of both in turn; there may be one more of the first."""
    count = odd.shape[dim]
    pairs = functional.stack([even.narrow(dim, 0, count), odd], dim + 1).flatten(dim, dim + 1)
    return pairs if even.shape[dim] == count else functional.cat([pairs, even.narrow(dim, count, 1)], dim)
