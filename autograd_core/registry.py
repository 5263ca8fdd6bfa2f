"""The registry: one entry per operation, from which everything else is derived."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import backends
from autograd_core import fft, functional, linalg, special
from autograd_core.engine import binders, precision
from autograd_core.engine.arguments import in_float32, reflected
from autograd_core.engine.deriving import derive, fused_rules, in_lines, no_gradient, public_signature
from autograd_core.engine.entries import USUAL, Composition, Op, Rule, public_names
from autograd_core.engine.entries import Interval as Interval
from autograd_core.engine.entries import Sample as Sample
from autograd_core.engine.entries import Values as Values
from autograd_core.engine.entries import booleans as booleans
from autograd_core.engine.entries import integers as integers
from autograd_core.engine.entries import sample as sample
from autograd_core.engine.failures import refuse_complex
from autograd_core.engine.libraries import LIBRARY, MUTABLE, RULES
from autograd_core.engine.options import with_synonyms
from autograd_core.families import foresee
from autograd_core.kinds import BINARY, ELEMENTWISE, Kind
from autograd_core.tensor import Tensor

OPS: dict[str, Op] = {}
COMPOSITIONS: dict[str, Composition] = {}
LISTENERS: list[Callable[[Op | Composition], None]] = []  # called with every entry registered later
MODULES: dict[str, Any] = {"": functional, "linalg": linalg, "special": special, "fft": fft}
NO_GRADIENT: tuple[Rule | None, ...] = ()  # `vjp` of piecewise constant operations: comparisons, argmax


def op(
    kind: Kind,
    *,
    symbol: str | None = None,
    domain: Interval = USUAL,
    reference: Callable[..., Any] | None = None,
    vjp: Rule | tuple[Rule | None, ...] | None = None,
    **fields: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register an operation: the decorated forward, its rules, and plain data about it (the fields of `Op`).

    The signature declares the arguments: after `xp`, positional parameters are tensors, `*xs` is a list of tensors,
    keyword-only ones are static. A rule takes (xp, g) and any of: the inputs, `y` (the output, or an output's name),
    residuals, static parameters, `x_shape` and `x_dtype` of an input `x`.

    reference: the definition, as a function of NumPy arrays or, for pointwise kinds, of numbers, which only tests call.
    One that takes more than an expression is a function `_slow_...` above the entry.
    """

    home = sys._getframe(1).f_globals.get("__name__", "")

    def register(forward: Callable[..., Any]) -> Callable[..., Any]:
        o = Op(forward.__name__, kind, symbol, forward.__doc__, domain, reference, vjp, forward, **fields)
        o.home = home
        o.method = kind.method if o.method is None else o.method
        _bind(o)
        if o.form:
            formed = o.form(o.call)
            formed.__name__ = formed.__qualname__ = o.name  # which errors name, Python's own too
            o.call = with_synonyms(formed)
        else:
            o.call.__signature__ = public_signature(o)  # type: ignore[attr-defined]  # what help() and stubs show
        o.call.__name__ = o.call.__qualname__ = o.name
        o.call.__module__ = functional.__name__  # where pickle finds it
        o.call.__doc__ = o.doc
        o.call.entry = o  # type: ignore[attr-defined]  # for stubs: from a function to what it is the form of
        if o.simple and len(o.inputs) == 2:
            o.with_number = lambda tensor, number, first=False: _number_form(o, first).call(tensor, number=number)
        OPS[o.name] = o
        for rules in {id(r): r for r in RULES.values()}.values():
            _overlay(o, rules)
        _publish(o)
        return o.call

    return register


def private(forward: Callable[..., Any], kind: Kind, symbol: str, *vjp: Rule | None, wide: bool = False) -> Op:
    """An operation that the engine records but that has no public name; it is in no table."""
    o = Op(forward.__name__.strip("_"), kind, symbol, forward.__doc__, USUAL, None, vjp, forward, wide=wide)
    _bind(o)
    return o


def _bind(o: Op) -> None:
    derive(o)
    if o.wide:
        o.forward = precision.widened(o.forward)
    o.call = binders.bind(o)


@functools.cache
def _number_form(o: Op, first: bool) -> Op:
    """The operation of 16-bit floats with a number as its first or second operand, a static parameter, in float32."""

    def forward(xp: Any, x: Any, *, number: Any) -> Any:
        return o.forward(xp, number, x) if first else o.forward(xp, x, number)

    def derivative(xp: Any, g: Any, x: Any, y: Any, number: Any) -> Any:
        def cast(v: Any, dtype: Any) -> Any:
            return v if v is None or v.dtype == dtype else xp.astype(v, dtype=dtype)

        x, y = cast(x, np.float32), cast(y, np.float32)
        return cast(rule(xp, cast(g, np.float32), (y, number, x) if first else (y, x, number)), g.dtype)

    rule, wants = (o.rules[first], o.wants[first]) if o.rules else (no_gradient, ())
    name = o.inputs[first]
    rules: dict[tuple[bool, bool], Rule] = {
        (False, False): lambda xp, g, number: derivative(xp, g, None, None, number),
        (True, False): lambda xp, g, x, number: derivative(xp, g, x, None, number),
        (False, True): lambda xp, g, y, number: derivative(xp, g, None, y, number),
        (True, True): derivative,
    }
    forward.__name__, forward.__doc__ = o.name, o.doc
    vjp = rules[name in wants, "y" in wants] if wants else lambda xp, g: rule(xp, g, ())
    made = private(forward, ELEMENTWISE, o.symbol or o.name, vjp, wide=True)
    _rules_in_one_pass(made)
    return made


