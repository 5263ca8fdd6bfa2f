"""`DataParallel`, which here computes on the module's own device."""

from __future__ import annotations

from typing import Any, NoReturn

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


class ReduceAddCoalesced:
    """Refused: sums over several GPUs of one process. Programs import it for batch normalisation over them."""

    @staticmethod
    def apply(*args: Any) -> NoReturn:
        """Raise; `SyncBatchNorm` is there for one process."""
        raise NotImplementedError("one process drives one device: use BatchNorm2d, or SyncBatchNorm")


Broadcast = ReduceAddCoalesced
