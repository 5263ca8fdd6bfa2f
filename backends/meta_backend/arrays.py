"""Arrays with a shape, a dtype and strides but without memory: functions of them find out shapes.

Their elements are zeros at addresses that are reserved and never get memory, so NumPy's own views and strides hold. Of
element-wise functions and reductions one element is computed, of products nothing. Other functions compute with the
zeros, and their results are dropped.
"""

import mmap
from collections.abc import Callable, Sequence
from math import prod
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from backends import protocol
from backends.geometry import Sizes
from backends.strides import dense, innermost_first

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]
NO_DATA = "Cannot copy out of meta tensor; no data! A module gets memory from to_empty(), a tensor from empty_like()"
LEAST = 1 << 24  # bytes of addresses to reserve at a time; a process may be allowed few


class MetaArray(np.lib.mixins.NDArrayOperatorsMixin):
    """What NumPy knows of an array besides its elements. base: the array that this one is a view of."""

    __slots__ = ("__weakref__", "base", "held")
    __hash__ = None  # type: ignore[assignment]  # as of every array
    shape: Sizes
    strides: Sizes
    dtype: Any
    ndim: int

    def __init__(self, held: Array, base: "MetaArray | None" = None) -> None:
        self.held, self.base = held, base

    def __repr__(self) -> str:
        return f"MetaArray({self.dtype}, {self.shape})"

    def refuse(self, *_: Any, **__: Any) -> NoReturn:
        """Raise: there is nothing to be read."""
        raise NotImplementedError(NO_DATA)

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __iter__ = __contains__ = __array__ = refuse
    item = tolist = __dlpack__ = __dlpack_device__ = refuse

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__":
            return _call(ufunc, inputs, kwargs, pointwise if ufunc.signature is None else None)
        return _call(getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, function: Function, types: Any, args: Any, kwargs: Any) -> Any:
        return _call(function, args, kwargs)

    def __len__(self) -> int:
        return len(self.held)

    def __getitem__(self, index: Any) -> Any:
        return _call(np.ndarray.__getitem__, (self, index), {}, _dynamic if _has_mask(index) else None)

    def __setitem__(self, index: Any, value: Any) -> None:
        if not _has_mask(index):
            _written(self[index], np.shape(value))

    def copy(self, order: str = "C") -> Any:
        """An array of the same shape."""
        return pointwise(np.copy, self, order=order)

    def astype(self, dtype: Any, order: str = "K", copy: bool = True) -> Any:
        """An array of the same shape in another dtype."""
        return self if not copy and self.dtype == dtype else blank(self.shape, dtype, self if order == "K" else None)

    @property
    def data(self) -> Any:
        """The distance from the first element of the base, as an address in CuPy's form."""
        owner = self if self.base is None else self.base
        return SimpleNamespace(ptr=self.held.ctypes.data - owner.held.ctypes.data)


def _method(function: Function) -> Function:
    return lambda self, *args, **kwargs: _call(function, (self, *args), kwargs)


def _view(name: str) -> property:
    return property(lambda self: wrap(getattr(self.held, name), self))


for _name in protocol.METHODS:
    if _name not in vars(MetaArray):
        setattr(MetaArray, _name, _method(getattr(np.ndarray, _name)))
for _name in protocol.ATTRIBUTES:
    setattr(MetaArray, _name, property(attrgetter(f"held.{_name}")))
for _name in protocol.VIEWS:
    setattr(MetaArray, _name, _view(_name))

_zeros: Array = np.zeros(0, np.uint8)


def _reserved(size: int) -> Array:
    """At least this many bytes, the same for all arrays."""
    global _zeros
    if size > len(_zeros):
        private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, "prot": mmap.PROT_READ}
        try:
            _zeros = np.frombuffer(mmap.mmap(-1, max(size, 2 * len(_zeros), LEAST), **private), np.uint8)
        except (OSError, OverflowError, ValueError):
            raise MemoryError(f"there are no addresses for {size} bytes") from None
    return _zeros


def blank(shape: Sizes, dtype: Any, like: Any = None) -> MetaArray:
    """An array, with the memory order of axes of `like`."""
    kind = np.dtype(dtype)
    strides = dense(shape, None if like is None else innermost_first(like), kind.itemsize)
    return MetaArray(np.ndarray(shape, kind, _reserved(prod(shape) * kind.itemsize), 0, strides))


def placed(shape: Sizes, dtype: Any, strides: Sequence[int]) -> MetaArray:
    """An array whose axes are in the order of these strides in memory."""
    return blank(shape, dtype, SimpleNamespace(shape=shape, strides=tuple(strides)))


def wrap(value: Any, source: MetaArray | None = None) -> Any:
    """The result of a function: a view of `source`, or an array without the elements that were computed."""
    if isinstance(value, (tuple, list)):
        wrapped = [wrap(v, source) for v in value]
        return wrapped if isinstance(value, list) else tuple(wrapped)
    if isinstance(value, np.ndarray) and source is not None and np.may_share_memory(value, source.held):
        return MetaArray(value, source if source.base is None else source.base)
    return blank(value.shape, value.dtype, value) if isinstance(value, (np.ndarray, np.generic)) else value


