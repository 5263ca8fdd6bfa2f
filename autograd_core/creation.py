"""Creation of tensors: from values, or filled."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike

from autograd_core import dtypes
from autograd_core.devices import default_device, library_of, place
from autograd_core.engine.libraries import LAYERS, LIBRARY, all_below
from autograd_core.engine.nodes import Leaf
from autograd_core.engine.options import with_options
from autograd_core.errors import DtypeError, OperandError
from autograd_core.registry import OPS, publish
from autograd_core.semantics.conversion import array_from
from autograd_core.semantics.memory_format import arranged, arranged_like
from autograd_core.sizes import Size
from autograd_core.tensor import Tensor, check_differentiable, wrap
from backends.generic.indexing import grid

ShapeLike = SupportsIndex | Sequence[SupportsIndex]
Number = bool | int | float | complex


def tensor(
    data: Any,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    name: str | None = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor with its own copy of `data`: a number, nested lists, an array or a tensor.

    Python floats become the default dtype (float32), integers int64; arrays keep their dtype. `name` labels the tensor
    in pictures. pin_memory: use page-locked memory.

    >>> tensor([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if pin_memory:
        return tensor(data, dtype, device, False, name).pin_memory().requires_grad_(requires_grad)
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    if device is None and (data.__class__ is float or not isinstance(data, Tensor)):
        device = default_device()
    if data.__class__ is float and kind.kind == "f":
        # A NumPy scalar computes several times faster than a 0-d array; it becomes an array before it is written.
        return finish(kind.type(data), device, requires_grad, name)
    return finish(array_from(data, dtype, copy=True), device, requires_grad, name)


def as_tensor(data: Any, dtype: DTypeLike | None = None, device: str | None = None) -> Tensor:
    """A tensor that shares the memory of `data` if possible; read-only arrays are copied."""
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=dtype)
    return finish(array_from(data, dtype, copy=False), device or default_device(), False, None)


def from_numpy(array: np.ndarray[Any, Any] | Tensor) -> Tensor:
    """A tensor on the memory of a NumPy array; read-only arrays are copied. NumPy's functions of tensors gave tensors,
    which are returned as they are.
    """
    if isinstance(array, Tensor):
        return array
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy() takes a NumPy array, not {type(array).__name__}")
    return finish(array_from(array, None, copy=False), None, False, None)


def asarray(
    obj: Any,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """A tensor that shares `obj` if possible; copy=True always copies, copy=False raises if sharing is impossible.

    requires_grad: False detaches the result from the graph of `obj`; by default it stays in it.
    """
    if isinstance(obj, Tensor):
        source = obj.detach() if requires_grad is False else obj
        t = source.to(device=device, dtype=dtype, copy=bool(copy))
    else:
        t = (tensor if copy else as_tensor)(obj, dtype, device)
    if copy is False and (not hasattr(obj, "dtype") or t.dtype != obj.dtype):
        raise ValueError(f"asarray(): {type(obj).__name__} cannot be shared as {t.dtype}; drop copy=False")
    return t.requires_grad_() if requires_grad else t


def frombuffer(
    buffer: Any, *, dtype: DTypeLike, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A vector on the bytes of a buffer from `offset`; a copy if it is read-only."""
    array = np.frombuffer(buffer, dtypes.as_dtype(dtype), count, offset)
    return finish(array_from(array, None, copy=False), None, requires_grad, None)


def finish(array: Any, device: str | None, requires_grad: bool, name: str | None) -> Tensor:
    """The tensor on this array, moved to `device` if one is given."""
    t = wrap(array if device is None else place(array, device))
    if name is not None:
        t.name = name
    if requires_grad:
        check_differentiable(array.dtype)
        t.node = Leaf(t)
    return t


def shape_of(size: tuple[Any, ...], keyword: ShapeLike | None = None) -> tuple[int, ...]:
    """The shape behind zeros(2, 3), zeros((2, 3)), zeros([2, 3]) and zeros(size=(2, 3))."""
    if keyword is not None:
        if size:
            raise TypeError("the shape was passed twice, by position and as size=")
        size = (keyword,)
    lengths = size[0] if len(size) == 1 and size[0].__class__ in (tuple, Size) else size
    for k in lengths:
        if k.__class__ is not int or k < 0:
            break
    else:
        return tuple(lengths)
    if len(size) == 1 and hasattr(size[0], "__iter__") and not hasattr(size[0], "__index__"):
        size = tuple(size[0])
    try:
        shape = tuple(map(operator.index, size))
    except TypeError as e:
        hint = "; divide with //" if any(isinstance(k, float) for k in size) else ""
        raise TypeError(f"the lengths of a shape are integers, not {size}{hint}") from e
    if any(k < 0 for k in shape):
        raise RuntimeError(f"lengths of a shape must not be negative: {shape}")
    return shape


