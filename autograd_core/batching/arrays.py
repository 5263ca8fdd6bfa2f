"""The array type of `vmap`: one array per sample, all of one shape, behaving like the array of a single sample.

A forward or rule that runs on it computes for every sample what it would compute for one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from autograd_core.batching.levels import Level, aligned, level_of
from autograd_core.batching.subscripts import read, write
from autograd_core.engine.libraries import LAYERS, LIBRARY
from autograd_core.errors import InplaceError, VmapError
from backends import protocol

NUMBERS = (bool, int, float, complex)
ADVICE = "inside vmap use where() and other tensor functions, or leave the decision to the caller"


class Batched:
    """A batch of arrays: `held` has the samples along its first axis, or is one array that all samples share.

    level: the call of `vmap` that the samples belong to; None for a shared array. frozen: whether the memory must not
    be written, because it may be shared with something outside, or stands for a view. viewed: whether another batch
    may be a view of this one.
    There is one subclass per array library and depth.
    """

    __slots__ = ("__weakref__", "frozen", "held", "level", "viewed")
    __array_ufunc__ = None  # NumPy arrays defer operators to us
    __hash__ = None  # type: ignore[assignment]  # as of every array
    depth: ClassVar[int]
    library: ClassVar[Any]  # the namespace of batches
    inner: ClassVar[Any]  # the namespace of the held arrays

    def __init__(self, held: Any, level: Level | None = None, frozen: bool = False) -> None:
        self.held, self.level, self.frozen, self.viewed = held, level, frozen, False

    @property
    def shape(self) -> Any:
        """The shape of one sample."""
        return self.held.shape if self.level is None else self.held.shape[1:]

    @property
    def ndim(self) -> int:
        """The number of axes of a sample."""
        return self.held.ndim - (self.level is not None)

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self.held.dtype

    @property
    def size(self) -> int:
        """The number of elements of a sample."""
        n = 1
        for k in self.shape:
            n *= k
        return n

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.held.dtype.itemsize

    @property
    def strides(self) -> Any:
        """The strides of a sample."""
        return self.held.strides if self.level is None else self.held.strides[1:]

    @property
    def flags(self) -> Any:
        """The flags of the held array: a sample of a contiguous batch is contiguous."""
        return np.asarray(self.held).flags if isinstance(self.held, np.generic) else self.held.flags

    @property
    def base(self) -> Any:
        """The array whose memory this is a part of, if any."""
        return self.held.base

    @property
    def data(self) -> Any:
        """Raises: a batch has no single address."""
        raise VmapError(f"the address of one of {self.shape} arrays was asked for inside vmap")

    @property
    def T(self) -> Any:
        """The axes of every sample in reverse order."""
        return self.transpose()

    @property
    def real(self) -> Any:
        """The real parts."""
        return self.part(self.held.real)

    @property
    def imag(self) -> Any:
        """The imaginary parts."""
        return self.part(self.held.imag)

    def part(self, held: Any) -> Any:
        """A batch of the same samples with other elements, which may share memory with these."""
        self.viewed = True
        return type(self)(held, self.level, self.frozen)

    def diverge(self, level: Level) -> None:
        """Give every sample its own array, because the next write differs between samples."""
        if self.level is None:
            if self.viewed or self.frozen or getattr(self.held, "base", None) is not None:
                raise TypeError("an array shared by all samples that has views cannot be written separately for each")
            self.held, self.level = self.inner.broadcast_to(self.held, (level.size, *self.held.shape)).copy(), level

    def sample(self, i: int) -> Any:
        """One sample, as an array even if it is 0-d, so that it can be written."""
        return self.held if self.level is None else self.held[(i, ...)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.held!r}, {self.level})"

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(len(self))])

    def __getitem__(self, index: Any) -> Any:
        return read(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.frozen:
            raise InplaceError(
                "in-place write inside vmap to memory that is shared with the outside, to a view of it, or to a view "
                "that is a copy here; write to a .clone() of it instead"
            )
        write(self, index, value)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise VmapError(f"a batch of {self.shape} arrays cannot become one NumPy array; {ADVICE}")

    def __array_function__(self, function: Callable[..., Any], *_: Any) -> Any:
        raise TypeError(f"np.{function.__name__} was called with a batch of arrays; use xp.{function.__name__}")

    def item(self) -> Any:
        """The only element, if it is the same in all samples; control flow may follow it only then."""
        if self.level is None:
            return self.held.item()
        flat = self.inner.reshape(self.held, (-1,))
        if self.size != 1 or not flat.shape[0]:
            raise VmapError(f"one value was requested from {self.level.size} samples of shape {self.shape}; {ADVICE}")
        first = flat[0].item()
        if not self.inner.all(self.inner.equal(flat, first)).item():
            raise VmapError(
                f"Python requested a value that differs between the {self.level.size} samples; {ADVICE}"
            )  # NaN differs from itself
        return first

    def __bool__(self) -> bool:
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.ndim:  # NumPy would take a list of one position for a position
            raise TypeError(f"a batch of {self.shape} arrays is not a position")
        return operator.index(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def copy(self, order: str = "C") -> Any:
        """A copy with its own memory."""
        return type(self)(self.held.copy() if order == "C" else self.held.copy(order=order), self.level)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """The elements in another dtype."""
        y = self.held.astype(dtype, *args, **kwargs)
        return self.part(y) if kwargs.get("copy") is False else type(self)(y, self.level)

    def view(self, dtype: Any) -> Any:
        """The memory read as another dtype."""
        return self.part(self.held.view(dtype))

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """The elements of every sample in another shape."""
        return self.library.reshape(self, shape[0] if len(shape) == 1 else shape, **kwargs)

    def transpose(self, *axes: Any) -> Any:
        """The axes of every sample in another order."""
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return self.library.transpose(self, given)

    def flatten(self) -> Any:
        """A copy with one axis."""
        return self.reshape(-1).copy()


def pointwise(cls: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A function of corresponding elements, for all samples at once."""
    level = level_of(args, kwargs, depth=cls.depth)
    n = max([a.ndim for a in args if hasattr(a, "ndim")], default=0)
    result = function(*[aligned(cls, a, n) for a in args], **{k: aligned(cls, v, n) for k, v in kwargs.items()})
    return tuple([cls(y, level) for y in result]) if isinstance(result, tuple) else cls(result, level)


