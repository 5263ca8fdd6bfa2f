"""What a function can reach without being told: through closures, globals that it names, and attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from autograd_core.tensor import Tensor
from backends import live

DEPTH = 6  # steps from the function to what it reaches
MANY = 1000  # elements of a container that are looked at
PLAIN = {bool, int, float, str, type(None)}
Place = tuple[dict[str, Any], str]  # where a setting is: the attributes of an object, or globals, and the name


class Settings:
    """The modes and plain attributes of the modules that a step reaches, and the numbers that its code names.

    What the step itself changes, such as a count, is not among them.
    """

    def __init__(self, step: Callable[..., Any]) -> None:
        found = modules_of(step)
        self._modules = [m for o in found for m in (o.modules() if hasattr(o, "_apply") else [o])]
        self._silent = [m for m in self._modules if not hasattr(m, "_apply")]  # they tell of no change
        self._named, self._cells = _numbers(step)
        self._own: set[tuple[int, str]] = set()  # by the identity of the attributes
        self._versions: dict[Any, int] = {}
        self._count = count()
        self._seen, self._version = -1, 0

    def key(self) -> tuple[Any, ...]:
        """What tells settings apart: a number for those of modules, and the values of others."""
        if self._seen != live.changes:
            self._seen = live.changes
            if len(self._versions) >= MANY:
                self._versions.clear()
            self._version = self._versions.setdefault(tuple(self._of_modules()), next(self._count))
        return (
            self._version,
            *[m.training for m in self._silent],
            *[place.get(name) for place, name in self._named],
            *[_content(cell) for cell in self._cells],
        )

    def _of_modules(self) -> Iterator[Any]:
        for m in self._modules:
            place = vars(m)
            for name, value in place.items():
                if value.__class__ in PLAIN and (id(place), name) not in self._own:
                    yield value

    def places(self) -> dict[tuple[int, str], Any]:
        """The values of all places that a step may change."""
        places = [(vars(m), name) for m in self._modules for name in vars(m)] + self._named
        return {(id(place), name): v for place, name in places if (v := place.get(name)).__class__ in PLAIN}

    def leave_out(self, before: dict[tuple[int, str], Any]) -> None:
        """Forget the settings that a run of the step has changed."""
        now = self.places()
        mine = {place for place, value in now.items() if place in before and before[place] != value}
        if mine:
            self._own |= mine
            self._named = [(place, name) for place, name in self._named if (id(place), name) not in mine]
            self._seen = -1


def _numbers(step: Any) -> tuple[list[Place], list[Any]]:
    """The numbers and words that the code of a step names: as globals and attributes, and in the cells of closures."""
    objects: list[Any] = []
    while isinstance(step, (MethodType, partial)):
        objects += [step.__self__] if isinstance(step, MethodType) else [*step.args, *step.keywords.values()]
        step = step.__func__ if isinstance(step, MethodType) else step.func
    if not isinstance(step, FunctionType):
        return [], []
    names, cells = dict.fromkeys(_names(step.__code__)), [c for c in step.__closure__ or () if _is_full(c)]
    objects += [c.cell_contents for c in cells] + [step.__globals__.get(name) for name in names]
    places = [step.__globals__, *[vars(o) for o in objects if _has_numbers(o)]]
    named = [(place, name) for place in places for name in names if place.get(name).__class__ in PLAIN - {type(None)}]
    return named, [c for c in cells if c.cell_contents.__class__ in PLAIN]


def _has_numbers(o: Any) -> bool:
    """Whether the attributes of an object may be settings; those of modules are looked at anyway."""
    known = (Tensor, ModuleType, type, FunctionType)
    return hasattr(o, "__dict__") and not isinstance(o, known) and not hasattr(o, "_apply")


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
            own = {} if isinstance(o, FunctionType) else getattr(o, "__dict__", {})  # a decorator may copy a module's
            if isinstance(own.get("training"), bool):
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


def _content(cell: Any) -> Any:
    try:
        value = cell.cell_contents
    except ValueError:
        return None
    return value if value.__class__ in PLAIN else None


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
