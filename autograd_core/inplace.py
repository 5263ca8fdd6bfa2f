"""In-place writes: the graph edits that make them differentiable, and the errors that keep them honest."""

from __future__ import annotations

import numpy as np

from autograd_core import functional
from autograd_core.errors import InplaceError
from autograd_core.ops.indexing import plain_index
from autograd_core.registry import OPS
from autograd_core.tensor import Leaf, Node, Tensor, grad_enabled, own_scalar, wrap
from autograd_core.versions import View, record_write, storage


def write(x, compute, *args, depth=3):
    """x becomes compute(x, ...) where it lies; x, its base and every live view of it get nodes that say so."""
    alias = getattr(x, "_alias", None)
    base = alias.base if alias.__class__ is View else x
    recording = grad_enabled()
    _refuse(x, base, recording)
    own_scalar(x)
    root = storage(x.array)
    # What a rule keeps of the old value must survive the write.
    new = compute(*[_survivor(a, root) for a in (x, *args)])
    if new.shape != x.shape or not _fits(new.dtype, x.dtype):
        raise InplaceError(f"the result, of shape {new.shape} and dtype {new.dtype}, does not fit into the tensor that is written, "
                           f"of shape {x.shape} and dtype {x.dtype}")  # fmt: skip
    x.array[...] = new.array
    record_write(x.array, depth)
    if recording and (new.node is not None or base.node is not None):
        _rebase(x, base, alias, new if new.dtype == x.dtype else functional.astype(new, x.dtype))
    return x


def _refuse(x, base, recording):
    if recording and base.node.__class__ is Leaf:
        raise InplaceError("in-place write to a leaf that requires a gradient, or to a view of one; use `with no_grad():`, or .clone() it first")  # fmt: skip
    if any(s == 0 and k > 1 for s, k in zip(getattr(x.array, "strides", ()), x.shape, strict=False)):
        raise InplaceError(f"in-place write to an expanded tensor of shape {x.shape}: its elements share memory; .clone() it first")


def _survivor(a, root):
    if a.__class__ is not Tensor or isinstance(a.array, np.generic) or storage(a.array) is not root:
        return a
    return wrap(a.array.copy(), a.node)


def _fits(source, target):
    ranks = {"b": 0, "u": 1, "i": 1, "f": 2, "V": 2, "c": 3}
    return ranks[source.kind] <= ranks[target.kind]


def _rebase(x, base, alias, new):
    if base is x:
        x.node = new.node
    else:
        base.node = _node("put_view", (base.node, new.node), v_shape=x.shape, path=_frozen(alias.path))
    views = getattr(base, "_alias", ())
    for v in () if views.__class__ is View else views:
        v.node = _node("get_view", (base.node,), x_shape=base.shape, path=_frozen(v._alias.path))


def _frozen(path):
    return tuple((o.name, tuple(statics.items())) for o, statics in path)


def _node(name, parents, **values):
    o = OPS[name]
    return Node(o, parents, tuple([values.get(k) for k in o.keep]))


def _setitem(x, index, value):
    plain = plain_index(index, x)
    value = value if value.__class__ is Tensor else functional.as_tensor(value, dtype=x.dtype, device=x.device)

    def put(old, value):
        target = old.array[plain].shape
        if value.shape != target:
            lead = value.ndim - len(target)
            if lead > 0 and set(value.shape[:lead]) == {1}:
                value = functional.reshape(value, value.shape[lead:])
            value = functional.expand(value, target)
        if value.dtype != old.dtype:
            if not _fits(value.dtype, old.dtype):
                raise InplaceError(f"x[index] = value would turn {value.dtype} into {old.dtype}; convert one of them first")
            value = functional.astype(value, old.dtype)
        return functional.put_view(old, value, path=(("getitem", (("index", plain),)),))

    write(x, put, value)


IN_PLACE = ("add", "sub", "mul", "div", "pow", "remainder", "floor_divide", "clamp", "clip", "abs", "neg", "exp", "log", "sqrt",
            "rsqrt", "reciprocal", "square", "sin", "cos", "tanh", "sigmoid", "relu", "floor", "ceil", "round", "trunc", "sign",
            "masked_fill", "scatter_add")  # fmt: skip
OPERATORS = {"__iadd__": "add", "__isub__": "sub", "__imul__": "mul", "__itruediv__": "div", "__ipow__": "pow",
             "__ifloordiv__": "floor_divide", "__imod__": "remainder"}  # fmt: skip


def _method(name):
    function = getattr(functional, name)

    def method(self, *args, **kwargs):
        return write(self, lambda x, *a: function(x, *a, **kwargs), *args)

    method.__name__ = name + "_"
    method.__doc__ = f"`{name}` in place: writes the result into this tensor and returns it."
    return method


def _fill(self, value):
    """Write `value` into every element; returns the tensor."""
    return write(self, lambda x, v: functional.expand(functional.astype(_as_tensor(v, x), x.dtype), x.shape), value)


def _zero(self):
    """Write zeros; returns the tensor."""
    return write(self, lambda x: functional.zeros_like(x))


def _copy(self, src):
    """Write the elements of `src`, broadcast and converted; returns the tensor."""
    return write(self, lambda x, s: functional.expand(functional.astype(_as_tensor(s, x), x.dtype), x.shape), src)


def _as_tensor(value, like):
    return value if value.__class__ is Tensor else functional.as_tensor(value, device=like.device)


def install():
    """In-place methods and operators on Tensor."""
    for name in IN_PLACE:
        setattr(Tensor, name + "_", _method(name))
    for operator, name in OPERATORS.items():
        setattr(Tensor, operator, _method(name))
    Tensor.__setitem__ = _setitem
    Tensor.fill_, Tensor.zero_, Tensor.copy_ = _fill, _zero, _copy
