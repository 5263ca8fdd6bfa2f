"""Line search: a step length that satisfies the strong Wolfe conditions (Nocedal and Wright, ch. 3.5)."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any, NamedTuple

ARMIJO, CURVATURE = 1e-4, 0.9  # constants of the sufficient decrease and the curvature condition


class Point(NamedTuple):
    """A distance, and the loss, gradient and slope there."""

    t: float
    loss: float
    gradient: Any
    slope: float


At = Callable[[float], tuple[float, Any, float]]


def strong_wolfe(at: At, t: float, start: Point, tolerance: float = 1e-9, tries: int = 25) -> tuple[Point, int]:
    """The point found, and the number of evaluations of the loss.

    at: loss, gradient and slope at a distance. t: where to try first. start: the point at 0. tolerance: the length of
    the smallest bracket.
    """
    bracket, count = _bracketed(at, start, Point(t, *at(t)), tries)
    if len(bracket) == 2:
        bracket, count = _zoomed(at, start, bracket, tolerance, count, tries)
    return bracket[0], count + 1


def _too_high(point: Point, start: Point) -> bool:
    return point.loss > start.loss + ARMIJO * point.t * start.slope


def _is_flat(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -CURVATURE * start.slope


def _bracketed(at: At, start: Point, new: Point, tries: int) -> tuple[list[Point], int]:
    """Extend the step until two points bracket a good one, or one is found; also the number of evaluations."""
    before = start
    for count in range(tries):
        if _too_high(new, start) or (count > 1 and new.loss >= before.loss):
            return [before, new], count
        if _is_flat(new, start):
            return [new], count
        if new.slope >= 0:
            return [before, new], count
        near, far = new.t + 0.01 * (new.t - before.t), new.t * 10
        t = _cubic_minimum(before, new, near, far)
        before, new = new, Point(t, *at(t))
    return [start, new], max(tries, 0)


def _zoomed(
    at: At, start: Point, bracket: list[Point], tolerance: float, count: int, tries: int
) -> tuple[list[Point], int]:
    """Narrow a bracket until its lower point is good."""
    stuck = False
    low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
    while count < tries and abs(bracket[1].t - bracket[0].t) >= tolerance:
        t, stuck = _inside(_cubic_minimum(bracket[0], bracket[1]), bracket, stuck)
        new = Point(t, *at(t))
        count += 1
        if _too_high(new, start) or new.loss >= bracket[low].loss:
            bracket[high] = new
            low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
            continue
        good = _is_flat(new, start)
        if not good and new.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = new
        if good:
            break
    return [bracket[low]], count


def _inside(t: float, bracket: list[Point], stuck: bool) -> tuple[float, bool]:
    """A distance that narrows the bracket enough: after two near one end, at least a tenth away from it."""
    least, most = sorted(point.t for point in bracket)
    margin = 0.1 * (most - least)
    if min(most - t, t - least) >= margin:
        return t, False
    if stuck or t >= most or t <= least:
        return (most - margin if abs(t - most) < abs(t - least) else least + margin), False
    return t, True


def _cubic_minimum(a: Point, b: Point, least: float | None = None, most: float | None = None) -> float:
    """The minimum of the cubic through two points with these slopes, within bounds, by default between them."""
    a, b = (a, b) if a.t <= b.t else (b, a)
    least, most = a.t if least is None else least, b.t if most is None else most
    mean = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = mean**2 - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2
    root = sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + root - mean) / (b.slope - a.slope + 2 * root))
    return min(max(t, least), most)
