"""The test suite that every registered entry passes, generated from the entry's data."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from autograd_core import dtypes
from autograd_core.engine.entries import Composition, Op
from autograd_core.engine.libraries import LIBRARY
from autograd_core.errors import DtypeError
from autograd_core.registry import COMPOSITIONS, OPS
from autograd_core.tensor import Tensor
from autograd_core.testing.entries import check_entry
from autograd_core.testing.gradients import cotangents, gradcheck, gradgradcheck, gradients
from autograd_core.testing.layouts import LAYOUTS
from autograd_core.testing.outcomes import (
    detached_outputs,
    differentiable,
    floating_call,
    on_host,
    outcomes,
    results,
    twice,
)
from autograd_core.testing.samples import SHAPES, Case, Entry, broadcasts, cases, complexified

Array = np.ndarray[Any, Any]
NARROW = (("float32", 1e-4), ("float16", 5e-2), ("bfloat16", 2e-1))  # and how close to the float64 result
UNEVEN = (("transposed", "reversed", "sliced", "read-only"), ("expanded",))  # the last one changes elements


@dataclass(frozen=True)
class Check:
    """One of the suite's checks: its function, shapes, and the entries that it applies to."""

    run: Callable[[Case], None]
    shapes: str = "given"
    applies: Callable[[Entry], bool] = lambda entry: True
    most: int | None = None  # the maximum number of cases


def check_op(entry: Entry | str, device: str = "cpu") -> None:
    """Run the whole suite for an entry (or its name); AssertionError says what is missing or wrong.

    >>> check_op("tanh")
    """
    if isinstance(entry, str):
        entry = _named(entry)
    missing = check_entry(entry)
    if missing:
        raise AssertionError("\n".join(missing))
    found = {shapes: cases(entry, shapes, device=device) for shapes in SHAPES}
    for name, check in CHECKS.items():
        for case in found[check.shapes][: check.most] if check.applies(entry) else ():
            with _named_in_errors(name, case):
                check.run(case)


def check_drawn(case: Case, layout: str) -> None:
    """Run the checks that depend on values, shapes and layouts, with others than those of the samples."""
    with _named_in_errors("drawn", case):
        check_shapes(case)
        check_layout(case, layout)
        check_dtype(case)
        check_complex(case)
        check_purity(case)


@contextmanager
def _named_in_errors(check: str, case: Case) -> Iterator[None]:
    try:
        yield
    except Exception as e:
        e.add_note(f"in the check '{check}' of {case!r}")
        raise


def _named(name: str) -> Entry:
    entry = OPS.get(name) or COMPOSITIONS.get(name)
    if entry is None:
        raise LookupError(f"no operation is registered under the name {name!r}")
    return entry


def check_value(case: Case) -> None:
    """Every output against the reference."""
    outputs, expected = case.call(*case.tensors()), case.expected()
    assert len(outputs) == len(expected), f"{len(outputs)} outputs, but the reference gives {len(expected)}"
    for k, (y, wanted) in enumerate(zip(map(on_host, outputs), map(np.asarray, expected), strict=True)):
        assert y.shape == wanted.shape, f"output {k} has shape {y.shape}, the reference {wanted.shape}"
        check_close(y, wanted, case.entry.tolerance, case.entry.kind.pointwise, f"output {k}", "the reference")


def check_gradient(case: Case, fast_mode: bool = False) -> None:
    """The gradient against finite differences, also recorded; on other devices against that on the CPU."""
    xs = case.tensors(requires_grad=True)
    if case.device != "cpu":
        if not twice(case.entry):  # the check of the second order also checks the first
            _check_as_on_cpu(case, 1)
    elif any(x.requires_grad for x in xs):
        gradcheck(floating_call(case), xs, fast_mode=fast_mode)


def check_second_order(case: Case) -> None:
    """The gradient of the gradient, with respect to inputs and cotangents."""
    xs = case.tensors(requires_grad=True)
    if case.device != "cpu":
        _check_as_on_cpu(case, 2)
    elif any(x.requires_grad for x in xs):
        gradgradcheck(floating_call(case), xs, fast_mode=True)


def _check_as_on_cpu(case: Case, order: int) -> None:
    there, here = outcomes(case, order), outcomes(replace(case, device="cpu"), order)
    for k, (y, wanted) in enumerate(zip(there, here, strict=True)):
        assert (y.dtype, y.shape) == (wanted.dtype, wanted.shape), (
            f"outcome {k}: {y.dtype}{y.shape}, on the CPU {wanted.dtype}{wanted.shape}"
        )
        check_close(y, wanted, 1e-10, False, f"outcome {k}", "that on the CPU", 1.0)


def check_shapes(case: Case) -> None:
    """Value and gradients for one shape, the latter along one direction."""
    check_value(case)
    if differentiable(case.entry):
        check_gradient(case, fast_mode=True)
        if case.entry.order > 1:
            check_second_order(case)


