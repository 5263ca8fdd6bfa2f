"""This engine and PyTorch behind one interface, so that every benchmark is written once."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np


class Engine:
    """A package with tensors, and its `nn`, `optim` and `cuda`."""

    def __init__(self, name: str, core: Any, nn: Any, optim: Any) -> None:
        self.name, self.core, self.nn, self.optim, self.cuda = name, core, nn, optim, core.cuda

    def random(self, *shape: int, dtype: str = "float32", last: bool = False) -> Any:
        """Normal numbers on the GPU; `last`: channels-last images."""
        t = self.core.randn(shape, device="cuda").to(getattr(self.core, dtype))
        return t.contiguous(memory_format=self.core.channels_last) if last else t

    def autocast(self, dtype: str) -> Any:
        """The context of mixed precision."""
        return self.core.amp.autocast("cuda", dtype=getattr(self.core, dtype))

    def milliseconds(self, work: Callable[[], Any], seconds: float = 0.15) -> float:
        """The shortest mean time of a run over intervals of at least 5 ms, after a few runs to warm up.

        The fourth records a captured step. Long runs are measured five times, unless that takes ten times as long.
        """
        for _ in range(5):
            work()
        self.cuda.synchronize()
        count, best, spent, intervals = 1, np.inf, 0.0, 0
        while spent < 1e3 * seconds or (intervals < 5 and spent < 1e4 * seconds):
            start, end = (self.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            for _ in range(count):
                work()
            end.record()
            end.synchronize()
            elapsed = start.elapsed_time(end)
            spent += elapsed
            if elapsed < 5:
                count *= 2
            else:
                best, intervals = min(best, elapsed / count), intervals + 1
        return float(best)


@cache
def ours() -> Engine:
    """This engine."""
    import autograd_core
    import nn
    import optim

    return Engine("ours", autograd_core, nn, optim)


@cache
def torch() -> Engine | None:
    """PyTorch with autotuned convolutions; None if it is not installed or sees no GPU."""
    try:
        core = import_module("torch")
    except (ImportError, OSError):  # OSError: one of its libraries does not load
        return None
    if not core.cuda.is_available():
        return None
    core.backends.cudnn.benchmark = True
    return Engine("torch", core, core.nn, core.optim)


def allow_tf32(engine: Engine, allowed: bool) -> None:
    """Set whether float32 may be rounded to TF32 in products and convolutions."""
    engine.core.set_float32_matmul_precision("high" if allowed else "highest")
    if engine.name == "torch":
        engine.core.backends.cudnn.allow_tf32 = allowed
