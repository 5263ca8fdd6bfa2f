"""Colours and their meaning, distinguishable by all readers, on light and on dark backgrounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from autograd_core.drawing.graph import Role

THEMES = ("auto", "light", "dark")
# Fonts of equal width, so that text fits the box measured for it on another machine.
FONT = "Verdana,DejaVu Sans,Geneva,sans-serif"
ALARM, ON_ALARM = "#b34700", "#ffffff"
INK, FAINT = "#1b1f24", "#3b434b"  # text on the light fills of operations, in either theme

# class: (property, on light, on dark). Text has a contrast of at least 4.5:1 with its background.
COLOURS = {
    "paper": ("fill", "#ffffff", "#12161c"),
    "edge": ("stroke", "#6a737d", "#8b949e"),
    "head": ("fill", "#6a737d", "#8b949e"),
    "ink": ("fill", "#1b1f24", "#e6edf3"),
    "faint": ("fill", "#57606a", "#a3adb8"),
    "halo": ("stroke", "#ffffff", "#12161c"),
    "tint": ("stroke", "#f4f6f8", "#191f27"),
    "plain": ("fill", "#ffffff", "#1d232b"),
    "line": ("stroke", "#57606a", "#8b949e"),
    "leaf": ("stroke", "#0072b2", "#56b4e9"),
    "bar": ("fill", "#0072b2", "#56b4e9"),
    "input": ("stroke", "#00805c", "#2cc295"),
    "output": ("stroke", "#1b1f24", "#e6edf3"),
    "buffer": ("stroke", "#a4477f", "#d991bb"),
    "shade": ("fill", "#eceff1", "#2b323b"),
    "cluster": ("fill", "#f4f6f8", "#191f27"),
    "rim": ("stroke", "#b6bec7", "#3d4752"),
    "forward": ("fill", "#f2f7fb", "#161f2a"),
    "backward": ("fill", "#fbf4ee", "#231c18"),
}
STROKES: dict[Role, str] = {"op": "line", "module": "line", "leaf": "leaf", "parameter": "leaf", "buffer": "buffer",
                            "input": "input", "constant": "shade", "output": "output", "copy": "line",
                            "cut": "line"}  # fmt: skip
ROLES: dict[Role, str] = {
    "input": "input", "leaf": "wants a gradient", "parameter": "parameter", "buffer": "buffer", "constant": "constant",
    "module": "module, not opened", "output": "output", "copy": "repeats another node", "cut": "not drawn",
}  # fmt: skip
# Cividis (Nuñez, Anderton and Renslow 2018) in eight steps: as readers of any colour vision see it, dark to light.
STEPS = ("#00224e", "#1d3a6d", "#434e6c", "#61646f", "#7d7c78", "#9d9677", "#c4b468", "#ffea46")


def style_sheet(theme: str) -> str:
    """The rules of all classes; `auto` follows the reader's colour scheme."""
    light = "".join(f".agd .{c}{{{p}:{a}}}" for c, (p, a, _) in COLOURS.items())
    dark = "".join(f".agd .{c}{{{p}:{b}}}" for c, (p, _, b) in COLOURS.items())
    rules = {"light": light, "dark": dark, "auto": f"{light}@media (prefers-color-scheme:dark){{{dark}}}"}[theme]
    scope = {"light": ".agd-light", "dark": ".agd-dark", "auto": ".agd-auto"}[theme]
    fixed = (
        # An outline is a text of its own, below the text: not all viewers know `paint-order`.
        f".agd text{{font-family:{FONT}}}.agd .halo,.agd .tint{{fill:none;stroke-width:3px;stroke-linejoin:round;"
        "user-select:none}.agd .edge,.agd .thin{fill:none}"
    )
    return fixed.replace(".agd", scope) + rules.replace(".agd", scope)


@dataclass(frozen=True, slots=True)
class Scale:
    """A logarithmic colour scale between two powers of ten."""

    low: int
    high: int

    def colour(self, magnitude: float) -> str:
        """The colour of a magnitude, clamped to the ends of the scale."""
        if not magnitude > 0:
            return STEPS[0]
        part = (log10(magnitude) - self.low) / (self.high - self.low) if isfinite(magnitude) else 1
        return STEPS[min(max(int(part * len(STEPS)), 0), len(STEPS) - 1)]


def scale_of(magnitudes: Sequence[float]) -> Scale:
    """The scale from the power of ten below the smallest to that above the largest; three to twelve decades."""
    logs = [log10(m) for m in magnitudes if m > 0 and isfinite(m)] or [0.0]
    low, high = floor(min(logs)), ceil(max(logs))
    low = max(low, high - 12)
    while high - low < 3:
        low, high = (low - 1, high) if (high - low) % 2 else (low, high + 1)
    return Scale(low, high)


def ink_on(colour: str) -> str:
    """Black or white, whichever stands out more."""
    r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (r, g, b)]
    return "#000000" if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 else "#ffffff"
