"""Our own kernels, compiled on first use of a dtype and started on the current stream.

The sources are `kernels/*.cu`, with `common.cuh` in front of each, and what they include. CuPy compiles them with NVRTC
and caches the result on disk (`CUPY_CACHE_DIR`).
"""

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from itertools import pairwise
from threading import get_ident
from typing import Any, TypeVar

import numpy as np

from backends.geometry import Array, Sizes

NAMES = {"float16": "Half", "bfloat16": "Bfloat16", "float32": "float", "float64": "double"}
NAMES |= {"bool": "bool", "uint8": "unsigned char", "int32": "int", "int64": "Int"}
OPTIONS = ("-std=c++17",)
VECTOR = 16  # bytes that a thread reads at once
WAVES = 4 * 132  # blocks that a large GPU (an H200) runs at once: one more would run after all others
HELD = 32  # numbers of a row in the registers of a thread
DIVISOR = np.dtype([("by", np.uint32), ("factor", np.uint32), ("shift", np.uint32)])
Library = TypeVar("Library")


class Unusable(Exception):
    """A library or a kernel cannot be used on this machine; the message says why."""


class Struct(np.ndarray):
    """One element that is passed to a kernel by value."""


BY_VALUE = int, float, Struct


def divisor(by: int) -> tuple[int, int, int]:
    """What `Divisor` in `kernels/common.cuh` holds: a product with the factor, shifted, is a quotient.

    Granlund and Montgomery, "Division by invariant integers using multiplication", PLDI 1994.
    """
    bits = (by - 1).bit_length()
    return by, -(-(1 << 31 + bits) // by), max(bits - 1, 0)


def device_address(array: Array) -> int:
    """The address of a CuPy array in device memory."""
    return int(array.data.ptr)


class Gpu:
    """The GPU as the kernels of this backend see it.

    xp: the namespace of their operands and results. start(source, expression, grid, block, arguments) starts a kernel,
    and address(array) is the address of an array: both by CuPy, or in tests by a launcher that runs kernels on the CPU.
    """

    def __init__(self, xp: Any, start: Callable[..., None], address: Callable[[Array], int] = device_address) -> None:
        self.xp, self.start, self.address = xp, start, address
        self.reasons: set[str] = set()  # why kernels were replaced
        self.libraries: dict[Any, Any] = {}  # by class
        self._counts: dict[Any, Array] = {}

    def launch(
        self, kernel: str, parameters: tuple[Any, ...], grid: Sizes, block: Sizes, *arguments: Array | float | None
    ) -> None:
        """Start "source.function" (see `source_of`) with template parameters: dtypes, booleans, numbers or names.

        Arrays are passed as their address and None as 0, numbers as long long or double, a Struct by value. Nothing
        happens if the grid is empty.
        """
        if 0 in grid:
            return
        address = self.address
        values = [a if isinstance(a, BY_VALUE) else 0 if a is None else address(a) for a in arguments]
        self.start(*_expression(kernel, parameters), grid, block, values)

    def device(self) -> int:
        """The current device."""
        return int(self.xp.cuda.runtime.getDevice())

    def stream(self) -> int:
        """The handle of the current stream."""
        return int(self.xp.cuda.get_current_stream().ptr)

    def capturing(self) -> bool:
        """Whether work on the current stream is recorded instead of done."""
        return bool(self.xp.cuda.get_current_stream().is_capturing())

    def shared(self, parts: int, numbers: int, dtype: Any) -> tuple[Array | None, Array | None]:
        """Memory for what several blocks have found, and for counting them; None for both if there is one part."""
        return (None, None) if parts == 1 else (self.xp.empty((parts * numbers,), dtype=dtype), self._zeros())

    def _zeros(self) -> Array:
        """WAVES zeros of the current stream, at which blocks count, and which they leave as zeros.

        What is only recorded to be zeroed belongs to the recorded kernel.
        """
        key = self.device(), self.stream(), get_ident()
        found = self._counts.get(key)
        if found is None:
            found = self.xp.zeros((WAVES,), dtype=np.uint32)
            if not self.capturing():
                self._counts[key] = found
        return found

    def name(self) -> str:
        """The name of the current device."""
        name: bytes = self.xp.cuda.runtime.getDeviceProperties(self.device())["name"]
        return name.decode()

    def milliseconds(self, work: Callable[[], Any], times: int = 3) -> float:
        """The shortest time of some work on the device, after a first run."""
        work()
        stream, ends = self.xp.cuda.get_current_stream(), [self.xp.cuda.Event() for _ in range(times + 1)]
        ends[0].record(stream)
        for end in ends[1:]:
            work()
            end.record(stream)
        ends[-1].synchronize()
        return min(float(self.xp.cuda.get_elapsed_time(a, b)) for a, b in pairwise(ends))

    def library(self, kind: "Callable[[Gpu], Library]") -> "Library":
        """A library such as `Cudnn`, loaded on first use; raises Unusable if it is missing."""
        if kind not in self.libraries:
            self.libraries[kind] = kind(self)
        return self.libraries[kind]

    def vector(self, dtype: Any, *sizes: int, arrays: tuple[Array | None, ...] = ()) -> int:
        """The number of elements a thread may read at once: it divides the sizes, and all arrays are aligned to it."""
        count = max(1, VECTOR // dtype.itemsize)
        aligned = all(a is None or self.address(a) % VECTOR == 0 for a in arrays)
        return count if aligned and all(size % count == 0 for size in sizes) else 1


@cache
def _expression(kernel: str, parameters: tuple[Any, ...]) -> tuple[str, str]:
    """The source, and the function with its template parameters."""
    source, _, function = kernel.rpartition(".")
    return source, f"{function}<{', '.join(map(_spelled, parameters))}>"


def _spelled(parameter: Any) -> str:
    if isinstance(parameter, bool):
        return "true" if parameter else "false"
    if isinstance(parameter, (int, str)):
        return str(parameter)
    return NAMES[parameter.name]


@cache
def source_of(name: str) -> str:
    """The text of `common.cuh` and `kernels/<name>.cu` with what it includes, followed by any lines after the name."""
    folder = files("backends.cupy_backend") / "kernels"
    file, _, written = name.partition("\n")
    own = re.sub(r'#include "(.+)"\n', lambda line: (folder / line[1]).read_text(), (folder / f"{file}.cu").read_text())
    return (folder / "common.cuh").read_text() + own + written


class CupyLauncher:
    """Starts kernels through CuPy, on its current device and stream."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self._kernels: dict[tuple[str, str, int], Any] = {}

    def __call__(self, source: str, expression: str, grid: Sizes, block: Sizes, arguments: list[Any]) -> None:
        key = source, expression, self._cupy.cuda.runtime.getDevice()
        kernel = self._kernels.get(key)
        if kernel is None:
            kernel = self._kernels[key] = self._compiled(source, expression)
        kernel(grid, block, tuple(arguments))

    def _compiled(self, source: str, expression: str) -> Any:
        module = self._cupy.RawModule(code=source_of(source), options=OPTIONS, name_expressions=(expression,))
        try:
            return module.get_function(expression)
        except (self._cupy.cuda.compiler.CompileException, RuntimeError, OSError) as error:  # OSError: no NVRTC
            raise Unusable(f"kernels/{source.partition(chr(10))[0]}.cu does not compile ({error})") from error


def threads_for_rows(rows: int, packs: int) -> tuple[Sizes, Sizes]:
    """Grid and block for rows of `packs` vectors: a block for four short rows, a warp each, or for one long row."""
    if packs <= 256:
        return (-(-rows // 4),), (32, 4)
    return (rows,), (min(1024, -(-packs // 4 // 32) * 32) if packs < 4096 else 1024, 1)


def threads_that_hold(dtype: Any, rows: int, n: int, vector: int) -> tuple[Sizes, Sizes, int]:
    """Grid and block for rows of n numbers, and how many vectors of each its threads hold, a power of two.

    See `Held` in `kernels/common.cuh`; 0 for rows that are too long, of float64, or not read in vectors.
    """
    threads = 32 * -(-n // (32 * HELD))
    if threads > 512 or vector == 1 or dtype.itemsize > 4:
        return *threads_for_rows(rows, n // vector), 0
    held = 1 << (-(-n // vector // threads) - 1).bit_length()
    return (((-(-rows // 4),), (32, 4)) if threads == 32 else ((rows,), (threads, 1))) + (held,)


def threads_for(count: int) -> tuple[Sizes, Sizes]:
    """Grid and block with one thread per element."""
    return (-(-count // 256),), (256,)


def threads_for_columns(rows: int, packs: int, waves: int = WAVES) -> tuple[Sizes, Sizes, int]:
    """Grid, block and rows per block for a matrix with rows of `packs` vectors, with up to `waves` blocks in all."""
    across = min(32, 1 << max(0, packs - 1).bit_length())
    down = 256 // across
    columns = -(-packs // across)
    chunk = max(4 * down, -(-rows // max(1, waves // columns)))
    return (columns, -(-rows // chunk)), (across, down), chunk
