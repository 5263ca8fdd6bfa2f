"""The registry: one entry per operation, from which everything else is derived."""

from __future__ import annotations

import functools
import inspect
import sys
from collections import namedtuple
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import numpy as np

import backends
from autograd_core import fft, functional, linalg, special
from autograd_core.engine import binders, precision
from autograd_core.engine.arguments import in_float32, reflected
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
from autograd_core.engine.saving import outputs_of
from autograd_core.families import foresee
from autograd_core.kinds import BINARY, ELEMENTWISE, Kind
from autograd_core.tensor import Tensor

OPS: dict[str, Op] = {}
COMPOSITIONS: dict[str, Composition] = {}
RESULTS: dict[str, Any] = {}  # the types of several results, by PyTorch's names in `return_types`
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
        _derive(o)
        if o.wide:
            o.forward = precision.widened(o.forward)
        o.call = binders.bind(o)
        if o.form:
            formed = o.form(o.call)
            formed.__qualname__ = o.name  # which Python's errors about its arguments name
            o.call = with_synonyms(formed)
        else:
            o.call.__signature__ = public_signature(o)  # type: ignore[attr-defined]  # what help() and stubs show
        o.call.__name__ = o.call.__qualname__ = o.name
        o.call.__module__ = functional.__name__  # where pickle finds it
        o.call.__doc__ = o.doc
        o.call.entry = o  # type: ignore[attr-defined]  # for stubs: from a function to what it is the form of
        if o.simple and len(o.inputs) == 2:
            o.with_number = functools.partial(_with_number, o)
        OPS[o.name] = o
        for rules in {id(r): r for r in RULES.values()}.values():
            _overlay(o, rules)
        _publish(o)
        return o.call

    return register


def private(forward: Callable[..., Any], kind: Kind, symbol: str, *vjp: Rule | None, wide: bool = False) -> Op:
    """An operation that the engine records but that has no public name; it is in no table."""
    o = Op(forward.__name__.strip("_"), kind, symbol, forward.__doc__, USUAL, None, vjp, forward, wide=wide)
    _derive(o)
    if wide:
        o.forward = precision.widened(forward)
    o.call = binders.bind(o)
    return o


def _with_number(o: Op, tensor: Any, number: Any, first: bool = False) -> Any:
    """An operation of 16-bit floats and a number, computed in float32; `first`: the number is the first operand."""
    return _number_form(o, first).call(tensor, number=number)


