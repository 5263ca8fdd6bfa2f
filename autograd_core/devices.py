"""Devices: their names, the backends behind them, and moves between them."""

from __future__ import annotations

import functools
from contextvars import ContextVar, Token
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import backends
from autograd_core import functional
from autograd_core.dtypes import as_dtype
from autograd_core.engine.failures import out_of_memory
from autograd_core.engine.libraries import LIBRARY
from autograd_core.errors import DeviceError
from autograd_core.kinds import CAST
from autograd_core.registry import Interval, op, sample, use_backend
from autograd_core.semantics.memory_format import arranged
from autograd_core.tensor import Tensor, own_scalar, wrap
from backends import Backend
from backends.live import recording

# Further kinds that PyTorch has: programs compare devices with them.
_ELSEWHERE = ("hpu", "mps", "mtia", "xla", "xpu")
# Further kinds of tensors, for which programs ask.
_ABSENT = (
    "ipu", "maia", "mkldnn", "mps", "mtia", "nested", "quantized", "vulkan", "xla", "xpu",
)  # fmt: skip


class Device(str):
    """A device by name: "cpu", "cuda" or "cuda:1"; equal to its name. As a context manager it sets the default device.

    >>> Device("cuda:1").index
    1
    """

    __slots__ = ()

    def __new__(cls, type: str | int = "cpu", index: int | None = None) -> Device:
        if isinstance(type, Device) and index is None:
            return type
        if not isinstance(type, str | int):
            raise TypeError(f"a device is a name such as 'cpu' or 'cuda:1', not {type!r}")
        name = f"cuda:{type}" if isinstance(type, int) else type if index is None else f"{type}:{index}"
        kind, colon, number = str(name).partition(":")
        if not kind.isidentifier() or (colon and not number.isdecimal()):
            raise RuntimeError(f"{name!r} is not a device; write for example 'cpu', 'cuda' or 'cuda:1'")
        if kind not in _ELSEWHERE and kind not in backends.known():
            from difflib import get_close_matches

            names = (*backends.known(), *_ELSEWHERE)
            meant = "cuda" if kind == "gpu" else next(iter(get_close_matches(kind, names)), "")
            raise RuntimeError(
                f"Expected one of {', '.join(names)} device type at start of device string: {name}"
                + (f"; did you mean {meant!r}?" if meant else "")
            )
        return super().__new__(cls, name)

    @property
    def type(self) -> str:
        """The kind of device: "cpu", "cuda"."""
        return str(self).partition(":")[0]

    @property
    def index(self) -> int | None:  # type: ignore[override]  # str's searches
        """The index of the device; None if the name has none."""
        number = str(self).partition(":")[2]
        return int(number) if number else None

    def __enter__(self) -> Device:
        _entered.set((*_entered.get(), _default.set(self)))
        return self

    def __exit__(self, *_: object) -> None:
        *before, token = _entered.get()
        _default.reset(token)
        _entered.set(tuple(before))

    def __repr__(self) -> str:
        number = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{number})"


_named = functools.cache(Device)


def _parts(device: str) -> tuple[str, int | None]:
    """The kind of a device, and its index if the name has one."""
    return _split(device if isinstance(device, str) else Device(device))


@functools.cache
def _split(name: str) -> tuple[str, int | None]:
    device = Device(name)
    return device.type, device.index


_default: ContextVar[Device | None] = ContextVar("device", default=None)
_entered: ContextVar[tuple[Token[Device | None], ...]] = ContextVar("entered", default=())
default_device = _default.get


def set_default_device(device: str | None) -> None:
    """Set the device on which tensors are created by default, initially the CPU.

    `with device("cuda"):` does so for a block. Both apply to the current thread or async task only.
    """
    if device is not None:
        device = Device(device)
        resolved(device)  # raises if there is none
    _default.set(device)


def get_default_device() -> Device:
    """The device on which tensors are created by default."""
    return default_device() or Device("cpu")


def backend_of(device: str) -> Backend:
    """The backend of a device, loaded and registered on first use."""
    kind, current = _parts(device)[0], recording.get()
    if kind == "cpu" and current is not None and current.backend is not None:
        return current.backend
    try:
        backend = backends.get(kind)
    except ValueError as e:
        raise RuntimeError(str(e)) from None
    if backend.array_types[0] not in LIBRARY:
        use_backend(backend)
    return backend


def resolved(device: str | None) -> tuple[str, int]:
    """The kind and index of a device; the current index if the name has none."""
    device = default_device() if device is None else device
    if device is None or device == "cpu":
        return "cpu", 0
    (kind, index), backend = _parts(device), backend_of(device)
    if index is not None and index >= (count := backend.device_count()):
        raise DeviceError(f"device {str(Device(device))!r} does not exist; there are {count}")
    return kind, backend.current_device() if index is None else index


def library_of(device: str) -> Any:
    """The namespace that creates arrays on a device."""
    kind, index = resolved(device)
    return backend_of(kind).library(index)


def place(array: Any, device: str, non_blocking: bool = False) -> Any:
    """A host array on a device, or an array of any device moved to another."""
    target, index = backend_of(device), _parts(device)[1]
    source = LIBRARY[array.__class__].backend if array.__class__ in LIBRARY else None
    try:
        if source is target:
            return target.transfer(array, index)
        if source is None or target.name == "meta":  # which wants no elements
            return target.from_host(array, index, non_blocking)
        host = source.to_host(array, non_blocking and target.name == "cpu")
        return target.from_host(host, index, non_blocking)
    except ValueError as e:
        raise DeviceError(str(e)) from None
    except MemoryError as e:
        raise out_of_memory(f"a copy to {device}", e) from e


