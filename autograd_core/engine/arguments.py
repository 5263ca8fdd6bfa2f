"""Arguments of operations: their names, the conversion of numbers and arrays, the common dtype."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.dtypes import (
    EXACT,
    FLOATS,
    INEXACT,
    elements,
    get_default_dtype,
    is_numeric,
    promote_types,
    result_type,
    wrapped,
)
from autograd_core.engine.entries import Op
from autograd_core.engine.libraries import LIBRARY, is_array
from autograd_core.engine.overriding import overridden, overrides, refused, state
from autograd_core.errors import DtypeError, OperandError
from autograd_core.tensor import Tensor, as_plain, own_scalar, wrap

# Other names, mostly NumPy's -> the parameters they may stand for; the first that a function has is meant.
SYNONYMS = {"axis": ("dim", "dims"), "axes": ("dim", "dims"), "keepdims": ("keepdim",), "A": ("input",),
            "size": ("shape",), "axis0": ("dim0",), "axis1": ("dim1",), "tensor": ("input",), "self": ("input",),
            "input": ("A", "x"), "x": ("input",), "b": ("B",), "element": ("elements",),
            "test_element": ("test_elements",)}  # fmt: skip
# NumPy's numbers: unlike Python's, their dtype takes part in the arithmetic of a forward.
NUMPY_NUMBERS = frozenset(np.dtype(letter).type for letter in "bhilqBHILQefd")
_MISSING = inspect.Parameter.empty
_DIGITS = {"e": 2.0**11, "E": 2.0**8}  # float16 and bfloat16, by the letter of the dtype
_SMALLEST, _LARGEST, _BEYOND = 2.0**-14, 65504, 2.0**127  # normal numbers of float16; no number of float32
_MANY = 1 << 14  # elements, from which conversion to float32 and back costs less than such a function
_FAST = {"add", "subtract", "multiply", "divide"}  # operations with kernels for bfloat16
_PLAIN = {Tensor, bool, int, float, complex, type(None)}  # operands that need no conversion beyond that of numbers


def parse(o: Op, args: tuple[Any, ...], given: dict[str, Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """Public arguments to (inputs, statics): by position or name, with NumPy's synonyms."""
    if not given and len(args) == len(o.public) and not (o.packs or o.variadic):
        return _by_position(o, args)
    names = [p[0] for p in o.public]
    if o.packs:
        args = _packed(o, args)
    if len(args) > len(names):
        raise TypeError(
            f"{o.name}() takes at most {len(names)} arguments, {', '.join(names)}, but {len(args)} were given"
        )
    values = dict(zip(names, args, strict=False))
    for name, value in given.items():
        name = meant(name, names)
        if name not in names:
            raise TypeError(f"{o.name}() got an unexpected keyword argument '{name}'; it takes {', '.join(names)}")
        if name in values:
            raise TypeError(f"{o.name}() got multiple values for argument '{name}'")
        values[name] = value
    inputs: Sequence[Any] = []
    statics = {}
    for name, own, default in o.public:
        value = values.get(name, default)
        if value is _MISSING:
            raise TypeError(f"{o.name}() is missing the argument '{name}'; it takes {', '.join(names)}")
        if own is None:
            inputs = [*inputs, value]
        else:
            statics[own] = python_number(value)
    return _listed(o, inputs[0]) if o.variadic else inputs, statics


def _by_position(o: Op, args: tuple[Any, ...]) -> tuple[list[Any], dict[str, Any]]:
    inputs, statics = [], {}
    for (_, own, _), value in zip(o.public, args, strict=True):
        if own is None:
            inputs.append(value)
        else:
            statics[own] = python_number(value)
    return inputs, statics


def python_number(value: Any) -> Any:
    """A static parameter, a NumPy number as Python's."""
    return value.item() if value.__class__ in NUMPY_NUMBERS else value


def meant(name: str, names: Sequence[str]) -> str:
    """The parameter that a caller means by a name."""
    return name if name in names else next((n for n in SYNONYMS.get(name, ()) if n in names), name)


