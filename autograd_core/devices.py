"""Where a tensor lives: device names, the backends behind them, and moves between them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import backends
from autograd_core import functional
from autograd_core.dtypes import as_dtype
from autograd_core.errors import DeviceError
from autograd_core.kinds import CAST
from autograd_core.libraries import LIBRARY
from autograd_core.memory_format import arranged
from autograd_core.registry import Interval, op, sample, use_backend
from autograd_core.tensor import Tensor
from backends import Backend


class Device(str):
    """A device by name: "cpu", "cuda" or "cuda:1"; compares equal to its name.

    >>> Device("cuda:1").index
    1
    """

    __slots__ = ()

    def __new__(cls, name: str = "cpu", index: int | None = None) -> Device:
        if index is not None:
            name = f"{name}:{index}"
        kind, colon, number = str(name).partition(":")
        if not kind.isidentifier() or (colon and not number.isdecimal()):
            raise RuntimeError(f"{name!r} is not a device; write for example 'cpu', 'cuda' or 'cuda:1'")
        return super().__new__(cls, name)

    @property
    def type(self) -> str:
        """The kind of device: "cpu", "cuda"."""
        return str(self).partition(":")[0]

    @property
    def index(self) -> int | None:  # type: ignore[override]  # str's searches
        """Which of them; None where the name does not say."""
        number = str(self).partition(":")[2]
        return int(number) if number else None

    def __repr__(self) -> str:
        return f"device({str(self)!r})"


def backend_of(device: str) -> Backend:
    """The backend of a device, loaded and registered on first use."""
    try:
        backend = backends.get(Device(device).type)
    except ValueError as e:
        raise RuntimeError(str(e)) from None
    if backend.array_types[0] not in LIBRARY:
        use_backend(backend)
    return backend


def place(array: Any, device: str) -> Any:
    """A host array on a device, or an array of any device moved to another."""
    target, index = backend_of(device), Device(device).index or 0
    source = LIBRARY[array.__class__].backend if array.__class__ in LIBRARY else None
    try:
        if source is target:
            return target.transfer(array, index)
        return target.from_host(array if source is None else source.to_host(array), index)
    except ValueError as e:
        raise DeviceError(str(e)) from None


def device_of(array: Any) -> Device:
    """The device of an array."""
    return Device(LIBRARY[array.__class__].backend.device_of(array))


@op(CAST, symbol="→", domain=Interval(-2, 2), reference=lambda x, device: x, samples=(sample((2, 3), device=None),
    sample((3,), device="cpu")), method=False, holomorphic=False,
    vjp=lambda xp, g, origin: xp.move(g, device=origin), residuals=("origin",))  # fmt: skip
def move(xp: Any, x: Any, *, device: str | None) -> Any:
    """`input` on another device (its own where `device` is None)."""
    origin = device_of(x)
    moved = place(x, device or origin)
    return moved.copy() if moved is x else moved, origin


def to(self: Tensor, *args: Any, device: str | None = None, dtype: DTypeLike | None = None, non_blocking: bool = False,
       copy: bool = False, memory_format: str | None = None) -> Tensor:  # fmt: skip
    """On another device, in another dtype, or both: x.to("cuda"), x.to(float64), x.to("cuda", float64), x.to(other).

    The tensor itself where nothing changes. Gradients flow back to the original's device and dtype.
    """
    for a in args:
        if isinstance(a, Tensor):
            device, dtype = a.device, a.dtype
        elif isinstance(a, str) and not _names_dtype(a):
            device = a
        elif a is not None and not isinstance(a, bool):
            dtype = a
    out = self
    wanted = as_dtype(dtype)
    if wanted is not None and wanted != out.dtype:
        out = functional.astype(out, wanted)
    if device is not None and not _same(out.device, Device(device)):
        out = functional.move(out, device=Device(device))
    return arranged(functional.clone(out) if copy and out is self else out, memory_format)


def _names_dtype(name: str) -> bool:
    return name in np.sctypeDict or name == "bfloat16"


def _same(here: Device, there: Device) -> bool:
    return here.type == there.type and there.index in (None, here.index, None if here.index else 0)


def cpu(self: Tensor) -> Tensor:
    """On the host."""
    return to(self, "cpu")


def cuda(self: Tensor, device: str | int | None = None) -> Tensor:
    """On a CUDA GPU: the first, or that of the given number or name."""
    return to(self, device if isinstance(device, str) else Device("cuda", device))


def install() -> None:
    """Device members of Tensor."""
    members = {
        "to": to, "cpu": cpu, "cuda": cuda,
        "device": property(lambda self: device_of(self.array), doc="Where the elements live."),
        "is_cuda": property(lambda self: self.device.type == "cuda", doc="Whether the elements live on a CUDA GPU."),
    }  # fmt: skip
    for name, member in members.items():
        setattr(Tensor, name, member)
