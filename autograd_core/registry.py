"""One entry per operation: what it computes, its rules, and plain data about it. Everything else is derived."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

import backends
from autograd_core import binders, functional
from autograd_core.tensor import Tensor, wrap

OPS = {}  # name -> Op
COMPOSITIONS = {}  # name -> Composition
LIBRARY = binders.LIBRARY  # array type -> `xp` of a forward: a backend's namespace
RULES = {}  # array type -> `xp` of a rule on arrays: the library overlaid with every op's forward, named as in `functional`
NO_GRADIENT = ()  # `vjp` of an operation that is piecewise constant by nature, such as a comparison or argmax


@dataclass(frozen=True, slots=True)
class Interval:
    """Where an operation is sampled: values between `low` and `high`, kept away from each of `kinks`."""

    low: float
    high: float
    kinks: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Values:
    """One input of a sample: its shape and, where they differ from the entry's, domain or dtype."""

    shape: tuple[int, ...]
    domain: Interval | None = None
    dtype: str = "float64"


@dataclass(frozen=True, slots=True)
class Sample:
    """Inputs (shapes, `Values`, lists of these, or None) and static parameters on which an operation is tested."""

    inputs: tuple
    statics: dict


def sample(*inputs, **statics):
    """A sample of an entry: `sample((2, 3), dim=1)`."""
    return Sample(inputs, statics)


def integers(shape, low, high):
    """Integer input of a sample, from `low` up to but not including `high`."""
    return Values(shape, Interval(low, high), "int64")


def booleans(shape):
    """Boolean input of a sample."""
    return Values(shape, Interval(0, 2), "bool")


@dataclass(slots=True, eq=False)
class Op:
    """The entry and what registration derives from it.

    rules: one adapter (xp, g, saved) -> cotangent per input; or `joint`: one for all of them.
    composite: the joint rule for higher order, in terms of the inputs only.
    keep: the names behind `saved`, in order. wants: per input, the names its rule mentions.
    """

    # The entry.
    name: str
    kind: object
    symbol: str | None
    doc: str | None
    domain: Interval | None
    reference: object
    vjp: object
    forward: object
    joint: object = None
    composite: object = None
    operators: tuple = ()
    aliases: tuple = ()
    samples: tuple = ()
    residuals: tuple = ()
    outputs: object = None  # the names of several outputs, or `...` for a list
    detached: tuple = ()  # those of them that come without a gradient, such as statistics
    view: bool = False
    floating: bool = False  # integers are cast to the default floating dtype first
    commutative: bool = False
    broadcasts: bool | None = None  # where it differs from the kind's
    method: bool = True
    packs: str | None = None  # the static that also takes its elements as separate arguments: x.permute(1, 0)
    order: int = 2  # how many times it can be differentiated, as far as tests look
    tolerance: float = 1e-12  # relative error of the value against `reference`
    signature: tuple = ()  # public parameters in order, where it is not inputs first, statics after
    # Derived.
    inputs: tuple = ()
    public: tuple = ()
    statics: dict = field(default_factory=dict)
    variadic: bool = False
    simple: bool = False  # one or two inputs and nothing else: the fast binders apply
    plain: bool = False  # one rule per input and one output: the ordinary case of the walk
    differentiable: bool = False
    promoted: tuple = ()
    rules: tuple = ()
    wants: tuple = ()
    keep: tuple = ()
    holds: bool = False
    plans: dict = field(default_factory=dict)
    result: object = tuple
    call: object = None

    def __repr__(self):
        return self.name


@dataclass(slots=True, eq=False)
class Composition:
    """A function of the functional form that is written in terms of operations and needs no rule of its own."""

    name: str
    kind: object
    doc: str | None
    domain: Interval | None
    reference: object
    samples: tuple
    operators: tuple
    aliases: tuple
    method: bool
    tolerance: float
    call: object
    order: int = 2

    def __repr__(self):
        return self.name


