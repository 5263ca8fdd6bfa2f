"""Compare every operation on a GPU with float64 NumPy, and captured steps with plain ones.

Prints a table in Markdown for docs/gpu.md, and writes everything that was found as JSON. 0 if all that was compared
agrees, 1 if something does not, 2 if no GPU can be used, after saying what is missing.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import backends
from benchmarks.gpu import check


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for."""
    options = _parser().parse_args(arguments)
    try:
        machine = backends.get("cuda").describe()
    except backends.BackendUnavailable as missing:
        print(f"nothing was run: {missing}", file=sys.stderr)
        return 2
    rows = check.operations(options.only.split(",") if options.only else None)
    steps = check.captured_steps()
    print(check.table(machine, rows, steps))
    if options.json:
        found = {"machine": machine, "date": datetime.now(UTC).isoformat(timespec="seconds"), "operations": rows,
                 "captured": steps}  # fmt: skip
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if all(row["right"] for row in (*rows, *steps)) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--check", action="store_true", required=True, help="compare results")
    parser.add_argument("--only", metavar="NAMES", help="these operations, separated by commas, instead of all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was found here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
