"""`python -m benchmarks.gpu --check` over a CuPy without a GPU, and what it says without any."""

import json
import re

import numpy as np
import pytest

import backends
from autograd_core.kinds import ELEMENTWISE
from autograd_core.registry import Interval, op
from autograd_core.testing.entries import temporary_ops
from backends.registry import _loaded, _loaders
from benchmarks.gpu import check
from benchmarks.gpu.__main__ import main
from benchmarks.gpu.check import operations

ONLY = "tanh,matmul,conv2d,layer_norm,cross_entropy,max_pool2d,softmax,embedding,cat,sort"


@pytest.mark.usefixtures("cupy")
def test_what_is_right_is_told_apart_from_what_is_wrong(tmp_path, capsys):
    with temporary_ops():

        @op(ELEMENTWISE, symbol="w", domain=Interval(1, 2), reference=lambda x: x, vjp=lambda xp, g, x: g)
        def wrong(xp, x):
            """Adds 1e-3 in float32 only."""
            return x + (1e-3 if x.dtype == xp.float32 else 0)

        @op(ELEMENTWISE, symbol="f", domain=Interval(1, 2), reference=lambda x: x, vjp=lambda xp, g, x: g)
        def failing(xp, x):
            """Fails on a GPU."""
            if not isinstance(x, np.ndarray):
                raise TypeError("no such kernel")
            return x + 0

        file = tmp_path / "found.json"
        assert main(["--check", "--processes", "0", "--only", f"{ONLY},wrong,failing", "--json", str(file)]) == 1
    found = json.loads(file.read_text())
    right = {(row["operation"], row["dtype"]): row["right"] for row in found["operations"]}
    assert {key for key, value in right.items() if not value} == {
        ("wrong", "float32"),
        ("failing", "float32"),
        ("failing", "bfloat16"),
    }
    assert len(right) == 2 * (2 + len(ONLY.split(",")))
    assert all(row["right"] for row in found["captured"])
    printed = capsys.readouterr().out
    assert "on 2 x H200" in printed
    assert "| float32 operations | 12 | 10 |" in printed
    assert "1 with wrong numbers:\n\n- wrong in float32: values differ by 5" in printed
    assert re.search(
        r"\(value 0 of wrong\(.*: 1\.\d+ instead of 1\.\d+ at \[\d, \d\], 6 of 6 differ so; the CPU's is 5", printed
    )
    raised = printed.partition("2 raised:\n\n")[2].splitlines()[0]
    assert raised.startswith("- failing in float32: DtypeError: failing: no such kernel")
    assert raised.endswith(", in failing)")


def test_what_is_wrong_is_computed_again_without_our_kernels():
    def ask(work, items, variables=None):
        for item in items:
            yield item, {"value": 0.0 if variables == {"AUTOGRAD_CORE_CUDA_WITHOUT": "all"} else 1.0, "gradient": 0.5}

    rows = list(operations(["exp"], ask=ask))
    assert [row["right"] for row in rows] == [False, False]
    table = check.table("", {}, rows, [])
    assert (
        "- exp in float32: values differ by 1.0e+00, gradients by 5.0e-01; without our kernels: values differ by 0"
        in table
    )


@pytest.mark.usefixtures("cupy")
def test_what_rounds_alike_on_the_cpu_is_right_in_bfloat16_alone():
    with temporary_ops():

        @op(ELEMENTWISE, symbol="r", domain=Interval(1, 2), reference=lambda x: x, vjp=lambda xp, g, x: g)
        def rounded(xp, x):
            """Far off but in float64."""
            return x + 0 if x.dtype == xp.float64 else x + x

        rows = [*operations(["rounded"])]
        assert [row["right"] for row in rows] == [False, True]
        assert [row.get("as on the CPU") for row in rows] == [None, "1.0e+00 off"]


@pytest.mark.usefixtures("cupy")
def test_every_operation_runs_where_its_operands_are(monkeypatch):
    monkeypatch.setattr(check, "LIMITS", {"float32": 1e-5})
    rows = list(operations(device="cuda:1"))  # the current device is another one
    assert len(rows) > 500
    assert [row["operation"] + row["error"] for row in rows if not row["right"]] == []


@pytest.mark.usefixtures("cupy")
def test_a_run_ends_in_time_with_what_it_has(tmp_path, capsys):
    file = tmp_path / "found.json"
    assert main(["--check", "--processes", "0", "--only", ONLY, "--seconds", "0", "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    assert (len(found["captured"]), len(found["operations"])) == (1, 1)
    assert "the time is up: the last of operations are not among the results" in capsys.readouterr().err


@pytest.mark.usefixtures("cupy")
def test_a_part_that_fails_leaves_the_others(monkeypatch, tmp_path, capsys):
    def fails(*args, **given):
        yield {"operation": "first", "dtype": "float32", "value": 0.0, "gradient": 0.0, "error": "", "right": True}
        raise KeyError("a typing error")

    monkeypatch.setattr(check, "large", fails)
    file = tmp_path / "found.json"
    assert main(["--check", "--processes", "0", "--only", "exp", "--json", str(file)]) == 1
    found = json.loads(file.read_text())
    assert [row["operation"] for row in found["operations"]] == ["first", "exp", "exp"]
    printed = capsys.readouterr()
    assert "a typing error" in printed.err
    assert "captured steps agree with plain ones" in printed.out
    assert "cut short" in printed.out


@pytest.mark.usefixtures("cupy")
def test_large_operations_are_right(monkeypatch):
    monkeypatch.setattr(check, "LIMITS", {"float32": 1e-5})
    names = ["batch norm with ReLU odd", "cross-entropy of images", "clipping of 70 gradients"]
    rows = list(check.large(names))
    assert [row["operation"] for row in rows if row["right"]] == names
    assert all(row["value"] > 0 for row in rows)


@pytest.mark.usefixtures("cupy")
def test_gradients_are_compared_too():
    with temporary_ops():

        @op(
            ELEMENTWISE,
            symbol="w",
            domain=Interval(1, 2),
            reference=lambda x: x,
            vjp=lambda xp, g, x_dtype: g * (1.5 if x_dtype == "float32" else 1),
        )
        def wrong(xp, x):
            """Its rule is wrong in float32."""
            return x + 0

        single, half = operations(["wrong"])
    assert not single["right"]
    assert single["value"] == 0
    assert half["right"]


def test_without_a_gpu_it_says_what_is_missing(monkeypatch, capsys):
    def missing():
        raise backends.BackendUnavailable("device 'cuda' needs CuPy, which is not installed")

    monkeypatch.setitem(_loaders, "cuda", missing)
    monkeypatch.delitem(_loaded, "cuda", raising=False)
    assert main(["--check", "--processes", "0"]) == 2
    assert "nothing was run: BackendUnavailable: device 'cuda' needs CuPy" in capsys.readouterr().err
