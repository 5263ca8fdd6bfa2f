"""What a profile has recorded: single events, their averages, tables, and traces for a browser."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0}  # in microseconds
_BYTES = {"GB": 2**30, "MB": 2**20, "KB": 2**10}


class FunctionEvent:
    """One call. Times are in microseconds, `start` since the machine started; memory is that of results, in bytes."""

    count = 1
    device_time = device_time_total = self_device_time_total = cuda_time = cuda_time_total = self_cuda_time_total = 0.0
    device_memory_usage = self_device_memory_usage = 0

    def __init__(self, name: str, scope: str, thread: int, parent: FunctionEvent | None, start: float) -> None:
        self.name = self.key = name
        self.scope, self.thread, self.cpu_parent, self.start, self.end = scope, thread, parent, start, start
        self.forward: FunctionEvent | None = None  # of a rule: the call that it differentiates
        self.cpu_children: list[FunctionEvent] = []
        self.input_shapes: list[Any] = []
        self.stack: list[str] = []
        self.flops = self.self_cpu_memory_usage = 0
        if parent is not None:
            parent.cpu_children.append(self)

    @property
    def cpu_time_total(self) -> float:
        """The time of the call."""
        return self.end - self.start

    cpu_time = cpu_time_total

    @property
    def self_cpu_time_total(self) -> float:
        """The time outside of other events in it."""
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    @property
    def cpu_memory_usage(self) -> int:
        """The memory of the results of this call and of those in it."""
        return self.self_cpu_memory_usage + sum(child.cpu_memory_usage for child in self.cpu_children)

    def __repr__(self) -> str:
        return f"<FunctionEvent name={self.name} cpu_time={_time(self.cpu_time)} thread={self.thread}>"


class FunctionEventAvg:
    """Sums over the events of one name, or of one name and shapes of operands."""

    device_time = device_time_total = self_device_time_total = cuda_time = cuda_time_total = self_cuda_time_total = 0.0
    device_memory_usage = self_device_memory_usage = 0

    def __init__(self, key: str = "", like: FunctionEvent | None = None) -> None:
        self.key, self.count = key, 0
        self.input_shapes, self.stack = (like.input_shapes, like.stack) if like else ([], [])
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = self.flops = 0

    def add(self, other: Any) -> FunctionEventAvg:
        """Add an event, or another sum; an event within one of the same name adds its own time only."""
        self.count += other.count
        if not (isinstance(other, FunctionEvent) and _within(other)):
            self.cpu_time_total += other.cpu_time_total
            self.cpu_memory_usage += other.cpu_memory_usage
        self.self_cpu_time_total += other.self_cpu_time_total
        self.self_cpu_memory_usage += other.self_cpu_memory_usage
        self.flops += other.flops
        return self

    @property
    def cpu_time(self) -> float:
        """The mean time of a call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={_time(self.self_cpu_time_total)} "
            f"cpu_time={_time(self.cpu_time)} count={self.count} cpu_memory_usage={self.cpu_memory_usage}>"
        )


