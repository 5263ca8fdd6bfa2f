"""Tensors from numbers, lists and arrays, and tensors made to measure."""

from __future__ import annotations

import math

import numpy as np

from autograd_core import dtypes, functional
from autograd_core.devices import backend_of, place
from autograd_core.errors import DtypeError
from autograd_core.registry import LIBRARY
from autograd_core.tensor import Leaf, Tensor, check_differentiable, wrap


def tensor(data, dtype=None, device=None, requires_grad=False, name=None):
    """A tensor with its own copy of `data`: a number, nested lists, an array or a tensor.

    Python floats make the default dtype (float32), integers int64; arrays keep theirs. `name` labels it in pictures.

    >>> tensor([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if data.__class__ is float and device is None:
        # A NumPy scalar: several times faster to compute with than a 0-d array, and made one before it is written.
        array = (dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)).type(data)
    else:
        array = _array(data, dtype, copy=True)
    return _finish(array, device, requires_grad, name)


def as_tensor(data, dtype=None, device=None):
    """A tensor that shares the memory of `data` where it can."""
    if data.__class__ is Tensor:
        return data.to(device=device, dtype=dtype)
    if data.__class__ in LIBRARY and device is None and (dtype is None or data.dtype == dtypes.as_dtype(dtype)):
        return wrap(data)
    return _finish(_array(data, dtype, copy=False), device, False, None)


def from_numpy(array):
    """A tensor on the memory of a NumPy array."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy() takes a NumPy array, not {type(array).__name__}")
    return _finish(_array(array, None, copy=False), None, False, None)


def asarray(data, dtype=None, device=None):
    """A tensor on `data`, shared where possible."""
    return as_tensor(data, dtype, device)


def _array(data, dtype, copy):
    dtype = dtypes.as_dtype(dtype)
    if data.__class__ is Tensor:
        source = LIBRARY[data.array.__class__].backend.to_host(data.array)
    elif data.__class__ in LIBRARY:
        source = LIBRARY[data.__class__].backend.to_host(data)
    else:
        source = data
    if isinstance(source, np.ma.MaskedArray):
        raise TypeError("a masked array has no values under its mask; choose them first: data.filled(0)")
    if dtype is None and not hasattr(source, "dtype"):
        if isinstance(source, (list, tuple)) and any(isinstance(v, (Tensor, np.generic, np.ndarray)) for v in source):
            source = np.array([np.asarray(v.detach().numpy() if v.__class__ is Tensor else v) for v in source])
        else:
            dtype = _dtype_of_python(source)
    array = np.array(source, dtype, copy=True if copy else None)
    if array.dtype.kind not in "biufcV" or (array.dtype.kind == "V" and array.dtype.name != "bfloat16"):
        raise DtypeError(f"cannot make a tensor of {array.dtype} from {type(data).__name__}: numbers or booleans are needed")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _dtype_of_python(data):
    try:
        found = dtypes.of_python(data)
    except ValueError as e:
        raise ValueError(f"cannot make a tensor of lists of different lengths: {e}") from None
    if found is None:
        raise TypeError(f"cannot make a tensor of {type(data).__name__}: numbers, lists of numbers or arrays are needed")
    return found


def _finish(array, device, requires_grad, name):
    if device is not None and device != "cpu":
        array = place(array, device)
    t = wrap(array)
    if name is not None:
        t.name = name
    if requires_grad:
        check_differentiable(array.dtype)
        t.node = Leaf(t)
    return t


def parameter(t):
    """A leaf on the storage of `t` that requires a gradient."""
    return wrap(t.array).requires_grad_()


def _shape(size):
    """zeros(2, 3), zeros((2, 3)) and zeros([2, 3])."""
    if len(size) == 1 and not isinstance(size[0], (int, np.integer)):
        size = tuple(size[0])
    if any(k < 0 for k in size):
        raise RuntimeError(f"a shape has no negative lengths: {tuple(size)}")
    return tuple(int(k) for k in size)


def _made(device, requires_grad, name, make):
    device = device or "cpu"
    library = backend_of(device).namespace
    t = wrap(make(library) if device == "cpu" else place(make(library), device))
    if name is not None:
        t.name = name
    return t.requires_grad_() if requires_grad else t


def zeros(*size, dtype=None, device=None, requires_grad=False, name=None):
    """Zeros of a shape, given as numbers or as one tuple.

    >>> zeros(2)
    tensor([0., 0.])
    """
    return full(_shape(size), 0, dtype=dtype or dtypes.get_default_dtype(), device=device, requires_grad=requires_grad, name=name)


def ones(*size, dtype=None, device=None, requires_grad=False, name=None):
    """Ones of a shape, given as numbers or as one tuple."""
    return full(_shape(size), 1, dtype=dtype or dtypes.get_default_dtype(), device=device, requires_grad=requires_grad, name=name)


def empty(*size, dtype=None, device=None, requires_grad=False, name=None):
    """A tensor of a shape whose elements are not set."""
    shape, dtype = _shape(size), dtypes.as_dtype(dtype) or dtypes.get_default_dtype()
    return _made(device, requires_grad, name, lambda xp: xp.empty(shape, dtype))


