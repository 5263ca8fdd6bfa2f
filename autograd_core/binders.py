"""From an entry to the function that people call: it runs the forward on arrays and records a node.

The binders are specialised by arity because a general one costs more than the arithmetic of a small tensor.
"""

from __future__ import annotations

import functools
import inspect
import operator

import numpy as np
from numpy import ndarray

from autograd_core import dtypes, functional
from autograd_core.dtypes import result_type
from autograd_core.errors import DeviceError, DtypeError, OperandError
from autograd_core.tensor import Node, Tensor, grad_enabled, new, own_scalar, tick, wrap
from autograd_core.versions import note_view

LIBRARY = {}  # array type -> the namespace of its functions
MUTABLE = set()  # array types that can be written: all but NumPy's scalars
SYNONYMS = {"axis": "dim", "keepdims": "keepdim"}
_NUMBERS = (float, int)
_FLOATS = {np.float32, np.float64}


def bind(o):
    """The functional form of an entry."""
    if o.simple and o.differentiable:
        return bind_unary(o) if len(o.inputs) == 1 else bind_binary(o)
    return bind_general(o)


def bind_unary(o):
    forward, floating = o.forward, o.floating
    keep_y, keep_x = "y" in o.wants[0], o.inputs[0] in o.wants[0]

    def call(input):
        if input.__class__ is not Tensor:
            return foreign(o, (input,))
        x = input.array
        p = input.node
        if p is None and floating and x.dtype.kind in "biu":
            x = x.astype(dtypes.get_default_dtype())
        try:
            y = forward(LIBRARY[x.__class__], x)
        except Exception as e:
            y = recover(o, (x,), {}, e)
        t = new(Tensor)
        t.array = y
        t.grad = None
        if p is None or not grad_enabled():
            t.node = None
        else:
            t.node = n = new(Node)
            n.op = o
            n.parents = (p,)
            n.saved = (y if keep_y else None, x if keep_x else None)
            n.shapes = n.hooks = None
            n.number = tick()
        return t

    return call


def bind_binary(o):
    forward, floating, commutes = o.forward, o.floating, o.commutative

    def flags(*wants):
        return tuple(any(n in w for w in wants) for n in ("y", *o.inputs))

    both, left, right = flags(*o.wants), flags(o.wants[0]), flags(o.wants[1])

    def call(input, other):
        if input.__class__ is Tensor:
            a, p = input.array, input.node
            cls = a.__class__
            if other.__class__ is Tensor:
                b, q = other.array, other.node
                if cls is ndarray or cls is not b.__class__ or cls in MUTABLE:
                    if a.dtype is not b.dtype and a.dtype != b.dtype:
                        return promoted(call, input, other)
                    k, m = a.shape, b.shape
                    shapes = None if k == m else (k, m)
                else:
                    shapes = None  # two NumPy scalars of one type
            elif other.__class__ in _NUMBERS:
                b, q = other, None
                shapes = None
                if cls not in _FLOATS and (kind := a.dtype.kind) not in "fc" and (kind == "b" or other.__class__ is float):
                    return promoted(call, input, other)
            else:
                return foreign(o, (input, other))
        elif input.__class__ in _NUMBERS and other.__class__ is Tensor and other.array.dtype.kind in "fc":
            a, p, b, q = input, None, other.array, other.node
            cls = b.__class__
            shapes = None
        else:
            return foreign(o, (input, other))
        if floating and (p is None or q is None) and (a if cls is a.__class__ else b).dtype.kind in "biu":
            return promoted(call, input, other, dtypes.get_default_dtype())
        try:
            y = forward(LIBRARY[cls], a, b)
        except Exception as e:
            y = recover(o, (a, b), {}, e)
        t = new(Tensor)
        t.array = y
        t.grad = None
        if p is None:
            if q is None or not grad_enabled():
                t.node = None
                return t
            keep_y, keep_a, keep_b = right
        elif not grad_enabled():
            t.node = None
            return t
        else:
            keep_y, keep_a, keep_b = left if q is None else both
        t.node = n = new(Node)
        n.op = o
        n.parents = (p, q)
        n.saved = (y if keep_y else None, a if keep_a else None, b if keep_b else None)
        # Decided here, once: where both operands have the result's shape, no rule's result is tested in backward.
        n.shapes = shapes
        n.hooks = None
        n.number = tick()
        return t

    return call


