"""What a function can reach without being told: through closures, globals that it names, and attributes."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count, islice, starmap, zip_longest
from operator import is_
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from autograd_core.replay.validity import ATTEMPTS
from autograd_core.tensor import Tensor
from backends import live

DEPTH = 6  # steps from the function to what it reaches
MANY = 1000  # elements of a container that are looked at
PLAIN = {bool, int, float, str, type(None)}
RESTLESS = "what it reaches is exchanged from call to call; pass tensors as arguments, or write into them"
Place = tuple[dict[str, Any], str]  # where a setting is: the attributes of an object, or globals, and the name


class Settings:
    """The modes and plain attributes of the modules that a step reaches, how many groups of parameters optimizers
    have, and the numbers that its code names.

    What the step itself changes, such as a count, is not among them.
    """

    def __init__(self, step: Callable[..., Any]) -> None:
        self._step = step
        self._versions: dict[Any, int] = {}
        self._count = count()
        self._idle = 0  # exchanges in a row before anything recorded was used
        self._look()

    def _look(self) -> None:
        self.outermost, self._optimizers = reached(self._step)
        self._modules = [m for o in self.outermost for m in (o.modules() if hasattr(o, "_apply") else [o])]
        self._silent = [m for m in self._modules if not hasattr(m, "_apply")]  # they tell of no change
        named, cells = _named(self._step, self._modules)
        self._numbers = [(place, name) for place, name in named if place[name].__class__ in PLAIN]
        self._cells = [cell for cell in cells if cell.cell_contents.__class__ in PLAIN]
        self._names = [(place, name, o) for place, name in named if (o := place[name]).__class__ not in PLAIN]
        self._closed = [(cell, o) for cell in cells if (o := cell.cell_contents).__class__ not in PLAIN]
        self._own: set[tuple[int, str]] = set()  # by the identity of the attributes
        self._parts = list(self._of_modules(plain=False))
        objects = [*[o for *_, o in self._names], *[o for _, o in self._closed]]
        self._held = [(c, tuple(_elements(c))) for c in _containers(objects)]
        self._parted, self._seen, self._version = live.changes, -1, 0

    def exchanged(self) -> bool:
        """Whether tensors, modules, hooks or other objects that the step reaches were exchanged; if so, all is looked
        at anew.
        """
        if self._as_before():
            return False
        self._look()
        return True

    def is_restless(self, used: bool) -> bool:
        """Whether recording does not pay, after an exchange; used: whether anything recorded was used before it."""
        self._idle = 0 if used else self._idle + 1
        return self._idle == ATTEMPTS

    def _as_before(self) -> bool:
        for place, name, before in self._names:  # all() with a generator takes twice as long
            if place.get(name) is not before:
                return False
        try:
            for cell, before in self._closed:
                if cell.cell_contents is not before:
                    return False
        except ValueError:  # it is empty now
            return False
        for container, elements in self._held:
            if not _same(_elements(container), elements):
                return False
        if self._parted == live.changes:
            return True
        self._parted = live.changes
        return _same(self._of_modules(plain=False), self._parts)

    def key(self) -> tuple[Any, ...]:
        """What tells settings apart: a number for those of modules, and the values of others."""
        if self._seen != live.changes:
            self._seen = live.changes
            if len(self._versions) >= MANY:
                self._versions.clear()
            self._version = self._versions.setdefault(tuple(self._of_modules(plain=True)), next(self._count))
        return (
            self._version,
            *[m.training for m in self._silent],
            *[len(o.param_groups) for o in self._optimizers],
            *[_plain(place.get(name)) for place, name in self._numbers],
            *[_plain(_content(cell)) for cell in self._cells],
        )

    def _of_modules(self, plain: bool) -> Iterator[Any]:
        for place in _places(self._modules):
            for name, value in place.items():
                if (value.__class__ in PLAIN) == plain and (id(place), name) not in self._own:
                    yield value

    def _values(self) -> dict[tuple[int, str], Any]:
        places = [(place, name) for place in _places(self._modules) for name in place]
        places += [*self._numbers, *[(place, name) for place, name, _ in self._names]]
        cells = [*self._cells, *[cell for cell, _ in self._closed]]
        return {(id(place), name): place.get(name) for place, name in places} | {
            (id(cell), ""): _content(cell) for cell in cells
        }

    def watched(self, step: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The result of the step; what it changes itself is no setting from now on."""
        before = self._values()
        try:
            return step(*args, **kwargs)
        finally:
            self._leave_out(before)

    def _leave_out(self, before: dict[tuple[int, str], Any]) -> None:
        now = self._values()
        self._held = [(c, elements) for c, elements in self._held if _same(_elements(c), elements)]
        mine = {place for place, value in now.items() if place in before and _differ(before[place], value)}
        if mine:
            self._own |= mine
            self._numbers = [(place, name) for place, name in self._numbers if (id(place), name) not in mine]
            self._names = [(place, name, o) for place, name, o in self._names if (id(place), name) not in mine]
            self._cells = [cell for cell in self._cells if (id(cell), "") not in mine]
            self._closed = [(cell, o) for cell, o in self._closed if (id(cell), "") not in mine]
            self._seen, self._parts = -1, list(self._of_modules(plain=False))


