"""What a function can reach without being told: through closures, globals that it names, and attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from autograd_core.tensor import Tensor

DEPTH = 6  # steps from the function to what it reaches
MANY = 1000  # elements of a container that are looked at


def modules_of(function: Callable[..., Any]) -> list[Any]:
    """The outermost objects that are in training or evaluation mode, as an attribute `training` says."""
    found: list[Any] = []
    seen: set[int] = set()
    here: list[Any] = [function]
    for _ in range(DEPTH):
        there: list[Any] = []
        for o in here:
            if id(o) in seen or isinstance(o, (Tensor, ModuleType, type)):
                continue
            seen.add(id(o))
            if isinstance(getattr(o, "__dict__", {}).get("training"), bool):
                found.append(o)
            else:
                there.extend(_next(o))
        here = there
    return found


def _next(o: Any) -> Iterator[Any]:
    if isinstance(o, FunctionType):
        yield from [cell.cell_contents for cell in o.__closure__ or () if _is_full(cell)]
        yield from [o.__globals__[name] for name in _names(o.__code__) if name in o.__globals__]
        yield from (*(o.__defaults__ or ()), *(o.__kwdefaults__ or {}).values())
    elif isinstance(o, MethodType):
        yield from (o.__self__, o.__func__)
    elif isinstance(o, partial):
        yield from (o.func, *o.args, *o.keywords.values())
    elif isinstance(o, (list, tuple, set, frozenset)):
        yield from list(o)[:MANY]
    elif isinstance(o, dict):
        yield from list(o.values())[:MANY]
    else:
        yield from list(getattr(o, "__dict__", {}).values())[:MANY]
        yield vars(type(o)).get("__call__")  # of an object that is called like a function


def _is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
