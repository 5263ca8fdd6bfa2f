"""Twenty steps of every optimizer, as numbers that PyTorch 2.13 gave for the same gradients in float64.

`trajectories.json` holds, for every optimizer and choice of options, a digest of each parameter after 5 and after 20
steps: a weighted sum of its elements. Gradients do not depend on the parameters, and are sines of position and step, so
that every element differs; the second parameter has none in every third step.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import optim

CASES = json.loads(Path(__file__).with_name("trajectories.json").read_text())
SHAPES = [(4, 3), (5,), (), (2, 3, 2, 2)]


def wave(shape, start, dtype):
    angles = np.reshape(start + 1.3 * np.arange(np.prod(shape, dtype=int)) ** 1.1, shape)
    return np.sin(angles) + 1j * np.cos(2 * angles) if dtype == "complex128" else np.sin(angles)


def digest(values):
    flat = np.ravel(values)
    total = (flat * np.cos(0.3 * np.arange(flat.size))).sum()
    return float(total.real + 2 * total.imag)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['optimizer']}-{case['options']}-{case['dtype']}")
def test_trajectory(case):
    dtype = case["dtype"]
    params = [ag.tensor(wave(s, i, dtype), requires_grad=True) for i, s in enumerate(SHAPES)]
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in case["options"].items()}
    optimizer = getattr(optim, case["optimizer"])(params, **options)
    found = []
    for step in range(20):
        for i, (p, s) in enumerate(zip(params, SHAPES, strict=True)):
            p.grad = None if (step % 3, i) == (1, 1) else ag.tensor(wave(s, 2 * step + 5 * i + 1, dtype))
        optimizer.step()
        if step in (4, 19):
            found += [digest(p.detach().numpy()) for p in params]
    assert found == pytest.approx(case["values"], rel=1e-9, abs=1e-11)
    assert set(optimizer.state[params[0]]) == set(case["state"])
