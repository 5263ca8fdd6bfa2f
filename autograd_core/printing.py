"""How a tensor reads: values as PyTorch prints them, then what else there is to know."""

from __future__ import annotations

import numpy as np

from autograd_core import dtypes
from autograd_core.registry import LIBRARY
from autograd_core.tensor import Tensor

_options = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80}


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None):
    """How tensors are printed: digits, from how many elements on to abbreviate, how many to show then, width of a line."""
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update({k: v for k, v in given.items() if v is not None})


def _repr(self):
    host = LIBRARY[self.array.__class__].backend.to_host(self.array)
    prefix = "tensor("
    notes = []
    if 0 in self.shape and len(self.shape) > 1:
        notes.append(f"size={self.shape}")
    device = self.device
    if device.type != "cpu":
        notes.append(f"device={str(device)!r}")
    if self.dtype not in (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool_):
        notes.append(f"dtype={self.dtype}")
    if self.node is not None:
        notes.append("requires_grad=True" if self.is_leaf else f"grad_fn={self.node!r}")
    text = ", ".join([_values(np.asarray(host), len(prefix)), *notes])
    text = f"{prefix}{text})"
    return f"Parameter containing:\n{text}" if getattr(self, "_role", None) == "parameter" else text


def _values(a, indent):
    if a.dtype.kind in "fV":
        format_ = _float_format(a.astype(np.float64))
        formatter = {"float_kind": format_}
        a = a.astype(np.float64)
    else:
        formatter = None
    return np.array2string(
        a, separator=", ", prefix=" " * indent, formatter=formatter, max_line_width=_options["linewidth"],
        threshold=_options["threshold"], edgeitems=_options["edgeitems"])  # fmt: skip


def _float_format(a):
    """PyTorch's choice: integers as `1.`, scientific where magnitudes differ too much, else `precision` digits."""
    digits = _options["precision"]
    finite = a[np.isfinite(a)]
    nonzero = np.abs(finite[finite != 0])
    if not nonzero.size:
        return _padded(a, lambda v: f"{v:.0f}." if np.isfinite(v) else _special(v))
    largest, smallest = nonzero.max(), nonzero.min()
    if np.all(finite == np.ceil(finite)):
        if largest / smallest > 1000.0 or largest > 1.0e8:
            return _padded(a, lambda v: f"{v:.{digits}e}" if np.isfinite(v) else _special(v))
        return _padded(a, lambda v: f"{v:.0f}." if np.isfinite(v) else _special(v))
    if largest / smallest > 1000.0 or largest > 1.0e8 or smallest < 1.0e-4:
        return _padded(a, lambda v: f"{v:.{digits}e}" if np.isfinite(v) else _special(v))
    return _padded(a, lambda v: f"{v:.{digits}f}" if np.isfinite(v) else _special(v))


def _special(v):
    return "nan" if np.isnan(v) else "inf" if v > 0 else "-inf"


def _padded(a, text):
    """Every number as wide as the widest of those shown."""
    edge = _options["edgeitems"]
    if a.size > _options["threshold"]:
        for axis in range(a.ndim):
            if a.shape[axis] > 2 * edge:
                a = np.take(a, [*range(edge), *range(-edge, 0)], axis=axis)
    width = max((len(text(v)) for v in a.ravel().tolist()), default=0) if a.ndim else 0
    return lambda v: text(v).rjust(width)


def _format(self, spec):
    if not self.shape and spec:
        return format(self.item(), spec)
    if not self.shape:
        return str(self.item()) if self.node is None else repr(self)
    return format(repr(self), spec)


def install():
    """These members on Tensor."""
    Tensor.__repr__, Tensor.__format__ = _repr, _format
