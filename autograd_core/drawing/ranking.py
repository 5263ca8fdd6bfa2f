"""One level of a layered drawing: which layer each item is in, in which order, and where across the flow.

After Sugiyama, Tagawa and Toda (1981): longest paths, sweeps by barycentres, and least squares under minimal distances.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

Key = Hashable
Net = tuple[int, str]  # a value on its way: its vertex, and which of several outputs
SWEEPS, COUNTED = 12, 3000  # sweeps of ordering; pairs of neighbours, beyond which crossings are not counted
ROUNDS = 24  # of straightening


@dataclass(slots=True)
class Item:
    """Something in a layer: how thick it is along the flow, how far it reaches across it to either side of its anchor.

    entries, exits: where, relative to the anchor, a net goes in and out. band: bands stay apart.
    """

    thickness: float = 0.0
    low: float = 0.0
    high: float = 0.0
    entries: dict[Net, float] = field(default_factory=dict)
    exits: dict[Net, float] = field(default_factory=dict)
    band: int = 0
    first: bool = False
    last: bool = False
    bend: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A net on its way from one item to another; `length`: how many layers it must advance at least."""

    source: Key
    target: Key
    net: Net
    length: int = 1
    drawn: bool = True


@dataclass(slots=True)
class Level:
    """Layers of keys in order, every item's layer and coordinate across the flow, and by link its bends."""

    layers: list[list[Key]]
    rank: dict[Key, int]
    across: dict[Key, float]
    bends: dict[Link, list[Key]]


def ranked(items: dict[Key, Item], links: Sequence[Link]) -> dict[Key, int]:
    """Layers by the longest path from the left; what nothing leads to stands right before its first use."""
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


def level(items: dict[Key, Item], links: Sequence[Link], gap: float, apart: float) -> Level:
    """Arrange items; bends are added to them where a link passes a layer. gap, apart: between items, and bands."""
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
                items[key] = Item(low=4, high=4, band=items[link.source].band, bend=True)
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
    for k in _depth_first(items, before, rank):
        layers[rank[k]].append(k)
    layers = _ordered(layers, before, after, items, len(pairs))
    across = _straightened(layers, before, after, items, gap, apart)
    found = Level(layers, rank, across, bends)
    _aligned(found, items, gap, apart)
    return found


Neighbours = Mapping[Key, list[tuple[Key, float]]]


def _depth_first(items: dict[Key, Item], before: Neighbours, rank: dict[Key, int]) -> list[Key]:
    """Items, each behind what leads to it, so that what belongs together starts close together."""
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


def _ordered(
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
    return sum(values) / len(values) if values else otherwise


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


def _straightened(
    layers: list[list[Key]], before: Neighbours, after: Neighbours, items: dict[Key, Item], gap: float, apart: float
) -> dict[Key, float]:
    """Coordinates across the flow: each item near the mean of its neighbours; long edges weigh most."""
    across: dict[Key, float] = {}
    for layer in layers:
        distances = _distances(layer, items, gap, apart)
        total = sum(distances)
        position = -total / 2
        for k, d in zip(layer, [0.0, *distances], strict=False):
            position += d
            across[k] = position
    rounds = 3 * ROUNDS if len(items) < 400 else ROUNDS if len(items) < COUNTED else 6
    for turn in range(rounds):
        both, down = turn >= rounds - 4, turn % 2 == 0
        for layer in layers if down else reversed(layers):
            wishes, weights = [], []
            for k in layer:
                near = [(n, shift, _pull(items, before, n, k)) for n, shift in before[k]] if both or down else []
                near += [(n, shift, _pull(items, before, k, n)) for n, shift in after[k]] if both or not down else []
                weight = sum(w for *_, w in near)
                wishes.append(sum(w * (across[n] + shift) for n, shift, w in near) / weight if weight else across[k])
                weights.append(weight or 0.1)
            across.update(zip(layer, _spread(wishes, weights, _distances(layer, items, gap, apart)), strict=True))
    return across


def _pull(items: dict[Key, Item], before: Neighbours, a: Key, b: Key) -> float:
    """How strongly an edge wants to be straight: long ones most, those of parameters and constants hardly."""
    if items[a].bend or items[b].bend:
        return 8.0 if items[a].bend and items[b].bend else 2.0
    return 1.0 if before[a] or items[a].first else 0.001


def _aligned(level: Level, items: dict[Key, Item], gap: float, apart: float) -> None:
    """Put the bends of each link on one line, where their neighbours leave room for that."""
    across = level.across
    beside: dict[Key, tuple[float, float]] = {}
    for chain in level.bends.values():
        if len(chain) < 2:
            continue
        for k in chain:
            layer = level.layers[level.rank[k]]
            i = layer.index(k)
            near = layer[max(i - 1, 0) : i + 2]
            distances = _distances(near, items, gap, apart)
            low = across[near[0]] + distances[0] if i else -inf
            high = across[near[-1]] - distances[-1] if i + 1 < len(layer) else inf
            beside[k] = low, high
        low, high = max(beside[k][0] for k in chain), min(beside[k][1] for k in chain)
        if low <= high:
            middle = sorted(across[k] for k in chain)[len(chain) // 2]
            across.update(dict.fromkeys(chain, min(max(middle, low), high)))


def _distances(layer: list[Key], items: dict[Key, Item], gap: float, apart: float) -> list[float]:
    pairs = pairwise(layer)
    return [items[a].high + items[b].low + (gap if items[a].band == items[b].band else apart) for a, b in pairs]


def _spread(wishes: list[float], weights: list[float], distances: list[float]) -> list[float]:
    """The positions nearest to the wishes, by weighted least squares, that keep the distances: pooled neighbours."""
    offset, offsets = 0.0, [0.0]
    for d in distances:
        offset += d
        offsets.append(offset)
    pools: list[list[float]] = []  # mean, weight, how many
    for wish, weight, o in zip(wishes, weights, offsets, strict=True):
        pools.append([wish - o, weight, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, w, n = pools.pop()
            m = pools[-1]
            pools[-1] = [(m[0] * m[1] + mean * w) / (m[1] + w), m[1] + w, m[2] + n]
    flat = [mean for mean, _, n in pools for _ in range(int(n))]
    return [f + o for f, o in zip(flat, offsets, strict=True)]
