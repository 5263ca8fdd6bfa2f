"""Numbers, names and shapes as a picture shows them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from math import fsum
from pathlib import PurePath
from typing import Any

LONGEST = 60
PLAIN = (bool, int, float, str, tuple)  # static parameters that are informative and reproducible
JOINERS = "\u200c\u200d"  # format characters that scripts and emoji need to be spelt at all
# Widths in thousandths of the font size, of Verdana and of DejaVu Sans, which are equally wide.
NARROW, WIDE, BOLD = "iIjl.,:;'!|()[]{} ft", "mwMW@%", 1.12


def number(value: Any) -> str:
    """A number, or the element of an array of one; nothing for anything else."""
    if value is None or getattr(value, "size", 1) != 1:
        return ""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool | int):
        return str(value)
    text = f"{value if isinstance(value, complex) else float(value):.5g}"
    return text if set(text) & set(".enj") else text + ".0"


def magnitude_text(value: float) -> str:
    """A magnitude in two digits."""
    short = float(f"{value:.2g}")
    return (
        f"{short:g}" if 1e-3 <= short < 1e5 or short == 0 else f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e")
    )


def array_text(shape: tuple[int, ...] | None, dtype: str) -> str:
    """Shape and dtype; only the dtype for a single number."""
    return f"{shape or ''} {dtype}".strip()


def printable(text: object, longest: int = LONGEST) -> str:
    """Any text on one line: unprintable characters are escaped as in `repr`; long text ends in dots."""
    shown = "".join(c if c.isprintable() or c in JOINERS else c.encode("unicode_escape").decode() for c in str(text))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def xml(text: str) -> str:
    """Printable text as the content of an XML element or of a quoted attribute."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(character, entity)
    return text


def width_of(text: str, size: float, bold: bool = False) -> float:
    """The approximate width of a line of text, rounded up."""
    return fsum(map(_advance, text)) * size * (BOLD if bold else 1)


def _advance(c: str) -> float:
    if c in NARROW:
        return 0.42
    if c in WIDE:
        return 0.98
    if c.isascii():
        return 0.76 if c.isupper() or c in "+<=>~#" else 0.64
    if unicodedata.combining(c) or c in JOINERS:
        return 0
    return 1.4 if unicodedata.east_asian_width(c) in "WF" else 0.85


def operation_hint(op: Any, result: str, kept: Mapping[str, Any], line: str) -> str:
    """The tooltip of an operation: its call with static parameters, result, description and line of code."""
    plain = {k: kept[k] for k in op.statics if isinstance(kept.get(k), PLAIN)}
    fields = [v._asdict() if hasattr(v, "_asdict") else {k: v} for k, v in plain.items()]
    settings = [f"{k}={v!r}"[:40] for part in fields for k, v in part.items()]
    named = [f"*{n}" if op.variadic else n for n in op.inputs]
    call = f"{op.name}({', '.join([*named, *settings])})"
    if len(named) == 2 and op.symbol and not any(map(str.isalnum, op.symbol)):
        call += f" = {named[0]} {op.symbol} {named[1]}"
    meaning = (getattr(op, "doc", None) or "").strip().split("\n\n", 1)[0].replace("\n", " ")
    return "\n".join(filter(None, [call + (f" → {result}" if result else ""), meaning, line and f"at {line}"]))


def short_line(line: str) -> str:
    """The name of a file without its folders, and the line."""
    return PurePath(line).name


def count_text(n: int) -> str:
    """A count in three digits: 269722 is 270 k."""
    for size, unit in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if n >= size:
            return f"{n / size:.3g}{unit}"
    return str(n)
