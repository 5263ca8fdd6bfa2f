"""Conversion of a module's parameters and buffers to another dtype or device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from autograd_core import Tensor, dtypes
from autograd_core import functional as core
from autograd_core.semantics.memory_format import MemoryFormat
from autograd_core.tensor import own_scalar


class Convertible:
    """The conversions of a module, all in place."""

    parameters: Callable[..., Iterator[Tensor]]
    buffers: Callable[..., Iterator[Tensor]]
    children: Callable[[], Iterator[Any]]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Convert every parameter and buffer; programs override it to convert other tensors as well."""
        for module in self.children() if recurse else ():
            module._apply(fn)
        for t in [*self.parameters(recurse=False), *self.buffers(recurse=False)]:
            t.data = fn(t.detach())
            own_scalar(t)
            if t.grad is not None:
                t.grad = fn(t.grad.detach())
        return self

    def to(
        self, *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False, memory_format: Any = None
    ) -> Self:
        """Move to a device, convert floating-point parameters and buffers to a dtype, or both. Returns the module.

        memory_format: for tensors with 4 axes ("channels last") or 5 ("channels last 3d").
        """
        wanted = memory_format and MemoryFormat(memory_format)
        axes = {MemoryFormat.channels_last: (4,), MemoryFormat.channels_last_3d: (5,)}.get(wanted, (4, 5))

        def convert(t: Tensor) -> Tensor:
            converted = t.to(*args, device=device, dtype=dtype, non_blocking=non_blocking)
            if t.dtype.kind not in dtypes.INEXACT:
                converted = t.to(converted.device)
            elif converted.dtype.kind not in dtypes.INEXACT:
                raise TypeError(f"Module.to() takes floating-point and complex dtypes, not {converted.dtype}")
            return converted.contiguous(memory_format=wanted) if wanted and t.ndim in axes else converted

        return self._apply(convert)

    def cpu(self) -> Self:
        """Move to the CPU. Returns the module."""
        return self._apply(lambda t: t.cpu())

    def share_memory(self) -> Self:
        """Move parameters and buffers to memory that forked processes share. Returns the module."""
        return self._apply(lambda t: t.share_memory_())

    def cuda(self, device: Any = None) -> Self:
        """Move to a CUDA GPU. Returns the module."""
        return self._apply(lambda t: t.cuda(device))

    def float(self) -> Self:
        """Convert floating-point parameters and buffers to float32. Returns the module."""
        return self.to(dtype="float32")

    def double(self) -> Self:
        """Convert floating-point parameters and buffers to float64. Returns the module."""
        return self.to(dtype="float64")

    def half(self) -> Self:
        """Convert floating-point parameters and buffers to float16. Returns the module."""
        return self.to(dtype="float16")

    def bfloat16(self) -> Self:
        """Convert floating-point parameters and buffers to bfloat16. Returns the module."""
        return self.to(dtype="bfloat16")

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers to a dtype, integers too, or to a type of tensors, such as `FloatTensor`.
        Returns the module."""
        return self._apply(lambda t: t.type(dst_type))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Replace all parameters and buffers by uninitialised ones on a device. Returns the module."""
        return self._apply(lambda t: core.empty_like(t, device=device), recurse)
