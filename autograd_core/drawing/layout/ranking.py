"""Assigns each item of a drawing to a layer, and orders the items within layers.

After Sugiyama, Tagawa and Toda (1981): longest paths, then sweeps by barycentres.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

Key = Hashable
Net = tuple[int, str]  # a value: its vertex and the index of its output
Neighbours = Mapping[Key, list[tuple[Key, float]]]  # with the distance that their ports require
SWEEPS, COUNTED = 12, 3000  # ordering sweeps; number of neighbour pairs above which crossings are not counted


@dataclass(slots=True)
class Item:
    """An item of a layer: its thickness along the flow, and its extent across it to either side of its anchor.

    entries, exits: where a net goes in and out, relative to the anchor. band: bands stay apart.
    """

    thickness: float = 0.0
    low: float = 0.0
    high: float = 0.0
    entries: dict[Net, float] = field(default_factory=dict)
    exits: dict[Net, float] = field(default_factory=dict)
    band: int = 0
    first: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A part of a net between two items; `length`: the minimum number of layers it spans."""

    source: Key
    target: Key
    net: Net
    length: int = 1
    drawn: bool = True


def ranked(items: dict[Key, Item], links: Sequence[Link]) -> dict[Key, int]:
    """Layers by the longest path from the left; sources are placed right before their first use."""
    after: dict[Key, list[Link]] = {k: [] for k in items}
    missing = dict.fromkeys(items, 0)
    for link in links:
        after[link.source].append(link)
        missing[link.target] += 1
    start = 1 if any(i.first for i in items.values()) else 0
    rank = {k: 0 if i.first else start for k, i in items.items()}
    sources = [k for k, n in missing.items() if not n and not items[k].first]
    ready = [k for k, n in missing.items() if not n]
    for k in ready:
        for link in after[k]:
            t = link.target
            rank[t] = max(rank[t], rank[k] + link.length)
            missing[t] -= 1
            if not missing[t]:
                ready.append(t)
    for k in sources:
        if after[k]:
            rank[k] = max(rank[k], min(rank[link.target] - link.length for link in after[k]))
    end = max((rank[k] for k, i in items.items() if not i.last), default=0) + 1
    rank.update({k: end for k, i in items.items() if i.last})
    return rank


def depth_first(items: dict[Key, Item], before: Neighbours, rank: dict[Key, int]) -> list[Key]:
    """Items in topological order, depth first, so that related items start close together."""
    seen: dict[Key, None] = {}
    for end in sorted(items, key=lambda k: -rank[k]):
        stack = [end]
        while stack:
            k = stack[-1]
            todo = [a for a, _ in before[k] if a not in seen]
            if todo and k not in seen:
                stack.append(todo[0])
            else:
                seen.setdefault(k)
                stack.pop()
    return list(seen)


def ordered(
    layers: list[list[Key]], before: Neighbours, after: Neighbours, items: dict[Key, Item], size: int
) -> list[list[Key]]:
    best = layers = [sorted(layer, key=lambda k: items[k].band) for layer in layers]
    fewest = _crossings(layers, after) if size <= COUNTED else 0
    for sweep in range(SWEEPS if size <= COUNTED else 4):
        down = sweep % 2 == 0
        layers = [list(layer) for layer in layers]
        place = {k: float(i) for layer in layers for i, k in enumerate(layer)}
        neighbours = before if down else after
        for layer in layers[1:] if down else layers[-2::-1]:
            wish = {k: _mean([place[n] for n, _ in neighbours[k]], place[k]) for k in layer}
            layer.sort(key=lambda k: (items[k].band, wish[k]))
            place.update({k: float(i) for i, k in enumerate(layer)})
        if size > COUNTED:
            best = layers
        elif (crossings := _crossings(layers, after)) < fewest:
            best, fewest = layers, crossings
    return best


def _mean(values: list[float], otherwise: float) -> float:
    return fmean(values) if values else otherwise


def _crossings(layers: list[list[Key]], after: Neighbours) -> int:
    total = 0
    for upper, lower in pairwise(layers):
        place = {k: i for i, k in enumerate(lower)}
        seen: list[int] = []
        for k in upper:
            ends = sorted(place[n] for n, _ in after[k])
            total += sum(len(seen) - bisect_left(seen, e + 1) for e in ends)
            for e in ends:
                insort(seen, e)
    return total
