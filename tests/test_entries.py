"""An entry says everything that documentation, pictures and tests need; what it leaves out is named."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core.engine.entries import Op
from autograd_core.errors import HigherOrderError
from autograd_core.generate import stubs, tables
from autograd_core.registry import COMPOSITIONS, OPS, op
from autograd_core.testing import check_entry, check_op, gradgradcheck, temporary_ops

ENTRIES = [*OPS.values(), *COMPOSITIONS.values()]
# Field, what the entry has instead, and the complaint.
REQUIRED = (
    ("doc", {"doc": None}, "no docstring"),
    ("kind", {"kind": None}, "no kind"),
    ("symbol", {"symbol": None}, "no symbol"),
    ("reference", {"reference": None}, "no reference"),
    ("rule", {"vjp": None, "joint": None}, "no rule"),
    ("samples", {"samples": ()}, "no sample"),
)
README = Path(__file__).parents[1] / "README.md"
NEWCOMER = next(
    b for b in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL) if "@op(" in b
)


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_every_entry_is_complete(entry):
    assert check_entry(entry) == []


@pytest.mark.parametrize("field, without, complaint", REQUIRED, ids=[field for field, _, _ in REQUIRED])
def test_a_missing_field_is_named(field, without, complaint):
    for entry in ENTRIES:
        if needs(entry, field):
            sentences = check_entry(replace(entry, **without))
            assert any(s.startswith(f"{entry.name}: {complaint}") for s in sentences), (entry, sentences)


def needs(entry, field):
    if field in ("symbol", "rule"):
        return isinstance(entry, Op)
    return field != "samples" or not entry.kind.pointwise or bool(isinstance(entry, Op) and entry.statics)


def test_an_entry_without_a_rule_is_refused_when_it_is_registered():
    with temporary_ops(), pytest.raises(TypeError, match="op 'gaussian' has no rule: give vjp="):
        exec(NEWCOMER.replace("vjp=lambda xp, g, x, y: -2 * g * x * y", "vjp=None"), {})


def test_samples_that_skip_a_parameter_or_the_empty_case_are_named():
    leaky = replace(OPS["leaky_relu"], samples=OPS["relu"].samples)
    assert check_entry(leaky) == [
        "leaky_relu: no sample sets 'negative_slope'; vary it, such as samples=(sample((2, 3), negative_slope=...),)"
    ]
    matmul = replace(OPS["matmul"], samples=OPS["matmul"].samples[:1])
    assert check_entry(matmul) == ["matmul: no sample has an empty input; add one, such as sample((0, 3))"]


@pytest.mark.parametrize(
    "name, field, without, complaint",
    [
        ("exp", "floating", False, "set floating=True"),
        ("reshape", "view", False, "set view=True"),
        ("where", "vjp", (None, None, OPS["where"].vjp[2]), "with respect to input 1 .* by differences"),
        ("flip", "samples", OPS["square"].samples, "no samples"),
        ("exp", "holomorphic", False, "by differences"),
        ("absolute", "holomorphic", True, "set holomorphic=False"),
    ],
)
def test_other_fields_are_noticed_when_they_are_wrong(name, field, without, complaint):
    entry = OPS[name]
    kept = "symbol domain reference vjp samples view floating packs method holomorphic"
    fields = {f: getattr(entry, f) for f in kept.split()}
    with temporary_ops():
        op(entry.kind, **fields | {field: without})(entry.forward)
        with pytest.raises(AssertionError, match=complaint):
            check_op(name)


@pytest.mark.parametrize(
    "field, without, complaint",
    [
        ("composite", None, "give the entry a composite rule"),
        ("detached", (), "by differences"),
        ("tolerance", 0.0, "differs from the reference"),
    ],
)
def test_fields_of_a_fused_operation_are_noticed_when_they_are_missing(monkeypatch, field, without, complaint):
    monkeypatch.setattr(OPS["normalize_batch"], field, without)
    with pytest.raises((AssertionError, HigherOrderError), match=complaint):
        check_op("normalize_batch")


def test_a_newcomer_adds_the_operation_of_the_readme_and_gets_everything():
    with temporary_ops():
        exec(NEWCOMER, {})
        x = ag.tensor([1.0, 2.0], dtype="float64", requires_grad=True)
        y = ag.functional.gaussian(x)
        assert y.tolist() == x.gaussian().tolist() == pytest.approx([math.exp(-1), math.exp(-4)])
        y.sum().backward()
        assert x.grad.tolist() == pytest.approx([-2 * math.exp(-1), -4 * math.exp(-4)])
        assert gradgradcheck(ag.functional.gaussian, x)
        for device in ("cpu", "refusing"):
            check_op("gaussian", device)
        assert_documented()
        assert "gauss" in ag.draw(y).dot
    assert not hasattr(ag.Tensor, "gaussian")
    assert not hasattr(ag.functional, "gaussian")
    assert "gaussian" not in OPS


def assert_documented():
    table, methods, functions = tables.ops_table(), stubs.tensor_stub(), stubs.functional_stub()
    assert "| `gaussian` | `(input)` | gauss |" in table
    assert "exp(-x²), element by element." in table
    assert "    def gaussian(self) -> Tensor: ..." in methods
    assert "def gaussian(input: Operand) -> Tensor: ..." in functions
