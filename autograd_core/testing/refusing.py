"""An array type that stands in for a GPU's: NumPy's functions for it exist, but NumPy itself never gets to see it.

Importing this module registers the device "refusing". An operation that runs there uses nothing but the namespace and
the operators of its arrays: a leaked `np.`, an operand that stayed on the host and an implicit read of an element all
raise. It follows CuPy: results of no axes stay arrays, views know their base, iteration is refused, and whatever is
computed has C order in memory, which `backends.cupy_backend.order` makes good here as there.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import numpy as np

import backends
from backends import protocol
from backends.cupy_backend.order import Ordered
from backends.deferred import Deferred
from backends.kernels import bind, namespace_of
from backends.protocol import Backend, OneDevice

Array = np.ndarray[Any, Any]
COLUMN_BYTES = 1 << 10  # small, so that convolutions of test size are split into pieces too


class Machine:
    """The simulated devices, and an observer of their computations."""

    current = 0
    observer: Any = None  # its `calls(function, args, kwargs, finish)` replaces a call, and finishes it


class RefusingArray:
    """A NumPy array that is accessible only through `refusing.to_host`."""

    __slots__ = ("__weakref__", "_held", "base", "number")
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]  # as of every array

    def __init__(self, held: Array, base: RefusingArray | None = None) -> None:
        self._held, self.base = held, base
        self.number: int = Machine.current if base is None else base.number  # of the device

    def __repr__(self) -> str:
        return f"RefusingArray({self._held!r})"

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("an array on the device 'refusing' was handed to NumPy; use xp, or .cpu() on purpose")

    def __array_function__(self, function: Callable[..., Any], *_: Any) -> Any:
        raise TypeError(
            f"np.{function.__name__} was called with an array on the device 'refusing'; use xp.{function.__name__}"
        )

    def _refuse(self, *_: Any) -> Any:
        raise TypeError(
            "an element of an array on the device 'refusing' was read implicitly, which would wait for a GPU; "
            "use xp.where, or .item() on purpose"
        )

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __iter__ = __contains__ = _refuse

    def __len__(self) -> int:
        return len(self._held)

    def __setitem__(self, index: Any, value: Any) -> None:
        _compute(np.ndarray.__setitem__, (self, index, value), {}, True)

    @property
    def data(self) -> Any:
        """The address of the elements, in CuPy's form."""
        return SimpleNamespace(ptr=self._held.ctypes.data)

    def item(self) -> Any:
        """The only element as a Python number."""
        return self._held.item()


PLAIN = {bool, int, float, str, type(None)}


def _unwrap(value: Any) -> Any:
    # The most frequent types first, here and below: the suite calls these functions millions of times.
    if value.__class__ in PLAIN:
        return value
    if isinstance(value, RefusingArray):
        if value.number != Machine.current:
            raise TypeError(f"an array on the device number {value.number} was used on number {Machine.current}")
        return value._held
    if isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(f"{type(value).__name__} of NumPy was mixed with arrays on the device 'refusing'")
    if isinstance(value, (tuple, list)):
        return type(value)(map(_unwrap, value))
    if isinstance(value, dict):
        return {name: _unwrap(v) for name, v in value.items()}
    return value


def _wrap(value: Any, sources: tuple[Any, ...], ordered: bool = False) -> Any:
    """Wrap a result, with its base if one of the sources owns its memory.

    Other results have C order, unless the function promises (`ordered`) to keep that of its operand.
    """
    if isinstance(value, np.generic):
        return RefusingArray(np.asarray(value))
    if isinstance(value, (tuple, list)):
        wrapped = [_wrap(v, sources, ordered) for v in value]
        return wrapped if isinstance(value, list) else tuple(wrapped)
    if not isinstance(value, np.ndarray):
        return value
    for source in sources if value.base is not None else ():
        if isinstance(source, RefusingArray) and np.may_share_memory(value, source._held):
            return type(source)(value, source if source.base is None else source.base)
    return RefusingArray(value if ordered else np.asarray(value, order="C"))


def _compute(function: Callable[..., Any], args: Any, kwargs: Any, writes: bool = False, ordered: bool = False) -> Any:
    """Call a NumPy function on the wrapped arrays; `writes` means that it changes one of them."""
    given, named = tuple(map(_unwrap, args)), _unwrap(kwargs) if kwargs else kwargs
    if Machine.observer is None:
        return _wrap(function(*given, **named), args, ordered)
    writes = writes or "out" in kwargs
    return Machine.observer.calls(function, given, named, writes, lambda value: _wrap(value, args, ordered))


def _function(function: Callable[..., Any], name: str = "", writes: bool = False) -> Callable[..., Any]:
    ordered = name in ORDERED

    def call(*args: Any, **kwargs: Any) -> Any:
        return _compute(function, args, kwargs, writes, ordered)

    return call


