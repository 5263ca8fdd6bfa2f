"""PyTorch's `torch.utils.flop_counter`: floating-point operations of products and convolutions, by module."""

from __future__ import annotations

from typing import Any

from autograd_core.compatibility import above
from autograd_core.profiler.events import FunctionEvent
from autograd_core.profiler.recording import profile


class FlopCounterMode(profile):
    """Counts floating-point operations, two for each multiply-add, forward and backward, in a block.

    Products, convolutions, attention and recurrent layers are counted. depth: how deep modules are listed in the table,
    which is printed at the end if `display`. mods: ignored, as modules are found by their calls.

    >>> from autograd_core import ones
    >>> x = ones(2, 3, requires_grad=True)
    >>> with FlopCounterMode(display=False) as counter:
    ...     (x @ ones(3, 4)).sum().backward()
    >>> counter.get_total_flops(), counter.get_flop_counts()["Global"]
    (96, {'matmul': 48, 'matmul backward: a': 48})
    """

    def __init__(self, mods: Any = None, depth: int = 2, display: bool = True) -> None:
        super().__init__(with_flops=True, with_modules=True)
        self.depth, self.display = depth, display

    def __enter__(self) -> FlopCounterMode:
        # A hook on all modules, so that none computes what the next one is there for.
        self._hook = above.find("nn").hooks.register_module_forward_hook(lambda *_: None)
        super().__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__(*_)
        self._hook.remove()
        if self.display:
            print(self.get_table(self.depth))

    def get_total_flops(self) -> int:
        """The number of all operations."""
        return sum(event.flops for event in self._events)

    def get_flop_counts(self) -> dict[str, dict[str, int]]:
        """The numbers by path of a module, and by name of an operation or rule; "Global": of all."""
        counts: dict[str, dict[str, int]] = {"Global": {}}
        for event in self.function_events:
            if event.flops:
                for place in ("Global", *dict.fromkeys(_modules_around(event.forward or event))):
                    found = counts.setdefault(place, {})
                    found[event.name] = found.get(event.name, 0) + event.flops
        return counts

    def get_table(self, depth: int | None = None) -> str:
        """A table of modules, and of the operations in each."""
        total = self.get_total_flops() or 1
        depth = self.depth if depth is None else depth
        rows = [("Module", "FLOP", "% Total")]
        counts = self.get_flop_counts()
        for place in sorted(counts, key=lambda place: (place != "Global", place)):
            level = 0 if place == "Global" else place.count(".") + 1
            if level <= depth:
                inner = sum(counts[place].values())
                rows.append(("  " * level + place, f"{inner:,}", f"{inner / total:.2%}"))
                for name, count in counts[place].items():
                    rows.append(("  " * level + f" - {name}", f"{count:,}", f"{count / total:.2%}"))
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [f"{a.ljust(widths[0])}  {b.rjust(widths[1])}  {c.rjust(widths[2])}" for a, b, c in rows]
        return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _modules_around(event: FunctionEvent | None) -> list[str]:
    """The paths of the modules in whose calls an event lies."""
    paths = []
    while event is not None:
        if event.scope == "module":
            paths.append(event.name)
        event = event.cpu_parent
    return paths
