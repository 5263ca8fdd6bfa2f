"""Tensors among Python numbers, NumPy arrays and other libraries."""

from __future__ import annotations

import copy as copying

import numpy as np

from autograd_core import dtypes, functional

from autograd_core.devices import backend_of
from autograd_core.registry import LIBRARY
from autograd_core.tensor import Leaf, Tensor, own_scalar, wrap

_MISSING = object()


def item(self):
    """The only element as a Python number."""
    if self.array.size != 1:
        raise RuntimeError(f"item() needs a tensor of one element; this one has shape {self.shape}; .tolist() gives them all")
    return _host(self).item()


def tolist(self):
    """The elements as nested lists of Python numbers."""
    return _host(self).tolist()


def numpy(self, force=False):
    """The elements as a NumPy array that shares the storage. With `force`, a copy from any device or graph."""
    if force:
        return _host(self).copy()
    if self.node is not None:
        raise RuntimeError("this tensor requires a gradient, which NumPy would not carry; use .detach().numpy()")
    if self.device.type != "cpu":
        raise TypeError(f"this tensor is on {self.device}; use .cpu().numpy()")
    own_scalar(self)
    return self.array


def _host(t):
    return LIBRARY[t.array.__class__].backend.to_host(t.array)


def _array(self, dtype=None, copy=None):
    array = numpy(self)
    if copy is False and dtype is not None and array.dtype != dtype:
        raise ValueError(f"a copy is needed to turn {array.dtype} into {dtype}")
    return array.astype(dtype or array.dtype) if copy else np.asarray(array, dtype)


UFUNCS = {"true_divide": "divide", "equal": "eq", "invert": "bitwise_not", "conjugate": "conj"}
RENAMED = {"keepdims": "keepdim", "axis": "dim", "axes": "dims"}
FUNCTIONS = {"transpose": "permute", "concatenate": "cat", "clip": "clamp", "expand_dims": "unsqueeze", "max": "amax", "min": "amin",
             "amax": "amax", "amin": "amin"}  # fmt: skip


def _array_ufunc(self, ufunc, method, *inputs, out=None, **kwargs):
    """np.exp(tensor) and array * tensor are operations like any other."""
    function = getattr(functional, UFUNCS.get(ufunc.__name__, ufunc.__name__), None)
    if method != "__call__" or function is None or kwargs:
        form = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        raise TypeError(f"np.{form} has no counterpart for tensors; use a tensor function, or .detach().numpy() on purpose")
    if out is not None:
        raise TypeError(f"np.{ufunc.__name__}(..., out=array) cannot write a tensor's value into an array; drop out=")
    return function(*[functional.as_tensor(x) if isinstance(x, np.ndarray) else x for x in inputs])


def _array_function(self, function, types, args, kwargs):
    """np.sum(tensor) and its like are operations; what has no counterpart raises rather than dropping a gradient."""
    ours = getattr(functional, FUNCTIONS.get(function.__name__, function.__name__), None)
    if ours is None or not function.__module__.startswith("numpy"):
        raise TypeError(f"np.{function.__name__} has no counterpart for tensors; use a tensor function, or .detach().numpy() on purpose")
    return ours(*args, **{RENAMED.get(k, k): v for k, v in kwargs.items() if v is not np._NoValue})


def _bool(self):
    if self.array.size != 1:
        raise RuntimeError(f"the truth of a tensor of shape {self.shape} is ambiguous; use .all() or .any()")
    return bool(_host(self).item())


def _number(kind):
    def convert(self):
        return kind(item(self))

    return convert


def _index(self):
    if self.dtype.kind not in "biu" or self.array.size != 1:
        raise TypeError(f"only an integer tensor of one element can be an index, not {self.dtype} of shape {self.shape}")
    return int(item(self))


def _len(self):
    if not self.shape:
        raise TypeError("len() of a 0-d tensor")
    return self.shape[0]


def _iter(self):
    if not self.shape:
        raise TypeError("iteration over a 0-d tensor")
    return iter(functional.unbind(self))


def _contains(self, value):
    return bool((self == value).any())


def _deepcopy(self, memo):
    if not self.is_leaf:
        raise RuntimeError("only leaves can be deep-copied: a computed tensor carries its graph; .detach() it first")
    twin = wrap(self.array.copy())
    _carry_labels(self, twin)
    if self.node is not None:
        twin.node = Leaf(twin)
    twin.grad = copying.deepcopy(self.grad, memo)
    memo[id(self)] = twin
    return twin


def _carry_labels(source, target):
    for label in ("_name", "_role"):
        value = getattr(source, label, _MISSING)
        if value is not _MISSING:
            setattr(target, label, value)


