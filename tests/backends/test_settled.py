"""Kernels with their decisions made compute what the kernels compute, also for operands that are laid out otherwise."""

import threading

import numpy as np
import pytest

from backends import geometry, registry, threads
from backends.geometry import Geometry, Window
from backends.onednn import choice
from backends.settled import settled

cpu = registry.get("cpu")
library = cpu.library(None)
kernels = library.kernels


def random(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def image(*shape, seed=0):
    return geometry.channels_first(random(shape[0], *shape[2:], shape[1], seed=seed))


def turned(v):
    """The same numbers in another memory order, or a copy of what has only one axis."""
    return np.asarray(v.T, order="C").T if isinstance(v, np.ndarray) and v.ndim > 1 else v


CONV, POOL = Geometry((1, 1), (1, 1), (1, 1), 1), Window((2, 2), (2, 2), (0, 0), (1, 1))
TAPS = geometry.channels_first(np.random.default_rng(1).integers(0, 4, (8, 6, 6, 16), np.uint8))
BATCH = kernels.normalize_batch(image(8, 16, 12, 12), random(16), random(16), 1e-5, True)
CASES = [
    (library.matmul, random(64, 784), random(256, 784).T),
    (library.matmul, random(4, 5), random(5, 6)),
    (library.matmul, random(64, 300, dtype=np.float64), random(300, 20, dtype=np.float64)),
    (library.matmul, random(3, 4, 5), random(3, 5, 6)),
    (kernels.linear, random(64, 784), random(256, 784), random(256)),
    (kernels.linear, random(3, 4), random(5, 4), random(5)),
    (kernels.linear_relu, random(64, 784), random(256, 784), random(256)),
    (kernels.total, random(64, 256), (0,), False),
    (kernels.total, random(64, 256), (1,), True),
    (kernels.total, random(1000, 200), (0,), False),
    (kernels.relu, image(8, 16, 24, 24)),
    (kernels.relu, random(10)),
    (kernels.gate, random(64, 256), random(64, 256, seed=1)),
    (kernels.gate, image(8, 16, 24, 24), image(8, 16, 24, 24, seed=1)),
    (kernels.gate, random(3), random(3, seed=1)),
    (kernels.softmax_nll, random(64, 10), np.arange(64) % 10, None, "mean"),
    (kernels.softmax_nll, random(4, 10, 3), np.arange(12).reshape(4, 3) % 10, None, "sum"),
    (kernels.convolve, image(8, 16, 12, 12), random(32, 16, 3, 3), CONV, random(32)),
    (kernels.convolve, image(8, 16, 12, 12), random(32, 16, 3, 3), CONV, None),
    (kernels.convolve, random(8, 16, 12, 12), random(32, 16, 3, 3), CONV),
    (kernels.convolve_relu, image(8, 16, 12, 12), random(32, 16, 3, 3), CONV, random(32)),
    (kernels.convolve_relu, image(8, 4, 12, 12), random(6, 4, 3, 3), CONV, random(6)),
    (kernels.convolve_input, image(8, 32, 12, 12), random(32, 16, 3, 3), (8, 16, 12, 12), CONV),
    (kernels.convolve_weight, image(8, 32, 12, 12), image(8, 16, 12, 12, seed=1), (32, 16, 3, 3), CONV),
    (kernels.max_of_windows, image(8, 16, 12, 12), POOL, False),
    (kernels.put_taps, image(8, 16, 6, 6), TAPS, (8, 16, 12, 12), POOL),
    (kernels.normalize_batch, image(8, 16, 12, 12), random(16), random(16), 1e-5, True),
    (kernels.normalize_batch, image(8, 16, 12, 12), random(16), random(16), 1e-5, False),
    (kernels.normalize_batch, image(8, 16, 12, 12), None, None, 1e-5, False),
    (kernels.batch_gradients, image(8, 16, 12, 12, seed=1), image(8, 16, 12, 12), BATCH[0], random(16), *BATCH[1:],
     1e-5, True),
]  # fmt: skip


IDS = [f"{i}-{getattr(case[0], '__name__', 'kernel')}" for i, case in enumerate(CASES)]


def negative(v):
    return -v if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v


def flat(found):
    return [v for part in found for v in flat(part)] if isinstance(found, (tuple, list)) else [found]


def same(found, expected):
    for a, b in zip(flat(found), flat(expected), strict=True):
        np.testing.assert_array_equal(a, b)
        assert getattr(a, "strides", None) == getattr(b, "strides", None)


@pytest.mark.parametrize("case", CASES, ids=IDS)
@pytest.mark.parametrize("path", ["auto", "numpy"])
def test_settled_functions_compute_the_same(case, path):
    kernel, *operands = case
    before = choice.chosen()
    choice.choose(path)
    try:
        function = settled(kernel, *operands)
        for given in (operands, [*map(turned, operands)], [*map(negative, operands)]):
            same(function(*given), kernel(*given))
    finally:
        choice.choose(before)


@pytest.mark.parametrize("case", CASES[10:], ids=IDS[10:])
def test_values_that_are_not_finite_go_the_general_way(case):
    kernel, first, *operands = case
    function = settled(kernel, first, *operands)
    odd = first.copy(order="K")
    odd.flat[::7], odd.flat[1::9] = np.nan, np.inf
    with np.errstate(all="ignore"):
        same(function(odd, *operands), kernel(odd, *operands))


def test_most_cases_are_settled():
    assert sum(settled(*case) is case[0] for case in CASES) <= 8


def test_the_situation_is_another_one_after_changes_and_in_other_threads():
    known, count = cpu.situation(), threads.get_num_threads()
    assert cpu.situation() is known
    found = []
    thread = threading.Thread(target=lambda: found.append(cpu.situation()))
    thread.start()
    thread.join()
    threads.set_num_threads(count + 1)
    try:
        found.append(cpu.situation())
    finally:
        threads.set_num_threads(count)
    choice.choose("numpy")
    try:
        assert cpu.situation() is None
    finally:
        choice.choose("auto")
    if choice.active():
        assert len({id(v) for v in (*found, known)}) == 3
