"""Generators of random numbers: one per device, which `manual_seed` restarts, and those that programs make."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autograd_core.devices import Device, backend_of, default_device, resolved
from autograd_core.engine.libraries import LAYERS, VMAP
from autograd_core.errors import DeviceError, OperandError
from autograd_core.registry import publish
from autograd_core.tensor import Tensor, wrap
from backends.live import recording
from backends.locks import shared_lock

SEEDS = 1 << 64
DEFAULT_SEED = 67280421310721  # PyTorch's, of generators that nobody seeded


class Generator:
    """An independent random number generator for one device; until it is seeded it draws the same numbers each time."""

    _stream: Any = None

    def __init__(self, device: str = "cpu") -> None:
        self.device = Device(device)
        self.manual_seed(DEFAULT_SEED)

    @property
    def stream(self) -> Any:
        """The numbers, which are set up when the first is drawn."""
        if self._stream is None:
            with _lock:  # two threads would repeat each other's
                if self._stream is None:
                    kind, index = resolved(self.device)
                    self._stream = backend_of(kind).random.generator(self._seed, index)
        return self._stream

    def manual_seed(self, seed: int) -> Generator:
        """Seed the generator; negative seeds count down from 2^64. Returns the generator."""
        self._seed = _checked(seed)
        if self._stream is not None:
            self._stream.seed(self._seed)
        return self

    def seed(self) -> int:
        """Seed the generator unpredictably; returns the seed."""
        self.manual_seed(int.from_bytes(os.urandom(8)))
        return self._seed

    def initial_seed(self) -> int:
        """The seed of the generator."""
        return self._seed

    def get_state(self) -> Tensor:
        """The state for `set_state`, as bytes; on a CPU those of PyTorch's generator."""
        return wrap(self.stream.state)

    def set_state(self, new_state: Tensor) -> Generator:
        """Restore a state. Returns the generator."""
        known, given = self.stream.state, new_state.array if isinstance(new_state, Tensor) else new_state
        if getattr(given, "dtype", None) != known.dtype or given.shape != known.shape:
            raise TypeError(f"set_state() takes what get_state() of such a generator gave: {known.size} bytes")
        self._seed = self.stream.resume(given)
        return self


_generators: dict[tuple[str, int], Generator] = {}
_seed: int | None = None
_lock = shared_lock()


def _checked(seed: int) -> int:
    try:
        value = int(seed)
    except (TypeError, ValueError) as e:
        kind = TypeError if isinstance(e, TypeError) else OperandError
        raise kind(f"a seed is an integer, not {seed!r:.80}") from None
    if not -SEEDS // 2 <= value < SEEDS:
        raise OperandError(f"a seed has 64 bits; {value} does not fit")
    return value % SEEDS


def manual_seed(seed: int) -> Generator:
    """Seed the generators of all devices; returns the generator of the CPU.

    >>> manual_seed(0).initial_seed()
    0
    """
    global _seed
    with _lock:
        _seed = _checked(seed)
        for generator in _generators.values():
            generator.manual_seed(_seed)
    return generator_of("cpu")


def seed() -> int:
    """Seed the generators of all devices unpredictably; returns the seed."""
    return manual_seed(int.from_bytes(os.urandom(8)) - SEEDS // 2).initial_seed()


def initial_seed() -> int:
    """The seed of the CPU's generator."""
    return generator_of("cpu").initial_seed()


def get_rng_state(device: str = "cpu") -> Tensor:
    """The state of a device's generator, for `set_rng_state`."""
    return generator_of(device).get_state()


def set_rng_state(new_state: Tensor, device: str = "cpu") -> None:
    """Restore the state of a device's generator."""
    generator_of(device).set_state(new_state)


def generator_of(device: str | None) -> Generator:
    """The generator of a device, of the CPU for None."""
    key = resolved(device)
    with _lock:
        if key not in _generators:
            _generators[key] = Generator(Device(*key) if key[1] else key[0])
            _generators[key].seed() if _seed is None else _generators[key].manual_seed(_seed)
        return _generators[key]


def rng_states() -> dict[tuple[str, int], Any]:
    """The states of the generators of all devices, for `resumed`."""
    generator_of("cpu")
    return {key: generator.get_state() for key, generator in list(_generators.items())}


@contextmanager
def resumed(states: dict[tuple[str, int], Any]) -> Iterator[None]:
    """A block that draws the numbers that followed these states; afterwards the generators continue as before."""
    before = rng_states()
    restore(states)
    try:
        yield
    finally:
        restore(before)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str = "cuda") -> Iterator[None]:
    """A block after which all generators, whatever their device, have the states that they had before it."""
    before = rng_states()
    try:
        yield
    finally:
        if enabled:
            restore(before)


def restore(states: dict[tuple[str, int], Any]) -> None:
    """Continue after these states, which `rng_states` gave."""
    for (kind, index), state in states.items():
        generator_of(f"{kind}:{index}" if index else kind).set_state(state)


def stream_of(device: str | None, generator: Generator | None) -> Any:
    """The stream of a generator, by default that of the device."""
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"generator must be a Generator, such as Generator().manual_seed(0), not {generator!r}")
    if generator is not None and (device := device or default_device()) is not None:
        kind = resolved(device)[0]
        if kind == "meta":
            generator = None  # which draws nothing there
        elif kind != resolved(generator.device)[0]:
            raise DeviceError(f"the generator is for device {generator.device}, not {Device(*resolved(device))}")
    if (current := recording.get()) is not None and current.backend is not None:
        return current.stream(device, generator)
    stream = (generator or generator_of(device)).stream
    return VMAP.stream_inside(stream) if LAYERS else stream


RANDOM = (manual_seed, seed, initial_seed, get_rng_state, set_rng_state, Generator)


def install() -> None:
    """Publish the functions and the class in the functional form."""
    for f in RANDOM:
        publish(f)
