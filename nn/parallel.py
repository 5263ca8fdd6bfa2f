"""`DataParallel`, which here computes on the module's own device."""

from __future__ import annotations

from typing import Any

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


class DistributedDataParallel(Module):
    """Not supported: there are no process groups. The class exists for programs that test isinstance."""

    def __init__(self, module: Module, *args: Any, **options: Any) -> None:
        raise NotImplementedError("DistributedDataParallel: use training.distributed, which averages gradients")