def op(kind=None, *, symbol=None, domain=None, reference=None, vjp=None, **fields):
    """Register an operation: the decorated forward, its rules, and plain data about it.

    The signature declares: after `xp`, positional parameters are tensors, `*xs` is a list of tensors, keyword-only
    ones are static. A rule takes (xp, g) and whatever it names of: the inputs, `y` (the output, or an output's name),
    residuals, static parameters, `x_shape` and `x_dtype` of an input `x`.
    """

    def register(forward):
        o = Op(forward.__name__, kind, symbol, forward.__doc__, domain, reference, vjp, forward, **fields)
        _read_signature(o)
        _read_rules(o)
        o.call = binders.bind(o)
        _describe(o.call, o)
        OPS[o.name] = o
        for rules in {id(r): r for r in RULES.values()}.values():
            _overlay(o, rules.forwards, rules)
        _publish(o)
        return o.call

    return register


def composition(kind=None, *, domain=None, reference=None, samples=(), operators=(), aliases=(), method=True,
                tolerance=1e-12, order=2):  # fmt: skip
    """Register a function on Tensors that is a composition of operations."""

    def register(function):
        c = Composition(function.__name__, kind, function.__doc__, domain, reference, samples, operators, aliases, method,
                        tolerance, binders.with_synonyms(function), order)  # fmt: skip
        COMPOSITIONS[c.name] = c
        _publish(c)
        return c.call

    return register


def _publish(entry):
    for name in (entry.name, *entry.aliases):
        setattr(functional, name, entry.call)
        if entry.method:
            setattr(Tensor, name, entry.call)
    for name in entry.operators:
        reflected = name.startswith("__r") and not getattr(entry, "commutative", False)
        setattr(Tensor, name, binders.reflected(entry.call) if reflected else entry.call)


def _read_signature(o):
    ps = list(inspect.signature(o.forward).parameters.values())[1:]
    o.inputs = tuple(p.name for p in ps if p.kind in (p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL))
    o.variadic = any(p.kind is p.VAR_POSITIONAL for p in ps)
    o.statics = {p.name: p.default for p in ps if p.kind is p.KEYWORD_ONLY}
    optional = {p.name: p.default for p in ps if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty}
    short = dict(zip(o.inputs, ("input", "other"), strict=False))
    names = {n: short.get(n, n) if len(n) == 1 else n for n in o.inputs}
    if o.variadic:
        names = {o.inputs[0]: "tensors"}
    order = o.signature or (*o.inputs, *o.statics)
    # Public name, own name (None for an input), default.
    o.public = tuple(
        (names.get(n, n), n if n in o.statics else None, o.statics.get(n, optional.get(n, inspect.Parameter.empty)))
        for n in order
    )


def _read_rules(o):
    rules = o.vjp if isinstance(o.vjp, tuple) else (o.vjp,) if o.vjp else ()
    o.differentiable = bool(rules or o.joint)
    if o.vjp is None and o.joint is None:
        raise TypeError(f"op '{o.name}' has no rule: give vjp=..., joint=..., or vjp=NO_GRADIENT if it is piecewise constant")
    if rules and len(rules) != len(o.inputs):
        raise TypeError(f"op '{o.name}' has {len(o.inputs)} inputs {o.inputs} but {len(rules)} rules")
    o.wants = tuple(names_of(r) for r in rules) or (names_of(o.joint),) * len(o.inputs)
    keep = dict.fromkeys(chain(*o.wants))
    if o.composite and (extra := set(names_of(o.composite)) - set(keep)):
        # Higher order may not cost first order anything.
        raise TypeError(f"op '{o.name}': its composite rule names {sorted(extra)}, which the fast rule does not keep")
    o.simple = (not (o.statics or o.residuals or o.outputs or o.variadic or o.joint or o.view)
                and set(keep) <= {"y", *o.inputs} and len(o.inputs) <= 2)  # fmt: skip
    if o.simple:
        keep = ("y", *o.inputs)  # a fixed layout; what no rule needs is None
    o.keep = tuple(keep)
    named = o.outputs if isinstance(o.outputs, tuple) else ()
    o.holds = not {"y", *o.inputs, *o.residuals, *named}.isdisjoint(chain(*o.wants))
    o.rules = tuple(_adapt(r, o.keep) if r else None for r in rules)
    if o.joint:
        o.joint = _adapt(o.joint, o.keep)
    if o.composite:
        o.composite = _adapt(o.composite, o.keep)
    with_rule = [i for i, r in enumerate(rules) if r] if rules else range(len(o.inputs))
    if o.broadcasts is None:
        o.broadcasts = o.kind is not None and o.kind.broadcasts
    o.plain = bool(rules) and not o.outputs
    o.promoted = tuple(with_rule if o.differentiable else range(len(o.inputs))) if o.kind and o.kind.promotes else ()
    if named:
        from collections import namedtuple

        o.result = namedtuple(o.name, named)._make


