"""`DataParallel`, which here computes on the module's own device; trees of tensors split over devices, and joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import autograd_core as ag
from autograd_core import trees
from nn.module import Module


class DataParallel(Module):
    """A wrapper that runs its `module` on a single device.

    For several devices see `training.distributed`.
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Any = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """What the module computes of one argument or a tuple of them, on its own device."""
    return module(*(inputs if isinstance(inputs, tuple) else (inputs,)), **(module_kwargs or {}))


class DistributedDataParallel(Module):
    """Not supported: there are no process groups. The class exists for programs that test isinstance."""

    def __init__(self, module: Module, *args: Any, **options: Any) -> None:
        raise NotImplementedError("DistributedDataParallel: use training.distributed, which averages gradients")


class ReduceAddCoalesced:
    """Refused: sums over several GPUs of one process. Programs import it for batch normalisation over them."""

    @staticmethod
    def apply(*args: Any) -> NoReturn:
        """Raise; `SyncBatchNorm` is there for one process."""
        raise NotImplementedError("one process drives one device: use BatchNorm2d, or SyncBatchNorm")


Broadcast = ReduceAddCoalesced


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> Any:
    """For each device a tree like `inputs` with its part of every tensor; fewer where a tensor has fewer parts."""
    parts = [_parts(leaf, target_gpus, dim) for leaf in trees.leaves(inputs)] or [[None] * len(target_gpus)]
    scattered = [trees.rebuild(inputs, part) for part in zip(*parts, strict=False)]
    return tuple(scattered) if isinstance(inputs, ag.Tensor) else scattered


def _parts(leaf: Any, target_gpus: Sequence[Any], dim: int) -> list[Any]:
    if not isinstance(leaf, ag.Tensor):
        return [leaf] * len(target_gpus)
    chunks = leaf.chunk(len(target_gpus), dim)
    return [chunk.to(device) for chunk, device in zip(chunks, target_gpus, strict=False)]


def gather(outputs: Sequence[Any], target_device: Any, dim: int = 0) -> Any:
    """The tree whose tensors are those of all these trees in a row, on one device; None stays None."""
    columns = zip(*map(trees.leaves, outputs), strict=True)
    return trees.rebuild(outputs[0], [_joined(column, target_device, dim) for column in columns])


def _joined(column: Sequence[Any], device: Any, dim: int) -> Any:
    return None if column[0] is None else ag.cat([t.to(device).reshape(t.shape or (1,)) for t in column], dim)
