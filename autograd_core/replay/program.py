"""Programs: the calls of a captured step as lines of Python, which replay it without the engine."""

from __future__ import annotations

import keyword
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from autograd_core.engine.binders import LARGE
from autograd_core.replay.passes import FRESH, Array, Call, Line, fewer
from backends.settled import settling

Functions = tuple[Callable[..., Any], Callable[..., Any]]
BY_SHAPE = {"empty_like", "full_like", "ones_like", "zeros_like"}  # what the first operand holds does not matter
ARITHMETIC = {"add", "relu"}  # passes rewrite these if all operands are arrays
CONVERSIONS = {"astype", "{0}.astype({rest})"}  # their result may be the operand itself
_PLACE = re.compile(r"\{(\d)\}")
_NUMBERED = re.compile(r"\d$")


class Expression(str):
    """An argument that is written as it is."""

    __slots__ = ()


class Program:
    """Lines of Python on NumPy arrays.

    array: the class of arrays that stand for variables. kernels: those of the backend that computes.
    """

    def __init__(self, array: Any, kernels: Any) -> None:
        self.array, self.kernels = array, kernels
        self.lines: list[Line] = []
        self._roots: dict[str, str] = {}  # a view -> the variable that it is a view of
        self._held: set[str] = set()  # variables that tensors hold
        self._written: set[str] = set()  # variables that are written
        self.conditions: list[str] = []  # of inputs, for which the program is valid
        self.needed: list[str] = []  # the variables in them
        self.scope: dict[str, Any] = {"step": None}
        self.general: dict[str, Any] = {}  # the kernels behind settled functions
        self._named: dict[int, tuple[str, Any]] = {}  # id -> the name of a constant, which is kept alive
        self._numbers: defaultdict[str, Iterator[int]] = defaultdict(partial(count, 1))

    def constant(self, value: Any, name: str = "") -> str:
        """The name of an object that all replays share, after its own name or the given one."""
        known = self._named.get(id(value))
        if known is None:
            name = name or _own_name(value)
            if not name.isidentifier() or name in self.scope or keyword.iskeyword(name) or _NUMBERED.search(name):
                name = self.name(name if name.isidentifier() else "c")
            self.scope[name] = value
            known = self._named[id(value)] = name, value
        return known[0]

    def name(self, kind: str = "v") -> str:
        """A new name."""
        return f"{kind}{'_' * bool(_NUMBERED.search(kind))}{next(self._numbers[kind])}"

    def text(self, value: Any) -> str:
        """An expression for a value."""
        kind = value.__class__
        if kind is self.array or kind is Expression:
            return str(value.name if kind is self.array else value)
        if kind in (tuple, list):
            inside = ", ".join(map(self.text, value))
            return f"[{inside}]" if kind is list else f"({inside}{',' * (len(value) == 1)})"
        if kind is dict:
            return f"{{{', '.join(f'{self.text(k)}: {self.text(v)}' for k, v in value.items())}}}"
        if kind is slice:
            return f"slice({self.text(value.start)}, {self.text(value.stop)}, {self.text(value.step)})"
        literal = value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value))
        return repr(value) if literal else "..." if value is ... else self.constant(value)

    def _subscript(self, index: Any) -> str:
        if isinstance(index, slice):
            bounds = ["" if v is None else self.text(v) for v in (index.start, index.stop, index.step)]
            return ":".join(bounds if bounds[2] else bounds[:2])
        if isinstance(index, tuple) and index:
            return ", ".join(map(self._subscript, index)) + "," * (len(index) == 1)
        return self.text(index)

    def note(
        self,
        function: Any,
        form: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        found: Any,
        random: bool = False,
        fast: Any = None,
    ) -> Any:
        """Add a call; returns arrays in place of what it found.

        form: the name of the function, or an expression of the arguments {0}, {1}, ... and {rest}, the others. random:
        whether each call gives something else. fast: a settled function that does the same.
        """
        line, shown = self._expression(function, form, args, kwargs, fast)
        operands, made = self.arrays((args, kwargs)), list[Any]()
        left, value = self._taken(found, operands, made)
        if form in CONVERSIONS and not made:  # nothing to do, unless the dtype of a sum depends on values
            left = value.name
        scalars = [a.name for a in made if a.scalar]
        if [left] == scalars:
            line, scalars = f"{self.constant(np.asarray)}({line})", []
        if not made:
            self._written.update(a.name for a in operands)
        call = None if kwargs and form != "pad" else _call(form, shown, operands, made)
        fixed = _fixed(operands[form in BY_SHAPE :], made, operands, random)
        names = [a.name for a in (*made, *operands)]
        text = f"{left} = {line}" if made or form in CONVERSIONS else line
        self.lines.append(Line(text, names, call, bool(made), fixed))
        for name in scalars:
            self.lines.append(Line(f"{name} = {self.constant(np.asarray)}({name})", [name], None, True, fixed))
        return value

    def _expression(
        self, function: Any, form: str, args: tuple[Any, ...], kwargs: dict[str, Any], fast: Any
    ) -> tuple[str, list[str]]:
        """A call as an expression, and its positional arguments."""
        if "{" not in form:
            called = self.constant(fast or function, form)
            form = f"{called}({{rest}})"
            if fast not in (None, function):
                self.general[called] = function
        shown = list(map(self.text, args))
        if form.startswith("{0}["):
            shown[1] = self._subscript(args[1])
        rest = [*shown[len(set(_PLACE.findall(form))) :], *(f"{k}={self.text(v)}" for k, v in kwargs.items())]
        return form.format(*shown, rest=", ".join(rest)), shown

    def add(self, text: str, names: list[str]) -> None:
        """Add a line that lets tensors hold variables, or reads them."""
        self.lines.append(Line(text, names))
        self._held.update(names)

    def hold(self, names: list[str]) -> None:
        """Note that the last line uses further variables, which something else may refer to from then on."""
        self.lines[-1].names.extend(names)
        self._held.update(names)

    def _taken(self, found: Any, operands: list[Any], made: list[Any]) -> tuple[str, Any]:
        """Variables for what a call returned, and arrays for them; `made` receives the new ones."""
        if isinstance(found, (np.ndarray, np.generic)):
            same = next((a for a in operands if a.held is found), None)
            if same is not None:
                return "_", same
            sources = [a for a in (*operands, *made) if np.may_share_memory(a.held, found)]
            base = next((a if a.base is None else a.base for a in sources), None)
            y = self.array(self.name(), np.asarray(found), base)
            y.scalar = isinstance(found, np.generic)
            if base is not None:
                self._roots[y.name] = base.name
            made.append(y)
            return y.name, y
        if isinstance(found, (tuple, list)):
            pairs = [self._taken(v, operands, made) for v in found]
            left = ", ".join([name for name, _ in pairs])
            values = [value for _, value in pairs]
            return f"({left},)", values if isinstance(found, list) else tuple(values)
        if found is None or not operands:
            return "_", found
        raise TypeError(f"a call returned {found!r:.60}, which would be the same in every replay")

    def arrays(self, value: Any) -> list[Any]:
        """The arrays among operands."""
        if isinstance(value, (tuple, list)):
            return [a for v in value for a in self.arrays(v)]
        if isinstance(value, dict):
            return self.arrays(list(value.values()))
        return [value] if value.__class__ is self.array else []

    def compiled(self, arguments: list[str], results: str, kept: set[str]) -> Functions:
        """The program as a function with settled kernels, and as one that works in every situation.

        Variables that are not kept are deleted after their last use.
        """
        shared = kept | self._held | self._roots.keys() | set(self._roots.values())
        lines = self._without_fixed(kept | self._held | self._written)
        lines = fewer(lines, shared, self._kernel)
        last = {name: i for i, line in enumerate(lines) for name in line.names}
        ends: dict[int, list[str]] = {}
        for name, i in last.items():
            if name not in kept and name not in self.scope:
                ends.setdefault(i, []).append(name)
        body = [f"{line.text}; del {', '.join(ends[i])}" if i in ends else line.text for i, line in enumerate(lines)]
        self.source = "\n    ".join([f"def step({', '.join(arguments)}):", *body, f"return {results}"])
        code, general = compile(self.source, "<captured step>", "exec"), self.scope | self.general
        for scope in (self.scope, general):
            exec(code, scope)  # the lines above
        return self.scope["step"], general["step"]

    def _kernel(self, name: str) -> str:
        """The name of a kernel of the backend that computes, for one line."""
        kernel = getattr(self.kernels, name)
        called = self.constant(settling(kernel), name)
        self.general[called] = kernel
        return called

    def _without_fixed(self, changing: set[str]) -> list[Line]:
        """The lines but for those that give the same in every replay: their results become constants.

        changing: variables whose memory may be written.
        """
        roots = {self._roots.get(name, name) for name in changing}
        left = []
        for line in self.lines:
            if line.fixed and roots.isdisjoint([self._roots.get(name, name) for name in line.fixed]):
                self.scope |= line.fixed
            else:
                left.append(line)
        return left


def _fixed(read: list[Any], made: list[Any], operands: list[Any], random: bool) -> dict[str, Any]:
    """Mark what a call made as the same in every replay if all that it read is, or what it wrote as changing; the
    values of what is the same, unless they are large.
    """
    alike = bool(made) and not random and all(a.fixed and (a.base is None or a.base.fixed) for a in read)
    for a in made or operands:
        a.fixed = alike
        if not made and a.base is not None:
            a.base.fixed = False
    return {a.name: a.held for a in made} if alike and all(a.held.size < LARGE for a in made) else {}


def _call(kernel: str, arguments: list[str], operands: list[Any], made: list[Any]) -> Call | None:
    """What passes need to know of a call, if they rewrite those of this kernel."""
    if kernel not in FRESH or not made or (kernel in ARITHMETIC and len(operands) < len(arguments)):
        return None
    return Call(kernel, arguments, tuple(map(_described, operands)), _described(made[0]))


def _own_name(value: Any) -> str:
    while isinstance(value, partial):
        value = value.func
    return str(getattr(value, "__name__", "c"))


def _described(a: Any) -> Array:
    seen = a.seen
    return Array(a.name, (seen.shape, seen.dtype, seen.strides), seen.size)
