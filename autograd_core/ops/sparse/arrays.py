"""The array inside a sparse tensor: a pattern of positions, and the values there. It lies on the device of its values.

Forwards do not take such arrays: `functions.py` computes on tensors of their values instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np

from autograd_core.engine.libraries import LIBRARY, all_true
from autograd_core.registry import add_library
from autograd_core.semantics.memory_format import Layout
from backends.kernels import Namespace
from backends.strides import dense as row_major

Array = Any
COMPRESSED = {Layout.sparse_csr: 0, Layout.sparse_csc: 1}  # the axis along which positions are counted


class Pattern:
    """Positions in a tensor of a shape: one column of `indices` each, for the first axes, which are sparse.

    coalesced: they are in row-major order, and each is there once. unique: each is there once.
    """

    __slots__ = ("_merged", "coalesced", "indices", "layout", "shape", "unique")

    def __init__(
        self,
        indices: Array,
        shape: Sequence[int],
        coalesced: bool = False,
        unique: bool = False,
        layout: Layout = Layout.sparse_coo,
    ) -> None:
        self.indices, self.shape, self.layout = indices, tuple(shape), layout
        self.coalesced, self.unique = coalesced, unique or coalesced or layout in COMPRESSED
        self._merged: tuple[Pattern, Array | None] | None = (self, None) if coalesced else None

    @property
    def sparse_dim(self) -> int:
        """The number of sparse axes."""
        return len(self.indices)

    @property
    def rows(self) -> tuple[Array, ...]:
        """The positions along each sparse axis: an index of a dense array."""
        return tuple([self.indices[dim] for dim in range(self.sparse_dim)])

    def keys(self, dims: Sequence[int] | None = None) -> Array:
        """For each position its number along sparse axes, by default all, in row-major order."""
        xp = LIBRARY[self.indices.__class__]
        keys = xp.zeros(self.indices.shape[1], dtype=np.int64)
        for dim in range(self.sparse_dim) if dims is None else dims:
            keys = keys * self.shape[dim] + self.indices[dim]
        return keys

    def merged(self) -> tuple[Pattern, Array | None]:
        """The coalesced pattern, and where in it each position is; None if they are the same."""
        if self._merged is None:
            xp, keys = LIBRARY[self.indices.__class__], self.keys()
            if all_true(keys[1:] > keys[:-1]):
                self._merged = Pattern(self.indices, self.shape, True), None
            else:
                keys, places = xp.unique(keys, return_inverse=True)
                self._merged = self.of_keys(keys), places.reshape(-1)
        return self._merged

    def of_keys(self, keys: Array) -> Pattern:
        """The coalesced pattern with these numbers of positions, in order."""
        return Pattern(positions(keys, self.shape[: self.sparse_dim]), self.shape, True)

    def counts(self) -> Array:
        """How many elements of a compressed matrix lie before each row or column, and in the end."""
        axis = COMPRESSED[self.layout]
        xp = LIBRARY[self.indices.__class__]
        return xp.searchsorted(self.indices[axis], xp.arange(self.shape[axis] + 1))

    def laid_out(self, layout: Layout) -> Pattern:
        """These positions in another layout; they must be in its order."""
        return Pattern(self.indices, self.shape, self.coalesced, True, layout)

    def moved(self, change: Any) -> Pattern:
        """The pattern with `change` applied to its indices."""
        return Pattern(change(self.indices), self.shape, self.coalesced, self.unique, self.layout)


def positions(keys: Array, shape: Sequence[int]) -> Array:
    """The positions with these numbers, in row-major order, in columns."""
    xp, count, rows = LIBRARY[keys.__class__], len(keys), []
    for length in reversed(shape):
        rows.append(keys % max(length, 1))
        keys = keys // max(length, 1)
    return xp.stack(rows[::-1]) if rows else xp.zeros((0, count), dtype=np.int64)


class Sparse:
    """What a sparse tensor holds: one value, of any shape, at each position of a pattern; those at one place add up."""

    __slots__ = ("__weakref__", "pattern", "values")
    __array_ufunc__ = None  # NumPy's operators give way
    base = None

    def __init__(self, pattern: Pattern, values: Array) -> None:
        self.pattern, self.values = pattern, values

    shape = property(lambda self: self.pattern.shape)
    ndim = property(lambda self: len(self.pattern.shape))
    size = property(lambda self: prod(self.pattern.shape))
    dtype = property(lambda self: self.values.dtype)
    itemsize = property(lambda self: self.values.dtype.itemsize)
    indices = property(lambda self: self.pattern.indices)
    layout = property(lambda self: self.pattern.layout)
    strides = property(lambda self: row_major(self.shape, itemsize=self.itemsize))  # of the dense array
    flags = SimpleNamespace(c_contiguous=True, forc=True)  # a copy has the same layout

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")

    __array__ = __bool__ = __int__ = __float__ = __complex__ = __index__ = __iter__ = __array_function__ = _refuse

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a sparse tensor has no {name!r}; use its values(), or to_dense()", name=name, obj=self)

    def _compare(self, other: Any) -> NoReturn:
        raise TypeError("sparse tensors are not compared; use to_dense()")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _compare
    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        host = [LIBRARY[a.__class__].backend.to_host(a) for a in (self.indices, self.values)]
        return _rebuilt, (*host, self.shape, self.pattern.coalesced, str(self.pattern.layout))

    def parts(self) -> dict[str, Array]:
        """The arrays that it consists of, by PyTorch's names."""
        if self.pattern.layout not in COMPRESSED:
            return {"indices": self.indices, "values": self.values}
        axis = COMPRESSED[self.pattern.layout]
        counted, plain = (("crow", "col"), ("ccol", "row"))[axis]
        found = {f"{counted}_indices": self.pattern.counts(), f"{plain}_indices": self.indices[1 - axis]}
        return found | {"values": self.values}

    def copy(self, order: str = "C") -> Sparse:
        """The same pattern with a copy of the values."""
        return Sparse(self.pattern, self.values.copy())

    def conj(self) -> Sparse:
        """The complex conjugate."""
        return Sparse(self.pattern, self.values.conj())

    def at(self, pattern: Pattern) -> Array:
        """The elements at the positions of a pattern: sums of values, 0 where there is none."""
        if pattern is self.pattern and pattern.unique:
            return self.values
        xp = LIBRARY[self.values.__class__]
        if pattern.sparse_dim != self.pattern.sparse_dim:
            return self.dense()[pattern.rows]
        target, places = self.pattern.merged()
        values = self.values
        if places is not None:
            shape = (target.indices.shape[1], *values.shape[1:])
            values = xp.kernels.add_at(shape, values.dtype, places, values)
        if pattern is target:
            return values
        found, where = _places(target.keys(), pattern.keys())
        if not len(values):
            return xp.zeros((len(found), *values.shape[1:]), dtype=values.dtype)
        found = found.reshape(-1, *(1,) * (values.ndim - 1))
        return xp.where(found, values[where], xp.zeros((), dtype=values.dtype))

    def dense(self) -> Array:
        """The array with all its zeros."""
        xp = LIBRARY[self.values.__class__]
        if not self.pattern.sparse_dim:
            return self.values.sum(axis=0)
        return xp.kernels.add_at(self.shape, self.dtype, self.pattern.rows, self.values)

    def __add__(self, other: Any) -> Any:
        """The sum with an array, or a sparse one, of the same shape and dtype."""
        if getattr(other, "shape", None) != self.shape or other.dtype != self.dtype:
            return NotImplemented
        if other.__class__ is not Sparse:
            return self.dense() + other
        if self.pattern is other.pattern:
            return Sparse(self.pattern, self.values + other.values)
        if self.pattern.sparse_dim != other.pattern.sparse_dim:
            return NotImplemented
        return joined([self, other])

    __radd__ = __add__

    def __iadd__(self, other: Any) -> Any:
        """The sum with a sparse array, in place."""
        found = self + other
        self.pattern, self.values = found.pattern, found.values
        return self

    def __getitem__(self, index: Any) -> Sparse:
        """This array as a whole, sharing the values."""
        if index is not ...:
            raise TypeError("a sparse tensor is written as a whole, by copy_()")
        return Sparse(self.pattern, self.values)

    def __setitem__(self, index: Any, value: Any) -> None:
        """Take over another sparse array, or become zero, as a whole."""
        if index is not ... or not (value.__class__ is Sparse or (value.__class__ in (int, float) and value == 0)):
            raise TypeError("a sparse tensor can only be written as a whole, by a sparse tensor or 0")
        if value.__class__ is Sparse:
            self.pattern, self.values = value.pattern, value.values.copy()
        else:
            nothing = self.indices[:, :0]
            self.pattern = Pattern(nothing, self.shape, True, layout=self.pattern.layout)
            self.values = self.values[:0]


