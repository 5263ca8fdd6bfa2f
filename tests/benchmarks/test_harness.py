"""The benchmarks' harness: what it prints, and what it says when something is missing. Never a time."""

import json
import sys
from importlib.util import find_spec
from types import ModuleType

import pytest

from benchmarks import report, runner, worker
from benchmarks.__main__ import main
from benchmarks.engines import ENGINES, OURS, Engine
from benchmarks.worker import Timing
from benchmarks.workloads import WORKLOADS

RESULTS: report.Results = {
    "mlp": {OURS: Timing(0.0005, 0.0006, 3 * 2**20), "torch": Timing(0.001, 0.002)},
    "chain": {OURS: "broken"},
}


def test_every_figure_has_its_column() -> None:
    assert report.text(report.details(RESULTS)).splitlines() == [
        "workload  engine  time / ours  best, ms  median, ms  memory, MiB",
        "mlp       ours          1.00×     0.500       0.600          3.0",
        "mlp       torch         2.00×     1.000       2.000            –",
        "chain     ours              –    failed",
    ]


def test_markdown_quotes_only_ratios() -> None:
    assert report.markdown(report.ratios(RESULTS)).splitlines() == [
        "| time of the peer / ours | torch |",
        "| --- | ---: |",
        "| MLP 784-256-128-10, batch 64, Adam step | 2.00× |",
        "| 100 × `h * x`, 4×4, forward + backward | – |",
    ]


def test_budgets_stand_beside_what_was_measured() -> None:
    rows = report.budgets({"forward": 4.21}, {"import": {OURS: Timing(0.0312, 0.04)}})
    assert rows[1:] == [["forward, × np.multiply", "4.2×", "4.5×"], ["import, above numpy", "31.2 ms", "50 ms"]]


@pytest.mark.parametrize("arguments, known", [(["mpl"], "chain, scalar, mlp-tiny"), (["--peers", "jax"], "torch-cl")])
def test_unknown_names_list_the_known_ones(
    arguments: list[str], known: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert message.startswith("unknown ")
    assert known in message
    assert message.count("\n") == 1


def test_an_absent_peer_is_skipped_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (OURS, "torch"):
        monkeypatch.setitem(ENGINES, name, Engine("no_such_package", "no.such.module"))
    assert main(["chain", "--peers", "torch"]) == 0
    machine, *rest = capsys.readouterr().out.splitlines()
    assert "numpy" in machine
    assert rest == [f"{name}: skipped, no_such_package cannot be found" for name in (OURS, "torch")]


def test_rounds_keep_the_best_and_a_failure_is_one_line() -> None:
    good = [sys.executable, "-c", 'print(\'{"best": 1.0, "median": 2.0}\')']
    bad = [sys.executable, "-c", "raise ValueError('shape (2, 3)\\n  remedy')"]
    assert runner.collect({"a": good, "b": bad}, rounds=2) == {"a": Timing(1.0, 2.0), "b": "ValueError: shape (2, 3)"}


def test_worker_prints_one_json_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    engine = ModuleType("fake_engine")
    engine.__dict__["mlp_tiny"] = lambda: lambda: None
    monkeypatch.setitem(sys.modules, "fake_engine", engine)
    monkeypatch.setitem(ENGINES, OURS, Engine("fake_engine", "fake_engine"))
    worker.main(["mlp-tiny", OURS, "--seconds", "0.01"])
    assert json.loads(capsys.readouterr().out).keys() == {"best", "median", "memory"}


def test_every_peer_of_a_workload_is_an_engine() -> None:
    assert {peer for workload in WORKLOADS.values() for peer in workload.peers} <= ENGINES.keys()


@pytest.mark.skipif(not all(map(find_spec, ("autograd_core", "nn", "optim"))), reason="our engine is not installed")
@pytest.mark.parametrize("name", ["chain", "scalar", "mlp-tiny", "mlp", "lenet5"])
def test_our_steps_run(name: str) -> None:
    step = ENGINES[OURS].builder(name)()
    step()
    step()
