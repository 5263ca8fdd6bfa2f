"""In-place methods that change a tensor's view and not its elements: `transpose_` and the like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import functional
from autograd_core.errors import InplaceError
from autograd_core.nodes import Leaf
from autograd_core.tensor import Tensor, enable_grad, grad_enabled, own_scalar
from autograd_core.versions import View

NAMES = ("as_strided", "squeeze", "swapaxes", "swapdims", "t", "transpose", "unsqueeze")


def _method(name: str) -> Callable[..., Tensor]:
    function = getattr(functional, name)

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        _refuse(self, name)
        own_scalar(self)
        with enable_grad():
            seen = function(self, *args, **kwargs)
        if self.node.__class__ is not Leaf:
            self.node = seen.node
        self.array = seen.array
        if getattr(self, "_alias", None).__class__ is View:
            self._alias = seen._alias
        return self

    method.__name__ = method.__qualname__ = f"{name}_"
    method.__doc__ = f"`{name}` in place: this tensor itself takes on the result's shape, on the same storage."
    method.__wrapped__ = function  # type: ignore[attr-defined]  # its signature is what help() and the stub show
    return method


def _refuse(x: Tensor, name: str) -> None:
    if grad_enabled() and x.node.__class__ is Leaf:
        raise InplaceError(f"{name}_() of a leaf that requires a gradient; use `with no_grad():`, or .{name}()")
    views = getattr(x, "_alias", ())
    if views.__class__ is not View and any(True for _ in views):
        raise InplaceError(f"{name}_() of a tensor with live views; use .{name}(), or drop the views")


def install() -> None:
    """Add these methods to Tensor."""
    for name in NAMES:
        setattr(Tensor, f"{name}_", _method(name))
