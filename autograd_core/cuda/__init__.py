"""PyTorch's `torch.cuda`; without a usable GPU the answers are False and 0."""

from typing import Any

from autograd_core.cuda import amp as amp
from autograd_core.cuda import nvtx as nvtx
from autograd_core.cuda.devices import *  # noqa: F403
from autograd_core.cuda.devices import is_available
from autograd_core.cuda.graphs import graph as graph
from autograd_core.cuda.memory import *  # noqa: F403
from autograd_core.cuda.random import *  # noqa: F403
from autograd_core.cuda.streams import *  # noqa: F403


def is_initialized() -> bool:
    """Whether GPUs can be used: if there are any, always."""
    return is_available()


def init() -> None:
    """Prepare GPUs for use: nothing is to be done."""


ipc_collect = init


def get_arch_list() -> list[str]:
    """The architectures that kernels were compiled for: none, as they are compiled for the GPU that is there."""
    return []


def is_current_stream_capturing() -> bool:
    """Whether CUDA notes the work of the current stream: never, as `graph` notes a step itself."""
    return False


def __getattr__(name: str) -> Any:
    if name == "_initialized":  # which reversible networks ask before they keep states of random numbers
        return is_available()
    if name in ("CUDAGraph", "StreamContext"):
        from autograd_core.compatibility import named

        return getattr(named, name)
    from autograd_core.compatibility.legacy import ON_CUDA

    if name in ON_CUDA:
        return ON_CUDA[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
