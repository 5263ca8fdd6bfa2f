"""Values compared as PyTorch's `torch.testing.assert_close` compares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_core import dtypes
from autograd_core.engine.libraries import LIBRARY
from autograd_core.tensor import Tensor

# Relative and absolute tolerance by dtype; other dtypes are compared exactly.
TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}
KINDS = Tensor, np.ndarray, complex | float | int
Options = dict[str, Any]


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise an AssertionError unless |actual - expected| ≤ atol + rtol·|expected| everywhere.

    It compares tensors, arrays, numbers, and sequences and mappings of them, which must agree in structure, shape,
    dtype, device and, on request, strides. rtol, atol: both or neither; by default those of the dtype. equal_nan:
    whether NaN equals NaN. msg: the error message, or a function of the default message.

    >>> from autograd_core import tensor
    >>> assert_close(tensor([1.0]), tensor([1.0 + 1e-7]))
    """
    if (rtol is None) != (atol is None):
        raise ValueError(f"pass both rtol and atol, or neither, not {rtol} and {atol}")
    checks = {"device": check_device, "dtype": check_dtype, "stride": check_stride}
    try:
        _compare(actual, expected, {"rtol": rtol, "atol": atol, "equal_nan": equal_nan, **checks}, "")
    except AssertionError as e:
        if msg is None:
            raise
        raise AssertionError(msg(str(e)) if callable(msg) else msg) from None


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str | None = None,
) -> None:
    """`assert_close` that ignores dtypes, devices and strides, with NaN equal to NaN."""
    assert_close(
        actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, msg=msg, check_device=False, check_dtype=False
    )


def _compare(actual: Any, expected: Any, options: Options, at: str) -> None:
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if actual.keys() != expected.keys():
            raise AssertionError(
                f"The keys of the mappings do not match:\nMissing keys in the actual mapping: "
                f"{sorted(expected.keys() - actual.keys())}\nAdditional keys in the actual mapping: "
                f"{sorted(actual.keys() - expected.keys())}"
            )
        for key in actual:
            _compare(actual[key], expected[key], options, f"{at}[{key!r}]")
    elif all(isinstance(v, Sequence) and not isinstance(v, str) for v in (actual, expected)):
        if len(actual) != len(expected):
            raise AssertionError(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}")
        for i, (a, b) in enumerate(zip(actual, expected, strict=True)):
            _compare(a, b, options, f"{at}[{i}]")
    elif actual is not None or expected is not None:
        _compare_arrays(actual, expected, options, at)


def _compare_arrays(actual: Any, expected: Any, options: Options, at: str) -> None:
    kinds = [next((i for i, kind in enumerate(KINDS) if isinstance(v, kind)), None) for v in (actual, expected)]
    if kinds[0] is None or kinds[0] != kinds[1]:
        raise TypeError(f"assert_close() cannot compare {type(actual).__name__} with {type(expected).__name__}")
    if isinstance(actual, Tensor):
        for name in ("device", "stride"):
            values = [getattr(v, name) for v in (actual, expected)]
            values = [v() for v in values] if name == "stride" else values
            if options[name] and values[0] != values[1]:
                raise AssertionError(f"The values for attribute '{name}' do not match: {values[0]} != {values[1]}.")
        actual, expected = (LIBRARY[v.array.__class__].backend.to_host(v.array) for v in (actual, expected))
    a, b = np.asarray(actual), np.asarray(expected)
    if a.shape != b.shape:
        raise AssertionError(f"The values for attribute 'shape' do not match: {a.shape} != {b.shape}.")
    if options["dtype"] and a.dtype != b.dtype:
        raise AssertionError(f"The values for attribute 'dtype' do not match: {a.dtype} != {b.dtype}.")
    limits = [TOLERANCES.get(v.dtype.name, (0.0, 0.0)) for v in (a, b)]
    rtol, atol = map(max, zip(*limits, strict=True)) if options["rtol"] is None else (options["rtol"], options["atol"])
    _look(a, b, rtol, atol, options["equal_nan"], at)


def _look(a: Any, b: Any, rtol: float, atol: float, equal_nan: bool, at: str) -> None:
    wide = np.result_type(np.float64, *[v.dtype if v.dtype.kind == "c" else np.float64 for v in (a, b)])
    exact = a.dtype.kind in dtypes.EXACT and b.dtype.kind in dtypes.EXACT and not rtol and not atol
    with np.errstate(all="ignore"):
        difference = abs(a.astype(wide) - b.astype(wide))
        wrong = a != b
        if not exact:
            wrong &= ~(difference <= atol + rtol * abs(b.astype(wide)))
        if equal_nan:
            wrong &= ~(np.isnan(a.astype(wide)) & np.isnan(b.astype(wide)))
        if not wrong.any():
            return
        relative = difference / abs(b.astype(wide))
    lines = [f"Mismatched elements: {wrong.sum()} / {wrong.size} ({100 * wrong.sum() / wrong.size:.1f}%)"]
    for name, values, limit in (("absolute", difference, atol), ("relative", relative, rtol)):
        worst = np.unravel_index(np.where(wrong, np.nan_to_num(values, nan=np.inf), -1).argmax(), wrong.shape)
        allowed = f" (up to {limit} allowed)" if limit else ""
        lines.append(f"Greatest {name} difference: {values[worst]} at index {tuple(map(int, worst))}{allowed}")
    title = f"Tensor-likes are not {'close' if rtol or atol else 'equal'}!"
    failed = [f"\nThe failure occurred for item {at}"] if at else []
    raise AssertionError("\n".join([title, "", *lines, *failed]))
