"""PyTorch's `torch.profiler`: the time, and on request the memory, that operations take in a running program."""

from __future__ import annotations

import gzip
import os
import socket
import time
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Any

from autograd_core.profiler import recording, sites
from autograd_core.profiler.recording import record_function as record_function


class ProfilerActivity(Enum):
    """What is observed. With `CUDA`, every event waits for the GPU, so that times are those of kernels too."""

    CPU = 0
    XPU = 1
    CUDA = 2


class ProfilerAction(Enum):
    """What a profiler does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


RECORDING = ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """Cycles of `wait` steps without and `active` steps with a profiler, after `skip_first` steps; `warmup` steps are
    waited, too. repeat: the number of cycles, 0 for no end. skip_first_wait: whether the first cycle waits not.
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active <= 0:
        raise AssertionError("schedule() takes at least 1 active step, and no negative numbers")
    length = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        step += (wait if skip_first_wait else 0) - skip_first
        cycle, within = divmod(step, length)
        if step < (wait if skip_first_wait else 0) or (repeat and cycle >= repeat) or within < wait:
            return ProfilerAction.NONE
        if within < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if within < length - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


class profile(recording.profile):
    """Records what the operations in a block take, forward and backward, in all threads.

    schedule: from the number of a step, which `step()` counts, to a `ProfilerAction`. on_trace_ready: called with this
    object after every cycle, or at the end. record_shapes: the shapes of operands; profile_memory: the bytes of
    results; with_stack: the line of the program that made a call; with_flops: those of products and convolutions;
    with_modules: the calls of modules, by their paths. activities: see `ProfilerActivity`.

    Operations take a few microseconds more in such a block, and nothing outside of it. Captured steps run as they are.
    A rule is an event for each operand whose gradient it computes; the rest of a walk is the time of "backward" itself.

    >>> from autograd_core import ones
    >>> x = ones(3, requires_grad=True)
    >>> with profile() as prof:
    ...     (x.exp() * x).sum().backward()
    >>> for event in prof.events():
    ...     print(event.name)
    exp
    multiply
    sum
    backward
    sum backward
    multiply backward: a
    multiply backward: b
    exp backward
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        **_: Any,
    ) -> None:
        waits = bool(use_cuda) or ProfilerActivity.CUDA in (activities or ())
        super().__init__(
            use_cuda=waits, record_shapes=record_shapes, profile_memory=profile_memory, with_stack=with_stack,
            with_flops=with_flops, with_modules=with_modules,
        )  # fmt: skip
        self.on_trace_ready, self.step_num = on_trace_ready, 0
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self._steps = schedule is not None
        self._metadata: dict[str, Any] = {}
        self.current_action = ProfilerAction.NONE
        self._end_step: Callable[[], None] = lambda: None

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin, as the schedule says."""
        self._change(ProfilerAction.NONE, self.schedule(self.step_num))

    def stop(self) -> None:
        """End; a cycle that is recorded counts."""
        self._end_step()
        self._change(self.current_action, None)

    def step(self) -> None:
        """The next step begins."""
        self._end_step()
        self.step_num += 1
        self._change(self.current_action, self.schedule(self.step_num))

    def _change(self, before: ProfilerAction, now: ProfilerAction | None) -> None:
        self.current_action = now or ProfilerAction.NONE
        ends = before is ProfilerAction.RECORD_AND_SAVE or now not in RECORDING
        if before in RECORDING and ends:
            sites.leave(self)
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)
        if now in RECORDING and (ends or before not in RECORDING):
            self._record()
        steps = self._steps and now is not None
        self._end_step = sites.annotate(f"ProfilerStep#{self.step_num}") if steps else lambda: None

    def add_metadata(self, key: str, value: str) -> None:
        """Add an entry to the traces."""
        self._metadata[key] = value

    preset_metadata_json = add_metadata_json = add_metadata

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write a time line for chrome://tracing and ui.perfetto.dev; it is compressed if the path ends with ".gz"."""
        self.function_events.export_chrome_trace(path, self._metadata)
        if str(path).endswith(".gz"):
            Path(path).write_bytes(gzip.compress(Path(path).read_bytes()))


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """An `on_trace_ready` that writes a trace of each cycle into a folder."""

    def save(prof: profile) -> None:
        folder = Path(dir_name)
        folder.mkdir(parents=True, exist_ok=True)
        name = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        prof.export_chrome_trace(folder / f"{name}.{time.time_ns()}.pt.trace.json{'.gz' if use_gzip else ''}")

    return save


def supported_activities() -> set[ProfilerActivity]:
    """What can be observed here."""
    from autograd_core import cuda

    return {ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda.is_available() else [])}


def kineto_available() -> bool:
    """Whether profiles can be recorded: yes."""
    return True
