"""A module that holds the average of another one's parameters; programs find it in `optim.swa_utils`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Self

from autograd_core import Tensor, no_grad, tensor
from autograd_core.averaging import Average, Averages, get_swa_multi_avg_fn, in_place
from backends.live import deferred, recorded
from nn.module import Module


class AveragedModel(Module):
    """A copy of a model with the average of the parameters passed to `update_parameters`.

    avg_fn(average, new, count): the next average, by default the mean. multi_avg_fn: the same in place, for lists of
    averages and new values. use_buffers: average buffers instead of copying them. The copy is `module`, the count is
    `n_averaged`.
    """

    module: Module
    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: str | None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model) if device is None else copy.deepcopy(model).to(device)
        self.register_buffer("n_averaged", tensor(0))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Convert the copy; the count stays on the CPU, where it is read."""
        self.module._apply(fn)
        return self

    def update_parameters(self, model: Module) -> None:
        """Include the parameters of this model in the average; the first ones are copied."""
        self._include(list(model.parameters()), list(model.buffers()))

    @deferred  # in a captured step, as the count changes
    @no_grad()
    def _include(self, parameters: list[Tensor], buffers: list[Tensor]) -> None:
        if recorded():
            raise NotImplementedError("AveragedModel counts in Python; update it after the captured step")
        copied = list(zip(self.module.buffers(), buffers, strict=True))
        averaged = list(zip(self.module.parameters(), parameters, strict=True))
        count = int(self.n_averaged)
        if self.use_buffers:
            averaged, copied = averaged + copied, []
        if not count:
            averaged, copied = [], averaged + copied
        for own, new in copied:
            own.copy_(new.detach().to(own.device))
        if averaged:
            news = [new.detach().to(own.device) for own, new in averaged]
            average = self.multi_avg_fn or (in_place(self.avg_fn) if self.avg_fn else get_swa_multi_avg_fn())
            average([own.detach() for own, _ in averaged], news, count)
        self.n_averaged += 1
