"""In-place writes: the graph edits that make them differentiable, and the errors for those that cannot be."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.dtypes import can_cast
from autograd_core.engine import direct
from autograd_core.engine.arguments import is_operand, of_one_depth
from autograd_core.engine.binders import apply
from autograd_core.engine.entries import Composition, Op, public_names
from autograd_core.engine.libraries import LAYERS
from autograd_core.engine.nodes import Leaf, Node, RetainGrad, record
from autograd_core.engine.versions import View, record_write, storage
from autograd_core.errors import InplaceError, VmapError
from autograd_core.grad_mode import grad_enabled
from autograd_core.kinds import BINARY, COMPARISON, ELEMENTWISE
from autograd_core.registry import COMPOSITIONS, LISTENERS, OPS, publish
from autograd_core.semantics.subscripts import assign, is_basic, plain_index, steps
from autograd_core.tensor import Tensor, own_scalar, wrap
from backends.strides import may_overlap

Path = tuple[tuple[str, tuple[tuple[str, Any], ...], int | None], ...]
LARGE = 1 << 13  # elements: from here a selection by a mask is faster than an assignment


def write(x: Tensor, compute: Callable[..., Tensor], *args: Any, others: Iterable[Any] = (), depth: int = 3) -> Tensor:
    """Replace x by compute(x, ...) in place; x, its base and all live views get new nodes.

    others: further tensors that `compute` uses. depth: the number of frames up to the line that errors name as the
    writer.
    """
    base = _origin(x)
    _refuse(x, base)
    own_scalar(x)
    operands = (x, *args)
    if grad_enabled() and any(map(_node_of, (*operands, *others))):
        operands = tuple([_survivor(a, x) for a in operands])  # old values that a rule saves must survive the write
    new = _inside(compute(*operands), x)
    given, kept = new.array.dtype, x.array.dtype
    if new.array.shape != x.array.shape or (given != kept and not can_cast(given, kept)):
        raise InplaceError(
            f"the result, of shape {new.shape} and dtype {given}, does not fit into a tensor "
            f"of shape {x.shape} and dtype {kept}"
        )
    new = _cast(new, x)
    direct.copy(x.array, _survivor(new, x).array)
    record_write(x.array, depth)
    if base is x and new.node is not None and grad_enabled():
        _rename(x, new.node)
    else:
        _replace_part(base, new, x)
    return x


def _node_of(operand: Any) -> Any:
    return getattr(operand, "node", None)


def _assign(x: Tensor, value: Any, *others: Tensor) -> bool:
    """Write a number, or an array of the same shape and dtype, if nothing needs to be recorded; else returns False."""
    base = _origin(x)
    if grad_enabled() and (base.node is not None or any(map(_node_of, others))):
        return False
    _refuse(x, base)
    own_scalar(x)
    array = x.array
    if array.size < direct.LARGE:
        array[...] = value
    else:
        direct.copy(array, value)
    record_write(array, 3)
    return True


def _compute(name: str, x: Tensor, other: Any, alpha: Any = 1) -> bool:
    """Do the arithmetic of an entry where x is, if nothing needs to be recorded; else returns False."""
    base = _origin(x)
    if grad_enabled() and (base.node is not None or _node_of(other)):
        return False
    _refuse(x, base)
    own_scalar(x)
    if not direct.replace(name, x, other, alpha):
        return False
    record_write(x.array, 3)
    return True


def rebase(x: Tensor, node: Any) -> None:
    """Record that `x`, which was written by other code, was computed by `node`."""
    base = _origin(x)
    _refuse(x, base)
    if base is x:
        _rename(x, node)
    else:
        _replace_part(base, wrap(x.array, node), x)


def _rename(x: Tensor, node: Any, written: Tensor | None = None) -> None:
    """Replace the node of `x` and those of its views; `written`, if not `x`, is the tensor that was written."""
    replace_node(x, node)
    _refresh_views(x, written)


def replace_node(x: Tensor, node: Any, moved: bool = True) -> None:
    """Replace the node of `x`; a `retain_grad` request is copied to it, or moved if `moved`."""
    if x.retains_grad:
        before = x.node.hooks
        kept = [h for h in before if h.__class__ is RetainGrad and h.tensor() is x]
        if moved:
            x.node.hooks = tuple([h for h in before if h not in kept]) or None
        node.hooks = (*(node.hooks or ()), *kept)
    x.node = node


def _setitem(x: Tensor, index: Any, value: Any) -> None:
    *before, plain = (index,) if is_basic(index) else steps(plain_index(index, x), x.ndim)
    for step in before:
        x = functional.getitem(x, index=step)
    new = _cast(_as_tensor(value, x), x)
    whole = x.array.size >= LARGE and getattr(plain, "dtype", None) == np.bool_ and plain.shape == x.shape
    if whole and not new.ndim:
        write(x, functional.masked_fill, wrap(plain), new)  # counts nothing, so several times as fast
        return
    base = _origin(x)
    _refuse(x, base)
    own_scalar(x)
    if new.ndim or new.node is not None or base.node is not None:  # else assignment suffices, unrecorded
        new = _broadcast(new, x.array[plain].shape)
    assign(x.array, plain, _survivor(new, x).array)
    record_write(x.array, 2)
    _replace_part(base, new, x, ("getitem", (("index", plain),), None))


def _origin(x: Tensor) -> Tensor:
    """The tensor that `x` is a view of, or itself."""
    alias = getattr(x, "_alias", None)
    return alias.base if alias.__class__ is View else x


def _path(x: Tensor) -> Path:
    """The operations that lead from the origin of `x` to `x`."""
    alias = getattr(x, "_alias", None)
    steps = alias.path if alias.__class__ is View else ()
    return tuple((o.name, tuple(statics.items()), which) for o, statics, which in steps)


def writable(x: Tensor) -> bool:
    """Whether `x` can be written in place."""
    return not _obstacle(x, _origin(x))


def _refuse(x: Tensor, base: Tensor) -> None:
    if obstacle := _obstacle(x, base):
        raise InplaceError(f"in-place write to {obstacle}")


def _obstacle(x: Tensor, base: Tensor) -> str:
    """The reason why `x` cannot be written in place, or an empty string."""
    # A view with its own node is a leaf, or a view of one, in memory that is not differentiated.
    if grad_enabled() and (base.node.__class__ is Leaf or (base.node is None and x.node is not None)):
        return "a leaf that requires a gradient, or to a view of one; use `with no_grad():`, or .clone() it first"
    array = x.array
    flags = array.flags if array.__class__ is np.ndarray else None
    if flags is not None and flags.c_contiguous and flags.writeable:
        return ""
    if may_overlap(array.shape, getattr(array, "strides", ())):
        return f"an expanded tensor of shape {x.shape}, whose elements share memory; .clone() it first"
    if flags is not None and not flags.writeable:
        return f"a tensor of shape {x.shape} on read-only memory; .clone() it first"
    return ""


def _survivor(a: Any, written: Tensor) -> Any:
    """The operand, copied if the write would change it."""
    if not isinstance(a, Tensor) or isinstance(a.array, np.generic) or storage(a.array) is not storage(written.array):
        return a
    return wrap(a.array.copy(), a.node)


def _as_tensor(value: Any, like: Tensor) -> Tensor:
    if isinstance(value, Tensor):
        return _inside(value, like)
    kind = like.array.dtype.kind if like.array.__class__ is np.ndarray else ""
    if (value.__class__ is float and kind == "f") or (value.__class__ is int and kind and kind in "fiu"):
        try:
            return wrap(like.array.dtype.type(value))
        except OverflowError:
            pass  # which is told below
    known = like.array.dtype if isinstance(value, int | float | list | tuple) else None  # numbers are rounded only once
    try:
        return functional.as_tensor(value, dtype=known, device=like.device)
    except TypeError as e:
        raise TypeError(f"cannot write this into a tensor: {e}") from None


def _inside(new: Tensor, x: Tensor) -> Tensor:
    """`new` at the `vmap` level of `x`; `x` must be inside all `vmap` calls that `new` is inside."""
    if new.array.__class__ is x.array.__class__ or not LAYERS:
        return new
    array, depth = new.array, LAYERS.get(x.array.__class__, 0)
    while LAYERS.get(array.__class__, 0) > depth:
        if array.level is not None or new.node is not None:
            raise VmapError(
                "values that differ between the samples of vmap cannot be written to a tensor that "
                "they share; create one per sample, by zeros_like() or clone() of a tensor inside vmap"
            )
        array = array.held  # the same in all samples
    return of_one_depth((x, new if array is new.array else wrap(array)))[1]


def _cast(new: Tensor, x: Tensor) -> Tensor:
    """`new` in the dtype of `x`; raises if an imaginary part or a gradient would be lost."""
    given, kept = new.array.dtype, x.array.dtype
    if given == kept:
        return new
    lost = (
        "an imaginary part"
        if given.kind == "c" and kept.kind != "c"
        else "a gradient"
        if new.node is not None and kept.kind in dtypes.EXACT
        else None
    )
    if lost:
        raise InplaceError(f"writing {given} into a tensor of {kept} would lose {lost}; convert one first")
    return functional.astype(new, kept)


def _broadcast(new: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Broadcast like assignment, which also drops surplus leading axes of length 1."""
    lead = new.ndim - len(shape)
    if lead > 0 and set(new.shape[:lead]) == {1}:
        new = functional.reshape(new, new.shape[lead:])
    return new if new.shape == shape else functional.expand(new, shape)