def _operator(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Batched, other: Any) -> Any:
        cls = other.__class__
        if cls is self.__class__:
            if self.level is other.level and self.held.ndim == other.held.ndim:
                return cls(function(self.held, other.held), self.level)
        elif cls not in NUMBERS and (cls not in LIBRARY or LAYERS.get(cls, 0) > self.depth):
            return NotImplemented
        return pointwise(type(self), function, self, other)

    return call


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return _operator(lambda a, b: function(b, a))


def _product(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Batched, other: Any) -> Any:
        return NotImplemented if LAYERS.get(other.__class__, 0) > self.depth else function(self.library, self, other)

    return call


def _inplace(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Batched, other: Any) -> Any:
        result = function(self, other)
        if result is NotImplemented:
            return result
        self[...] = result
        return self

    return call


def _unary(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self: type(self)(function(self.held), self.level)


def _method(name: str) -> Callable[..., Any]:
    def method(self: Batched, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.library, name)(self, *args, **kwargs)

    return method


METHODS = ("all", "any", "argmax", "argmin", "argsort", "clip", "conj", "cumprod", "cumsum", "diagonal", "dot", "max",
           "mean", "min", "nonzero", "prod", "ravel", "repeat", "round", "squeeze", "std", "sum", "swapaxes", "take",
           "trace", "var")  # fmt: skip
for _name in protocol.OPERATORS:
    _function = getattr(operator, f"__{_name}__")
    setattr(Batched, f"__{_name}__", _operator(_function))
    setattr(Batched, f"__r{_name}__", _reflected(_function))
    setattr(Batched, f"__i{_name}__", _inplace(_function))
for _name in protocol.COMPARISONS:
    setattr(Batched, f"__{_name}__", _operator(getattr(operator, _name)))
for _name in protocol.UNARY:
    setattr(Batched, f"__{_name}__", _unary(getattr(operator, _name)))
for _name in METHODS:
    setattr(Batched, _name, _method(_name))
setattr(Batched, "__matmul__", _product(lambda library, a, b: library.matmul(a, b)))  # noqa: B010
setattr(Batched, "__rmatmul__", _product(lambda library, a, b: library.matmul(b, a)))  # noqa: B010
