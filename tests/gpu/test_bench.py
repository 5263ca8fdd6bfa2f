"""`python -m benchmarks.gpu`: what it says without a GPU, and that its cases run where kernels run on the CPU."""

import json

import pytest

import backends
from benchmarks import report
from benchmarks.gpu import __main__ as command
from benchmarks.gpu import bench
from benchmarks.gpu.engines import Engine

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
    assert command.main(["--bench"]) == 2
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
    assert len(rows) == 30
    assert {row["ours"] for row in rows} == {2.0}
    assert all(row["rate"] > 0 for row in rows)
    assert "| memory | relu float32 | 2.000 | – | – |" in capsys.readouterr().out


def test_a_group_that_does_not_exist_is_named(short):
    with pytest.raises(ValueError, match="unknown groups matmul; known: products, small"):
        next(bench.run(["matmul"], 1))
