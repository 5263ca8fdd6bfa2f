"""CuPy's arrays and functions, with NumPy's memory order of results.

CuPy gives every result C order, so channels-last images would lose their layout at the first ReLU. Here operators and
element-wise functions run on views whose axes are in the memory order of the first full operand, and the result is
transposed back. Results are instances of a subclass of CuPy's array, so that this also holds for operators.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial, wraps
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from backends import protocol
from backends.buffers import APART
from backends.deferred import Adapted
from backends.geometry import Array, Sizes
from backends.live import refuse_uploads

Function = Callable[..., Any]
BFLOAT16 = "E"  # its character
ELEMENTWISE_METHODS = (
    *(f"__{prefix}{name}__" for name in protocol.OPERATORS for prefix in ("", "r")),
    *(f"__{name}__" for name in (*protocol.UNARY, *protocol.COMPARISONS)),
    "clip",
    "conj",
    "round",
)
METHODS = (
    "__getitem__", "__matmul__", "__rmatmul__", "all", "any", "argmax", "argmin", "argsort", "astype", "copy", "cumsum",
    "diagonal", "dot", "flatten", "max", "mean", "min", "nonzero", "prod", "ravel", "repeat", "reshape", "std", "sum",
    "take", "trace", "var", "view",
)  # fmt: skip
IN_PLACE = (*(f"__i{name}__" for name in protocol.OPERATORS), "__setitem__", "fill", "sort")
UFUNC_METHODS = ("accumulate", "at", "outer", "reduce")
# Element-wise functions that are not ufuncs in CuPy.
FUNCTIONS = ("around", "clip", "isclose", "nan_to_num", "round", "sinc", "where")


def memory_order(shape: Sizes, strides: Sizes) -> list[int]:
    """The axes from the outermost to the innermost in memory; axes of length 1 stay before their neighbour."""
    keys, reach = [0] * len(shape), 0
    for i in reversed(range(len(shape))):
        if shape[i] > 1 and strides[i]:
            reach = abs(strides[i])
        keys[i] = reach
    return sorted(range(len(shape)), key=lambda i: -keys[i])


def in_order(copy: Function, array: Array) -> Any:
    """copy(array) with the memory order of `array`, even if `copy` does not keep it."""
    if array.flags.c_contiguous:
        return copy(array)
    axes = memory_order(array.shape, array.strides)
    return _back(copy(array.transpose(axes)), axes)


class Ordered:
    """The array type and the namespace of one device, over a library such as CuPy.

    device: makes a context in which the device is the current one; None if there is only one.
    """

    def __init__(self, library: Any, device: Callable[[], AbstractContextManager[Any]] | None = None) -> None:
        self.base: type = library.ndarray
        self.device = device
        self.is_cupy = hasattr(self.base, "_set_shape_and_strides")
        members: dict[str, Any] = {"__slots__": (), "__module__": __name__}
        for names, wrap in ((ELEMENTWISE_METHODS, self.keeping), (METHODS, self.adopting), (IN_PLACE, self.placed)):
            members |= {name: wrap(getattr(self.base, name)) for name in names if hasattr(self.base, name)}
        members |= {name: property(self.adopting(getattr(self.base, name).__get__)) for name in protocol.VIEWS}
        members["__hash__"] = self.base.__hash__  # defining comparisons would remove it
        if self.is_cupy:
            between: Any = type("Apart", (self.base,), {"__slots__": ("origin",), "__module__": __name__})
            APART.add(between)
            members["apart"] = partial(_apart, between)
            members["__array_function__"] = _given_to_numpy
        self.array: type = type(self.base.__name__, (self.base,), members)
        self.library = SimpleNamespace(**{name: self._member(name, value) for name, value in vars(library).items()})
        self.library.ndarray, self.library.asynchronous = self.array, True
        self.library.concatenate = self._concatenate(self.adopting(library.concatenate))
        self.library.pad = self._pad(self.adopting(library.pad))
        self.library.max = self.library.amax = self._max(self.library.max)
        self.library.where = self.keeping(_where(library.where))
        self.library.tril, self.library.triu = (self.adopting(_by_bits(f)) for f in (library.tril, library.triu))
        self.library.argpartition = self._argpartition(self.library.argpartition)
        for name in ("array", "asarray", "ascontiguousarray"):
            setattr(self.library, name, self._made_of(getattr(self.library, name)))
        for name in ("add", "maximum", "minimum"):
            getattr(self.library, name).at = _at(getattr(self.library, name).at)
        if self.is_cupy:
            self.library.empty = self.placed(self.array)  # CuPy's does the same and takes twice as long
            # CuPy's returns an array without a base.
            self.library.lib = SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=_as_strided))

    def adopt(self, result: Any) -> Any:
        """The result, with plain arrays converted to this type without a copy."""
        if result.__class__ is self.base:
            result.__class__ = self.array
        elif result.__class__ is tuple or result.__class__ is list:
            for value in result:
                self.adopt(value)
        return result

    def placed(self, function: Function) -> Function:
        """The function, run on this device; ValueError if an operand is on another."""
        device = self.device
        if device is None:
            return function

        @wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            for a in args:
                if isinstance(a, self.base) and a.__class__ is not self.array and a.__class__ is not self.base:
                    raise ValueError("operands are on different devices")
            with device():
                return function(*args, **given)

        return call

    def adopting(self, function: Function) -> Function:
        """The function with results of this type."""
        function, adopt = self.placed(function), self.adopt

        @wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            return adopt(function(*args, **given))

        return call

    def keeping(self, function: Function) -> Function:
        """The element-wise function with results in the memory order of the first of the largest operands."""
        function, adopt, base = self.placed(function), self.adopt, self.base

        @wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            arrays: list[Any] = [a for a in args if isinstance(a, base)]
            for a in arrays:
                if a.dtype.char == BFLOAT16:
                    if self.is_cupy:
                        args = tuple([a.dtype.type(v) if v.__class__ is float else v for v in args])
                    return _in_bfloat16(ordered(arrays, args, given), a.dtype, arrays, given)
            return ordered(arrays, args, given)

        def ordered(arrays: list[Any], args: Sequence[Any], given: dict[str, Any]) -> Any:
            if all(a.flags.c_contiguous for a in arrays) or given.get("out") is not None:
                return adopt(function(*args, **given))
            lead: Any = max(arrays, key=_rank)
            axes = memory_order(lead.shape, lead.strides)
            turned = [_turned(a, axes) if isinstance(a, base) else a for a in args]
            return adopt(_back(function(*turned, **given), axes))

        return call

    def _member(self, name: str, value: Any) -> Any:
        if name.startswith("_") or isinstance(value, type):
            return value
        if isinstance(value, ModuleType | SimpleNamespace):
            return Adapted(value, self._member)
        if not callable(value):
            return value
        if name in FUNCTIONS:
            return self.keeping(value)
        if not hasattr(value, "at"):
            return self.adopting(value)
        ufunc: Any = self.keeping(value)
        for method in UFUNC_METHODS:
            if hasattr(value, method):
                setattr(ufunc, method, self.adopting(getattr(value, method)))
        return ufunc

    def _concatenate(self, function: Function) -> Function:
        @wraps(function)
        def concatenate(arrays: Sequence[Array], axis: int = 0) -> Array:
            first = arrays[0]
            if axis is None or first.flags.c_contiguous:
                return function(arrays, axis)
            axes = memory_order(first.shape, first.strides)
            return _back(function([a.transpose(axes) for a in arrays], axes.index(axis % first.ndim)), axes)

        return concatenate

    def _max(self, function: Function) -> Function:
        def amax(a: Array, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None) -> Array:
            """`amax` with `initial`, which CuPy's lacks."""
            if initial is None:
                return function(a, axis, out, keepdims)
            if 0 in a.shape:
                return self.library.full_like(a.sum(axis=axis, keepdims=keepdims), initial, dtype=a.dtype)
            return self.library.maximum(function(a, axis, out, keepdims), initial)

        return amax

    def _argpartition(self, function: Function) -> Function:
        def argpartition(a: Array, kth: int, axis: int = -1) -> Array:
            """`argpartition` that also accepts empty arrays, for which CuPy's raises."""
            return function(a, kth, axis) if a.size else self.library.zeros(a.shape, dtype="int64")

        return argpartition

    def _made_of(self, function: Function) -> Function:
        @wraps(function)
        def make(a: Any, *args: Any, **given: Any) -> Array:
            if not isinstance(a, self.base):
                refuse_uploads()
            return function(a, *args, **given)

        return make

    def _pad(self, function: Function) -> Function:
        @wraps(function)
        def pad(x: Array, widths: Sequence[Any], *args: Any, **given: Any) -> Array:
            if x.flags.c_contiguous:
                return function(x, widths, *args, **given)
            axes = memory_order(x.shape, x.strides)
            return _back(function(x.transpose(axes), [widths[i] for i in axes], *args, **given), axes)

        return pad