def bind_general(o):
    """Static parameters, residuals beside the output, several outputs, lists of inputs, joint rules."""
    arity, defaults = len(o.inputs), o.statics
    names = defaults.keys()
    plain = not o.variadic and not o.signature and not o.packs

    def call(*args, **given):
        if plain and len(args) == arity:
            if not given:
                return apply(o, args, defaults)
            if given.keys() <= names:
                return apply(o, args, {**defaults, **given})
        return apply(o, *parse(o, args, given))

    return call


def apply(o, args, statics):
    """Run an entry on Tensors (or None) and static parameters, and record it."""
    arrays, parents, wants, bit, dtype, mixed = [], [], 0, 1, None, False
    for a in args:
        if a.__class__ is Tensor:
            x = a.array
            p = a.node
            arrays.append(x)
            parents.append(p)
            if p is not None:
                wants |= bit
            if dtype is None:
                dtype = x.dtype
            elif x.dtype is not dtype:
                mixed = True
        elif a is None:
            arrays.append(None)
            parents.append(None)
        else:
            return apply(o, constants(o, args), statics)
        bit <<= 1
    if mixed or o.floating:
        common = _common_dtype(o, arrays)
        if common is not None:
            return apply(o, [_cast(a, common) if o.variadic or i in o.promoted else a for i, a in enumerate(args)], statics)
    if o.view:
        own_scalar(args[0])
        arrays[0] = args[0].array
    try:
        y = o.forward(LIBRARY[arrays[0].__class__], *arrays, **statics)
    except Exception as e:
        y = recover(o, arrays, statics, e)
    rest = ()
    if o.residuals:
        y, *rest = y
    node = None
    if wants and o.differentiable and grad_enabled():
        plan = o.plans.get(wants)
        if plan is None:
            plan = o.plans[wants] = _saving_plan(o, wants)
        node = new(Node)
        node.op = o
        node.parents = tuple(parents)
        node.saved = tuple([f and f(arrays, y, rest, statics) for f in plan])
        node.shapes = _shapes(o, arrays, y) if o.outputs or o.broadcasts else None
        node.hooks = None
        node.number = tick()
    if o.outputs:
        return _several(o, y, node)
    t = new(Tensor)
    t.array = y
    t.node = node
    t.grad = None
    if o.view:
        note_view(t, args[0], o, statics)
    return t


def _common_dtype(o, arrays):
    """The dtype that the promoted inputs must be cast to first, or None where nothing is to be done."""
    found = arrays if o.variadic else [arrays[i] for i in o.promoted or (0,)]
    found = [a for a in found if a is not None]
    dtype = found[0].dtype
    if o.promoted and any(a.dtype != dtype for a in found):
        dtype = result_type(*found)
        return dtypes.get_default_dtype() if o.floating and dtype.kind in "biu" else dtype
    return dtypes.get_default_dtype() if o.floating and dtype.kind in "biu" else None


def _shapes(o, arrays, y):
    """What the walk must know: outputs to make zeros for where no cotangent arrives, or operands to sum back to."""
    if o.outputs:
        return tuple([(v.shape, v.dtype) for v in y])
    return tuple([None if a is None else a.shape for a in arrays])


def _cast(a, dtype):
    return a if a is None or a.array.dtype == dtype else functional.astype(a, dtype)


def _saving_plan(o, wants):
    """Per name of `keep`, how to get its value, or None where no input that wants a gradient (a bit each) needs it."""
    needed = set()
    for i, w in enumerate(o.wants):
        if o.variadic or wants >> i & 1:
            needed.update(w)
    return tuple([_getter(o, n) if n in needed else None for n in o.keep])


