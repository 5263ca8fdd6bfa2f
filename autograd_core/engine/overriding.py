"""`__torch_function__`: classes, and modes, that are asked before a public function is called."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from autograd_core.tensor import Tensor
from backends.live import capturing

Arguments = tuple[Any, ...]


class _State(threading.local):
    classes = True  # whether classes are asked
    modes: Arguments = ()  # those that are asked, the last first


state = _State()
MET: list[Callable[[], Any]] = []  # what is called before an object of a class is asked
# Classes of arguments that are never asked, looked up first.
_SILENT = frozenset({Tensor, int, float, bool, complex, str, type(None), slice, type(...)})


def no_override(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """The `__torch_function__` of a class that is not asked; a class derived from it may hand on to this."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


def overrides(kind: type) -> bool:
    """Whether a class is asked before a function is called; that of plain tensors is not."""
    return kind not in _SILENT and getattr(kind, "__torch_function__", no_override) is not no_override


def asked(args: Iterable[Any], given: dict[str, Any]) -> tuple[type, ...]:
    """The classes of arguments, also of those in lists, that are asked: subclasses first, else by position."""
    found: list[type] = []
    if state.classes:
        for argument in (*args, *given.values()):
            if argument.__class__ in _SILENT:
                continue
            for value in argument if isinstance(argument, tuple | list) else (argument,):
                kind = value.__class__
                if kind not in _SILENT and kind not in found and overrides(kind):
                    found.insert(next((i for i, k in enumerate(found) if issubclass(kind, k)), len(found)), kind)
    return tuple(found)


def overridden(func: Callable[..., Any], args: Iterable[Any], given: dict[str, Any]) -> Any:
    """What the first class that has an answer makes of a call; NotImplemented if there is none."""
    kinds, args = asked(args, given), tuple(args)
    if kinds:
        _refuse_capture()
        for prepare in MET:
            prepare()
    answers = (kind.__torch_function__(func, kinds, args, given) for kind in kinds)  # type: ignore[attr-defined]
    return next((answer for answer in answers if answer is not NotImplemented), NotImplemented)


def answered(func: Callable[..., Any], plainly: Callable[..., Any], args: Arguments, given: dict[str, Any]) -> Any:
    """Call a public function, first asking a mode, then classes of arguments; `plainly` is what asks nobody."""
    if state.modes:
        return _by_mode(func, args, given)
    return overridden(func, args, given) if asked(args, given) else plainly(*args, **given)


def call(func: Callable[..., Any], plainly: Callable[..., Any], args: Arguments, given: dict[str, Any]) -> Any:
    """`answered`, where it is an error that nobody has an answer."""
    if (answer := answered(func, plainly, args, given)) is NotImplemented:
        raise refused(func.__name__, args, given)
    return answer


def _by_mode(func: Callable[..., Any], args: Arguments, given: dict[str, Any]) -> Any:
    """The answer of the mode that was entered last, while it is not in force; that of classes if it declines."""
    _refuse_capture()
    modes = state.modes
    *rest, mode = modes
    state.modes = tuple(rest)
    try:
        answer = mode.__torch_function__(func, asked(args, given), args, given)
    finally:
        state.modes = modes
    return overridden(func, args, given) if answer is NotImplemented else answer


def _refuse_capture() -> None:
    """Raise in a step that is captured: its replays would ask nobody."""
    if capturing():
        raise NotImplementedError("the step calls __torch_function__, which its replays would not")


def refused(name: str, args: Iterable[Any], given: dict[str, Any]) -> TypeError:
    """The error if no class has an answer."""
    names = ", ".join(kind.__qualname__ for kind in asked(args, given))
    return TypeError(f"no implementation found for '{name}' on types that implement __torch_function__: {names}")


class DisableTorchFunctionSubclass:
    """A context in which no class is asked, but modes are."""

    def __enter__(self) -> None:
        self._before = state.classes, state.modes
        state.classes = False

    def __exit__(self, *_: object) -> None:
        state.classes, state.modes = self._before


class DisableTorchFunction(DisableTorchFunctionSubclass):
    """A context in which neither classes nor modes are asked."""

    def __enter__(self) -> None:
        super().__enter__()
        state.modes = ()
