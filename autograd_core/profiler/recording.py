"""Records the events of a program while it runs."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from autograd_core.compatibility.named import emit_itt as emit_itt
from autograd_core.compatibility.named import emit_nvtx as emit_nvtx
from autograd_core.engine import walk
from autograd_core.engine.anomaly import users_line
from autograd_core.engine.libraries import LIBRARY
from autograd_core.engine.nodes import source_of
from autograd_core.profiler import sites
from autograd_core.profiler.events import EventList, FunctionEvent, FunctionEventAvg
from autograd_core.profiler.flops import of_call as flops_of
from autograd_core.profiler.sites import MODULE, Site
from autograd_core.tensor import Tensor
from autograd_core.trees import leaves


class record_function:
    """A named part of a program, in profiles: a context manager, or a decorator of functions."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self._ends: list[Callable[[], None]] = []

    def __enter__(self) -> record_function:
        self._ends.append(sites.annotate(self.name))
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.pop()()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return call


class profile:
    """Records what the operations in a block take: the older form of `profiler.profile`, with the same options."""

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        **_: Any,
    ) -> None:
        self.enabled = enabled
        self._waits = bool(use_cuda or use_device)
        self._options = {"shapes": record_shapes, "flops": with_flops, "memory": profile_memory, "stack": with_stack}
        self._modules = with_modules
        self._events: list[FunctionEvent] = []
        self._makers: dict[int, FunctionEvent] = {}  # by the number of the node that it made
        self._local = threading.local()

    def __enter__(self) -> Any:
        if self.enabled:
            self._record()
        return self

    def __exit__(self, *_: object) -> None:
        if self.enabled:
            sites.leave(self)

    def _record(self) -> None:
        self._events, self._makers, self._local = [], {}, threading.local()
        sites.observe(self)

    def begin(self, site: Site, args: tuple[Any, ...]) -> Any:
        """An event begins, unless it is a further call of the operation that has just begun."""
        stack: list[FunctionEvent] = self._local.__dict__.setdefault("stack", [])
        outer = stack[-1] if stack else None
        if site.kind == MODULE:
            if not self._modules:
                return None
            name = path(args[0], self._local.__dict__.setdefault("modules", []))
        else:
            name = site.name(args)
            if outer is not None and outer.name == name and outer.scope == site.kind != "annotation":
                return None
        event = FunctionEvent(name, site.kind, threading.get_ident(), outer, perf_counter_ns() / 1e3)
        if self._options["shapes"]:
            event.input_shapes = _shapes(site, args)
        if self._options["stack"]:
            event.stack = [users_line(sys._getframe())]
        if self._modules and site.kind == sites.RULE:
            event.forward = self._makers.get(_number_of_node())
        stack.append(event)
        return event

    def end(self, begun: Any, site: Site, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """The event ends, and with it those in it that an exception left open."""
        if site.kind == MODULE and self._modules:
            self._local.modules.pop()
        if begun is None:
            return
        if self._waits:
            from autograd_core import cuda

            if cuda.is_available():
                cuda.synchronize()
        begun.end = perf_counter_ns() / 1e3
        stack = self._local.stack
        while stack and stack.pop() is not begun:
            pass
        if self._options["memory"]:
            begun.self_cpu_memory_usage = _new_memory(site, result)
        if self._options["flops"] and not any(inner.flops for inner in begun.cpu_children):
            begun.flops = flops_of(site, args, kwargs, result)
        if self._modules and site.kind == sites.OPERATION:
            for t in leaves(result):
                if isinstance(t, Tensor) and t.node is not None:
                    self._makers.setdefault(source_of(t.node)[0].number, begun)
        self._events.append(begun)

    @property
    def current(self) -> FunctionEvent:
        """The innermost event that this thread is in."""
        return self._local.stack[-1]

    @property
    def function_events(self) -> EventList:
        """The events in the order of their beginning."""
        return EventList(sorted(self._events, key=lambda event: event.start), self._options)

    def events(self) -> EventList:
        """The events in the order of their beginning."""
        return self.function_events

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False
    ) -> EventList:
        """Sums by name; see `EventList.key_averages`."""
        return self.function_events.key_averages(group_by_input_shape, group_by_stack_n)

    def table(self, *args: Any, **kwargs: Any) -> str:
        """The table of all events; see `EventList.table`."""
        return self.function_events.table(*args, **kwargs)

    def total_average(self) -> FunctionEventAvg:
        """The sum of all events."""
        return self.function_events.total_average()

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all events, in microseconds."""
        return self.function_events.self_cpu_time_total

    def export_chrome_trace(self, path: Any) -> None:
        """Write a time line for chrome://tracing and ui.perfetto.dev."""
        self.function_events.export_chrome_trace(path)

    def export_stacks(self, path: Any, metric: str = "self_cpu_time_total") -> None:
        """Write lines for a flame graph."""
        self.function_events.export_stacks(path, metric)


def path(module: Any, calls: list[tuple[Any, str]]) -> str:
    """The path of a module that is called within the calls of others, beginning with the class of the outermost."""
    for outer, name in reversed(calls):
        inner = next((inner for inner, m in outer.named_modules() if m is module and inner), None)
        if inner is not None:
            calls.append((module, f"{name}.{inner}"))
            break
    else:
        calls.append((module, type(module).__name__))
    return calls[-1][1]


def _number_of_node() -> int:
    """The number of the node whose rule is called."""
    frame: Any = sys._getframe()
    while frame is not None and frame.f_code is not walk._walk.__code__:
        frame = frame.f_back
    return frame.f_locals["n"].number if frame else 0


def _shapes(site: Site, args: tuple[Any, ...]) -> list[Any]:
    """The shapes of the operands of a call, or of the gradients that a rule is given."""
    given = leaves(args[1] if site.kind == sites.RULE and len(args) > 1 else args)
    return [list(v.shape) for v in given if isinstance(v, Tensor) or type(v) in LIBRARY]


def _new_memory(site: Site, result: Any) -> int:
    """The bytes of the results of an operation, a rule, or a function that makes tensors."""
    entry = site.entry
    if site.kind not in (sites.OPERATION, sites.RULE) or getattr(entry, "view", entry is not None):
        return 0
    arrays = [v.array if isinstance(v, Tensor) else v for v in leaves(result)]
    return sum(getattr(a, "nbytes", 0) for a in arrays)
