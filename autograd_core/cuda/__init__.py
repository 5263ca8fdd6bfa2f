"""PyTorch's `torch.cuda`; without a usable GPU the answers are False and 0."""

from typing import Any

from autograd_core.cuda import amp as amp
from autograd_core.cuda.devices import current_device as current_device
from autograd_core.cuda.devices import device as device
from autograd_core.cuda.devices import device_count as device_count
from autograd_core.cuda.devices import device_of as device_of
from autograd_core.cuda.devices import get_device_capability as get_device_capability
from autograd_core.cuda.devices import get_device_name as get_device_name
from autograd_core.cuda.devices import get_device_properties as get_device_properties
from autograd_core.cuda.devices import is_available as is_available
from autograd_core.cuda.devices import is_bf16_supported as is_bf16_supported
from autograd_core.cuda.devices import is_tf32_supported as is_tf32_supported
from autograd_core.cuda.devices import set_device as set_device
from autograd_core.cuda.devices import synchronize as synchronize
from autograd_core.cuda.graphs import graph as graph
from autograd_core.cuda.memory import OutOfMemoryError as OutOfMemoryError
from autograd_core.cuda.memory import empty_cache as empty_cache
from autograd_core.cuda.memory import max_memory_allocated as max_memory_allocated
from autograd_core.cuda.memory import max_memory_cached as max_memory_cached
from autograd_core.cuda.memory import max_memory_reserved as max_memory_reserved
from autograd_core.cuda.memory import mem_get_info as mem_get_info
from autograd_core.cuda.memory import memory_allocated as memory_allocated
from autograd_core.cuda.memory import memory_cached as memory_cached
from autograd_core.cuda.memory import memory_reserved as memory_reserved
from autograd_core.cuda.memory import memory_stats as memory_stats
from autograd_core.cuda.memory import memory_summary as memory_summary
from autograd_core.cuda.memory import reset_max_memory_allocated as reset_max_memory_allocated
from autograd_core.cuda.memory import reset_max_memory_cached as reset_max_memory_cached
from autograd_core.cuda.memory import reset_peak_memory_stats as reset_peak_memory_stats
from autograd_core.cuda.memory import set_per_process_memory_fraction as set_per_process_memory_fraction
from autograd_core.cuda.random import get_rng_state as get_rng_state
from autograd_core.cuda.random import get_rng_state_all as get_rng_state_all
from autograd_core.cuda.random import initial_seed as initial_seed
from autograd_core.cuda.random import manual_seed as manual_seed
from autograd_core.cuda.random import manual_seed_all as manual_seed_all
from autograd_core.cuda.random import seed as seed
from autograd_core.cuda.random import seed_all as seed_all
from autograd_core.cuda.random import set_rng_state as set_rng_state
from autograd_core.cuda.random import set_rng_state_all as set_rng_state_all
from autograd_core.cuda.streams import Event as Event
from autograd_core.cuda.streams import Stream as Stream
from autograd_core.cuda.streams import current_stream as current_stream
from autograd_core.cuda.streams import default_stream as default_stream
from autograd_core.cuda.streams import set_stream as set_stream
from autograd_core.cuda.streams import stream as stream


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
