"""The printed form of a tensor: values as PyTorch prints them, then its attributes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core import dtypes
from autograd_core.engine.libraries import LAYERS, LIBRARY
from autograd_core.tensor import Tensor, wrap

Array = np.ndarray[Any, Any]
NEWLINE = "\n"


@dataclass
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PROFILES = {"default": _Options(), "short": _Options(precision=2, edgeitems=2), "full": _Options(threshold=math.inf)}
PRINT_OPTS = _Options()  # in use; libraries read it


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed: digits, size above which to abbreviate, elements then shown per edge, line width.

    profile: "default", "short" or "full", which abbreviates nothing. sci_mode: always or never use scientific notation;
    by default the values decide.
    """
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    if profile is not None:
        vars(PRINT_OPTS).update(vars(PROFILES[profile]))
    vars(PRINT_OPTS).update({k: v for k, v in given.items() if v is not None}, sci_mode=sci_mode)


def _tensor_str(self: Tensor, indent: int) -> str:
    """The values alone, in brackets, with `indent` spaces before the second line and those that follow."""
    array: Any = self.array
    if self.layout != "strided":
        return f",\n{' ' * indent}".join([_part(name, wrap(a), indent) for name, a in array.parts().items()])
    while array.__class__ in LAYERS:
        array = array.held
    backend = LIBRARY[array.__class__].backend
    if backend.name == "meta":
        return "..."
    host = np.asarray(backend.to_host(array))
    return _text(host, indent) if host.size else "[]"


def _part(name: str, t: Tensor, indent: int) -> str:
    """A tensor that a sparse one consists of."""
    return f"{name}=tensor({_tensor_str(t, indent + len(name) + 8)}{'' if t.numel() else f', size={t.shape}'})"


def _repr(self: Tensor) -> str:
    prefix = "tensor(" if self.__class__ is Tensor else f"{self.__class__.__name__}("
    text = prefix + _tensor_str(self, len(prefix))
    used = PRINT_OPTS.linewidth if self.is_sparse else len(text) - text.rfind("\n") + 1
    for note in _notes(self):
        if used + len(note) + 2 > PRINT_OPTS.linewidth:
            text += f",\n{' ' * len(prefix)}{note}"
            used = len(prefix) + len(note)
        else:
            text += f", {note}"
            used += len(note) + 2
    return f"Parameter containing:\n{text})" if getattr(self, "_role", None) == "parameter" else f"{text})"


def _notes(t: Tensor) -> list[str]:
    notes = []
    if t.array.__class__ in LAYERS:
        notes.append(f"inside vmap, each of shape {t.shape}")
    if t.device.type != "cpu":
        notes.append(f"device={str(t.device)!r}")
    seen, sparse = t.numel() and not t.is_meta, t.layout != "strided"
    if t.is_meta or (not seen and t.ndim > 1) or sparse:
        notes.append(f"size={t.shape}")
    if sparse:
        notes.append(f"nnz={len(t.array.values)}")
    silent = (dtypes.get_default_dtype(), dtypes.default_complex(), dtypes.int64, dtypes.bool_)
    if t.array.dtype not in (silent if seen else silent[:1]):
        notes.append(f"dtype={t.dtype}")
    if sparse:
        notes.append(f"layout={t.layout!r}")
    if t.node is not None:
        notes.append("requires_grad=True" if t.is_leaf else f"grad_fn={t.grad_fn!r}")
    return notes


def _text(a: Array, indent: int) -> str:
    brief = a.size > PRINT_OPTS.threshold
    shown = _edges(a) if brief else a
    if a.dtype.kind != "c":
        form, width = _format_of(shown)
        return _nested(a, indent, form, width + 2, brief)
    (real, w), (imaginary, v) = _format_of(shown.real), _format_of(shown.imag)

    def both(z: complex) -> str:
        tail = imaginary(z.imag).lstrip()
        return f"{real(z.real)}{'' if tail[0] in '+-' else '+'}{tail}j"

    return _nested(a, indent, both, w + v + 3, brief)


def _edges(a: Array) -> Array:
    """The elements that an abbreviated array shows: the first and last few along every axis."""
    edge = PRINT_OPTS.edgeitems
    for axis, length in enumerate(a.shape):
        if length > 2 * edge:
            a = np.take(a, [*range(edge), *range(length - edge, length)], axis)
    return a


def _nested(a: Array, indent: int, form: Callable[[Any], str], width: int, brief: bool) -> str:
    """The bracketed text of `a`; `width` is that of an element with the comma and space after it."""
    if not a.ndim:
        return form(a.item())
    edge = PRINT_OPTS.edgeitems
    cut = brief and len(a) > 2 * edge
    rows = [*a[:edge], *a[len(a) - edge :]] if cut else a
    items = [form(v.item()) if a.ndim == 1 else _nested(v, indent + 1, form, width, brief) for v in rows]
    if cut:
        items.insert(edge, " ..." if a.ndim == 1 else "...")
    margin = " " * (indent + 1)
    if a.ndim > 1:
        return f"[{(',' + NEWLINE * (a.ndim - 1) + margin).join(items)}]"
    per_line = max(1, (PRINT_OPTS.linewidth - indent) // width)
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return f"[{(',' + NEWLINE + margin).join(lines)}]"


def _format_of(a: Array) -> tuple[Callable[[Any], str], int]:
    """A function that formats an element, and the common width."""
    if a.dtype.kind in dtypes.EXACT:
        width = max(len(str(v)) for v in a.ravel().tolist())
        return lambda v: str(v).rjust(width), width
    a = a.astype(np.float64)
    values = a[np.isfinite(a) & (a != 0)]
    plain = _number_format(values)
    width = max((len(plain(v)) for v in values.tolist()), default=1)
    return lambda v: plain(v).rjust(width), width


def _number_format(values: Array) -> Callable[[float], str]:
    """Integers as `1.`, scientific notation for extreme or widely spread magnitudes, else `precision` digits."""
    digits, scientific = PRINT_OPTS.precision, PRINT_OPTS.sci_mode
    if scientific is None and values.size:
        sizes = np.abs(values)
        low, high = sizes.min(), sizes.max()
        scientific = bool(high / low > 1000 or high > 1e8 or low < 1e-4)
    if scientific and values.size:
        return lambda v: f"{v:.{digits}e}"
    if np.all(values == np.ceil(values)):
        return lambda v: f"{v:.0f}." if math.isfinite(v) else f"{v:.0f}"
    return lambda v: f"{v:.{digits}f}"


def _format(self: Tensor, spec: str) -> str:
    unread = self.ndim or self.is_meta or self.array.__class__ in LAYERS
    return object.__format__(self, spec) if unread else format(self.item(), spec)


def install() -> None:
    """Add these members to Tensor."""
    for name, method in (("__repr__", _repr), ("__format__", _format)):
        setattr(Tensor, name, method)
