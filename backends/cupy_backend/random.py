"""Random numbers on CUDA devices from the counter-based Philox 4x32-10.

CuPy's own generators have no state that could be saved and restored; here the state is two numbers. Each value of the
counter gives one element, or four booleans: its four words take longer than to write these. Salmon et al., "Parallel
random numbers: as easy as 1, 2, 3", SC 2011.
"""

from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np

from backends.cupy_backend.order import Ordered
from backends.geometry import Array, Sizes
from backends.live import live

PHILOX = """
struct Words { unsigned int v[4]; };

__device__ Words philox(unsigned long long counter, unsigned long long key) {
    Words w = {{(unsigned int)counter, (unsigned int)(counter >> 32), 0u, 0u}};
    unsigned int k0 = (unsigned int)key, k1 = (unsigned int)(key >> 32);
    for (int round = 0; round < 10; ++round) {
        unsigned long long a = 0xD2511F53ull * w.v[0], b = 0xCD9E8D57ull * w.v[2];
        Words next = {{(unsigned int)(b >> 32) ^ w.v[1] ^ k0, (unsigned int)b,
                       (unsigned int)(a >> 32) ^ w.v[3] ^ k1, (unsigned int)a}};
        w = next;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return w;
}

__device__ unsigned long long wide(unsigned int high, unsigned int low) {
    return ((unsigned long long)high << 32) | low;
}

__device__ float unit_float(unsigned int w) { return (w >> 8) * 0x1p-24f; }
__device__ double unit_double(unsigned int high, unsigned int low) { return (wide(high, low) >> 11) * 0x1p-53; }
"""
WORDS = "Words w = philox(start + i, seed);"
# Box-Muller; 1 - u is in (0, 1], so its logarithm is finite.
BODIES = {
    ("uniform", "f"): "y = unit_float(w.v[0]);",
    ("uniform", "d"): "y = unit_double(w.v[0], w.v[1]);",
    ("normal", "f"): "y = sqrtf(-2.0f * logf(1.0f - unit_float(w.v[0]))) * cospif(2.0f * unit_float(w.v[1]));",
    ("normal", "d"): (
        "y = sqrt(-2.0 * log(1.0 - unit_double(w.v[0], w.v[1]))) * cospi(2.0 * unit_double(w.v[2], w.v[3]));"
    ),
}
FOUR_BOOLEANS = """
    unsigned int four = 0;
    for (int k = 0; k < 4; ++k) four |= (unsigned int)(unit_float(w.v[k]) < p) << 8 * k;
    y = four;
"""
INTEGERS = "y = low + (long long)(wide(w.v[0], w.v[1]) % span);"


