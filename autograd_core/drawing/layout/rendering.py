"""Renders DOT to pictures by Graphviz, in a separate process.

Not in this process, because the library prints its warnings to stderr, cannot be interrupted, and is not thread-safe.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec

LIBRARY = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot", args=sys.argv[2]))
"""


def render(dot: str, format: str, dpi: int = 72) -> bytes:
    """A DOT text as png, pdf or json0, its layout. ImportError: there is no Graphviz; RuntimeError: it failed."""
    done = subprocess.run(_command(format, f"-Gdpi={dpi}"), input=dot.encode(), capture_output=True, check=False)
    if done.returncode or not done.stdout:
        raise RuntimeError(
            f"Graphviz failed (exit status {done.returncode}): {done.stderr.decode(errors='replace').strip()}"
        )
    return done.stdout


def _command(format: str, settings: str) -> list[str]:
    if sys.executable and find_spec("pygraphviz"):
        return [sys.executable, "-P", "-c", LIBRARY, format, settings]
    if program := shutil.which("dot"):
        return [program, f"-T{format}", settings]
    raise ImportError('this needs Graphviz: pip install "autograd-core[graphs]"; svg, html and dot do without')


def available() -> bool:
    """Whether Graphviz is available."""
    return bool(sys.executable and find_spec("pygraphviz")) or shutil.which("dot") is not None
