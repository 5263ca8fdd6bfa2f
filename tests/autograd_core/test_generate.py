"""The generated files: current, complete, and types that a program can rely on."""

import ast
import functools
import inspect
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import functional
from autograd_core import tensor as _  # noqa: F401  the function: the module of that name hides behind it
from autograd_core.engine.entries import Composition
from autograd_core.generate import __main__ as generate
from autograd_core.generate import stubs
from autograd_core.generate.stubs import parameters_of
from autograd_core.registry import COMPOSITIONS, OPS
from autograd_core.testing.samples import cases

MODULE = sys.modules["autograd_core.tensor"]
PROGRAM = """
from typing import assert_type

import numpy as np

import autograd_core as ag

x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
assert_type(x, ag.Tensor)
assert_type((2 * x @ x - np.ones(2) / x) ** 2, ag.Tensor)
assert_type(x > 1, ag.Tensor)
assert_type(x.reshape(2, 1).reshape((1, 2)).permute(1, 0).expand(2, -1), ag.Tensor)
assert_type(ag.reshape(x, (2, 1)), ag.Tensor)
assert_type(x.sum(dim=0, keepdim=True), ag.Tensor)
assert_type(x.split(1), tuple[ag.Tensor, ...])
assert_type(x.sort().values, ag.Tensor)
assert_type(ag.linalg.svd(ag.ones(2, 3)).S, ag.Tensor)
assert_type(ag.tensordot(x, x, dims=([0], [0])), ag.Tensor)
assert_type(x.norm(1) + ag.linalg.vector_norm(x, 0.5), ag.Tensor)
assert_type((x.shape, x.ndim, x.requires_grad, bool(x.all())), tuple[ag.Size, int, bool, bool])
assert_type(x.add_(1, alpha=2).exp_(), ag.Tensor)
x += 1
x[0] = 3
assert_type(x.to("cpu").float().int(), ag.Tensor)
if x.grad is not None:
    assert_type(x.grad.numpy().tolist(), object)  # type: ignore[assert-type]
@ag.no_grad()
def function(y: ag.Tensor, n: int) -> float:
    return float(y) + n
assert_type(function(x, 2), float)
x.no_such_method()  # type: ignore[attr-defined]
x.reshape("a")  # type: ignore[arg-type]
ag.zeros(2, dtype="f4", divice="cpu")  # type: ignore[call-arg]
"""


@functools.cache
def parsed(name):
    return ast.parse((generate.CORE / name).read_text(encoding="utf-8"))


def test_generated_files_are_current():
    assert generate.outdated() == []


def test_generated_files_are_current_where_calls_are_led_through_others():
    class Own(ag.Tensor):
        pass

    assert type(ag.ones(2).as_subclass(Own) + 1) is Own
    assert generate.outdated() == []


def test_check_names_what_is_out_of_date(tmp_path, monkeypatch, capsys):
    path = tmp_path / "ops.md"
    path.write_text("# Operations\n")
    monkeypatch.setattr(generate, "FILES", {path: lambda: "# Operations\n\nall\n"})
    assert generate.main(["--check"]) == 1
    assert "ops.md is out of date: run python -m autograd_core.generate" in capsys.readouterr().out
    assert path.read_text() == "# Operations\n"
    assert generate.main([]) == 0
    assert path.read_text() == "# Operations\n\nall\n"
    assert generate.main(["--check"]) == 0


def test_the_stub_lists_every_public_member_of_tensor_and_nothing_else():
    (cls,) = (node for node in parsed("tensor.pyi").body if isinstance(node, ast.ClassDef) and node.name == "Tensor")
    listed = {node.name for node in cls.body if isinstance(node, ast.FunctionDef)}
    listed |= {node.target.id for node in cls.body if isinstance(node, ast.AnnAssign)}
    private = {"_alias", "_grad", "_name", "_role", "_make_subclass"}
    public = {n for n, member in vars(ag.Tensor).items() if stubs.is_public(n, member)}
    assert listed - private == public | {"array", "grad", "node", "__new__", "__torch_function__"}


def test_the_stub_lists_what_the_module_defines():
    listed = {n.name for n in parsed("tensor.pyi").body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    own = {n for n, v in vars(MODULE).items() if getattr(v, "__module__", None) == MODULE.__name__ and callable(v)}
    assert own <= listed
    assert all(hasattr(MODULE, n) for n in listed)


def test_the_functional_stub_lists_every_function():
    listed = {n.name for n in parsed("functional.pyi").body if isinstance(n, ast.FunctionDef)}
    functions = {n for n, f in vars(functional).items() if not n.startswith("_") and inspect.isfunction(f)}
    assert listed == functions - {"attribute"}


def test_stub_signatures_accept_what_the_functions_accept():
    """Parameter names and defaults agree, for everything but operators."""
    for node in parsed("functional.pyi").body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            parameters = parameters_of(getattr(functional, node.name))
            arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            assert {a.arg for a in arguments} == {
                p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
            }


KINDS = {
    "Dim": (int, list, tuple, type(None)), "None": type(None), "Number": (int, float, complex),
    "Sequence": (list, tuple), "ShapeLike": (int, list, tuple), "Tensor": ag.Tensor, "_bool": bool,
    "_float": (int, float), "_int": int, "bool": bool, "str": str, "tuple": tuple,
}  # fmt: skip


def admits(annotation, value):
    """Whether the type in a stub admits a value, as far as its class tells."""
    fields = getattr(value, "_fields", None)
    if fields and annotation != "Any":
        (node,) = (n for n in parsed("functional.pyi").body if getattr(n, "name", "") == annotation)
        return fields == tuple(line.target.id for line in node.body)
    return any(isinstance(value, KINDS.get(part.partition("[")[0], object)) for part in annotation.split(" | "))


@pytest.mark.parametrize("entry", (*OPS.values(), *COMPOSITIONS.values()), ids=repr)
def test_types_in_the_stubs_admit_every_sample_and_its_result(entry):
    parameters = {p.name: stubs.type_of(p, entry) for p in parameters_of(entry.call)}
    returns = stubs.returns_of(entry.name.rpartition(".")[2], entry.call)
    for case in cases(entry):
        given = dict(zip(parameters, case.inputs, strict=False)) if isinstance(entry, Composition) else {}
        for name, value in {**given, **case.statics}.items():
            assert admits(parameters.get(name, "Any"), value), f"{name}: {parameters[name]} of {case}"
        with np.errstate(all="ignore"):
            assert admits(returns, case.result(*case.tensors())), f"-> {returns} of {case}"


def test_the_table_of_operations_has_a_row_per_entry():
    table = (generate.CORE.parent / "docs" / "ops.md").read_text(encoding="utf-8")
    present = table.partition("## Not here")[0]
    rows = [line for line in present.splitlines() if line.startswith("| `")]
    assert len(rows) == len(OPS) + len(COMPOSITIONS)
    for row in rows:
        cells = row.replace("\\|", "¦").split("|")[1:-1]
        assert len(cells) == 6
        assert cells[-1].strip(), f"{cells[0]} lacks a docstring"


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_a_typed_program_type_checks(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = "-m mypy --strict --follow-imports=silent --no-error-summary --cache-dir cache program.py"
    places = {"MYPYPATH": str(generate.CORE.parent), "PATH": ""}
    done = subprocess.run(
        [sys.executable, *command.split()], cwd=tmp_path, env=places, capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
    assert done.returncode == 0
