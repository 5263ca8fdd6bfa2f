"""Error messages of a failed forward: the operation, its operands, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn

import numpy as np

from autograd_core.dtypes import wrapped
from autograd_core.engine.entries import Op
from autograd_core.engine.libraries import ELSEWHERE, LIBRARY, backend_of_array, is_array
from autograd_core.errors import ComplexError, DeviceError, DtypeError, LinAlgError, OperandError, OutOfMemoryError
from autograd_core.trees import leaves

FLOATING = RuntimeWarning, FloatingPointError  # of which NumPy makes errors on request
# What Python and NumPy say of an argument of a wrong type, without its name.
_NAMELESS = re.compile(
    "cannot be interpreted as an integer|not supported between instances|unsupported operand|did not contain a loop|"
    "could not convert string|invalid literal|must be real number|bad operand type|can only concatenate"
)


def elsewhere(o: Op, operands: Sequence[Any], statics: dict[str, Any]) -> Any:
    """The result, already recorded, if an operand is a tensor that no forward takes; else None."""
    for t in operands:
        if (compute := ELSEWHERE.get(getattr(t, "array", None).__class__)) is not None:
            try:
                return compute(o, operands, statics)
            except Exception as e:
                raise e from e.__cause__  # not from the failure of the forward, which tells nothing
    return None


def recover(o: Op, arrays: Sequence[Any], statics: dict[str, Any], error: Exception) -> Any:
    """Return the value if only a floating-point warning was raised as an error, if a batch can be computed sample by
    sample or a call is traced, or if a number wraps around; otherwise raise an error that names the operation and its
    operands.
    """
    libraries = [LIBRARY[a.__class__] for a in arrays if is_array(a)]
    library = next((found for found in libraries if hasattr(found, "each")), libraries[0])
    compute = partial(o.forward, library, *arrays, **statics)
    if hasattr(library, "each") and not isinstance(error, FLOATING):  # batches, which run sample by sample, or traces
        compute = partial(library.each, o, arrays, statics)
        try:
            return compute()
        except Exception as e:
            error = e
    if o.modular and isinstance(error, OverflowError):
        dtype = next(a.dtype for a in arrays if is_array(a))
        arrays = [a if is_array(a) else library.asarray(wrapped(a, dtype)) for a in arrays]
        try:
            return o.forward(library, *arrays, **statics)
        except ValueError as e:
            error = e
    if not isinstance(error, FLOATING):
        _explain(o, arrays, statics, error)
    with np.errstate(all="ignore"):
        return compute()


def _explain(o: Op, arrays: Sequence[Any], statics: dict[str, Any], error: Exception) -> NoReturn:
    given = [*arrays, *leaves([*statics.values()])]  # an index is no operand
    devices = list(dict.fromkeys(backend_of_array(a).device_of(a) for a in given if is_array(a)))
    if len(devices) > 1:
        raise DeviceError(
            f"{o.name}: operands on different devices ({', '.join(devices)}); move one with .to({devices[0]!r})"
        ) from error
    if isinstance(error, MemoryError):
        raise out_of_memory(f"{o.name}: {error} [{_described(o, arrays, statics)}]") from error
    if isinstance(error, np.exceptions.AxisError) and error.axis is not None:
        error = IndexError(f"dim {error.axis} is out of range for {error.ndim} axes")
    kinds = {
        ValueError: OperandError,
        OverflowError: OperandError,
        TypeError: DtypeError,
        np.exceptions.DTypePromotionError: DtypeError,
        np.linalg.LinAlgError: LinAlgError,
    }
    kind = next((k for e, k in kinds.items() if type(error) is e), None)
    if kind is None and isinstance(error, TypeError) and type(error).__module__.startswith("numpy"):
        kind = DtypeError  # UFuncTypeError and similar private types
    if kind is None and isinstance(error, AttributeError) and not all(map(is_array, arrays)):
        kind = DtypeError  # the forward got a number or None instead of an array
    if kind is None:
        error.add_note(f"in {o.name} [{_described(o, arrays, statics)}]")
        raise error
    what = misfit(statics, o.statics, error) or _unsuitable(o, arrays, error)
    what = what or str(error).removeprefix(f"{o.name}: ")  # NumPy's functions may name themselves
    raise _of(o.name, kind(f"{o.name}: {what} [{_described(o, arrays, statics)}]")) from error


def misfit(given: Mapping[str, Any], defaults: Mapping[str, Any], error: Exception) -> str:
    """Which argument an error is about that Python or NumPy raised for its type; empty if that is unknown."""
    text = str(error)
    if not _NAMELESS.search(text):
        return ""
    kinds = (str, bytes, dict, float) if "'float'" in text else (str, bytes, dict)
    for name, value in given.items():
        if not isinstance(defaults.get(name), str) and any(isinstance(v, kinds) for v in _parts(value)):
            return f"{name} takes {'integers' if 'integer' in text else 'numbers'}, not {value!r:.40}"
    return ""


def _parts(value: Any) -> Any:
    return value if isinstance(value, tuple | list) else (value,)


def _unsuitable(o: Op, arrays: Sequence[Any], error: Exception) -> str:
    """What is wrong with the operands, where NumPy's error does not say it plainly; empty if it does."""
    text, shapes = str(error), [tuple(a.shape) for a in arrays if is_array(a)]
    if "not supported for the input types" in text:
        return f"not defined for {' and '.join(dict.fromkeys(str(a.dtype) for a in arrays if is_array(a)))}"
    if text.startswith("operands could not be broadcast"):
        listed = " and ".join(map(str, shapes))
        return f"shapes {listed} cannot be broadcast: counted from the last, axes must be of one length, or of length 1"
    if "not aligned" in text:
        return f"shapes {shapes[0]} and {shapes[1]} cannot be multiplied: the last axis meets the second-to-last"
    if text.startswith("cannot reshape array"):
        return text.replace("newaxis", "-1")
    if isinstance(error, AttributeError):
        names = [p[0] for p in o.public if p[1] is None]
        for name, a in zip(names, arrays, strict=False):
            if a is error.obj and not is_array(a):
                return f"{name} must be a tensor, not {type(a).__name__}"
    return ""