class _Ufunc:
    """A ufunc with the methods that CuPy supports too."""

    def __init__(self, ufunc: np.ufunc) -> None:
        self._ufunc, self.at, self.reduce = ufunc, _function(ufunc.at, "", True), _function(ufunc.reduce)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _compute(self._ufunc, args, kwargs)


def _method(name: str) -> Callable[..., Any]:
    function: Any = getattr(np.ndarray, name)
    writes, ordered = name in WRITING, name in ORDERED

    def view(self: RefusingArray, *args: Any) -> Any:
        return type(self)(function(self._held, *args), self if self.base is None else self.base)

    def method(self: RefusingArray, *args: Any, **kwargs: Any) -> Any:
        result = _compute(function, (self, *args), kwargs, writes, ordered)
        return self if writes and result is not None else result

    return view if name in TURNED else method


def _view(name: str) -> property:
    def attribute(self: RefusingArray) -> Any:
        return _wrap(getattr(self._held, name), (self,))

    return property(attribute)


# Functions that keep the memory order of axes in CuPy too, or return a requested one.
ORDERED = ("array", "asarray", "astype", "copy", "empty_like", "full_like", "ones_like", "zeros_like")
TURNED = ("swapaxes", "squeeze", "transpose")  # views, independent of the current device
WRITERS = ("copyto", "fill_diagonal", "put_along_axis", "putmask")  # functions that change their first argument
WRITING = ("fill", "sort", *(f"__i{name}__" for name in protocol.OPERATORS))
SPECIAL = (
    *(f"__{prefix}{name}__" for name in protocol.OPERATORS for prefix in ("", "r", "i")),
    *(f"__{name}__" for name in (*protocol.COMPARISONS, *protocol.UNARY, "getitem")),
)
for _name in (*SPECIAL, *protocol.METHODS):
    setattr(RefusingArray, _name, _method(_name))
for _name in protocol.ATTRIBUTES:
    setattr(RefusingArray, _name, property(attrgetter(f"_held.{_name}")))
for _name in protocol.VIEWS:
    setattr(RefusingArray, _name, _view(_name))


class RefusingBackend(OneDevice):
    """The backend of RefusingArrays on the device "refusing:0", with the generic kernels that CuPy also uses."""

    name = "refusing"
    checks_values = True

    def __init__(self) -> None:
        self._ordered = Ordered(library())
        self.array_types: tuple[type, ...] = (self._ordered.array, RefusingArray)
        special = Deferred("scipy.special", lambda f: self._ordered.adopting(_library(f)))
        self.namespace: SimpleNamespace = namespace_of(
            self._ordered.library, bind(self._ordered.library, COLUMN_BYTES, special)
        )
        self.libraries = ((self.namespace, self.array_types),)
        self.random: Any = _Random(backends.get("cpu").random, self._ordered)

    def from_host(self, array: Array, index: int | None, non_blocking: bool = False) -> Any:
        """The array itself, wrapped: its strides are kept, so that every layout can be tested here too."""
        return self._ordered.adopt(RefusingArray(array))

    def to_host(self, array: RefusingArray, non_blocking: bool = False) -> Array:
        """A copy as a NumPy array."""
        return array._held.copy(order="K")

    def device_of(self, array: RefusingArray) -> str:
        """Always "refusing:0"."""
        return "refusing:0"

    def describe(self) -> str:
        """A description of the backend."""
        return "arrays that refuse NumPy, for tests"


def load() -> Backend:
    """The backend."""
    return RefusingBackend()


def library() -> SimpleNamespace:
    """NumPy's functions on RefusingArrays, with CuPy's memory order of axes."""
    made = _members(np)
    made.ndarray = RefusingArray
    made.lib = SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=_function(np.lib.stride_tricks.as_strided)))
    made.max = made.amax = _function(lambda a, axis=None, out=None, keepdims=False: np.max(a, axis, out, keepdims))
    made.linalg, made.fft = _members(np.linalg), _members(np.fft)
    return made


def _members(module: Any) -> SimpleNamespace:
    return SimpleNamespace(**{n: _library(f, n) for n, f in vars(module).items() if not n.startswith("_")})


def _library(member: Any, name: str = "") -> Any:
    if isinstance(member, np.ufunc) and member.signature is None:
        return _Ufunc(member)
    return _function(member, name, name in WRITERS) if callable(member) and not isinstance(member, type) else member


class _Random:
    def __init__(self, host: Any, ordered: Ordered) -> None:
        self._host, self._ordered = host, ordered

    def generator(self, seed: int, index: int) -> _Generator:
        return _Generator(self._host.generator(seed, 0), self._ordered)


class _Generator:
    """The host's generator, with numbers copied to the device."""

    def __init__(self, host: Any, ordered: Ordered) -> None:
        self._host, self._ordered = host, ordered

    @property
    def state(self) -> Any:
        return self._host.state

    def resume(self, state: Any) -> int:
        return int(self._host.resume(state))

    def seed(self, seed: int) -> None:
        self._host.seed(seed)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._ordered.adopting(_function(getattr(self._host, name)))


backends.register("refusing", load)
