"""Arguments of operations: names and synonyms, numbers and arrays, common dtypes."""

from __future__ import annotations

import functools
import inspect
import itertools
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograd_core import functional
from autograd_core.casting import contexts_of, modes, recast
from autograd_core.dtypes import FLOATS, can_cast, is_numeric, result_type
from autograd_core.entries import Op
from autograd_core.errors import DtypeError, OperandError, OutOfMemoryError, VmapError
from autograd_core.failures import out_of_memory
from autograd_core.grad_mode import grad_enabled
from autograd_core.libraries import LIBRARY, VMAP, is_array
from autograd_core.tensor import Tensor, wrap

FACTORS = ("value", "beta", "alpha")  # which PyTorch's older forms take as numbers before the tensors they multiply
# Other names, mostly NumPy's -> the parameters they may stand for; the first that a function has is meant.
SYNONYMS = {"axis": ("dim", "dims"), "axes": ("dim", "dims"), "keepdims": ("keepdim",), "A": ("input",),
            "size": ("shape",), "axis0": ("dim0",), "axis1": ("dim1",), "tensor": ("input",), "self": ("input",),
            "input": ("A", "x"), "x": ("input",), "b": ("B",), "element": ("elements",),
            "test_element": ("test_elements",)}  # fmt: skip
_MISSING = inspect.Parameter.empty
_PLAIN = {Tensor, bool, int, float, complex, type(None)}  # operands that need no conversion beyond that of numbers


