"""CuPy arrays on CUDA devices, with the generic kernels."""

import os
from contextlib import AbstractContextManager
from functools import partial
from types import SimpleNamespace
from typing import Any

from backends.cupy_backend.order import Ordered, in_order
from backends.cupy_backend.random import CupyRandom
from backends.cupy_backend.runtime import Runtime
from backends.cupy_backend.symbols import SYMBOLS, Symbol
from backends.cupy_backend.table import FUNCTIONS, STEPS, overlay
from backends.cupy_backend.vectors import put_in_front
from backends.deferred import Deferred
from backends.generic.optimizers import unless
from backends.geometry import Array
from backends.kernels import bind, namespace_of
from backends.live import refuse_uploads
from backends.protocol import Random

# GPUs are fastest with few, large products; the bound only keeps a big batch from exhausting the memory.
COLUMN_BYTES = 256 << 20


class CupyBackend:
    """CuPy arrays on the devices "cuda:0", "cuda:1", ...

    Every device has its own array type and namespace: an operation runs on the device of its operands, whatever the
    current device is, and operands on different devices are detected before CuPy would copy one of them.
    """

    name = "cuda"

    def __init__(self, cupy: Any) -> None:
        self.runtime = Runtime(cupy)
        # The variable of CUDA programs that makes errors appear where they arise, at the cost of waiting.
        self.checks_values = os.environ.get("CUDA_LAUNCH_BLOCKING") == "1"
        self._cupy = cupy
        count = self.device_count()
        self._ordered = [Ordered(cupy, partial(cupy.cuda.Device, i) if count > 1 else None) for i in range(count)]
        self.libraries = tuple([(_library(ordered), (ordered.array,)) for ordered in self._ordered])
        self.namespace: SimpleNamespace = self.libraries[0][0]
        if self.namespace.kernels.fused is not None:
            self.libraries += ((SYMBOLS, (Symbol,)),)
        self.array_types: tuple[type, ...] = tuple([ordered.array for ordered in self._ordered])
        self.random: Random = CupyRandom(cupy, self._ordered)

    def library(self, index: int | None) -> SimpleNamespace:
        """The namespace of device `index`, or of the current one for None."""
        return self.libraries[self._index(index)][0]

    def share(self, array: Any) -> Array:
        """An array on the memory of any object with a CUDA array interface: from CuPy, PyTorch or Numba."""
        given = self._cupy.asarray(array)
        return self._ordered[given.device.id].adopt(given.view())

    def from_host(self, array: Any, index: int | None, non_blocking: bool = False) -> Array:
        """A copy on device `index` with the same memory layout; non_blocking: without waiting, from pinned memory."""
        refuse_uploads()
        index = self._index(index)
        upload = self.runtime.upload if non_blocking and self.runtime.is_pinned(array) else self._cupy.array
        with self._cupy.cuda.Device(index):
            return self._ordered[index].adopt(in_order(upload, array))

    def to_host(self, array: Array, non_blocking: bool = False) -> Any:
        """A copy as a NumPy array, after the work pending on it; non_blocking: without waiting, in pinned memory."""
        with self._cupy.cuda.Device(array.device.id):
            return in_order(self.runtime.download if non_blocking else self._cupy.asnumpy, array)

    def device_of(self, array: Array) -> str:
        """The name of an array's device, such as "cuda:0"."""
        return f"cuda:{array.device.id}"

    def device_count(self) -> int:
        """The number of visible GPUs."""
        return self.runtime.device_count()

    def current_device(self) -> int:
        """The device for "cuda" without a number, in this thread."""
        return self.runtime.current_device()

    def device(self, index: int) -> AbstractContextManager[Any]:
        """A context in which the device is the current one."""
        return self._cupy.cuda.Device(self._index(index))

    def transfer(self, array: Array, index: int | None) -> Array:
        """The array on GPU `index`; the array itself if it is there already."""
        index = self._index(index)
        if array.device.id == index:
            return array
        with self.runtime.taking_turns(array.device.id, index):
            return self._ordered[index].adopt(in_order(self._cupy.array, array))

    def synchronize(self, index: int | None = None) -> None:
        """Wait for all work pending on a device."""
        self.runtime.synchronize(self._index(index))

    def describe(self) -> str:
        """CuPy's version and the GPU's name."""
        runtime, gpu = self._cupy.cuda.runtime, self.runtime.properties(self.current_device())["name"].decode()
        return f"CuPy {self._cupy.__version__} (CUDA {runtime.runtimeGetVersion()}) on {self.device_count()} x {gpu}"

    def _index(self, index: int | None) -> int:
        if index is None:
            return self.current_device()
        count = len(self._ordered)
        if not 0 <= index < count:
            raise ValueError(f"device 'cuda:{index}' does not exist; there are {count}: 'cuda:0' to 'cuda:{count - 1}'")
        return index


def _library(ordered: Ordered) -> SimpleNamespace:
    special = Deferred("cupyx.scipy.special", ordered.keeping)
    kernels = bind(ordered.library, COLUMN_BYTES, special)
    kernels.erf = lambda x: _keeping_dtype(ordered.library, special.erf, x)
    kernels.erfc = lambda x: _keeping_dtype(ordered.library, special.erfc, x)
    for name in STEPS:
        setattr(kernels, name, partial(unless, ordered.library, getattr(kernels, name)))
    overlay(ordered.library, kernels)
    if ordered.device is not None:  # kernels create arrays too
        for name, kernel in vars(kernels).items():
            setattr(kernels, name, ordered.placed(kernel) if callable(kernel) else kernel)
    for name in FUNCTIONS:  # for both kernels and operations
        setattr(ordered.library, name, getattr(kernels, name))
    put_in_front(ordered, kernels)
    return namespace_of(ordered.library, kernels)


def _keeping_dtype(xp: Any, function: Any, x: Array) -> Array:
    """CuPy returns only float32 or float64; keep narrower floats, and convert integers to float32 as PyTorch does."""
    dtype = xp.dtype(xp.float32) if x.dtype.kind in "iub" else x.dtype
    wide = dtype if dtype.itemsize > 2 else xp.float32
    return function(x.astype(wide, copy=False)).astype(dtype, copy=False)
