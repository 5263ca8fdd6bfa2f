"""Random numbers of a Mersenne Twister (Matsumoto and Nishimura 1998), made as PyTorch makes them on a CPU.

The same seed gives the same uniform numbers, integers, orders and decisions to the last bit, and the same normal
numbers up to rounding. Counts and gamma-distributed numbers are NumPy's, from the same words.
"""

import ctypes
import math
from functools import cache
from typing import Any

import numpy as np

from backends.buffers import address
from backends.geometry import Array, Sizes, blocks
from backends.threads import in_blas, in_blocks

BLOCK = 1 << 14  # words at a time: they fit the cache
PART = 1 << 17  # normal numbers at a time: threads wait for each other between shorter calls
REMAINDERS = 1 << 9  # integers: from here the remainder takes longer than quotient, product and difference
LISTED = 1 << 7  # numbers to permute: from here arrays pay
SHORT = 1 << 28  # ranges of integers below which a number is made of one word
MOST = np.uint64(2**53 - 1)
WORDS = 624  # that a twister makes at a time
FEW = 16  # normal numbers: fewer are computed pair by pair, others in rows of 8 pairs
# PyTorch's file format of a state.
STATE = np.dtype(
    [
        ("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8"), ("words", "<u8", 624),
        ("unused", "<f8"), ("spare", "<f8"), ("factor", "<f8"), ("spared", "<i8"), ("reserved", "<i8"),
    ]
)  # fmt: skip


class NumpyGenerator:
    """A stream of random NumPy arrays."""

    def __init__(self, seed: int) -> None:
        self._twister = np.random.MT19937(0)
        self._legacy = np.random.RandomState(self._twister)  # seeds the twister as its authors do
        self._generator = np.random.Generator(self._twister)
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start again, from a number of up to 64 bits, of which 32 matter."""
        self._seed = seed
        self._legacy.seed(seed % 2**32)
        self._spare: float | None = None  # the second normal number of a pair

    @property
    def state(self) -> Array:
        """The state as bytes, those of PyTorch's generator."""
        state, known = np.zeros(1, STATE), self._twister.state["state"]
        state["seed"], state["seeded"], state["words"] = self._seed, 1, known["key"]
        state["next"], state["left"] = known["pos"], WORDS + 1 - known["pos"]
        state["spare"], state["spared"] = self._spare or 0.0, self._spare is not None
        return state.view(np.uint8)

    def resume(self, state: Array) -> int:
        """Go on from a state; returns the seed in it."""
        (found,) = np.frombuffer(state.tobytes(), STATE)
        words, position = found["words"].astype(np.uint32), WORDS + 1 - int(found["left"])
        self._twister.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": position}}
        self._seed, self._spare = int(found["seed"]), float(found["spare"]) if found["spared"] else None
        return self._seed

    def _units(self, count: int, dtype: Any) -> Array:
        """Numbers for `_unit`: words, or pairs of them for float64."""
        return self._words(count) if dtype == np.float32 else _pairs(self._twister.random_raw(2 * count))

    def _words(self, count: int) -> Array:
        return self._twister.random_raw(count).astype(np.uint32)

    def uniform(self, shape: Sizes, dtype: Any, low: float = 0.0, high: float = 1.0) -> Array:
        """Floats in [low, high)."""
        dtype, count = np.dtype(dtype), math.prod(shape)
        real = np.dtype(np.float32) if dtype.itemsize < 4 else dtype
        if count <= BLOCK:
            y = _between(_unit(self._units(count, real), real), low, high)
        else:
            y = np.empty(count, real)
            for at in blocks(count, BLOCK):
                y[at] = _between(_unit(self._units(y[at].size, real), real), low, high)
        if real is not dtype:
            y = y.astype(dtype)
            y[y == dtype.type(high)] = low  # after rounding
        return y.reshape(shape)

    def probabilities(self, shape: Sizes, dtype: Any) -> Array:
        """Floats in [0, 1) for a quantile function, which gives numbers of this dtype."""
        return self.uniform(shape, np.float64)

    def normal(self, shape: Sizes, dtype: Any, mean: float = 0.0, std: float = 1.0, one_by_one: bool = False) -> Array:
        """Normal floats; one_by_one: as PyTorch draws them for memory with gaps."""
        dtype, count = np.dtype(dtype), math.prod(shape)
        if one_by_one or count < FEW:
            return (self._one_by_one(count) * std + mean).astype(dtype).reshape(shape)
        real = np.dtype(np.float32) if dtype.itemsize < 4 else dtype
        rest = count % FEW
        if not rest:
            drawn = self._units(count, real)
        else:  # the last row is drawn again, as a whole
            drawn = self._units(count - rest + FEW + (rest if real is dtype else 0), real)
            drawn[count - rest : count - rest + FEW] = drawn[-FEW:]
            drawn = drawn[: count - rest + FEW]
        y = np.empty(drawn.size, real)
        in_blocks(lambda at: _rows(drawn[at], y[at], mean, std), blocks(y.size, PART))
        if rest:
            y[count - FEW : count] = y[-FEW:]
            y.resize(count, refcheck=False)
        return y.reshape(shape).astype(dtype, copy=False)

    def _single(self) -> float:
        """A standard normal number; every second one is the rest of a pair."""
        y, self._spare = self._spare, None
        if y is None:
            a, b, c, d = self._twister.random_raw(4).tolist()  # of `_unit`, in Python
            angle, u = [((high << 32 | low) & (2**53 - 1)) / 2.0**53 for high, low in ((a, b), (c, d))]
            radius, angle = math.sqrt(-2 * math.log1p(-u)), 2 * math.pi * angle
            y, self._spare = radius * math.cos(angle), radius * math.sin(angle)
        return y

    def _one_by_one(self, count: int) -> Array:
        """What as many calls of `_single` give."""
        if count < FEW:
            return np.array([self._single() for _ in range(count)])
        first = [] if self._spare is None else [self._single()]
        pairs, left = divmod(count - len(first), 2)
        angle, u = _unit(_pairs(self._twister.random_raw(4 * pairs)), np.float64).reshape(-1, 2).T
        radius, angle = np.sqrt(-2 * np.log1p(-u)), 2 * math.pi * angle
        drawn = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1)
        return np.concatenate([first, drawn, [self._single() for _ in range(left)]])

    def integers(self, low: int, high: int, shape: Sizes) -> Array:
        """int64 numbers in [low, high)."""
        count, span = math.prod(shape), high - low
        y = self._words(count) if span < SHORT else _pairs(self._twister.random_raw(2 * count))
        if span < 2**64:
            if count < REMAINDERS:
                y %= y.dtype.type(span)
            else:
                y -= y // y.dtype.type(span) * y.dtype.type(span)
        y = y.astype(np.uint64, copy=False).view(np.int64).reshape(shape)
        if low and span < 2**64:
            y += low
        return y

    def permutation(self, n: int) -> Array:
        """The numbers 0 to n - 1 in random order (Fisher and Yates 1938)."""
        steps = self._twister.random_raw(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=np.uint64)
        places = np.arange(n)
        places[:-1] += steps.view(np.int64)
        if n < LISTED:
            return _exchanged_one_by_one(places)
        exchange = _exchange_of_blas()
        return _exchanged_by_blas(exchange, places) if exchange else _exchanged(places)

    def bernoulli(self, p: float, shape: Sizes) -> Array:
        """Booleans that are True with probability p: where a number of 53 bits is less."""
        y, bound = np.empty(math.prod(shape), np.bool_), np.uint64(math.ceil(p * 2.0**53))
        for at in blocks(y.size, BLOCK):
            np.less(self._units(y[at].size, np.float64) & MOST, bound, out=y[at])
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


