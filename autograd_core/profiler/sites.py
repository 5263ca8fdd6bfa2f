"""Where a running program can be observed: at the calls of operations, rules, walks, modules and optimizers.

While nobody observes, nothing of this exists. To observe, the code of the functions themselves is replaced, so it does
not matter under which name, and from where, a program calls them; the last observer that leaves puts the code back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, Protocol

from autograd_core.autograd.function import Function
from autograd_core.autograd.function_nodes import FunctionOperation
from autograd_core.compatibility import above
from autograd_core.cuda.graphs import graph
from autograd_core.engine import direct, walk
from autograd_core.engine.deriving import no_gradient
from autograd_core.engine.entries import Composition, Op
from autograd_core.engine.redirection import redirect, restore
from autograd_core.registry import COMPOSITIONS, LISTENERS, MODULES, OPS
from autograd_core.replay import capture
from autograd_core.tensor import Tensor
from backends.locks import shared_lock

OPERATION, RULE, WALK, MODULE, OPTIMIZER = "operation", "rule", "walk", "module", "optimizer"
_lock = shared_lock()
_observers: tuple[Observer, ...] = ()
_sites: dict[int, Site] = {}  # by the identity of the function


class Observer(Protocol):
    """What is called around every observed call."""

    def begin(self, site: Site, args: tuple[Any, ...]) -> Any:
        """The call begins; what this returns is passed to `end`."""

    def end(self, begun: Any, site: Site, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """The call ends; the result is None if it raised."""


class Site:
    """A function that is observed.

    name: what it computes, or a function of its arguments that tells. entry: of an operation or rule. operand: the name
    of the operand whose gradient a rule computes.
    """

    def __init__(self, function: Any, kind: str, name: Any, entry: Any = None, operand: str = "") -> None:
        self.kind, self._name, self.entry, self.operand = kind, name, entry, operand
        self.function = function

    def name(self, args: tuple[Any, ...]) -> str:
        """The name of this call."""
        return str(self._name(args) if callable(self._name) else self._name)

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        begun = [(observer, observer.begin(self, args)) for observer in _observers]
        result = None
        try:
            result = function(*args, **kwargs)
            return result
        finally:
            for observer, token in reversed(begun):
                observer.end(token, self, args, kwargs, result)


class _Uncaptured(Site):
    """The call of a captured step, which runs as it is while somebody observes."""

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        captured, *rest = args
        return captured.step(*rest, **kwargs)


def observe(observer: Observer) -> None:
    """Call an observer around the calls of all threads from now on."""
    global _observers
    with _lock:
        _observers = (*_observers, observer)
        if len(_observers) == 1:
            for site in _all():
                _add(site)
            LISTENERS.append(_listen)


def leave(observer: Observer) -> None:
    """No longer call an observer, except at the end of calls that have begun."""
    global _observers
    with _lock:
        _observers = tuple([o for o in _observers if o is not observer])
        if not _observers and _sites:
            LISTENERS.remove(_listen)
            for site in _sites.values():
                restore(site.function, site)
            _sites.clear()


def annotate(name: str) -> Callable[[], None]:
    """Tell the observers of a call that is none of a function; the result is to be called at its end."""
    site = Site(None, "annotation", name)
    begun = [(observer, observer.begin(site, ())) for observer in _observers]

    def end() -> None:
        for observer, token in reversed(begun):
            observer.end(token, site, (), {}, None)

    return end


def _add(site: Site) -> None:
    if id(site.function) not in _sites:
        _sites[id(site.function)] = site
        redirect(site.function, site)


def _listen(entry: Op | Composition) -> None:
    """Observe the operations of a family that is loaded now."""
    for site in _of_entry(entry):
        _add(site)


def _all() -> Iterator[Site]:
    entries: list[Op | Composition] = [*OPS.values(), *COMPOSITIONS.values()]
    for entry in entries:
        yield from _of_entry(entry)
    for functions in MODULES.values():  # those that make tensors
        for name in functions.__all__:
            if getattr(functions, name).__dict__.get("options"):
                yield from _of_function(getattr(functions, name), OPERATION, name)
    for name, method in vars(Tensor).items():  # those that write
        if name.endswith("_") and name[0] != "_" and not hasattr(method, "entry"):
            yield from _of_function(method, OPERATION, name)
    yield Site(direct.arithmetic, OPERATION, lambda args: args[0])  # in place
    yield Site(walk.walk, WALK, "backward")
    apply: Any = Function.apply
    yield Site(apply.__func__, OPERATION, lambda args: args[0].__name__)
    yield Site(FunctionOperation.joint, RULE, lambda args: f"{args[0].name} backward")
    for step in capture, graph:
        yield _Uncaptured(step.__call__, "", "")
    yield Site(above.find("nn").Module.__call__, MODULE, lambda args: type(args[0]).__name__)
    yield from _of_optimizers(above.find("optim").Optimizer)


def _of_entry(entry: Op | Composition) -> Iterator[Site]:
    """The functions, operators and rules of an operation."""
    yield from _of_function(entry.call, OPERATION, entry.name, entry)
    if isinstance(entry, Op):
        for operator in entry.operators:
            yield from _of_function(vars(Tensor).get(operator), OPERATION, entry.name, entry)
        several = sum(rule is not no_gradient for rule in entry.rules) > 1
        for operand, rule in zip(entry.inputs, entry.rules, strict=False):
            name = f"{entry.name} backward" + (f": {operand}" if several else "")
            yield from _of_function(rule, RULE, name, entry, operand)
        joint: tuple[Any, ...] = entry.joint, entry.composite, entry.before
        for rule in joint:
            yield from _of_function(rule, RULE, f"{entry.name} backward", entry)


def _of_function(function: Any, *what: Any) -> Iterator[Site]:
    if isinstance(function, FunctionType) and function is not no_gradient:
        yield Site(function, *what)


def _of_optimizers(base: Any) -> Iterator[Site]:
    for method in ("step", "zero_grad"):
        yield from _of_function(
            vars(base).get(method), OPTIMIZER, lambda args, m=method: f"Optimizer.{m}#{type(args[0]).__name__}.{m}"
        )
    for kind in base.__subclasses__():
        yield from _of_optimizers(kind)
