"""The engine's overhead: 100 × ``h * x`` on 4×4 float32, as multiples of the same loop in bare NumPy.

Everything runs interleaved in one process, so that the multiples are reliable on a noisy machine.
"""

import json
from time import perf_counter

import numpy as np

from benchmarks.steps import Step

BUDGETS = {"forward": 4.5, "forward + backward": 12.5, "forward + backward, h * constant": 9.0}


def measure(repeats: int = 20, loops: int = 30) -> dict[str, float]:
    """Multiples of the bare loop, best of ``repeats`` interleaved runs of ``loops`` chains each."""
    steps = {"bare": _bare(), **_ours()}
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(repeats):
        for name, step in steps.items():
            start = perf_counter()
            for _ in range(loops):
                step()
            best[name] = min(best[name], perf_counter() - start)
    return {name: best[name] / best["bare"] for name in BUDGETS}


def _bare() -> Step:
    one = np.ones((4, 4), np.float32)
    multiply = np.multiply

    def step() -> None:
        h = one
        for _ in range(100):
            h = multiply(h, one)

    return step


def _ours() -> dict[str, Step]:
    import autograd_core as ag

    one = np.ones((4, 4), np.float32)
    x, constant, seed = ag.tensor(one, requires_grad=True), ag.tensor(one), ag.tensor(one)

    def forward(factor: ag.Tensor = x) -> ag.Tensor:
        h = x
        for _ in range(100):
            h = h * factor
        return h

    def both(factor: ag.Tensor = x) -> None:
        x.grad = None
        forward(factor).backward(seed)

    return dict(zip(BUDGETS, (forward, both, lambda: both(constant)), strict=True))


if __name__ == "__main__":
    print(json.dumps(measure()))
