"""A self-contained HTML page around a picture: it zooms, and plays the backward pass of scalar expressions."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from autograd_core.drawing.graph import Graph, Step
from autograd_core.drawing.writing.text import printable

PLAYER = """
<section id="player">
<nav><button id="first" title="Home">|◀ first</button><button id="back" title="←">◀ back</button>
<button id="next" title="→">next ▶</button><button id="last" title="End">last ▶|</button>
<button id="play" title="Space">▷ play</button><output id="at"></output></nav>
<h2 id="what"></h2>
<table><thead><tr><th>operand</th><th>local derivative</th><th></th><th>gradient here</th><th></th>
<th>product</th><th>its gradient so far</th></tr></thead><tbody id="parts"></tbody></table>
</section>
"""


def page(svg: str, graph: Graph, steps: Sequence[Step], theme: str) -> str:
    """The HTML page. Names enter it as picture text and as JSON; only its own script may run."""
    here = Path(__file__).parent
    script, style = (here / "page.js").read_text("utf-8"), (here / "page.css").read_text("utf-8")
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    data = json.dumps({"steps": list(map(_told, steps)), "names": _names(graph), "edges": _edges(graph)})
    scheme = {"auto": "light dark"}.get(theme, theme)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Compute graph</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'sha256-{allowed}'">
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="{scheme}">
<style>{style}</style></head>
<body class="{"stepped" if steps else "still"}">
<nav id="zoom"><button id="out" title="-">−</button><button id="fit" title="0">fit</button>\
<button id="in" title="+">+</button><span>{_keys(bool(steps))}</span></nav>
{PLAYER if steps else ""}<main>{svg}</main>
<script type="application/json" id="data">{_inert(data)}</script>
<script>{script}</script></body></html>
"""


def _keys(stepped: bool) -> str:
    return ("keys: → next, ← back, Home, End, space plays; " if stepped else "keys: ") + "+ − 0 zoom"


def _inert(data: str) -> str:
    """JSON that HTML parsers cannot misread."""
    return data.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _told(step: Step) -> dict[str, object]:
    parts = [{"vertex": p.vertex, "local": p.local, "product": p.product, "total": p.total} for p in step.parts]
    return {"vertex": step.vertex, "symbol": printable(step.symbol), "gradient": step.gradient, "parts": parts}


def _names(graph: Graph) -> list[str]:
    """The names of vertices in the steps: symbol, name, value."""
    told = [f"{v.title} ({v.name})" if v.name else v.title for v in graph.vertices]
    return [printable(" = ".join(filter(None, [t, v.value]))) for t, v in zip(told, graph.vertices, strict=True)]


def _edges(graph: Graph) -> list[list[int]]:
    return [[e.source, e.target] for e in graph.edges]
