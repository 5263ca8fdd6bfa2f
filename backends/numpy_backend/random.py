"""Random numbers from NumPy's PCG64."""

import math
from typing import Any

import numpy as np

from backends.geometry import Array, Sizes, blocks

MANY = 1 << 12  # numbers: from here pairs are up to five times as fast as NumPy's rejection from a table
BLOCK = 1 << 14  # numbers at a time: they fit the cache
_NATIVE = (np.dtype(np.float32), np.dtype(np.float64))


class NumpyGenerator:
    """A stream of random NumPy arrays."""

    def __init__(self, seed: int | None) -> None:
        self._generator = np.random.Generator(np.random.PCG64(seed))

    @property
    def state(self) -> dict[str, Any]:
        """A plain dictionary; assign it to resume the stream."""
        return dict(self._generator.bit_generator.state)

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        self._generator.bit_generator.state = value

    def uniform(self, shape: Sizes, dtype: Any) -> Array:
        """Floats in [0, 1)."""
        dtype = np.dtype(dtype)
        if dtype in _NATIVE:
            return self._generator.random(shape, dtype=dtype.type)
        # Truncated to the significand of float16 or bfloat16, because rounding could give 1.
        steps = 2.0**11 if dtype == np.float16 else 2.0**8
        return (np.floor(self._generator.random(shape, dtype=np.float32) * steps) / steps).astype(dtype)

    def normal(self, shape: Sizes, dtype: Any) -> Array:
        """Standard normal floats."""
        dtype = np.dtype(dtype)
        if dtype == np.float64:
            return self._generator.standard_normal(shape)
        count = math.prod(shape)
        if count >= MANY:
            return self._pairs(count).reshape(shape).astype(dtype, copy=False)
        return self._generator.standard_normal(shape, dtype=np.float32).astype(dtype, copy=False)

    def _pairs(self, count: int) -> Array:
        """Standard normal float32 numbers in pairs at random angles (Box and Muller 1958), from 32 random bits each."""
        half = -(-count // 2)
        y, words = np.empty((2, half), np.float32), self._words(2 * half).reshape(2, half)
        for at in blocks(half, BLOCK):
            radius, angle = words[:, at].astype(np.float32)
            radius += 0.5
            radius *= 2.0**-32
            np.sqrt(np.multiply(np.log(radius, out=radius), -2, out=radius), out=radius)
            angle *= 2 * math.pi * 2.0**-32
            np.multiply(np.cos(angle, out=y[0, at]), radius, out=y[0, at])
            np.multiply(np.sin(angle, out=y[1, at]), radius, out=y[1, at])
        return y.reshape(-1)[:count]

    def _words(self, count: int) -> Array:
        """32 random bits each."""
        raw: Array = self._generator.bit_generator.random_raw(-(-count // 2))
        return raw.view(np.uint32)[:count]

    def integers(self, low: int, high: int, shape: Sizes) -> Array:
        """int64 numbers in [low, high)."""
        return self._generator.integers(low, high, shape, dtype=np.int64)

    def permutation(self, n: int) -> Array:
        """The numbers 0 to n - 1 in random order."""
        return self._generator.permutation(n)

    def bernoulli(self, p: float, shape: Sizes) -> Array:
        """Booleans that are True with probability p, from 8 random bits each, and 32 more where these do not decide."""
        count, (bound, rest) = math.prod(shape), divmod(round(p * 2**40), 2**32)
        drawn = self._generator.bit_generator.random_raw(-(-count // 8)).view(np.uint8)[:count]
        y, undecided = drawn < bound, np.flatnonzero(drawn == bound)
        y[undecided] = self._words(len(undecided)) < rest
        return y.reshape(shape)

    def poisson(self, rate: Array) -> Array:
        """Counts with these rates."""
        return np.asarray(self._generator.poisson(rate))

    def gamma(self, shape: Array) -> Array:
        """Numbers of gamma distributions with these shape parameters and a rate of 1."""
        return np.asarray(self._generator.standard_gamma(shape))

    def binomial(self, count: Array, p: Array) -> Array:
        """The numbers of successes in `count` trials of probability p."""
        return np.asarray(self._generator.binomial(count, p))


class NumpyRandom:
    """Makes generators on the CPU."""

    def generator(self, seed: int | None, index: int) -> NumpyGenerator:
        """A generator; the same seed gives the same numbers."""
        return NumpyGenerator(seed)
