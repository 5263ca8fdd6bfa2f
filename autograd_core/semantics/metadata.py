"""Shape, memory and dtype of a tensor: PyTorch's queries and conversions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_core import dtypes, functional
from autograd_core.engine import inplace
from autograd_core.engine.libraries import ELSEWHERE
from autograd_core.engine.versions import View, address, storage
from autograd_core.errors import OperandError
from autograd_core.registry import publish
from autograd_core.semantics.memory_format import Layout, contiguous, dim_order, is_contiguous
from autograd_core.sizes import Size
from autograd_core.tensor import Tensor, own_scalar


def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or one of its lengths."""
    if dim is None:
        return self.shape
    if not -self.ndim <= dim < self.ndim:
        raise IndexError(f"dim {dim} is out of range for shape {self.shape}")
    return self.array.shape[dim]


def numel(input: Tensor) -> int:
    """The number of elements."""
    if not isinstance(input, Tensor):
        raise TypeError(f"numel(): input must be a tensor, not {type(input).__name__}; make one with tensor(...)")
    return input.array.size


def dim(self: Tensor) -> int:
    """The number of axes."""
    return self.ndim


def element_size(self: Tensor) -> int:
    """Bytes of one element."""
    return self.itemsize


def stride(self: Tensor, dim: int | None = None) -> Any:
    """The distance, in elements, between neighbours along each axis; of a tensor without elements as if row-major."""
    own_scalar(self)
    if self.array.size:
        steps = tuple(s // self.array.itemsize for s in self.array.strides)
    else:
        shape = [max(n, 1) for n in self.array.shape]
        steps = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    return steps if dim is None else steps[dim]


def data_ptr(self: Tensor) -> int:
    """The address of the first element."""
    own_scalar(self)
    return address(self.array)


def detach_(self: Tensor) -> Tensor:
    """Detach this tensor from its graph in place; returns it."""
    if getattr(self, "_alias", None).__class__ is View:
        raise RuntimeError("a view cannot be detached from its base in place; use .detach()")
    inplace.detach(self)
    return self


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Expanded to the shape of `other`."""
    return functional.expand(self, other.shape)


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """Reshaped to the shape of `other`."""
    return functional.reshape(self, other.shape)


def where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """The elements where `condition` holds, else those of `other`."""
    return functional.where(condition, self, other)


def itself(self: Tensor) -> Tensor:
    """The tensor itself, the result of unary plus."""
    return self


def to_dense(self: Tensor, dtype: DTypeLike | None = None, *, masked_grad: bool | None = None) -> Tensor:
    """A sparse tensor with all its zeros, a dense one itself; converted to a dtype if one is given."""
    if self.array.__class__ in ELSEWHERE:
        from autograd_core.ops.sparse.functions import dense

        self = dense(self)
    return self if dtype is None else self.to(dtype=dtype)


def type_of(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """PyTorch's name of the type; with `dtype`, the tensor converted to it, for `Tensor` to the default one.

    A type of tensors, such as `FloatTensor` or `cuda.FloatTensor`, has a device too.
    """
    from autograd_core.compatibility import legacy

    if dtype is None:
        return legacy.type_name(self)
    if dtype is Tensor:
        dtype = dtypes.get_default_dtype()
    if isinstance(dtype, str) and dtype.endswith("Tensor"):  # the older name
        dtype = legacy.named(dtype)
    if isinstance(device := getattr(dtype, "device", None), str):  # NumPy's scalar types have such an attribute too
        return self.to(device, dtype.dtype)
    return self.to(dtype=dtype)


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """Converted to the dtype and device of `other`."""
    return self.to(other)


def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are real floating-point numbers."""
    return input.dtype.kind in dtypes.FLOATS


def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers."""
    return input.dtype.kind == "c"


def is_signed(input: Tensor) -> bool:
    """Whether the dtype can hold negative numbers."""
    return input.dtype.kind not in "bu"


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is not zero."""
    if input.array.size != 1:
        raise OperandError(f"is_nonzero() needs a tensor of one element; this one has shape {input.shape}")
    return bool(input)


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape."""
    return input.shape == other.shape


def is_inference(input: Tensor) -> bool:
    """Whether the tensor can never be recorded: always False."""
    return False


def detach(input: Tensor) -> Tensor:
    """The same values and storage, without history."""
    return input.detach()


def get_device(input: Tensor) -> int:
    """The index of the GPU, or -1 without one."""
    return -1 if input.device.index is None else input.device.index


def storage_offset(self: Tensor) -> int:
    """The position of the first element in the storage."""
    own_scalar(self)
    return (address(self.array) - address(storage(self.array))) // self.itemsize


def broadcast_shapes(*shapes: Sequence[int] | int) -> Size:
    """The shape that tensors of these shapes broadcast to."""
    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError as e:
        raise OperandError(f"broadcast_shapes(): {e}") from None


def is_conj(input: Tensor) -> bool:
    """Whether a conjugation is pending: never, it is computed eagerly."""
    return False


def is_neg(input: Tensor) -> bool:
    """Whether a negation is pending: never, it is computed eagerly."""
    return False


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: no conjugation is ever pending."""
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: no negation is ever pending."""
    return input


def _layout(self: Tensor) -> Layout:
    return getattr(self.array, "layout", Layout.strided)


def _part(name: str, doc: str) -> property:
    def part(self: Tensor) -> Any:
        return getattr(functional, name)(self)

    def write(self: Tensor, value: Any) -> None:
        part(self).copy_(value)

    return property(part, write, doc=doc)


def is_tensor(obj: Any) -> bool:
    """Whether an object is a Tensor."""
    return isinstance(obj, Tensor)


def _reversed(self: Tensor) -> Tensor:
    return functional.permute(self, tuple(range(self.array.ndim - 1, -1, -1)))


def _matrix_transpose(self: Tensor) -> Tensor:
    if self.ndim < 2:
        raise OperandError(f".mT swaps the last two axes; this tensor has shape {self.shape}")
    return functional.swapped(self)


def _conjugate_transpose(self: Tensor) -> Tensor:
    if self.ndim != 2:
        raise OperandError(f".H needs a matrix; this tensor has shape {self.shape}; use .mH for more axes")
    return functional.adjoint(self)


def _cast(name: str, dtype: DTypeLike) -> Callable[..., Tensor]:
    def cast(self: Tensor, memory_format: str | None = None) -> Tensor:
        return self.to(dtype=dtype, memory_format=memory_format)

    cast.__name__, cast.__doc__ = name, f"The elements as {dtype}."
    return cast


CASTS: dict[str, DTypeLike] = {
    "float": dtypes.float32, "double": dtypes.float64, "half": dtypes.float16, "bfloat16": "bfloat16",
    "int": dtypes.int32, "long": dtypes.int64, "short": dtypes.int16, "char": dtypes.int8, "byte": dtypes.uint8,
    "bool": dtypes.bool_, "cfloat": dtypes.complex64, "cdouble": dtypes.complex128,
}  # fmt: skip
MEMBERS = {
    "size": size, "numel": numel, "nelement": numel, "dim": dim, "ndimension": dim, "element_size": element_size,
    "is_contiguous": is_contiguous, "dim_order": dim_order, "contiguous": contiguous, "stride": stride,
    "data_ptr": data_ptr, "detach_": detach_, "is_signed": is_signed, "is_nonzero": is_nonzero,
    "is_same_size": is_same_size, "is_inference": is_inference, "get_device": get_device,
    "storage_offset": storage_offset, "expand_as": expand_as, "reshape_as": reshape_as, "view_as": reshape_as,
    "type": type_of, "type_as": type_as, "to_dense": to_dense,
    "is_floating_point": is_floating_point, "is_complex": is_complex, "is_conj": is_conj, "is_neg": is_neg,
    "resolve_conj": resolve_conj, "resolve_neg": resolve_neg, "where": where, "__pos__": itself,
    "_cdata": property(id, doc="A number that no other live tensor has, by which programs compare tensors."),
    "real": _part("real", "The real parts, a view; a real tensor itself. Settable."),
    "imag": _part("imag", "The imaginary parts of a complex tensor, a view. Settable."),
    "layout": property(_layout, doc="How the elements are kept: `strided`, or one of the sparse layouts."),
    "is_sparse": property(lambda self: _layout(self) == Layout.sparse_coo, doc="Whether it is sparse, by positions."),
    "is_sparse_csr": property(lambda self: _layout(self) == Layout.sparse_csr, doc="Whether it is sparse, by rows."),
    "T": property(_reversed, doc="The axes in reverse order."),
    "H": property(_conjugate_transpose, doc="The conjugate transpose of a matrix."),
    "mT": property(_matrix_transpose, doc="The last two axes exchanged."),
    "mH": property(functional.adjoint, doc="The last two axes exchanged, and conjugated."),
}  # fmt: skip


FUNCTIONS = (broadcast_shapes, detach, get_device, is_complex, is_conj, is_floating_point, is_inference, is_neg,
             is_nonzero, is_same_size, is_signed, is_tensor, numel, resolve_conj, resolve_neg)  # fmt: skip


def install() -> None:
    """Add these members to Tensor, and publish those that are functions too."""
    for name, member in MEMBERS.items():
        setattr(Tensor, name, member)
    for name, dtype in CASTS.items():
        setattr(Tensor, name, _cast(name, dtype))
    for function in FUNCTIONS:
        publish(function)
