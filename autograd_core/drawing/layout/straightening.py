"""Positions across the flow in a layered drawing: least squares under minimal distances, layer by layer."""

from __future__ import annotations

from itertools import pairwise
from math import fsum, inf

from autograd_core.drawing.layout.ranking import Item, Key, Neighbours

ROUNDS, LARGE, HUGE = 24, 400, 3000  # straightening sweeps; number of items above which there are fewer
CHAIN, LOOSE = 8.0, 0.001  # weights of unbranched edges and of those of parameters; others have 1


def straightened(
    layers: list[list[Key]], before: Neighbours, after: Neighbours, items: dict[Key, Item], gap: float, apart: float
) -> dict[Key, float]:
    """Coordinates across the flow: each item near the mean of its neighbours; long edges weigh most."""
    across: dict[Key, float] = {}
    for layer in layers:
        distances = _distances(layer, items, gap, apart)
        total = fsum(distances)
        position = -total / 2
        for k, d in zip(layer, [0.0, *distances], strict=False):
            position += d
            across[k] = position
    pulls = _pulls(items, before, after)
    rounds = 3 * ROUNDS if len(items) < LARGE else ROUNDS if len(items) < HUGE else 6
    for turn in range(rounds):
        both, down = turn >= rounds - 4, turn % 2 == 0
        for layer in layers if down else reversed(layers):
            wishes, weights = [], []
            for k in layer:
                near = [(n, shift, pulls[n, k]) for n, shift in before[k]] if both or down else []
                near += [(n, shift, pulls[k, n]) for n, shift in after[k]] if both or not down else []
                weight = fsum(w for *_, w in near)
                wishes.append(fsum(w * (across[n] + shift) for n, shift, w in near) / weight if weight else across[k])
                weights.append(weight or 0.1)
            across.update(zip(layer, _spread(wishes, weights, _distances(layer, items, gap, apart)), strict=True))
    return across


def _pulls(items: dict[Key, Item], before: Neighbours, after: Neighbours) -> dict[tuple[Key, Key], float]:
    """The weight of each edge's straightness: high for chains, low for parameters and constants."""
    pulls = {}
    for b, near in before.items():
        flow = [a for a, _ in near if before[a] or items[a].first]
        for a, _ in near:
            chain = len(flow) == 1 and len(after[a]) == 1
            pulls[a, b] = LOOSE if a not in flow else CHAIN if chain else 1.0
    return pulls


def aligned(
    layers: list[list[Key]],
    before: Neighbours,
    after: Neighbours,
    items: dict[Key, Item],
    across: dict[Key, float],
    gap: float,
    apart: float,
) -> None:
    """Place chains and long edges on straight lines where their neighbours leave room."""
    place = {k: (layer, i) for layer in layers for i, k in enumerate(layer)}
    for chain in _chains(before, after, items):
        room: list[tuple[float, float]] = []
        for k, shift in chain:
            layer, i = place[k]
            near = layer[max(i - 1, 0) : i + 2]
            distances = _distances(near, items, gap, apart)
            low = across[near[0]] + distances[0] if i else -inf
            high = across[near[-1]] - distances[-1] if i + 1 < len(layer) else inf
            room.append((low - shift, high - shift))
        low, high = max(low for low, _ in room), min(high for _, high in room)
        if low <= high:
            middle = sorted(across[k] - shift for k, shift in chain)[len(chain) // 2]
            line = min(max(middle, low), high)
            across.update({k: line + shift for k, shift in chain})


def _chains(before: Neighbours, after: Neighbours, items: dict[Key, Item]) -> list[list[tuple[Key, float]]]:
    """Chains of items without branches, with positions relative to the first."""
    following: dict[Key, tuple[Key, float]] = {}
    for (a, b), pull in _pulls(items, before, after).items():
        if pull >= CHAIN:
            following[a] = b, next(shift for n, shift in before[b] if n == a)
    inner = {b for b, _ in following.values()}
    chains = []
    for start in following:
        if start in inner:
            continue
        chain, k, place = [(start, 0.0)], start, 0.0
        while k in following:
            k, shift = following[k]
            place += shift
            chain.append((k, place))
        chains.append(chain)
    return chains


def _distances(layer: list[Key], items: dict[Key, Item], gap: float, apart: float) -> list[float]:
    pairs = pairwise(layer)
    return [items[a].high + items[b].low + (gap if items[a].band == items[b].band else apart) for a, b in pairs]


def _spread(wishes: list[float], weights: list[float], distances: list[float]) -> list[float]:
    """The positions closest to the desired ones in weighted least squares that keep the distances (pool adjacent)."""
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