def _mapped(change: Function, value: Any) -> Any:
    if isinstance(value, MetaArray):
        return change(value.held)
    if isinstance(value, np.ndarray) and value.ndim:
        raise TypeError("an array of the host beside arrays of the device 'meta'")
    if isinstance(value, dict):
        return {name: _mapped(change, v) for name, v in value.items()}
    return type(value)([_mapped(change, v) for v in value]) if value.__class__ in (tuple, list) else value


def _call(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], rule: Function | None = None) -> Any:
    """A function of NumPy by its rule; what it would write is only checked."""
    out = kwargs.pop("out", None)
    if function in WRITING or function.__name__ == "at":
        return _written(args[0], ())
    with np.errstate(all="ignore"):
        result = (rule or RULES.get(function.__name__, _computed))(function, *args, **kwargs)
    written = out[0] if isinstance(out, tuple) else out
    return result if written is None else _written(written, result.shape)


def _written(array: Any, shape: Sizes) -> Any:
    """The array, if values of this shape can be written to it."""
    if array.__class__ is not MetaArray:
        raise NotImplementedError(NO_DATA)
    if np.broadcast_shapes(shape, array.shape) != array.shape:
        raise ValueError(f"values of shape {shape} do not fit into an array of shape {array.shape}")
    return array


def _computed(function: Function, *args: Any, **kwargs: Any) -> Any:
    """Computed with zeros, but with regular matrices."""
    regular = getattr(function, "__module__", "") == "numpy.linalg"
    change = (lambda held: held + np.eye(*held.shape[-2:], dtype=held.dtype)) if regular else lambda held: held
    source = next((a for a in (*args, *kwargs.values()) if a.__class__ is MetaArray), None)
    return wrap(function(*_mapped(change, args), **_mapped(change, kwargs)), source)


def _one(held: Array) -> Any:
    first: Any = (slice(0, 1),) * held.ndim
    return held[(*first, ...)]


def pointwise(function: Function, *args: Any, shape: Any = None, **kwargs: Any) -> Any:
    """A function whose result has the common shape of its operands (or `shape`), computed for one element of each."""
    arrays = [a for a in (*args, *kwargs.values()) if a.__class__ is MetaArray]
    found = function(*_mapped(_one, args), **_mapped(_one, kwargs))
    common = np.broadcast_shapes(*[a.shape for a in arrays]) if shape is None else tuple(shape)
    like = next((a for a in arrays if a.shape == common and kwargs.get("order", "K") == "K"), None)
    results = [blank(common, y.dtype, like) for y in (found if isinstance(found, tuple) else (found,))]
    return tuple(results) if isinstance(found, tuple) else results[0]


def _along(function: Function, x: MetaArray, *args: Any, **kwargs: Any) -> Any:
    """A function along one axis, whose result has the shape of its operand."""
    axis = kwargs.get("axis", args[0] if args else -1)
    return (_computed if axis is None else pointwise)(function, x, *args, **kwargs)


def _reduced(function: Function, x: MetaArray, *args: Any, keepdims: bool = False, **kwargs: Any) -> Any:
    """A reduction, computed for one element."""
    found = function(_one(x.held), *args, keepdims=keepdims, **kwargs)
    axis = kwargs.get("axis", args[0] if args else 0 if function.__name__ == "reduce" else None)
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    kept = [i for i in range(x.ndim) if keepdims or i not in axes]
    shape = tuple([1 if i in axes else x.shape[i] for i in kept])
    return placed(shape, found.dtype, [x.strides[i] for i in kept])


def _product(function: Function, a: Any, b: Any) -> Any:
    if not (a.ndim and b.ndim) or (function.__name__ == "dot" and b.ndim > 2):
        return _computed(function, a, b)
    if a.__class__ is not b.__class__ or a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        raise (ValueError if a.__class__ is b.__class__ else TypeError)(f"no product of {a!r:.80} and {b!r:.80}")
    shape = *np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *a.shape[-2:-1], *b.shape[1:][-1:]
    return blank(shape, np.result_type(a.dtype, b.dtype))


def _dynamic(function: Function, *_: Any, **__: Any) -> NoReturn:
    what = function.__name__.strip("_")
    raise NotImplementedError(f"the shape of a result ({what}) depends on values, which meta tensors do not have")


def _repeated(function: Function, x: Any, repeats: Any, *args: Any, **kwargs: Any) -> Any:
    return (_dynamic if isinstance(repeats, MetaArray) else _computed)(function, x, repeats, *args, **kwargs)


def _has_mask(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(i.__class__ is MetaArray and i.dtype == np.bool_ and i.ndim for i in parts)


WRITING = {np.copyto, np.fill_diagonal, np.put_along_axis, np.putmask, np.ndarray.fill, np.ndarray.sort}
REDUCTIONS = "all any amax amin argmax argmin max mean min prod reduce std sum var"
POINTWISE = "around clip conj copy empty_like full_like isclose nan_to_num ones_like round tril triu where zeros_like"
# By the name of the function; what is in no rule is computed.
RULES: dict[str, Function] = {
    **dict.fromkeys(POINTWISE.split(), pointwise),
    **dict.fromkeys(("argsort", "cumprod", "cumsum", "sort"), _along),
    **dict.fromkeys(REDUCTIONS.split(), _reduced),
    **dict.fromkeys(("dot", "matmul"), _product),
    **dict.fromkeys(protocol.DYNAMIC, _dynamic),
    "repeat": _repeated,
}
