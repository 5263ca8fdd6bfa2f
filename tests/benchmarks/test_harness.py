"""The benchmarks' harness: what it prints, and what it says when something is missing. Never a time."""

import json
import sys
from types import ModuleType

import pytest

from benchmarks import report, runner, worker
from benchmarks.__main__ import main
from benchmarks.engines import CAPTURED, ENGINES, OURS, Engine
from benchmarks.runner import SGEMM, Rounds
from benchmarks.worker import Timing
from benchmarks.workloads import WORKLOADS

RESULTS: report.Results = {
    "resnet20": {
        OURS: Rounds((Timing(0.25, 0.3, 3 * 2**20), Timing(0.5, 0.6, 2**20), Timing(1.0, 1.0))),
        "torch": Rounds((Timing(0.75, 0.8), Timing(1.0, 1.1), Timing(1.5, 1.6))),
        "jax": "ValueError: broken",
        SGEMM: Rounds(3 * (Timing(0.1, 0.1),)),
    },
    "chain": {OURS: "broken"},
}


def test_every_figure_has_its_column() -> None:
    assert report.text(report.details(RESULTS)).splitlines() == [
        "workload  engine  best ratio  paired  best, ms  median, ms  memory, MiB  GFLOP/s  of sgemm",
        "resnet20  ours         1.00×   1.00×   250.000     600.000          3.0    124.1      72 %",
        "resnet20  torch        3.00×   2.00×   750.000    1100.000            –     41.4      24 %",
        "resnet20  jax              –       –    failed",
        "chain     ours             –       –    failed",
    ]


def test_markdown_quotes_ratios_memory_and_rates_but_no_times() -> None:
    assert report.markdown(report.ratios(RESULTS)).splitlines() == [
        "| time of the peer / ours: best, paired | torch | jax |",
        "| --- | ---: | ---: |",
        "| ResNet-20, 32×32, batch 128, SGD step | 3.00×, 2.00× | – |",
        "| 100 × `h * x`, 4×4, forward + backward | – | – |",
    ]
    assert report.markdown(report.roofline(RESULTS)).splitlines()[2:] == [
        "| ResNet-20, 32×32, batch 128, SGD step | 3.0 | – | 124.1 | 72 % |"
    ]


def test_budgets_stand_beside_what_was_measured() -> None:
    rows = report.budgets({"forward": 4.21}, {"import": {OURS: Rounds((Timing(0.0312, 0.04),))}})
    assert rows[1:] == [["forward, × np.multiply", "4.2×", "4.5×"], ["import, above numpy", "31.2 ms", "50 ms"]]


@pytest.mark.parametrize("arguments, known", [(["mpl"], "chain, scalar, mlp-tiny"), (["--peers", "tf"], "torch-cl")])
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


def test_help_describes_every_workload(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(f"  {name} " in text and workload.description in text for name, workload in WORKLOADS.items())


def test_every_round_is_kept_and_a_failure_is_one_line() -> None:
    good = [sys.executable, "-c", 'print(\'{"best": 1.0, "median": 2.0}\')']
    bad = [sys.executable, "-c", "raise ValueError('shape (2, 3)\\n  remedy')"]
    assert runner.collect({"a": good, "b": bad}, rounds=2) == {
        "a": Rounds((Timing(1.0, 2.0), Timing(1.0, 2.0))),
        "b": "ValueError: shape (2, 3)",
    }


def test_worker_prints_one_json_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    engine = ModuleType("fake_engine")
    engine.__dict__["mlp_tiny"] = lambda: lambda: None
    monkeypatch.setitem(sys.modules, "fake_engine", engine)
    monkeypatch.setitem(ENGINES, OURS, Engine("fake_engine", "fake_engine"))
    worker.main(["mlp-tiny", OURS, "--seconds", "0.01"])
    assert json.loads(capsys.readouterr().out).keys() == {"best", "median", "memory"}


def test_every_peer_of_a_workload_is_an_engine() -> None:
    assert {peer for workload in WORKLOADS.values() for peer in workload.peers} <= ENGINES.keys()


STEPS = [
    (engine, workload)
    for engine in (OURS, CAPTURED, "mygrad", "autograd", "micrograd")
    for workload in ("chain", "scalar", "mlp-tiny", "mlp", "lenet5")
    if engine in (OURS, CAPTURED, *WORKLOADS[workload].peers)
]


@pytest.mark.parametrize("engine, workload", STEPS)
def test_steps_run(engine: str, workload: str) -> None:
    if not ENGINES[engine].installed:
        pytest.skip(f"{ENGINES[engine].package} is not installed")
    step = ENGINES[engine].builder(workload)()
    for _ in range(4 if engine == CAPTURED else 2):
        step()
    assert engine != CAPTURED or (step.source and not step.reasons)  # type: ignore[attr-defined]
