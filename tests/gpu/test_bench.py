"""`python -m benchmarks.gpu`: what it says without a GPU, and that its cases run where kernels run on the CPU."""

import json
import os
import signal
from types import SimpleNamespace

import pytest

import backends
from benchmarks import report
from benchmarks.gpu import __main__ as command
from benchmarks.gpu import acceptance, bench, check, workers
from benchmarks.gpu.engines import Engine

GROUPS = dict(bench.GROUPS)
ROWS = [
    {"group": "memory", "name": "relu", "unit": "of a copy", "ours": 0.5, "torch": 0.75, "rate": 0.875},
    {"group": "products", "name": "8192³", "unit": "TFLOP/s", "ours": 2.0, "torch": None, "rate": 549.76},
    {"group": "steps", "name": "ResNet-50", "unit": "images/s", "ours": "MemoryError: all of it", "torch": 2.5},
]


def test_the_table_has_ratios_rates_and_reasons():
    assert report.text(bench.table(ROWS)).splitlines()[1:] == [
        "memory    relu                        0.500      0.750  1.50×           88 %",
        "products  8192³                       2.000          –      –  549.8 TFLOP/s",
        "steps     ResNet-50  MemoryError: all of it      2.500      –              –",
    ]


def test_without_a_gpu_it_says_what_is_missing(monkeypatch, capsys):
    def unavailable(device_type):
        raise backends.BackendUnavailable("no GPU is visible")

    monkeypatch.setattr(backends, "get", unavailable)
    assert command.main(["--bench", "--processes", "0"]) == 2
    assert "no GPU is visible" in capsys.readouterr().err


@pytest.fixture
def short(compiling, monkeypatch):
    """Sizes of a hundredth, each case once, nothing compared with."""
    monkeypatch.setattr(Engine, "milliseconds", lambda self, work: (work(), 2.0)[1])
    monkeypatch.setattr(bench, "bandwidth", lambda engine, size: 1e9)
    monkeypatch.setitem(bench.ENGINES, "torch", lambda: None)
    groups = {name: lambda part, make=make: make(1 << 15) for name, make in bench.GROUPS.items()}
    monkeypatch.setattr(bench, "GROUPS", groups)


def test_every_case_of_what_memory_bounds_runs(short, tmp_path, capsys):
    assert (
        command.main(["memory", "--bench", "--processes", "0", "--json", str(tmp_path / "found.json"), "--markdown"])
        == 0
    )
    rows = json.loads((tmp_path / "found.json").read_text())["times"]
    assert len(rows) == 54
    assert {row["ours"] for row in rows} == {2.0}
    assert all(row["rate"] > 0 for row in rows)
    assert "| memory | relu float32 | 2.000 | – | – |" in capsys.readouterr().out


def test_a_group_that_does_not_exist_is_named(short):
    with pytest.raises(ValueError, match="unknown groups matmul; known: products, attention, small"):
        next(bench.run(["matmul"], 1))


def test_every_figure_is_named_and_judged(short, monkeypatch, tmp_path, capsys):
    groups = {name: lambda part, make=make: make(1 << 9) for name, make in GROUPS.items()}
    monkeypatch.setattr(bench, "GROUPS", groups)
    monkeypatch.setitem(bench.ENGINES, "torch", bench.ENGINES[bench.OURS])
    step = {"step": "a network", "difference": 0.0, "error": "", "right": True}
    monkeypatch.setattr(check, "captured_steps", lambda ask: iter([step] * len(check.STEPS)))
    file, given = tmp_path / "found.json", ["--processes", "0", "--json"]
    assert command.main(["--check", "--only", "exp", *given, str(file)]) == 0
    assert command.main(["products", "attention", "small", "--bench", "--markdown", *given, str(file)]) == 0
    lines = capsys.readouterr().out.split("| figure |")[-1].splitlines()[2:]
    met = {cells[1]: cells[4] for cells in ([cell.strip() for cell in line.split("|")] for line in lines)}
    assert met == {
        **{f"{what} of operations in {dtype}": "yes" for what in ("values", "gradients") for dtype in check.LIMITS},
        "captured steps agree with plain ones": "yes",
        "products / PyTorch": "yes",
        "attention / PyTorch": "yes",
        "all convolutions of ResNet-50 / PyTorch": "not measured",
        "memory-bound kernels / copy": "not measured",
        "ResNet-50, mixed precision / PyTorch": "not measured",
        "ResNet-50, mixed precision, captured / PyTorch's plain": "not measured",
        "small steps, captured / plain": "NO",  # every time is that of the fixture
        "small steps, captured / PyTorch's plain": "yes",
        "optimizers / PyTorch's fused": "not measured",
    }
    written = {figure["name"]: figure for figure in json.loads(file.read_text())["figures"]}
    assert {name: figure["met"] for name, figure in written.items()} == {
        name: {"yes": True, "NO": False, "not measured": None}[said] for name, said in met.items()
    }
    assert written["small steps, captured / plain"]["wanted"] == ">= 2"


