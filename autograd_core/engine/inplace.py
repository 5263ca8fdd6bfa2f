"""In-place writes: the graph edits that make them differentiable, and the errors for those that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.dtypes import can_cast
from autograd_core.engine import direct
from autograd_core.engine.applying import apply
from autograd_core.engine.libraries import LAYERS, VMAP
from autograd_core.engine.nodes import Leaf, Node, RetainGrad, record
from autograd_core.engine.stand_ins import Severed, Unwritten
from autograd_core.engine.versions import View, record_write, returned_by, storage, version
from autograd_core.errors import DtypeError, InplaceError, VmapError
from autograd_core.grad_mode import grad_enabled
from autograd_core.registry import OPS
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
    operands = (x, *args)
    recorded = grad_enabled() and any(map(_node_of, (*operands, *others)))
    _refuse(x, base, recorded)
    own_scalar(x)
    if recorded:
        operands = tuple([_survivor(a, x) for a in operands])  # old values that a rule saves must survive the write
    new = _inside(compute(*operands), x)
    given, kept = new.array.dtype, x.array.dtype
    if new.array.shape != x.array.shape or (given != kept and not can_cast(given, kept)):
        raise InplaceError(
            f"the result, of shape {new.shape} and dtype {given}, does not fit into a tensor "
            f"of shape {x.shape} and dtype {kept}"
        )
    new = fitted(new, x)
    direct.copy(x.array, _survivor(new, x).array)
    record_write(x.array, depth)
    if base is x and new.node is not None and grad_enabled():
        _rename(x, new.node)
    else:
        _replace_part(base, new, x)
    return x


def _node_of(operand: Any) -> Any:
    return getattr(operand, "node", None)


def unrecorded(x: Tensor, *others: Any) -> bool:
    """Whether a write to x, with other operands, has no node, so that functions of `direct` may do it; raises if x
    cannot be written.
    """
    base = _origin(x)
    if grad_enabled():
        if base.node is not None:
            return False
        for t in others:
            if getattr(t, "node", None) is not None:
                return False
    _refuse(x, base)
    own_scalar(x)
    return True


def rebase(x: Tensor, node: Any) -> None:
    """Record that `x`, which was written by other code, was computed by `node`."""
    base = _origin(x)
    _refuse(x, base, node is not None)
    if base is x:
        _rename(x, node)
    else:
        _replace_part(base, wrap(x.array, node), x)


def _rename(x: Tensor, node: Any, written: Tensor | None = None) -> None:
    """Replace the node of `x` and those of its views; `written`, if not `x`, is the tensor that was written."""
    replace_node(x, node)
    _refresh_views(x, written)


def detach(x: Tensor) -> None:
    """Take `x` out of its graph. Its live views stay in theirs until something is written."""
    x.node = None
    before = version(x)
    for v in getattr(x, "_alias", ()):
        if v.node is not None:
            node = _node("get_view", (v.node,), x_shape=v.shape, x_dtype=v.dtype, path=())
            node.op = Unwritten(node.op, lambda: version(x) == before)
            replace_node(v, node)


def replace_node(x: Tensor, node: Any, moved: bool = True) -> None:
    """Replace the node of `x`; a `retain_grad` request is copied to it, or moved if `moved`."""
    if x.retains_grad:
        before = x.node.hooks
        kept = [h for h in before if h.__class__ is RetainGrad and h.tensor() is x]
        if moved:
            x.node.hooks = tuple([h for h in before if h not in kept]) or None
        node.hooks = (*(node.hooks or ()), *kept)
    x.node = node


def set_item(x: Tensor, index: Any, value: Any) -> None:
    *before, plain = (index,) if is_basic(index) else steps(plain_index(index, x), x.ndim)
    for step in before:
        x = functional.getitem(x, index=step)
    new = as_operand(value, x)
    if new.array.dtype != x.array.dtype:
        _check_dtype(x, index, value)
        new = fitted(new, x)
    whole = x.array.size >= LARGE and getattr(plain, "dtype", None) == np.bool_ and plain.shape == x.shape
    if whole and not new.ndim:
        write(x, functional.masked_fill, wrap(plain), new)  # counts nothing, so several times as fast
        return
    base = _origin(x)
    _refuse(x, base, new.node is not None)
    own_scalar(x)
    if new.ndim or new.node is not None or base.node is not None:  # else assignment suffices, unrecorded
        new = _broadcast(new, x.array[plain].shape)
    assign(x.array, plain, _survivor(new, x).array)
    record_write(x.array, 2)
    _replace_part(base, new, x, ("getitem", (("index", plain),), None))


def _check_dtype(x: Tensor, index: Any, value: Any) -> None:
    """Raise if a tensor of another dtype is to be written at positions given by arrays, as PyTorch does; what is
    written to slices, and one number to the elements of a mask, is converted.
    """
    parts = plain_index(index, x)
    kinds = [i.dtype.kind for i in (parts if parts.__class__ is tuple else (parts,)) if getattr(i, "ndim", 0)]
    if isinstance(value, Tensor) and kinds and not (kinds == ["b"] and value.numel() == 1):
        raise DtypeError(f"values of {value.dtype} for elements of {x.dtype}; write value.to(x.dtype)")


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


def _refuse(x: Tensor, base: Tensor, recorded: bool = False) -> None:
    if obstacle := _obstacle(x, base, recorded):
        raise InplaceError(f"in-place write to {obstacle}")


def _obstacle(x: Tensor, base: Tensor, recorded: bool = False) -> str:
    """The reason why `x` cannot be written in place, or an empty string.

    recorded: whether what is written has a node.
    """
    if grad_enabled():
        if base is not x and (recorded or x.node is not None or base.node is not None) and (by := returned_by(x)):
            return f"a view that {by} returned, whose backward does not know of the write; .clone() it first"
        # A view with its own node is a leaf, or a view of one, in memory that is not differentiated.
        if base.node.__class__ is Leaf or (base.node is None and x.node is not None):
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


def as_operand(value: Any, like: Tensor) -> Tensor:
    """What is to be written to a tensor, as a tensor; a number or list in the dtype and on the device of `like`."""
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
    return VMAP.lifted((x, new if array is new.array else wrap(array)))[1]


def fitted(new: Tensor, x: Tensor) -> Tensor:
    """`new` in the dtype of `x`; raises if an imaginary part or a gradient would be lost."""
    given, kept = new.array.dtype, x.array.dtype
    if given == kept:
        return new
    if given.kind == "c" and kept.kind != "c":
        lost = "an imaginary part"
    elif new.node is not None and kept.kind in dtypes.EXACT:
        lost = "a gradient"
    else:
        return functional.astype(new, kept)
    raise InplaceError(f"writing {given} into a tensor of {kept} would lose {lost}; convert one first")


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
        if v._alias.by:
            node = _node("get_view", (base.node,))
            node.op = Severed(node.op, v._alias.by)
            replace_node(v, node, moved=False)
            continue
        t = wrap(base.array, base.node)
        for o, statics, which in v._alias.path:
            t = apply(o, (t,), statics)
            t = t if which is None else t[which]
        replace_node(v, t.node, moved=v is written)  # computed lazily: their new values may never be used


def _node(name: str, parents: tuple[Any, ...], **values: Any) -> Node:
    o = OPS[name]
    return record(o, parents, tuple([values.get(k) for k in o.keep]))
