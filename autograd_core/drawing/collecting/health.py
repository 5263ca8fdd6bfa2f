"""The health of a network: magnitudes for colours, and flags for suspicious values and gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from autograd_core import dtypes
from autograd_core.drawing.graph import Graph, Vertex
from autograd_core.engine.libraries import LIBRARY

DEAD, SATURATED = 0.2, 0.5  # shares of units above which they are flagged
WRONG = ("NaN", "inf")
FLAT = 0.02  # relative to the steepest slope; below, a sigmoid or tanh unit counts as saturated
# Bounded activations -> the steepest slope, and the slope as a function of the output.
SLOPES: dict[str, tuple[float, Callable[[Any], Any]]] = {
    "sigmoid": (0.25, lambda y: y * (1 - y)),
    "tanh": (1.0, lambda y: 1 - y * y),
}
RECTIFIERS = ("relu", "relu6", "relu_of")
Measured = tuple[float | None, tuple[str, ...]]


def root_mean_square(array: Any) -> float | None:
    """The root mean square; None without finite numerical elements."""
    if array is None or not getattr(array, "size", 0) or array.dtype.kind not in dtypes.INEXACT:
        return None
    xp = LIBRARY[array.__class__]
    size = xp.abs(array).astype("float64")
    return float(xp.sqrt((size * size).mean()).item())


def wrong_numbers(array: Any, what: str = "") -> tuple[str, ...]:
    """Flags for NaN and infinity, with their share of the array."""
    if array is None or array.dtype.kind not in "fc" or not array.size:
        return ()
    xp = LIBRARY[array.__class__]
    shares = (("NaN", xp.isnan(array)), ("inf", xp.isinf(array)))
    return tuple(
        f"{what}{name} {_percent(float(found.mean().item()))}" for name, found in shares if bool(found.any().item())
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%" if share >= 0.01 else "<1%"


def activation(op_name: str, array: Any) -> Measured:
    """RMS and flags of the result of an operation."""
    if array is None or not hasattr(array, "dtype"):
        return None, ()
    flags = list(wrong_numbers(array))
    if op_name in RECTIFIERS and array.ndim > 1 and array.shape[0] > 1:
        dead = float((array == 0).all(0).mean().item())  # zero for every sample of the batch
        if dead >= DEAD:
            flags.append(f"dead {_percent(dead)}")
    if op_name in SLOPES and array.size > 1:
        steepest, slope = SLOPES[op_name]
        flat = float((slope(array) < FLAT * steepest).mean().item())
        if flat >= SATURATED:
            flags.append(f"saturated {_percent(flat)}")
    finite = not any(f.startswith(WRONG) for f in flags)
    return (root_mean_square(array) if finite else None), tuple(flags)


def coloured(graph: Graph, measured: Mapping[int, Measured], scale: str) -> Graph:
    """The graph with magnitudes and flags by position; edges get the colour of the value they carry."""
    vertices: list[Vertex] = []
    for i, v in enumerate(graph.vertices):
        magnitude, flags = measured.get(i, (None, ()))
        vertices.append(replace(v, magnitude=magnitude, flags=(*v.flags, *flags)))
    edges = [replace(e, magnitude=vertices[e.source].magnitude) for e in graph.edges]
    return replace(graph, vertices=vertices, edges=edges, scale=scale)


def gradient(g: Any) -> Measured:
    """RMS and flags of a gradient; None is a missing one."""
    if g is None:
        return None, ("no gradient",)
    if hasattr(g, "size") and g.size and not bool((g != 0).any().item()):
        return 0.0, ("gradient is 0",)
    wrong = wrong_numbers(g, "grad ")
    return (None if wrong else root_mean_square(g)), wrong
