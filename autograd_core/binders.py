"""From an entry to the function that people call: it runs the forward on arrays and records a node.

The binders are specialised by arity because a general one costs more than the arithmetic of a small tensor.
"""

from __future__ import annotations

import functools
import inspect

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.dtypes import result_type
from autograd_core.errors import DeviceError, DtypeError, OperandError
from autograd_core.tensor import Node, Tensor, grad_enabled, new, own_scalar, tick, wrap
from autograd_core.versions import note_view

LIBRARY = {}
SYNONYMS = {"axis": "dim", "keepdims": "keepdim"}
_SCALARS = (float, int)


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
                if a.dtype is not b.dtype and a.dtype != b.dtype:
                    return promoted(call, input, other)
                k, m = a.shape, b.shape
                shapes = None if k == m else (k, m)
            elif other.__class__ in _SCALARS:
                b, q = other, None
                shapes = None
                kind = a.dtype.kind
                if kind not in "fc" and (kind == "b" or other.__class__ is float):
                    return promoted(call, input, other)
            else:
                return foreign(o, (input, other))
        elif input.__class__ in _SCALARS and other.__class__ is Tensor and other.array.dtype.kind in "fc":
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
    plain = not o.variadic and not o.signature and not o.packs

    def call(*args, **given):
        if plain and not given and len(args) == arity:
            return apply(o, args, defaults)
        return apply(o, *parse(o, args, given))

    return call


def apply(o, args, statics):
    """Run an entry on Tensors (or None) and static parameters, and record it."""
    arrays, parents, recording = [], [], False
    for a in args:
        if a.__class__ is Tensor:
            arrays.append(a.array)
            p = a.node
            parents.append(p)
            if p is not None:
                recording = True
        elif a is None:
            arrays.append(None)
            parents.append(None)
        else:
            return apply(o, constants(o, args), statics)
    dtype = _common_dtype(o, arrays)
    if dtype is not None:
        return apply(o, [_cast(a, dtype) if i in o.promoted or o.variadic else a for i, a in enumerate(args)], statics)
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
    if recording and o.differentiable and grad_enabled():
        node = _record(o, arrays, parents, y, rest, statics)
    if o.outputs:
        return _several(o, y, node)
    t = wrap(y, node)
    if o.view:
        note_view(t, args[0], o, statics)
    return t


def _common_dtype(o, arrays):
    """The dtype that the promoted inputs must be cast to first, or None where nothing is to be done."""
    if o.promoted:
        found = arrays if o.variadic else [arrays[i] for i in o.promoted]
        first = next(a for a in found if a is not None).dtype
        for a in found:
            if a is not None and a.dtype is not first and a.dtype != first:
                return result_type(*[a for a in found if a is not None])
        if o.floating and first.kind in "biu":
            return dtypes.get_default_dtype()
    elif o.floating and arrays[0].dtype.kind in "biu":
        return dtypes.get_default_dtype()
    return None


def _cast(a, dtype):
    return a if a is None or a.array.dtype == dtype else functional.astype(a, dtype)


def _record(o, arrays, parents, y, rest, statics):
    wants = tuple([p is not None for p in parents])
    plan = o.plans.get(wants)
    if plan is None:
        plan = o.plans[wants] = _saving_plan(o, wants)
    node = new(Node)
    node.op, node.parents, node.hooks = o, tuple(parents), None
    node.saved = tuple([f and f(arrays, y, rest, statics) for f in plan])
    if o.outputs:  # a rule gets a cotangent for every output: zeros like these where none arrived
        node.shapes = tuple([(v.shape, v.dtype) for v in y])
    elif o.kind.broadcasts:
        node.shapes = tuple([None if a is None else a.shape for a in arrays])
    else:
        node.shapes = None
    node.number = tick()
    return node


def _saving_plan(o, wants):
    """Per name of `keep`, how to get its value, or None where no input that wants a gradient needs it."""
    needed = set()
    for i, w in enumerate(o.wants):
        if o.variadic or wants[i]:
            needed.update(w)
    return tuple([_getter(o, n) if n in needed else None for n in o.keep])


def _getter(o, name):
    """How to find the value behind a name that a rule may mention."""
    if name == "y":
        return lambda arrays, y, rest, statics: y
    if name in o.residuals:
        i = o.residuals.index(name)
        return lambda arrays, y, rest, statics: rest[i]
    if name in o.statics:
        return lambda arrays, y, rest, statics: statics[name]
    if isinstance(o.outputs, tuple) and name in o.outputs:
        i = o.outputs.index(name)
        return lambda arrays, y, rest, statics: y[i]
    of, _, attribute = name.rpartition("_")
    source = name if name in o.inputs else of
    if source not in o.inputs or (source is of and attribute not in ("shape", "dtype")):
        raise TypeError(f"op '{o.name}': a rule names '{name}', which is no input, output, residual or parameter")
    read = (lambda a: a) if source is name else (lambda a: None if a is None else getattr(a, attribute))
    if o.variadic:
        return lambda arrays, y, rest, statics: tuple([read(a) for a in arrays])
    i = o.inputs.index(source)
    return lambda arrays, y, rest, statics: read(arrays[i])


def _several(o, y, node):
    """Tensors for several outputs; each that can carry a gradient gets a node of its own that projects it out."""
    out = []
    for i, v in enumerate(y):
        carries = node is not None and v.dtype.kind in "fcV" and not (o.detached and o.outputs[i] in o.detached)
        out.append(wrap(v, Node(Pick, (node,), (i, len(y))) if carries else None))
    return o.result(out)


class Pick:
    """The pseudo-op of a node that stands for one output of an operation with several."""

    name, symbol, keep, rules, holds = "output", "output", (), (), False


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