def test_figures_that_failed_or_were_cut_short_are_not_met():
    rows = [
        {"group": "convolutions", "name": "64→64 56² 3×3/1 ×3 forward", "ours": 1.0, "torch": 2.0},
        {"group": "convolutions", "name": "64→256 56² 1×1/1 ×4 forward", "ours": 1.0, "torch": 0.5},
        {"group": "memory", "name": "relu", "ours": "MemoryError", "torch": 0.5},
        {"group": "products", "name": "a", "ours": 1.0, "torch": 1.0},
        {"group": "products", "name": "b", "ours": 1.0, "torch": 0.75},
        {"group": "products", "name": "c", "ours": 1.0, "torch": 0.5},
        {"group": "steps", "name": "ResNet-50, batch 256, bfloat16 autocast", "ours": 50.0, "torch": 40.0},
    ]
    operation = {"operation": "exp", "dtype": "float32", "value": 1e-6, "gradient": 0.1, "error": "", "right": False}
    many = [operation | {"operation": f"op{i}", "dtype": "bfloat16", "value": 1.0} for i in range(9)]
    found = {"times": rows, "operations": [operation, *many]}
    found[acceptance.CASES] = {"operations": 11, "products": 3, "convolutions": 2}
    said = {f.name: (f.found, f.met) for f in acceptance.figures(found)}
    assert said["all convolutions of ResNet-50 / PyTorch"] == ("1.14", True)
    assert said["products / PyTorch"] == ("0.50 (c); also short: 0.75 b", False)
    assert said["memory-bound kernels / copy"] == ("1 failed, such as relu", False)
    assert said["ResNet-50, mixed precision / PyTorch"][1] is False
    assert said["values of operations in float32"] == ("1 of 1, cut short, at most 1.0e-06", False)
    assert said["gradients of operations in float32"][0].startswith("0 of 1")
    assert said["gradients of operations in float32"][0].endswith("; not exp")
    assert said["values of operations in bfloat16"][0].endswith("not op0, op1, op2, op3, op4, op5, op6, op7, ...")
    assert {f.met for f in acceptance.figures({"operations": [operation]}) if "bfloat16" in f.name} == {None}


def test_what_was_cut_short_is_not_met():
    rows = [{"group": "products", "name": "a", "ours": 1.0, "torch": 1.0}]
    step = {"step": "a network", "difference": 0.0, "error": "", "right": True}
    found = {"times": rows, "captured": [step], acceptance.CASES: {"products": 2, "captured": 2, "memory": 38}}
    said = {f.name: (f.found, f.met) for f in acceptance.figures(found)}
    assert said["products / PyTorch"] == ("1.00 (a); cut short", False)
    assert said["captured steps agree with plain ones"] == ("1 of 1, cut short", False)
    assert said["memory-bound kernels / copy"] == ("", None)


def test_every_group_gets_its_share_of_the_time(monkeypatch):
    until = bench.deadlines(bench.GROUPS, 100.0, 200.0)
    assert (until["products"], until["attention"], until["steps"], until[bench.COPY]) == (110, 120, 200, 200)
    assert bench.deadlines(["memory", "steps"], 0.0, 25.0) == {bench.COPY: 25, "memory": 15, "steps": 25}
    assert sum(bench.SHARES.values()) == 100
    assert set(bench.deadlines(bench.GROUPS, 0.0, float("inf")).values()) == {float("inf")}
    made = [bench.Case("memory", name, 1.0, None) for name in "ab"]
    monkeypatch.setattr(bench, "GROUPS", dict.fromkeys(["products", "memory"], lambda part: made))

    late = {("products", 1, "ours"), ("memory", 1, "torch")}

    def ask(work, items, ends):
        for group, i, part, engine in items:
            failed = workers.Failure("hung", "") if (group, i, engine) == ("memory", 1, "ours") else 2.0
            yield (group, i, part, engine), bench.LATE if (group, i, engine) in late else failed

    rows = [(row["name"], row["ours"], row["torch"]) for row in bench.run([], 1, ask)]
    assert rows == [("a", 2, 2), ("a", 2, 2), ("b", "hung", None)]