def _exchanged(k: Array) -> Array:
    """The numbers of all places, after those at i and at k[i] >= i are exchanged for each place i in turn.

    Here for all places at once: what is at i before its turn was brought there by the last exchange with i, or is i
    itself; what i receives was brought to k[i] by the last exchange with k[i], or is k[i] itself.
    """
    i = np.arange(len(k))
    before, others = i.copy(), k != i
    before[k[others]] = i[others]  # the last one stays
    while ((earlier := before[before]) != before).any():
        before = earlier
    y, sorted_ = k.copy(), np.sort(k << 32 | i)
    turns = sorted_ & (2**32 - 1)
    again = np.flatnonzero(sorted_[1:] >> 32 == sorted_[:-1] >> 32)
    y[turns[again + 1]] = before[turns[again]]
    return y


def _exchanged_one_by_one(k: Array) -> Array:
    y = list(range(len(k)))
    for i, j in enumerate(k.tolist()):
        y[i], y[j] = y[j], y[i]
    return np.array(y, np.int64)


@cache
def _exchange_of_blas() -> Any:
    """The exchanges of rows by which LAPACK pivots, in the library that NumPy brings; None if it is another one."""
    return in_blas("dlaswp")


def _exchanged_by_blas(exchange: Any, k: Array) -> Array:
    rows, pivots = np.arange(len(k)), k + 1  # rows of one number of 64 bits, whatever it means
    one, count = (ctypes.byref(ctypes.c_int64(n)) for n in (1, len(k)))
    exchange(one, ctypes.c_void_p(address(rows)), count, one, count, ctypes.c_void_p(address(pivots)), one)
    return rows


def _pairs(words: Array) -> Array:
    """Numbers of 64 bits, of which a word gives the upper half and the next one the lower."""
    y = words[::2] << np.uint64(32)
    y |= words[1::2]
    return y


def _unit(numbers: Array, dtype: Any) -> Array:
    """Floats in [0, 1), of as many bits as they have digits."""
    most = np.uint32(2**24 - 1) if dtype == np.float32 else MOST
    y = (numbers & most).astype(dtype)
    y *= 1 / (float(most) + 1)
    return y


def _between(y: Array, low: float, high: float) -> Array:
    """low + (high - low)·y, rounded once."""
    if (low, high) == (0.0, 1.0):
        return y
    low, high = y.dtype.type(low), y.dtype.type(high)
    return (y.astype(np.float64) * (high - low) + low).astype(y.dtype)


def _rows(numbers: Array, y: Array, mean: float, std: float) -> None:
    """Fill y with normal numbers: 8 numbers are the distances of pairs, the next 8 their angles, and so on."""
    units, pairs = _unit(numbers, y.dtype).reshape(-1, 2, FEW // 2), y.reshape(-1, 2, FEW // 2)
    radius, angle = 1 - units[:, 0], units[:, 1] * (2 * math.pi)
    np.log(radius, out=radius)
    radius *= -2
    np.sqrt(radius, out=radius)
    np.multiply(np.cos(angle), radius, out=pairs[:, 0])
    np.multiply(np.sin(angle, out=angle), radius, out=pairs[:, 1])
    if (mean, std) != (0.0, 1.0):
        y[:] = y.astype(np.float64) * y.dtype.type(std) + y.dtype.type(mean)  # rounded once


class NumpyRandom:
    """Makes generators on the CPU."""

    def generator(self, seed: int, index: int) -> NumpyGenerator:
        """A generator; the same seed gives the same numbers."""
        return NumpyGenerator(seed)
