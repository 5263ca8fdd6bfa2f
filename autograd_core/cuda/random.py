"""Seeds and generator states of GPUs; `autograd_core.manual_seed` seeds every device."""

from __future__ import annotations

from typing import Any

from autograd_core import random
from autograd_core.cuda.devices import DeviceLike, device_count, index_of, is_available


def manual_seed(seed: int) -> None:
    """Start the random numbers of the current GPU again from `seed`; without a GPU nothing happens."""
    if is_available():
        random.generator_of(_named(None)).manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Start the random numbers of all GPUs again from `seed`."""
    for i in range(device_count()):
        random.generator_of(_named(i)).manual_seed(seed)


def initial_seed() -> int:
    """The seed that the current GPU's random numbers started from."""
    return random.generator_of(_named(None)).initial_seed()


def get_rng_state(device: DeviceLike = None) -> Any:
    """The state of a GPU's random numbers, for `set_rng_state`."""
    return random.get_rng_state(_named(device))


def set_rng_state(new_state: Any, device: DeviceLike = None) -> None:
    """Resume a GPU's random numbers from a state."""
    random.set_rng_state(new_state, _named(device))


def _named(device: DeviceLike) -> str:
    return f"cuda:{index_of(device)}"
