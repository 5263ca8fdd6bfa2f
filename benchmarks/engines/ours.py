"""This project's engine."""

from collections.abc import Callable

import autograd_core as ag
import nn
import optim
from benchmarks.programs import Programs
from benchmarks.steps import Step

programs = Programs(ag, nn, optim, nn.fuse)


class Captured:
    """The same steps, captured."""

    def __getattr__(self, workload: str) -> Callable[[], Step]:
        return lambda: ag.capture(getattr(programs, workload)())


captured = Captured()
