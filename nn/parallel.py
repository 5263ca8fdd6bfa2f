"""`DataParallel`, which here computes on the module's own device."""

from __future__ import annotations

from typing import Any

from nn.module import Module


class DataParallel(Module):
    """The module itself under the name "module", on one device: one process drives one.

    Several devices: `training.distributed`.
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


class DistributedDataParallel(Module):
    """Refused: there are no process groups. The class is there for programs that only ask whether a model is one."""

    def __init__(self, module: Module, *args: Any, **options: Any) -> None:
        raise NotImplementedError("DistributedDataParallel: use training.distributed, which averages gradients")