def _at(function: Function) -> Function:
    """A ufunc's `at`, with types of up to 16 bits in 32: CuPy supports hardly any of them here."""

    def at(a: Array, indices: Any, b: Array) -> None:
        if a.dtype.itemsize > 2:
            function(a, indices, b)
            return
        kind = "int32" if a.dtype.kind in "iub" else "float32"
        wide = a.astype(kind)
        function(wide, indices, b.astype(kind))
        a[...] = wide.astype(a.dtype)

    return at


def _in_bfloat16(result: Any, dtype: Any, arrays: list[Any], given: dict[str, Any]) -> Any:
    """The result of operands of which one is bfloat16, with NumPy's dtype.

    CuPy's is wider where a function has no kernel for bfloat16. (Python's floats also make it float32, so they are
    converted first.)
    """
    if result.__class__ is tuple or given.get("out") is not None or result is NotImplemented:
        return result
    narrow = all(a.dtype.char == BFLOAT16 or a.dtype.kind in "biu" for a in arrays)
    return result.astype(dtype) if narrow and result.dtype.char in "fd" else result


def _where(function: Function) -> Function:
    """`where` that chooses among bit patterns of bfloat16: CuPy's gives float32."""

    @wraps(function)
    def where(condition: Array, *values: Any) -> Any:
        dtypes = {v.dtype for v in values if hasattr(v, "dtype")}
        dtype = dtypes.pop() if len(dtypes) == 1 else None
        if dtype is None or dtype.char != BFLOAT16:
            return function(condition, *values)
        bits = [_bits(v) if hasattr(v, "strides") else int(_bits(np.asarray(v, dtype))) for v in values]
        return function(condition, *bits).view(dtype)

    return where


