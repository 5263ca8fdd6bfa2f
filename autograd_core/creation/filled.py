"""Creation of tensors of a shape: filled or uninitialised, also with the shape, dtype or device of another tensor."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_core import dtypes
from autograd_core.creation.making import ShapeLike, check_tensor, finish, floating, number_of, on_device, shape_of
from autograd_core.creation.values import tensor
from autograd_core.engine.libraries import ELSEWHERE, LAYERS
from autograd_core.engine.options import with_options
from autograd_core.errors import DtypeError
from autograd_core.registry import OPS, publish
from autograd_core.semantics.memory_format import arranged, arranged_like
from autograd_core.sizes import Size
from autograd_core.tensor import Tensor

Number = bool | int | float | complex


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
    return on_device(lambda xp: xp.full(shape, _fitting(value, kind), kind), device, requires_grad, name)


def _fitting(value: Any, dtype: dtypes.DType) -> Any:
    """The number as an element of a dtype; int() refuses infinity and NaN."""
    if isinstance(value, complex) and dtype.kind not in "cb":
        if value.imag:
            raise DtypeError(f"{value} does not fit into {dtype} without losing its imaginary part")
        value = value.real
    if isinstance(value, float) and dtype.kind in dtypes.INTEGERS:
        return int(value)
    return dtypes.elements(value, dtype).item() if dtype.kind == "u" else value


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
        return _finished_like(made, input, memory_format, requires_grad)

    like.__name__ = like.__qualname__ = f"{make.__name__}_like"
    like.__doc__ = f"`{make.__name__}` with the shape, dtype and device of `input`."
    return like


ones_like, empty_like, _made_zeros_like = _like(ones), _like(empty), _like(zeros)


def zeros_like(
    input: Tensor,
    dtype: DTypeLike | None = None,
    device: str | None = None,
    requires_grad: bool = False,
    memory_format: str | None = None,
) -> Tensor:
    """`zeros` with the shape, dtype and device of `input`."""
    plain = not (dtype or device or requires_grad or memory_format) and isinstance(input, Tensor)
    if plain and input.array.__class__ not in ELSEWHERE:
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
    return _finished_like(made, input, memory_format, requires_grad)


def _finished_like(made: Tensor, input: Tensor, memory_format: str | None, requires_grad: bool) -> Tensor:
    made = arranged_like(made, input, memory_format)
    return made.requires_grad_() if requires_grad else _of_each_sample(made, input)


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
    whole = empty(length, dtype=dtype, device=device)
    placed = OPS["restride"].call(whole, old=((length,), (1,), 0), new=(shape, strides, 0))
    return finish(placed.array, None, requires_grad, None)


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


def legacy_tensor(*args: Any, **kwargs: Any) -> Tensor:
    """Tensor(2, 3): an uninitialised tensor of that shape; Tensor(data): float32 data. Prefer `tensor` and `empty`."""
    if kwargs.keys() == {"requires_grad"} and args and isinstance(args[0], Tensor):
        # `type(p)(data, requires_grad=...)` of a parameter, whose type is this one.
        made = args[0].detach()
        made._role = "parameter"
        return made.requires_grad_(kwargs["requires_grad"])
    return tensor(args[0], **kwargs) if args and kwargs else of_dtype(dtypes.get_default_dtype(), *args)


def of_dtype(dtype: DTypeLike, *args: Any, device: str | None = None) -> Tensor:
    """An uninitialised tensor of the shape (2, 3), given as numbers or as a `Size`, or data, in a dtype.

    Of a tensor of that dtype, one on the same memory and in the same graph.
    """
    given = args[0] if len(args) == 1 else None
    if isinstance(given, Tensor) and given.dtype == dtypes.as_dtype(dtype) and device in (None, given.device):
        return OPS["reshape"].call(given, shape=given.shape)
    sizes = given if isinstance(given, Size) else args or (0,)
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
        return made if requires_grad else _of_each_sample(made, self)

    new.__name__ = f"new_{make.__name__}"
    new.__doc__ = f"`{make.__name__}` with the dtype and on the device of this tensor, where none is given."
    return new


def _of_each_sample(made: Tensor, like: Tensor) -> Tensor:
    """What all samples of `vmap` share, as each sample's own, which may be written in place; unchanged outside."""
    if like.array.__class__ not in LAYERS:
        return made
    nothing = like.detach().flatten()[:0]
    zero = (nothing != nothing).any().to(made.dtype)
    return made | zero if made.dtype == dtypes.bool_ else made + zero


def _new_legacy(self: Tensor, *args: Any, size: ShapeLike | None = None) -> Tensor:
    """x.new(2, 3), x.new(y.shape) or x.new([data]): like `Tensor(...)`, with the dtype and device of x."""
    return of_dtype(self.dtype, *(args if size is None else (Size(shape_of((size,))),)), device=self.device)


_new_legacy.__name__ = _new_legacy.__qualname__ = "new"


def install() -> None:
    """Publish these functions in the functional form, and their methods."""
    for f in (zeros, ones, empty, full, zeros_like, ones_like, empty_like, full_like, eye, scalar_tensor, empty_strided,
              empty_permuted):  # fmt: skip
        publish(with_options(f))
    for f in (zeros, ones, empty, full, tensor, empty_strided):
        setattr(Tensor, f"new_{f.__name__}", with_options(_new(f)))
    setattr(Tensor, "new", _new_legacy)  # noqa: B010
