"""Forward mode with PyTorch's interface: tensors that carry a tangent.

The tangent of a result is computed when it is read, by two reverse walks, so no operation needs a forward-mode rule.
`autograd_core.func.jvp` offers the same for a function.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, NamedTuple

from autograd_core import dtypes, functional
from autograd_core.autograd.gradients import grad
from autograd_core.autograd.transforms import cut, fresh, pulled
from autograd_core.grad_mode import grad_enabled
from autograd_core.tensor import Tensor

_levels: list[list[tuple[Tensor, Any, Tensor]]] = []  # the only level: the leaf behind each dual, its node, its tangent


class UnpackedDualTensor(NamedTuple):
    """A value and its tangent, None if it depends on no dual tensor."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Allow tangents from here on; returns the number of the level, always 0."""
    if _levels:
        raise RuntimeError("there is a dual level already, and only one at a time; nest calls of func.jvp() instead")
    _levels.append([])
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Discard all tangents."""
    if not _levels or level not in (None, 0):
        raise RuntimeError("exit_dual_level(): this dual level was not entered, or has been left")
    _levels.pop()


class dual_level:
    """A block in which tensors can carry tangents.

    >>> from autograd_core import tensor
    >>> with dual_level():
    ...     x = make_dual(tensor([1.0, 2.0]), tensor([1.0, 0.0]))
    ...     unpack_dual(x * x).tangent
    tensor([2., 0.])
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A copy of the tensor with a tangent of its shape; operations on it are recorded, and it can be written."""
    if not _levels:
        raise RuntimeError("make_dual() outside of a dual level; use it in `with dual_level():`")
    if not grad_enabled():
        raise RuntimeError("make_dual() under no_grad(): tangents need recorded operations; remove no_grad()")
    if tensor.dtype.kind not in dtypes.INEXACT:
        raise ValueError(f"make_dual() takes a floating point or complex tensor, not {tensor.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(f"make_dual(): a tangent of shape {tangent.shape} does not fit a tensor of {tensor.shape}")
    leaf: Tensor = fresh((tensor,), 0)[1]
    dual = functional.clone(leaf)
    _levels[-1].append((leaf, dual.node, tangent.to(tensor.dtype)))
    return dual


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The value, detached from the graph if that leads only to dual tensors, and its tangent."""
    duals = _levels[-1] if _levels and tensor.node is not None else []
    if not duals:
        return UnpackedDualTensor(tensor, None)
    leaves = [leaf for leaf, _, _ in duals]
    for _, node, tangent in duals:
        if tensor.node is node:
            return UnpackedDualTensor(cut(tensor, leaves), tangent)
    weight = functional.zeros_like(tensor.detach()).requires_grad_()
    found = grad(tensor, leaves, weight, create_graph=True, allow_unused=True)
    pairs = [(g, tangent) for g, (_, _, tangent) in zip(found, duals, strict=True) if g is not None]
    if not pairs:
        return UnpackedDualTensor(tensor, None)
    linear, tangents = zip(*pairs, strict=True)
    return UnpackedDualTensor(cut(tensor, leaves), pulled(linear, [weight], tangents, own=leaves)[0])
