"""Random numbers, from one generator per device that `manual_seed` starts again."""

from __future__ import annotations

import secrets
import threading
from typing import Any

from numpy.typing import DTypeLike

from autograd_core import dtypes, functional
from autograd_core.creation import Size, check_tensor, finish, shape_of
from autograd_core.devices import Device, backend_of
from autograd_core.errors import DtypeError, OperandError
from autograd_core.libraries import LIBRARY
from autograd_core.tensor import Tensor, no_grad, wrap

SEEDS = 1 << 64


class Generator:
    """A stream of random numbers of its own, for one device."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = Device(device)
        self.seed()

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`, negative ones counting down from 2^64; returns the generator."""
        self._seed = _checked(seed)
        self.stream = backend_of(self.device).random.generator(self._seed, self.device.index or 0)
        return self

    def seed(self) -> int:
        """Start again from an unpredictable seed; returns it."""
        self.manual_seed(secrets.randbits(64))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the stream started from."""
        return self._seed

    def get_state(self) -> Any:
        """What `set_state` needs to resume here."""
        return self.stream.state

    def set_state(self, state: Any) -> None:
        """Resume from a state."""
        self.stream.state = state


_generators: dict[tuple[str, int], Generator] = {}
_seed: int | None = None
_lock = threading.Lock()


def _checked(seed: int) -> int:
    value = int(seed)
    if not -SEEDS // 2 <= value < SEEDS:
        raise OperandError(f"a seed has 64 bits; {value} does not fit")
    return value % SEEDS


def manual_seed(seed: int) -> Generator:
    """Start the random numbers of every device again from `seed`; returns the generator of the CPU.

    >>> from autograd_core import rand
    >>> _ = manual_seed(0); a = rand(2); _ = manual_seed(0); bool((a == rand(2)).all())
    True
    """
    global _seed
    with _lock:
        _seed = _checked(seed)
        _generators.clear()
    return _default("cpu")


def initial_seed() -> int:
    """The seed that the random numbers of the CPU started from."""
    return _default("cpu").initial_seed()


def get_rng_state(device: str = "cpu") -> Any:
    """The state of a device's generator, for `set_rng_state`."""
    return _default(device).get_state()


def set_rng_state(state: Any, device: str = "cpu") -> None:
    """Resume a device's generator from a state."""
    _default(device).set_state(state)


def _default(device: str | None) -> Generator:
    device = Device(device or "cpu")
    key = (device.type, device.index or 0)
    with _lock:
        if key not in _generators:
            _generators[key] = Generator(device)
            if _seed is not None:
                _generators[key].manual_seed(_seed)
        return _generators[key]


def _stream(device: str | None, generator: Generator | None) -> Any:
    return (generator or _default(device)).stream


def _floating(dtype: DTypeLike | None) -> dtypes.DType:
    found = dtypes.as_dtype(dtype) or dtypes.get_default_dtype()
    if found.kind not in "fV":
        raise DtypeError(f"random real numbers are drawn in a floating dtype, not in {found}")
    return found


def rand(*shape: Any, size: Size | None = None, dtype: DTypeLike | None = None, device: str | None = None,
         requires_grad: bool = False, generator: Generator | None = None) -> Tensor:  # fmt: skip
    """Uniform numbers in [0, 1)."""
    draws = _stream(device, generator).uniform(shape_of(shape, size), _floating(dtype))
    return finish(draws, None, requires_grad, None)


def randn(*shape: Any, size: Size | None = None, dtype: DTypeLike | None = None, device: str | None = None,
          requires_grad: bool = False, generator: Generator | None = None) -> Tensor:  # fmt: skip
    """Standard normal numbers."""
    draws = _stream(device, generator).normal(shape_of(shape, size), _floating(dtype))
    return finish(draws, None, requires_grad, None)


def randint(low: Any = None, high: Any = None, size: Any = None, dtype: DTypeLike | None = None, device: str | None = None,
            requires_grad: bool = False, generator: Generator | None = None) -> Tensor:  # fmt: skip
    """Integers from `low` (0 if only one bound is given) up to but not including `high`.

    >>> randint(3, 4, (2,))
    tensor([3, 3])
    """
    if size is None:
        low, high, size = None, low, high
    if high is None:
        low, high = None, low
    first, last = int(low or 0), int(high)
    kind = dtypes.as_dtype(dtype) or dtypes.int64
    if last <= first:
        raise OperandError(f"randint() needs low < high, not {first} and {last}")
    draws = _stream(device, generator).integers(first, last, shape_of((size,)))
    if kind.kind in "iu" and kind.itemsize < 8 and not -(1 << 8 * kind.itemsize - 1) * (kind.kind == "i") <= first < last <= (
            1 << 8 * kind.itemsize - (kind.kind == "i")):  # fmt: skip
        raise OperandError(f"randint() from {first} to {last - 1} does not fit into {kind}")
    return finish(draws.astype(kind), None, requires_grad, None)