def _of(name: str, error: Any) -> Any:
    """An error that knows the name with which its message begins."""
    error.operation = name
    return error


def rename(error: Exception, name: str) -> None:
    """Let the message of an operation's error begin with the name of the function that the user called."""
    operation = getattr(error, "operation", None)
    if operation is not None:
        error.args = (name + str(error).removeprefix(operation),)
        _of(name, error)


def as_operand_error(name: str, error: Exception) -> Any:
    """What to raise in a function of this name for a plain ValueError of Python or NumPy; other errors stay."""
    if type(error) not in (ValueError, OverflowError):
        return error
    text = str(error)
    return _of(
        name, OperandError(text if text.startswith(name) else f"{name}: {text}").with_traceback(error.__traceback__)
    )


def out_of_memory(what: str, error: Any = None) -> OutOfMemoryError:
    """The error for a result that does not fit in memory, with advice. error: the array library's, or already ours."""
    if isinstance(error, OutOfMemoryError):
        return error
    what = what if error is None else f"{what}: {error}"
    return OutOfMemoryError(f"{what}; nothing has changed: try a smaller batch, or free what is not needed")


def refuse_complex(name: str, arrays: Iterable[Any]) -> None:
    """Raise if an operand is complex: the array library might compute something meaningless, such as an ordering."""
    for a in arrays:
        if a is not None and a.dtype.kind == "c":
            raise _of(
                name,
                ComplexError(
                    f"{name}() takes no complex numbers, but got {a.dtype}; "
                    "use .real, .imag, .abs() or view_as_real() first"
                ),
            )


def _described(o: Op, arrays: Sequence[Any], statics: dict[str, Any]) -> str:
    """Name, dtype and shape of every operand, and the parameters that are not the default."""
    names = [p[0] for p in o.public if p[1] is None]
    if o.variadic:
        names = [f"tensors[{i}]" for i in range(len(arrays))]
    shown = [f"{a.dtype} {tuple(a.shape)}" if is_array(a) else repr(a) for a in arrays]
    given = {name: value for name, value in statics.items() if o.statics[name] is not value}
    for name in [name for name, value in given.items() if hasattr(value, "_asdict")]:
        given |= given.pop(name)._asdict()  # the fields of a window, or of a convolution's geometry
    settings = [f"{name}={value!r:.40}" for name, value in given.items()]
    return ", ".join([*(f"{n}: {s}" for n, s in zip(names, shown, strict=False)), *settings])