def _getter(o, name):
    """How to find the value behind a name that a rule may mention."""
    if name == "y":
        return lambda arrays, y, rest, statics: y
    if name in o.inputs:
        i = o.inputs.index(name)
        return (lambda arrays, y, rest, statics: tuple(arrays)) if o.variadic else lambda arrays, y, rest, statics: arrays[i]
    if name in o.residuals:
        i = o.residuals.index(name)
        return lambda arrays, y, rest, statics: rest[i]
    if name in o.statics:
        return lambda arrays, y, rest, statics: statics[name]
    if isinstance(o.outputs, tuple) and name in o.outputs:
        i = o.outputs.index(name)
        return lambda arrays, y, rest, statics: y[i]
    source, _, attribute = name.rpartition("_")
    if source not in o.inputs or attribute not in ("shape", "dtype"):
        raise TypeError(f"op '{o.name}': a rule names '{name}', which is no input, output, residual or parameter")
    read = operator.attrgetter(attribute)
    if o.variadic:
        return lambda arrays, y, rest, statics: tuple([read(a) for a in arrays])
    i = o.inputs.index(source)
    return lambda arrays, y, rest, statics: None if arrays[i] is None else read(arrays[i])


def _several(o, y, node):
    """Tensors for several outputs; each that can carry a gradient gets a node of its own that projects it out."""
    out = []
    for i, v in enumerate(y):
        carries = node is not None and v.dtype.kind in "fcV" and not (o.detached and o.outputs[i] in o.detached)
        out.append(wrap(v, Node(Pick, (node,), (i, len(y))) if carries else None))
    return o.result(out)


class Pick:
    """The pseudo-op of a node that stands for one output of an operation with several."""

    name, symbol, keep, rules, holds, plain = "output", "output", (), (), False, False


def parse(o, args, given):
    """Public arguments to (inputs, statics): by position or name, with NumPy's synonyms."""
    public = o.public
    if o.packs:
        args = _packed(o, args)
    if len(args) > len(public):
        raise TypeError(f"{o.name}() takes at most {len(public)} arguments ({_names(o)}) but {len(args)} were given")
    values = dict(zip([p[0] for p in public], args, strict=False))
    for name, value in given.items():
        name = SYNONYMS.get(name, name) if not any(name == p[0] for p in public) else name
        if not any(name == p[0] for p in public):
            raise TypeError(f"{o.name}() got an unexpected keyword argument '{name}'; it takes {_names(o)}")
        if name in values:
            raise TypeError(f"{o.name}() got multiple values for argument '{name}'")
        values[name] = value
    inputs, statics = [], {}
    for name, own, default in public:
        value = values.get(name, default)
        if value is inspect.Parameter.empty:
            raise TypeError(f"{o.name}() is missing the argument '{name}'; it takes {_names(o)}")
        if own is not None:
            statics[own] = value
        else:
            inputs.append(value)
    if o.variadic:
        inputs = _listed(o, inputs[0])
    return inputs, statics


def _names(o):
    return ", ".join(p[0] for p in o.public)


def _packed(o, args):
    """x.permute(1, 0) as x.permute((1, 0))."""
    at = next(i for i, p in enumerate(o.public) if p[1] == o.packs)
    if len(args) > at and not isinstance(args[at], (tuple, list)) and args[at] is not None:
        return (*args[:at], tuple(args[at:]))
    return args


def _listed(o, tensors):
    if isinstance(tensors, Tensor) or not isinstance(tensors, (tuple, list)):
        raise TypeError(f"{o.name}() takes a list or tuple of tensors, not {type(tensors).__name__}")
    if not tensors:
        raise OperandError(f"{o.name}() needs at least one tensor; the list is empty")
    return tuple(tensors)


def constants(o, args):
    """The operands with every array, list or number made a Tensor, numbers in the dtype that promotion would give."""
    tensors = [_constant(o, a) if a is not None and a.__class__ is not Tensor and not _is_number(a) else a for a in args]
    peers = [tensors[i] for i in (o.promoted or range(len(tensors))) if i < len(tensors) and tensors[i] is not None]
    dtype = result_type(*[getattr(p, "array", p) for p in peers]) if any(map(_is_number, tensors)) else None
    like = next((t.array for t in tensors if t.__class__ is Tensor), None)
    return [_number(a, dtype, like) if _is_number(a) else a for a in tensors]