def _replace_part(base: Tensor, new: Tensor, written: Tensor, *further: Any) -> None:
    """Record that a part of `base` is now `new`: `written`, or the part of it that `further` steps lead to."""
    if grad_enabled() and (new.node is not None or base.node is not None):
        path = (*_path(written), *further)
        node = _node("put_view", (base.node, new.node), v_shape=new.shape, v_dtype=new.dtype, path=path)
        _rename(base, node, written)


def _refresh_views(base: Tensor, written: Tensor | None) -> None:
    for v in getattr(base, "_alias", ()):
        t = wrap(base.array, base.node)
        for o, statics, which in v._alias.path:
            t = apply(o, (t,), statics)
            t = t if which is None else t[which]
        replace_node(v, t.node, moved=v is written)  # computed lazily: their new values may never be used


def _node(name: str, parents: tuple[Any, ...], **values: Any) -> Node:
    o = OPS[name]
    return record(o, parents, tuple([values.get(k) for k in o.keep]))


OPERATORS = {"__iadd__": "add", "__isub__": "subtract", "__imul__": "multiply", "__itruediv__": "divide",
             "__ipow__": "pow",
             "__ifloordiv__": "floor_divide", "__imod__": "remainder", "__iand__": "bitwise_and",
             "__ior__": "bitwise_or",
             "__ixor__": "bitwise_xor", "__ilshift__": "bitwise_left_shift",
             "__irshift__": "bitwise_right_shift"}  # fmt: skip
