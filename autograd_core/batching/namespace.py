"""The functions of an array library, for batches of its arrays.

`tables` assigns each function to one of a few kinds; functions in no table run sample by sample.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from autograd_core.batching import loops, products, shaping, tables
from autograd_core.batching.arrays import Batched, pointwise
from autograd_core.batching.levels import differs, held_by, level_of
from autograd_core.batching.subscripts import add_at
from autograd_core.engine.entries import Op
from autograd_core.engine.libraries import LAYERS, LIBRARY, is_array
from autograd_core.errors import VmapError
from autograd_core.registry import add_library
from backends.deferred import Adapted
from backends.generic import products as products_of
from backends.kernels import offer
from backends.locks import shared_lock

_lock = shared_lock()
_classes: dict[int, type[Batched]] = {}  # by id of the library of the held arrays


class BatchedNamespace(SimpleNamespace):
    """The namespace that a forward receives when it runs on batches."""

    def run(self, o: Op, *arrays: Any, **statics: Any) -> Any:
        """Run an operation's forward on batches or, if batches do not support it, on each sample."""
        try:
            return o.forward(self, *arrays, **statics)
        except Exception:
            return self.each(o, arrays, statics)

    def each(self, o: Op, arrays: Any, statics: dict[str, Any]) -> Any:
        """Run an operation's forward on each sample."""

        def forward(*arrays: Any, **statics: Any) -> Any:
            library = next(LIBRARY[a.__class__] for a in arrays if is_array(a))
            nested = isinstance(library, BatchedNamespace)
            return library.run(o, *arrays, **statics) if nested else o.forward(library, *arrays, **statics)

        forward.__name__ = o.name
        return loops.each(self.type, forward, *arrays, apart=o.view, **statics)


class BatchedBackend:
    """The backend of batches, which delegates to that of the held arrays."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    @property
    def name(self) -> str:
        """The name of the held arrays' backend."""
        return self.inner.name

    def device_of(self, array: Any) -> str:
        """The device of the elements."""
        return self.inner.device_of(array.held)

    def to_host(self, array: Any) -> Any:
        """The elements as a host array, if all samples share them."""
        if array.level is not None:
            raise VmapError(
                f"the values of {array.level.size} samples inside vmap cannot be read by Python: control flow must not "
                "depend on them; use where() instead of if, and return tensors instead of numbers"
            )
        return self.inner.to_host(array.held)

    def synchronize(self) -> None:
        """Wait for all pending work."""
        self.inner.synchronize()


def layer(library: Any) -> type[Batched]:
    """The array type for batches of a library's arrays, registered on first use."""
    with _lock:
        key = id(library)
        if key not in _classes:
            depth = getattr(library, "depth", 0) + 1
            body = {"__slots__": (), "depth": depth, "inner": library}
            cls: Any = type(f"Batched{depth if depth > 1 else ''}", (Batched,), body)
            namespace = _namespace(cls, library)
            cls.library = namespace
            LAYERS[cls] = depth
            add_library(namespace, (cls,))
            _classes[key] = cls
        return _classes[key]


def _namespace(cls: Any, library: Any) -> BatchedNamespace:
    members = {name: _member(cls, name, m) for name, m in vars(library).items() if not name.startswith("_")}
    members |= {name: partial(f, cls, getattr(library, name, None)) for name, f in SPECIAL.items()}
    members |= {name: Adapted(getattr(library, name), partial(_member, cls)) for name in ("linalg", "fft")}
    strided = partial(shaping.strided, cls, library.lib.stride_tricks.as_strided)
    members["lib"] = SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=strided))
    members["kernels"] = _kernels(cls, library.kernels)
    members |= {"backend": BatchedBackend(library.backend), "type": cls, "depth": cls.depth}
    namespace = BatchedNamespace(**members)
    kernels = namespace.kernels  # kernels composed of functions that take batches:
    kernels.product, kernels.linear = namespace.matmul, partial(products_of.linear, namespace)
    offer(
        kernels, namespace, "normalization", "attention", "reduction", "joining", "softmax", "conversion", "distances"
    )
    return namespace


def _member(cls: Any, name: str, member: Any) -> Any:
    if not callable(member) or isinstance(member, type):
        return member
    if isinstance(getattr(np, name, None), np.ufunc) and name != "matmul":
        return _Ufunc(cls, member)
    if name in tables.POINTWISE:
        return partial(pointwise, cls, member)
    if name in tables.AXIS:
        return partial(_along, cls, member, *tables.AXIS[name])
    return partial(_stacked if name in tables.LAST_AXES else loops.each, cls, member)