def _is_number(a):
    return isinstance(a, (bool, int, float, complex)) and not isinstance(a, np.generic)


def _number(value, dtype, like):
    library = LIBRARY[np.ndarray if like is None else like.__class__]
    return wrap(library.asarray(value, dtype))


def _constant(o, a):
    if isinstance(a, np.generic):
        return a.item()
    if a.__class__ in LIBRARY:
        return wrap(a)
    if isinstance(a, (np.ndarray, list, tuple)):
        return functional.as_tensor(a)
    raise TypeError(f"{o.name}(): {type(a).__name__} is not a tensor, an array or a number; convert it with tensor(...)")


def foreign(o, args):
    """Operands that are not Tensors: numbers, arrays, lists; or another type, which is given the chance to take over."""
    for a in args:
        known = a.__class__ is Tensor or _is_number(a) or a.__class__ in LIBRARY or isinstance(a, (np.ndarray, list, tuple))
        if not known and len(args) == 2 and any(hasattr(type(a), n) for n in o.operators if n != "__eq__" and n != "__ne__"):
            return NotImplemented
    ready = constants(o, [a.item() if isinstance(a, np.generic) else a for a in args])
    if any(_is_number(a) for a in args) and ready[0].__class__ is Tensor:
        dtype = result_type(*[getattr(a, "array", a) for a in args])
        ready = [_cast(a, dtype) for a in ready]
    return o.call(*ready)


def promoted(call, a, b, dtype=None):
    """A cast is its own node, so that every other rule sees one dtype and `grad.dtype == tensor.dtype` follows."""
    dtype = dtype or result_type(getattr(a, "array", a), getattr(b, "array", b))
    like = a.array if a.__class__ is Tensor else b.array
    return call(*[_cast(t, dtype) if t.__class__ is Tensor else _number(t, dtype, like) for t in (a, b)])


def reflected(call):
    """The operator for a tensor on the right."""
    return lambda b, a: call(a, b)


def with_synonyms(function):
    """Accept NumPy's `axis` and `keepdims` for `dim` and `keepdim` in a composition."""
    parameters = inspect.signature(function).parameters
    names = {s: n for s, n in SYNONYMS.items() if n in parameters}
    if not names:
        return function

    @functools.wraps(function)
    def call(*args, **given):
        return function(*args, **{names.get(k, k): v for k, v in given.items()})

    return call


def recover(o, arrays, statics, error):
    """After a failed forward: the value, if only a floating-point warning was turned into an error; else say more."""
    if isinstance(error, (RuntimeWarning, FloatingPointError)):
        library = LIBRARY[next(a.__class__ for a in arrays if a.__class__ in LIBRARY)]
        with np.errstate(all="ignore"):
            return o.forward(library, *arrays, **statics)
    present = [a for a in arrays if a.__class__ in LIBRARY]
    devices = dict.fromkeys(LIBRARY[a.__class__].backend.device_of(a) for a in present)
    if len(devices) > 1:
        raise DeviceError(f"{o.name}: operands on different devices ({', '.join(devices)}); move one with .to({next(iter(devices))!r})") from error  # fmt: skip
    kind = {ValueError: OperandError, TypeError: DtypeError}.get(type(error))
    if isinstance(error, np.exceptions.DTypePromotionError | np._core._exceptions.UFuncTypeError):
        kind = DtypeError
    if kind is None or getattr(error, "explained", False):
        raise error
    shown = ", ".join(f"{n}: {a.dtype} {tuple(a.shape)}" if a.__class__ in LIBRARY else f"{n}: {a!r}"
                      for n, a in zip([p[0] for p in o.public], arrays, strict=False))  # fmt: skip
    raise kind(f"{o.name}: {error} [{shown}]") from error