# Operations whose kinds do not preserve the shape, but which have in-place forms.
OTHERS = ("addbmm", "addmm", "addmv", "addr", "baddbmm", "cumprod", "cumsum", "index_add",
          "index_copy", "index_fill", "index_put", "index_reduce", "masked_fill", "masked_scatter", "put", "renorm",
          "scatter", "scatter_add", "scatter_reduce", "tril", "triu")  # fmt: skip


def _method(
    function: Callable[..., Tensor], name: str, most: float = math.inf, entry: str = ""
) -> Callable[..., Tensor]:
    """most: how many operands there are besides the tensor; the function would write to a further one, its `out`."""
    simple, further = entry in direct.UFUNCS, {"alpha"} if entry in direct.SIGNS else set()

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if simple and len(args) == 1 and kwargs.keys() <= further and _compute(entry, self, *args, **kwargs):
            return self
        if len(args) > most:
            raise TypeError(f"{name}_() takes {most} operands besides the tensor, not {len(args)}")
        return write(self, functools.partial(function, **kwargs), *args, others=kwargs.values())

    method.__name__ = f"{name}_"
    method.__doc__ = f"`{name}` in place: writes the result into this tensor and returns it."
    method.__wrapped__ = function  # type: ignore[attr-defined]  # for the signature in help() and in the stub
    return method


