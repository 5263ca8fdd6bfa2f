"""One level of a layered drawing: the items of one cluster, with bends where edges cross layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from autograd_core.drawing.layout.ranking import Item, Key, Link, depth_first, ordered, ranked
from autograd_core.drawing.layout.straightening import aligned, straightened


@dataclass(slots=True)
class Level:
    """Ordered layers of keys, the layer and cross coordinate of every item, and the bends of every link."""

    layers: list[list[Key]]
    rank: dict[Key, int]
    across: dict[Key, float]
    bends: dict[Link, list[Key]]


def level(items: dict[Key, Item], links: Sequence[Link], gap: float, apart: float) -> Level:
    """Arrange items, adding bends where a link passes a layer. gap, apart: distances between items and bands."""
    rank = ranked(items, links)
    bends: dict[Link, list[Key]] = {}
    pairs: dict[tuple[Key, Key], tuple[float, float]] = {}
    for link in links:
        if not link.drawn:
            continue
        chain: list[Key] = []
        for r in range(rank[link.source] + 1, rank[link.target]):
            key = ("bend", link.net, r)
            if key not in items:
                items[key] = Item(low=4, high=4, band=items[link.source].band)
                rank[key] = r
            chain.append(key)
        bends[link] = chain
        whole = [link.source, *chain, link.target]
        for a, b in pairwise(whole):
            out = items[a].exits.get(link.net, 0.0) if a == link.source else 0.0
            into = items[b].entries.get(link.net, 0.0) if b == link.target else 0.0
            pairs[a, b] = out, into
    before: dict[Key, list[tuple[Key, float]]] = {k: [] for k in items}
    after: dict[Key, list[tuple[Key, float]]] = {k: [] for k in items}
    for (a, b), (out, into) in pairs.items():
        if rank[a] < rank[b]:
            before[b].append((a, out - into))
            after[a].append((b, into - out))
    layers: list[list[Key]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for k in depth_first(items, before, rank):
        layers[rank[k]].append(k)
    layers = ordered(layers, before, after, items, len(pairs))
    across = straightened(layers, before, after, items, gap, apart)
    aligned(layers, before, after, items, across, gap, apart)
    return Level(layers, rank, across, bends)
