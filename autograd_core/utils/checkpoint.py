"""PyTorch's `torch.utils.checkpoint`: values computed again in backward, and the random states that this needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from autograd_core import cuda
from autograd_core.autograd.recomputation import checkpoint as checkpoint
from autograd_core.autograd.recomputation import checkpoint_sequential as checkpoint_sequential
from autograd_core.errors import CheckpointError as CheckpointError
from autograd_core.tensor import Tensor


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """The GPUs that tensors among `args` lie on, and the states of their random numbers."""
    devices = sorted({x.device.index or 0 for x in args if isinstance(x, Tensor) and x.device.type == "cuda"})
    return devices, [cuda.get_rng_state(device) for device in devices]


def noop_context_fn() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """The contexts of the first and of the repeated computation that change nothing: the default `context_fn`."""
    return nullcontext(), nullcontext()


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Without effect: a function is always computed again as a whole."""
    yield


def set_device_states(devices: Iterable[int], states: Iterable[Any]) -> None:
    """Resume the random numbers of these GPUs."""
    for device, state in zip(devices, states, strict=True):
        cuda.set_rng_state(state, device)
