"""Calls of functions that are led through others, by replacing the code of the functions themselves.

So it does not matter under which name, and from where, a program calls them. A function that is not led through
anything is what it was, and costs what it did.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from types import CodeType, FunctionType
from typing import Any

Way = Callable[..., Any]  # called with what it leads to, and with the arguments of the call
REDIRECTED: dict[int, Redirected] = {}  # by the identity of the function


class Redirected:
    """A function, the code and defaults that it had, and what its calls are led through, the last first."""

    def __init__(self, function: Any) -> None:
        self.function, self.defaults, self.ways = function, function.__kwdefaults__, list[Way]()
        self.original = FunctionType(
            function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
        )
        self.original.__kwdefaults__, self.original.__annotations__ = self.defaults, function.__annotations__

    def lead(self) -> None:
        """Make the function do what follows from the ways."""
        self.run: Callable[..., Any] = self.original
        for way in self.ways:
            self.run = partial(way, self.run)
        function = self.function
        if self.ways:
            function.__kwdefaults__ = {**(self.defaults or {}), "_redirected": self}
            function.__code__ = _relaying(len(self.original.__code__.co_freevars))
            vars(function).setdefault("__wrapped__", self.original)  # whose signature it shows
        else:
            function.__code__, function.__kwdefaults__ = self.original.__code__, self.defaults
            if function.__wrapped__ is self.original:
                del function.__wrapped__


def _relay(*args: Any, _redirected: Any, **kwargs: Any) -> Any:
    return _redirected.run(*args, **kwargs)


@cache
def _relaying(free: int) -> CodeType:
    """The code of `_relay` with free variables, in cells, which debuggers read: it takes the place of a closure's."""
    if not free:
        return _relay.__code__
    names = ", ".join([f"free{i}" for i in range(free)])
    scope: dict[str, Any] = {}
    exec(
        f"""def closed({names}):
            def _relay(*args, _redirected, **kwargs):
                return _redirected.run(*args, **kwargs)
                {names}
            return _relay""",
        scope,
    )
    made: CodeType = scope["closed"](*range(free)).__code__
    return made.replace(co_filename=__file__, co_firstlineno=_relay.__code__.co_firstlineno)


def redirect(function: Any, way: Way) -> None:
    """Lead the calls of a function through another."""
    redirected = REDIRECTED.setdefault(id(function), Redirected(function))
    redirected.ways.append(way)
    redirected.lead()


def restore(function: Any, way: Way) -> None:
    """No longer lead the calls of a function through another."""
    redirected = REDIRECTED[id(function)]
    redirected.ways.remove(way)
    redirected.lead()
    if not redirected.ways:
        del REDIRECTED[id(function)]


def undirected(function: Any) -> Any:
    """The function as it was before its calls were led through others."""
    redirected = REDIRECTED.get(id(function))
    return function if redirected is None else redirected.original
