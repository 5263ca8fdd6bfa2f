"""PyTorch's `torch.distributed` for a single process. For several see `training.distributed`."""

from __future__ import annotations

import enum
import sys
from typing import Any, NoReturn

# `torch.distributed.nn` has the functions that tensors pass through, `.tensor` and `.device_mesh` their types, and
# `.elastic.multiprocessing.errors` has `record`.
nn = optim = rpc = autograd = tensor = device_mesh = elastic = multiprocessing = errors = sys.modules[__name__]


class ProcessGroup:
    """The type of process groups, for annotations; there are none."""


class DTensor:
    """The type of tensors whose parts are in several processes; there are none."""


class DeviceMesh:
    """The type of arrangements of processes; there are none."""


class ReduceOp(enum.Enum):
    """How several processes' values would be joined."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR, PREMUL_SUM = range(9)


def is_available() -> bool:
    """Whether PyTorch's process groups are available: no."""
    return False


is_initialized = is_torchelastic_launched = is_nccl_available = is_available


def get_rank(group: Any = None) -> int:
    """The number of this process: 0."""
    return 0


def get_world_size(group: Any = None) -> int:
    """The number of processes: 1."""
    return 1


def init_process_group(*args: Any, **options: Any) -> NoReturn:
    """Not supported: see `training.distributed` for several processes."""
    raise NotImplementedError("there are no process groups; training.distributed averages gradients over processes")


def record(fn: Any, error_handler: Any = None) -> Any:
    """The function itself: what it raises reaches its caller."""
    return fn


context = barrier = destroy_process_group = new_group = init_process_group
all_gather = all_reduce = broadcast = gather = reduce = scatter = init_process_group
all_gather_object = broadcast_object_list = all_to_all_single = ZeroRedundancyOptimizer = all_gather
