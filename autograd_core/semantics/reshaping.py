"""In-place methods that change a tensor's shape and not its elements: `transpose_` and the like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import functional
from autograd_core.engine.inplace import replace_node
from autograd_core.engine.nodes import Leaf
from autograd_core.engine.versions import View, storage
from autograd_core.errors import InplaceError
from autograd_core.grad_mode import enable_grad, grad_enabled
from autograd_core.tensor import Tensor, own_scalar

NAMES = ("as_strided", "squeeze", "swapaxes", "swapdims", "t", "transpose", "unsqueeze")


def _method(name: str) -> Callable[..., Tensor]:
    function = getattr(functional, name)

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        _refuse(self, name, name)
        own_scalar(self)
        with enable_grad():
            seen = function(self, *args, **kwargs)
        if self.node.__class__ is not Leaf:
            replace_node(self, seen.node)
        self.array = seen.array
        if getattr(self, "_alias", None).__class__ is View:
            self._alias = seen._alias
        return self

    method.__name__ = method.__qualname__ = f"{name}_"
    method.__doc__ = f"`{name}` in place: this tensor itself takes on the result's shape, on the same storage."
    method.__wrapped__ = function  # type: ignore[attr-defined]  # its signature is what help() and the stub show
    return method


def resize_(self: Tensor, size: Any, *more: int, memory_format: Any = None) -> Tensor:
    """Give this tensor another shape, with the elements of its storage in order; returns it.

    If the storage is too short, the tensor gets one of its own, with undefined elements at the end.
    """
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad: use .reshape() or .new_empty()")
    seen = functional.empty(size, *more, dtype=self.dtype, device=self.device, memory_format=memory_format)
    if seen.shape == self.shape and (memory_format is None or seen.stride() == self.stride()):
        return self
    _refuse(self, "resize", "reshape")
    own_scalar(self)
    room = storage(self.array).nbytes // self.itemsize - self.storage_offset()
    if seen.numel() > room:
        functional.as_strided(seen, (room,), (1,)).copy_(functional.as_strided(self, (room,), (1,)))
    else:
        seen = functional.as_strided(self, seen.shape, seen.stride())
    self.array = seen.array
    if (alias := getattr(self, "_alias", None)).__class__ is View:
        if getattr(seen, "_alias", None).__class__ is View:
            self._alias = seen._alias
        else:
            alias.base._alias.discard(self)
            del self._alias
    return self


def resize_as_(self: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """Give this tensor the shape of another one, as `resize_` does; returns it."""
    return resize_(self, the_template.shape, memory_format=memory_format)


def _refuse(x: Tensor, name: str, other: str) -> None:
    if grad_enabled() and x.node.__class__ is Leaf:
        raise InplaceError(f"{name}_() of a leaf that requires a gradient; use `with no_grad():`, or .{other}()")
    views = getattr(x, "_alias", ())
    if views.__class__ is not View and any(True for _ in views):
        raise InplaceError(f"{name}_() of a tensor with live views; use .{other}(), or drop the views")


def install() -> None:
    """Add these methods to Tensor."""
    for name in NAMES:
        setattr(Tensor, f"{name}_", _method(name))
    for method in (resize_, resize_as_):
        setattr(Tensor, method.__name__, method)