def full(size, fill_value, dtype=None, device=None, requires_grad=False, name=None):
    """One number in every element."""
    dtype = dtypes.as_dtype(dtype) or dtypes.of_python(fill_value)
    shape = _shape((size,))
    return _made(device, requires_grad, name, lambda xp: xp.full(shape, fill_value, dtype))


def _like(make):
    def like(input, dtype=None, device=None, requires_grad=False):
        return make(input.shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)

    like.__name__ = like.__qualname__ = f"{make.__name__}_like"
    like.__doc__ = f"`{make.__name__}` with the shape, dtype and device of `input`."
    return like


ones_like, empty_like = _like(ones), _like(empty)


def full_like(input, fill_value, dtype=None, device=None, requires_grad=False):
    """One number in every element, with the shape, dtype and device of `input`."""
    return full(input.shape, fill_value, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


def arange(start, end=None, step=1, dtype=None, device=None, requires_grad=False):
    """Numbers from `start` (0 if only one is given) up to but not including `end`."""
    if end is None:
        start, end = 0, start
    start, end, step = (v.item() if isinstance(v, (Tensor, np.generic)) else v for v in (start, end, step))
    if step == 0 or (end - start) / step < 0:
        raise RuntimeError(f"arange() from {start} to {end} by {step} never arrives")
    dtype = dtypes.as_dtype(dtype) or dtypes.of_python([start, end, step])
    n = math.ceil((end - start) / step)
    return _made(device, requires_grad, None, lambda xp: (start + step * xp.arange(n)).astype(dtype))


def linspace(start, end, steps, dtype=None, device=None, requires_grad=False):
    """`steps` evenly spaced numbers from `start` to `end`, both included.

    >>> linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    dtype = dtypes.as_dtype(dtype) or dtypes.get_default_dtype()
    return _made(device, requires_grad, None, lambda xp: xp.linspace(start, end, steps, dtype=dtype))


def logspace(start, end, steps, base=10.0, dtype=None, device=None, requires_grad=False):
    """`steps` powers of `base`, their exponents evenly spaced from `start` to `end`."""
    dtype = dtypes.as_dtype(dtype) or dtypes.get_default_dtype()
    return _made(device, requires_grad, None, lambda xp: (base ** xp.linspace(start, end, steps)).astype(dtype))


def eye(n, m=None, dtype=None, device=None, requires_grad=False):
    """Ones on the diagonal of an n × m matrix of zeros."""
    dtype = dtypes.as_dtype(dtype) or dtypes.get_default_dtype()
    return _made(device, requires_grad, None, lambda xp: xp.eye(n, m, dtype=dtype))


def one_hot(input, num_classes=-1):
    """Integers as vectors with a single 1, in int64."""
    if input.dtype.kind not in "iu":
        raise DtypeError(f"one_hot() takes integers, not {input.dtype}")
    n = num_classes if num_classes >= 0 else int(input.max()) + 1
    if input.array.size and not bool(((input >= 0) & (input < n)).all()):
        raise RuntimeError(f"one_hot(): classes must lie between 0 and {n - 1}")
    return functional.astype(input.unsqueeze(-1) == arange(n, device=input.device), dtypes.int64)


def meshgrid(*tensors, indexing="ij"):
    """Vectors spread over a grid: one tensor per vector, each of the shape of the grid."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    shape, n = tuple(t.array.size for t in tensors), len(tensors)
    grids = [t.reshape([-1 if j == i else 1 for j in range(n)]).expand(shape) for i, t in enumerate(tensors)]
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"meshgrid(): indexing must be 'ij' or 'xy', not {indexing!r}")
    return tuple(g.transpose(0, 1) if indexing == "xy" and n > 1 else g for g in grids)


def legacy_tensor(*args, **kwargs):
    """Tensor(2, 3): an uninitialised tensor of that shape; Tensor(data): float32 data. Prefer `tensor` and `empty`."""
    if kwargs or not args:
        return empty(0) if not args else tensor(args[0], **kwargs)
    if all(isinstance(a, int) for a in args):
        return empty(*args)
    return tensor(args[0], dtype=dtypes.get_default_dtype())


CREATORS = (tensor, as_tensor, from_numpy, asarray, zeros, ones, empty, full, ones_like, empty_like, full_like, arange, linspace,
            logspace, eye, one_hot, meshgrid)  # fmt: skip


def install():
    """Creation functions in the functional form."""
    for f in CREATORS:
        setattr(functional, f.__name__, f)
    Tensor.new_zeros = lambda self, *size, dtype=None: zeros(*size, dtype=dtype or self.dtype, device=self.device)
    Tensor.new_ones = lambda self, *size, dtype=None: ones(*size, dtype=dtype or self.dtype, device=self.device)
    Tensor.new_tensor = lambda self, data, dtype=None: tensor(data, dtype=dtype or self.dtype, device=self.device)