def _operator(function: Callable[..., Tensor], entry: str = "") -> Callable[..., Any]:
    """The in-place operator; returns NotImplemented for operands of unknown types."""
    simple = entry in direct.UFUNCS

    def assign_operator(self: Tensor, other: Any) -> Any:
        if simple and _compute(entry, self, other):
            return self
        return write(self, function, other) if is_operand(other) else NotImplemented

    return assign_operator


def _zero(self: Tensor) -> Tensor:
    """Write zeros; returns the tensor."""
    if _assign(self, 0):
        return self
    return write(self, lambda x: functional.zeros_like(x.detach()))


def _fill(input: Tensor, value: Any) -> Tensor:
    """Write a number, or that of a 0-d tensor, to every element; returns the tensor."""
    dtype = input.array.dtype
    if value.__class__ in (float, int) and dtype.kind == "f" and _assign(input, dtype.type(value)):
        return input
    return write(input, functional.fill, value)


def _fill_diagonal(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Write a number to the diagonal, where all indices are equal; returns the tensor.

    wrap: in a tall matrix the diagonal restarts one row below each of its ends.
    """
    if self.ndim < 2 or (self.ndim > 2 and len(set(self.shape)) > 1):
        raise InplaceError(
            f"fill_diagonal_() takes a matrix, or axes of one length, not a tensor of shape {self.shape}"
        )
    rows, *others = [
        functional.arange(n, device=self.device).reshape(-1, *(1,) * (self.ndim - 1 - i))
        for i, n in enumerate(self.shape)
    ]
    if wrap and self.ndim == 2:
        rows = rows % (self.shape[1] + 1)
    mask = functools.reduce(operator.and_, [rows == other for other in others])
    return write(self, lambda x: functional.masked_fill(x, mask, fill_value))


def _copy(self: Tensor, other: Any, non_blocking: bool = False) -> Tensor:
    """Copy the elements of `other`, broadcast and converted to this dtype and device; returns the tensor."""
    a, b = self.array, other.array if isinstance(other, Tensor) else None
    same = a.__class__ is b.__class__ is np.ndarray and a.dtype is b.dtype and a.shape == b.shape
    if same and _assign(self, b, other):
        return self
    return write(self, lambda x, s: functional.expand(_cast(_as_tensor(s, x), x).to(x.device), x.shape), other)


def _offer(entry: Op | Composition) -> None:
    """Add the in-place forms of an entry: methods, and functions for unary operations."""
    if entry.name not in OTHERS and not (entry.method and entry.kind in (ELEMENTWISE, BINARY, COMPARISON)):
        return
    for module, name in public_names(entry):
        if not module:
            most = len(entry.inputs) - 1 if isinstance(entry, Op) and entry.simple and not entry.form else math.inf
            method = _method(entry.call, name, most, entry.name)
            setattr(Tensor, method.__name__, method)
            if entry.kind is ELEMENTWISE:
                publish(method)


def install() -> None:
    """Add the in-place methods and operators to Tensor."""
    entries: list[Op | Composition] = [*OPS.values(), *COMPOSITIONS.values()]
    for entry in entries:
        _offer(entry)
    LISTENERS.append(_offer)
    setattr(Tensor, "float_power_", _method(functional.float_power, "float_power"))  # noqa: B010  not in the registry
    setattr(Tensor, "conj_physical_", _method(lambda x: functional.conj(x), "conj_physical"))  # noqa: B010, PLW0108  later
    for symbol, name in OPERATORS.items():
        setattr(Tensor, symbol, _operator(getattr(functional, name), name))
    for name, method in {
        "zero_": _zero,
        "fill_": _fill,
        "copy_": _copy,
        "__setitem__": _setitem,
        "fill_diagonal_": _fill_diagonal,
    }.items():
        method.__name__ = name
        setattr(Tensor, name, method)
    publish(_zero)
    publish(_fill)