def _packed(o: Op, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """x.permute(1, 0) rewritten as x.permute((1, 0))."""
    at = next(i for i, p in enumerate(o.public) if p[1] == o.packs)
    if len(args) > at and not isinstance(args[at], tuple | list) and args[at] is not None:
        return (*args[:at], tuple(args[at:]))
    return args


def _listed(o: Op, tensors: Any) -> tuple[Any, ...]:
    if not isinstance(tensors, tuple | list):
        raise TypeError(f"{o.name}() takes a list or tuple of tensors, not {type(tensors).__name__}")
    if not tensors:
        raise OperandError(f"{o.name}() needs at least one tensor; the list is empty")
    return tuple(tensors)


def constants(o: Op, args: Iterable[Any]) -> list[Any]:
    """The operands with every array, list or number converted to a Tensor, numbers in their promoted dtype."""
    ready = list(args)
    if ready and ready[0] is None:
        _constant(o, None)
    if not _PLAIN.issuperset(map(type, ready)):
        ready = _converted(o, _typed(ready))
    numbers = [i for i, a in enumerate(ready) if a.__class__ is not Tensor and a is not None]
    if numbers:
        peers = ready if o.variadic or not o.promoted else [ready[i] for i in o.promoted]
        dtype = _float_of(peers) or computed_in([getattr(p, "array", p) for p in peers if p is not None], o)
        like = next((t.array for t in ready if t.__class__ is Tensor), None)
        for i in numbers:
            ready[i] = _number(ready[i], dtype, like, o)
    return ready


def _float_of(operands: Sequence[Any]) -> Any:
    """The dtype of tensors of one kind of float, among real numbers; None if `computed_in` has to find it."""
    found = None
    for a in operands:
        if a.__class__ is Tensor:
            dtype = a.array.dtype
            if dtype.char not in "fd" or dtype is not (found or dtype):
                return None
            found = dtype
        elif a.__class__ is not float and a.__class__ is not int:
            return None
    return found


def is_number(value: Any) -> bool:
    """Whether a value is a Python number, whose dtype follows the tensors it meets."""
    kind = value.__class__  # the first test answers most often
    return kind is not Tensor and isinstance(value, (int, float, complex)) and not isinstance(value, np.generic)


def _number(value: Any, dtype: Any, like: Any, o: Op) -> Tensor:
    library = LIBRARY[np.ndarray if like is None else like.__class__]
    try:
        return wrap(library.asarray(value, dtype))
    except OverflowError as e:
        if o.kind.name == "comparison" and not o.modular:  # beyond all integers of the dtype
            return wrap(library.asarray(math.inf if value > 0 else -math.inf, np.float32))
        try:
            return wrap(library.asarray((wrapped if o.modular else elements)(value, dtype)))
        except OverflowError:
            raise OperandError(f"{value} does not fit into {dtype}, the dtype of the tensor it meets") from e


def _typed(args: Iterable[Any]) -> list[Any]:
    """NumPy scalars keep their dtype among themselves; next to tensors and arrays they count as numbers."""
    args = list(args)
    if any(isinstance(a, Tensor) or getattr(a, "ndim", 0) for a in args):
        return args
    return [wrap(a) if isinstance(a, np.generic) and is_array(a) and is_numeric(a.dtype) else a for a in args]


def _converted(o: Op, args: Iterable[Any]) -> list[Any]:
    """The operands with arrays and lists as Tensors, and NumPy's scalars as numbers."""
    args = list(args)
    return [
        a if a.__class__ is Tensor or is_number(a) or (a is None and o.optional) else _constant(o, a, args)
        for a in args
    ]


def _constant(o: Op, value: Any, others: Iterable[Any] = ()) -> Any:
    if isinstance(value, Tensor):  # of a subclass
        if state.classes and overrides(value.__class__):
            raise UnknownOperand(refused(o.name, others or [value], {}))
        own_scalar(value)
        return as_plain(value)
    if isinstance(value, np.generic) and (is_numeric(value.dtype) or value.dtype.kind in "fc"):
        number = value.item()  # of a long double, the same object again
        return number if is_number(number) else (complex if value.dtype.kind == "c" else float)(number)
    if is_array(value) and is_numeric(value.dtype) and value.dtype.isnative:
        return wrap(value)
    fields = getattr(value, "_fields", ())
    if is_array(value) or (isinstance(value, np.ndarray | list | tuple) and not fields):
        made = functional.as_tensor(value)
        # The numbers of a list are rounded only once, to the precision of the tensors they meet.
        wide = [t.array.dtype for t in others if t.__class__ is Tensor and t.array.dtype.kind in INEXACT]
        dtype = functools.reduce(promote_types, wide, made.array.dtype)
        exact = is_array(value) or made.array.dtype.kind in EXACT or dtype == made.array.dtype
        return made if exact else functional.as_tensor(value, dtype=dtype)
    hint = "did a function return nothing?" if value is None else "convert it with tensor(...)"
    if callable(value):
        hint = "call it, and pass what it returns"
    elif fields:
        hint = f"take one of its results: .{' or .'.join(fields)}"
    raise UnknownOperand(f"{o.name}(): {type(value).__name__} is not a tensor, an array or a number; {hint}")


class UnknownOperand(TypeError):
    """An operand is of a class that the engine does not know."""


def numbers_among(o: Op, statics: dict[str, Any]) -> dict[str, Any]:
    """The static parameters given as tensors of one number, as Python numbers."""
    found = {n: t for n, t in statics.items() if isinstance(t, Tensor) and not t.array.ndim}
    if any(t.node is not None for t in found.values()):
        raise TypeError(f"{o.name}(): no gradient can flow to {' or '.join(found)}; pass the number: tensor.item()")
    return {n: t.item() for n, t in found.items()}


def foreign(o: Op, args: tuple[Any, ...]) -> Any:
    """Call an operation on operands that are not all Tensors: numbers, arrays, lists."""
    try:
        plain = _converted(o, _typed(args))
    except UnknownOperand:
        if (result := overridden(o.call, args, {})) is NotImplemented:
            raise
        return result
    if len(plain) == 2 and is_number(plain[0]) and _in_one_kernel(o, *plain[::-1]):
        return o.with_number(plain[1], plain[0], True)
    dtype = computed_in([getattr(a, "array", a) for a in plain], o) if any(map(is_number, plain)) else None
    if any(_finer(a, dtype) for a in plain):
        return in_float32(o.call)(*plain)
    return o.call(*[a if dtype is None else cast(a, dtype) for a in constants(o, plain)])


def deferring(o: Op, args: tuple[Any, ...]) -> Any:
    """`foreign` for an operator: NotImplemented for operands that nobody knows, and where Python repeats a list."""
    if not all(map(is_operand, args)):
        return overridden(o.call, args, {})
    repeated = o.name == "multiply" and (_repeats(*args) or _repeats(*args[::-1]))
    return NotImplemented if repeated else foreign(o, args)


def _repeats(items: Any, count: Any) -> bool:
    """Whether Python's `[0] * n` is meant: a list and a tensor of one integer."""
    return (
        isinstance(items, list | tuple)
        and isinstance(count, Tensor)
        and not count.array.ndim
        and count.array.dtype.kind in "biu"
    )


def is_operand(value: Any) -> bool:
    """Whether a value can be an operand next to tensors; a subclass of list or tuple may have operators of its own."""
    if value.__class__ is Tensor or is_number(value) or is_array(value):
        return True
    return isinstance(value, Tensor | np.ndarray) or value.__class__ in (list, tuple)


def computed_in(operands: list[Any], o: Op) -> Any:
    """The dtype of arrays and numbers in an operation; for integers the default float if the operation is `floating`.

    Integers are cast to it at once: a 0-d array or a number may have more bits than their common dtype.
    """
    if not o.booleans and any(getattr(v, "dtype", None) == np.bool_ for v in operands):
        raise DtypeError(
            f"{o.name}: a boolean tensor has no `-`; write ~x for 1 - x, x ^ y for a difference, or x.int()"
        )
    dtype = result_type(*operands)
    return get_default_dtype() if o.floating and dtype.kind in EXACT else dtype


def promoted(o: Op, call: Callable[..., Any], a: Any, b: Any) -> Any:
    """Call an operation after casting its operands; a cast is its own node, so that every rule sees a single dtype."""
    if _in_one_kernel(o, a, b):
        return o.with_number(a, b)
    dtype = computed_in([getattr(a, "array", a), getattr(b, "array", b)], o)
    slow = o.name not in _FAST and dtype.itemsize == 2 and gains_by_conversion(a)
    if slow or _finer(a, dtype) or _finer(b, dtype):
        return in_float32(call)(a, b)
    like = a.array if a.__class__ is Tensor else b.array
    return call(*[cast(t, dtype) if t.__class__ is Tensor else _number(t, dtype, like, o) for t in (a, b)])


def _in_one_kernel(o: Op, tensor: Any, number: Any) -> bool:
    """Whether the operands are a tensor of 16-bit floats and a number, and a backend computes them in one kernel."""
    if tensor.__class__ is not Tensor or tensor.array.dtype.char not in _DIGITS or number.__class__ not in (int, float):
        return False
    return o.simple and abs(number) < _BEYOND and LIBRARY[tensor.array.__class__].kernels.fused is not None


def gains_by_conversion(tensor: Tensor) -> bool:
    """Whether 16-bit floats are so many that float32 pays: NumPy computes most functions of them one by one."""
    array = tensor.array
    return array.dtype.char in _DIGITS and array.size >= _MANY and LIBRARY[array.__class__].kernels.fused is None


def _finer(operand: Any, dtype: Any) -> bool:
    """Whether the operand is a number that 16 bits would round, or a 0-d tensor that they may."""
    digits = _DIGITS.get(dtype.char) if dtype is not None else None
    if digits is None:
        return False
    if operand.__class__ is Tensor:
        return not operand.ndim and operand.array.dtype.char in "fdbBhHiIlLqQ"
    if not is_number(operand):
        return False
    if abs(operand) > _LARGEST:
        return abs(operand) < _BEYOND
    return not (math.frexp(operand)[0] * digits).is_integer() or 0 < abs(operand) < _SMALLEST


def in_float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, computed in float32 where its result has 16 bits, and rounded once."""

    @functools.wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        for a in args:
            if a.__class__ is Tensor and (dtype := a.array.dtype).itemsize == 2 and dtype.kind in FLOATS:
                dtype = result_type(*[a.array for a in args if a.__class__ is Tensor])
                break
        else:
            return function(*args, **given)
        if dtype.itemsize != 2:
            return function(*args, **given)
        wide = [cast(a, np.float32) if a.__class__ is Tensor and a.array.dtype == dtype else a for a in args]
        return cast(function(*wide, **given), dtype)

    return call


def cast(a: Any, dtype: Any) -> Any:
    """A tensor (or None) in a dtype."""
    return a if a is None or a.array.dtype == dtype else functional.astype(a, dtype)


def reflected(call: Callable[..., Any]) -> Callable[..., Any]:
    """The operator with a tensor on the right-hand side."""
    return lambda b, a: call(a, b)
