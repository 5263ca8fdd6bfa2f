"""Arrays of a step that is captured on the CPU: what is computed with them is computed, and noted in a program.

They take the place of NumPy's inside tensors while the step runs once. Like a GPU's arrays they are accessible through
their namespace (`backend.py`) and operators only, so nothing can be computed from them that the program misses.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NoReturn

import numpy as np

from autograd_core.engine.binders import LARGE
from autograd_core.engine.libraries import LIBRARY
from autograd_core.engine.versions import version
from autograd_core.errors import TracingError
from autograd_core.tensor import wrap
from backends import protocol
from backends.live import recording
from backends.settled import settled

Array = np.ndarray[Any, Any]
# Operators of large arrays are computed by these kernels, as those of tensors on NumPy's arrays are.
KERNELS = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide"}
PLAIN = {bool, int, float, str, type(None)}


class Noted:
    """An array of a captured step.

    held: its value, which a step that is only captured may change. name: of the variable in the program, or a function
    that gives one when it is first used; then the array is `named`. base: the array that this one is a view of. fixed:
    whether it is the same in every replay. scalar: whether NumPy gives a scalar, which the program makes an array.
    original, given, young: of an array that exists outside, that array, whether it is an argument's, and whether the
    step must not read it.
    """

    __slots__ = ("__weakref__", "_held", "_name", "base", "fixed", "given", "original", "scalar", "young")
    __array_ufunc__ = None  # NumPy's operators give way
    __hash__ = None  # type: ignore[assignment]  # as of every array
    shape: tuple[int, ...]
    dtype: Any
    size: int

    def __init__(self, name: Any, held: Array | None, base: Noted | None = None, original: Any = None) -> None:
        self._name, self._held, self.base, self.original = name, held, base, original
        self.fixed = self.scalar = self.given = self.young = False

    @property
    def name(self) -> str:
        """The variable."""
        if not self.named:
            self._name = self._name()
        return str(self._name)

    @property
    def named(self) -> bool:
        """Whether the program uses it."""
        return isinstance(self._name, str)

    @property
    def held(self) -> Array:
        """The value; of an array that exists outside, a copy."""
        if self._held is None:
            if self.young:
                raise TracingError(
                    f"the step reads a tensor of shape {self.shape} that is younger than its previous call; pass it as "
                    "an argument, or write new values into a tensor that stays"
                )
            self._held = _twin(self.original)
        return self._held

    @property
    def seen(self) -> Array:
        """An array with the properties of this one, whose elements may be out of date."""
        return self.original if self._held is None else self._held

    @property
    def written(self) -> bool:
        """Whether the step wrote to its memory."""
        return bool(version(wrap(self)))

    def __len__(self) -> int:
        return len(self.seen)

    def __setitem__(self, index: Any, value: Any) -> None:
        compute(np.ndarray.__setitem__, "{0}[{1}] = {2}", (self, index, value))

    def __getitem__(self, index: Any) -> Any:
        check_shape("take_at", (self, index))
        return compute(np.ndarray.__getitem__, "{0}[{1}]", (self, index))

    def _refuse(self, *_: Any) -> NoReturn:
        raise TracingError(
            f"Python asked for the values of a tensor of shape {self.shape}: what follows from them would be the same "
            "in every replay; return the tensor, and read it outside"
        )

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __iter__ = __contains__ = item = tolist = _refuse

    @property
    def data(self) -> NoReturn:
        """Refuse: memory is another in every replay."""
        raise TracingError("the step works on the memory of a tensor, which is another one in every replay")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return np.asarray(_outside(self), *args, **kwargs) if current_program() is None else self._refuse()

    def __array_function__(self, function: Callable[..., Any], *_: Any) -> NoReturn:
        raise TracingError(f"NumPy's {function.__name__}() was called with a tensor of a captured step")


def _twin(array: Any) -> Array:
    """A copy with the same strides."""
    low, high = np.lib.array_utils.byte_bounds(array)
    memory = np.empty(high - low, np.uint8)
    y = np.ndarray(array.shape, array.dtype, memory, array.ctypes.data - low if array.size else 0, array.strides)
    np.copyto(y, array)
    return y


def current_program() -> Any:
    """The program of the step that this thread captures."""
    return getattr(recording.get(), "program", None)


def unwrapped(value: Any) -> Any:
    """The values of noted arrays, also in tuples, lists and dicts."""
    return mapped(attrgetter("held"), value)


def _outside(value: Any) -> Any:
    """The arrays behind noted ones, for another thread that computes with tensors while a step is captured."""
    return mapped(_original, value)


def _original(array: Noted) -> Array:
    if array.original is None:
        raise TracingError("an array that a captured step made was used outside of the capture")
    return array.original


def mapped(change: Callable[[Noted], Any], value: Any) -> Any:
    kind = value.__class__
    if kind in PLAIN:
        return value
    if kind is Noted:
        return change(value)
    if kind is tuple or kind is list:
        return kind([mapped(change, v) for v in value])
    if kind is dict:
        return {name: mapped(change, v) for name, v in value.items()}
    return value


def compute(
    function: Callable[..., Any], form: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
) -> Any:
    """Call a function of NumPy arrays, and note the call, which is written in this form."""
    kwargs = kwargs or {}
    program = current_program()
    if program is None:
        return function(*_outside(args), **_outside(kwargs))
    token = recording.set(None)  # for what may compute in between, such as a finalizer
    try:
        held, named = unwrapped(args), unwrapped(kwargs)
        fast = function if named else settled(function, *held)
        return program.note(function, form, args, kwargs, function(*held, **named), fast=fast)
    finally:
        recording.reset(token)


def supposed(check: Callable[..., bool], *args: Any) -> bool:
    """Whether the check holds and is one of inputs, so that it can be a condition of the replays."""
    program = current_program()
    if program is None:
        return check(*_outside(args))
    args = tuple(map(_whole, args))
    arrays = program.arrays(args)
    if any(a.original is None or a.written for a in arrays) or not check(*unwrapped(args)):
        return False
    program.conditions.append(f"{program.constant(check)}({', '.join(map(program.text, args))})")
    program.needed += [a.name for a in arrays]
    return True


def _whole(value: Any) -> Any:
    """The array that a view is of: what holds for all elements there holds for those of the view."""
    viewed = value.__class__ is Noted and value.base is not None and value.base.dtype == value.dtype
    return value.base if viewed else value


def check_shape(name: str, args: tuple[Any, ...]) -> None:
    """Raise if the shape of a result depends on values that the step computes, and not on shapes alone.

    Where it depends on values from outside, such as a mask of nodes, the replays need the same ones; arguments change.
    """
    if current_program() is None:
        return
    index = args[1] if len(args) > 1 else None
    parts = index if isinstance(index, tuple) else (index,)
    masks = [i for i in parts if getattr(i, "dtype", None) == np.bool_ and i.ndim] if name == "take_at" else []
    decisive = [args[0]] if name in protocol.DYNAMIC else [index] if name == "repeat" else masks
    noted = [a for a in decisive if a.__class__ is Noted]
    if not all(not _whole(a).given and supposed(np.array_equal, a, _whole(a).held.copy()) for a in noted):
        raise TracingError(
            f"the shape of a result ({name}) depends on values, and would be the same in every replay; use where(), or "
            "masks of the full shape, instead"
        )


def _operator(name: str, symbol: str, reflected: bool = False) -> Callable[..., Any]:
    function, kernel = getattr(operator, f"{name}_" if name in ("and", "or") else name), KERNELS.get(name)

    def call(self: Noted, other: Any) -> Any:
        a, b = (other, self) if reflected else (self, other)
        if kernel and a.__class__ is Noted is b.__class__ and a.size >= LARGE:
            return getattr(LIBRARY[Noted].kernels, kernel)(a, b)
        if other.__class__ not in PLAIN and not isinstance(other, (Noted, np.ndarray, np.generic)):
            return NotImplemented
        return compute(function, f"{{0}} {symbol} {{1}}", (a, b))

    return call


def _in_place(name: str, symbol: str) -> Callable[..., Any]:
    function = getattr(operator, f"i{name}")

    def call(self: Noted, other: Any) -> Noted:
        compute(function, f"{{0}} {symbol}= {{1}}", (self, other))
        return self

    return call


def _unary(name: str, symbol: str) -> Callable[..., Any]:
    function, form = getattr(operator, name), "abs({0})" if name == "abs" else f"{symbol}{{0}}"
    return lambda self: compute(function, form, (self,))


def _method(name: str) -> Callable[..., Any]:
    function: Any = getattr(np.ndarray, name)

    def call(self: Noted, *args: Any, **kwargs: Any) -> Any:
        check_shape(name, (self, *args))
        return compute(function, f"{{0}}.{name}({{rest}})", (self, *args), kwargs)

    return call


def _view(name: str) -> property:
    return property(lambda self: compute(attrgetter(name), f"{{0}}.{name}", (self,)))


for _name, _symbol in protocol.OPERATORS.items():
    setattr(Noted, f"__{_name}__", _operator(_name, _symbol))
    setattr(Noted, f"__r{_name}__", _operator(_name, _symbol, reflected=True))
    setattr(Noted, f"__i{_name}__", _in_place(_name, _symbol))
for _name, _symbol in protocol.COMPARISONS.items():
    setattr(Noted, f"__{_name}__", _operator(_name, _symbol))
for _name, _symbol in protocol.UNARY.items():
    setattr(Noted, f"__{_name}__", _unary(_name, _symbol))
for _name in protocol.METHODS:
    setattr(Noted, _name, _method(_name))
for _name in protocol.ATTRIBUTES:
    setattr(Noted, _name, property(attrgetter(f"seen.{_name}")))
for _name in protocol.VIEWS:
    setattr(Noted, _name, _view(_name))
