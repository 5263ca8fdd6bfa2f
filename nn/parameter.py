"""Parameters: the tensors that a module learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograd_core import Tensor, functional
from autograd_core.tensor import wrap


class _ParameterType(type):
    def __call__(cls, data: Any = None, requires_grad: bool = True) -> Tensor:
        source = functional.empty(0) if data is None else functional.as_tensor(data)
        t = wrap(source.detach().array)
        t._role = "parameter"
        return t.requires_grad_() if requires_grad else t

    def __instancecheck__(cls, value: object) -> bool:
        return value.__class__ is Tensor and getattr(value, "_role", None) in ("parameter", UNINITIALIZED)


UNINITIALIZED = "uninitialized parameter"

if TYPE_CHECKING:

    class Parameter(Tensor):
        """The class as type checkers see it, because they do not evaluate metaclasses."""

        def __init__(self, data: Any = None, requires_grad: bool = True) -> None: ...

else:

    class Parameter(metaclass=_ParameterType):
        """A leaf on the storage of `data` that a `Module` lists among its parameters.

        The result is a plain `Tensor` with a mark, because operations test for exactly that class;
        `isinstance(t, Parameter)` checks the mark.

        >>> from autograd_core import tensor
        >>> isinstance(Parameter(tensor([1.0])), Parameter)
        True
        """


class _UninitializedType(type):
    def __call__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Tensor:
        t = Parameter(functional.empty(0, device=device, dtype=dtype), requires_grad)
        t._role = UNINITIALIZED
        return t

    def __instancecheck__(cls, value: object) -> bool:
        return value.__class__ is Tensor and getattr(value, "_role", None) == UNINITIALIZED


class UninitializedParameter(metaclass=_UninitializedType):
    """The type of a lazy module's parameter that has no elements yet; it gets them from `materialize(shape)`."""


def is_lazy(param: object) -> bool:
    """Whether a parameter has no elements yet."""
    return isinstance(param, UninitializedParameter)


def materialize(self: Tensor, shape: Any, device: Any = None, dtype: Any = None) -> None:
    """Give an `UninitializedParameter` elements, of any values; it remains the same object."""
    if not is_lazy(self):
        raise RuntimeError("materialize() is for an UninitializedParameter; this tensor has its elements")
    self.data = functional.empty(shape, device=device or self.device, dtype=dtype or self.dtype)
    self._role = "parameter"


setattr(Tensor, "materialize", materialize)  # noqa: B010  beside the class, which knows nothing of parameters


class _BufferType(type):
    def __call__(cls, data: Any = None, *, persistent: bool = True) -> Tensor:
        source = functional.empty(0) if data is None else functional.as_tensor(data)
        t = wrap(source.detach().array)
        t._role = "buffer" if persistent else "transient buffer"
        return t

    def __instancecheck__(cls, value: object) -> bool:
        return value.__class__ is Tensor and getattr(value, "_role", None) in ("buffer", "transient buffer")


if TYPE_CHECKING:

    class Buffer(Tensor):
        """The class as type checkers see it."""

        def __init__(self, data: Any = None, *, persistent: bool = True) -> None: ...

else:

    class Buffer(metaclass=_BufferType):
        """A tensor that a `Module` lists among its buffers when it is assigned to an attribute.

        Like `Parameter`, a plain `Tensor` with a mark.
        """
