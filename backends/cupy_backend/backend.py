"""CuPy arrays on CUDA devices, with the generic kernels."""

from functools import partial
from types import SimpleNamespace
from typing import Any

from backends.cupy_backend.random import CupyRandom
from backends.deferred import Deferred
from backends.geometry import Array
from backends.kernels import bind, namespace_of
from backends.protocol import Random

# A GPU wants few, large products; the bound only keeps a big batch from exhausting its memory.
COLUMN_BYTES = 256 << 20


class CupyBackend:
    """CuPy arrays on the devices "cuda:0", "cuda:1", ..."""

    name = "cuda"

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self.array_types: tuple[type, ...] = (cupy.ndarray,)
        library = Deferred("cupyx.scipy.special")
        kernels = bind(cupy, COLUMN_BYTES, library)
        kernels.erf = partial(_keeping_dtype, cupy, library.erf)
        kernels.erfc = partial(_keeping_dtype, cupy, library.erfc)
        self.namespace: SimpleNamespace = namespace_of(cupy, kernels)
        self.random: Random = CupyRandom(cupy)

    def from_host(self, array: Any, index: int) -> Array:
        """A copy on device `index`."""
        with self._device(index):
            return self._cupy.array(array)

    def to_host(self, array: Array) -> Any:
        """A copy as a NumPy array, after the work pending on it."""
        return self._cupy.asnumpy(array)

    def device_of(self, array: Array) -> str:
        """Such as "cuda:0"."""
        return f"cuda:{array.device.id}"

    def device_count(self) -> int:
        """How many GPUs are visible."""
        return int(self._cupy.cuda.runtime.getDeviceCount())

    def transfer(self, array: Array, index: int) -> Array:
        """The array on GPU `index`; the array itself if it is there already."""
        if array.device.id == index:
            return array
        with self._device(index):
            return self._cupy.array(array)

    def synchronize(self) -> None:
        """Wait for all work pending on the current device."""
        self._cupy.cuda.get_current_stream().synchronize()

    def describe(self) -> str:
        """CuPy's version and the GPU's name."""
        runtime = self._cupy.cuda.runtime
        gpu = runtime.getDeviceProperties(runtime.getDevice())["name"].decode()
        return f"CuPy {self._cupy.__version__} (CUDA {runtime.runtimeGetVersion()}) on {self.device_count()} x {gpu}"

    def _device(self, index: int) -> Any:
        count = self.device_count()
        if not 0 <= index < count:
            raise ValueError(f"device 'cuda:{index}' does not exist; there are {count}: 'cuda:0' to 'cuda:{count - 1}'")
        return self._cupy.cuda.Device(index)


def _keeping_dtype(cupy: Any, function: Any, x: Array) -> Array:
    """CuPy answers in float32 or float64 only; keep narrower floats, and make integers float32 as PyTorch does."""
    dtype = cupy.dtype(cupy.float32) if x.dtype.kind in "iub" else x.dtype
    wide = dtype if dtype.itemsize > 2 else cupy.float32
    return function(x.astype(wide, copy=False)).astype(dtype, copy=False)
