"""What a failed forward says: which operation, which operands, and what was wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from autograd_core.entries import Op
from autograd_core.errors import DeviceError, DtypeError, OperandError
from autograd_core.libraries import LIBRARY, backend_of_array, is_array


def recover(o: Op, arrays: Sequence[Any], statics: dict[str, Any], error: Exception) -> Any:
    """The value after all, where only a floating-point warning was turned into an error; else raise, and say more."""
    if not isinstance(error, RuntimeWarning | FloatingPointError):
        _explain(o, arrays, error)
    library = LIBRARY[next(a.__class__ for a in arrays if is_array(a))]
    with np.errstate(all="ignore"):
        return o.forward(library, *arrays, **statics)


def _explain(o: Op, arrays: Sequence[Any], error: Exception) -> NoReturn:
    devices = list(dict.fromkeys(backend_of_array(a).device_of(a) for a in arrays if is_array(a)))
    if len(devices) > 1:
        raise DeviceError(
            f"{o.name}: operands on different devices ({', '.join(devices)}); move one with .to({devices[0]!r})"
        ) from error
    kinds = {ValueError: OperandError, TypeError: DtypeError, np.exceptions.DTypePromotionError: DtypeError}
    kind = next((k for e, k in kinds.items() if type(error) is e), None)
    if kind is None and isinstance(error, TypeError) and type(error).__module__.startswith("numpy"):
        kind = DtypeError  # UFuncTypeError and its like, which are private
    if kind is None and isinstance(error, AttributeError) and not all(map(is_array, arrays)):
        kind = DtypeError  # a number, or None, where the forward needs an array
    if kind is None:
        raise error
    raise kind(f"{o.name}: {error} [{_described(o, arrays)}]") from error


def _described(o: Op, arrays: Sequence[Any]) -> str:
    """Name, dtype and shape of every operand."""
    names = [p[0] for p in o.public if p[1] is None]
    if o.variadic:
        names = [f"tensors[{i}]" for i in range(len(arrays))]
    shown = [f"{a.dtype} {tuple(a.shape)}" if is_array(a) else repr(a) for a in arrays]
    return ", ".join(f"{n}: {s}" for n, s in zip(names, shown, strict=False))