@functools.cache
def _number_form(o: Op, first: bool) -> Op:
    """The operation with a number in the place of its first or second operand, as a static parameter."""

    def forward(xp: Any, x: Any, *, number: Any) -> Any:
        return o.forward(xp, number, x) if first else o.forward(xp, x, number)

    def derivative(xp: Any, g: Any, x: Any, y: Any, number: Any) -> Any:
        def cast(v: Any, dtype: Any) -> Any:
            return v if v is None or v.dtype == dtype else xp.astype(v, dtype=dtype)

        x, y = cast(x, np.float32), cast(y, np.float32)
        return cast(rule(xp, cast(g, np.float32), (y, number, x) if first else (y, x, number)), g.dtype)

    rule, wants = (o.rules[first], o.wants[first]) if o.rules else (_nothing, ())
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
    samples: tuple[Sample, ...] = (),
    aliases: tuple[str, ...] = (),
    method: bool | None = None,
    tolerance: float = 1e-12,
    order: int = 2,
    module: str = "",
    real_only: bool = False,
    wide: bool = False,
    by_memory: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function on Tensors that is a composition of operations.

    real_only: it refuses complex numbers, although its operations accept them.
    wide: it computes 16-bit floats in float32, and rounds once.
    by_memory: its result depends on the memory layout of its input.
    """

    home = sys._getframe(1).f_globals.get("__name__", "")

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{module}.{function.__name__}" if module else function.__name__
        if hasattr(results := function.__annotations__.get("return"), "_fields"):
            in_lines(results, aliases[0] if aliases else name)
        call = with_synonyms(function, name)
        call = _refusing_complex(call) if real_only else in_float32(call) if wide else call
        has_method = kind.method if method is None else method
        c = Composition(name, kind, function.__doc__, domain, reference, samples, aliases, has_method, tolerance, call,
                        order, module, real_only, by_memory, home)  # fmt: skip
        c.call.entry = c  # type: ignore[attr-defined]
        COMPOSITIONS[c.name] = c
        _publish(c)
        return c.call

    return register


def _refusing_complex(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        refuse_complex(function.__name__, [t.array for t in (*args, *given.values()) if isinstance(t, Tensor)])
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


def _derive(o: Op) -> None:
    """Fill in what follows from the fields of the entry."""
    _read_signature(o)
    _read_rules(o)
    _decide(o)


def _read_signature(o: Op) -> None:
    forward = inspect.unwrap(o.forward)  # the same information as inspect.signature, in a tenth of the time
    code = forward.__code__
    names, last = code.co_varnames, code.co_argcount + code.co_kwonlyargcount
    o.variadic = bool(code.co_flags & inspect.CO_VARARGS)
    o.inputs = (*names[1 : code.co_argcount], *names[last : last + o.variadic])
    given = forward.__defaults__ or ()
    defaults: dict[str, Any] = dict.fromkeys((*o.inputs, *names[code.co_argcount : last]), inspect.Parameter.empty)
    defaults |= dict(zip(o.inputs[len(o.inputs) - len(given) :], given, strict=True)) | (forward.__kwdefaults__ or {})
    o.statics = {n: defaults[n] for n in names[code.co_argcount : last]}
    # Letters in formulas have PyTorch's public names.
    letters = dict(zip(o.inputs, ("input", "other"), strict=False))
    public = {n: letters.get(n, n) if len(n) == 1 else n for n in o.inputs}
    if o.variadic:
        public = {o.inputs[0]: "tensors"}
    order = o.signature or (*o.inputs, *o.statics)
    o.optional = sum(1 << i for i, n in enumerate(o.inputs) if defaults[n] is None)
    o.public = tuple((public.get(n, n), n if n in o.statics else None, defaults[n]) for n in order)


def _read_rules(o: Op) -> None:
    if o.vjp is None and o.joint is None:
        raise TypeError(f"op '{o.name}' has no rule: give vjp=, joint=, or vjp=NO_GRADIENT if it is piecewise constant")
    rules = o.vjp if isinstance(o.vjp, tuple) else (o.vjp,) if o.vjp else ()
    if rules and len(rules) != len(o.inputs):
        raise TypeError(f"op '{o.name}' has {len(o.inputs)} inputs {o.inputs} but {len(rules)} rules")
    o.differentiable = bool(rules or o.joint)
    o.wants = tuple(names_of(r) for r in rules) or (names_of(o.joint),) * len(o.inputs)
    if o.before:
        o.wants = tuple((*names, *names_of(o.before)) for names in o.wants)
    mentioned = dict.fromkeys(chain(*o.wants))
    if extra := set(names_of(o.composite)) - set(mentioned):
        # Higher orders must not add costs to the first.
        raise TypeError(f"op '{o.name}': its composite rule names {sorted(extra)}, which the fast rule does not save")
    # A number as one of two operands has no dtype to widen: the general binder converts it to a tensor.
    o.simple = (
        not (o.module or o.statics or o.residuals or o.outputs or o.variadic or o.joint or o.view or o.before)
        and not (o.wide and len(o.inputs) > 1)
        and set(mentioned) <= {"y", *o.inputs}
        and [p[0] for p in o.public] == ["input", "other"][: len(o.inputs)]
    )
    o.keep = ("y", *o.inputs) if o.simple else tuple(mentioned)  # a fixed layout; values that no rule needs are None
    named = outputs_of(o)
    o.holds = not {"y", *o.inputs, *o.residuals, *named}.isdisjoint(mentioned)
    o.rules = tuple(_adapted(r, o.keep) if r else _nothing for r in rules)
    o.joint, o.composite, o.before = (r and _adapted(r, o.keep) for r in (o.joint, o.composite, o.before))
    if named:
        make: Any = namedtuple  # data attributes that its type does not declare
        shown = o.aliases[0] if o.aliases else f"{o.module}.{o.name}".removesuffix("_along")  # max(x, dim) is max_along
        o.result = in_lines(make(o.name, named), shown.strip("."))._make


def _decide(o: Op) -> None:
    """The decisions that binders and the walk would otherwise make at every call."""
    o.broadcasts = o.kind.broadcasts if o.broadcasts is None else o.broadcasts
    if o.holomorphic is None and not o.real_only:
        o.holomorphic = o.kind.holomorphic
    o.real_only = o.real_only or o.holomorphic is None
    o.screened = o.real_only or o.floating
    # A rule for complex numbers may return them for a real cotangent, so the walk checks.
    o.plain = bool(o.rules) and not o.outputs and o.holomorphic is not False
    if o.kind.promotes if o.promotes is None else o.promotes:
        o.promoted = tuple(i for i in range(len(o.inputs)) if not o.rules or o.rules[i] is not _nothing)
    o.layer = o.plain and len(o.inputs) == 3 and not (o.statics or o.residuals or o.variadic or o.view or o.broadcasts)


def in_lines(results: Any, function: str) -> Any:
    """The type of a function's named results, which are shown as in PyTorch, each in a line, and found by pickle."""
    title = function.replace(".", "_")

    def shown(self: Any) -> str:
        lines = (f"\n{field}={value!r}" for field, value in zip(self._fields, self, strict=True))
        return f"return_types.{title}({','.join(lines)})"

    results.__repr__ = shown
    results.__name__ = results.__qualname__ = title
    results.__module__ = "autograd_core.compatibility.return_types"
    RESULTS[title] = results
    return results


