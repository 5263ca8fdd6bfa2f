"""Seeds and generator states of GPUs; `autograd_core.manual_seed` seeds every device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd_core import random
from autograd_core.cuda.devices import DeviceLike, device_count, index_of, is_available

__all__ = [
    "get_rng_state", "get_rng_state_all", "initial_seed", "manual_seed", "manual_seed_all", "seed", "seed_all",
    "set_rng_state", "set_rng_state_all",
]  # fmt: skip


def manual_seed(seed: int) -> None:
    """Seed the generator of the current GPU; without a GPU nothing happens."""
    if is_available():
        random.generator_of(_named(None)).manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Seed the generators of all GPUs."""
    for i in range(device_count()):
        random.generator_of(_named(i)).manual_seed(seed)


def seed() -> None:
    """Seed the generator of the current GPU with a random number; without a GPU nothing happens."""
    if is_available():
        random.generator_of(_named(None)).seed()


def seed_all() -> None:
    """Seed the generators of all GPUs with one random number."""
    if is_available():
        manual_seed_all(random.generator_of(_named(None)).seed())


def initial_seed() -> int:
    """The seed of the current GPU's generator."""
    return random.generator_of(_named(None)).initial_seed()


def get_rng_state(device: DeviceLike = None) -> Any:
    """The state of a GPU's generator, for `set_rng_state`."""
    return random.get_rng_state(_named(device))


def set_rng_state(new_state: Any, device: DeviceLike = None) -> None:
    """Restore the state of a GPU's generator."""
    random.set_rng_state(new_state, _named(device))


def get_rng_state_all() -> list[Any]:
    """The states of the generators of all GPUs."""
    return [get_rng_state(i) for i in range(device_count())]


def set_rng_state_all(new_states: Iterable[Any]) -> None:
    """Restore the states of the generators of all GPUs."""
    for i, state in enumerate(new_states):
        set_rng_state(state, i)


def _named(device: DeviceLike) -> str:
    return f"cuda:{index_of(device)}"
