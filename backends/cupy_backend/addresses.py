"""Many arrays in one launch: their addresses are passed by value, so nothing is copied."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from backends.cupy_backend.launch import Gpu, Struct
from backends.geometry import Array

# As in `kernels/optimizers.cu`: 64 rows of seven numbers stay below the limit of 4 KB for all arguments.
ROWS, ARRAYS, CHUNK = 64, 5, 4096
THREADS = 256
BEYOND = np.iinfo(np.int64).max

Row = Sequence[Array | None]


class Table:
    """Rows of up to ARRAYS arrays of one size each; a block of threads takes CHUNK elements of a row."""

    def __init__(self, gpu: Gpu, rows: Sequence[Row]) -> None:
        self._numbers = np.zeros((ROWS, 2 + ARRAYS), np.int64)
        self._numbers[:, 0] = BEYOND
        blocks = 0
        for numbers, row in zip(self._numbers, rows, strict=False):
            size = row[0].size  # type: ignore[union-attr]  # only trailing ones may be None
            numbers[: 2 + len(row)] = blocks, size, *(0 if a is None else gpu.address(a) for a in row)
            blocks += -(-size // CHUNK)
        self._gpu, self.blocks, self.count = gpu, blocks, len(rows)
        self._value = self._numbers.reshape(-1).view((np.void, self._numbers.nbytes)).view(Struct)

    def move(self, column: int, addresses: list[int]) -> None:
        """Replace one array of every row."""
        self._numbers[: self.count, 2 + column] = addresses

    def launch(self, kernel: str, parameters: tuple[Any, ...], *arguments: Array | float | None) -> None:
        """Start a kernel on all rows, see `Gpu.launch`."""
        self._gpu.launch(kernel, parameters, (self.blocks,), (THREADS,), self._value, *arguments)


def tables(gpu: Gpu, rows: Sequence[Row]) -> list[Table]:
    """Tables for any number of rows."""
    return [Table(gpu, rows[i : i + ROWS]) for i in range(0, len(rows), ROWS)]
