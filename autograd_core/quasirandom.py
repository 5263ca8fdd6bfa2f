"""Points that fill a cube more evenly than random ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_core import functional
from autograd_core.creation.values import as_tensor
from autograd_core.dtypes import as_dtype, get_default_dtype
from autograd_core.engine.options import deliver
from autograd_core.random import Generator
from autograd_core.tensor import Tensor

BITS = 30  # of the coordinates


class SobolEngine:
    """Sobol's sequence in up to 21,201 dimensions, the points of SciPy's `stats.qmc.Sobol` (Joe and Kuo 2008).

    scramble: move them at random, by `seed` or the generator of the CPU, but keep how evenly they lie (Matoušek 1998).

    >>> SobolEngine(2).draw(4)
    tensor([[0.0000, 0.0000],
            [0.5000, 0.5000],
            [0.7500, 0.2500],
            [0.2500, 0.7500]])
    """

    MAXDIM = 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if not 1 <= dimension <= self.MAXDIM:
            raise ValueError(f"SobolEngine() has from 1 to {self.MAXDIM} dimensions, not {dimension}")
        from scipy.stats import qmc  # a second

        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        self._sequence = qmc.Sobol(dimension, scramble=False, bits=BITS)
        if scramble:
            source = None if seed is None else Generator().manual_seed(seed)
            bits = functional.randint(2, (dimension, BITS), generator=source).numpy()
            matrices = functional.randint(2, (dimension, BITS, BITS), generator=source).tril().numpy()
            places = 2 ** np.arange(BITS)
            self._shift = bits @ places
            self._rows = (matrices | np.eye(BITS, dtype=np.int64)) @ places[::-1]

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: DTypeLike | None = None) -> Tensor:
        """The next `n` points, as rows."""
        if self._sequence.num_generated == 0 and n & (n - 1):
            # SciPy would warn that this many are not balanced; more of them may follow.
            rows = functional.cat([self.draw(1, dtype=dtype), self.draw(n - 1, dtype=dtype)])
        else:
            points = self._sequence.random(n)
            points = self._scrambled(points) if self.scramble else points
            rows = as_tensor(points).to(dtype=as_dtype(dtype) or get_default_dtype())
        return rows if out is None else deliver("SobolEngine.draw", rows, out)

    def _scrambled(self, points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The points whose binary digits are products of those of others and a triangular matrix, and then shifted."""
        digits = (points * 2**BITS).astype(np.int64)
        found = np.broadcast_to(self._shift, digits.shape).copy()
        for place, row in enumerate(self._rows.T[::-1]):
            found ^= (np.bitwise_count(digits & row) & 1).astype(np.int64) << place
        return found / 2**BITS

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: DTypeLike | None = None) -> Tensor:
        """The next 2ᵐ points; ValueError if they and those before are not a power of 2, which alone is balanced."""
        total = self.num_generated + 2**m
        if total & (total - 1):
            raise ValueError(f"SobolEngine.draw_base2(): {self.num_generated} + 2**{m} points are not a power of 2")
        return self.draw(2**m, out, dtype)

    @property
    def num_generated(self) -> int:
        """How many points have been drawn, or skipped."""
        return int(self._sequence.num_generated)

    def reset(self) -> SobolEngine:
        """Begin anew, with the same points."""
        self._sequence.reset()
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Skip `n` points."""
        self._sequence.fast_forward(n)
        return self

    def __repr__(self) -> str:
        given: list[Any] = [f"dimension={self.dimension}"]
        given += ["scramble=True"] * self.scramble + ([] if self.seed is None else [f"seed={self.seed}"])
        return f"{type(self).__name__}({', '.join(given)})"