def _places(modules: list[Any]) -> Iterator[dict[str, Any]]:
    """The attributes of modules, and their parts where these are no attributes."""
    for m in modules:
        yield vars(m)
        if hasattr(type(m), "__getattr__"):
            yield from [part for name, part in vars(m).items() if name in ("_parameters", "_buffers", "_modules")]


def _containers(objects: list[Any], depth: int = DEPTH) -> Iterator[Any]:
    """The lists, tuples and dicts among objects and their elements that contain tensors, modules or functions."""
    for c in objects:
        if isinstance(c, (list, tuple, dict)) and depth:
            elements = list(islice(_elements(c), MANY))
            if any(isinstance(e, (Tensor, FunctionType)) or hasattr(e, "_apply") for e in elements):
                yield c
            yield from _containers(elements, depth - 1)


def _elements(container: Any) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def _same(found: Iterable[Any], before: Iterable[Any]) -> bool:
    return all(starmap(is_, zip_longest(found, before)))


def _differ(a: Any, b: Any) -> bool:
    return a is not b and (not a.__class__ is b.__class__ in PLAIN or a != b)


def _named(step: Any, modules: list[Any]) -> tuple[list[Place], list[Any]]:
    """What a step names, as globals and attributes, and the cells of its closures.

    Its code is its own, that of functions and methods of the same file that it names, and that of forwards there.
    """
    objects: list[Any] = []
    while isinstance(step, (MethodType, partial)):
        objects += [step.__self__] if isinstance(step, MethodType) else [*step.args, *step.keywords.values()]
        step = step.__func__ if isinstance(step, MethodType) else step.func
    step = inspect.unwrap(step)
    if not isinstance(step, FunctionType):  # an object that is called like a function
        objects.append(step)
        step = getattr(type(step), "forward", None) or type(step).__call__
    if not isinstance(step, FunctionType):
        return [], []
    home, words, attributes, cells = step.__globals__, set[str](), set[str](), list[Any]()
    functions = [step, *[f for m in modules if isinstance(f := getattr(type(m), "forward", None), FunctionType)]]
    functions = [f for f in dict.fromkeys(functions) if f.__globals__ is home]
    for f in functions:  # it grows
        named, asked = _words(f.__code__)
        words |= named
        attributes |= asked
        inner = [cell for cell in f.__closure__ or () if _content(cell) is not None]
        cells += inner
        reached = [*[cell.cell_contents for cell in inner], *[home.get(name) for name in sorted(named)]]
        reached += [vars(type(o)).get(name) for o in [*objects, *reached] if _has_numbers(o) for name in asked]
        objects += [o for o in reached if _has_numbers(o)]
        further = [g for g in reached if isinstance(g, FunctionType) and g.__globals__ is home]
        functions += [g for g in dict.fromkeys(further) if g not in functions]
    places = {id(vars(o)): vars(o) for o in objects if _has_numbers(o)}.values()
    there = [(home, name) for name in words if name in home]
    there += [(place, name) for place in places for name in attributes if name in place]
    return [(place, name) for place, name in there if not isinstance(place[name], ModuleType | type)], cells


def _has_numbers(o: Any) -> bool:
    """Whether the attributes of an object may be settings; those of modules are looked at anyway."""
    known = (Tensor, ModuleType, type, FunctionType)
    return hasattr(o, "__dict__") and not isinstance(o, known) and not hasattr(o, "_apply")


def reached(function: Callable[..., Any]) -> tuple[list[Any], list[Any]]:
    """The outermost objects that are in training or evaluation mode, as an attribute `training` says; optimizers."""
    modules: list[Any] = []
    optimizers: list[Any] = []
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
                modules.append(o)
                optimizers.extend(filter(_is_optimizer, own.values()))
            elif _is_optimizer(o):
                optimizers.append(o)
            else:
                there.extend(_next(o))
        here = there
    return modules, optimizers


def _is_optimizer(o: Any) -> bool:
    return isinstance(getattr(o, "__dict__", {}).get("param_groups"), list)


def _next(o: Any) -> Iterator[Any]:
    if isinstance(o, FunctionType):
        yield from [value for cell in o.__closure__ or () if (value := _content(cell)) is not None]
        yield from [o.__globals__[name] for name in sorted(_words(o.__code__)[0]) if name in o.__globals__]
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
    """What a cell of a closure holds; None if it is empty."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    return value if value.__class__ in PLAIN else None


def _words(code: CodeType) -> tuple[set[str], set[str]]:
    """The globals and the attributes that code names, functions in it included."""
    found: tuple[set[str], set[str]] = set(), set()
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            found[0].add(step.argval)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            found[1].add(step.argval)
        elif isinstance(step.argval, CodeType):
            for names, inner in zip(found, _words(step.argval), strict=True):
                names |= inner
    return found