def device_of(array: Any) -> Device:
    """The device of an array."""
    return _named(LIBRARY[array.__class__].backend.device_of(array))


@op(CAST, symbol="→", domain=Interval(-2, 2), reference=lambda x, device, non_blocking=False: x,
    samples=(sample((2, 3), device=None), sample((3,), device="cpu", non_blocking=True)), method=False,
    holomorphic=False, vjp=lambda xp, g, origin: xp.move(g, device=origin), residuals=("origin",))  # fmt: skip
def move(xp: Any, x: Any, *, device: str | None, non_blocking: bool = False) -> Any:
    """`input` on another device (None: its own); the copy may still be in progress."""
    origin = device_of(x)
    moved = place(x, device or origin, non_blocking)
    return moved.copy() if moved is x else moved, origin


def to(
    self: Tensor,
    *args: Any,
    device: str | None = None,
    dtype: DTypeLike | None = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: str | None = None,
) -> Tensor:
    """Convert to a device, a dtype, or both: x.to("cuda"), x.to(float64), x.to("cuda", float64), x.to(other).

    Returns the tensor itself if nothing changes. Gradients flow back to the original device and dtype. non_blocking:
    copies from pinned memory to a GPU, or from a GPU to the host, run while Python continues; synchronize the stream
    before the host reads the result.
    """
    if args:
        device, dtype = destination(args, device, dtype)
        flags = [a for a in args if isinstance(a, bool)]
        non_blocking, copy = *flags, *(non_blocking, copy)[len(flags) :]
    out = self
    wanted = as_dtype(dtype)
    if wanted is not None and wanted != out.array.dtype:
        out = functional.astype(out, wanted)
    if device is not None and not _same(out.device, Device(device)):
        out = functional.move(out, device=Device(device), non_blocking=non_blocking)
    return arranged(functional.clone(out) if copy and out is self else out, memory_format)


def destination(args: tuple[Any, ...], device: Any = None, dtype: Any = None) -> tuple[Any, Any]:
    """The device and the dtype among the positional arguments of `to`; what they do not say is as given."""
    for a in args:
        if isinstance(a, Tensor):
            device, dtype = a.device, a.array.dtype
        elif isinstance(a, str) and a not in np.sctypeDict and a != "bfloat16":
            device = a
        elif a is not None and not isinstance(a, bool):
            dtype = a
    return device, dtype


def _same(here: Device, there: Device) -> bool:
    return here == there or resolved(here) == resolved(there)


def cpu(self: Tensor, memory_format: str | None = None) -> Tensor:
    """A copy on the CPU, or the tensor itself if it is there."""
    return to(self, "cpu", memory_format=memory_format)


def cuda(
    self: Tensor, device: str | int | None = None, non_blocking: bool = False, memory_format: str | None = None
) -> Tensor:
    """A copy on a CUDA GPU, by default the current one, or the tensor itself if it is there."""
    device = device if isinstance(device, str) else Device("cuda", device)
    return to(self, device, non_blocking=non_blocking, memory_format=memory_format)


def pin_memory(self: Tensor) -> Tensor:
    """A copy in page-locked host memory, with which `to("cuda", non_blocking=True)` does not wait; the tensor itself if
    it is already pinned.
    """
    if self.device.type != "cpu":
        raise RuntimeError(f"only tensors on the CPU can be pinned; this one is on {self.device}")
    if is_pinned(self):
        return self
    pinned = wrap(backend_of("cuda").runtime.pinned(self.shape, self.array.dtype))  # type: ignore[attr-defined]
    return pinned.copy_(self.detach())


def is_pinned(self: Tensor) -> bool:
    """Whether the tensor is in page-locked memory; never so without a GPU."""
    if self.device.type != "cpu" or "cuda" not in backends.available():
        return False
    own_scalar(self)
    return bool(backend_of("cuda").runtime.is_pinned(self.array))  # type: ignore[attr-defined]


def record_stream(self: Tensor, stream: Any) -> None:
    """Keep the memory until a `cuda.Stream` has done what it was given so far, such as a copy that uses the tensor."""
    if self.device.type != "cuda":
        raise RuntimeError(f"record_stream() is for tensors on a GPU; this one is on {self.device}")
    stream.keep(self.array)


def install() -> None:
    """Add the device members to Tensor."""
    members = {
        "to": to,
        "cpu": cpu,
        "cuda": cuda,
        "pin_memory": pin_memory,
        "is_pinned": is_pinned,
        "record_stream": record_stream,
        "device": property(lambda self: device_of(self.array), doc="Where the elements live."),
        "is_cpu": property(lambda self: self.device.type == "cpu", doc="Whether the elements live on the CPU."),
        "is_cuda": property(lambda self: self.device.type == "cuda", doc="Whether the elements live on a CUDA GPU."),
        "is_meta": property(lambda self: self.device.type == "meta", doc="Whether there are no elements."),
        **{
            f"is_{kind}": property(lambda self: False, doc=f"Whether it is a tensor of the kind {kind}: none is.")
            for kind in _ABSENT
        },
    }
    for name, member in members.items():
        setattr(Tensor, name, member)