def _kernels(cls: Any, kernels: SimpleNamespace) -> SimpleNamespace:
    members: dict[str, Any] = {}
    for name, kernel in vars(kernels).items():
        if not callable(kernel):
            members[name] = Adapted(kernel, lambda _, function: partial(pointwise, cls, function))  # scipy.special
            continue
        module = getattr(getattr(kernel, "func", kernel), "__module__", "").rpartition(".")[2]
        if name in tables.FOLDED:
            members[name] = partial(_folded, cls, kernel, *tables.FOLDED[name])
        elif name in tables.ALONG:
            members[name] = partial(_shifted, cls, kernel, *tables.ALONG[name])
        elif (
            name in tables.POINTWISE_KERNELS
            or module in tables.POINTWISE_MODULES
            or getattr(kernel, "func", None) is pointwise
        ):
            members[name] = partial(pointwise, cls, kernel)
        else:
            kind = _stacked if name in tables.MATRICES else _paired if name in tables.SYSTEMS else loops.each
            members[name] = partial(kind, cls, kernel)
    members["take_at"], members["put_at"] = operator.getitem, operator.setitem
    members["add_at"], members["fused"] = partial(add_at, cls), None
    members["diagonal"], members["wide"] = partial(_diagonal_kernel, cls, kernels.diagonal), frozenset()
    return SimpleNamespace(**members)


class _Ufunc:
    """A ufunc on batches, with its reductions."""

    def __init__(self, cls: Any, ufunc: Any) -> None:
        self.cls, self.ufunc = cls, ufunc

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("out") is not None:
            raise TypeError("batches do not support out=")
        return pointwise(self.cls, self.ufunc, *args, **kwargs)

    def at(self, x: Any, index: Any, *values: Any) -> None:
        """Write at positions that may repeat."""
        level = level_of(x, index, values, depth=self.cls.depth)
        if level is not None:
            x.diverge(level)
        for i in range(1 if level is None else level.size):
            self.ufunc.at(x.sample(i), *loops.sampled((index, *values), i, self.cls.depth))

    def reduce(self, x: Any, axis: Any = 0, *args: Any, **kwargs: Any) -> Any:
        """The reduction over one axis, several, or all (None)."""
        return _along(self.cls, self.ufunc.reduce, 1, tables.ALL, x, axis, *args, **kwargs)


