"""DOT to pictures, by Graphviz in a process of its own.

A process of its own, because the library prints to stderr, cannot be interrupted, is not safe for threads, and overflows
its stack on graphs that are deep enough.
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


def render(dot: str, format: str) -> bytes:
    """The picture of a DOT text as svg, png or pdf. ImportError: there is no Graphviz; RuntimeError: it failed."""
    settings = "-Gdpi=144" if format == "png" else "-Gdpi=72"
    done = subprocess.run(_command(format, settings), input=dot.encode(), capture_output=True, check=False)
    if done.returncode or not done.stdout:
        raise RuntimeError(f"Graphviz failed (exit status {done.returncode}): {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _command(format: str, settings: str) -> list[str]:
    if sys.executable and find_spec("pygraphviz"):
        return [sys.executable, "-P", "-c", LIBRARY, format, settings]
    if program := shutil.which("dot"):
        return [program, f"-T{format}", settings]
    raise ImportError('pictures of graphs need Graphviz: pip install "autograd-core[graphs]"')