def names_of(rule):
    """What a rule asks for beside the namespace, the cotangent and which inputs want a gradient."""
    return [n for n in _parameters(rule) if n not in ("xp", "g", "needs")] if rule else []


def _parameters(function):
    """Names of the parameters; `inspect.signature` would take a third of the time to import the package."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _adapt(rule, keep):
    """rule(xp, g, b) -> pull(xp, g, saved): fixed positions, no loop for the common sizes."""
    at = [keep.index(n) for n in names_of(rule)]
    if "needs" in _parameters(rule):
        return lambda xp, g, s, needs: rule(xp, g, *[s[i] for i in at], needs=needs)
    if not at:
        return lambda xp, g, s, needs=None: rule(xp, g)
    if len(at) == 1:
        (i,) = at
        return lambda xp, g, s, needs=None: rule(xp, g, s[i])
    if len(at) == 2:
        i, j = at
        return lambda xp, g, s, needs=None: rule(xp, g, s[i], s[j])
    return lambda xp, g, s, needs=None: rule(xp, g, *[s[i] for i in at])


def add_library(library, array_types):
    """Make forwards and rules work on another array type, given the namespace of its functions."""
    rules = type(library)(**vars(library))
    rules.forwards = library
    LIBRARY.update(dict.fromkeys(array_types, library))
    binders.MUTABLE.update(t for t in array_types if hasattr(t, "__setitem__"))
    RULES.update(dict.fromkeys(array_types, rules))
    for o in OPS.values():
        _overlay(o, library, rules)


def _overlay(o, library, rules):
    for name in (o.name, *o.aliases):
        if o.simple and hasattr(library, name) and not o.floating:
            continue  # the same function under the same name: skip a call
        setattr(rules, name, _bare(o, library))


def _bare(o, library):
    """The forward as a rule calls it: inputs positional, a list for a list, statics by keyword, residuals dropped."""
    forward = functools.partial(o.forward, library)
    if o.variadic:
        return lambda xs, **statics: forward(*xs, **statics)
    if o.residuals:
        return lambda *xs, **statics: forward(*xs, **statics)[0]
    return forward


def _describe(call, entry):
    call.__name__ = call.__qualname__ = entry.name
    call.__doc__ = entry.doc
    call.__signature__ = public_signature(entry)


def public_signature(entry):
    """The signature of the functional form, as documentation and stubs show it."""
    parameters, keyword_only = [], False
    for public, own, default in entry.public:
        kind = inspect.Parameter.KEYWORD_ONLY if keyword_only else inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters.append(inspect.Parameter(public, kind, default=default))
    return inspect.Signature(_defaults_last(parameters))


def _defaults_last(parameters):
    """A parameter without default may not follow one with: make what follows keyword-only."""
    seen, out = False, []
    for p in parameters:
        seen = seen or p.default is not p.empty
        out.append(p.replace(kind=p.KEYWORD_ONLY) if seen and p.default is p.empty else p)
    if any(p.kind is p.KEYWORD_ONLY for p in out):
        first = next(i for i, p in enumerate(out) if p.kind is p.KEYWORD_ONLY)
        out[first:] = [p.replace(kind=p.KEYWORD_ONLY) for p in out[first:]]
    return out


def use_backend(backend):
    """Register the arrays of a backend."""
    backend.namespace.backend = backend
    add_library(backend.namespace, backend.array_types)


use_backend(backends.get("cpu"))