def parse(o: Op, args: tuple[Any, ...], given: dict[str, Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """Public arguments to (inputs, statics): by position or name, with NumPy's synonyms."""
    names = [p[0] for p in o.public]
    if o.packs:
        args = _packed(o, args)
    if len(args) > len(names):
        raise TypeError(
            f"{o.name}() takes at most {len(names)} arguments, {', '.join(names)}, but {len(args)} were given"
        )
    values = dict(zip(names, args, strict=False))
    for name, value in given.items():
        name = _meant(name, names)
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
            statics[own] = value
    return _listed(o, inputs[0]) if o.variadic else inputs, statics


def _meant(name: str, names: Sequence[str]) -> str:
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
        ready = [a if a is None or a.__class__ is Tensor or is_number(a) else _constant(o, a) for a in _typed(ready)]
    numbers = [i for i, a in enumerate(ready) if is_number(a)]
    if numbers:
        peers = ready if o.variadic or not o.promoted else [ready[i] for i in o.promoted]
        dtype = result_type(*[getattr(p, "array", p) for p in peers if p is not None])
        like = next((t.array for t in ready if t.__class__ is Tensor), None)
        for i in numbers:
            ready[i] = _number(ready[i], dtype, like)
    return ready


def is_number(value: Any) -> bool:
    """Whether a value is a Python number, whose dtype follows the tensors it meets."""
    kind = value.__class__  # the first test answers most often
    return kind is not Tensor and isinstance(value, (int, float, complex)) and not isinstance(value, np.generic)


def _number(value: Any, dtype: Any, like: Any) -> Tensor:
    try:
        return wrap(LIBRARY[np.ndarray if like is None else like.__class__].asarray(value, dtype))
    except OverflowError as e:
        raise OperandError(f"{value} does not fit into {dtype}, the dtype of the tensor it meets") from e


def _typed(args: Iterable[Any]) -> list[Any]:
    """NumPy scalars keep their dtype among themselves; next to tensors and arrays they count as numbers."""
    args = list(args)
    if any(a.__class__ is Tensor or getattr(a, "ndim", 0) for a in args):
        return args
    return [wrap(a) if isinstance(a, np.generic) and is_array(a) else a for a in args]


def _constant(o: Op, value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if is_array(value) and is_numeric(value.dtype) and value.dtype.isnative:
        return wrap(value)
    if is_array(value) or isinstance(value, np.ndarray | list | tuple):
        return functional.as_tensor(value)
    kind = type(value).__name__
    raise TypeError(f"{o.name}(): {kind} is not a tensor, an array or a number; convert it with tensor(...)")


def numbers_among(o: Op, statics: dict[str, Any]) -> dict[str, Any]:
    """The static parameters given as tensors of one number, as Python numbers."""
    found = {n: t for n, t in statics.items() if t.__class__ is Tensor and not t.ndim}
    if any(t.node is not None for t in found.values()):
        raise TypeError(f"{o.name}(): no gradient can flow to {' or '.join(found)}; pass the number: tensor.item()")
    return {n: t.item() for n, t in found.items()}


def foreign(o: Op, args: tuple[Any, ...]) -> Any:
    """Call an operation on operands that are not all Tensors: numbers, arrays, lists."""
    plain = [a if a.__class__ is Tensor or is_number(a) else _constant(o, a) for a in _typed(args)]
    dtype = result_type(*[getattr(a, "array", a) for a in plain]) if any(map(is_number, plain)) else None
    return o.call(*[a if dtype is None else cast(a, dtype) for a in constants(o, plain)])


def deferring(o: Op, args: tuple[Any, ...]) -> Any:
    """`foreign` for an operator: returns NotImplemented for operands of unknown types."""
    return foreign(o, args) if all(map(is_operand, args)) else NotImplemented


def is_operand(value: Any) -> bool:
    """Whether a value can be an operand next to tensors."""
    if value.__class__ is Tensor or is_number(value) or is_array(value):
        return True
    return isinstance(value, np.ndarray | list | tuple)


def promoted(call: Callable[..., Any], a: Any, b: Any, dtype: Any = None) -> Any:
    """Call an operation after casting its operands; a cast is its own node, so that every rule sees a single dtype."""
    dtype = dtype or result_type(getattr(a, "array", a), getattr(b, "array", b))
    like = a.array if a.__class__ is Tensor else b.array
    return call(*[cast(t, dtype) if t.__class__ is Tensor else _number(t, dtype, like) for t in (a, b)])


def in_float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, computed in float32 where its result has 16 bits, and rounded once."""

    @functools.wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        tensors = [a for a in args if a.__class__ is Tensor]
        if not any(t.dtype.itemsize == 2 and t.dtype.kind in FLOATS for t in tensors):
            return function(*args, **given)
        dtype = result_type(*tensors)
        wide = [cast(a, np.float32) if a.__class__ is Tensor and a.dtype == dtype else a for a in args]
        return cast(function(*wide, **given), dtype)

    return call


def of_one_depth(args: Sequence[Any]) -> list[Any]:
    """The operands, all moved inside the call of `vmap` that some of them are in."""
    return VMAP.lifted(args)


def cast(a: Any, dtype: Any) -> Any:
    """A tensor (or None) in a dtype."""
    return a if a is None or a.array.dtype == dtype else functional.astype(a, dtype)


def deliver(name: str, result: Any, out: Any) -> Any:
    """Write the result into the tensor, or tuple of tensors, given as `out=`, and return it.

    A tensor of another shape is resized, with a warning if it has elements. Nothing is recorded.
    """
    if out.__class__ is not Tensor and result.__class__ is not Tensor:
        if len(out) != len(result):
            raise OperandError(f"{name}(): out= must hold {len(result)} tensors, not {len(out)}")
        for one, target in zip(result, out, strict=True):
            deliver(name, one, target)
        return result._make(out) if hasattr(result, "_make") else out
    if out.__class__ is not Tensor or result.__class__ is not Tensor:
        raise TypeError(f"{name}(): out= must be a tensor for each result, not {type(out).__name__}")
    if grad_enabled() and (result.node is not None or out.node is not None):
        raise OperandError(
            f"{name}(): writes to out= are not recorded, but a tensor requires a gradient; drop out=, or use no_grad()"
        )
    if not can_cast(result.dtype, out.dtype):
        raise DtypeError(f"{name}(): the result of {result.dtype} cannot be written to out= of {out.dtype}")
    if result.shape == out.shape:
        return out.copy_(result)
    if out.array.size:
        told = f"{name}(): the result has shape {result.shape} but out= has shape {out.shape} and is resized"
        warnings.warn(told, stacklevel=3)
    out.array = cast(result, out.dtype).array.copy()
    return out


def with_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with further options of PyTorch's creation functions.

    out: the tensor to write and return; its dtype counts. layout: `strided`. pin_memory: use page-locked memory.
    """

    @functools.wraps(function)
    def call(
        *args: Any, out: Tensor | None = None, layout: str | None = None, pin_memory: bool = False, **given: Any
    ) -> Any:
        if layout not in (None, "strided"):
            raise RuntimeError(f"{function.__name__}(): tensors are strided, not {layout}")
        if out is not None:
            return deliver(function.__name__, function(*args, **{"dtype": out.dtype, **given}), out)
        try:
            made = function(*args, **given)
        except MemoryError as e:
            raise e if isinstance(e, OutOfMemoryError) else out_of_memory(f"{function.__name__}(): {e}") from e
        return made.detach().pin_memory().requires_grad_(made.requires_grad) if pin_memory else made

    call.options = True  # type: ignore[attr-defined]  # for stubs
    call.__module__ = functional.__name__  # so that pickle finds it
    return call


def reflected(call: Callable[..., Any]) -> Callable[..., Any]:
    """The operator with a tensor on the right-hand side."""
    return lambda b, a: call(a, b)


def with_synonyms(function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
    """Accept `out=`, NumPy's `axis` and `keepdims` for `dim` and `keepdim`, and older orders, in a composition.

    name: of the entry whose autocast policy applies.
    """
    code = function.__code__
    count = code.co_argcount
    parameters = code.co_varnames[: count + code.co_kwonlyargcount]
    factors = [s for s in FACTORS if s in parameters[count:]]
    names = {s: _meant(s, parameters) for s in SYNONYMS}
    contexts = contexts_of(name)

    @functools.wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        if contexts and modes():
            return recast(name, call, *args, **given)
        out = given.pop("out", None) if given else None
        if given:
            given = {names.get(k, k): v for k, v in given.items()}
        if count < len(args) <= count + len(factors):  # addcmul(input, value, tensor1, tensor2)
            given |= zip(factors, filter(np.isscalar, args), strict=False)
            args = tuple(itertools.filterfalse(np.isscalar, args))
        try:
            result = function(*args, **given)
        except VmapError as e:  # it reads values, which differ between samples
            result = VMAP.one_by_one(call, args, given, e)
        except AttributeError as e:
            _refuse_others(call.__name__, {**dict(zip(parameters, args, strict=False)), **given}, e)
            raise
        return result if out is None else deliver(function.__name__, result, out)

    return call


def _refuse_others(name: str, given: dict[str, Any], error: AttributeError) -> None:
    """Raise if what lacks an attribute is an argument that should have been a tensor."""
    for parameter, value in given.items():
        kind = type(value).__name__
        if value is error.obj and f"{kind}' object has no" in str(error) and not isinstance(value, Tensor):
            raise TypeError(f"{name}(): {parameter} must be a tensor, not {kind}; make one with tensor(...)") from error