def check_recorded(case: Case) -> None:
    """Every rule on Tensors: the recorded walk agrees with the fast one."""
    for fast, recorded in zip(results(case)[1], results(case, create_graph=True)[1], strict=True):
        check_close(recorded, fast, 1e-12, False, "the recorded gradient", "the fast one")


def check_layouts(case: Case) -> None:
    """Value and gradient do not depend on the memory layout of inputs, which are not written."""
    for layouts in UNEVEN:
        check_layout(case, *layouts)


def check_layout(case: Case, *layouts: str) -> None:
    """`check_layouts` for these layouts."""
    case = case.changed(lambda a: np.array(LAYOUTS[layouts[0]](a)))
    values, plain = results(case)
    by_memory = isinstance(case.entry, Composition) and case.entry.by_memory
    for layout in {"read-only"}.intersection(layouts) if by_memory else layouts:
        moved, against = replace(case, layout=layout), "that of contiguous inputs"
        for k, (y, wanted) in enumerate(zip(moved.call(*moved.tensors()), values, strict=True)):
            check_close(on_host(y), wanted, 1e-12, False, f"output {k} of {layout} inputs", against)
        for g, wanted in zip(results(moved)[1], plain, strict=True):
            check_close(g, wanted, 1e-12, False, f"the gradient of {layout} inputs", against)


def check_dtype(case: Case) -> None:
    """Narrower floats keep their dtype in outputs and gradients, and are close to the float64 result.

    Outputs without a gradient, such as statistics, may be float32 for 16-bit inputs.
    """
    statistics = detached_outputs(case.entry)
    wide = [on_host(y) for y in case.call(*case.tensors())]
    of_complex = any(a.dtype.kind == "c" for a in (*wide, *case.arrays()))
    for dtype, tolerance in NARROW[: 1 if of_complex else None]:  # there is no complex32
        narrow = case.changed(partial(_narrowed, dtype))
        expected = dtypes.as_dtype(case.statics.get("dtype") or dtype)
        outputs, slopes = results(narrow)
        for k, (y, reference) in enumerate(zip(outputs, wide, strict=True)):
            by_name: dict[str, Any] = {"float64": expected, "complex128": dtypes.complex64}
            kept: Any = by_name.get(reference.dtype.name, reference.dtype)
            kept = np.dtype(np.float32) if k in statistics and kept.itemsize == 2 else kept
            advice = "; set wide=True in the entry" if kept.itemsize == 2 else ""
            assert y.dtype == kept, f"output {k} of {dtype} inputs is {y.dtype}, not {kept}{advice}"
            if reference.dtype.kind in "fc":
                what, y = f"output {k} in {dtype}", y.astype(reference.dtype)
                check_close(y, reference, tolerance, False, what, "that in float64", least=1.0)
        for g, a in zip(slopes, [a for a in narrow.arrays() if a.dtype.kind in dtypes.INEXACT], strict=bool(slopes)):
            assert g.dtype == a.dtype, f"the gradient of a {a.dtype} input is {g.dtype}"


def _narrowed(dtype: str, a: Array) -> Array:
    return a.astype({"float64": dtypes.as_dtype(dtype), "complex128": dtypes.complex64}.get(a.dtype.name, a.dtype))


def check_integers(case: Case) -> None:
    """Floating-point results of integers have the default dtype, as in PyTorch; results of booleans are new as well."""
    whole = case.changed(lambda a: np.ones_like(a, np.int64) if a.dtype.kind == "f" else a)
    for y in map(on_host, _outputs(whole, whole.tensors())):
        if y.dtype.kind == "f" and "dtype" not in case.statics:
            assert y.dtype == dtypes.get_default_dtype(), f"of int64 it makes {y.dtype}; set floating=True in the entry"
    truths = case.changed(lambda a: np.ones_like(a, np.bool_) if a.dtype.kind == "f" else a)
    with suppress(DtypeError):  # of operations that refuse booleans
        _outputs(truths, truths.tensors())


def check_complex(case: Case) -> None:
    """Complex numbers are refused, or extend the real results and have gradients too."""
    if "dtype" in case.statics or not any(a.dtype == np.float64 for a in case.arrays()):
        return
    entry, given = case.entry, case.changed(lambda a: complexified(a) if a.dtype == np.float64 else a)
    try:
        outputs = given.call(*given.tensors())
    except DtypeError:
        # An operation inside a composition may refuse.
        if isinstance(entry, Composition) or entry.real_only or entry.form:
            return
        raise
    assert not entry.real_only, "complex numbers are not refused"
    if isinstance(entry, Op) and entry.holomorphic and any(on_host(y).dtype.kind == "f" for y in outputs):
        raise AssertionError("its results for complex numbers are real; set holomorphic=False in the entry")
    flat = case.changed(lambda a: a.astype(np.complex128) if a.dtype == np.float64 else a)
    pairs = zip(flat.call(*flat.tensors()), case.call(*case.tensors()), strict=True)
    for k, (y, wanted) in enumerate((on_host(y), on_host(wanted)) for y, wanted in pairs):
        if y.shape == wanted.shape:  # the spectrum of complex numbers has more frequencies
            check_close(y, wanted, 1e-12, False, f"output {k} of real numbers as complex ones", "that of real ones")
    _check_complex_values(given, outputs)
    if differentiable(entry):
        check_gradient(given, fast_mode=True)
        if entry.order > 1:
            check_second_order(given)


