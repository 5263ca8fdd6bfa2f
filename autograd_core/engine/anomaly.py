"""`detect_anomaly`: finds the operation whose gradient first became NaN or infinite."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from autograd_core.engine import applying, binders
from autograd_core.engine.libraries import LIBRARY
from autograd_core.engine.nodes import tick
from autograd_core.errors import AnomalyError, users_frame
from backends.locks import shared_lock

Watch = Callable[[Any, Any], Any]
Observer = Callable[[int, Any], None]
_observers: ContextVar[tuple[Observer, ...]] = ContextVar("observers", default=())
_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)
_checking: ContextVar[bool | None] = ContextVar("anomaly", default=None)  # False: only lines; None: off
watching = _watch.get
_lock = shared_lock()
_active = 0
_places: dict[int, str] = {}  # number of a node -> the line of user code that made it


class set_detect_anomaly:
    """Turn anomaly detection on or off, by a call or as a context manager.

    With `check_nan=False` gradients are not checked, but an error in a backward walk names the line of the operation.
    This applies to the current thread or async task only.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = [(_checking.get(), watching())]
        _set(*((bool(check_nan), _watched if check_nan else None) if mode else (None, None)))

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        _set(*self._before.pop())


class detect_anomaly:
    """Raise at the first gradient that is NaN or infinite, naming the operation, shapes and the line that computed it.

    Run both forward and backward inside the block. Every operation costs a few microseconds more there. check_nan: see
    `set_detect_anomaly`.

    >>> from autograd_core import tensor
    >>> x = tensor(0.0, requires_grad=True)
    >>> try:
    ...     with detect_anomaly():
    ...         x.sqrt().backward()
    ... except RuntimeError as e:
    ...     print(e)
    the gradient of sqrt with respect to its input 0 is infinite ...
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._check_nan = check_nan
        self._entered: list[set_detect_anomaly] = []

    def __enter__(self) -> None:
        self._entered.append(set_detect_anomaly(True, self._check_nan))

    def __exit__(self, *_: object) -> None:
        self._entered.pop().__exit__()


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return _checking.get() is not None


def is_anomaly_check_nan_enabled() -> bool:
    """Whether every gradient is checked."""
    return _checking.get() is True


def _set(checking: bool | None, watch: Watch | None) -> None:
    _trace((checking is not None) - is_anomaly_enabled())
    _checking.set(checking)
    _watch.set(watch)


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Call `observer(number, frame)` for every node recorded in this block, with the frame of its binder.

    The local variable `n` of that frame is the node, complete but for its number.
    """
    token = _observers.set((*_observers.get(), observer))
    _trace(1)
    try:
        yield
    finally:
        _observers.reset(token)
        _trace(-1)


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Call `watch(node, rules)`, which returns the rules to use, for every node that a walk passes in this block."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def _trace(more: int) -> None:
    global _active
    with _lock:
        _active += more
        applying.tick = binders.tick = _traced_tick if _active else tick  # no cost without observers
        if not _active:
            _places.clear()


def _traced_tick() -> int:
    number, frame = tick(), sys._getframe(1)
    if is_anomaly_enabled():
        _places[number] = users_line(frame)
    for observer in _observers.get():
        observer(number, frame)
    return number


def users_line(frame: Any) -> str:
    """File and line of the innermost caller that is not part of these packages."""
    frame, _ = users_frame(frame)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def remembered_line(number: int) -> str:
    """File and line that recorded a node, if that happened inside the current `detect_anomaly` block, else ""."""
    return _places.get(number, "")


def _watched(node: Any, rules: Any) -> list[Any]:
    """The rules of a node, with a check of each result."""
    return [rule and _checked(node, i, rule) for i, rule in enumerate(rules)]


def _checked(node: Any, i: int, rule: Callable[..., Any]) -> Callable[..., Any]:
    def checked(xp: Any, g: Any, s: Any) -> Any:
        result = rule(xp, g, s)
        array = getattr(result, "array", result)
        if array is not None and array.dtype.kind in "fc":
            _look(node, i, array, g)
        return result

    return checked


def _look(node: Any, i: int, array: Any, g: Any) -> None:
    library = LIBRARY[array.__class__]
    if bool(library.isfinite(array).all().item()):
        return
    found = "NaN" if bool(library.isnan(array).any().item()) else "infinite"
    shape = getattr(g, "shape", None)
    place = _places.get(node.number, "recorded before detect_anomaly began")
    raise AnomalyError(
        f"the gradient of {node.op.name} with respect to its input {i} is {found} "
        f"[shape {tuple(array.shape)}, cotangent of shape {shape}; computed at {place}]"
    )
