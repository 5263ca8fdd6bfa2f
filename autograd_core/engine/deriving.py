"""What follows from the fields of an entry: its arguments, what its rules need, and decisions of binders and walk."""

from __future__ import annotations

import functools
import inspect
from collections import namedtuple
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np

from autograd_core.engine import binders, precision
from autograd_core.engine.entries import Op, Rule
from autograd_core.engine.saving import outputs_of

RESULTS: dict[str, Any] = {}  # the types of several results, by PyTorch's names in `return_types`


def derive(o: Op) -> None:
    """Fill in what follows from the fields of the entry."""
    _read_signature(o)
    _read_rules(o)
    _name_results(o)
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
    o.holds = not {"y", *o.inputs, *o.residuals, *outputs_of(o)}.isdisjoint(mentioned)
    o.rules = tuple(_adapted(r, o.keep) if r else no_gradient for r in rules)
    o.joint, o.composite, o.before = (r and _adapted(r, o.keep) for r in (o.joint, o.composite, o.before))


def _name_results(o: Op) -> None:
    if named := outputs_of(o):
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
        o.promoted = tuple(i for i in range(len(o.inputs)) if not o.rules or o.rules[i] is not no_gradient)
    o.mixes = o.variadic or len(o.promoted) > 1
    o.layer = o.plain and len(o.inputs) == 3 and not (o.statics or o.residuals or o.variadic or o.view or o.broadcasts)


def names_of(rule: Rule | None) -> tuple[str, ...]:
    """The names that a rule uses besides the namespace, the cotangent and `needs`."""
    return tuple(n for n in _parameters(rule) if n not in ("xp", "g", "needs")) if rule else ()


def _parameters(function: Rule) -> tuple[str, ...]:
    """Names of the parameters, without `inspect.signature`, which would take a third of the package's import time."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def no_gradient(xp: Any, g: Any, s: Any) -> None:
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


def fused_rules(o: Op) -> tuple[Rule, ...]:
    """The rules, each as a single kernel if a backend makes one."""
    return tuple([_in_one_pass(o, *pair) for pair in zip(o.rules, o.wants, strict=False)])  # no rules if joint


def _in_one_pass(o: Op, rule: Rule, names: tuple[str, ...]) -> Rule:
    """The rule as a single kernel, unless it is known to be at most one operation."""
    if not names or rule is no_gradient or rule.__qualname__.startswith(_arithmetic.__name__):
        return rule
    return precision.in_one_pass(rule, tuple(o.keep.index(name) for name in names))


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


def public_signature(o: Op) -> inspect.Signature:
    """The signature of the functional form; parameters without default after optional ones are keyword-only."""
    if all(default is inspect.Parameter.empty for _, _, default in o.public):
        return _signature_of_operands(*[name for name, _, _ in o.public])
    parameters: list[inspect.Parameter] = []
    kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
    for name, _, default in o.public:
        if default is inspect.Parameter.empty and parameters and parameters[-1].default is not default:
            kind = inspect.Parameter.KEYWORD_ONLY
        parameters.append(inspect.Parameter(name, kind, default=default))
    return inspect.Signature(parameters)


@functools.cache
def _signature_of_operands(*names: str) -> inspect.Signature:
    """The signature of parameters without defaults, made once for the many operations that share it."""
    return inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names])
