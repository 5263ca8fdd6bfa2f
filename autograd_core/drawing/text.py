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


def markup(text: str) -> str:
    """Any text, ready for an HTML-like label: what cannot be printed becomes its escape, as in `repr`."""
    shown = "".join(c if c.isprintable() or c in JOINERS else c.encode("unicode_escape").decode() for c in text)
    if len(shown) > LONGEST:
        shown = shown[: LONGEST - 1] + "…"
    return escape(shown).replace(" ", "&#160;")