class CupyGenerator:
    """A stream of random CuPy arrays on one device."""

    def __init__(self, cupy: Any, ordered: Ordered, seed: int, index: int) -> None:
        self._cupy, self._ordered, self._index = cupy, ordered, index
        self._state: dict[str, int] = {}
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start again, from a number of up to 64 bits."""
        self._state.update(seed=seed, drawn=0)

    @property
    def state(self) -> Array:
        """The seed and the count of numbers drawn, as 16 bytes on the host."""
        return np.array([self._state["seed"], self._state["drawn"]], np.uint64).view(np.uint8)

    def resume(self, state: Array) -> int:
        """Go on from a state; returns the seed in it."""
        self._state.update(zip(("seed", "drawn"), map(int, np.frombuffer(state.tobytes(), np.uint64)), strict=True))
        return self._state["seed"]

    def _taken(self, count: int) -> dict[str, Any]:
        """The start of the next `count` numbers; the stream continues after them."""
        start = self._state["drawn"]
        self._state["drawn"] = start + count
        return {"seed": np.uint64(self._state["seed"] % 2**64), "start": np.uint64(start)}

    def uniform(self, shape: Sizes, dtype: Any, low: float = 0.0, high: float = 1.0) -> Array:
        """Floats in [low, high)."""
        dtype = np.dtype(dtype)
        if (low, high) != (0.0, 1.0):
            return low + (high - low) * self.uniform(shape, dtype)
        if dtype.itemsize > 2:
            return self._fill("uniform", shape, dtype)
        # Truncated to the significand of float16 or bfloat16, because rounding could give 1.
        steps = 2.0**11 if dtype == np.float16 else 2.0**8
        return (self._cupy.floor(self._fill("uniform", shape, np.dtype(np.float32)) * steps) / steps).astype(dtype)

    def probabilities(self, shape: Sizes, dtype: Any) -> Array:
        """Floats in [0, 1) for a quantile function, which gives numbers of this dtype."""
        return self.uniform(shape, dtype)

    def normal(self, shape: Sizes, dtype: Any, mean: float = 0.0, std: float = 1.0, _one_by_one: bool = False) -> Array:
        """Normal floats."""
        dtype = np.dtype(dtype)
        native = dtype if dtype.itemsize > 2 else np.dtype(np.float32)
        y = self._fill("normal", shape, native)
        if (mean, std) != (0.0, 1.0):
            y *= std
            y += mean
        return y.astype(dtype, copy=False)

    def integers(self, low: int, high: int, shape: Sizes) -> Array:
        """int64 numbers in [low, high)."""
        if low >= high:
            raise ValueError(f"integers: low={low} must be less than high={high}")
        arguments = "uint64 seed, uint64 start, int64 low, uint64 span"
        kernel = _kernel(self._cupy, arguments, "int64 y", INTEGERS, "random_integers")
        return self._run(kernel, shape, np.dtype(np.int64), np.int64(low), np.uint64(high - low))

    def permutation(self, n: int) -> Array:
        """The numbers 0 to n - 1 in random order."""
        keys = self.uniform((n,), np.float64)
        with self._cupy.cuda.Device(self._index):
            return self._ordered.adopt(self._cupy.argsort(keys))

    def bernoulli(self, p: float, shape: Sizes) -> Array:
        """Booleans that are True with probability p."""
        arguments = "uint64 seed, uint64 start, float32 p"
        kernel, count = _kernel(self._cupy, arguments, "uint32 y", FOUR_BOOLEANS, "random_booleans"), prod(shape)
        fours = self._run(kernel, (-(-count // 4),), np.dtype(np.uint32), np.float32(p))
        return fours.view(np.bool_)[:count].reshape(shape)

    def poisson(self, rate: Array) -> Array:
        """Counts with these rates."""
        return self._drawn("poisson", rate)

    def gamma(self, shape: Array) -> Array:
        """Numbers of gamma distributions with these shape parameters and a rate of 1."""
        return self._drawn("standard_gamma", shape)

    def binomial(self, count: Array, p: Array) -> Array:
        """The numbers of successes in `count` trials of probability p."""
        return self._drawn("binomial", count, p)

    def _drawn(self, name: str, *parameters: Array) -> Array:
        """Draw by CuPy's own generator, seeded from this stream: rejection sampling has no fixed number of draws."""
        seed, drawn = self._state["seed"], self._state["drawn"]
        self._state["drawn"] += 1
        with self._cupy.cuda.Device(self._index):
            return self._ordered.adopt(
                getattr(self._cupy.random.RandomState((seed + drawn) % 2**32), name)(*parameters)
            )

    def _fill(self, kind: str, shape: Sizes, dtype: Any) -> Array:
        body, name = BODIES[kind, dtype.char], f"random_{kind}_{dtype.name}"
        kernel = _kernel(self._cupy, "uint64 seed, uint64 start", f"{dtype.name} y", body, name)
        return self._run(kernel, shape, dtype)

    def _run(self, kernel: Any, shape: Sizes, dtype: Any, *arguments: Any) -> Array:
        with self._cupy.cuda.Device(self._index):
            y = self._cupy.empty(shape, dtype=dtype)
            place = live(lambda: self._taken(y.size), ("seed", "start"), self._state)
            kernel(place["seed"], place["start"], *arguments, y)
        return self._ordered.adopt(y)


@cache
def _kernel(cupy: Any, inputs: str, outputs: str, body: str, name: str) -> Any:
    return cupy.ElementwiseKernel(inputs, outputs, f"{WORDS} {body}", name, preamble=PHILOX)


class CupyRandom:
    """Makes generators on CUDA devices."""

    def __init__(self, cupy: Any, ordered: Sequence[Ordered]) -> None:
        self._cupy, self._ordered = cupy, ordered

    def generator(self, seed: int, index: int) -> CupyGenerator:
        """A generator on GPU `index`; the same seed gives the same numbers."""
        return CupyGenerator(self._cupy, self._ordered[index], seed, index)
