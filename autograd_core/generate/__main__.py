"""Writes the files that are generated from the registry: the type stubs, `family_index.py` and `docs/ops.md`.

python -m autograd_core.generate            writes them
python -m autograd_core.generate --check    fails if one is out of date
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from autograd_core.generate.stubs import functional_stub, tensor_stub
from autograd_core.generate.tables import CORE, family_index, ops_table
from autograd_core.registry import MODULES

FILES: dict[Path, Callable[[], str]] = {
    CORE / "family_index.py": family_index,
    CORE / "tensor.pyi": tensor_stub,
    **{CORE / f"{name or 'functional'}.pyi": partial(functional_stub, module) for name, module in MODULES.items()},
    CORE.parent / "docs" / "ops.md": ops_table,
}


def outdated() -> list[str]:
    """The differences of generated files that are out of date."""
    found = []
    for path, make in FILES.items():
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        difference = difflib.unified_diff(
            before.splitlines(), make().splitlines(), path.name, "generated", lineterm="", n=0
        )
        if lines := list(difference)[:20]:
            found.append("\n".join([*lines, f"{path.name} is out of date: run python -m autograd_core.generate"]))
    return found


def main(arguments: list[str]) -> int:
    """Write the generated files, or with --check report those that are out of date."""
    parser = argparse.ArgumentParser(prog="python -m autograd_core.generate", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    if parser.parse_args(arguments).check:
        found = outdated()
        print(*found, sep="\n")
        return int(bool(found))
    for path, make in FILES.items():
        path.write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
