"""Traces: what operations a function computes its results with, as a flat list of calls.

A traced array supports nothing, so every forward fails on it. What recovers from failed forwards (`failures.recover`)
then calls `each`, which computes on the held arrays and notes the call: no operation knows about traces.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple, NoReturn

import numpy as np

from autograd_core.engine.entries import Op
from autograd_core.engine.libraries import LIBRARY, is_array
from autograd_core.errors import TracingError
from autograd_core.grad_mode import no_grad
from autograd_core.registry import add_library
from autograd_core.tensor import Tensor, wrap
from autograd_core.trees import mapped


class Value:
    """One array of a trace: an input, or a result of a call. held: what it is for the example."""

    __slots__ = ("held",)

    def __init__(self, held: Any) -> None:
        self.held = held


class Call(NamedTuple):
    """One operation: its entry, its operands (values, plain arrays, numbers or None), its parameters, its results."""

    op: Op
    operands: tuple[Any, ...]
    statics: dict[str, Any]
    results: tuple[Value, ...]


class Trace(NamedTuple):
    """The calls of a function for one example, in order.

    inputs: the values of the tensors in the arguments. outputs: what the function returned, with a value, or a plain
    array that depends on no input, in place of every tensor.
    """

    inputs: tuple[Value, ...]
    calls: list[Call]
    outputs: Any


class Traced:
    """The array inside a traced tensor. In-place writes give it another value.

    origin: the array that this one is a view of.
    """

    __slots__ = ("__weakref__", "calls", "origin", "value", "views")
    __array_ufunc__ = None  # NumPy's operators give way
    base = None

    def __init__(self, value: Value, calls: list[Call], origin: Traced | None = None) -> None:
        self.value, self.calls, self.origin = value, calls, origin
        self.views: list[weakref.ref[Traced]] = []
        if origin is not None:
            origin.views.append(weakref.ref(self))

    shape = property(lambda self: self.value.held.shape)
    ndim = property(lambda self: self.value.held.ndim)
    dtype = property(lambda self: self.value.held.dtype)
    size = property(lambda self: self.value.held.size)
    itemsize = property(lambda self: self.value.held.itemsize)
    strides = property(lambda self: self.value.held.strides)
    flags = property(lambda self: self.value.held.flags)

    def copy(self, order: str = "C") -> Traced:
        """An array with the same value, which a write to this one does not change."""
        return Traced(self.value, self.calls)

    def __setitem__(self, index: Any, written: Any) -> None:
        if index is not ... or self.origin is not None or any(view() is not None for view in self.views):
            raise TracingError(
                "an in-place write to a part of a tensor, or to one that has views, cannot be traced; "
                "use where(), cat() or stack() instead"
            )
        self.value = written.value if written.__class__ is Traced else Value(written.copy())

    def _read(self, *_: Any) -> NoReturn:
        raise TracingError(
            f"Python asked for the values of a traced tensor of shape {self.shape}: what follows from them would be "
            "the same for every input; use where() and other tensor functions instead"
        )

    __array__ = __bool__ = __int__ = __float__ = __complex__ = __index__ = __iter__ = __len__ = item = tolist = _read
    __eq__ = __ne__ = _read  # Python's own would compare identities
    __hash__ = object.__hash__


class _Namespace(SimpleNamespace):
    """The namespace of traced arrays: no functions, but the way to compute and note a call."""

    asarray = staticmethod(np.asarray)  # of numbers beside traced tensors

    def each(self, o: Op, arrays: Sequence[Any], statics: dict[str, Any]) -> Any:
        """Compute on the held arrays, and note the call."""
        held = [a.value.held if a.__class__ is Traced else a for a in arrays]
        found = o.forward(LIBRARY[next(a.__class__ for a in held if is_array(a))], *held, **statics)
        y, *residuals = found if o.residuals else (found,)
        traced = [a for a in arrays if a.__class__ is Traced]
        values = tuple([Value(np.asarray(v)) for v in (y if o.outputs else (y,))])
        operands = [a.value if a.__class__ is Traced else a for a in arrays]
        traced[0].calls.append(Call(o, tuple(operands), statics, values))
        origin = arrays[0] if o.view else None
        results = tuple([Traced(value, traced[0].calls, origin) for value in values])
        y = results if o.outputs else results[0]
        return (y, *residuals) if o.residuals else y


class _Backend:
    """What programs ask of the backend of traced arrays."""

    name, checks_values = "cpu", False

    @staticmethod
    def device_of(_: Any) -> str:
        return "cpu"

    @staticmethod
    def to_host(array: Traced) -> NoReturn:
        array._read()


def _no_statistics(*_: Any) -> NoReturn:
    raise TracingError("batch normalisation of a traced tensor would change its running statistics; call .eval() first")


add_library(_Namespace(backend=_Backend(), kernels=SimpleNamespace(fused=None, track=_no_statistics)), (Traced,))


def trace(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Trace:
    """Call the function on arguments, of which tensors are inputs, and return the calls that compute its results.

    Nothing is recorded for gradients. Operations on other tensors, such as parameters alone, are computed once: their
    results are constants. Raises TracingError where Python asks for values, or writes to a part of a tensor.
    """
    calls: list[Call] = []
    inputs: list[Value] = []

    def entered(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        inputs.append(Value(np.asarray(x.array)))
        return wrap(Traced(inputs[-1], calls))

    def left(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        return x.array.value if x.array.__class__ is Traced else x.array

    args, kwargs = mapped(entered, (args, kwargs))
    try:
        with no_grad():
            outputs = mapped(left, function(*args, **kwargs))
    except AttributeError as e:
        if not isinstance(e.obj, Traced):
            raise
        raise TracingError(f"this function works on the memory of a tensor ('{e.name}') and cannot be traced") from e
    return Trace(tuple(inputs), calls, outputs)
