"""Model summaries: layers, shapes, parameters, multiply-adds, memory, receptive fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from autograd_core import Tensor
from autograd_core import functional as core
from autograd_core.grad_mode import enable_grad
from autograd_core.trees import leaves
from nn.modes import in_mode
from nn.module import Module
from nn.receptive_field import Fields


class Row(NamedTuple):
    """One call of a layer."""

    path: str
    layer: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    memory: int
    receptive_field: tuple[int, ...] | None


@dataclass(frozen=True, repr=False)
class Summary:
    """The rows of a model, and totals; printed as a table.

    multiply_adds: of products and convolutions in layers; elementwise work and functions outside layers are not
    counted. memory: bytes of all layers' outputs, most of which are kept for backward. receptive_field: how many input
    pixels a pixel sees; None if it sees all of them or the notion does not apply.
    """

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    multiply_adds: int
    memory: int

    def __str__(self) -> str:
        head = ("layer", "", "output", "parameters", "multiply-adds", "memory", "field")
        body = [
            (
                r.path,
                r.layer,
                "×".join(map(str, r.output_shape)),
                f"{r.parameters:,}",
                f"{r.multiply_adds:,}",
                _bytes(r.memory),
                "×".join(map(str, r.receptive_field)) if r.receptive_field else "",
            )
            for r in self.rows
        ]
        ends = [("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", _bytes(self.memory), "")]
        if self.trainable < self.parameters:
            ends.append(("trainable", "", "", f"{self.trainable:,}", "", "", ""))
        table = [head, *body, *ends]
        widths = [max(len(line[i]) for line in table) for i in range(len(head))]
        lines = [
            "  ".join(
                cell.ljust(w) if i < 3 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
            )
            for line in table
        ]
        rule = "-" * len(lines[0])
        last = 1 + len(body)
        return "\n".join(line.rstrip() for line in (lines[0], rule, *lines[1:last], rule, *lines[last:]))

    def __repr__(self) -> str:
        return str(self)


def summary(model: Module, input_shape: Sequence[int] | Tensor | Sequence[Any]) -> Summary:
    """Run a model once in evaluation mode, and describe what every layer does.

    input_shape: the shape of the input, batch included; or the input itself, for example tokens; or a list of these for
    several inputs. Raises a RuntimeError that names the layer if one rejects the input.

    >>> from nn.models import lenet5
    >>> summary(lenet5(), (1, 1, 28, 28)).parameters
    61706
    """
    from autograd_core.profiler import recording

    like = next((p for p in model.parameters() if p.is_floating_point()), core.zeros(()))
    inputs = _inputs(input_shape, like)
    rows: list[Row] = []
    fields, seen = Fields(model, inputs), set[int]()
    calls: dict[Any, int] = {}  # event of a layer's call -> its row
    profile = recording.profile(with_flops=True, with_modules=True)
    hooks = [
        module.register_forward_hook(
            _recorder(path, rows, fields, seen, lambda: calls.update({profile.current: len(rows)}))
        )
        for path, module in model.named_modules()
        if _is_layer(path, module)
    ]
    try:
        with in_mode(model, training=False), enable_grad(), profile:
            model(*inputs)
    except Exception as e:
        raise RuntimeError(_refusal(e, inputs)) from e
    finally:
        for hook in hooks:
            hook.remove()
    _count(rows, calls, profile.events())
    parameters = list(model.parameters())
    return Summary(
        tuple(rows),
        sum(p.numel() for p in parameters),
        sum(p.numel() for p in parameters if p.requires_grad),
        sum(row.multiply_adds for row in rows),
        sum(row.memory for row in rows),
    )


def _is_layer(path: str, module: Module) -> bool:
    """Whether a module has no submodules or has parameters itself; parametrizations belong to their layer."""
    inside = module._modules.keys() - {"parametrizations"}
    return "parametrizations" not in path.split(".") and (
        not inside or any(p is not None for p in module._parameters.values())
    )


def _inputs(given: Any, like: Tensor) -> list[Tensor]:
    """The tensors for a shape, a tensor, or a list of these, with the dtype and device of a parameter."""
    if isinstance(given, Tensor):
        return [given.detach().requires_grad_() if given.is_floating_point() else given]
    if isinstance(given, Sequence) and not isinstance(given, str):
        if all(isinstance(n, int) for n in given):
            return [core.zeros(tuple(given), dtype=like.dtype, device=like.device, requires_grad=True)]
        return [x for part in given for x in _inputs(part, like)]
    raise TypeError(f"summary() takes the shape of the input, such as (1, 3, 224, 224), or a tensor, not {given!r}")


def _refusal(e: Exception, inputs: Sequence[Tensor]) -> str:
    """The error message for an input that the model rejects."""
    where = "".join(f"{note}: " for note in getattr(e, "__notes__", [])[:1])
    shapes = ", ".join(str(x.shape) for x in inputs)
    batched = ", ".join(str((1, *x.shape)) for x in inputs)
    return (
        f"summary(): an input of shape {shapes} was refused {where}{e}. Shapes include the batch: is {batched} meant? "
        "Where integers are expected, give the tensor itself instead of its shape"
    )


def _count(rows: list[Row], calls: dict[Any, int], events: Iterable[Any]) -> None:
    """Add the multiply-adds of each operation to the innermost layer that it is called in."""
    for event in events:
        outer = event if event.flops else None
        while outer is not None and outer not in calls:
            outer = outer.cpu_parent
        if outer is not None:
            row = rows[calls[outer]]
            rows[calls[outer]] = row._replace(multiply_adds=row.multiply_adds + event.flops // 2)


def _recorder(
    path: str, rows: list[Row], fields: Fields, seen: set[int], note: Callable[[], None]
) -> Callable[..., None]:
    def record(module: Module, args: Any, output: Any) -> None:
        first = next((t for t in leaves(output) if isinstance(t, Tensor)), None)
        if first is None:
            return
        own = [p for p in module.parameters() if id(p) not in seen]  # submodules that were called come before
        seen.update(map(id, own))
        note()
        rows.append(
            Row(
                path,
                type(module).__name__,
                first.shape,
                sum(p.numel() for p in own),
                0,
                0 if any(first is x for x in args) else first.numel() * first.dtype.itemsize,
                fields.after(module, args, first),
            )
        )

    return record


def _bytes(count: int) -> str:
    value, units = float(count), ["B", "KiB", "MiB", "GiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.0f} B" if units[0] == "B" else f"{value:.1f} {units[0]}"