@pytest.mark.parametrize(("each", "runs"), [(0.1, 5 + 1900), (40.0, 5 + 5), (900.0, 5 + 2)])
def test_short_and_long_work_is_measured(each, runs):
    done = []

    def event(enable_timing):
        made = SimpleNamespace(synchronize=lambda: None, record=lambda: setattr(made, "at", len(done)))
        made.elapsed_time = lambda end: each * (end.at - made.at)
        return made

    cuda = SimpleNamespace(synchronize=lambda: None, Event=event)
    found = Engine("ours", SimpleNamespace(cuda=cuda), None, None).milliseconds(lambda: done.append(1))
    assert found == pytest.approx(each)
    assert len(done) <= runs


def test_a_group_that_cannot_be_made_leaves_the_others(short, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(bench.GROUPS, "products", lambda part: 1 / 0)
    file = tmp_path / "found.json"
    assert command.main(["products", "optimizers", "--bench", "--processes", "0", "--json", str(file)]) == 0
    assert [row["group"] for row in json.loads(file.read_text())["times"]] == ["optimizers", "optimizers"]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_parts_that_fail_leave_the_others(short, monkeypatch, tmp_path, capsys):
    def fails(*rows):
        raise KeyError("a typing error")

    monkeypatch.setattr(bench, "table", fails)
    monkeypatch.setattr(check, "table", fails)
    monkeypatch.setattr(check, "captured_steps", lambda ask: iter(()))
    file = tmp_path / "found.json"
    given = ["optimizers", "--check", "--bench", "--only", "exp", "--processes", "0", "--json", str(file)]
    assert command.main(given) == 1
    found = json.loads(file.read_text())
    assert (len(found["operations"]), len(found["times"])) == (2, 2)
    printed = capsys.readouterr()
    assert printed.err.count("KeyError: 'a typing error'") == 2
    assert "values of operations in float32" in printed.out


def test_a_signal_ends_a_run_with_what_it_has(short, monkeypatch, tmp_path, capsys):
    def ended(groups, part, ask, end):
        yield ROWS[1]
        os.kill(os.getpid(), signal.SIGTERM)
        yield ROWS[0]

    monkeypatch.setattr(bench, "run", ended)
    file, before = tmp_path / "found.json", signal.getsignal(signal.SIGTERM)
    assert command.main(["--bench", "--processes", "0", "--json", str(file)]) == 0
    assert [row["name"] for row in json.loads(file.read_text())["times"]] == ["8192³"]
    assert json.loads(file.read_text())[acceptance.CASES]["steps"] == 6  # of two groups
    printed = capsys.readouterr().out
    assert "8192³" in printed
    assert "products / PyTorch" in printed
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_file_is_replaced_as_a_whole(tmp_path, capsys):
    file = command._File(tmp_path / "found.json", {"a": 1})
    file.write()
    file.found["a"] = 2
    file.write(since=60)  # too soon
    assert json.loads(file.path.read_text())["a"] == 1
    file.found["b"] = ValueError("what JSON does not know")
    file.write()
    found = json.loads(file.path.read_text())
    assert (found["a"], found["b"]) == (2, "what JSON does not know")
    file.path = tmp_path / "no folder" / "found.json"
    file.write()  # is shown, and ends nothing
    assert "No such file" in capsys.readouterr().err


def test_warnings_do_not_hide_the_last_table(short, monkeypatch, capsys):
    def warn(groups, part, ask, end):
        warned = ask.keywords["warned"]
        warned |= {f"message {i} " + "x" * 1000: "somewhere" for i in range(50)}
        return iter(())

    monkeypatch.setattr(bench, "run", warn)
    command.main(["--bench", "--processes", "0"])
    lines = capsys.readouterr().out.splitlines()
    shown = [line for line in lines if line.startswith("somewhere: ")]
    assert (len(shown), max(map(len, shown))) == (30, 300)
    assert "... and 20 more" in lines
