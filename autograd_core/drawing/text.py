"""Numbers and names as a picture shows them."""

from __future__ import annotations

from html import escape
from typing import Any

LONGEST = 60
JOINERS = "\u200c\u200d"  # format characters that scripts and emoji need to be spelt at all


def number(value: Any) -> str:
    """A number, or the element of an array of one; nothing for anything else."""
    if value is None or getattr(value, "size", 1) != 1:
        return ""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool | int):
        return str(value)
    text = f"{value if isinstance(value, complex) else float(value):.5g}"
    return text if set(text) & set(".enj") else text + ".0"


def markup(text: object, longest: int = LONGEST) -> str:
    """Any text, ready for an HTML-like label: what cannot be printed becomes its escape, as in `repr`."""
    shown = "".join(c if c.isprintable() or c in JOINERS else c.encode("unicode_escape").decode() for c in str(text))
    if len(shown) > longest:
        shown = shown[: longest - 1] + "…"
    # Graphviz would put the node's name for a backslash and N, and one space for several.
    return escape(shown).replace("\\", "\\\\").replace(" ", "&#160;")