def _reduce(self):
    if not self.is_leaf:
        raise RuntimeError("only leaves can be pickled: a computed tensor carries its graph; .detach() it first")
    return _rebuild, (_host(self), str(self.device), self.requires_grad, self.name, getattr(self, "_role", None))


def _rebuild(array, device, requires_grad, name, role):
    t = functional.tensor(array, device=device, requires_grad=requires_grad, name=name)
    if role is not None:
        t._role = role
    return t


def size(self, dim=None):
    """The shape, or one of its lengths."""
    if dim is None:
        return self.shape
    if not -self.ndim <= dim < self.ndim:
        raise IndexError(f"dim {dim} is out of range for shape {self.shape}")
    return self.shape[dim]


def numel(self):
    """The number of elements."""
    return self.array.size


def is_contiguous(self):
    """Whether the elements lie in memory one after the other in row-major order."""
    own_scalar(self)
    return bool(self.array.flags.c_contiguous)


def contiguous(self):
    """The tensor with its elements in row-major order: itself, or a copy."""
    if is_contiguous(self):
        return self
    return functional.reshape(functional.clone(functional.reshape(self, (-1,))), self.shape)


def stride(self, dim=None):
    """How many elements lie between neighbours along each axis."""
    own_scalar(self)
    steps = tuple(s // self.array.itemsize for s in self.array.strides)
    return steps if dim is None else steps[dim]


def data_ptr(self):
    """The address of the first element."""
    own_scalar(self)
    return self.array.__array_interface__["data"][0] if isinstance(self.array, np.ndarray) else self.array.data.ptr


def detach_(self):
    """Forget how this tensor was computed; returns it."""
    if hasattr(self, "_alias") and getattr(self._alias, "base", None) is not None:
        raise RuntimeError("a view cannot forget its base in place; use .detach()")
    self.node = None
    return self


def _dlpack(self, **kwargs):
    if self.node is not None:
        raise BufferError("this tensor requires a gradient, which DLPack would not carry; use .detach()")
    own_scalar(self)
    return self.array.__dlpack__(**kwargs)


def from_dlpack(source):
    """A tensor on the memory of any object that speaks DLPack."""
    if source.__dlpack_device__()[0] == 1:
        return wrap(np.from_dlpack(source))
    return wrap(backend_of("cuda").namespace.from_dlpack(source))


def _expand_as(self, other):
    """Expanded to the shape of `other`."""
    return functional.expand(self, other.shape)


def _reshape_as(self, other):
    """Reshaped to the shape of `other`."""
    return functional.reshape(self, other.shape)


def _cast(name, dtype):
    def cast(self):
        return self.to(dtype=dtype)

    cast.__name__, cast.__doc__ = name, f"The elements as {dtype}."
    return cast


CASTS = {"float": dtypes.float32, "double": dtypes.float64, "half": dtypes.float16, "int": dtypes.int32, "long": dtypes.int64,
         "short": dtypes.int16, "bool": dtypes.bool_}  # fmt: skip
MEMBERS = {
    "__array__": _array, "__array_ufunc__": _array_ufunc, "__array_function__": _array_function, "__bool__": _bool, "__len__": _len,
    "__float__": _number(float), "__int__": _number(int), "__complex__": _number(complex), "__index__": _index, "__iter__": _iter,
    "__contains__": _contains, "__deepcopy__": _deepcopy, "__reduce__": _reduce, "__dlpack__": _dlpack,
    "__dlpack_device__": lambda self: self.array.__dlpack_device__(), "item": item, "tolist": tolist, "numpy": numpy, "size": size,
    "numel": numel, "nelement": numel, "dim": lambda self: self.ndim, "is_contiguous": is_contiguous, "contiguous": contiguous,
    "stride": stride, "data_ptr": data_ptr, "detach_": detach_, "expand_as": _expand_as, "view_as": _reshape_as, "reshape_as": _reshape_as,
    "element_size": lambda self: self.itemsize, "type": lambda self, dtype=None: str(self.dtype) if dtype is None else self.to(dtype=dtype),
    "type_as": lambda self, other: self.to(dtype=other.dtype), "is_floating_point": lambda self: self.dtype.kind in "fV",
    "is_complex": lambda self: self.dtype.kind == "c",
    "T": property(lambda self: functional.permute(self, tuple(reversed(range(self.ndim)))), doc="The axes in reverse order."),
    "mT": property(lambda self: functional.swapped(self), doc="The last two axes exchanged."),
}  # fmt: skip


def install():
    """These members on Tensor."""
    for name, member in MEMBERS.items():
        setattr(Tensor, name, member)
    for name, dtype in CASTS.items():
        setattr(Tensor, name, _cast(name, dtype))
    functional.from_dlpack = from_dlpack
    functional.numel = numel
    functional.is_tensor = lambda obj: isinstance(obj, Tensor)
    functional.is_floating_point = MEMBERS["is_floating_point"]