def names_of(rule: Rule | None) -> tuple[str, ...]:
    """The names that a rule uses besides the namespace, the cotangent and `needs`."""
    return tuple(n for n in _parameters(rule) if n not in ("xp", "g", "needs")) if rule else ()


def _parameters(function: Rule) -> tuple[str, ...]:
    """Names of the parameters, without `inspect.signature`, which would take a third of the package's import time."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _nothing(xp: Any, g: Any, s: Any) -> None:
    """The rule of an input without gradient, such as an index or a condition."""


def _adapted(rule: Rule, keep: tuple[str, ...]) -> Rule:
    """rule(xp, g, b) -> pull(xp, g, saved): fixed positions, no loop for the common sizes."""
    at = [keep.index(n) for n in names_of(rule)]
    if "needs" in _parameters(rule):
        return lambda xp, g, s, needs: rule(xp, g, *[s[i] for i in at], needs=needs)
    if not at:
        return lambda xp, g, s, needs=None: rule(xp, g)
    if len(at) == 1:
        (i,) = at
        if rule.__code__.co_code in binders.OPERATORS:
            _, direct, kernel = binders.OPERATORS[rule.__code__.co_code]
            return _arithmetic(direct, kernel, i)
        return lambda xp, g, s, needs=None: rule(xp, g, s[i])
    if len(at) == 2:
        i, j = at
        return lambda xp, g, s, needs=None: rule(xp, g, s[i], s[j])
    return lambda xp, g, s, needs=None: rule(xp, g, *[s[i] for i in at])


def _arithmetic(direct: Callable[..., Any], kernel: str, i: int) -> Rule:
    """The rule of an operator; a kernel computes large arrays."""

    array, large = np.ndarray, binders.LARGE  # found faster than in their modules

    def pull(xp: Any, g: Any, s: Any, needs: Any = None) -> Any:
        if g.__class__ is array and g.size >= large:
            return getattr(xp.kernels, kernel)(g, s[i])
        return direct(g, s[i])

    return pull


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
        rules = zip(entry.rules, entry.wants, strict=False)  # no rules if they are joint
        entry.rules = tuple([_in_one_pass(entry, rule, names) for rule, names in rules])


def _in_one_pass(o: Op, rule: Rule, names: tuple[str, ...]) -> Rule:
    """The rule as a single kernel, unless it is known to be at most one operation."""
    if not names or rule is _nothing or rule.__qualname__.startswith(_arithmetic.__name__):
        return rule
    return precision.in_one_pass(rule, tuple(o.keep.index(name) for name in names))


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


def public_signature(o: Op) -> inspect.Signature:
    """The signature of the functional form; parameters without default after optional ones are keyword-only."""
    parameters: list[inspect.Parameter] = []
    kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
    for name, _, default in o.public:
        if default is inspect.Parameter.empty and parameters and parameters[-1].default is not default:
            kind = inspect.Parameter.KEYWORD_ONLY
        parameters.append(inspect.Parameter(name, kind, default=default))
    return inspect.Signature(parameters)


use_backend(backends.get("cpu"))