def _check_complex_values(case: Case, outputs: list[Any]) -> None:
    """Against the reference, or its namesake in cmath, if one accepts complex numbers."""
    reference: Any = case.entry.reference
    if getattr(reference, "__module__", None) == "math":
        reference = getattr(cmath, reference.__name__, reference)
    try:
        expected = replace(case, entry=replace(case.entry, reference=reference)).expected()
    except (TypeError, np.exceptions.ComplexWarning):
        return
    for k, (y, wanted) in enumerate(zip(map(on_host, outputs), map(np.asarray, expected), strict=True)):
        check_close(y, wanted, case.entry.tolerance, False, f"output {k} of complex numbers", "the reference", 1.0)


def check_purity(case: Case) -> None:
    """Inputs and outputs are not written; outputs share memory only with `view=True`, gradients never."""
    xs = case.tensors(requires_grad=True)
    before = [on_host(x).copy() for x in xs]
    outputs = _outputs(case, xs)
    values = [on_host(y).copy() for y in outputs]
    if differentiable(case.entry):
        _check_unshared(xs, outputs)
    for what, tensors, copies in (("input", xs, before), ("output", outputs, values)):
        for i, (t, a) in enumerate(zip(tensors, copies, strict=True)):
            assert np.array_equal(on_host(t), a, equal_nan=a.dtype.kind in "fc"), f"{what} {i} was written"


def _outputs(case: Case, xs: list[Tensor]) -> list[Tensor]:
    outputs = [y for y in case.call(*xs) if isinstance(y, Tensor)]
    for k, y in enumerate(outputs):
        if isinstance(case.entry, Op) and not case.entry.view and any(_share(y, x) for x in xs):
            raise AssertionError(f"output {k} shares memory with an input; copy it, or set view=True in the entry")
    return outputs


def _check_unshared(xs: list[Tensor], outputs: list[Tensor]) -> None:
    floating = [y for y in outputs if y.dtype.kind in dtypes.INEXACT]
    seeds = cotangents(floating)
    wanted = [x for x in xs if x.requires_grad]
    for g in gradients(floating, wanted, seeds) if wanted else ():
        if any(_share(g, t) for t in (*xs, *outputs, *seeds)):
            raise AssertionError(
                "a gradient shares memory with an input, an output or a cotangent: "
                "a rule returned a saved array itself; return a new one"
            )


def _share(a: Tensor, b: Tensor) -> bool:
    if type(a.array) is not type(b.array) or isinstance(a.array, np.generic):
        return False
    return bool(LIBRARY[type(a.array)].shares_memory(a.array, b.array))


@np.errstate(all="ignore")  # infinities: whether NumPy warns depends on the machine
def check_close(
    y: Array, wanted: Array, tolerance: float, each: bool, what: str, against: str, least: float = 0.0
) -> None:
    """Compare with a tolerance relative to every element (`each`), or to the largest and at least `least`."""
    if wanted.dtype.kind not in "fc" and y.dtype.kind not in "fc":
        assert np.array_equal(y, wanted), f"{what} is {y.tolist()}, {against} {wanted.tolist()}"
        return
    finite = np.where(np.isfinite(wanted), abs(wanted), 0)
    scale = finite if each else np.max(finite, initial=least)
    right = (y == wanted) | (np.isnan(y) & np.isnan(wanted)) | (abs(y - wanted) <= tolerance * scale + 1e-300)
    if not right.all():
        at = tuple(int(k) for k in np.argwhere(~right)[0])
        raise AssertionError(
            f"{what} differs from {against} in {int((~right).sum())} of {right.size} elements; "
            f"at {at} it is {y[at]!r} and should be {wanted[at]!r}"
        )


CHECKS = {
    "value": Check(check_value),
    "gradient": Check(check_gradient, applies=differentiable),
    "second order": Check(check_second_order, applies=twice),
    "rules on tensors": Check(check_recorded, applies=twice),
    "broadcasting": Check(check_shapes, "broadcast", applies=broadcasts),
    "0-d": Check(check_shapes, "0-d"),
    "empty": Check(check_shapes, "empty"),
    "layouts": Check(check_layouts),
    "dtype": Check(check_dtype),
    "integers": Check(check_integers, applies=lambda entry: entry.kind.pointwise),
    "complex": Check(check_complex, most=3),
    "purity": Check(check_purity),
}