def composition(
    kind: Kind,
    *,
    domain: Interval = USUAL,
    reference: Callable[..., Any] | None = None,
    module: str = "",
    wide: bool = False,
    **fields: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function on Tensors that is a composition of operations, and plain data about it (see `Composition`).

    wide: it computes 16-bit floats in float32, and rounds once.
    """

    home = sys._getframe(1).f_globals.get("__name__", "")

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{module}.{function.__name__}" if module else function.__name__
        call = with_synonyms(function, name)
        c = Composition(name, kind, function.__doc__, domain, reference, call, module=module, home=home, **fields)
        c.method = kind.method if c.method is None else c.method
        if hasattr(results := function.__annotations__.get("return"), "_fields"):
            in_lines(results, c.aliases[0] if c.aliases else name)
        if c.real_only or wide:
            c.call = _refusing_complex(call) if c.real_only else in_float32(call)
        c.call.entry = c  # type: ignore[attr-defined]
        COMPOSITIONS[c.name] = c
        _publish(c)
        return c.call

    return register


def _refusing_complex(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        for t in (*args, *given.values()):
            if isinstance(t, Tensor) and t.array.dtype.kind == "c":
                refuse_complex(function.__name__, (t.array,))
        return function(*args, **given)

    return call


def publish(function: Callable[..., Any], name: str = "", module: str = "") -> None:
    """Publish a function in the functional form, or in one of its modules."""
    place, name = MODULES[module], name or function.__name__
    setattr(place, name, function)
    place.__all__ = [*place.__all__, name]


def _publish(entry: Op | Composition) -> None:
    """Publish the functional form, methods and operators."""
    for listener in LISTENERS:
        listener(entry)
    for module, name in public_names(entry):
        publish(entry.call, name, module)
        if entry.method and not module:
            setattr(Tensor, name, entry.call)
    if isinstance(entry, Op):
        setattr(functional, entry.name, entry.call)  # the namespace of rules has it too
        _publish_operators(entry)


def _publish_operators(entry: Op) -> None:
    if not entry.operators:
        return
    operator = binders.bind_operator(entry)
    for name in entry.operators:
        swapped = f"__{name[3:]}" in entry.operators and not entry.commutative  # __rshift__ is not of __shift__
        setattr(Tensor, name, reflected(operator) if swapped else operator)


def add_library(library: Any, array_types: Iterable[type]) -> None:
    """Make forwards and rules work on further array types, given the namespace of their functions."""
    types = tuple(array_types)
    rules = type(library)(**vars(library))
    rules.forwards = library
    foresee(rules)
    LIBRARY.update(dict.fromkeys(types, library))
    RULES.update(dict.fromkeys(types, rules))
    MUTABLE.update(t for t in types if hasattr(t, "__setitem__"))
    for o in OPS.values():
        _overlay(o, rules)


def use_backend(backend: Any) -> None:
    """Register the arrays of a backend."""
    for library, types in backend.libraries:
        library.backend = backend
        add_library(library, types)
    if _rules_in_one_pass not in LISTENERS and any(library.kernels.fused for library, _ in backend.libraries):
        for o in OPS.values():
            _rules_in_one_pass(o)
        LISTENERS.append(_rules_in_one_pass)


def _rules_in_one_pass(entry: Op | Composition) -> None:
    """Let a backend make single kernels of the rules of pointwise operations, and of `wide` ones, as of forwards."""
    if isinstance(entry, Op) and (entry.wide or entry.kind in (ELEMENTWISE, BINARY)):
        entry.rules = fused_rules(entry)


def _overlay(o: Op, rules: Any) -> None:
    """Add this operation's forward to the namespace of rules, under its functional names."""
    library = rules.forwards
    for name in (o.name, *[alias for alias in o.aliases if "." not in alias]):
        if not (o.simple and hasattr(library, name)) or o.floating:  # else the same function has the same name
            setattr(rules, name, _bare(o, library))


def _bare(o: Op, library: Any) -> Callable[..., Any]:
    """The forward as rules call it: positional inputs, lists as lists, statics by keyword, residuals dropped."""
    run = getattr(library, "run", None)  # batches (batching/), which can also run sample by sample
    forward = functools.partial(run, o) if run else functools.partial(o.forward, library)
    if o.variadic:
        return lambda xs, **statics: forward(*xs, **statics)
    if o.residuals:
        return lambda *xs, **statics: forward(*xs, **statics)[0]
    return forward


use_backend(backends.get("cpu"))