def _by_bits(function: Function) -> Function:
    """A function that moves elements or makes them 0, also of bfloat16."""

    @wraps(function)
    def call(x: Array, *args: Any, **given: Any) -> Array:
        found = function(_bits(x) if x.dtype.char == BFLOAT16 else x, *args, **given)
        return found.view(x.dtype) if x.dtype.char == BFLOAT16 else found

    return call


def _bits(x: Array) -> Array:
    return x.view("int16")


def _given_to_numpy(array: Array, function: Function, *_: Any) -> Any:
    """NumPy's functions hand over to CuPy, of which some copy operands in host memory silently."""
    raise TypeError(f"np.{function.__name__} was called with an array on {array.device}")


def _apart(between: Any, array: Array) -> Array:
    """See `backends.buffers.apart`: CuPy's views of views have the first array as their base."""
    memory = between(array.shape, array.dtype, array.data, array.strides)
    memory.origin = array
    return memory.view(type=array.__class__)


def _as_strided(x: Array, shape: Sizes, strides: Sizes) -> Array:
    view = x.view()
    view._set_shape_and_strides(shape, strides, True, True)
    return view


def _rank(a: Array) -> tuple[int, int, bool]:
    """Ranks operands by which to choose the memory order: an expanded one has none for the axes that it repeats."""
    return a.ndim, a.size, 0 not in a.strides


def _turned(a: Array, axes: list[int]) -> Array:
    """The array, broadcast to this number of axes, with its axes in this order."""
    if a.ndim < len(axes):
        if not a.ndim:
            return a
        a = a.reshape((1,) * (len(axes) - a.ndim) + a.shape)
    return a.transpose(axes)


def _back(result: Any, axes: list[int]) -> Any:
    if result.__class__ is tuple:
        return tuple([_back(r, axes) for r in result])
    if result is NotImplemented:
        return result
    return result.transpose([axes.index(i) for i in range(len(axes))])
