"""Curves through points, as the points of cubic Bézier curves: the first, then three for each."""

from __future__ import annotations

from itertools import pairwise

from autograd_core.drawing.layout.placement import Point


def smooth(points: list[Point]) -> list[Point]:
    """Curves through points, parallel to the flow in each; repeated points are skipped."""
    kept = [p for p, before in zip(points, [None, *points], strict=False) if p != before]
    out = kept[:1]
    for (xa, ya), (xb, yb) in pairwise(kept):
        middle = (xa + xb) / 2
        out += [(middle, ya), (middle, yb), (xb, yb)]
    return out


def rounded(points: list[Point], radius: float = 6.0) -> list[Point]:
    """Straight lines through points, with rounded corners, as curves."""
    out = points[:1]
    for i, corner in enumerate(points[1:-1], 1):
        before, after = (_towards(corner, points[k], radius) for k in (i - 1, i + 1))
        out += [out[-1], before, before, corner, corner, after]
    return [*out, out[-1], points[-1], points[-1]]


def _towards(a: Point, b: Point, by: float) -> Point:
    """The point at a distance from one point towards another, at most halfway."""
    length = abs(a[0] - b[0]) + abs(a[1] - b[1])
    part = min(by / length, 0.5) if length else 0.0
    return a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part
