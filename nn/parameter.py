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
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            "only lazy layers make uninitialized parameters; in a module of your own, assign "
            "self.weight = nn.Parameter(...) when forward() is first called"
        )

    def __instancecheck__(cls, value: object) -> bool:
        return value.__class__ is Tensor and getattr(value, "_role", None) == UNINITIALIZED


class UninitializedParameter(metaclass=_UninitializedType):
    """The type of a lazy layer's parameter that has no elements yet."""


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