def joined(parts: Sequence[Sparse]) -> Sparse:
    """The sum of sparse arrays of one shape, coalesced if one of them was; by rows if all were."""
    first, patterns = parts[0], [x.pattern for x in parts]
    xp = LIBRARY[first.values.__class__]
    pattern = Pattern(xp.concatenate([p.indices for p in patterns], axis=1), first.shape)
    together = Sparse(pattern, xp.concatenate([x.values for x in parts]))
    if not any(p.unique for p in patterns):
        return together
    target = pattern.merged()[0]
    found = Sparse(target, together.at(target))
    if {p.layout for p in patterns} == {Layout.sparse_csr}:
        found.pattern = target.laid_out(Layout.sparse_csr)
    return found


def _places(keys: Array, wanted: Array) -> tuple[Array, Array]:
    """Whether each wanted number is among sorted ones, and where."""
    xp = LIBRARY[wanted.__class__]
    where = xp.searchsorted(keys, wanted)
    where = xp.minimum(where, max(len(keys) - 1, 0))
    found = keys[where] == wanted if len(keys) else xp.zeros(len(wanted), dtype=np.bool_)
    return found, where


def common(a: Pattern, b: Pattern) -> Pattern:
    """The positions that are in both patterns."""
    if a is b and a.unique:
        return a
    target, wanted = a.merged()[0], b.merged()[0].keys()
    found, _ = _places(target.keys(), wanted)
    return target.of_keys(wanted[found])


def _rebuilt(indices: Array, values: Array, shape: Sequence[int], coalesced: bool, layout: str) -> Sparse:
    return Sparse(Pattern(indices, shape, coalesced, layout=Layout(layout)), values)


class _Backend:
    """What programs ask of the backend of sparse arrays."""

    name, checks_values, namespace = "sparse", False, None

    @staticmethod
    def device_of(a: Sparse) -> str:
        return str(LIBRARY[a.values.__class__].backend.device_of(a.values))

    @staticmethod
    def to_host(a: Sparse) -> NoReturn:
        a._refuse()


def _copied(a: Sparse, dtype: Any) -> Sparse:
    if a.dtype != dtype:
        raise TypeError("a sparse array has one dtype")
    return a.copy()


class _Nothing:
    """A library without functions."""


add_library(
    Namespace(
        library=_Nothing,
        backend=_Backend(),
        asarray=np.asarray,  # of numbers beside sparse tensors
        conj=Sparse.conj,
        kernels=SimpleNamespace(fused=None, converted=_copied),
    ),
    (Sparse,),
)