class EventList(list[Any]):
    """Events or averages. options: what else than times was recorded, as the `profile` was told."""

    def __init__(self, events: Iterable[Any] = (), options: Any = None) -> None:
        super().__init__(events)
        self._options = options or {}

    def key_averages(
        self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False
    ) -> EventList:
        """Sums by name and, on request, by shapes of operands and by the line of the program that made the call."""
        found: dict[Any, FunctionEventAvg] = {}
        for event in self:
            key = event.key, str(event.input_shapes) if group_by_input_shapes else "", *event.stack[:group_by_stack_n]
            if key not in found:
                found[key] = FunctionEventAvg(event.key, event)
            found[key].add(event)
        shown = {"shapes": group_by_input_shapes, "stack": group_by_stack_n > 0}
        return EventList(found.values(), {**self._options, **shown})

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all events; no time counts twice."""
        return sum(event.self_cpu_time_total for event in self)

    def total_average(self) -> FunctionEventAvg:
        """The sum of all events."""
        total = FunctionEventAvg("Total")
        for event in self:
            total.add(event)
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """A table of at most `row_limit` rows; -1: of all. sort_by: the attribute to sort by, largest first, such as
        "self_cpu_time_total", "cpu_time_total", "cpu_time", "cpu_memory_usage" or "count"; times of a device are those
        of the CPU, which waits for it. time_unit: "s", "ms" or "us".
        """
        rows = [e for e in self if not (top_level_events_only and getattr(e, "cpu_parent", None))]
        if sort_by is not None:
            attribute = sort_by.replace("device", "cpu").replace("cuda", "cpu")
            rows.sort(key=lambda e: getattr(e, attribute), reverse=True)
        everything = self.self_cpu_time_total or 1.0
        columns = _columns(self._options, everything, time_unit)
        columns[0] = ("Name", lambda e: _shortened(e.key, max_name_column_width))
        limits = {"Input Shapes": max_shapes_column_width, "Source Location": max_src_column_width}
        kept = rows if row_limit < 0 else rows[:row_limit]
        body = [[_shortened(show(e), limits.get(title, 0)) for title, show in columns] for e in kept]
        lines = [[title for title, _ in columns], *body]
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
        text = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines]
        rule = "-" * (sum(widths) + 2 * len(widths) - 2)
        total = f"Self CPU time total: {_time(self.self_cpu_time_total, time_unit)}"
        return "\n".join([*([header] if header else []), rule, text[0], rule, *text[1:], rule, total, ""])

    def __str__(self) -> str:
        return self.table()

    def export_chrome_trace(self, path: str | os.PathLike[str], metadata: dict[str, Any] | None = None) -> None:
        """Write the events as JSON that chrome://tracing and ui.perfetto.dev show as a time line."""
        events = [
            {
                "ph": "X", "cat": event.scope, "name": event.name, "pid": os.getpid(), "tid": event.thread,
                "ts": event.start, "dur": event.cpu_time_total,
                "args": {k: v for k, v in (("Input Dims", event.input_shapes), ("Source", event.stack)) if v},
            }
            for event in self
        ]  # fmt: skip
        Path(path).write_text(json.dumps({**(metadata or {}), "traceEvents": events}), encoding="utf-8")

    def export_stacks(self, path: str | os.PathLike[str], metric: str = "self_cpu_time_total") -> None:
        """Write a line for each event with its name, those that it lies in, and its time, as flame graphs read them."""
        lines = []
        for event in self:
            names, outer = [], event
            while outer is not None:
                names.append(outer.name.replace(" ", "_").replace(";", ","))
                outer = outer.cpu_parent
            lines.append(f"{';'.join(reversed(names))} {getattr(event, metric):.0f}\n")
        Path(path).write_text("".join(lines), encoding="utf-8")


def _within(event: FunctionEvent) -> bool:
    outer = event.cpu_parent
    while outer is not None and outer.key != event.key:
        outer = outer.cpu_parent
    return outer is not None


def _columns(options: Any, everything: float, unit: str | None) -> list[tuple[str, Callable[[Any], str]]]:
    columns: list[tuple[str, Callable[[Any], str]]] = [
        ("Name", lambda e: e.key),
        ("Self CPU %", lambda e: f"{e.self_cpu_time_total / everything:.2%}"),
        ("Self CPU", lambda e: _time(e.self_cpu_time_total, unit)),
        ("CPU total %", lambda e: f"{e.cpu_time_total / everything:.2%}"),
        ("CPU total", lambda e: _time(e.cpu_time_total, unit)),
        ("CPU time avg", lambda e: _time(e.cpu_time, unit)),
    ]
    if options.get("memory"):
        columns += [("CPU Mem", lambda e: _memory(e.cpu_memory_usage))]
        columns += [("Self CPU Mem", lambda e: _memory(e.self_cpu_memory_usage))]
    columns.append(("# of Calls", lambda e: str(e.count)))
    if options.get("shapes"):
        columns.append(("Input Shapes", lambda e: str(e.input_shapes)))
    if options.get("stack"):
        columns.append(("Source Location", lambda e: ", ".join(e.stack)))
    if options.get("flops"):
        columns.append(("Total FLOPs", lambda e: f"{e.flops:,}" if e.flops else "--"))
    return columns


def _shortened(text: str, width: int | None) -> str:
    return text if not width or len(text) <= width else text[: width - 3] + "..."


def _time(microseconds: float, unit: str | None = None) -> str:
    unit = unit or next((u for u, size in _UNITS.items() if microseconds >= size), "us")
    return f"{microseconds / _UNITS[unit]:.3f}{unit}"


def _memory(count: int) -> str:
    unit = next((u for u, size in _BYTES.items() if count >= size), "")
    return f"{count / _BYTES[unit]:.2f} {unit}" if unit else f"{count} B"