def on_device(make: Callable[[Any], Any], device: str | None, requires_grad: bool, name: str | None = None) -> Tensor:
    """The tensor that `make` creates with the array library of a device."""
    device = device or default_device()
    library = LIBRARY[np.ndarray] if device is None else library_of(device)
    try:
        array = make(library)
    except (OverflowError, ValueError) as e:
        raise e if isinstance(e, RuntimeError) else OperandError(str(e)) from e
    return finish(array, device, requires_grad, name)


def floating(dtype: DTypeLike | None) -> dtypes.DType:
    """The dtype, or the default floating-point dtype for None."""
    return dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)


def zeros(
    *shape: Any,
    size: ShapeLike | None = None,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Zeros of a shape, given as numbers or as one tuple.

    >>> zeros(2)
    tensor([0., 0.])
    """
    lengths, kind = shape_of(shape, size), floating(dtype)
    return on_device(lambda xp: xp.zeros(lengths, kind), device, requires_grad, name)


def ones(
    *shape: Any,
    size: ShapeLike | None = None,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Ones of a shape, given as numbers or as one tuple."""
    lengths, kind = shape_of(shape, size), floating(dtype)
    return on_device(lambda xp: xp.full(lengths, 1, kind), device, requires_grad, name)


def empty(
    *shape: Any,
    size: ShapeLike | None = None,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    name: str | None = None,
    memory_format: str | None = None,
) -> Tensor:
    """An uninitialised tensor of a shape."""
    lengths, kind = shape_of(shape, size), floating(dtype)
    made = arranged(on_device(lambda xp: xp.empty(lengths, kind), device, False, name), memory_format)
    return made.requires_grad_(requires_grad)


def full(
    size: ShapeLike,
    fill_value: Number | Tensor,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """A tensor filled with one number, by default in the dtype of that number."""
    value = number_of(fill_value)
    shape, kind = shape_of((size,)), dtypes.as_dtype(dtype) or dtypes.of_python(value)
    if kind is None:
        raise TypeError(f"full() takes a number to fill with, not {type(value).__name__}")
    whole = kind.kind in dtypes.INTEGERS
    return on_device(
        lambda xp: xp.full(shape, _whole(value, kind) if whole else value, kind), device, requires_grad, name
    )


def _whole(value: Any, dtype: dtypes.DType) -> Any:
    """The number as an element of an integer dtype; int() refuses infinity and NaN."""
    if isinstance(value, float):
        return int(value)
    return dtypes.elements(value, dtype).item() if dtype.kind == "u" else value


def number_of(value: Any) -> Any:
    """The number in a tensor or array with one element; anything else unchanged."""
    return value.item() if isinstance(value, (Tensor, np.generic, np.ndarray)) else value


def _like(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def like(
        input: Tensor,
        dtype: DTypeLike | None = None,
        device: str | None = None,
        requires_grad: bool = False,
        memory_format: str | None = None,
    ) -> Tensor:
        check_tensor(input, like.__name__)
        made = make(input.shape, dtype=dtype or input.dtype, device=device or input.device)
        return arranged_like(made, input, memory_format).requires_grad_(requires_grad)

    like.__name__ = like.__qualname__ = f"{make.__name__}_like"
    like.__doc__ = f"`{make.__name__}` with the shape, dtype and device of `input`."
    return like


def check_tensor(value: Any, function: str) -> None:
    """Raise unless a function got a tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{function}() takes a tensor, not {type(value).__name__}; make one with tensor(...)")


ones_like, empty_like, _made_zeros_like = _like(ones), _like(empty), _like(zeros)


def zeros_like(
    input: Tensor,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    memory_format: str | None = None,
) -> Tensor:
    """`zeros` with the shape, dtype and device of `input`."""
    if not (dtype or device or requires_grad or memory_format) and isinstance(input, Tensor):
        # The operation that rules use; constant zeros need not be recorded.
        return OPS["zeros_like"].call(input if input.node is None else input.detach())
    return _made_zeros_like(input, dtype, device, requires_grad, memory_format)


def full_like(
    input: Tensor,
    fill_value: Number | Tensor,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    memory_format: str | None = None,
) -> Tensor:
    """A tensor filled with one number, with the shape, dtype and device of `input`."""
    check_tensor(input, "full_like")
    made = full(input.shape, fill_value, dtype or input.dtype, device or input.device)
    return arranged_like(made, input, memory_format).requires_grad_(requires_grad)


def eye(
    n: int, m: int | None = None, dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """An n × m matrix with ones on the diagonal."""
    rows, columns = shape_of((n, n if m is None else m))
    return on_device(lambda xp: xp.eye(rows, columns, dtype=floating(dtype)), device, requires_grad)


def scalar_tensor(
    s: Number, dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """A 0-d tensor that holds a number, by default in the default floating-point dtype."""
    return full((), s, floating(dtype), device, requires_grad)


def empty_strided(
    size: ShapeLike,
    stride: ShapeLike,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """An uninitialised tensor of a shape with given strides, in elements."""
    shape, strides = shape_of((size,)), shape_of((stride,))
    length = 1 + sum(s * (k - 1) for s, k in zip(strides, shape, strict=False)) if 0 not in shape else 0
    array = (
        OPS["restride"]
        .call(empty(length, dtype=dtype, device=device), old=((length,), (1,), 0), new=(shape, strides, 0))
        .array
    )
    return finish(array, None, requires_grad, None)


def empty_permuted(
    size: ShapeLike,
    physical_layout: Sequence[int],
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """An uninitialised tensor with its axes in a given memory order, outermost first."""
    shape, order = shape_of((size,)), tuple(map(operator.index, physical_layout))
    if sorted(order) != list(range(len(shape))):
        raise RuntimeError(f"empty_permuted(): {order} is not an order of the {len(shape)} axes of {shape}")
    t = empty(tuple([shape[i] for i in order]), dtype=dtype, device=device)
    return finish(t.array.transpose([order.index(i) for i in range(len(shape))]), None, requires_grad, None)


def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """Integers as vectors with a single 1, in int64."""
    check_tensor(input, "one_hot")
    if input.dtype.kind not in dtypes.INTEGERS:
        raise DtypeError(f"one_hot() takes integers, not {input.dtype}")
    if num_classes < 0 and not input.numel():
        raise OperandError("one_hot() cannot infer the number of classes from an empty tensor; pass num_classes")
    n = num_classes if num_classes >= 0 else int(input.max()) + 1
    if not all_below(input, n):
        raise RuntimeError(f"one_hot(): classes must lie between 0 and {n - 1}")
    xp, classes = LIBRARY[input.array.__class__], input.array[..., None]
    vectors = xp.zeros((*input.shape, n), dtypes.int64)
    vectors[grid(xp, classes, input.ndim)] = 1
    return as_tensor(vectors)


def legacy_tensor(*args: Any, **kwargs: Any) -> Tensor:
    """Tensor(2, 3): an uninitialised tensor of that shape; Tensor(data): float32 data. Prefer `tensor` and `empty`."""
    if kwargs.keys() == {"requires_grad"} and args and isinstance(args[0], Tensor):
        # `type(p)(data, requires_grad=...)` of a parameter, whose type is this one.
        made = args[0].detach()
        made._role = "parameter"
        return made.requires_grad_(kwargs["requires_grad"])
    return tensor(args[0], **kwargs) if args and kwargs else of_dtype(dtypes.get_default_dtype(), *args)


def of_dtype(dtype: DTypeLike, *args: Any, device: str | None = None) -> Tensor:
    """An uninitialised tensor of the shape (2, 3), given as numbers or as a `Size`, or data, in a dtype."""
    sizes = args[0] if len(args) == 1 and isinstance(args[0], Size) else args or (0,)
    if all(isinstance(length, int | np.integer) for length in sizes):
        return empty(*sizes, dtype=dtype, device=device)
    return tensor(args[0], dtype=dtype, device=device)


def _new(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def new(
        self: Tensor,
        *args: Any,
        dtype: DTypeLike | None = None,
        device: str | None = None,
        requires_grad: bool = False,
        **given: Any,
    ) -> Tensor:
        made = make(
            *args, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad, **given
        )
        return made if requires_grad or self.array.__class__ not in LAYERS else _of_each_sample(made, self)

    new.__name__ = f"new_{make.__name__}"
    new.__doc__ = f"`{make.__name__}` with the dtype and on the device of this tensor, where none is given."
    return new


def _of_each_sample(made: Tensor, like: Tensor) -> Tensor:
    """What all samples of `vmap` share, as each sample's own, which may be written in place."""
    nothing = like.detach().flatten()[:0]
    zero = (nothing != nothing).any().to(made.dtype)
    return made | zero if made.dtype == dtypes.bool_ else made + zero


def _new_legacy(self: Tensor, *args: Any) -> Tensor:
    """x.new(2, 3), x.new(y.shape) or x.new([data]): like `Tensor(...)`, with the dtype and device of x."""
    return of_dtype(self.dtype, *args, device=self.device)


CREATORS = (tensor, as_tensor, from_numpy, frombuffer, asarray, zeros, ones, empty, full, zeros_like, ones_like,
            empty_like, full_like, eye, one_hot, scalar_tensor, empty_strided, empty_permuted)  # fmt: skip
SHARING = (tensor, as_tensor, from_numpy, frombuffer, asarray, one_hot)  # functions without a shape argument


def install() -> None:
    """Publish creation functions in the functional form, and their methods."""
    for f in CREATORS:
        publish(f if f in SHARING else with_options(f))
    for f in (zeros, ones, empty, full, tensor, empty_strided):
        setattr(Tensor, f"new_{f.__name__}", with_options(_new(f)))
    setattr(Tensor, "new", _new_legacy)  # noqa: B010
