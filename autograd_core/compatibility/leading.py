"""The public functions that are led through what may override them: classes of tensors, and modes.

Operations notice an operand of a subclass themselves. All other functions are led through a question, compositions of
operations for example, but only once there is such a tensor; and while a mode is entered, everything is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from types import FunctionType
from typing import Any

from autograd_core.autograd import grad
from autograd_core.compatibility import above
from autograd_core.engine.entries import Composition, Op, public_names
from autograd_core.engine.overriding import asked, call, state
from autograd_core.engine.redirection import redirect, restore
from autograd_core.registry import LISTENERS, MODULES
from autograd_core.semantics.members import name_methods, own_members, spelled
from autograd_core.tensor import Tensor
from backends.locks import shared_lock

# Functions that PyTorch asks no class about.
UNASKED = {"tensor", "as_tensor", "asarray", "from_numpy", "from_dlpack", "frombuffer", "is_tensor"}
_lock = shared_lock()
_entered = 0  # modes, in all threads
_led: list[tuple[Any, Callable[..., Any]]] = []  # functions, and what they are led through for modes


@cache
def lead_through_classes() -> None:
    """Let functions that are no operations ask the classes of their arguments, from now on."""
    for function in {id(f): f for f in _functions()}.values():
        if not _notices(function) and function.__name__ not in UNASKED:
            redirect(function, partial(_asked, function))
    LISTENERS.append(_listen)


def _listen(entry: Op | Composition) -> None:
    if not _notices(entry.call):
        redirect(entry.call, partial(_asked, entry.call))


def _asked(public: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if not state.modes and not asked(args, kwargs):
        return function(*args, **kwargs)
    return call(public, function, args, kwargs)


def _notices(function: Any) -> bool:
    """Whether a function is that of an operation, which notices operands of subclasses itself."""
    entry = getattr(function, "entry", None)
    return isinstance(entry, Op) and not entry.form


def _functions() -> Iterator[Any]:
    """The public functions, and the methods that write."""
    for module in (*MODULES.values(), above.find("nn").functional):
        for name in module.__all__:
            if isinstance(function := getattr(module, name), FunctionType):
                yield function
    for name, method in own_members().items():
        if isinstance(method, FunctionType) and ((name.endswith("_") and name[0] != "_") or name == "__setitem__"):
            yield method
    yield grad


def enter(mode: Any) -> None:
    """Let public functions, methods and properties ask a mode in this thread."""
    global _entered
    with _lock:
        _entered += 1
        if _entered == 1:
            name_methods()
            _led[:] = [(function, partial(_asked, public)) for function, public in _everything()]
            for function, way in _led:
                redirect(function, way)
            if _listen_for_modes not in LISTENERS:
                LISTENERS.append(_listen_for_modes)
    state.modes = (*state.modes, mode)


def _listen_for_modes(entry: Op | Composition) -> None:
    """Lead what is registered while a mode is entered, because it is used for the first time."""
    writes = [vars(Tensor).get(f"{name}_") for module, name in public_names(entry) if not module]
    with _lock:
        for function in (entry.call, *writes):
            if _entered and isinstance(function, FunctionType) and all(function is not led for led, _ in _led):
                _led.append((function, partial(_asked, function)))
                redirect(*_led[-1])


def leave() -> None:
    """No longer ask the mode that was entered last."""
    global _entered
    state.modes = state.modes[:-1]
    with _lock:
        _entered -= 1
        if not _entered:
            for function, way in _led:
                restore(function, way)


def _everything() -> Iterator[tuple[Any, Any]]:
    """Functions whose calls a mode sees, and how they are known."""
    found = {id(f): (f, f) for f in _functions()}
    for name, member in own_members().items():
        if isinstance(member, property):
            accessors = (member.fget, member.__get__), (member.fset, member.__set__), (member.fdel, member.__delete__)
            found |= {id(f): (f, public) for f, public in accessors if isinstance(f, FunctionType)}
        elif isinstance(member, FunctionType):
            found.setdefault(id(member), (member, getattr(Tensor, spelled(name))))
    yield from found.values()
