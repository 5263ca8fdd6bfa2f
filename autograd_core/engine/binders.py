"""Turns an entry into its public function, which runs the forward on arrays and records a node.

The binders are specialised by arity because a general one costs more than the arithmetic of a small tensor.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from autograd_core import dtypes
from autograd_core.dtypes import EXACT
from autograd_core.engine.applying import apply
from autograd_core.engine.arguments import (
    NUMPY_NUMBERS,
    UnknownOperand,
    deferring,
    foreign,
    gains_by_conversion,
    in_float32,
    is_operand,
    parse,
    promoted,
    python_number,
)
from autograd_core.engine.casting import contexts_of, modes, recast
from autograd_core.engine.entries import Op
from autograd_core.engine.failures import elsewhere, recover, refuse_complex
from autograd_core.engine.libraries import ELSEWHERE, LAYERS, LIBRARY, MUTABLE, VMAP
from autograd_core.engine.nodes import Node
from autograd_core.engine.nodes import tick as tick  # replaced by detect_anomaly
from autograd_core.engine.options import deliver
from autograd_core.engine.overriding import overridden
from autograd_core.engine.saving import saving_plan
from autograd_core.grad_mode import grad_enabled
from autograd_core.sizes import Size
from autograd_core.tensor import Tensor, new, wrap

_NUMBERS = (float, int)
_SHAPES = {tuple, Size}
_FLOATS = {np.float32, np.float64}
_WHOLE, _COMPARED = frozenset("iu"), frozenset("biuf")  # kinds of dtypes
_STRUCTURAL = {
    "dilation", "dim", "dims", "dtype", "groups", "index", "keepdim", "padding", "reduction", "shape", "stride",
    "window",
}  # fmt: skip
LARGE = 1 << 16  # elements: from here a kernel pays for arithmetic
# A forward that is only an operator is replaced by the C function behind it, for NumPy and other arrays: this saves
# a tenth of the time of a small product.
OPERATORS: dict[bytes, Any] = {
    f.__code__.co_code: direct
    for f, direct in (
        (lambda xp, a, b: a + b, (np.add, operator.add, "add")),
        (lambda xp, a, b: a - b, (np.subtract, operator.sub, "subtract")),
        (lambda xp, a, b: a * b, (np.multiply, operator.mul, "multiply")),
        (lambda xp, a, b: a / b, (np.divide, operator.truediv, "divide")),
    )
}


def bind(o: Op, foreign: Callable[..., Any] = foreign) -> Callable[..., Any]:
    """The functional form of an entry; `foreign` handles operands that are not all Tensors."""
    if o.simple and o.differentiable:
        return bind_unary(o, foreign) if len(o.inputs) == 1 else bind_binary(o, foreign)
    if o.simple and len(o.inputs) == 2:
        return bind_test(o)
    return bind_layer(o) if o.layer else bind_general(o)


def bind_operator(o: Op) -> Callable[..., Any]:
    """The operator form: returns NotImplemented if the other type may handle the operation."""
    if o.simple and o.differentiable:
        return bind(o, deferring)

    def operator(*args: Any) -> Any:
        for a in args:
            if a.__class__ is not Tensor and not is_operand(a):
                return overridden(o.call, args, {})
        return o.call(*args)

    return operator


def bind_unary(o: Op, foreign: Callable[..., Any]) -> Callable[..., Any]:
    forward, floating, real_only = o.forward, o.floating, o.real_only
    keep_y, keep_x = "y" in o.wants[0] or o.inverse is not None, o.inputs[0] in o.wants[0]
    contexts = contexts_of(o.name)
    guarded = real_only or contexts is not None  # one test for the many that are neither
    converts = floating and not o.wide

    def call(input: Any, out: Any = None) -> Any:
        if out is not None:
            return deliver(o.name, call(input), out)
        if input.__class__ is not Tensor:
            return foreign(o, (input,))
        x = input.array
        p = input.node
        if guarded:
            if contexts and modes():
                return recast(o.name, call, input)
            if real_only and x.dtype.kind == "c":
                refuse_complex(o.name, (x,))
        if converts and x.itemsize == 2 and x.dtype.char == "E" and gains_by_conversion(input):
            return in_float32(call)(input)
        try:
            if p is None and floating and x.dtype.kind in EXACT:
                x = x.astype(dtypes.get_default_dtype())
            y = forward(LIBRARY[x.__class__], x)
        except Exception as e:
            if ELSEWHERE and (t := elsewhere(o, (input,), {})) is not None:
                return t
            y = recover(o, (x,), {}, e)
        t = new(Tensor)
        t.array = y
        t._grad = None
        if p is None or not grad_enabled():
            t.node = None
        else:
            t.node = n = Node()
            n.op = o
            n.parents = (p,)
            n.saved = (y if keep_y else None, x if keep_x else None)
            n.shapes = n.hooks = None
            n.number = tick()
        return t

    return call


def bind_binary(o: Op, foreign: Callable[..., Any]) -> Callable[..., Any]:  # noqa: PLR0915  the hot path
    forward, floating, real_only = o.forward, o.floating, o.real_only
    ufunc, direct, kernel = OPERATORS.get(forward.__code__.co_code, (None, None, ""))
    contexts = contexts_of(o.name)
    guarded = real_only or contexts is not None

    def flags(*wants: tuple[str, ...]) -> tuple[bool, ...]:
        return tuple(any(n in w for w in wants) for n in ("y", *o.inputs))

    (both_y, both_a, both_b), left, right = flags(*o.wants), flags(o.wants[0]), flags(o.wants[1])

    def call(input: Any, other: Any, out: Any = None) -> Any:  # noqa: PLR0911, PLR0912, PLR0915  the hot path, in one piece
        if out is not None:
            return deliver(o.name, call(input, other), out)
        if input.__class__ is Tensor:
            a, p = input.array, input.node
            cls = a.__class__
            if other.__class__ is Tensor:
                b, q = other.array, other.node
                if cls is not b.__class__ and (cls in LAYERS or b.__class__ in LAYERS):
                    if ELSEWHERE and (t := elsewhere(o, (input, other), {})) is not None:
                        return t
                    return call(*VMAP.lifted((input, other)))
                if cls is ndarray or cls is not b.__class__ or cls in MUTABLE:
                    if a.dtype is not b.dtype and a.dtype != b.dtype:
                        return promoted(o, call, input, other)
                    k, m = a.shape, b.shape
                    shapes = None if k == m else (k, m)
                else:
                    shapes = None  # two NumPy scalars of one type
            elif other.__class__ in _NUMBERS:
                b, q = other, None
                shapes = None
                # Booleans and 16-bit floats, and integers beside a float, are converted first.
                if cls not in _FLOATS and (
                    a.dtype.char in "?eE" or (other.__class__ is float and a.dtype.kind in "iu")
                ):
                    return promoted(o, call, input, other)
            else:
                return foreign(o, (input, other))
        elif input.__class__ in _NUMBERS and other.__class__ is Tensor and other.array.dtype.char in "fdFD":
            a, p, b, q = input, None, other.array, other.node
            cls = b.__class__
            shapes = None
        else:
            return foreign(o, (input, other))
        if floating and (p is None or q is None) and (a if cls is a.__class__ else b).dtype.kind in EXACT:
            return promoted(o, call, input, other)
        if guarded:
            if contexts and modes():
                return recast(o.name, call, input, other)
            if real_only and (a if cls is a.__class__ else b).dtype.kind == "c":
                refuse_complex(o.name, (a if cls is a.__class__ else b,))
        try:
            if ufunc is None:
                y = forward(LIBRARY[cls], a, b)
            elif cls is not ndarray:
                y = direct(a, b)
            elif a.__class__ is not ndarray or a.size < LARGE:
                y = ufunc(a, b)
            else:
                y = getattr(LIBRARY[cls].kernels, kernel)(a, b)
        except Exception as e:
            if ELSEWHERE and (t := elsewhere(o, (input, other), {})) is not None:
                return t
            y = recover(o, (a, b), {}, e)
        t = new(Tensor)
        t.array = y
        t._grad = None
        if (p is None and q is None) or not grad_enabled():
            t.node = None
            return t
        t.node = n = Node()
        n.op = o
        n.parents = (p, q)
        if p is None or q is None:
            keep_y, keep_a, keep_b = right if p is None else left
            n.saved = (y if keep_y else None, a if keep_a else None, b if keep_b else None)
        else:
            n.saved = (y if both_y else None, a if both_a else None, b if both_b else None)
        # Decided once, here: if both operands have the result's shape, backward need not check the results of rules.
        n.shapes = shapes
        n.hooks = None
        n.number = tick()
        return t

    return call


def bind_test(o: Op) -> Callable[..., Any]:
    """Tests, which are never recorded: arrays of one dtype, or one and a number that keeps it, take a short way."""
    general, forward, library = bind_general(o), o.forward, LIBRARY[ndarray]
    contexts = contexts_of(o.name)

    def call(*args: Any, **given: Any) -> Any:
        if len(args) == 2 and args[0].__class__ is Tensor and not given:
            x, other = args[0].array, args[1]
            kind = x.dtype.kind if x.__class__ is ndarray and contexts is None else None
            if other.__class__ is Tensor:
                other = other.array
                short = kind in _COMPARED and other.__class__ is ndarray and other.dtype is x.dtype
            else:
                short = other.__class__ in _NUMBERS and (kind == "f" or (kind in _WHOLE and other.__class__ is int))
            if short:
                try:
                    return wrap(forward(library, x, other))
                except Exception:
                    pass  # the general way explains it
        return general(*args, **given)

    return call


def bind_layer(o: Op) -> Callable[..., Any]:
    """Input, weight and bias: NumPy arrays of one dtype take a short way, all others the general one."""
    general, forward, library, real_only = bind_general(o), o.forward, LIBRARY[ndarray], o.real_only
    contexts = contexts_of(o.name)

    def call(*args: Any, **given: Any) -> Any:
        if given or len(args) != 3 or contexts:
            return general(*args, **given)
        a, b, c = args
        if not (a.__class__ is b.__class__ is c.__class__ is Tensor):
            return general(*args)
        arrays = x, w, v = a.array, b.array, c.array
        if not (x.__class__ is w.__class__ is v.__class__ is ndarray and x.dtype is w.dtype is v.dtype):
            return general(*args)
        if real_only and x.dtype.kind == "c":
            return general(*args)
        try:
            y = forward(library, x, w, v)
        except Exception:
            return general(*args)  # it has a second way, or raises the error
        t = new(Tensor)
        t.array = y
        t._grad = t.node = None
        p, q, r = parents = a.node, b.node, c.node
        wants = (p is not None) + 2 * (q is not None) + 4 * (r is not None)
        if wants and grad_enabled():
            t.node = n = Node()
            n.op = o
            n.parents = parents
            plan = o.plans.get(wants)
            if plan is None:
                plan = o.plans[wants] = saving_plan(o, wants)
            n.saved = plan(arrays, y, (), {})
            n.shapes = n.hooks = None
            n.number = tick()
        return t

    return call


def bind_general(o: Op) -> Callable[..., Any]:
    """Static parameters, residuals beside the output, several outputs, lists of inputs, joint rules."""
    arity, defaults = len(o.inputs), o.statics
    required = {n for n, default in defaults.items() if default is inspect.Parameter.empty}
    least, most = arity + max([i for i, n in enumerate(defaults, 1) if n in required], default=0), arity + len(defaults)
    plain = not o.variadic and not o.signature and not o.packs
    listed = o.variadic and not (o.signature or required)
    sizes = o.packs if [arity, *defaults] == [1, o.packs] else None  # the only parameter besides the tensor
    numeric = not defaults.keys() <= _STRUCTURAL  # a static parameter may take part in the arithmetic
    contexts = contexts_of(o.name)

    def call(*args: Any, **given: Any) -> Any:  # noqa: PLR0911, PLR0912  the hot path, in one piece
        try:
            if contexts and modes():
                return recast(o.name, call, *args, **given)
            if sizes and not given and len(args) > 1:
                kind = args[1].__class__
                if kind is int or (kind in _SHAPES and len(args) == 2):
                    return apply(o, args[:1], {sizes: args[1:] if kind is int else args[1]})
            if plain and not given and least <= len(args) <= most:
                if len(args) == arity:
                    return apply(o, args, defaults)
                if numeric and not NUMPY_NUMBERS.isdisjoint(map(type, args[arity:])):
                    return call(*args[:arity], *map(python_number, args[arity:]))
                return apply(o, args[:arity], defaults | dict(zip(defaults, args[arity:], strict=False)))
            if plain and len(args) == arity:
                if numeric and not NUMPY_NUMBERS.isdisjoint(map(type, given.values())):
                    return call(*args, **{n: python_number(v) for n, v in given.items()})
                statics = defaults | given
                if len(statics) == len(defaults) and (not required or required <= given.keys()):
                    return apply(o, args, statics)
            if listed and args and args[0].__class__ in (list, tuple) and args[0] and len(args) <= 1 + len(defaults):
                statics = defaults | dict(zip(defaults, args[1:], strict=False)) | given
                if len(statics) == len(defaults) and len(args) + len(given) <= 1 + len(defaults):
                    return apply(o, args[0], statics)
            if "out" in given:
                out = given.pop("out")
                result = call(*args, **given)
                return result if out is None else deliver(o.name, result, out)
            return apply(o, *parse(o, args, given))
        except UnknownOperand:
            if o.form or (result := overridden(o.call, args, given)) is NotImplemented:
                raise
            return result

    return call
