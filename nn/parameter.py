"""Parameters: the tensors that a module learns."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor, functional
from autograd_core.creation.values import where_it_is
from autograd_core.engine.overriding import no_override
from autograd_core.errors import OperandError

UNINITIALIZED = "uninitialized parameter"


class _Marked(type):
    """The type of a class whose instances are tensors with a mark: plain ones, because operations test for exactly that
    class, or those of a subclass.
    """

    def __instancecheck__(cls, value: object) -> bool:
        marked = isinstance(value, Tensor) and getattr(value, "_role", None) in vars(cls).get("marks", ())
        return marked or super().__instancecheck__(value)


def _detached(data: Any) -> Any:
    return (functional.empty(0) if data is None else where_it_is(data)).detach()


class Parameter(Tensor, metaclass=_Marked):
    """A leaf on the storage of `data` that a `Module` lists among its parameters.

    It is of the class of `data`, with a mark that `isinstance(t, Parameter)` checks. A subclass of `Parameter` makes
    tensors of its own class.

    >>> from autograd_core import tensor
    >>> isinstance(Parameter(tensor([1.0])), Parameter)
    True
    """

    marks = ("parameter", UNINITIALIZED)
    __torch_function__: Any = no_override

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        t = _detached(data)
        t = t if cls is Parameter else Tensor._make_subclass(cls, t)
        t._role = "parameter"
        return t.requires_grad_() if requires_grad else t


def allocate(module: Any, device: Any, dtype: Any, **shapes: tuple[int, ...] | None) -> None:
    """Register a parameter of each of the shapes, whose elements are not set yet; without a shape it is None."""
    for name, shape in shapes.items():
        if shape is None:
            module.register_parameter(name, None)
        else:
            setattr(module, name, Parameter(functional.empty(shape, device=device, dtype=dtype)))


class UninitializedParameter(Tensor, metaclass=_Marked):
    """The type of a lazy module's parameter that has no elements yet; it gets them from `materialize(shape)`."""

    marks = (UNINITIALIZED,)

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        t = Parameter(functional.empty(0, device=device, dtype=dtype), requires_grad)
        t._role = UNINITIALIZED
        return t


def is_lazy(param: object) -> bool:
    """Whether a parameter has no elements yet."""
    return isinstance(param, UninitializedParameter)


def refuse_lazy(param: object, purpose: str) -> None:
    """Raise a ValueError if a parameter that is to be replaced has no elements yet."""
    if is_lazy(param):
        raise OperandError(f"an uninitialized parameter cannot be {purpose}; run the module once before")


def materialize(self: Tensor, shape: Any, device: Any = None, dtype: Any = None) -> None:
    """Give an `UninitializedParameter` elements, of any values; it remains the same object."""
    if not is_lazy(self):
        raise RuntimeError("materialize() is for an UninitializedParameter; this tensor has its elements")
    self.data = functional.empty(shape, device=device or self.device, dtype=dtype or self.dtype)
    self._role = "parameter"


setattr(Tensor, "materialize", materialize)  # noqa: B010  beside the class, which knows nothing of parameters


class Buffer(Tensor, metaclass=_Marked):
    """A tensor that a `Module` lists among its buffers when it is assigned to an attribute.

    Like `Parameter`, a tensor with a mark.
    """

    marks = ("buffer", "transient buffer")

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        t = _detached(data)
        t._role = "buffer" if persistent else "transient buffer"
        return t
