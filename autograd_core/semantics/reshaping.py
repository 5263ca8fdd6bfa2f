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
from autograd_core.tensor import Tensor, own_scalar, wrap

NAMES = ("as_strided", "squeeze", "swapaxes", "swapdims", "t", "transpose", "unsqueeze")


def _method(name: str) -> Callable[..., Tensor]:
    function = getattr(functional, name)

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if grad_enabled() and self.node.__class__ is Leaf:
            raise InplaceError(f"{name}_() of a leaf that requires a gradient; use `with no_grad():`, or .{name}()")
        own_scalar(self)
        with enable_grad():
            seen = _seen(self, lambda x: function(x, *args, **kwargs))
        if self.node.__class__ is not Leaf:
            replace_node(self, seen.node)
        self.array = seen.array
        return self

    method.__name__ = method.__qualname__ = f"{name}_"
    method.__doc__ = f"`{name}` in place: this tensor itself takes on the result's shape, on the same storage."
    method.__wrapped__ = function  # type: ignore[attr-defined]  # its signature is what help() and the stub show
    return method


def _seen(x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """The view of `x` that `x` is to become; what knows `x` as a view, or as the base of its views, knows the new one.

    Views lead from their base as it was: a tensor that takes the place of `x` stays so, and `x` becomes its view.
    """
    live = _live_views(x)
    seen = function(base := wrap(x.array, x.node) if live else x)
    for v in live:
        v._alias = View(base, v._alias.path, v._alias.by)
        base._alias.add(v)
    if live:
        base._alias.add(x)
    if live or getattr(x, "_alias", None).__class__ is View:
        x._alias = seen._alias
    return seen


def _live_views(x: Tensor) -> tuple[Tensor, ...]:
    """The views of which `x` is the base."""
    views = getattr(x, "_alias", ())
    return () if views.__class__ is View else tuple(views)


def resize_(self: Tensor, size: Any, *more: int, memory_format: Any = None) -> Tensor:
    """Give this tensor another shape, with the elements of its storage in order; returns it.

    If the storage is too short, the tensor gets one of its own, with undefined elements at the end.
    """
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad: use .reshape() or .new_empty()")
    seen = functional.empty(size, *more, dtype=self.dtype, device=self.device, memory_format=memory_format)
    if seen.shape == self.shape and (memory_format is None or seen.stride() == self.stride()):
        return self
    own_scalar(self)
    room = storage(self.array).nbytes // self.itemsize - self.storage_offset()
    if seen.numel() <= room:
        self.array = _seen(self, lambda x: functional.as_strided(x, seen.shape, seen.stride())).array
        return self
    if _live_views(self):
        raise InplaceError("resize_() of a tensor with live views to more elements than it has memory; drop the views")
    functional.as_strided(seen, (room,), (1,)).copy_(functional.as_strided(self, (room,), (1,)))
    self.array = seen.array
    if (alias := getattr(self, "_alias", None)).__class__ is View:
        alias.base._alias.discard(self)
        del self._alias
    return self


def resize_as_(self: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """Give this tensor the shape of another one, as `resize_` does; returns it."""
    return resize_(self, the_template.shape, memory_format=memory_format)


def install() -> None:
    """Add these methods to Tensor."""
    for name in NAMES:
        setattr(Tensor, f"{name}_", _method(name))
    for method in (resize_, resize_as_):
        setattr(Tensor, method.__name__, method)