def _along(cls: Any, function: Callable[..., Any], place: int, default: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """A function along axes, which are shifted by one in the held array."""
    if level_of(args, kwargs, depth=cls.depth) is not None or not differs(cls, x):
        return loops.each(cls, function, x, *args, **kwargs)
    given = [held_by(cls, a) for a in args]
    keyword = "axes" if "axes" in kwargs else "axis"
    positional = len(given) >= place
    axis = given[place - 1] if positional else kwargs.pop(keyword, None if isinstance(default, str) else default)
    held = x.held
    if axis is None and default == tables.ALL:
        axis = tuple(range(1, held.ndim))
    elif axis is None and default == tables.FLAT:
        if kwargs.get("keepdims"):
            return loops.each(cls, function, x, *args, **kwargs)
        held, axis = held.reshape(held.shape[0], x.size), 1
    elif axis is None:
        return loops.each(cls, function, x, *args, **kwargs)
    elif not x.ndim and axis in (-1, 0):  # a 0-d sample counts as having one axis
        axis = ()
    else:
        axis = shaping.shifted(axis, x.ndim)
    if positional:
        given[place - 1] = axis
    else:
        kwargs[keyword] = axis
    return cls(function(held, *given, **kwargs), x.level)


def _stacked(cls: Any, function: Callable[..., Any], x: Any, *args: Any, **kwargs: Any) -> Any:
    """A function of the last axes of one array."""
    if level_of(args, kwargs, depth=cls.depth) is not None or not differs(cls, x):
        return loops.each(cls, function, x, *args, **kwargs)
    y = function(x.held, *args, **kwargs)
    return tuple([cls(v, x.level) for v in y]) if isinstance(y, tuple) else cls(y, x.level)


def _paired(cls: Any, kernel: Callable[..., Any], a: Any, b: Any, *args: Any) -> Any:
    """A function of two stacks of matrices."""
    level = level_of((a, b), depth=cls.depth)
    if level is None or a.ndim != b.ndim:
        return loops.each(cls, kernel, a, b, *args)
    y = kernel(*[x.held if differs(cls, x) else held_by(cls, x)[None] for x in (a, b)], *args)
    parts = [cls(v if len(v) == level.size else cls.inner.repeat(v, level.size, 0), level) for v in _several(y)]
    return tuple(parts) if isinstance(y, tuple) else parts[0]


def _shifted(cls: Any, kernel: Callable[..., Any], places: tuple[int, ...], axis: int, *args: Any) -> Any:
    """A kernel along an axis of one array, or of several with the same shape."""
    level = level_of(args, depth=cls.depth)
    if level is None or level_of([a for i, a in enumerate(args) if i not in places], depth=cls.depth) is not None:
        return loops.each(cls, kernel, *args)
    given = [shaping.spread(cls, a, level) if i in places else a for i, a in enumerate(args)]
    given[axis] = shaping.shifted(args[axis], args[places[0]].ndim)
    return cls(kernel(*given), level)


def _folded(cls: Any, kernel: Callable[..., Any], places: tuple[int, ...], shape: int | None, *args: Any) -> Any:
    """A kernel whose arrays share a first axis, into which the axis of samples is merged."""
    level = level_of(args, depth=cls.depth)
    rest = [a for i, a in enumerate(args) if i not in places]
    if level is None or level_of(rest, depth=cls.depth) is not None:
        return loops.each(cls, kernel, *args)
    given = [held_by(cls, a) for a in args]
    for i in places:
        held = shaping.spread(cls, args[i], level)
        given[i] = held.reshape(held.shape[0] * held.shape[1], *held.shape[2:])
    if shape is not None:
        given[shape] = (level.size * given[shape][0], *given[shape][1:])
    y = kernel(*given)
    parts = [cls(v.reshape(level.size, -1 if level.size else 0, *v.shape[1:]), level) for v in _several(y)]
    return tuple(parts) if isinstance(y, tuple) else parts[0]


def _several(y: Any) -> tuple[Any, ...]:
    return y if isinstance(y, tuple) else (y,)


def _diagonal_kernel(cls: Any, kernel: Callable[..., Any], x: Any, offset: int, dim1: int, dim2: int) -> Any:
    if x.__class__ is not cls:
        return cls(kernel(x, offset, dim1, dim2))
    dims = (dim1, dim2) if x.level is None else (shaping.shifted(dim1, x.ndim), shaping.shifted(dim2, x.ndim))
    return x.part(kernel(x.held, offset, *dims))


def _like(cls: Any, function: Callable[..., Any], x: Any, *args: Any, **kwargs: Any) -> Any:
    """zeros_like and its relatives: a separate array per sample, so that each can be written."""
    if kwargs.get("shape") is not None or x.__class__ is not cls or level_of(args, depth=cls.depth) is not None:
        return loops.each(cls, function, x, *args, **kwargs)
    return cls(function(x.held, *[held_by(cls, a) for a in args], **kwargs), x.level)


def _array(cls: Any, function: Callable[..., Any], x: Any, dtype: Any = None, **kwargs: Any) -> Any:
    if x.__class__ is cls:
        return x if dtype is None or x.dtype == dtype else x.astype(dtype)
    return cls(function(x, dtype, **kwargs))


def _shares(cls: Any, function: Callable[..., Any], a: Any, b: Any) -> bool:
    return bool(function(held_by(cls, a), held_by(cls, b)))


def _take_along_axis(cls: Any, function: Callable[..., Any], x: Any, indices: Any, axis: int = -1) -> Any:
    level = level_of((x, indices), depth=cls.depth)
    if level is None or axis is None:
        return loops.each(cls, function, x, indices, axis)
    at = shaping.shifted(axis, x.ndim)
    return cls(function(shaping.spread(cls, x, level), shaping.spread(cls, indices, level), at), level)


SPECIAL: dict[str, Callable[..., Any]] = {
    **products.FUNCTIONS,
    **shaping.FUNCTIONS,
    **dict.fromkeys(("zeros_like", "ones_like", "empty_like", "full_like"), _like),
    **dict.fromkeys(("asarray", "array", "asanyarray"), _array),
    **dict.fromkeys(("shares_memory", "may_share_memory"), _shares),
    "take_along_axis": _take_along_axis,
    "ndim": lambda cls, function, x: getattr(x, "ndim", 0),
    "shape": lambda cls, function, x: x.shape,
    "size": lambda cls, function, x: x.size,
}
