"""Time and peak memory of whole steps, compared with the peers.

Every engine runs in separate processes with two threads each, interleaved round by round. "best" is the ratio of the
fastest steps of all rounds, "paired" the median of the ratios within a round: above 1 this engine is faster. On a
shared, noisy machine ratios are reliable but times are not, so quote only ratios. Memory is the peak during steps minus
that after the import. GFLOP/s count the convolutions and matrix products over the time of the whole step; "of sgemm"
compares with NumPy's product of 2048×2048 matrices, measured in the same rounds. Compilation is never timed.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import report, runner
from benchmarks.engines import CAPTURED, ENGINES, OURS
from benchmarks.workloads import WORKLOADS

PEERS = [engine for engine in ENGINES if engine not in (OURS, CAPTURED)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the workloads and print the tables; returns 2 for an unknown name, otherwise 0, whatever the times are."""
    options = _parser().parse_args(arguments)
    workloads = options.workloads or list(WORKLOADS)
    if options.rounds is not None and options.rounds < 1:
        print(f"--rounds must be at least 1, not {options.rounds}", file=sys.stderr)
        return 2
    peers = options.peers.split(",") if options.peers else []
    for kind, names, known in (("workload", workloads, list(WORKLOADS)), ("peer", peers, PEERS)):
        if unknown := [name for name in names if name not in known]:
            print(f"unknown {kind} {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr)
            return 2

    print(report.machine(), flush=True)
    engines = [OURS, *peers]
    for engine in [engine for engine in engines if not ENGINES[engine].installed]:
        print(f"{engine}: skipped, {ENGINES[engine].package} cannot be found", flush=True)
        engines.remove(engine)

    rounds, seconds = (1, 0.3) if options.quick else (3, 1.5)
    results = {
        workload: _measure(workload, engines, options.rounds or rounds, seconds, options.captured)
        for workload in workloads
        if workload != "overhead"
    }
    overhead = _overhead() if "overhead" in workloads and OURS in engines else {}
    _print(results, overhead, options.markdown)
    if options.json:
        document = {"machine": report.machine(), "overhead": overhead, "seconds and bytes": results}
        options.json.write_text(json.dumps(document, indent=2, default=asdict) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    lines = (f"  {name:16} {workload.description}" for name, workload in WORKLOADS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog="\n".join(["workloads:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("workloads", nargs="*", metavar="workload", help="one of those below (default: all)")
    parser.add_argument("--peers", default=",".join(PEERS), help="separated by commas (default: %(default)s)")
    parser.add_argument("--rounds", type=int, help="interleaved processes per engine (default: 3; --quick: 1)")
    parser.add_argument("--captured", action="store_true", help="run our steps by `autograd_core.capture`")
    parser.add_argument("--quick", action="store_true", help="one short round, for a look")
    parser.add_argument("--markdown", action="store_true", help="print the tables of docs/performance.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    return parser


def _measure(
    workload: str, engines: Sequence[str], rounds: int, seconds: float, captured: bool
) -> dict[str, runner.Answer]:
    able = [engine for engine in engines if engine == OURS or engine in WORKLOADS[workload].peers]
    print(f"{workload}: {', '.join(able)} ...", file=sys.stderr)
    if WORKLOADS[workload].products:
        able.append(runner.SGEMM)
    run = {engine: CAPTURED if captured and engine == OURS else engine for engine in able}
    answers = runner.collect({engine: runner.command(workload, run[engine], seconds) for engine in able}, rounds)
    for engine, answer in answers.items():
        if isinstance(answer, str):
            print(f"{workload}, {engine}: failed, {answer}", flush=True)
    return answers


def _overhead() -> dict[str, float]:
    answer = runner.run([sys.executable, "-m", "benchmarks.overhead"])
    if isinstance(answer, str):
        print(f"overhead, {OURS}: failed, {answer}", flush=True)
        return {}
    return answer


def _print(results: report.Results, overhead: Mapping[str, float], markdown: bool) -> None:
    figures = [report.ratios(results), report.roofline(results)] if markdown else [report.details(results)]
    tables = [*figures, report.budgets(overhead, results)]
    layout = report.markdown if markdown else report.text
    for rows in tables:
        if len(rows) > 1:
            print("", layout(rows), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
