"""One call of an operation: its forward runs on the arrays of the operands, and a node records it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from autograd_core import dtypes
from autograd_core.dtypes import EXACT, INEXACT
from autograd_core.engine.arguments import cast, computed_in, constants, numbers_among
from autograd_core.engine.entries import Op
from autograd_core.engine.failures import elsewhere, recover, refuse_complex
from autograd_core.engine.libraries import ELSEWHERE, LAYERS, LIBRARY, MUTABLE, VMAP
from autograd_core.engine.nodes import Node, Pick, record
from autograd_core.engine.nodes import tick as tick  # replaced by detect_anomaly
from autograd_core.engine.saving import outputs_of, saving_plan
from autograd_core.engine.versions import note_view
from autograd_core.grad_mode import grad_enabled
from autograd_core.tensor import Tensor, new, own_scalar, wrap


def apply(o: Op, args: Sequence[Any], statics: dict[str, Any]) -> Any:  # noqa: PLR0911, PLR0912, PLR0915  the hot path
    """Run an entry on Tensors (or None) and static parameters, and record it."""
    if len(args) == 1 and (t := args[0]).__class__ is Tensor and t.node is None:
        x = t.array
        if x.__class__ is ndarray and (not o.screened or x.dtype.kind == "f"):
            y = _of_one(o, t, x, statics)
            if y is not None:
                return y
    dtype: Any = None
    arrays, parents, wants, bit, mixed, cls = [], [], 0, 1, False, None
    for a in args:
        if a.__class__ is Tensor:
            x = a.array
            p = a.node
            if LAYERS and x.__class__ is not cls:
                if cls is not None and (cls in LAYERS or x.__class__ in LAYERS):
                    if ELSEWHERE and (t := elsewhere(o, args, statics)) is not None:
                        return t
                    return apply(o, VMAP.lifted(constants(o, args)), statics)
                cls = x.__class__
            arrays.append(x)
            parents.append(p)
            if p is not None:
                wants |= bit
            if dtype is None:
                dtype = x.dtype
            elif x.dtype is not dtype:
                mixed = True
        elif a is None:
            if not bit & o.optional:
                constants(o, [None])  # raises: this operand is needed
            arrays.append(None)
            parents.append(None)
        else:
            return _converted(o, args, statics)
        bit <<= 1
    if o.screened or (mixed and o.mixes):
        if o.real_only and (mixed or dtype.kind == "c"):
            refuse_complex(o.name, arrays)
        common = _common_dtype(o, arrays) if mixed or (o.floating and dtype.kind in EXACT) else None
        if common is not None:
            ready = [cast(a, common) if o.variadic or i in o.promoted else a for i, a in enumerate(args)]
            return apply(o, ready, statics)
    if o.view and isinstance(arrays[0], np.generic):
        own_scalar(args[0])
        arrays[0] = args[0].array
    try:
        cls = arrays[0].__class__
        if cls is not ndarray and cls in MUTABLE and cls not in LAYERS:
            _refuse_host(arrays)
        y = o.forward(LIBRARY[cls], *arrays, **statics)
        if y.__class__ is Tensor:
            raise TypeError("a static parameter is a tensor")
    except Exception as e:
        if ELSEWHERE and (t := elsewhere(o, args, statics)) is not None:
            return t
        if numbers := numbers_among(o, statics):
            return apply(o, args, statics | numbers)
        if o.fallback and isinstance(e, ValueError):
            return o.fallback(*args, **statics)
        y = recover(o, arrays, statics, e)
    rest = ()
    if o.residuals:
        y, *rest = y
    n = None
    if wants and o.differentiable and grad_enabled() and (o.outputs or y.dtype.kind in INEXACT):
        plan = o.plans.get(wants)
        if plan is None:
            plan = o.plans[wants] = saving_plan(o, wants)
        n = Node()
        n.op = o
        n.parents = tuple(parents)
        n.saved = plan(arrays, y, rest, statics)
        n.shapes = _shapes(o, arrays, y) if o.outputs or o.broadcasts else None
        n.hooks = None
        n.number = tick()
    if o.outputs:
        pieces = _several(o, y, n)
        if o.view:
            for i, piece in enumerate(pieces):
                note_view(piece, args[0], o, statics, i)
        return pieces
    t = new(Tensor)
    t.array = y
    t.node = n
    t._grad = None
    if o.view:
        note_view(t, args[0], o, statics)
    return t


def _of_one(o: Op, source: Tensor, x: ndarray, statics: dict[str, Any]) -> Any:
    """`apply` for a single NumPy array that needs no conversion and no gradient; None if the forward fails."""
    try:
        y = o.forward(LIBRARY[ndarray], x, **statics)
    except Exception:
        return None  # the general way has a second one, or raises the error
    if o.residuals:
        y = y[0]
    if o.outputs:
        pieces = o.result([wrap(v) for v in y])
        if o.view:
            for i, piece in enumerate(pieces):
                note_view(piece, source, o, statics, i)
        return pieces
    if y.__class__ is Tensor:  # because a static parameter is one
        return None
    t = new(Tensor)
    t.array = y
    t._grad = t.node = None
    if o.view:
        note_view(t, source, o, statics)
    return t


def _converted(o: Op, args: Sequence[Any], statics: dict[str, Any]) -> Any:
    """`apply` for operands that are not all Tensors."""
    result = apply(o, constants(o, args), statics)
    if o.view and args[0].__class__ is not Tensor and isinstance(args[0], Tensor):
        # What was viewed is that tensor, of a subclass, not the one in its place.
        for i, piece in enumerate(result) if o.outputs else ((None, result),):
            note_view(piece, args[0], o, statics, i)
    return result


def _refuse_host(arrays: Sequence[Any]) -> None:
    """Raise if a NumPy array is among arrays of a device, whose library might copy it there silently, and wait."""
    if any(a.__class__ is ndarray and a.ndim for a in arrays):
        raise TypeError("arrays on different devices")


def _common_dtype(o: Op, arrays: list[Any]) -> Any:
    """The dtype to which the promoted inputs must be cast first, or None if no cast is needed."""
    if o.variadic or len(o.promoted) > 1:
        found = arrays if o.variadic else [a for i in o.promoted if (a := arrays[i]) is not None]
    else:  # others, such as positions and conditions, keep their dtypes
        found = [arrays[o.promoted[0] if o.promoted else 0]]
    dtype = found[0].dtype
    if o.promoted:
        for a in found:
            if a.dtype is not dtype and a.dtype != dtype:
                return computed_in(found, o)
    return dtypes.get_default_dtype() if o.floating and dtype.kind in EXACT else None


def _shapes(o: Op, arrays: list[Any], y: Any) -> tuple[Any, ...]:
    """The shapes that the walk needs: of outputs, for zeros without a cotangent, or of operands, to sum back to."""
    if o.outputs:
        return tuple([(v.shape, v.dtype) for v in y])
    return tuple([None if a is None else a.shape for a in arrays])


def _several(o: Op, y: Any, node: Node | None) -> tuple[Any, ...]:
    """Tensors for several outputs; each that can carry a gradient gets its own node, a projection."""
    out = []
    for i, v in enumerate(y):
        carries = node is not None and v.dtype.kind in INEXACT and not (o.detached and outputs_of(o)[i] in o.detached)
        out.append(wrap(v, record(Pick, (node,), (i, len(y))) if carries else None))
    return o.result(out)
